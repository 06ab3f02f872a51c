"""A chat that writes to nobody: everything goes through, nothing is posted."""

from bot.cases.lifecycle import State
from bot.desk.null_chat import NullChat
from bot.ports.chat import PostedMessage
from bot.ports.connector import EffectStatus
from bot.ports.question_log import PostedQuestion
from tests.fakes.directory import principal
from tests.world import World


def silent(store) -> World:
    return World(store, chat=NullChat())


def test_a_case_lives_its_whole_life_without_a_message(store):
    world = silent(store)
    case = world.proposed()
    world.approve(case)
    world.work()
    assert world.case(case).state is State.RESOLVED
    (card,) = world.store.cards.cards(case.id)
    assert (card.ts, card.channel) == ("", "C0STOCK")
    assert world.store.outbox.parked_messages() == []


def test_a_reopened_case_retires_a_card_that_was_never_posted(store):
    world = silent(store)
    case = world.proposed()
    world.clear(case.signal)
    world.work()
    world.receive(world.signal())
    world.work()
    assert [card.generation for card in world.store.cards.cards(case.id)] == [2, 1]
    assert world.store.outbox.parked_messages() == []


def test_lists_homes_and_answers_go_nowhere():
    chat = NullChat()
    question = PostedQuestion(
        id="q1",
        person=principal("ana"),
        user="UANA",
        text="what is open?",
        channel="D1",
        thread="",
        is_direct=True,
    )
    assert chat.post_digest(None, None, look_first=False) == ""
    assert chat.post_storm(None, None, look_first=False) == ""
    assert chat.start_answer(question) == ""
    assert chat.publish_home(None) is None
    assert chat.post_progress(question, "", "looking") is None
    assert chat.answer(question, None, look_first=False) is None


def test_a_message_of_a_plan_counts_as_delivered():
    chat = NullChat()
    assert chat.send("C0STOCK", "an order is on its way", "key") == ""
    assert chat.find_message("C0STOCK", "key") is EffectStatus.LANDED


def test_there_is_no_copy_of_what_was_never_posted(store):
    chat = NullChat()
    copy = PostedMessage("EX-1", "C0STOCK", "1.0")
    assert chat.messages_about("EX-1", "C0STOCK", 0.0) == []
    assert chat.remove(copy) is None
    world = silent(store)
    case = world.proposed()
    (card,) = world.store.cards.cards(case.id)
    assert chat.mark_as_copy(copy, "EX-1", card) is None

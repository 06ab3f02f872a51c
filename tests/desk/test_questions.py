"""Questions to the desk: counts and names from the record, nothing about what one may not see, "why" from what was written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.advisors import without_memory
from bot.cases.actor import Surface
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest, NotEligible
from bot.desk.raising import QuotedMessage
from bot.ports.case_store import ReceiptOutcome
from bot.ports.outbox import OutboxMessage, Topic
from bot.ports.question_log import PostedQuestion, QuestionRecord
from knowledge.memory.minilm import MiniLM
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.vector_index import VectorIndex
from tests.fakes.directory import principal
from tests.fakes.mind import mind
from tests.world import World, request

ANA, BEN, CARLA, FINN, OMAR = map(principal, ("ana", "ben", "carla", "finn", "omar"))
NOTHING = "There is no such case, or none that you may see."


def ask(world, text, by=ANA, **more):
    return world.desk.conversation.questions.answer(text, by=by, **more)


def ids(answer):
    return [line.case_id for line in answer.lines]


def test_what_is_open_is_counted_and_linked_to_its_cards(world):
    case = world.proposed()
    answer = ask(world, "what is open?")
    assert (answer.text, ids(answer), answer.reading) == ("1 case.", [case.id], "open cases")
    assert (answer.lines[0].channel, answer.lines[0].ts) == ("C0STOCK", "1.0")


def test_what_waits_on_me_is_what_i_may_decide_and_have_not(world):
    case = world.proposed()
    assert ids(ask(world, "what waits on me?")) == [case.id]
    assert ids(ask(world, "what waits on me?", CARLA)) == []
    assert ask(world, "what waits on me?", FINN).text == "Nothing waits on you."
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA,
        to=FINN,
        kind="",
        begins_at=now,
        ends_at=now + timedelta(hours=1),
        surface=Surface.SLACK,
    )
    assert ids(ask(world, "what waits on me?", FINN)) == [case.id]
    world.approve(case)
    assert ids(ask(world, "what waits on me?")) == []


def test_a_case_that_one_may_not_see_reads_like_one_that_does_not_exist(world):
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    for text in (
        f"show {case.id}",
        "show EX-999",
        f"why was {case.id} rejected?",
        f"why didn't you just do it? {case.id}",
    ):
        answer = ask(world, text, FINN)
        assert (answer.text, answer.lines) == (NOTHING, ())
    assert ask(world, "what is open?", FINN).text == "None that you may see."
    assert ask(world, "how many cases today?", FINN).text == "0 cases."
    assert ids(ask(world, "how many today?", FINN)) == []
    assert ids(ask(world, f"show {case.id}", ANA)) == [case.id]
    assert ask(world, "merlot running low gibberish words here now", FINN).lines == ()


def test_whoever_was_named_on_it_sees_it_wherever_they_are(world):
    case = world.proposed()
    world.people.channels["C0STOCK"] = set()
    assert ids(ask(world, "what is open?", FINN)) == []
    world.desk.decisions.hand_over(
        request(case.id, BEN, world.seen(case)), to=FINN, progress="counted", remains="order"
    )
    assert ids(ask(world, "what is open?", FINN)) == [case.id]
    assert ids(ask(world, "what waits on me?", FINN)) == [case.id]


def test_why_is_what_was_recorded(world):
    case = world.proposed()
    world.desk.decisions.reject(
        request(case.id, ANA, world.seen(case)),
        reason=RejectReason.WRONG_PLAN,
        note="closed on Mondays",
    )
    answer = ask(world, f"why was {case.id} rejected, and by whom?", OMAR)
    assert (
        answer.text == "Ana rejected it on 21 Nov 12:00: the plan is wrong (“closed on Mondays”)."
    )
    other = world.store.cases.case(world.receive(world.signal("product:2")).case_id)
    world.work()
    assert "nobody has decided" in ask(world, f"why {other.id}").text
    told = ask(world, "why didn't you just do it?", case_id=other.id)
    assert told.text == (
        "Because one reversible change, moving £100.00: that is low risk, which policy lets nobody do without "
        "1 approval; and this kind is supervised."
    )


def test_how_many_and_how_long(world):
    for number, hours in enumerate((1, 2, 5)):
        case = world.store.cases.case(world.receive(world.signal(f"product:{number}")).case_id)
        world.work()
        world.clock.forward(hours=hours)
        world.approve(case)
        world.work()
    answer = ask(world, "how many today, and how long did they take?")
    assert (
        answer.text == "3 cases. Half were decided within 2 hours, half had ended within 2 hours."
    )


def test_what_went_away_by_itself_was_handled_without_anybody(world):
    case = world.proposed()
    world.clear(case.signal)
    assert ids(ask(world, "what did you handle without me?")) == [case.id]


def test_what_is_not_understood_says_so_with_the_closest_and_examples(world):
    case = world.proposed()
    answer = ask(world, "merlot pineapple zeppelin")
    assert (answer.text, ids(answer), answer.reading) == (
        "I did not understand that. The closest cases:",
        [case.id],
        "",
    )
    assert answer.examples
    assert ask(world, "zeppelin").text == "I did not understand that."


def placed(text="what is open?", **more):
    base = {
        "id": "C0OPS:1.0",
        "person": ANA,
        "user": "UANA",
        "text": text,
        "channel": "C0OPS",
        "thread": "1.0",
    }
    return PostedQuestion(**{**base, "is_direct": False, **more})


def put(world, question):
    from dataclasses import asdict

    asked = QuestionRecord(
        id=question.id, asked_at=world.clock(), person=question.person, text=question.text
    )
    return world.desk.store.question_log.record(
        asked,
        OutboxMessage(
            topic=Topic.ANSWER,
            key=f"answer:{question.id}",
            case_id="",
            run_at=world.clock(),
            payload=asdict(question),
        ),
    )


def test_a_question_that_slack_delivers_twice_is_answered_once(world):
    world.proposed()
    assert [put(world, placed()), put(world, placed())] == [True, False]
    world.work()
    put(world, placed())
    world.work()
    assert len(world.chat.answers) == 1


def test_what_was_not_understood_or_did_not_help_is_kept_for_review(world):
    long_ago = world.clock() - timedelta(days=1)
    put(world, placed("zeppelin", id="C:1"))
    put(world, placed("what is open?", id="C:2"))
    world.work()
    assert [
        one.text for one in world.desk.store.question_log.questions(long_ago, only_unanswered=True)
    ] == ["zeppelin"]
    assert not world.desk.store.question_log.record_vote("C:2", BEN, "down")
    assert world.desk.store.question_log.record_vote("C:2", ANA, "down")
    assert len(world.desk.store.question_log.questions(long_ago, only_unanswered=True)) == 2


# --- where others read it ----------------------------------------------------------------------------------------------------

PUBLIC = (
    "how many are open?",
    "what is open?",
    "how many today, and how long did they take?",
    "anything about merlot?",
    "what did you handle without me?",
    "merlot pineapple zeppelin",
)


def said_in(world, channel, text, **more):
    """The answer that everyone in the channel reads; None when the asker alone is told."""
    question = placed(text, channel=channel, id=f"{channel}:{len(world.chat.answers)}", **more)
    put(world, question)
    world.work()
    answer = world.chat.answers[-1][1]
    return answer if answer.is_public else None


@pytest.mark.threat("C8")
@pytest.mark.parametrize("text", PUBLIC)
def test_an_answer_that_others_read_counts_nothing_of_another_channel(world, text):
    """Twelve cases here fill every line that is shown; one in a channel that not everybody here is in changes only the numbers."""
    from bot.cases.signal import UNRECOGNISED

    world.people.channels["C0OPS"] = {"ana"}
    for number in range(12):
        world.receive(world.signal(f"product:{number}"))
        world.clock.forward(seconds=1)
    cleared = world.signal("product:99")
    world.receive(cleared)
    world.clear(cleared)
    world.work()
    alone = said_in(world, "C0STOCK", text)
    secret = world.signal("vault:1", kind=UNRECOGNISED, title="Merlot is gone from the vault")
    world.receive(secret)
    world.work()
    if "without me" in text:
        world.clear(secret)
    assert alone is not None
    assert said_in(world, "C0STOCK", text) is None
    mine = world.chat.answers[-1][1]
    assert (mine.text, mine.lines) != (alone.text, alone.lines) or mine.more != alone.more
    # Whoever sees no more than everybody here is answered in the open, and with the same words.
    again = said_in(world, "C0STOCK", text, person=BEN)
    assert again is not None
    assert (again.text, again.more) == (alone.text, alone.more)


@pytest.mark.threat("C8")
def test_what_one_knows_as_a_party_is_told_to_them_alone(world):
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    world.desk.decisions.hand_over(
        request(case.id, BEN, world.seen(case)), to=FINN, progress="counted", remains="order"
    )
    assert said_in(world, "C0OPS", "how many are open?", person=FINN) is None
    assert said_in(world, "C0OPS", f"show {case.id}", person=FINN) is None
    assert said_in(world, "C0STOCK", "what waits on me?") is None
    assert said_in(world, "C0STOCK", f"show {case.id}") is not None


@pytest.mark.threat("C8")
def test_the_digest_of_a_channel_counts_no_question_from_elsewhere(world):
    from bot.desk.digest import digest_message

    world.proposed()
    for number, channel in enumerate(("C0STOCK", "C0OPS", "D0ANA")):
        put(world, placed("zeppelin", channel=channel, id=f"{channel}:{number}.0"))
    world.work()
    world.clock.forward(minutes=1)
    world.desk.store.outbox.enqueue([digest_message("C0STOCK", world.clock(), world.clock())])
    world.work()
    assert world.chat.digests[-1].figures.questions == 1


# --- with a model ------------------------------------------------------------------------------------------------------------


class ScriptedTalker:
    """Uses the tools as it was told, and says what it was told."""

    name = "scripted"

    def __init__(self, says, asks=("what is open?",), shows=()):
        self.says, self.asks, self.shows, self.heard = says, asks, shows, []

    def answer(self, text, tools, tell):
        self.heard += [tools.search(question) for question in self.asks]
        self.heard += [tools.show(case_id) for case_id in self.shows]
        return self.says


def test_a_models_tools_look_through_the_askers_eyes(store):
    talker = ScriptedTalker("Here you are.", shows=("EX-1", "EX-77"))
    world = World(store, mind(talker=talker))
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    answer = ask(world, "tell me about the wine", FINN)
    assert (answer.model_text, answer.model, answer.lines) == ("Here you are.", "scripted", ())
    assert (
        talker.heard[1]
        == talker.heard[2]
        == '{"error": "There is no such case, or none that you may see."}'
    )
    assert "Merlot" not in "".join(talker.heard)
    seen = ask(world, "tell me about the wine", ANA)
    assert ids(seen) == [case.id]


def test_without_an_answer_from_the_model_the_grammar_answers(store):
    world = World(store, mind(talker=ScriptedTalker(None)))
    world.proposed()
    assert ask(world, "what is open?").text == "1 case."


# --- raising by hand -----------------------------------------------------------------------------------------------------------


def test_what_a_person_raises_goes_the_way_of_every_signal_and_they_may_not_approve_it(world):
    raised = world.desk.raising.raise_case(
        by=ANA, title="Merlot is out", key="v1", kind="low_stock", facts={"product_id": "1"}
    )
    again = world.desk.raising.raise_case(
        by=ANA, title="Merlot is out", key="v1", kind="low_stock", facts={"product_id": "1"}
    )
    assert (raised.outcome, again.outcome, again.case_id) == (
        ReceiptOutcome.OPENED,
        ReceiptOutcome.DUPLICATE,
        raised.case_id,
    )
    world.work()
    case = world.store.cases.case(raised.case_id)
    assert (case.signal.requester, case.signal.facts["product_id"], case.activity.people) == (
        ANA,
        1,
        (ANA,),
    )
    with pytest.raises(NotEligible, match="raised or edited"):
        world.approve(case)


def test_what_is_raised_without_a_kind_is_looked_at_like_any_unknown(world):
    raised = world.desk.raising.raise_case(
        by=OMAR,
        title="  odd   smell ",
        key="C:1:U",
        words="in the cellar",
        message=QuotedMessage(link="https://x"),
    )
    world.work()
    case = world.store.cases.case(raised.case_id)
    assert (case.kind, case.signal.title, case.signal.facts) == (
        "unrecognised",
        "odd smell",
        {"words": "in the cellar", "link": "https://x"},
    )


@pytest.mark.parametrize(
    ("change", "why"), [({"title": "  "}, "few words"), ({"by": "T1/UGUEST"}, "members")]
)
def test_who_and_what_cannot_be_raised(world, change, why):
    from bot.cases.approval import Person

    world.people.people["T1/UGUEST"] = Person("T1/UGUEST", "Gus", guest=True)
    with pytest.raises((BadRequest, NotEligible), match=why):
        world.desk.raising.raise_case(**{"by": ANA, "title": "x", "key": "k", **change})


# --- by meaning ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def remembering(store, tmp_path):
    """A world with a real memory behind the questions."""
    opened = []

    def thinking(shelf, clock):
        embedder = MiniLM()
        memory = PrecedentMemory(
            shelf,
            embedder,
            VectorIndex(tmp_path / "memory", "", embedder.identity),
            answer_timeout=60,
        )
        memory.open()
        opened.append(memory)
        return replace(without_memory(shelf, clock), memory=memory)

    yield World(store, thinking)
    opened[0].close()


def test_what_no_word_finds_is_found_by_meaning_among_what_one_may_see(remembering):
    world = remembering
    world.receive(world.signal(title="Almost out of red wine for Saturday"))
    world.work()
    case = world.store.cases.case("EX-1")
    world.approve(case)
    world.work()
    answer = ask(world, "anything about shortages of wine this week?")
    assert (
        answer.text == "None in these words. What was decided in cases that mean something like it:"
    )
    assert ids(answer) == ["EX-1"]
    assert ids(ask(world, "our bottles of wine could be gone on Saturday, hm")) == ["EX-1"]
    assert ask(world, "anything about forklift batteries?").text == "None that you may see."
    world.people.channels["C0STOCK"] = {"ana"}
    assert ask(world, "anything about shortages of wine this week?", FINN).lines == ()

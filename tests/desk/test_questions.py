"""Questions to the desk: read as queries, and answered over what the asker may see when it is answered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.advisors import without_memory
from bot.cases.approval import Person
from bot.cases.errors import BadRequest, NotEligible
from bot.cases.signal import UNRECOGNISED
from bot.desk.answers.answering import WHICH_CASE
from bot.desk.digest import digest_message
from bot.desk.raising import QuotedMessage
from bot.ports.case_store import ReceiptOutcome
from bot.ports.outbox import Topic
from bot.ports.question_log import PostedQuestion
from bot.views.query import (
    ME,
    About,
    Ask,
    Condition,
    Grouping,
    NameType,
    Order,
    Period,
    Query,
    QuestionContext,
    Reading,
)
from knowledge.memory.minilm import MiniLM
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.vector_index import VectorIndex
from tests.fakes.directory import principal
from tests.world import World, request

ANA, BEN, CARLA, FINN, OMAR = map(principal, ("ana", "ben", "carla", "finn", "omar"))
NOT_VISIBLE = "There is no such case, or none that you may see."
OPEN = Condition(is_open=True)
LIST_OPEN = Query(ask=Ask.LIST, condition=OPEN)
COUNT_OPEN = Query(ask=Ask.COUNT, condition=OPEN)
WAITING_ON_ME = Query(ask=Ask.LIST, condition=Condition(is_open=True, waits_on=ME))
READINGS = {
    "what is open?": Reading(query=LIST_OPEN),
    "how many are open?": Reading(query=COUNT_OPEN),
    "what waits on me?": Reading(query=WAITING_ON_ME),
    "anything about merlot?": Reading(
        query=Query(ask=Ask.LIST, condition=Condition(text="Merlot"))
    ),
    "what is stuck?": Reading(query=LIST_OPEN, left_aside=("stuck",)),
    "per team": Reading(query=Query(ask=Ask.GROUP, condition=OPEN, grouping=Grouping.TEAM)),
    "how many today": Reading(
        query=Query(ask=Ask.COUNT, condition=Condition(opened=Period(begin="today", end="today")))
    ),
    "big": Reading(
        query=LIST_OPEN,
        alternatives=(replace(LIST_OPEN, order=Order.LARGEST, limit=3),),
        is_uncertain=True,
    ),
    "mostly open": Reading(query=LIST_OPEN, alternatives=(COUNT_OPEN,)),
}

LOOKED_AT = Reading(query=Query(ask=Ask.STATUS, about=About.EVIDENCE))


class ScriptedReader:
    """Reads what it knows, and records the context of each question."""

    def __init__(self, readings=READINGS) -> None:
        self.readings = dict(readings)
        self.contexts: list[QuestionContext] = []
        self.texts: list[str] = []

    def read(self, text, context):
        self.contexts.append(context)
        self.texts.append(text)
        return self.readings.get(text)


@pytest.fixture
def reader():
    return ScriptedReader()


@pytest.fixture
def questions(world, reader):
    return replace(world.desk.conversation.questions, reader=reader)


def case_ids(answer):
    return [row.case.id for row in answer.rows]


def posted(text="what is open?", **more):
    base = {
        "id": "C0OPS:1.0",
        "person": ANA,
        "user": "UANA",
        "text": text,
        "channel": "C0OPS",
        "thread": "1.0",
        "conversation": "C0OPS:1.0",
    }
    return PostedQuestion(**{**base, "is_direct": False, **more})


def put(world, questions, question):
    """Post a question and have it answered as the worker does."""
    questions.receive(question)
    for message in world.store.outbox.claim([Topic.ANSWER], 5, world.clock(), 30):
        questions.run(message)
    return world.chat.answers[-1][1] if world.chat.answers else None


# --- reading and answering ------------------------------------------------------------------------


def test_a_question_is_answered_with_its_cases_and_how_it_was_read(world, questions):
    case = world.proposed()
    answer = questions.answer("what is open?", by=ANA)
    assert answer.text == "One case, £312.50, since 12:00 today."
    assert (case_ids(answer), answer.reading) == ([case.id], "open cases")
    assert (answer.rows[0].channel, answer.rows[0].ts) == ("C0STOCK", "1.0")


def test_what_waits_on_me_is_what_i_may_decide_and_have_not(world, questions):
    case = world.proposed()
    assert case_ids(questions.answer("what waits on me?", by=ANA)) == [case.id]
    assert case_ids(questions.answer("what waits on me?", by=CARLA)) == []
    text = questions.answer("what waits on me?", by=FINN).text
    assert text.startswith("No open case waits on you.")
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA,
        to=FINN,
        kind="",
        begins_at=now,
        ends_at=now + timedelta(hours=1),
        surface="slack",
    )
    assert case_ids(questions.answer("what waits on me?", by=FINN)) == [case.id]
    world.approve(case)
    assert case_ids(questions.answer("what waits on me?", by=ANA)) == []


@pytest.mark.threat("E2")
def test_a_case_that_one_may_not_see_reads_like_one_that_does_not_exist(world, questions, reader):
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    for about in (None, About.DECISION, About.VERDICT, About.EXPIRY, About.TRAIL):
        for ask in (Ask.STATUS, Ask.WHY, Ask.WHO, Ask.EXPLAIN_DECISION, Ask.ACT):
            for case_id in (case.id, "EX-999"):
                query = Query(ask=ask, case_id=case_id, about=about)
                answer = questions.answer_query(query, by=FINN)
                assert (answer.text, answer.rows, answer.facts) == (NOT_VISIBLE, (), ())
    assert questions.answer("what is open?", by=FINN).text == "No open case."
    assert questions.answer("how many today", by=FINN).text == "No case opened today."
    assert questions.answer("merlot running low gibberish", by=FINN).rows == ()
    shown = questions.answer_query(Query(ask=Ask.STATUS, case_id=case.id), by=ANA)
    assert case_ids(shown) == [case.id]


def test_whoever_was_named_on_it_sees_it_wherever_they_are(world, questions):
    case = world.proposed()
    world.people.channels["C0STOCK"] = set()
    assert case_ids(questions.answer("what is open?", by=FINN)) == []
    world.desk.decisions.hand_over(
        request(case.id, BEN, world.seen(case)), to=FINN, progress="counted", remains="order"
    )
    assert case_ids(questions.answer("what is open?", by=FINN)) == [case.id]
    assert case_ids(questions.answer("what waits on me?", by=FINN)) == [case.id]


@pytest.mark.threat("E1")
def test_words_that_were_left_aside_are_named(world, questions):
    world.proposed()
    answer = questions.answer("what is stuck?", by=ANA)
    assert answer.left_aside == ("stuck",)
    assert len(answer.rows) == 1


@pytest.mark.threat("E1")
def test_what_is_not_understood_says_so_with_the_closest_and_examples(world, questions):
    case = world.proposed()
    answer = questions.answer("merlot pineapple zeppelin", by=ANA)
    assert (answer.text, answer.rows_title, case_ids(answer), answer.reading) == (
        "I did not understand that.",
        "The closest cases:",
        [case.id],
        "",
    )
    assert answer.examples
    nothing = questions.answer("zeppelin", by=ANA)
    assert (nothing.text, nothing.rows) == ("I did not understand that.", ())


def test_in_a_thread_what_is_not_understood_says_what_can_be_said_there(world, questions):
    case = world.proposed()
    answer = questions.answer("zeppelin", by=ANA, case_id=case.id)
    assert answer.text.startswith("I did not understand that. ")
    assert "approve" in answer.text


def test_a_long_question_is_read_in_its_beginning(world, questions, reader):
    questions.answer("x" * 10_000, by=ANA)
    assert [len(text) for text in reader.texts] == [2_000]


def test_the_readers_context_is_the_case_the_channel_and_what_the_asker_may_know(
    world, questions, reader
):
    world.proposed()
    questions.answer("what is open?", by=ANA, case_id="EX-1", channel="C0STOCK")
    context = reader.contexts[-1]
    assert (context.person, context.case_id, context.channel) == (ANA, "EX-1", "C0STOCK")
    assert any(name.type is NameType.TEXT and name.name == "Merlot" for name in context.names)
    world.people.channels["C0STOCK"] = {"ana"}
    questions.answer("what is open?", by=FINN)
    assert not [name for name in reader.contexts[-1].names if name.type is NameType.TEXT]


def test_times_are_those_of_the_askers_own_clock(world, questions):
    world.proposed()
    world.people.people[ANA] = Person(ANA, "Ana", zone="Asia/Tokyo")
    assert questions.answer("what is open?", by=ANA).text.endswith("since 21:00 today.")


def test_a_query_needs_no_reading(world, questions, reader):
    case = world.proposed()
    assert case_ids(questions.answer_query(WAITING_ON_ME, by=ANA)) == [case.id]
    assert reader.texts == []


def test_a_period_that_is_none_is_said(world, questions):
    query = Query(ask=Ask.LIST, condition=Condition(opened=Period(begin="blah")))
    assert questions.answer_query(query, by=ANA).text.startswith("I do not know when “blah” is.")


# --- other readings -------------------------------------------------------------------------------


@pytest.mark.threat("E1")
def test_an_uncertain_reading_is_offered_and_not_guessed(world, questions):
    world.proposed()
    answer = put(world, questions, posted("big"))
    assert answer.text == "I can read that in more than one way. Which do you mean?"
    assert answer.choices == ("open cases", "the 3 largest of open cases")
    assert (answer.rows, answer.reading) == ((), "")
    chosen = questions.answer_choice("C0OPS:1.0", 1, by=ANA)
    assert (chosen.reading, case_ids(chosen)) == ("the 3 largest of open cases", ["EX-1"])


def test_the_other_readings_of_an_answer_can_be_chosen_afterwards(world, questions):
    world.proposed()
    put(world, questions, posted("mostly open"))
    assert questions.choices("C0OPS:1.0", by=ANA) == (
        "how many open cases",
        "open cases waiting on you",
        "the money at stake in open cases",
    )
    assert questions.answer_choice("C0OPS:1.0", 0, by=ANA).text.startswith("One open case")


def test_only_the_person_who_asked_may_choose(world, questions):
    put(world, questions, posted("big"))
    assert questions.choices("C0OPS:1.0", by=BEN) == ()
    for person, number in ((BEN, 0), (ANA, 7), (ANA, -1)):
        with pytest.raises(BadRequest, match="not offered"):
            questions.answer_choice("C0OPS:1.0", number, by=person)


# --- conversations --------------------------------------------------------------------------------


def test_the_question_before_is_the_context_of_the_next_for_an_hour(world, questions, reader):
    world.proposed()
    put(world, questions, posted("what is open?"))
    put(world, questions, posted("per team", id="C0OPS:2.0"))
    previous = reader.contexts[-1].previous
    assert (previous.query, previous.case_ids) == (LIST_OPEN, ("EX-1",))
    world.clock.forward(minutes=61)
    put(world, questions, posted("per team", id="C0OPS:3.0"))
    assert reader.contexts[-1].previous is None


def test_a_conversation_is_that_of_one_person_in_one_place(world, questions, reader):
    put(world, questions, posted("what is open?"))
    put(world, questions, posted("per team", id="C0OPS:2.0", person=BEN))
    assert reader.contexts[-1].previous is None
    put(world, questions, posted("per team", id="C0OPS:3.0", conversation="C0OPS:9.0"))
    assert reader.contexts[-1].previous is None


def test_what_was_not_understood_is_no_context(world, questions, reader):
    put(world, questions, posted("what is open?"))
    put(world, questions, posted("zeppelin", id="C0OPS:2.0"))
    put(world, questions, posted("per team", id="C0OPS:3.0"))
    assert reader.contexts[-1].previous.query == LIST_OPEN


def test_a_chosen_reading_is_the_context_of_what_is_asked_next(world, questions, reader):
    put(world, questions, posted("big"))
    questions.answer_choice("C0OPS:1.0", 1, by=ANA)
    put(world, questions, posted("per team", id="C0OPS:2.0"))
    assert reader.contexts[-1].previous.query.order is Order.LARGEST


def test_a_fact_that_names_no_case_is_one_of_the_case_at_hand(world, questions, reader):
    world.proposed()
    reader.readings["what did you look at"] = LOOKED_AT
    in_thread = posted("what did you look at", case_id="EX-1")
    assert case_ids(put(world, questions, in_thread)) == ["EX-1"]
    put(world, questions, posted("what is open?", id="C0OPS:2.0"))
    answer = put(world, questions, posted("what did you look at", id="C0OPS:3.0"))
    assert case_ids(answer) == ["EX-1"]
    assert answer.text != WHICH_CASE


def test_a_fact_of_no_case_hides_nothing_that_was_spoken_of_before(world, questions, reader):
    for number in range(2):
        world.receive(world.signal(subject=f"product:{number}", key=f"p{number}"))
    world.work()
    reader.readings["what did you look at"] = LOOKED_AT
    put(world, questions, posted("what is open?"))
    answer = put(world, questions, posted("what did you look at", id="C0OPS:2.0"))
    assert (answer.text, answer.rows) == (WHICH_CASE, ())
    put(world, questions, posted("per team", id="C0OPS:3.0"))
    assert reader.contexts[-1].previous.query == LIST_OPEN


def test_questions_by_command_are_a_conversation_too(world, questions, reader):
    questions.answer("what is open?", by=ANA, conversation="/exceptions:C0OPS")
    world.clock.forward(seconds=1)
    questions.answer("per team", by=ANA, conversation="/exceptions:C0OPS")
    assert reader.contexts[-1].previous.query == LIST_OPEN


# --- what is recorded -----------------------------------------------------------------------------


def test_a_question_that_slack_delivers_twice_is_answered_once(world, questions):
    world.proposed()
    for _ in range(2):
        put(world, questions, posted())
    assert len(world.chat.answers) == 1


def test_what_was_not_understood_or_did_not_help_is_kept_for_review(world, questions):
    long_ago = world.clock() - timedelta(days=1)
    log = world.store.question_log
    put(world, questions, posted("zeppelin", id="C:1"))
    put(world, questions, posted("what is open?", id="C:2"))
    records = log.questions(long_ago, only_unanswered=True)
    assert [record.text for record in records] == ["zeppelin"]
    assert not log.record_vote("C:2", BEN, "down")
    assert log.record_vote("C:2", ANA, "down")
    assert len(log.questions(long_ago, only_unanswered=True)) == 2


@pytest.mark.threat("E6")
def test_an_asker_who_left_the_channel_gets_nothing_of_it(world, questions):
    world.proposed()
    questions.receive(posted("what is open?"))
    world.people.channels["C0STOCK"] = {"omar"}
    (message,) = world.store.outbox.claim([Topic.ANSWER], 1, world.clock(), 30)
    questions.run(message)
    answer = world.chat.answers[-1][1]
    assert (answer.text, answer.rows) == ("No open case.", ())


# --- where others read it -------------------------------------------------------------------------

PUBLIC = ("how many are open?", "what is open?", "how many today", "anything about merlot?")


def answer_in(world, questions, channel, text, **more):
    """The answer that everyone in the channel reads; None when the asker alone is told."""
    number = len(world.chat.answers)
    question = posted(text, channel=channel, id=f"{channel}:{number}", **more)
    answer = put(world, questions, question)
    return answer if answer.is_public else None


@pytest.mark.threat("C8")
@pytest.mark.parametrize("text", PUBLIC)
def test_an_answer_that_others_read_counts_nothing_of_another_channel(world, questions, text):
    """Twelve cases here fill every row; one in a channel that not everybody here is in changes only the numbers."""
    world.people.channels["C0OPS"] = {"ana"}
    for number in range(12):
        world.receive(world.signal(f"product:{number}"))
        world.clock.forward(seconds=1)
    world.work()
    alone = answer_in(world, questions, "C0STOCK", text)
    secret = world.signal("vault:1", kind=UNRECOGNISED, title="Merlot is gone from the vault")
    world.receive(secret)
    world.work()
    assert alone is not None
    assert answer_in(world, questions, "C0STOCK", text) is None
    mine = world.chat.answers[-1][1]
    assert (mine.text, mine.total) != (alone.text, alone.total)
    # Whoever sees no more than everybody here is answered in the open, and with the same words.
    again = answer_in(world, questions, "C0STOCK", text, person=BEN)
    assert again is not None
    assert (again.text, again.total) == (alone.text, alone.total)


@pytest.mark.threat("C8")
def test_what_one_knows_as_a_party_is_told_to_them_alone(world, questions, reader):
    case = world.proposed()
    reader.readings["show it"] = Reading(query=Query(ask=Ask.STATUS, case_id=case.id))
    world.people.channels["C0STOCK"] = {"ana"}
    world.desk.decisions.hand_over(
        request(case.id, BEN, world.seen(case)), to=FINN, progress="counted", remains="order"
    )
    assert answer_in(world, questions, "C0OPS", "how many are open?", person=FINN) is None
    assert answer_in(world, questions, "C0OPS", "show it", person=FINN) is None
    assert answer_in(world, questions, "C0STOCK", "what waits on me?") is None


@pytest.mark.threat("C8")
def test_a_name_that_only_the_asker_knows_is_not_said_before_others(world, questions, reader):
    """A typing error is corrected to the name in a case that others here may not see."""
    world.proposed()
    world.people.channels["C0OPS"] = {"ana"}
    vault = world.signal("vault:1", kind=UNRECOGNISED, title="Vault Brothers owe us")
    world.receive(vault)
    world.work()
    for name, is_public in (("Merlot", True), ("Vault Brothers", False)):
        exclusion = Condition(text=name, is_overdue=True)
        query = Query(ask=Ask.LIST, condition=replace(OPEN, channel="C0STOCK", exclusion=exclusion))
        reader.readings["open ones here"] = Reading(query=query)
        answer = answer_in(world, questions, "C0STOCK", "open ones here")
        assert (answer is not None) is is_public


@pytest.mark.threat("C8")
def test_the_digest_of_a_channel_counts_no_question_from_elsewhere(world, questions):
    world.proposed()
    for number, channel in enumerate(("C0STOCK", "C0OPS", "D0ANA")):
        put(world, questions, posted("zeppelin", channel=channel, id=f"{channel}:{number}.0"))
    world.work()
    world.clock.forward(minutes=1)
    world.store.outbox.enqueue([digest_message("C0STOCK", world.clock(), world.clock())])
    world.work()
    assert world.chat.digests[-1].figures.questions == 1


# --- with a model ---------------------------------------------------------------------------------


def test_a_model_reads_first_and_is_named(world, questions):
    world.proposed()
    model_reader = ScriptedReader(
        {"tell me about the wine": Reading(query=LIST_OPEN, model="scripted")}
    )
    questions = replace(questions, model_reader=model_reader)
    answer = questions.answer("tell me about the wine", by=ANA)
    assert (answer.read_by, case_ids(answer)) == ("scripted", ["EX-1"])


@pytest.mark.threat("E2")
def test_a_model_reads_names_that_the_asker_may_know_and_no_case(world, questions):
    world.proposed()
    world.people.channels["C0STOCK"] = {"ana"}
    model_reader = ScriptedReader(
        {"tell me about the wine": Reading(query=LIST_OPEN, model="scripted")}
    )
    questions = replace(questions, model_reader=model_reader)
    answer = questions.answer("tell me about the wine", by=FINN)
    assert (answer.text, answer.rows) == ("No open case.", ())
    assert "Merlot" not in str(model_reader.contexts)


@pytest.mark.threat("E4")
def test_what_a_model_cannot_read_is_read_without_it(world, questions):
    world.proposed()
    questions = replace(questions, model_reader=ScriptedReader({}))
    answer = questions.answer("what is open?", by=ANA)
    assert (answer.read_by, case_ids(answer)) == ("", ["EX-1"])


def test_progress_is_shown_step_by_step(world, questions):
    world.proposed()
    steps = []
    questions.answer("what is open?", by=ANA, on_progress=steps.append)
    assert steps == ["Reading your question", "Looking through the cases that you may see"]


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


def test_what_no_word_finds_is_found_by_meaning_among_what_one_may_see(remembering, reader):
    world = remembering
    questions = replace(world.desk.conversation.questions, reader=reader)
    for name, text in (("wine", "shortages of wine"), ("forklifts", "forklift batteries")):
        query = Query(ask=Ask.LIST, condition=Condition(text=text))
        reader.readings[name] = Reading(query=query)
    world.receive(world.signal(title="Almost out of red wine for Saturday"))
    world.work()
    case = world.store.cases.case("EX-1")
    world.approve(case)
    world.work()
    world.mind.memory.catch_up()
    answer = questions.answer("wine", by=ANA)
    assert answer.text == "No case about “shortages of wine”."
    assert answer.rows_title == "Decided before, about something similar:"
    assert case_ids(answer) == ["EX-1"]
    closest = questions.answer("our bottles of wine could be gone on Saturday, hm", by=ANA)
    assert case_ids(closest) == ["EX-1"]
    assert questions.answer("forklifts", by=ANA).rows == ()
    world.people.channels["C0STOCK"] = {"ana"}
    assert questions.answer("wine", by=FINN).rows == ()


# --- before the first question -------------------------------------------------------------------


def test_what_the_first_question_needs_is_prepared_without_asking_slack(small_world, monkeypatch):
    """At a start Slack may be away, and has more to do than to list people."""
    small_world.proposed()

    def fail(*_, **__):
        raise AssertionError("Slack was asked")

    with monkeypatch.context() as patch:
        patch.setattr(type(small_world.people), "person", fail)
        patch.setattr(type(small_world.people), "members_of", fail)
        small_world.desk.conversation.questions.warm_up()
    names = small_world.desk.conversation.questions.vocabulary.warm_up()
    assert "Merlot" in {name.value for name in names}

"""Nobody learns of a case that they may not see: by an id, a title, a name, a number or a silence.

Everything is asked twice, before there is a hidden case and after. Whatever it is, the two answers
are the same to the letter, down to the places of the buttons.
"""

import itertools
import json
from dataclasses import asdict, replace
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.cases.signal import UNRECOGNISED
from bot.ports.outbox import Topic
from bot.ports.question_log import PostedQuestion
from bot.views.query import (
    ME,
    About,
    Act,
    Ask,
    Condition,
    Grouping,
    LastDecision,
    Measure,
    Order,
    Period,
    Query,
    Reading,
)
from handlers.cards.answer_blocks import answer_blocks
from tests.fakes.directory import principal
from tests.world import World, request

pytestmark = pytest.mark.proof

ANA, BEN, CARLA, DEV, ELSIE, FINN, OMAR = map(
    principal, ("ana", "ben", "carla", "dev", "elsie", "finn", "omar")
)
NAMES = ("ana", "ben", "carla", "dev", "elsie", "finn", "omar")
SECRET = "Zephyrine"
AMOUNT = "987654"
#: The ids that hidden cases will get.
HIDDEN_IDS = ("EX-3", "EX-4")
NOT_VISIBLE = "There is no such case, or none that you may see."

CONDITIONS = (
    Condition(),
    Condition(is_open=True),
    Condition(is_open=False),
    Condition(text=SECRET),
    Condition(is_open=True, text=SECRET),
    Condition(kinds=(UNRECOGNISED,)),
    Condition(is_unrecognised=True),
    Condition(channel="C0OPS"),
    Condition(owner="ops-leads"),
    Condition(waits_on="ops-leads"),
    Condition(waits_on=ME),
    Condition(decided_by=BEN),
    Condition(decision=LastDecision.REJECTED),
    Condition(min_stake=Decimal(900_000)),
    Condition(is_open=True, min_stake=Decimal(900_000), waits_on="ops-leads"),
    Condition(opened=Period(begin="today", end="today")),
    Condition(due_within="tomorrow"),
    Condition(raised_by=DEV),
    Condition(exclusion=Condition(kinds=("low_stock",))),
)


@pytest.fixture
def world(store):
    """Build the desk on both databases."""
    return World(store)


def plain_queries():
    """Return a query of every kind; what differs between two of a kind goes round."""
    orders = itertools.cycle((None, *Order))
    groupings = itertools.cycle(itertools.product(Grouping, (Measure.COUNT, Measure.STAKE_SUM)))
    measures = itertools.cycle(Measure)
    asks = itertools.cycle((Ask.WHEN, Ask.WHO, Ask.WHY, Ask.STATUS, Ask.EXPLAIN_DECISION))
    for condition in CONDITIONS:
        yield Query(ask=Ask.LIST, condition=condition, order=next(orders))
        yield Query(ask=Ask.LIST, condition=condition, order=Order.LARGEST, limit=1)
        yield Query(ask=Ask.COUNT, condition=condition, measure=Measure.COUNT)
        yield Query(ask=Ask.COUNT, condition=condition, measure=next(measures))
        yield Query(ask=Ask.SUM, condition=condition, measure=Measure.STAKE_SUM)
        yield Query(ask=Ask.HOW_LONG, condition=condition, measure=Measure.MEDIAN_TIME_TO_DECIDE)
        for grouping, measure in itertools.islice(groupings, 4):
            yield Query(ask=Ask.GROUP, condition=condition, grouping=grouping, measure=measure)
        for ask in itertools.islice(asks, 2):
            yield Query(ask=ask, condition=condition)


def queries_about_cases():
    """Return a query about every part of the cases that will be hidden."""
    asks = (Ask.WHEN, Ask.WHO, Ask.WHY, Ask.STATUS, Ask.EXPLAIN_DECISION, Ask.WHO_MAY_APPROVE)
    for case_id, (place, about) in itertools.product(HIDDEN_IDS, enumerate((None, *About))):
        yield Query(ask=asks[place % len(asks)], about=about, case_id=case_id)
        yield Query(ask=Ask.STATUS, about=about, case_id=case_id)
    for case_id, act in itertools.product(HIDDEN_IDS, Act):
        yield Query(ask=Ask.ACT, act=act, case_id=case_id, to=OMAR, until="monday")


def queries_about_others():
    """Return queries about people, the desk and the product."""
    for about in About:
        yield Query(ask=Ask.CAPABILITY, about=about)
        yield Query(ask=Ask.WHO, about=about, of="ops-leads")
        yield Query(ask=Ask.WHO, about=about, of=BEN)
    yield Query(ask=Ask.HELP, about=About.ASKING)
    yield Query(ask=Ask.ACT, act=Act.REMIND, of=BEN)
    yield Query(ask=Ask.ACT, act=Act.APPROVE, condition=Condition(is_open=True))
    yield Query(ask=Ask.SMALL_TALK)
    yield Query(ask=Ask.OUT_OF_SCOPE)


TEXTS = (
    f"anything about {SECRET}?",
    f"{SECRET} Syndicate",
    f"open stuff for {SECRET.casefold()}",
    "status EX-3",
    "who approved EX-4",
    "why was EX-4 rejected",
    "approve EX-3",
    "how many are open",
    "how much is open in total",
    "list everything in #operations",
    "open cases by kind",
    "what came in today",
    "what waits on ben",
    "anything over 900k",
    "who is holding things up?",
    "biggest one",
    "what did ben reject",
    "what fits no playbook",
    "zephyrin",
)


@pytest.fixture
def company(world):
    """Two cases that everybody may see, and a channel that only some are in."""
    world.people.channels["C0STOCK"] = set(NAMES)
    world.people.channels["C0OPS"] = {"ben", "elsie"}
    world.people.change("omar", guest=True)
    world.proposed()
    rejected = world.receive(world.signal("product:2", title="Rioja is running low"))
    world.work()
    reject(world, rejected.case_id, "ana", "ordered by phone")
    return world


def reject(world, case_id, name, note):
    world.desk.decisions.reject(
        request(case_id, principal(name), world.seen(case_id)),
        reason=RejectReason.WRONG_PLAN,
        note=note,
    )


def hide(world):
    """Open one case and reject another in the channel that only some are in."""
    for number in (1, 2):
        signal = world.signal(
            f"secret:{number}",
            kind=UNRECOGNISED,
            title=f"{SECRET} Syndicate {number} wants {AMOUNT}",
            facts={"amount": int(AMOUNT), "customer": f"{SECRET} Syndicate"},
        )
        world.receive(signal)
        world.work()
    reject(world, HIDDEN_IDS[1], "ben", f"{SECRET} is bankrupt")
    world.work()
    assert [world.store.cases.case(one).channel for one in HIDDEN_IDS] == ["C0OPS", "C0OPS"]


def drawn(answer):
    """Return all that Slack is given of an answer."""
    return json.dumps(answer_blocks(answer, lambda channel, ts: f"{channel}/{ts}", "q1"))


def answers_of(world, person, channel):
    questions = world.desk.conversation.questions
    queries = [*plain_queries(), *queries_about_cases(), *queries_about_others()]
    answers = {}
    for number, query in enumerate(queries):
        answers[f"{number} {query}"] = drawn(
            questions.answer_query(query, by=person, channel=channel)
        )
    for text in TEXTS:
        answers[text] = drawn(questions.answer(text, by=person, channel=channel))
    return answers


@pytest.mark.threat("E2")
@pytest.mark.parametrize(
    ("name", "channel"), [("ana", ""), ("carla", "C0STOCK"), ("omar", "C0OPS")]
)
def test_a_hidden_case_changes_no_answer(company, name, channel):
    person = principal(name)
    before = answers_of(company, person, channel)
    hide(company)
    after = answers_of(company, person, channel)
    differing = [asked for asked, answer in before.items() if after[asked] != answer]
    assert differing == []


def test_those_of_the_channel_do_see_it(company):
    """So the test above tells something."""
    before = answers_of(company, BEN, "")
    hide(company)
    after = answers_of(company, BEN, "")
    differing = [asked for asked, answer in before.items() if after[asked] != answer]
    assert len(differing) > len(before) / 3
    assert SECRET in after[TEXTS[0]]


@pytest.mark.threat("E2")
def test_a_case_of_others_and_one_that_is_not_there_get_the_same_words(company):
    hide(company)
    questions = company.desk.conversation.questions
    for query in queries_about_cases():
        hidden = questions.answer_query(query, by=ANA)
        missing = questions.answer_query(replace(query, case_id="EX-999"), by=ANA)
        assert drawn(hidden).replace(query.case_id, "EX-999") == drawn(missing)
    plain = Query(ask=Ask.STATUS, case_id=HIDDEN_IDS[0])
    assert questions.answer_query(plain, by=ANA).text == NOT_VISIBLE
    for case_id in HIDDEN_IDS:
        hidden = drawn(questions.answer(f"what is {case_id} about", by=ANA))
        missing = drawn(questions.answer("what is EX-999 about", by=ANA))
        assert hidden.replace(case_id, "EX-999") == missing


@pytest.mark.threat("E2")
def test_a_party_sees_their_own_and_nothing_beside_it(company):
    hide(company)
    questions = company.desk.conversation.questions
    company.desk.decisions.hand_over(
        request(HIDDEN_IDS[0], BEN, company.seen(HIDDEN_IDS[0])),
        to=FINN,
        progress="looked at it",
        remains="call them",
    )
    answer = questions.answer_query(Query(ask=Ask.LIST, condition=Condition(text=SECRET)), by=FINN)
    assert [row.case.id for row in answer.rows] == [HIDDEN_IDS[0]]
    count = questions.answer_query(
        Query(ask=Ask.COUNT, condition=Condition(text=SECRET), measure=Measure.COUNT), by=FINN
    )
    assert HIDDEN_IDS[1] not in drawn(count)
    assert count.total == 1


# --- who has left ------------------------------------------------------------------------------


def post(world, text, number, **more):
    """Record a question as a message does; it is answered later."""
    base = {
        "id": f"C0OPS:{number}.0",
        "person": ELSIE,
        "user": "UELSIE",
        "text": text,
        "channel": "C0OPS",
        "thread": "1.0",
        "is_direct": False,
        "conversation": "C0OPS:1.0",
    }
    world.desk.conversation.questions.receive(PostedQuestion(**{**base, **more}))


def answer_posted(world):
    questions = world.desk.conversation.questions
    for message in world.store.outbox.claim([Topic.ANSWER], 9, world.clock(), 30):
        questions.run(message)
    return world.chat.answers[-1][1]


def leave(world, name):
    world.people.channels["C0OPS"].discard(name)


@pytest.mark.threat("E6")
@pytest.mark.parametrize("text", TEXTS)
def test_who_left_before_the_answer_learns_nothing(company, text):
    hide(company)
    post(company, text, 1)
    leave(company, "elsie")
    late = drawn(answer_posted(company))
    question = text.casefold()
    unasked = [case_id for case_id in HIDDEN_IDS if case_id not in text]
    assert not any(case_id in late for case_id in unasked)
    assert "Syndicate" not in late or "syndicate" in question
    assert AMOUNT not in late.replace(",", "")


@pytest.mark.threat("E6")
def test_who_left_learns_nothing_by_asking_on(company):
    hide(company)
    post(company, f"anything about {SECRET}?", 1)
    assert SECRET in drawn(answer_posted(company))
    leave(company, "elsie")
    for number, text in enumerate(("and who rejected it?", "the other one", "why", "how many"), 2):
        post(company, text, number)
        answer = answer_posted(company)
        # The reading may name the case that they saw themselves, and nothing of it.
        late = drawn(replace(answer, reading=""))
        assert not any(case_id in late for case_id in HIDDEN_IDS), text
        assert "bankrupt" not in late
        assert "Syndicate" not in late


@pytest.mark.threat("E6")
def test_a_reading_that_was_offered_is_answered_for_whoever_chooses_it_now(company):
    hide(company)
    questions = company.desk.conversation.questions
    query = Query(ask=Ask.LIST, condition=Condition(text=SECRET))
    reader = _Offering(query)
    questions = replace(questions, reader=reader)
    posted = PostedQuestion(
        id="C0OPS:9.0",
        person=ELSIE,
        user="UELSIE",
        text="zeph",
        channel="C0OPS",
        thread="1.0",
        is_direct=True,
        conversation="C0OPS:1.0",
    )
    questions.receive(posted)
    for message in company.store.outbox.claim([Topic.ANSWER], 9, company.clock(), 30):
        questions.run(message)
    leave(company, "elsie")
    answer = questions.answer_choice(posted.id, 0, by=ELSIE)
    assert not answer.rows
    assert not any(case_id in drawn(answer) for case_id in HIDDEN_IDS)


class _Offering:
    """Reads nothing for certain."""

    def __init__(self, query):
        self.query = query

    def read(self, text, context):
        return Reading(query=self.query, alternatives=(self.query,), is_uncertain=True)


def test_the_question_itself_is_all_that_the_log_keeps_of_it(company):
    """A question is kept as it was typed, and read by nobody but whoever may."""
    post(company, f"anything about {SECRET}?", 1)
    (message,) = company.store.outbox.claim([Topic.ANSWER], 9, company.clock(), 30)
    assert set(message.payload) == set(asdict(PostedQuestion(**message.payload)))

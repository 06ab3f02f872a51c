"""What is told of the past holds nothing of a channel that the asker cannot read.

The hidden case is like the one that is asked about and was decided last. Every question is asked
before there is a hidden case and after: the two answers are the same to the letter.
"""

import json

import pytest

from bot.cases.entries import RejectReason
from bot.views.query import About, Ask, Condition, LastDecision, Measure, Query
from handlers.cards.answer_blocks import answer_blocks
from tests.fakes.directory import principal
from tests.world import World, playbook, request

ANA, BEN, FINN = map(principal, ("ana", "ben", "finn"))
NAMES = ("ana", "ben", "carla", "dev", "elsie", "finn", "omar")
#: They are not in the channel of the hidden case.
OUTSIDERS = (ANA, FINN)
KIND = "low_stock"
TITLE = "Merlot is running low"
SECRET = "Zephyrine"
PAST, ASKED_ABOUT, HIDDEN = "EX-1", "EX-2", "EX-3"
REJECTED = Condition(kinds=(KIND,), decision=LastDecision.REJECTED)

QUERIES = (
    *(Query(ask=ask, about=About.PRECEDENTS, case_id=ASKED_ABOUT) for ask in (Ask.STATUS, Ask.WHY)),
    Query(ask=Ask.STATUS, about=About.PRECEDENTS, case_id=HIDDEN),
    Query(ask=Ask.STATUS, about=About.RECOMMENDATION, case_id=ASKED_ABOUT),
    Query(ask=Ask.STATUS, about=About.CONFIDENCE, case_id=ASKED_ABOUT),
    Query(ask=Ask.EXPLAIN_DECISION, about=About.VERDICT, case_id=ASKED_ABOUT),
    Query(ask=Ask.LIST, condition=REJECTED),
    Query(ask=Ask.COUNT, condition=REJECTED),
    Query(ask=Ask.COUNT, measure=Measure.REJECTION_RATE, condition=Condition(kinds=(KIND,))),
    Query(ask=Ask.HOW_LONG, condition=Condition(kinds=(KIND,))),
    Query(ask=Ask.WHY, about=About.DECISION, condition=REJECTED),
    Query(ask=Ask.WHO, about=About.DECISION, condition=REJECTED),
)
TEXTS = (
    f"how did we handle {ASKED_ABOUT} last time?",
    f"has anything like {ASKED_ABOUT} happened before?",
    "how did we handle low stock last time?",
    "how often is low stock rejected",
    "how long does low stock usually take",
    "why was low stock rejected",
    f"what happened with {SECRET}",
    f"how did we handle {HIDDEN}",
)


@pytest.fixture
def world(store):
    """Build the desk on both databases."""
    return World(store)


@pytest.fixture
def company(world):
    """One case that was rejected, and one like it that waits."""
    world.people.channels["C0STOCK"] = set(NAMES)
    world.people.channels["C0OPS"] = {"ben"}
    world.proposed()
    reject(world, PAST, "ana", "ordered by phone")
    world.receive(world.signal("product:2", title=TITLE))
    world.work()
    return world


def reject(world, case_id, name, note):
    world.desk.decisions.reject(
        request(case_id, principal(name), world.seen(case_id)),
        reason=RejectReason.NOT_WORTH_IT,
        note=note,
    )
    world.work()


def hide(world):
    """Reject a case of the same kind and title in the channel of a few."""
    own_playbook = world.library.book
    world.library.book = playbook(channel="C0OPS")
    world.receive(world.signal("product:3", title=TITLE, facts={"customer": SECRET}))
    world.work()
    assert world.store.cases.case(HIDDEN).channel == "C0OPS"
    reject(world, HIDDEN, "ben", f"{SECRET} is bankrupt")
    world.library.book = own_playbook


def drawn(answer):
    """Return all that Slack is given of an answer."""
    return json.dumps(answer_blocks(answer, lambda channel, ts: f"{channel}/{ts}", "q1"))


def all_answers(world, person):
    questions = world.desk.conversation.questions
    answers = {}
    for query in QUERIES:
        answers[str(query)] = drawn(questions.answer_query(query, by=person))
    for text in TEXTS:
        answers[text] = drawn(questions.answer(text, by=person, case_id=ASKED_ABOUT))
        answers[f"{text} "] = drawn(questions.answer(text, by=person))
    return answers


@pytest.mark.threat("E2")
def test_a_hidden_case_changes_no_answer_about_the_past(company):
    before = {person: all_answers(company, person) for person in OUTSIDERS}
    hide(company)
    for person in OUTSIDERS:
        for question, answer in all_answers(company, person).items():
            assert answer == before[person][question], question


@pytest.mark.threat("E2")
@pytest.mark.parametrize("person", OUTSIDERS)
def test_a_hidden_precedent_is_neither_named_nor_counted(company, person):
    hide(company)
    for question, answer in all_answers(company, person).items():
        assert SECRET not in answer or SECRET in question
        assert HIDDEN not in answer or HIDDEN in question
        assert "bankrupt" not in answer
    query = QUERIES[0]
    answer = company.desk.conversation.questions.answer_query(query, by=person)
    assert [row.case.id for row in answer.rows] == [ASKED_ABOUT, PAST]
    assert "That is the only decided case of this kind that you may see." in answer.facts


def test_whoever_is_in_both_channels_is_told_of_both(company):
    """So that the tests above are about the channel and about nothing else."""
    hide(company)
    answer = company.desk.conversation.questions.answer_query(QUERIES[0], by=BEN)
    assert {row.case.id for row in answer.rows} == {PAST, ASKED_ABOUT, HIDDEN}
    assert f"{SECRET} is bankrupt" in drawn(answer)
    assert "2 rejected" in answer.facts[-1]

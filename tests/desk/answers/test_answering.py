"""One answer for every kind of query: the parts are asked for what is theirs."""

from dataclasses import dataclass, field, replace

import pytest

from bot.cases.entries import RejectReason
from bot.desk.answers.answering import NO_CAUSE, WHICH_CASE, QueryAnswers
from bot.desk.answers.closest import ClosestCases
from bot.views.answers import Answer, Offer
from bot.views.query import ANY_CASE, About, Act, Ask, Condition, Grouping, Order, Period, Query
from tests.desk.answers.test_lists import OPEN, open_cases
from tests.desk.answers.whole_condition import WHOLE
from tests.fakes.directory import principal
from tests.world import request


@dataclass
class RecordingAnswers:
    """Records what it was asked, and answers with its name."""

    name: str
    has_offers: bool = False
    queries: list = field(default_factory=list)
    summaries: list = field(default_factory=list)

    def answer(self, query, *subjects):
        self.queries.append(query)
        offers = (Offer(act=Act.APPROVE),) if self.has_offers and query.case_id else ()
        return Answer(text=self.name, offers=offers)

    def summarise(self, query, cases, asker, *, total=0):
        self.summaries.append([case.id for case in cases])
        return Answer(text=f"{self.name} of {len(cases)}")


@pytest.fixture
def answers(world, desk):
    return QueryAnswers(
        visibility=desk.visibility,
        lists=desk.lists,
        figures=desk.figures,
        nearest=desk.nearest,
        closest=ClosestCases(
            queries=world.store.queries, memory=world.mind.memory, clock=world.clock
        ),
        words=desk.words,
        case_facts=RecordingAnswers("facts"),
        people=RecordingAnswers("people"),
        product=RecordingAnswers("product"),
        acts=RecordingAnswers("acts", has_offers=True),
    )


def case_ids(answer):
    return [row.case.id for row in answer.rows]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (Query(ask=Ask.HELP, about=About.ASKING), "product"),
        (Query(ask=Ask.CAPABILITY, about=About.KINDS), "product"),
        (Query(ask=Ask.SMALL_TALK), "product"),
        (Query(ask=Ask.OUT_OF_SCOPE), "product"),
        (Query(ask=Ask.WHO, about=About.BLOCKER, condition=OPEN), "people"),
        (Query(ask=Ask.WHO, about=About.STAND_IN, of="T1/UBEN"), "people"),
        (Query(ask=Ask.WHO, about=About.MEMBERS, of="finance"), "people"),
        (Query(ask=Ask.WHEN, about=About.PAUSE), "people"),
        (Query(ask=Ask.ACT, act=Act.RAISE), "acts"),
        (Query(ask=Ask.ACT, act=Act.PAUSE, condition=Condition(kinds=("low_stock",))), "acts"),
        (Query(ask=Ask.WHO, about=About.DECISION), WHICH_CASE),
    ],
)
def test_each_kind_of_query_has_its_part(answers, desk, query, text):
    answer = answers.answer(query, desk.asker())
    assert answer.text == text
    assert answer.reading


@pytest.mark.parametrize(
    "ask",
    [Ask.STATUS, Ask.WHO, Ask.WHY, Ask.WHEN, Ask.EXPLAIN_DECISION, Ask.WHO_MAY_APPROVE],
)
def test_the_facts_of_one_case_are_shown_with_its_row(world, desk, answers, ask):
    open_cases(world, (100, 300))
    answer = answers.answer(Query(ask=ask, case_id="EX-2"), desk.asker())
    assert (answer.text, case_ids(answer), answer.total) == ("facts", ["EX-2"], 1)


def test_a_condition_that_fits_one_case_is_about_that_case(world, desk, answers):
    open_cases(world, (100, 300))
    query = Query(ask=Ask.WHO, about=About.OWNER, condition=OPEN, order=Order.OLDEST, limit=1)
    answer = answers.answer(query, desk.asker())
    assert case_ids(answer) == ["EX-1"]
    assert answers.case_facts.queries[-1].case_id == "EX-1"
    second = replace(query, limit=None, nth=2)
    assert case_ids(answers.answer(second, desk.asker())) == ["EX-2"]


def test_a_condition_that_fits_several_is_summarised_with_all_of_them(world, desk, answers):
    open_cases(world, (100, 300, 5))
    query = Query(ask=Ask.STATUS, condition=OPEN)
    answer = answers.answer(query, desk.asker())
    assert (answer.text, answer.total) == ("facts of 3", 3)
    assert sorted(case_ids(answer)) == ["EX-1", "EX-2", "EX-3"]


def test_a_condition_that_fits_none_says_so(world, desk, answers):
    query = Query(ask=Ask.WHY, about=About.DECISION, condition=Condition(text="Zanzibar"))
    assert answers.answer(query, desk.asker()).text == "No case about “Zanzibar”."


def test_a_time_that_one_case_takes_is_its_own(world, desk, answers):
    open_cases(world, (100, 300))
    query = Query(ask=Ask.HOW_LONG, case_id="EX-1", about=About.OPENING)
    assert answers.answer(query, desk.asker()).text == "facts"
    oldest = Query(ask=Ask.HOW_LONG, condition=OPEN, order=Order.OLDEST, limit=1)
    assert answers.answer(oldest, desk.asker()).text == "facts"
    all_of_them = Query(ask=Ask.HOW_LONG, condition=ANY_CASE)
    assert answers.answer(all_of_them, desk.asker()).text == "None of two cases has ended yet."


def test_a_cause_is_not_invented(world, desk, answers):
    open_cases(world, (100, 300))
    for ask in (Ask.COUNT, Ask.WHY):
        query = Query(
            ask=ask,
            about=About.OPENING,
            condition=Condition(kinds=("low_stock",), opened=Period(begin="-P30D")),
        )
        answer = answers.answer(query, desk.asker())
        assert answer.text.startswith("Two cases of “Running low” opened in the last 30 days")
        assert NO_CAUSE in answer.facts


def test_an_act_on_several_cases_shows_them_and_does_nothing(world, desk, answers):
    cases = open_cases(world, (100, 300))
    mine = Condition(is_open=True, waits_on="me")
    query = Query(ask=Ask.ACT, act=Act.APPROVE, condition=mine)
    answer = answers.answer(query, desk.asker())
    assert (answer.text, sorted(case_ids(answer)), answer.total) == ("acts", ["EX-1", "EX-2"], 2)
    world.desk.decisions.reject(
        request(cases[0].id, principal("ana"), world.seen(cases[0])),
        reason=RejectReason.WRONG_PLAN,
        note="closed",
    )
    # The only one that is left is the one that is meant.
    assert answers.answer(query, desk.asker()).offers
    assert answers.acts.queries[-1].case_id == "EX-2"


def test_an_act_on_cases_that_there_are_not_says_that_words_decide_nothing(desk, answers):
    query = Query(ask=Ask.ACT, act=Act.APPROVE, condition=Condition(is_open=True, text="zebra"))
    answer = answers.answer(query, desk.asker())
    assert (answer.text, answer.rows) == ("No open case about “zebra”.", ())
    assert answer.facts == ("I do not decide from words.",)


def test_an_act_on_a_case_that_one_may_not_see_is_an_act_on_none(world, desk, answers):
    open_cases(world, (100,))
    world.people.channels["C0STOCK"] = {"ana"}
    texts = [
        answers.answer(Query(ask=Ask.ACT, act=Act.APPROVE, case_id=case_id), desk.asker("finn"))
        for case_id in ("EX-1", "EX-999")
    ]
    assert texts[0].text == texts[1].text
    assert answers.acts.queries == []


def test_readings_are_in_words(desk):
    asker = desk.asker()
    readings = {
        Query(ask=Ask.LIST, condition=OPEN): "open cases",
        Query(ask=Ask.LIST, condition=Condition(is_open=True, waits_on="me")): (
            "open cases waiting on you"
        ),
        Query(ask=Ask.LIST, condition=OPEN, order=Order.OLDEST, limit=1): (
            "the oldest of open cases"
        ),
        Query(ask=Ask.COUNT, condition=OPEN): "how many open cases",
        Query(ask=Ask.SUM, condition=OPEN): "the money at stake in open cases",
        Query(ask=Ask.GROUP, condition=OPEN, grouping=Grouping.TEAM): (
            "how many open cases, by team"
        ),
        Query(ask=Ask.STATUS, case_id="EX-1"): "how it stands: EX-1",
        Query(ask=Ask.WHEN, case_id="EX-1", about=About.EXPIRY): (
            "when the time to approve ends: EX-1"
        ),
        Query(ask=Ask.ACT, act=Act.APPROVE, case_id="EX-1"): "a request to approve EX-1",
        Query(ask=Ask.HELP): "help",
        Query(ask=Ask.WHO, about=About.MEMBERS, of="finance"): "who is in the group, @finance",
    }
    for query, reading in readings.items():
        assert desk.words.describe(query, asker) == reading


def test_every_part_of_a_condition_has_words(desk):
    words = desk.words.cases(WHOLE, desk.asker())
    fields = {field for part in desk.words.parts(WHOLE, desk.asker()) for field in part.fields}
    assert fields == set(WHOLE.__slots__)
    assert "_" not in words

"""What is offered when an answer was to another question."""

import pytest

from bot.cases.case import LastDecision
from bot.desk.question_neighbours import neighbours
from bot.views.query import ME, About, Act, Ask, Condition, Measure, Query

LATE = Condition(is_open=True, is_overdue=True)


def test_a_list_is_offered_with_what_has_ended_for_the_asker_and_as_a_sum():
    assert neighbours(Query(ask=Ask.LIST, condition=LATE)) == (
        Query(ask=Ask.LIST, condition=Condition(is_overdue=True)),
        Query(ask=Ask.LIST, condition=Condition(is_open=True, is_overdue=True, waits_on=ME)),
        Query(ask=Ask.SUM, measure=Measure.STAKE_SUM, condition=LATE),
    )


def test_a_figure_is_offered_as_the_list_of_its_cases():
    rejected = Condition(decision=LastDecision.REJECTED)
    query = Query(ask=Ask.COUNT, measure=Measure.COUNT, condition=rejected)
    assert neighbours(query) == (Query(ask=Ask.LIST, condition=rejected),)


def test_a_fact_of_a_case_is_offered_with_how_it_stands():
    query = Query(ask=Ask.WHY, about=About.DECISION, case_id="EX-1")
    others = neighbours(query)
    assert [other.about for other in others] == [None, About.TRAIL]
    assert {other.case_id for other in others} == {"EX-1"}


@pytest.mark.parametrize(
    "query",
    [
        Query(ask=Ask.ACT, act=Act.APPROVE, case_id="EX-1"),
        Query(ask=Ask.SMALL_TALK),
        Query(ask=Ask.CAPABILITY),
    ],
)
def test_nothing_is_near_a_request_or_small_talk(query):
    assert neighbours(query) == ()

"""The whole list behind an answer is found again for whoever asked, and for nobody else."""

import pytest

from bot.cases.errors import NotEligible
from bot.desk.question_lists import QuestionLists
from bot.ports.case_queries import CaseFilter
from bot.ports.question_log import AnsweredQuestion
from bot.views.query import Ask, Condition, Order, Query

ANA = "T1/UANA"
QUERY = Query(ask=Ask.LIST, condition=Condition(is_open=True), order=Order.LARGEST)


class OneQuestion:
    """A log with one question, of Ana."""

    def __init__(self, query):
        self.query = query

    def find_answer(self, question_id, person):
        if (question_id, person) != ("C:1", ANA):
            return None
        return AnsweredQuestion(reading="open cases", query=self.query)


class OpenFilters:
    def filter(self, condition, asker):
        assert condition.is_open
        return CaseFilter(viewer=asker.viewer)


@pytest.fixture
def lists(small_world):
    def build(query=QUERY):
        visibility = small_world.desk.conversation.questions.visibility
        return QuestionLists(
            question_log=OneQuestion(query),
            visibility=visibility,
            filters=OpenFilters(),
            library=small_world.library,
            directory=visibility.directory,
        )

    return build


def test_the_list_is_that_of_the_query_through_the_eyes_of_the_asker(lists):
    found = lists().find("C:1", ANA)
    assert found.order is Order.LARGEST
    assert found.filter.viewer.person == ANA


@pytest.mark.threat("E2")
@pytest.mark.parametrize(("question_id", "person"), [("C:1", "T1/UBEN"), ("C:2", ANA), ("", ANA)])
def test_nobody_reads_the_list_of_another(lists, question_id, person):
    with pytest.raises(NotEligible):
        lists().find(question_id, person)


def test_a_question_that_was_not_understood_has_no_list(lists):
    with pytest.raises(NotEligible):
        lists(None).find("C:1", ANA)

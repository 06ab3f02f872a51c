"""The whole list behind an answer, for the person who asked."""

from dataclasses import dataclass, replace
from typing import Protocol

from bot.cases.errors import ChatFailed, NotEligible
from bot.cases.hours import Hours
from bot.desk.answers.asker import Asker
from bot.desk.visibility import Visibility
from bot.ports.case_queries import CaseFilter
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.question_log import QuestionLog
from bot.views.query import Condition, Order

NOT_YOUR_QUESTION = "this list belongs to whoever asked; ask the same, and you get yours"


class FiltersConditions(Protocol):
    """Translate what was asked for into a filter of the store."""

    def filter(self, condition: Condition, asker: Asker) -> CaseFilter:
        """Return the filter of a condition, over what the asker may see."""


@dataclass(frozen=True, slots=True)
class QuestionList:
    """The cases that an answer is about, in their order."""

    filter: CaseFilter
    order: Order | None


@dataclass(frozen=True, kw_only=True)
class QuestionLists:
    """Find the cases of an answer again, as they are now."""

    question_log: QuestionLog
    visibility: Visibility
    filters: FiltersConditions
    library: Library
    directory: Directory

    def find(self, question_id: str, person: str) -> QuestionList:
        """Return the list of a question that this person put.

        Raises:
            NotEligible: the person put no such question, or it was not understood.
        """
        record = self.question_log.find_answer(question_id, person)
        if record is None or record.query is None:
            raise NotEligible(NOT_YOUR_QUESTION)
        query = record.query
        asker = Asker(
            person=person,
            viewer=self.visibility.viewer(person),
            hours=self._hours(person),
        )
        return QuestionList(self.filters.filter(query.condition, asker), query.order)

    def _hours(self, person: str) -> Hours:
        """Return the working hours on the person's own clock."""
        hours = self.library.hours("")
        try:
            zone = self.directory.person(person).zone
        except (NotEligible, ChatFailed):
            return hours
        return replace(hours, zone=zone) if zone else hours

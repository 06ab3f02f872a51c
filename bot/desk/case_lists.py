"""Whole lists of open cases, page by page."""

from dataclasses import dataclass
from math import ceil

from bot.cases.case import Case
from bot.cases.errors import NotEligible
from bot.desk.alert_storms import STORM_PREFIX, requested_key
from bot.desk.eligibility import Eligibility
from bot.desk.question_lists import NOT_YOUR_QUESTION, QuestionList, QuestionLists
from bot.desk.rows import with_cards
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardRef, CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import Outbox, card_message
from bot.views.case_list import CaseListView

PAGE_SIZE = 15
#: The key of a person's list of all open cases that they may see.
VISIBLE = "visible"
CHANNEL_PREFIX = "channel:"
#: Before the id of a question: the cases that its answer is about.
QUESTION_PREFIX = "question:"


@dataclass(frozen=True, kw_only=True)
class CaseLists:
    """List open cases page by page, and have their cards drawn."""

    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    library: Library
    directory: Directory
    visibility: Visibility
    eligibility: Eligibility
    clock: Clock
    #: None lists no cases of an answer.
    question_lists: QuestionLists | None = None

    def page(self, person: str, key: str, number: int) -> CaseListView:
        """Return one page of the cases that this person may see."""
        question_list = self._list(person, key)
        filter = question_list.filter
        total = self.queries.count(filter)
        pages = max(1, ceil(total / PAGE_SIZE))
        page = min(max(0, number), pages - 1)
        cases = self.queries.find(
            filter,
            PAGE_SIZE,
            offset=page * PAGE_SIZE,
            order=question_list.order,
        )
        rows = with_cards(
            self.card_store,
            self.directory,
            cases,
            labels=self.library.labels(),
        )
        return CaseListView(
            key=key,
            title=_title(key),
            rows=self.eligibility.mark(rows, person),
            page=page,
            pages=pages,
            total=total,
            is_by_urgency=question_list.order is None and not filter.is_over,
        )

    def _list(self, person: str, key: str) -> QuestionList:
        """Return the cases of the list under this key, and their order."""
        if not key.startswith(QUESTION_PREFIX):
            return QuestionList(list_filter(key, self.visibility.viewer(person)), None)
        if self.question_lists is None:
            raise NotEligible(NOT_YOUR_QUESTION)
        return self.question_lists.find(key.removeprefix(QUESTION_PREFIX), person)

    def open_card(self, person: str, case_id: str) -> tuple[Case, CardRef | None]:
        """Find the card of a case, or request one.

        Raises:
            NoSuchCase: there is none, or the person may not see it.
        """
        case = self.visibility.find_case(case_id, self.visibility.viewer(person))
        cards = self.card_store.newest([case.id])
        if case.id in cards:
            return case, cards[case.id]
        # A case of a storm has a card of its own from now on.
        self.live_lists.add(case.id, requested_key(case.id))
        self.outbox.enqueue([card_message(case.id, self.clock())])
        return case, None


def list_filter(key: str, viewer: Viewer) -> CaseFilter:
    """Return the open cases of the list under this key."""
    if key.startswith(STORM_PREFIX):
        return CaseFilter(viewer=viewer, live_list=key)
    if key.startswith(CHANNEL_PREFIX):
        return CaseFilter(viewer=viewer, channel=key.removeprefix(CHANNEL_PREFIX))
    return CaseFilter(viewer=viewer)


def _title(key: str) -> str:
    if key.startswith(STORM_PREFIX):
        return "Cases of this storm"
    if key.startswith(CHANNEL_PREFIX):
        return "Open in this channel"
    if key.startswith(QUESTION_PREFIX):
        return "All of them"
    return "Open cases"

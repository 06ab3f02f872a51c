"""Whole lists of open cases, and groups that are decided together."""

from dataclasses import dataclass
from enum import StrEnum

from bot.cases.case import Case
from bot.views.rows import CaseRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseListView:
    """One page of a list."""

    #: Names the list, for the buttons to other pages.
    key: str
    title: str
    rows: tuple[CaseRow, ...]
    #: The first page is 0.
    page: int
    pages: int
    #: How many cases all pages have.
    total: int
    #: The most urgent case comes first.
    is_by_urgency: bool = True


class GroupAct(StrEnum):
    """The decisions that may be taken on many cases at once."""

    REJECT = "reject"
    NAME_KIND = "name_kind"
    #: Only for plans of low risk.
    APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseGroup:
    """The cases that a group decision is about."""

    act: GroupAct
    cases: tuple[Case, ...]
    #: A hash over the cases as they are shown.
    checksum: str
    #: How many more of the list the act would be possible for.
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOutcome:
    """The result of a group decision, case by case."""

    act: GroupAct
    successes: tuple[str, ...]
    #: Case id and reason of each refusal.
    refusals: tuple[tuple[str, str], ...]

"""Rows of digests, storms and App Homes, and the names on them."""

from collections.abc import Collection, Sequence

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.errors import ChatFailed, NotEligible
from bot.cases.source import BY_HAND
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.directory import Directory
from bot.views.labels import Labels
from bot.views.rows import CaseRow

SOMEBODY = "a colleague"
NO_LABELS = Labels()


def with_cards(
    card_store: CardStore,
    directory: Directory,
    cases: Sequence[Case],
    *,
    labels: Labels = NO_LABELS,
) -> tuple[CaseRow, ...]:
    """Join each case with its newest card and its owner's name."""
    cards = card_store.newest([case.id for case in cases])
    rows = []
    for case in cases:
        row = CaseRow(
            case=case,
            channel=case.channel,
            ts=cards[case.id].ts if case.id in cards else "",
            owner_name=_owner_name(directory, case.owner),
            labels=labels,
        )
        rows.append(row)
    return tuple(rows)


def _owner_name(directory: Directory, owner: str) -> str:
    """Return the name of a person; empty for a group."""
    if not is_person(owner):
        return ""
    return _find_name(directory, owner) or SOMEBODY


def requester_name(directory: Directory | None, case: Case) -> str:
    """Return the name of the person who raised a case by hand.

    Empty when nobody did.
    """
    requester = case.signal.requester
    if directory is None or requester is None or case.signal.source != BY_HAND:
        return ""
    return _find_name(directory, requester)


def _find_name(directory: Directory, person: str) -> str:
    try:
        return directory.person(person).name
    except (NotEligible, ChatFailed):
        # A card or list is drawn even while the directory cannot be read.
        return ""


def find_others(
    queries: CaseQueries,
    filter: CaseFilter,
    *,
    except_ids: Collection[str],
    limit: int,
) -> list[Case]:
    """Return the first cases of this filter that are not shown already."""
    cases = queries.find(filter, limit + len(except_ids))
    return [case for case in cases if case.id not in except_ids][:limit]

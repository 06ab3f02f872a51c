"""Rows of digests, storms and App Homes."""

from collections.abc import Collection, Sequence

from bot.cases.case import Case
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.views.rows import CaseRow


def with_cards(card_store: CardStore, cases: Sequence[Case]) -> tuple[CaseRow, ...]:
    """Join each case with the message id of its newest card.

    The id is empty for a case without a card.
    """
    cards = card_store.newest([case.id for case in cases])
    rows = []
    for case in cases:
        ts = cards[case.id].ts if case.id in cards else ""
        rows.append(CaseRow(case, case.channel, ts))
    return tuple(rows)


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

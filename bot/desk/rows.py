"""Cases as rows of a list, with the way to the card of each: what digests, homes and storms are made of."""

from collections.abc import Collection, Sequence

from bot.cases.case import Case
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.views.rows import CaseRow


def with_cards(card_store: CardStore, cases: Sequence[Case]) -> tuple[CaseRow, ...]:
    """Each case, and where its newest card stands; nowhere for one that has none."""
    cards = card_store.newest([case.id for case in cases])
    return tuple(
        CaseRow(case, case.channel, cards[case.id].ts if case.id in cards else "") for case in cases
    )


def others(
    queries: CaseQueries, wanted: CaseFilter, shown: Collection[str], most: int
) -> list[Case]:
    """The first of these that are not shown already."""
    found = queries.find(wanted, most + len(shown))
    return [case for case in found if case.id not in shown][:most]

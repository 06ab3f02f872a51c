"""Cases as rows of a list, with the way to the card of each: what digests, homes and storms are made of."""

from collections.abc import Collection, Sequence

from bot.cases.case import Case
from bot.ports import CaseFilter, Lists
from bot.views.rows import CaseRow


def with_cards(lists: Lists, cases: Sequence[Case]) -> tuple[CaseRow, ...]:
    """Each case, and where its newest card stands; nowhere for one that has none."""
    cards = lists.cards_of([case.id for case in cases])
    return tuple(
        CaseRow(case, case.channel, cards[case.id].ts if case.id in cards else "") for case in cases
    )


def others(lists: Lists, wanted: CaseFilter, shown: Collection[str], most: int) -> list[Case]:
    """The first of these that are not shown already."""
    found = lists.find(wanted, most + len(shown))
    return [case for case in found if case.id not in shown][:most]

"""The one card that many cases of a storm share."""

from dataclasses import dataclass

from bot.views.rows import CaseRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StormView:
    """Many cases of one kind and source on one card."""

    key: str
    place: str
    title: str
    source: str
    #: The first cases, as many as the card has room for.
    rows: tuple[CaseRow, ...]
    #: The cases are of no kind that has a playbook.
    is_unrecognised: bool = False
    #: How many are open now.
    open: int
    #: How many there have been.
    total: int

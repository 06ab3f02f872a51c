"""All that a press is judged by, read at one moment."""

from dataclasses import dataclass
from typing import Protocol

from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.ports.card_store import CardRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PressState:
    """A case with its newest card and the desk's controls."""

    case: Case
    controls: DeskControls
    #: None while no card of the case is recorded.
    card: CardRef | None


class PressStore(Protocol):
    """Read what a press is judged by."""

    def state(self, case_id: str) -> PressState:
        """Return the present case with all that a press needs.

        Raises:
            NoSuchCase: there is none.
        """

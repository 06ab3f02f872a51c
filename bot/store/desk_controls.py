"""The desk's controls: one row, the fold of the entries about it."""

from collections.abc import Sequence

from sqlalchemy import select, update

from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.lifecycle import TERMINAL
from bot.ports.outbox import OutboxMessage
from bot.store import tables
from bot.store.database import Database
from bot.store.unit_of_work import CONTROLS_BODY, UnitOfWork, controls_from

_OPEN_CASES = select(tables.cases.c.id).where(
    tables.cases.c.state.not_in([state.code for state in TERMINAL])
)
# What Slack shows may be newer than what these rows remember.
_REDRAW_CARDS = (
    update(tables.cards).where(tables.cards.c.case_id.in_(_OPEN_CASES)).values(drawn="0")
)


class SqlDeskControlsStore:
    """Read and write the desk's controls. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> DeskControls:
        """Return the controls as they are now."""
        return controls_from(self._database.fetch(CONTROLS_BODY))

    def save(
        self,
        decision: ControlDecision,
        messages: Sequence[OutboxMessage] = (),
        *,
        urgent: bool = False,
    ) -> DeskControls:
        """Append a decision about the desk. Return the controls after it.

        ``urgent``: a person waits for it.

        Raises:
            Conflict: somebody else wrote first.
        """

        def job(unit: UnitOfWork) -> None:
            unit.append_controls(decision)
            unit.enqueue(messages)

        self._database.write(job, urgent=urgent)
        return decision.controls

    def rewind(
        self,
        decision: ControlDecision,
        messages: Sequence[OutboxMessage],
        numbers_from: int,
    ) -> DeskControls:
        """Record that a backup was restored.

        New cases are numbered above ``numbers_from``, and no card counts as drawn.
        """

        def job(unit: UnitOfWork) -> None:
            unit.append_controls(decision)
            unit.number_above(numbers_from)
            unit.connection.execute(_REDRAW_CARDS)
            unit.enqueue(messages)

        self._database.write(job)
        return decision.controls

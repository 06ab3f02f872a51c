"""The desk's controls: one row, the fold of the entries about it.

Beside it a row with the accounts of people.yml, whose checksum the ledger has.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from bot.cases.control_decisions import ControlDecision
from bot.cases.controls import DeskControls
from bot.cases.identity import Identities
from bot.cases.lifecycle import TERMINAL
from bot.ports.outbox import OutboxMessage
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_update
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import CONTROLS_BODY, UnitOfWork, controls_from

#: The row with the accounts of people.yml, beside that of the controls.
ACCOUNTS = "accounts"
#: In force, waiting, and taken back.
MAX_ACCOUNT_FILES = 4
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

    def latest(self) -> DeskControls:
        """Return the newest controls that this process has met."""
        return self._database.met_controls.latest or self.load()

    def load(self) -> DeskControls:
        """Return the controls as they are now."""
        controls = controls_from(self._database.fetch(CONTROLS_BODY))
        self._database.met_controls.add(controls)
        return controls

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

    def keep_accounts(self, accounts: Identities) -> None:
        """Keep who has which accounts; the file may change."""

        def job(unit: UnitOfWork) -> None:
            files = _accounts_from(unit.driver.fetch(_ACCOUNTS))
            files.pop(accounts.checksum, None)
            latest = list(files.items())[1 - MAX_ACCOUNT_FILES :]
            body = json.dumps(dict([*latest, (accounts.checksum, accounts.people)]))
            values = {"name": ACCOUNTS, "version": 1, "body": body}
            unit.connection.execute(_KEEP_ACCOUNTS.on(unit.connection), values)

        if self.accounts_of(accounts.checksum) is None:
            self._database.write(job, appends=False)

    def accounts_of(self, checksum: str) -> Identities | None:
        """Return the accounts with this checksum; None where none are stored."""
        people = _accounts_from(self._database.fetch(_ACCOUNTS)).get(checksum)
        if people is None:
            return None
        try:
            accounts = Identities.of(people)
        except ValueError:
            return None
        # Whoever can write here must not say who is who: the ledger does.
        return accounts if accounts.checksum == checksum else None


def _accounts_from(rows: Sequence[Any]) -> dict[str, list[list[str]]]:
    return json.loads(rows[0].body) if rows else {}


_controls = tables.controls.c
_ACCOUNTS = CompiledStatement(select(_controls.body).where(_controls.name == ACCOUNTS))
_KEEP_ACCOUNTS = insert_or_update(tables.controls, key=[_controls.name])

"""Names in files with the Slack ids that they were given first."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, select

from bot.ports.pinned_names import PinKind
from bot.store import tables
from bot.store.clock import clock_of
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import UnitOfWork

_pins = tables.pinned_names.c
_PIN = CompiledStatement(insert_or_ignore(tables.pinned_names))
_FIND = CompiledStatement(
    select(_pins.slack_id).where(_pins.kind == bindparam("kind"), _pins.name == bindparam("name"))
)
_FORGET = CompiledStatement(
    delete(tables.pinned_names).where(
        _pins.kind == bindparam("of_kind"), _pins.name == bindparam("of_name")
    )
)


class SqlPinnedNames:
    """Keep pins for all processes; the first that pins a name decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, kind: PinKind) -> dict[str, str]:
        """Return all ids by name."""
        query = select(_pins.name, _pins.slack_id).where(_pins.kind == kind.value)
        return {row.name: row.slack_id for row in self._database.fetch(query)}

    def pin(self, kind: PinKind, name: str, slack_id: str) -> str:
        """Pin an id, unless the name has one; return its id."""
        key = {"kind": kind.value, "name": name}
        row = {**key, "slack_id": slack_id, "pinned_at": clock_of(self._database)().timestamp()}

        def write(unit: UnitOfWork) -> str:
            unit.driver.change(_PIN, row)
            pin = unit.driver.fetch_first(_FIND, key)
            return slack_id if pin is None else str(pin.slack_id)

        return self._database.write(write, appends=False)

    def keep_only(self, kind: PinKind, names: Collection[str]) -> int:
        """Forget all names but these. Return how many were forgotten."""
        former_names = [name for name in self.load(kind) if name not in names]

        def write(unit: UnitOfWork) -> None:
            for name in former_names:
                unit.driver.change_later(_FORGET, {"of_kind": kind.value, "of_name": name})

        if former_names:
            self._database.write(write, appends=False)
        return len(former_names)

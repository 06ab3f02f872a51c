"""Databases as systems of record: evidence by SELECT, actions by named statements.

An action is one transaction, which checks its precondition again and counts the rows it changes.
One call ends within the time-out of its system, also when the network hangs.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.constraints import KEYED, EnvironmentName, OptionalEnvironmentName, Query
from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.plan import Action, Idempotency
from bot.cases.plan_tree import convert_facts
from bot.clock import boottime, time_limit
from bot.connectors.parameters import ParameterType, convert_parameters
from bot.connectors.specs import (
    ActionSpec,
    Secrets,
    SystemSpec,
    Timeout,
    prepare_action,
    short_name,
)
from bot.connectors.sql_database import SqlDatabase
from bot.connectors.sql_engines import SqlSession
from bot.connectors.sql_marks import Marks
from bot.ports.chat import Chat
from bot.ports.connector import NOTHING, Connector, Effect, EffectStatus

# The key of the undoing of a step begins so.
UNDO_PREFIX = "undo:"


# --- declaration ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SqlAction(ActionSpec):
    """An action that is one statement.

    Statements have the parameters, ``:key``, and ``:was_…`` for each column of the precondition.
    """

    #: A SELECT whose one row must be as it was when the plan was made.
    precondition: Query
    #: The INSERT, UPDATE or DELETE that does it.
    statement: Query
    #: How many rows the statement changes; with another number all is rolled back.
    expect_rows: Annotated[int, Field(ge=1, le=100)] = 1
    #: The statement that takes it back; ``:done_key`` is the key of what it takes back.
    undo: str = ""
    #: A SELECT that finds a row where the effect is there.
    verify: str = ""
    #: A SELECT whose one row has the facts that it returns; read after the statement, in its
    #: transaction. It may name ``:key``.
    facts: str = ""
    #: Whether a mark proves the effect; else ``verify`` does.
    marker: bool = True

    def __post_init__(self) -> None:
        ActionSpec.__post_init__(self)
        if not self.marker and not self.verify:
            raise ValueError("without a marker table an action needs a verify query")
        if bool(self.returns) is not bool(self.facts):
            raise ValueError("returns and facts go together: the names, and the SELECT")
        for query in filter(None, (self.precondition, self.verify, self.facts)):
            if not query.lstrip().lower().startswith(("select", "with")):
                raise ValueError("precondition, verify and facts must be SELECTs")

    @property
    def reversible(self) -> bool:
        return bool(self.undo)

    @property
    def says_refusals(self) -> bool:
        return True

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency.MARKER if self.marker else Idempotency.CONDITIONAL


@dataclass(frozen=True, kw_only=True)
class SqlSystem(SystemSpec):
    """An SQLite, PostgreSQL, MySQL or MariaDB database."""

    connector: Literal["sql"] = "sql"
    #: The name of the secret that is the URL of the database: sqlite:///…,
    #: postgresql+psycopg://… or mysql://….
    url_env: EnvironmentName
    #: The same for a role that can only read: look-ups log in with it. Empty for the same URL.
    read_url_env: OptionalEnvironmentName = ""
    #: How long one call may take in all.
    timeout: Timeout = timedelta(seconds=2)
    #: The actions by name.
    actions: Annotated[Mapping[str, SqlAction], KEYED] = field(default_factory=dict)

    def secret_names(self) -> tuple[str, ...]:
        return (self.url_env, self.read_url_env) if self.read_url_env else (self.url_env,)

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        read_url = secrets(self.read_url_env) if self.read_url_env else ""
        return SqlConnector(self, secrets(self.url_env), read_url)


# --- connector ------------------------------------------------------------------------------------


class SqlConnector:
    """Asks one database, and changes it by its declared statements."""

    def __init__(
        self,
        system: SqlSystem,
        url: str,
        read_url: str = "",
    ) -> None:
        """``read_url`` logs in for look-ups; empty for the same role."""
        self._system = system
        seconds = system.timeout.total_seconds()
        self._database = SqlDatabase(url, read_url=read_url, seconds=seconds)
        self._marks = Marks(self._database)

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Ask one SELECT."""
        with self._time_limit(), self._database.reading() as session:
            return session.fetch(query, parameters, limit)

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Convert the parameters and take the snapshot."""
        spec = self._find_spec(action)
        values = convert_parameters(parameters, spec.parameters)
        return prepare_action(
            spec,
            system=self._system.name,
            connector=self._system.connector,
            parameters=values,
            snapshot=self._snapshot(spec, values),
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Take the snapshot again."""
        spec = self._find_spec(short_name(action))
        return self._snapshot(spec, convert_parameters(action.parameters, spec.parameters))

    def read_facts(self, action: Action, key: str) -> ScalarMapping:
        """Read the facts of an effect as they are now."""
        spec = self._find_spec(short_name(action))
        if not spec.facts:
            return {}
        values = {**self._values(spec, action), "key": key}
        with self._time_limit(), self._database.reading() as session:
            return _facts_of(spec, session, values)

    def execute(self, action: Action, key: str) -> str | Effect:
        """Carry out the statement, unless something has changed since the approval."""
        spec = self._find_spec(short_name(action))
        if spec.version != action.version:
            versions = f"version {spec.version} now, version {action.version} was approved"
            raise WorldMoved(f"{action.name} is {versions}")
        with self._time_limit():
            effect = self._change(spec, spec.statement, action, key=key)
        return effect if spec.returns else effect.detail

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Carry out the statement that takes back the effect under ``key``."""
        spec = self._find_spec(short_name(action))
        if not spec.undo:
            raise ConnectorFailed(f"{action.name} cannot be undone")
        with self._time_limit():
            return self._change(spec, spec.undo, action, key=undo_key, done_key=key).detail

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for the mark of this key, or for the effect itself."""
        spec = self._find_spec(short_name(action))
        with self._time_limit():
            if spec.marker:
                is_there = self._marks.has(key)
            elif key.startswith(UNDO_PREFIX):
                is_there = not self._has_effect(spec, action)
            else:
                is_there = self._has_effect(spec, action)
        return EffectStatus.LANDED if is_there else EffectStatus.ABSENT

    def _time_limit(self) -> AbstractContextManager[None]:
        return time_limit(boottime() + self.timeout.total_seconds())

    def _find_spec(self, action: str) -> SqlAction:
        try:
            return self._system.actions[action]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}") from None

    def _snapshot(self, spec: SqlAction, parameters: ScalarMapping) -> dict[str, Scalar]:
        rows = self.look_up(spec.precondition, self._bind(spec, parameters), 2)
        if len(rows) != 1:
            raise ConnectorFailed(f"{len(rows) or 'no'} rows match {spec.name}; exactly one must")
        return rows[0]

    def _has_effect(self, spec: SqlAction, action: Action) -> bool:
        return bool(self.look_up(spec.verify, self._values(spec, action), 1))

    def _values(self, spec: SqlAction, action: Action) -> dict[str, Any]:
        """Return what every statement of an action may name."""
        before = {f"was_{name}": value for name, value in action.precondition.items()}
        return before | self._bind(spec, action.parameters)

    def _bind(self, spec: SqlAction, parameters: ScalarMapping) -> dict[str, Any]:
        """Convert amounts to numbers. SQLite has no decimals, and compares text wrongly."""
        values: dict[str, Any] = dict(parameters)
        for name, kind in spec.parameters.items():
            if kind is ParameterType.DECIMAL and name in values:
                amount = Decimal(str(values[name]))
                values[name] = float(amount) if self._database.is_sqlite else amount
        return values

    def _change(
        self,
        spec: SqlAction,
        statement: str,
        action: Action,
        *,
        key: str,
        done_key: str = "",
    ) -> Effect:
        """Mark, check, change, count and read in one transaction.

        An undo has a ``done_key``, the key of what it takes back. It is not held to the
        precondition, because the effect itself has changed what that reads.
        """
        values = {**self._values(spec, action), "key": key, "done_key": done_key}
        if spec.marker:
            self._marks.create_table()
        with self._database.writing() as session:
            if spec.marker and not self._marks.insert(session, key, action.name):
                return Effect("already done", _facts_of(spec, session, values))
            if not done_key:
                self._check_precondition(session, spec, action)
            count = session.change(statement, values)
            if count != spec.expect_rows:
                raise WorldMoved(
                    f"would have changed {count} rows, not {spec.expect_rows}; changed none"
                )
            facts = NOTHING if done_key else _facts_of(spec, session, values)
        return Effect(f"{count} row{'' if count == 1 else 's'} changed", facts)

    def _check_precondition(
        self,
        session: SqlSession,
        spec: SqlAction,
        action: Action,
    ) -> None:
        """Compare the snapshot inside the transaction: until it ends nobody else writes."""
        rows = session.fetch(spec.precondition, self._bind(spec, action.parameters), 2)
        snapshot = rows[0] if len(rows) == 1 else {}
        reasons = list_changes(action.precondition, snapshot)
        if reasons:
            raise WorldMoved("; ".join(reasons))


def _facts_of(spec: SqlAction, session: SqlSession, values: Mapping[str, Any]) -> ScalarMapping:
    """Read the facts of one row that are of their types."""
    if not spec.facts:
        return NOTHING
    rows = session.fetch(spec.facts, values, 2)
    return convert_facts(rows[0], spec.returns) if len(rows) == 1 else NOTHING

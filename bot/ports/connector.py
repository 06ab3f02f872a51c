"""Outside systems: evidence in, actions out."""

from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.plan import Action

NOTHING: ScalarMapping = MappingProxyType({})


class EffectStatus(StrEnum):
    """The status of an effect in the outside system."""

    LANDED = "landed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Effect(NamedTuple):
    """The outcome of an action that returns facts."""

    detail: str
    facts: ScalarMapping


class Connector(Protocol):
    """Speak to one outside system.

    Every call ends within ``timeout``, whatever the system does. A call inside a ``time_limit``
    has done nothing after it, and does nothing later.
    """

    @property
    def timeout(self) -> timedelta:
        """Return the longest that one call may take."""

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Run a read-only query. Return at most ``limit`` rows.

        Raises:
            ConnectorFailed: the system did not answer, or refused.
        """

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run: typed parameters, target, preview and precondition snapshot.

        ``words`` stand in its texts for parameters that an earlier step will tell. Their values
        are only examples, and not part of the action.

        Raises:
            ConnectorFailed: the action is not possible with these parameters.
        """

    def precondition(self, action: Action) -> ScalarMapping:
        """Return the precondition snapshot as it is now.

        Raises:
            ConnectorFailed: the system did not answer.
        """

    def execute(self, action: Action, key: str) -> str | Effect:
        """Carry the action out once under this key.

        Return what came of it: in words, or with the facts that the action declares.

        Raises:
            WorldMoved: it surely did not happen, and is no longer right.
            OutcomeUnknown: it may have happened.
            ConnectorFailed: it surely did not happen. ``retryable`` tells whether to try again.
        """

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look whether the effect under this key is there.

        ABSENT is an answer of the system; no answer is UNKNOWN.
        """

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Take back the effect under ``key``.

        The undoing has a key of its own.
        """


@runtime_checkable
class FactReader(Protocol):
    """A connector whose actions return facts."""

    def read_facts(self, action: Action, key: str) -> ScalarMapping:
        """Read the facts of an effect after a lost answer.

        Raises:
            ConnectorFailed: the system did not answer.
        """


@runtime_checkable
class ReportAwaiting(Protocol):
    """A connector that hands actions back, and waits for reports."""

    @property
    def report_within(self) -> timedelta:
        """Return how long the program has to report."""

    @property
    def missing_report(self) -> str:
        """Say that the program has not reported."""


class Systems(Protocol):
    """The outside systems by name."""

    def __getitem__(self, name: str) -> Connector:
        """Return the connector of this system."""

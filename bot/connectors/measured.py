"""Count, time and trace the calls of an outside system."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from bot import tracing
from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.plan import Action
from bot.clock import monotonic
from bot.metrics import CONNECTOR_CALL_SECONDS, CONNECTOR_CALLS
from bot.ports.connector import NOTHING, Connector, Effect, EffectStatus, FactReader

#: The outcomes of a call, beside those of a look for an effect.
DONE, FAILED, UNKNOWN, CHANGED, ERROR = "done", "failed", "unknown", "changed", "error"
#: One call may fail for what it asks; after so many in a row the system is told of.
MAX_FAILURES = 3


@dataclass(slots=True)
class _Call:
    """A call under way."""

    outcome: str = DONE


class MeasuredConnector:
    """The connector of a system, whose calls ``/metrics`` shows."""

    def __init__(self, system: str, connector: Connector) -> None:
        self._system = system
        self._connector = connector
        #: Calls of this process that failed since the last that was answered.
        self.failures_in_a_row = 0

    @property
    def timeout(self) -> timedelta:
        return self._connector.timeout

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Run a read-only query."""
        with self._measure("look_up"):
            return self._connector.look_up(query, parameters, limit)

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run."""
        with self._measure("prepare"):
            if not words:
                # Connectors without plans that observe take two arguments.
                return self._connector.prepare(action, parameters)
            return self._connector.prepare(action, parameters, words)

    def precondition(self, action: Action) -> ScalarMapping:
        """Return the precondition snapshot as it is now."""
        with self._measure("precondition", action):
            return self._connector.precondition(action)

    def execute(self, action: Action, key: str) -> str | Effect:
        """Carry the action out."""
        with self._measure("execute", action):
            return self._connector.execute(action, key)

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look whether the effect is there, and count what was found."""
        with self._measure("verify", action) as call:
            status = self._connector.verify(action, key)
            call.outcome = status.value
            return status

    def read_facts(self, action: Action, key: str) -> ScalarMapping:
        """Read the facts of an effect again."""
        if not isinstance(self._connector, FactReader):
            return NOTHING
        with self._measure("read_facts", action):
            return self._connector.read_facts(action, key)

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Take the effect back."""
        with self._measure("undo", action):
            return self._connector.undo(action, key, undo_key)

    @contextmanager
    def _measure(self, name: str, action: Action | None = None) -> Iterator[_Call]:
        """Count, time and trace one call."""
        action_name = action.name if action else ""
        call = _Call()
        with tracing.span(name, system=self._system, action=action_name) as span:
            try:
                with self._count(name, call):
                    yield call
            finally:
                span.set(outcome=call.outcome)

    @contextmanager
    def _count(self, name: str, call: _Call) -> Iterator[None]:
        began_at = monotonic()
        is_answered = False
        try:
            yield
            is_answered = True
        except WorldMoved:
            call.outcome = CHANGED
            is_answered = True
            raise
        except SystemRefused:
            call.outcome = FAILED
            is_answered = True
            raise
        except OutcomeUnknown:
            call.outcome = UNKNOWN
            raise
        except ConnectorFailed:
            call.outcome = FAILED
            raise
        except BaseException:
            call.outcome = ERROR
            raise
        finally:
            self.failures_in_a_row = 0 if is_answered else self.failures_in_a_row + 1
            CONNECTOR_CALL_SECONDS.labels(self._system, name).observe(monotonic() - began_at)
            CONNECTOR_CALLS.labels(self._system, name, call.outcome).inc()


def describe_failing_systems(
    systems: Mapping[str, Connector], exceptions: Collection[str] = ()
) -> list[str]:
    """Say which systems answer no call of this process."""
    return [
        f"The system {name} did not answer the last {system.failures_in_a_row} calls;"
        " `countersign doctor` says why"
        for name, system in sorted(systems.items())
        if isinstance(system, MeasuredConnector)
        and system.failures_in_a_row >= MAX_FAILURES
        and name not in exceptions
    ]

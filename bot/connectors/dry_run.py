"""The connector that only says what it would do. It asks the real system everything and changes nothing."""

from collections.abc import Mapping
from datetime import timedelta

from bot.cases.canonical import Scalar
from bot.cases.plan import Action
from bot.ports.connector import Connector, EffectStatus


class DryRun:
    """Stands in front of a real connector."""

    def __init__(self, real: Connector) -> None:
        self._real = real

    @property
    def timeout(self) -> timedelta:
        return self._real.timeout

    def look_up(
        self, query: str, parameters: Mapping[str, Scalar], limit: int
    ) -> list[dict[str, Scalar]]:
        return self._real.look_up(query, parameters, limit)

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        return self._real.prepare(action, parameters)

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        return self._real.precondition(action)

    def execute(self, action: Action, key: str) -> str:
        return f"dry run, nothing changed; it would: {action.preview}"

    def verify(self, action: Action, key: str) -> EffectStatus:
        return EffectStatus.LANDED

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        return "dry run, nothing to undo"

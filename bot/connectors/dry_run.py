"""Dry run: ask the real system everything, and change nothing."""

from datetime import timedelta

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.plan import Action
from bot.ports.connector import NOTHING, Connector, EffectStatus


class DryRun:
    """A stand-in that says what the real connector would do."""

    def __init__(self, real: Connector) -> None:
        self._real = real

    @property
    def timeout(self) -> timedelta:
        return self._real.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Ask the real system."""
        return self._real.look_up(query, parameters, limit)

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Prepare the action that would be carried out."""
        if not words:
            return self._real.prepare(action, parameters)
        return self._real.prepare(action, parameters, words)

    def precondition(self, action: Action) -> ScalarMapping:
        """Ask the real system for the snapshot."""
        return self._real.precondition(action)

    def execute(self, action: Action, key: str) -> str:
        """Say what would be done."""
        return f"dry run, nothing changed; it would: {action.preview}"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Answer that it has landed, so that the plan goes on."""
        return EffectStatus.LANDED

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Say that nothing was done."""
        return "dry run, nothing to undo"

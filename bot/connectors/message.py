"""Post a message to a channel or a person, as an action like any other: shown before, done once, found afterwards."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta

from bot.cases.canonical import Scalar
from bot.cases.errors import ChatFailed, ChatUnknown, ConnectorFailed, OutcomeUnknown, RateLimited
from bot.cases.plan import Action
from bot.clock import boottime, time_limit
from bot.connectors.specs import MessageSystem, prepared, typed
from bot.ports.chat import Chat
from bot.ports.connector import EffectStatus


class MessageConnector:
    """Every action of this system takes ``to`` (a channel or user id) and ``text``, and whatever its sentences name."""

    def __init__(self, system: MessageSystem, chat: Chat) -> None:
        self._system = system
        self._chat = chat

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self, query: str, parameters: Mapping[str, Scalar], limit: int
    ) -> list[dict[str, Scalar]]:
        raise ConnectorFailed(f"{self._system.name} answers no questions")

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        spec = self._system.actions.get(action)
        if spec is None:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}")
        return prepared(spec, self._system.name, "message", typed(parameters, spec.parameters), {})

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        return {}

    def execute(self, action: Action, key: str) -> str:
        try:
            with self._limit():
                self._chat.send(str(action.parameters["to"]), str(action.parameters["text"]), key)
        except ChatUnknown as doubt:
            raise OutcomeUnknown(f"Slack: {doubt.error}") from None
        except RateLimited as limited:
            # Slack asked to wait, cannot be reached or does not let us in: nothing was posted.
            raise ConnectorFailed(str(limited), retryable=True) from None
        except ChatFailed as failure:
            raise ConnectorFailed(f"Slack refused: {failure.error}") from None
        return "posted"

    def verify(self, action: Action, key: str) -> EffectStatus:
        try:
            with self._limit():
                return self._chat.find_message(str(action.parameters["to"]), key)
        except ChatFailed:
            return EffectStatus.UNKNOWN

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        raise ConnectorFailed("a message that was read cannot be unread")

    def _limit(self) -> AbstractContextManager[None]:
        """All that one call asks of Slack ends within the time-out of the system."""
        return time_limit(boottime() + self.timeout.total_seconds())

"""Messages to a channel or a person, as actions.

A message is shown before it is sent, sent once, and found afterwards. It cannot be taken back.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.constraints import KEYED
from bot.cases.errors import (
    ChatFailed,
    ChatUnknown,
    ConnectorFailed,
    OutcomeUnknown,
    RateLimited,
)
from bot.cases.plan import Action, Idempotency
from bot.clock import boottime, time_limit
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import (
    ActionSpec,
    Secrets,
    SystemSpec,
    Timeout,
    prepare_action,
)
from bot.ports.chat import Chat
from bot.ports.connector import NOTHING, Connector, EffectStatus


@dataclass(frozen=True, kw_only=True)
class MessageAction(ActionSpec):
    """A message to a channel or user.

    ``to`` is its id. Templates may name further parameters.
    """

    def __post_init__(self) -> None:
        ActionSpec.__post_init__(self)
        if self.returns:
            raise ValueError("a message returns no facts")
        if not {"to", "text"} <= set(self.parameters):
            raise ValueError("a message takes the parameters to and text")
        if self.amount and self.amount not in self.parameters:
            raise ValueError(f"amount names {self.amount}, which is no parameter")

    @property
    def reversible(self) -> bool:
        return False

    @property
    def idempotency(self) -> Idempotency:
        return Idempotency.MARKER


@dataclass(frozen=True, kw_only=True)
class MessageSystem(SystemSpec):
    """Slack as a system for messages, without a secret of its own."""

    connector: Literal["message"] = "message"
    #: How long one call may take in all.
    timeout: Timeout = timedelta(seconds=10)
    #: The actions by name.
    actions: Annotated[Mapping[str, MessageAction], KEYED]

    def secret_names(self) -> tuple[str, ...]:
        return ()

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        return MessageConnector(self, chat)


class MessageConnector:
    """Sends messages with the key of the step in their metadata."""

    def __init__(self, system: MessageSystem, chat: Chat) -> None:
        self._system = system
        self._chat = chat

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Refuse: Slack is asked for no evidence."""
        raise ConnectorFailed(f"{self._system.name} answers no questions")

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Render the message. There is no snapshot."""
        spec = self._system.actions.get(action)
        if spec is None:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}")
        return prepare_action(
            spec,
            system=self._system.name,
            connector=self._system.connector,
            parameters=convert_parameters(parameters, spec.parameters),
            snapshot={},
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Return an empty snapshot: a message can always be sent."""
        return {}

    def execute(self, action: Action, key: str) -> str:
        """Send the message."""
        recipient = str(action.parameters["to"])
        text = str(action.parameters["text"])
        try:
            with self._time_limit():
                self._chat.send(recipient, text, key)
        except ChatUnknown as error:
            raise OutcomeUnknown(f"Slack: {error.error}") from None
        except RateLimited as error:
            # Slack asked to wait, cannot be reached or does not let us in: nothing was posted.
            raise ConnectorFailed(str(error), retryable=True) from None
        except ChatFailed as error:
            raise ConnectorFailed(f"Slack refused: {error.error}") from None
        return "posted"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Look for a message with this key."""
        try:
            with self._time_limit():
                return self._chat.find_message(str(action.parameters["to"]), key)
        except ChatFailed:
            return EffectStatus.UNKNOWN

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Refuse: people may have read the message."""
        raise ConnectorFailed("a message that was read cannot be unread")

    def _time_limit(self) -> AbstractContextManager[None]:
        """Limit all requests of one call together."""
        return time_limit(boottime() + self.timeout.total_seconds())

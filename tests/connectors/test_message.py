"""Messages as actions: sent once, found again, and never taken back."""

import pytest

from bot.cases.errors import ChatFailed, ChatUnknown, ConnectorFailed, OutcomeUnknown, Unreachable
from bot.connectors.message import MessageAction, MessageConnector, MessageSystem
from bot.connectors.parameters import ParameterType
from bot.ports.connector import EffectStatus
from tests.fakes.chat import FakeChat

TELL = MessageAction(
    name="tell",
    parameters={"to": ParameterType.TEXT, "text": ParameterType.TEXT},
    target="channel:{to}",
    summary="Tell {to}",
    preview="“{text}”",
)
SLACK = MessageSystem(name="slack", actions={"tell": TELL})


def test_a_message_is_an_action_like_any_other():
    chat = FakeChat()
    connector = MessageConnector(SLACK, chat)
    action = connector.prepare("tell", {"to": "C0SALES", "text": "please call <!channel>"})
    assert (action.reversible, connector.precondition(action), connector.verify(action, "k")) == (
        False,
        {},
        EffectStatus.ABSENT,
    )
    assert connector.execute(action, "k") == "posted"
    assert (chat.sent, connector.verify(action, "k")) == (
        {"k": "please call <!channel>"},
        EffectStatus.LANDED,
    )
    with pytest.raises(ConnectorFailed, match="cannot be unread"):
        connector.undo(action, "k", "undo:k")
    with pytest.raises(ConnectorFailed, match="no action"):
        connector.prepare("shout", {})


def test_slack_failures_are_told_apart():
    chat = FakeChat()
    connector = MessageConnector(SLACK, chat)
    action = connector.prepare("tell", {"to": "C0SALES", "text": "x"})
    chat.failures = [ChatUnknown("timeout"), ChatFailed("channel_not_found"), Unreachable(2.0)]
    with pytest.raises(OutcomeUnknown):
        connector.execute(action, "k")
    with pytest.raises(ConnectorFailed, match="channel_not_found"):
        connector.execute(action, "k")
    with pytest.raises(ConnectorFailed, match="cannot be reached") as failure:
        connector.execute(action, "k")
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)

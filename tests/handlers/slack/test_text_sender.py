"""Plain messages: shown as text, and found under their key."""

from types import SimpleNamespace

import pytest

from bot.cases.errors import ChatUnknown, RateLimited
from bot.demo.people import ANA
from bot.ports.connector import EffectStatus
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter


def test_a_message_of_a_plan_is_found_under_its_key(chat):
    assert chat.find_message("C0SALES", "k") is EffectStatus.ABSENT
    chat.send("C0SALES", "<!channel> *x*", "k")
    assert chat.find_message("C0SALES", "k") is EffectStatus.LANDED
    (message,) = chat.emulator.messages("C0SALES")
    assert message["text"] == "&lt;!channel&gt; *x*"
    assert message["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": "<!channel> *x*",
        "emoji": False,
    }
    chat.send(ANA, "to you", "k2")
    assert chat.find_message(ANA, "k2") is EffectStatus.LANDED


def test_a_private_answer_does_not_wait_for_the_channel(chat, client):
    # One message, and the next one much later.
    busy_chat = SlackChat(client, RateLimiter(0.001, 1))
    busy_chat.send("C0SALES", "first", "k1")
    with pytest.raises(RateLimited):
        busy_chat.send("C0SALES", "second", "k2")
    busy_chat.send_ephemeral("C0SALES", ANA, "Not done: only @ops-leads may approve this.")
    (answer,) = chat.emulator.get(f"state?as={ANA}")["ephemerals"]
    assert "only @ops-leads" in answer["text"]


@pytest.mark.threat("A2")
def test_a_message_is_only_absent_when_everything_was_looked_through():
    class Endless:
        """A channel in which there is always another page."""

        def conversations_history(self, **_):
            return SimpleNamespace(
                data={"messages": [], "response_metadata": {"next_cursor": "more"}}
            )

    with pytest.raises(ChatUnknown):
        SlackChat(Endless(), RateLimiter(0, 1)).find_message("C0STOCK", "k1")

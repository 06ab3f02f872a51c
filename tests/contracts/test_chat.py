"""The contract of ``Chat``, on the fake and on Slack's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.errors import ChatFailed
from bot.ports.card_store import CardContext
from bot.ports.connector import EffectStatus
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.cases.making import (
    proposed,
    with_fields,
)
from tests.fakes.chat import FakeChat


class BrokenChat(FakeChat):
    """A fake whose every call fails."""

    def _maybe_fail(self):
        raise ChatFailed("channel_not_found")


@pytest.fixture(params=["fake", "slack"])
def chat(request):
    if request.param == "fake":
        return FakeChat()
    emulator = request.getfixturevalue("emulator")
    return SlackChat(web_client("xoxb-emulator", f"{emulator.url}/api/"), RateLimiter(0, 1))


def case(**changes):
    now = datetime.now(UTC)
    return with_fields(proposed(), channel="C0STOCK", opened_at=now, **changes)


def draw(chat, shown, cards=()):
    return chat.draw_card(shown, list(cards), look_first=False, context=CardContext())


def test_a_card_says_which_case_it_shows_and_where(chat):
    card = draw(chat, case())
    assert (card.case_id, card.channel, card.version) == (case().id, "C0STOCK", case().version)
    assert card.generation == case().generation
    assert card.ts


def test_a_card_is_drawn_again_in_its_place(chat):
    first = draw(chat, case())
    again = draw(chat, case(version=9), [first])
    assert (again.channel, again.ts, again.version) == (first.channel, first.ts, 9)


def test_a_card_of_a_new_generation_is_another_message(chat):
    first = draw(chat, case())
    second = draw(chat, case(generation=2), [first])
    assert (second.ts != first.ts, second.generation) == (True, 2)
    chat.retire_card(case(generation=2), first)


def test_a_card_is_found_in_its_channel(chat):
    card = draw(chat, case())
    since = (datetime.now(UTC) - timedelta(hours=1)).timestamp()
    (message,) = chat.messages_about(case().id, card.channel, since)
    assert (message.name, message.channel, message.ts) == (case().id, card.channel, card.ts)
    assert chat.messages_about("EX-404", card.channel, since) == []


def test_a_message_that_was_sent_is_found_under_its_key(chat):
    assert chat.find_message("C0STOCK", "key-1") is EffectStatus.ABSENT
    assert chat.send("C0STOCK", "hello", "key-1")
    assert chat.find_message("C0STOCK", "key-1") is EffectStatus.LANDED
    assert chat.find_message("C0STOCK", "key-2") is EffectStatus.ABSENT


def test_a_channel_that_is_not_there_is_a_failure(chat):
    broken = BrokenChat() if isinstance(chat, FakeChat) else chat
    with pytest.raises(ChatFailed):
        draw(broken, replace(case(), channel="C0NOSUCH"))

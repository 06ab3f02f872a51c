"""Lists: posted once, redrawn in place, without charts where those fail."""

import json
from datetime import UTC, date, datetime

import pytest

from bot.cases.errors import ChatFailed
from bot.ports.live_lists import LiveList
from bot.views.alert_storm import StormView
from bot.views.digest import Counts, DigestFigures, DigestMoney, DigestView, OpenCounts
from bot.views.rows import CaseRow
from bot.views.trend import TrendDay
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from tests.cases.making import proposed
from tests.handlers.slack.fake_client import FakeWebClient

CHANNEL = "C0STOCK"
DAYS = tuple(TrendDay(date(2026, 11, day), 1, 1, 60.0) for day in range(8, 22))
ROW = CaseRow(case=proposed(), channel=CHANNEL, ts="1.000001")


def digest(*, needs=(ROW,), rest=()):
    return DigestView(
        key="digest:C0STOCK:1",
        place=CHANNEL,
        on=date(2026, 11, 21),
        pauses=(),
        needs=needs,
        persons=(),
        others=(),
        later=(),
        expiries=(),
        rest=rest,
        figures=DigestFigures(
            open=OpenCounts(to_decide=1, total=1),
            money=DigestMoney(),
            counts=Counts(
                openings=5, resolutions=3, alone=1, rejections=1, clearings=1, expiries=0
            ),
            days=DAYS,
        ),
    )


def storm(*, rows=(ROW,)):
    return StormView(
        key="storm:low_stock:api",
        place=CHANNEL,
        title="Running low",
        source="api",
        rows=rows,
        open=31,
        total=40,
    )


def board(ts):
    return LiveList(
        key="digest:C0STOCK:1",
        place=CHANNEL,
        ts=ts,
        sections={},
        shown_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@pytest.fixture
def fake():
    return FakeWebClient()


@pytest.fixture
def fake_chat(fake):
    return SlackChat(fake, RateLimiter(0, 1))


def test_a_digest_is_posted_once_and_what_has_no_room_goes_into_its_thread(chat):
    ts = chat.post_digest(digest(rest=(ROW,)), None, look_first=False)
    again = chat.post_digest(digest(rest=(ROW,)), None, look_first=True)
    third = chat.post_digest(digest(rest=(ROW,)), board(ts), look_first=True)
    assert ts == again == third
    messages = chat.emulator.messages(CHANNEL)
    assert [message["ts"] == ts for message in messages] == [True, False]
    assert messages[1]["thread_ts"] == ts


def test_a_list_of_an_attempt_that_failed_shows_its_cases_as_they_are_now(chat):
    """The thread was refused, and a case was decided before the next attempt."""
    chat.post_digest(digest(), None, look_first=False)
    chat.post_digest(digest(needs=(), rest=(ROW,)), None, look_first=True)
    listed, rest = chat.emulator.messages(CHANNEL)
    assert ROW.case.id not in json.dumps(listed["blocks"])
    assert ROW.case.id in json.dumps(rest["blocks"])
    ts = chat.post_storm(storm(), None, look_first=False)
    chat.post_storm(storm(rows=()), None, look_first=True)
    (message,) = [one for one in chat.emulator.messages(CHANNEL) if one["ts"] == ts]
    assert ROW.case.id not in json.dumps(message["blocks"])


def test_a_digest_that_somebody_deleted_stays_away(chat, client):
    ts = chat.post_digest(digest(), None, look_first=False)
    client.chat_delete(channel=CHANNEL, ts=ts)
    assert chat.post_digest(digest(), board(ts), look_first=False) == ts
    assert chat.emulator.messages(CHANNEL) == []


def test_a_storm_is_posted_once_and_redrawn(chat):
    ts = chat.post_storm(storm(), None, look_first=False)
    assert chat.post_storm(storm(), None, look_first=True) == ts
    assert chat.post_storm(storm(), board(ts), look_first=False) == ts
    assert len(chat.emulator.messages(CHANNEL)) == 1


def test_where_charts_are_not_taken_the_same_numbers_are_sent_as_text(fake, fake_chat):
    fake.errors["chat.postMessage"] = ["invalid_blocks"]
    fake_chat.post_digest(digest(), None, look_first=False)
    with_charts, without_charts = (
        {block["type"] for block in arguments["blocks"]}
        for arguments in fake.arguments_of("chat.postMessage")
    )
    assert "data_visualization" in with_charts
    assert "data_visualization" not in without_charts


def test_any_other_refusal_is_not_tried_again(fake, fake_chat):
    fake.errors["chat.update"] = ["channel_not_found"]
    with pytest.raises(ChatFailed, match="channel_not_found"):
        fake_chat.post_storm(storm(), board("1.0"), look_first=False)
    assert len(fake.arguments_of("chat.update")) == 1

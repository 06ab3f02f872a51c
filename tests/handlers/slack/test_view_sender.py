"""Modals, and the App Home with and without charts."""

from datetime import date

import pytest

from bot.cases.errors import ChatFailed
from bot.views.app_home import HomeView
from bot.views.trend import TrendDay
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from tests.cases.making import NOW
from tests.handlers.slack.fake_client import FakeWebClient

HOME = HomeView(
    user="U1",
    waiting=(),
    waiting_more=0,
    mine=(),
    team=(),
    team_more=0,
    alone=(),
    days=tuple(TrendDay(date(2026, 11, day), 1, 1, 60.0) for day in range(8, 22)),
    pauses=(),
    delegations=(),
    kinds=(("low_stock", "Running low"),),
    at=NOW,
)


@pytest.fixture
def fake():
    return FakeWebClient()


@pytest.fixture
def fake_chat(fake):
    return SlackChat(fake, RateLimiter(0, 1))


def test_where_charts_are_not_taken_the_home_is_published_without(fake, fake_chat):
    fake.errors["views.publish"] = ["invalid_arguments"]
    fake_chat.publish_home(HOME)
    first, second = fake.arguments_of("views.publish")
    assert first["user_id"] == second["user_id"] == "U1"
    types = {block["type"] for block in second["view"]["blocks"]}
    assert "data_visualization" not in types


def test_a_home_that_is_refused_for_another_reason_is_not_published_again(fake, fake_chat):
    fake.errors["views.publish"] = ["user_not_found"]
    with pytest.raises(ChatFailed, match="user_not_found"):
        fake_chat.publish_home(HOME)
    assert len(fake.arguments_of("views.publish")) == 1


def test_a_modal_is_only_redrawn_as_long_as_it_is_the_one_that_was_read(fake, fake_chat):
    view = {"type": "modal"}
    fake_chat.open_modal("t1", view)
    fake_chat.update_modal({"id": "V1", "hash": "h1"}, view)
    fake_chat.update_modal({"id": "V1"}, view)
    assert fake.calls == [
        ("views.open", {"trigger_id": "t1", "view": view}),
        ("views.update", {"view_id": "V1", "view": view, "hash": "h1"}),
        ("views.update", {"view_id": "V1", "view": view}),
    ]

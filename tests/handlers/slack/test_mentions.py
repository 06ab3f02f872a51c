"""Mentions of people and of groups."""

import pytest

from handlers.slack.api import SlackApi
from handlers.slack.mentions import Mentions
from handlers.slack.rate_limiter import RateLimiter
from tests.handlers.slack.fake_client import FakeWebClient


@pytest.fixture
def fake():
    fake = FakeWebClient()
    fake.answers["usergroups.list"] = {"usergroups": [{"handle": "finance", "id": "S1"}]}
    return fake


@pytest.fixture
def mentions(fake):
    return Mentions(SlackApi(fake, RateLimiter(0, 1)))


def test_a_person_and_a_group_are_notified(mentions):
    assert mentions.element_for("") is None
    assert mentions.element_for("T1/U1") == {"type": "user", "user_id": "U1"}
    assert mentions.element_for("finance") == {"type": "usergroup", "usergroup_id": "S1"}


def test_a_group_that_slack_does_not_know_is_written_out(mentions):
    assert mentions.element_for("nobody")["text"] == "@nobody"


def test_groups_are_read_once_in_a_while_and_a_failure_holds_no_message_up(fake, mentions):
    fake.errors["usergroups.list"] = ["internal_error"]
    assert mentions.element_for("finance")["text"] == "@finance"
    mentions.element_for("finance")
    assert len(fake.arguments_of("usergroups.list")) == 1

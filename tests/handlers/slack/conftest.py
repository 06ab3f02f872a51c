"""A Slack to write to, and our receiver of its requests."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.desk.question_review import QuestionReviews
from handlers.slack import http_receiver
from handlers.slack.app import build_app
from handlers.slack.chat import SlackChat
from handlers.slack.directory import SlackDirectory
from handlers.slack.question_limit import QuestionLimit
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.services import QuestionServices
from handlers.slack.web_client import web_client
from tests.fakes.questions import FakeQuestionLog, FakeQuestions, FakeReminders
from tests.handlers.slack.agreeable_slack import AgreeableSlack
from tests.handlers.slack.requests import SIGNING_SECRETS


@pytest.fixture
def client(emulator):
    return web_client("xoxb-emulator", f"{emulator.url}/api/")


@pytest.fixture
def chat(emulator, client):
    chat = SlackChat(client, RateLimiter(0, 1))
    chat.emulator = emulator
    return chat


@pytest.fixture
def directory(chat, client):
    return SlackDirectory(client, chat.team_id)


@pytest.fixture(scope="module")
def agreeable_slack():
    slack = AgreeableSlack()
    yield slack
    slack.close()


def receiver_of(agreeable_slack, world):
    """Receive Slack's requests with the desk of this world."""
    agreeable_slack.calls.clear()
    client = web_client("xoxb-test", agreeable_slack.api_url)
    services = world.slack_services(SlackChat(client, RateLimiter(0, 1)))
    app = build_app(client, services)
    route = http_receiver.route(app, SIGNING_SECRETS, lambda: datetime.now(UTC))
    receiver = TestClient(Starlette(routes=[route]), raise_server_exceptions=False)
    receiver.world = world
    return receiver


@pytest.fixture
def receiver(agreeable_slack, small_world):
    return receiver_of(agreeable_slack, small_world)


@pytest.fixture
def asking(agreeable_slack, small_world):
    """Receive Slack's requests with a desk whose answers are known beforehand."""
    agreeable_slack.calls.clear()
    client = web_client("xoxb-test", agreeable_slack.api_url)
    services = small_world.slack_services(SlackChat(client, RateLimiter(0, 1)))
    questions = FakeQuestions(services.conversation.questions.visibility)
    log = FakeQuestionLog()
    seconds = SimpleNamespace(now=0.0)
    conversation = SimpleNamespace(
        questions=questions,
        thread_orders=services.conversation.thread_orders,
        inquiries=services.conversation.inquiries,
        queues=services.conversation.queues,
        progress=services.conversation.progress,
        reminders=FakeReminders(),
    )
    services = replace(
        services,
        conversation=conversation,
        questions=QuestionServices(
            log=log,
            reviews=QuestionReviews(
                question_log=log,
                directory=questions.visibility.directory,
                describe=str,
            ),
            limit=QuestionLimit(lambda: seconds.now),
        ),
    )
    route = http_receiver.route(
        build_app(client, services), SIGNING_SECRETS, lambda: datetime.now(UTC)
    )
    receiver = TestClient(Starlette(routes=[route]), raise_server_exceptions=False)
    receiver.world = small_world
    receiver.slack = agreeable_slack
    receiver.questions = questions
    receiver.log = log
    receiver.reminders = conversation.reminders
    receiver.seconds = seconds
    return receiver

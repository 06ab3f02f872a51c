"""The Bolt app with every listener."""

import logging

from slack_bolt import App, BoltResponse
from slack_sdk import WebClient

from bot.cases.errors import ChatFailed, Refusal
from handlers.slack import (
    app_home,
    case_buttons,
    case_forms,
    case_lists,
    case_trail,
    events,
    inquiries,
    offer_buttons,
    question_buttons,
    raise_form,
    slash_command,
    thread_buttons,
)
from handlers.slack.services import SlackServices

log = logging.getLogger(__name__)


def build_app(client: WebClient, services: SlackServices) -> App:
    """Build the app with every listener."""
    bolt_log = logging.getLogger("slack_bolt")
    # Bolt logs whole bodies at INFO when a request is wrong; bodies are not for logs.
    bolt_log.setLevel(logging.ERROR)
    app = App(
        # Without a name Bolt looks for the file that calls it, through every module there is.
        name="countersign",
        client=client,
        # The decision is durable before Slack hears that the press was received.
        process_before_response=True,
        token_verification_enabled=False,
        # ``http_receiver`` verifies before Bolt parses anything.
        request_verification_enabled=False,
        ignoring_self_events_enabled=True,
        logger=bolt_log,
    )
    register(app, services)
    app.error(_respond_to_error)
    return app


def register(app: App, services: SlackServices) -> None:
    """Register every listener there is."""
    case_buttons.register(app, services)
    case_forms.register(app, services)
    case_lists.register(app, services)
    case_trail.register(app, services)
    inquiries.register(app, services)
    thread_buttons.register(app, services)
    events.register(app, services)
    app_home.register(app, services)
    question_buttons.register(app, services)
    offer_buttons.register(app, services)
    raise_form.register(app, services)
    slash_command.register(app, services)


def _respond_to_error(error: Exception) -> BoltResponse:
    """Log an error that a listener did not handle."""
    if isinstance(error, Refusal | ChatFailed):
        log.warning("a listener was refused: %s", error)
        return BoltResponse(status=400, body="")
    log.error("a listener failed", exc_info=error)
    return BoltResponse(status=500, body="")

"""The Bolt app with every listener, and the two ways Slack reaches it: Socket Mode, or HTTP behind our own verifier."""

import http.client
import logging
import threading
from dataclasses import dataclass

from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from bot.cases.errors import ChatFailed, Refusal
from bot.desk.app_home import AppHome
from bot.desk.controls import Controls
from bot.desk.decisions import Decisions
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.questions import Questions
from bot.desk.raising import Raising
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.question_log import QuestionLog
from handlers.slack import asking, case_buttons, case_forms, commands, home, raising
from handlers.slack.chat import SlackChat

log = logging.getLogger(__name__)
WORKERS = 16
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0


@dataclass(frozen=True)
class Asked:
    """All of the desk that people reach through Slack."""

    decisions: Decisions
    switchboard: Controls
    questions: Questions
    homes: AppHome
    raising: Raising
    queries: CaseQueries
    card_store: CardStore
    question_log: QuestionLog
    library: Library
    clock: Clock
    confirming: case_forms.Confirming
    sweeping: MessageCleanup | None = None


def build(client: WebClient, desk: Asked, chat: SlackChat) -> App:
    """``process_before_response`` runs the listener before the answer: the decision is durable before Slack hears "got it"."""
    quiet = logging.getLogger("slack_bolt")
    # Bolt logs whole bodies at INFO when something is wrong with a request; bodies are not for logs.
    quiet.setLevel(logging.ERROR)
    app = App(
        client=client,
        process_before_response=True,
        token_verification_enabled=False,
        request_verification_enabled=False,
        ignoring_self_events_enabled=True,
        logger=quiet,
    )
    register(app, desk, chat)
    app.error(_failed)
    return app


def _failed(error: Exception) -> BoltResponse:
    """Answer for what a listener let through: a refusal is the asker's to mend, anything else is ours."""
    if isinstance(error, Refusal | ChatFailed):
        log.warning("a listener was refused: %s", error)
        return BoltResponse(status=400, body="")
    log.error("a listener failed", exc_info=error)
    return BoltResponse(status=500, body="")


def register(app: App, desk: Asked, chat: SlackChat) -> None:
    """Every listener there is."""
    case_buttons.register(
        app, desk.decisions, desk.card_store, desk.library, chat, desk.homes.show, desk.sweeping
    )
    case_forms.register(app, desk.decisions, desk.confirming)
    asking.register(app, desk.question_log, desk.card_store, chat, desk.clock, desk.homes.show)
    home.register(app, desk.homes, desk.switchboard, desk.library, chat, desk.clock)
    raising.register(app, desk.raising, desk.library, chat)
    heard = (
        desk.questions,
        desk.switchboard,
        desk.decisions,
        desk.queries,
        desk.library,
        chat,
        desk.clock,
    )
    commands.register(app, commands.Commands(*heard))


class SocketDoor:
    """Socket Mode: an outgoing connection, so that nothing needs to reach us. Slack may be away when we start: we go on asking."""

    def __init__(self, app: App, app_token: str, base_url: str) -> None:
        client = WebClient(token=app_token, base_url=base_url, retry_handlers=[])
        self._handler = SocketModeHandler(app, app_token, web_client=client, concurrency=WORKERS)
        self._closing = threading.Event()
        self._opening = threading.Thread(target=self._open, name="slack-socket", daemon=True)

    def open(self) -> None:
        self._opening.start()

    def _open(self) -> None:
        wait = FIRST_WAIT
        while not self._closing.is_set():
            try:
                self._handler.connect()  # type: ignore[no-untyped-call]
            except (SlackClientError, OSError, http.client.HTTPException) as failure:
                log.warning("Slack cannot be reached (%s); trying again in %.0f s", failure, wait)
                self._closing.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                return

    def close(self) -> None:
        self._closing.set()
        self._opening.join()
        self._handler.close()  # type: ignore[no-untyped-call]

    def is_connected(self) -> bool:
        return bool(self._handler.client.is_connected())

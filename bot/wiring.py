"""The composition root: real things are plugged together here and nowhere else."""

from functools import partial

from slack_bolt import App
from slack_sdk import WebClient

from bot.advisors import Trainer, open_knowledge
from bot.checkpoint_keeper import open_keeper
from bot.connectors.registry import build_connectors
from bot.desk.options import DeskOptions
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.worker import WorkerTimings
from bot.http_server import HealthChecks, HttpServices, build_http_server
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import Connector
from bot.preflight import open_library, require_startable
from bot.service import Service, build_jobs, build_lanes
from bot.settings import Mode, Settings
from bot.storage import open_store
from bot.store.clock import clock_of
from bot.store.store import Store
from bot.use_cases import Desk, build_desk
from handlers.passkeys.app import confirmation_url
from handlers.slack.app import build_app
from handlers.slack.chat import SlackChat
from handlers.slack.directory import SlackDirectory
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.services import QuestionServices, SlackServices
from handlers.slack.socket_mode import SocketModeConnection
from handlers.slack.web_client import web_client
from knowledge.library import FileLibrary
from scheduler.loop import Loop


def build_service(settings: Settings, *, clock: Clock | None = None) -> Service:
    """Build the bot, not yet started.

    Its clock is the database's unless another is given.
    """
    store = open_store(settings)
    library = open_library(settings)
    clock = clock or clock_of(store.database)
    client, chat, directory = _open_slack(settings)
    systems = build_systems(settings, library, chat)
    knowledge = open_knowledge(
        settings=settings,
        store=store,
        library=library,
        clock=clock,
    )
    desk = build_desk(
        store=store,
        library=library,
        systems=systems,
        chat=chat,
        directory=directory,
        clock=clock,
        advisors=knowledge.advisors,
        options=_desk_options(settings),
    )
    lanes = build_lanes(
        desk, clock, WorkerTimings(lease_for=settings.lease_for, settle_for=settings.settle_for)
    )
    # Work that a write leaves behind goes to a lane at once, without a look into the outbox.
    store.database.local_workers.extend(lanes)
    listeners = _build_listeners(
        settings=settings,
        desk=desk,
        client=client,
        chat=chat,
    )
    socket = _open_socket(settings, listeners)
    keeper = open_keeper(settings, store, clock)
    trainer = Trainer(settings, knowledge)
    return Service(
        settings=settings,
        desk=desk,
        lanes=lanes,
        loop=Loop(store.ticks, clock),
        jobs=build_jobs(
            desk=desk,
            keeper=keeper,
            trainer=trainer,
            clock=clock,
        ),
        keeper=keeper,
        knowledge=knowledge,
        trainer=trainer,
        socket=socket,
        server=build_http_server(
            settings=settings,
            services=HttpServices(
                intake=desk.intake,
                progress=desk.conversation.progress,
                decisions=desk.decisions,
                enrolment=desk.enrolment,
            ),
            sources=library.sources,
            slack_app=listeners,
            health=HealthChecks(store, chat, socket),
            clock=clock,
        ),
        clock=clock,
    )


def build_systems(settings: Settings, library: FileLibrary, chat: Chat) -> dict[str, Connector]:
    """Build a connector for each system of the library.

    Raises:
        SettingsIncomplete: a secret is not set, or a timeout is longer than a lease.
    """
    require_startable(settings, library)
    # In shadow mode nothing is carried out, so the connectors may be real ones.
    return build_connectors(
        library.systems,
        secrets=settings.secret,
        chat=chat,
        dry_run=settings.mode is Mode.DRY_RUN,
    )


def open_enrolment(settings: Settings, store: Store) -> tuple[PasskeyEnrolment, SlackChat]:
    """Open the enrolment of passkeys for an operator.

    Return it with the Slack that knows the people.
    """
    _, chat, directory = _open_slack(settings)
    enrolment = PasskeyEnrolment(
        desk_controls=store.desk_controls,
        queries=store.queries,
        directory=directory,
        clock=clock_of(store.database),
    )
    return enrolment, chat


def _open_slack(settings: Settings) -> tuple[WebClient, SlackChat, SlackDirectory]:
    client = web_client(settings.slack_bot_token, settings.slack_api_url)
    chat = SlackChat(client, RateLimiter(settings.slack_per_second, settings.slack_burst))
    return client, chat, SlackDirectory(client, chat.team_id)


def _build_listeners(settings: Settings, desk: Desk, client: WebClient, chat: SlackChat) -> App:
    services = SlackServices(
        chat=chat,
        decisions=desk.decisions,
        controls=desk.controls,
        conversation=desk.conversation,
        app_home=desk.screens.app_home,
        digests=desk.screens.digests,
        case_lists=desk.screens.case_lists,
        group_decisions=desk.group_decisions,
        raising=desk.raising,
        card_store=desk.store.cards,
        questions=QuestionServices(
            log=desk.store.question_log, reviews=desk.screens.question_reviews
        ),
        library=desk.library,
        clock=desk.decisions.clock,
        confirmation_link=partial(confirmation_url, settings.public_url),
        message_cleanup=desk.upkeep.message_cleanup,
    )
    return build_app(client, services)


def _open_socket(settings: Settings, listeners: App) -> SocketModeConnection | None:
    if not settings.slack_app_token:
        return None
    return SocketModeConnection(listeners, settings.slack_app_token, settings.slack_api_url)


def _desk_options(settings: Settings) -> DeskOptions:
    return DeskOptions(
        mode=settings.mode.value,
        storm_after=settings.storm_after,
        lease_for=settings.lease_for,
        settle_for=settings.settle_for,
    )

"""The composition root: the one place where real things are plugged together."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import uvicorn
from starlette.applications import Starlette

from bot.cases.errors import ChatFailed, SettingsIncomplete
from bot.cases.policy import Stage
from bot.clock import monotonic, utc_now
from bot.connectors.dry_run import DryRun
from bot.connectors.http import HttpConnector
from bot.connectors.message import MessageConnector
from bot.connectors.specs import HttpSystem, SqlSystem, SystemSpec
from bot.connectors.sql import SqlConnector
from bot.desk.decisions import Decisions
from bot.desk.drawing import Drawing
from bot.desk.executor import Executor
from bot.desk.follow_up import FollowUp
from bot.desk.intake import Intake
from bot.desk.proposal import Proposals
from bot.desk.triage import Triage
from bot.desk.worker import Lane, Pace
from bot.ports import Chat, Clock, Connector, Directory, Systems, Topic
from bot.settings import Mode, Settings
from bot.store.checkpoints import Checkpoints
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from handlers.intake.app import Door
from handlers.intake.app import build as build_intake
from handlers.intake.authentication import Credentials, Sources
from handlers.slack import app as slack_app
from handlers.slack import http_door
from handlers.slack.chat import SlackChat, web_client
from handlers.slack.directory import SlackDirectory
from handlers.slack.gate import Gate
from knowledge.library import Library, load
from knowledge.recommender import PlaybookRecommender
from scheduler.detectors import Detector
from scheduler.loop import Job, Loop

log = logging.getLogger(__name__)
DESK_THREADS, CHAT_THREADS = 4, 4
KEEP_TIME_EVERY = timedelta(seconds=5)
CHECKPOINT_EVERY = timedelta(minutes=5)
SERVED_WITHIN = 10.0


@dataclass(frozen=True)
class Desk:
    """Everything that may be asked of the bot, over one store."""

    store: SqlStore
    library: Library
    systems: Systems
    intake: Intake
    triage: Triage
    decisions: Decisions
    executor: Executor
    follow_up: FollowUp
    drawing: Drawing


@dataclass
class House:
    """A running bot: open it, and close it again."""

    settings: Settings
    desk: Desk
    lanes: list[Lane]
    loop: Loop
    jobs: list[Job]
    checkpoints: Checkpoints
    chat: SlackChat
    socket: slack_app.SocketDoor | None
    server: uvicorn.Server
    _serving: threading.Thread | None = field(default=None)

    def open(self) -> None:
        """Begin: first the doors through which people and systems come, then the work, then time."""
        self._serving = threading.Thread(target=self.server.run, name="intake", daemon=True)
        self._serving.start()
        self._wait_until_served()
        if self.socket:
            self.socket.open()
        for lane in self.lanes:
            lane.start()
        self.loop.start(self.jobs)

    def _wait_until_served(self) -> None:
        """Nobody is told that we are open before the port is."""
        ends = monotonic() + SERVED_WITHIN
        while not self.server.started:
            if monotonic() > ends or not (self._serving and self._serving.is_alive()):
                raise SettingsIncomplete(
                    f"the intake cannot listen on {self.settings.host}:{self.settings.port}; is the port taken? Set COUNTERSIGN_PORT"
                )
            time.sleep(0.005)

    def close(self) -> None:
        """Take nothing new, finish what is in hand, sign the ledger."""
        self.loop.stop()
        if self.socket:
            self.socket.close()
        self.server.should_exit = True
        for lane in self.lanes:
            lane.stop()
        self.checkpoints.sign(self.desk.store)
        self.desk.store.database.close()


def open_store(settings: Settings) -> SqlStore:
    """The store at the latest migration."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    migrate(database)
    return SqlStore(database)


def open_library(settings: Settings) -> Library:
    return load(settings.library_dir, stage=Stage.SHADOW if settings.mode is Mode.SHADOW else None)


def build_desk(
    settings: Settings,
    store: SqlStore,
    library: Library,
    systems: Systems,
    chat: Chat,
    directory: Directory,
    clock: Clock,
) -> Desk:
    """The use cases, over whatever stands behind the ports."""
    proposals = Proposals(store, library, systems)
    return Desk(
        store=store,
        library=library,
        systems=systems,
        intake=Intake(store, library, clock),
        triage=Triage(store, library, systems, PlaybookRecommender(), proposals, clock),
        decisions=Decisions(store, library, directory, proposals, clock),
        executor=Executor(store, library, systems, directory, proposals, clock),
        follow_up=FollowUp(store, library, systems, clock),
        drawing=Drawing(store, chat, clock),
    )


def build_systems(settings: Settings, specs: Mapping[str, SystemSpec], chat: Chat) -> dict[str, Connector]:
    """A connector per system, with its secret from the environment.

    Raises:
        SettingsIncomplete: the names of the secrets that are not set.
    """
    todo = []
    systems: dict[str, Connector] = {}
    for name, spec in specs.items():
        env = spec.url_env if isinstance(spec, SqlSystem) else spec.token_env if isinstance(spec, HttpSystem) else ""
        if env and not settings.secret(env):
            todo.append(f"set {env}: systems.yml needs it for {name}")
            continue
        real = _connector(spec, settings.secret(env), chat)
        systems[name] = DryRun(real) if settings.mode is Mode.DRY_RUN else real
    if todo:
        raise SettingsIncomplete("To do before Countersign can start:\n" + "\n".join(f"  • {line}" for line in todo))
    return systems


def _connector(spec: SystemSpec, secret: str, chat: Chat) -> Connector:
    if isinstance(spec, SqlSystem):
        return SqlConnector(spec, secret)
    return HttpConnector(spec, secret) if isinstance(spec, HttpSystem) else MessageConnector(spec, chat)


def build(settings: Settings, *, clock: Clock = utc_now) -> House:
    """The whole bot, not yet open."""
    store, library = open_store(settings), open_library(settings)
    client = web_client(settings.slack_bot_token, settings.slack_api_url)
    chat = SlackChat(client, Gate(settings.slack_per_second, settings.slack_burst))
    systems = build_systems(settings, library.systems, chat)
    desk = build_desk(settings, store, library, systems, chat, SlackDirectory(client, chat.team_id), clock)
    pace = Pace(lease_for=settings.lease_for, settle_for=settings.settle_for)
    lanes = _lanes(desk, clock, pace)
    store.takers.extend(lanes)
    app = slack_app.build(client, desk.decisions, library, chat)
    socket = (
        slack_app.SocketDoor(app, settings.slack_app_token, settings.slack_api_url)
        if settings.slack_app_token
        else None
    )
    over_http = [] if socket else [http_door.route(app, settings.slack_signing_secrets, clock)]
    checkpoints = Checkpoints(settings.data_dir / "checkpoints", settings.origin)
    web = build_intake(_door(settings, desk, chat), more=over_http)
    return House(
        settings,
        desk,
        lanes,
        Loop(store, clock),
        _jobs(desk, checkpoints, clock),
        checkpoints,
        chat,
        socket,
        _server(settings, web),
    )


def _lanes(desk: Desk, clock: Clock, pace: Pace) -> list[Lane]:
    work = {Topic.TRIAGE: desk.triage.run, Topic.EXECUTE: desk.executor.run, Topic.FOLLOW_UP: desk.follow_up.run}
    words = {Topic.CARD: desk.drawing.draw, Topic.NOTE: desk.drawing.note}
    return [
        Lane("desk", desk.store, work, clock, threads=DESK_THREADS, pace=pace),
        Lane("chat", desk.store, words, clock, threads=CHAT_THREADS, pace=pace),
    ]


def _jobs(desk: Desk, checkpoints: Checkpoints, clock: Clock) -> list[Job]:
    jobs = [
        Job("keep time", KEEP_TIME_EVERY, desk.follow_up.keep_time),
        Job("checkpoint", CHECKPOINT_EVERY, lambda: checkpoints.sign(desk.store)),
    ]
    for playbook in desk.library.playbooks.values():
        if playbook.detection:
            detector = Detector(playbook, playbook.detection, desk.systems, desk.intake, clock)
            jobs.append(Job(f"detect {playbook.kind}", playbook.detection.every, detector.look))
    return jobs


def _door(settings: Settings, desk: Desk, chat: SlackChat) -> Door:
    credentials = {
        name: Credentials(
            tuple(filter(None, map(settings.secret, source.token_env))),
            tuple(filter(None, map(settings.secret, source.webhook_secret_env))),
        )
        for name, source in desk.library.sources.items()
    }

    def problems() -> list[str]:
        found = []
        try:
            desk.store.head()
        except Exception as failure:
            # A health check reports whatever it meets.
            found.append(f"database: {type(failure).__name__}")
        try:
            chat.ping()
        except ChatFailed as failure:
            found.append(f"Slack: {failure.error}")
        return found

    return Door(desk.intake, Sources(desk.library.sources, credentials), settings.api_tokens, problems)


def _server(settings: Settings, app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        limit_concurrency=1000,
        ws="none",
        lifespan="off",
    )
    return uvicorn.Server(config)


def check(settings: Settings) -> list[str]:
    """What would keep the bot from starting or working, as sentences; empty when all is well."""
    problems = []
    library = open_library(settings)
    for name, spec in library.systems.items():
        env = spec.url_env if isinstance(spec, SqlSystem) else spec.token_env if isinstance(spec, HttpSystem) else ""
        if env and not settings.secret(env):
            problems.append(f"{env} is not set: {name} cannot be reached")
    for name, source in library.sources.items():
        if not any(settings.secret(env) for env in (*source.token_env, *source.webhook_secret_env)):
            problems.append(
                f"source {name} has no secret set ({', '.join((*source.token_env, *source.webhook_secret_env))}): it cannot send"
            )
    return problems

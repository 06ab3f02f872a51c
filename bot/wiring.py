"""The composition root: real things are plugged together here and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from slack_bolt import App
from slack_sdk import WebClient

from bot.advisors import open_knowledge
from bot.audit.receipts import Receipts
from bot.cases.errors import ChatFailed
from bot.checkpoint_keeper import open_keeper, open_witness
from bot.connectors.callbacks import CallbackSender
from bot.connectors.measured import describe_failing_systems
from bot.desk.decision_priority import DecisionPriority
from bot.desk.event_effects import with_callbacks
from bot.desk.groups_in_use import describe_empty_groups
from bot.desk.kind_watch import KindWatch
from bot.desk.options import DeskOptions
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.worker import WorkerTimings
from bot.exposition import expose_metrics
from bot.http_server import HealthChecks, HttpServices, build_http_server
from bot.ports.clock import Clock
from bot.ports.connector import Connector
from bot.preflight import build_systems, open_library
from bot.service import (
    LANES,
    NAMES_INTERVAL,
    Service,
    Worker,
    build_jobs,
    build_lanes,
    build_remote_lanes,
    build_worker_processes,
    lanes_of_worker,
)
from bot.settings import ApproverHealth, Settings, incomplete
from bot.storage import open_store
from bot.store.clock import clock_of
from bot.store.store import Store
from bot.trainer import IdleWatch, Trainer
from bot.use_cases import Desk, build_desk
from handlers.passkeys.app import confirmation_url
from handlers.slack.app import build_app
from handlers.slack.channel_names import describe_missing_channel, pin_channels
from handlers.slack.chat import SlackChat
from handlers.slack.directory import SlackDirectory
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.services import QuestionServices, SlackServices
from handlers.slack.socket_mode import SocketModeConnection
from handlers.slack.web_client import web_client
from knowledge.library import FileLibrary
from knowledge.memory.precedent_memory import PrecedentMemory
from scheduler.detectors import BlindDetectors
from scheduler.loop import Job, Loop
from scheduler.retention import RetentionDelays


def build_service(
    settings: Settings,
    *,
    clock: Clock | None = None,
    processes: int = 1,
    receive_only: bool = False,
) -> Service:
    """Build the bot, not yet started.

    Its clock is the database's unless another is given. With several ``processes`` this one
    receives requests and runs the jobs, and the others run the lanes. With ``receive_only`` nobody
    does: what comes is stored, and waits until the app is installed again.
    """
    has_lanes = processes == 1 and not receive_only
    parts = _build_parts(settings, clock, lanes=LANES if has_lanes else ())
    worker = parts.worker
    desk = worker.desk
    workers = None
    if processes > 1:
        workers = build_worker_processes(settings, processes - 1)
        desk.store.database.local_workers.extend(build_remote_lanes(desk, workers))
    desk.store.database.precedence = desk.decisions.priority
    listeners = _build_listeners(
        settings=settings,
        desk=desk,
        client=parts.client,
        chat=parts.chat,
    )
    socket = _open_socket(settings, listeners, desk.decisions.priority)
    keeper = open_keeper(settings, desk.store, worker.clock)
    expose_metrics(
        settings,
        store=desk.store,
        library=desk.library,
        witness=keeper.witness,
        clock=worker.clock,
    )
    blind_detectors = BlindDetectors()
    retention_delays = RetentionDelays()
    health = HealthChecks(
        store=desk.store,
        chat=parts.chat,
        socket=socket,
        list_gaps=lambda: [
            *blind_detectors.describe(worker.clock()),
            *describe_failing_systems(
                parts.systems, blind_detectors.kinds_by_system(worker.clock())
            ),
            *describe_empty_groups(desk.library, parts.directory),
            *retention_delays.describe(),
            *_memory_gaps(worker.knowledge.precedents),
            *filter(None, [desk.store.database.describe_wait()]),
        ],
        find_missing_workers=workers.find_problems if workers else list,
    )
    jobs = []
    if not receive_only:
        jobs = [
            *build_jobs(
                desk,
                keeper,
                worker.clock,
                secrets=settings.secret,
                blind_detectors=blind_detectors,
                retention_delays=retention_delays,
            ),
            Job("names", NAMES_INTERVAL, parts.directory.pin_people),
        ]
    return Service(
        settings=settings,
        worker=worker,
        processes=workers,
        loop=Loop(desk.store.ticks, worker.clock),
        jobs=jobs,
        keeper=keeper,
        trainer=_build_trainer(settings, worker),
        socket=socket,
        server=build_http_server(
            settings=settings,
            services=HttpServices(
                intake=desk.intake,
                progress=desk.conversation.progress,
                decisions=desk.decisions,
                enrolment=desk.enrolment,
                program_tokens=desk.program_tokens,
                reading=desk.reading,
                program_approvals=desk.program_approvals,
                queries=desk.store.queries,
                signer=Receipts(keeper.witness),
            ),
            sources=desk.library.sources,
            slack_app=listeners,
            health=health,
            clock=worker.clock,
        ),
    )


def build_worker(settings: Settings, number: int) -> Worker:
    """Build the worker process of this number, not yet started."""
    return _build_parts(settings, None, lanes=lanes_of_worker(number)).worker


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """The parts of any process of the bot."""

    worker: Worker
    client: WebClient
    chat: SlackChat
    directory: SlackDirectory
    systems: Mapping[str, Connector]


def _memory_gaps(memory: PrecedentMemory) -> list[str]:
    trouble = memory.describe_trouble()
    return [f"{trouble}; cards may lack earlier cases until it is back"] if trouble else []


def _build_parts(settings: Settings, clock: Clock | None, *, lanes: Sequence[str]) -> _Parts:
    store = open_store(settings)
    clock = clock or clock_of(store.database)
    client, chat, directory = _open_slack(settings, store)
    library = with_channel_ids(open_library(settings), client, store)
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
        options=_desk_options(settings, library),
    )
    # Of both rules, while a change of the files waits.
    directory.group_lists = desk.decisions.proposals.rules.group_lists
    timings = WorkerTimings(lease_for=settings.lease_for, settle_for=settings.settle_for)
    pools = build_lanes(
        desk,
        clock,
        timings,
        names=lanes,
    )
    # Work that a write leaves behind goes to a lane at once, without a look into the outbox.
    store.database.local_workers.extend(pools.values())
    kind_watch = KindWatch(desk.upkeep.review_kind)
    store.database.score_listeners.append(kind_watch.note)
    worker = Worker(
        desk=desk,
        lanes=pools,
        knowledge=knowledge,
        clock=clock,
        kind_watch=kind_watch,
    )
    return _Parts(worker=worker, client=client, chat=chat, directory=directory, systems=systems)


def with_channel_ids(library: FileLibrary, client: WebClient, store: Store) -> FileLibrary:
    """Return the library with the ids of its channels.

    Raises:
        SettingsIncomplete: a channel is not found, or Slack does not tell.
    """
    names = library.channel_names()
    try:
        ids = pin_channels(client, names, store.pinned_names)
    except ChatFailed as failure:
        raise incomplete(
            [f"start again when Slack tells the ids of #{', #'.join(names)}: it says {failure}"]
        ) from None
    problems = [describe_missing_channel(name) for name in names if name not in ids]
    if problems:
        raise incomplete(problems)
    return library.with_channel_ids(ids)


def _build_trainer(settings: Settings, worker: Worker) -> Trainer:
    return Trainer(
        environment=settings.environment,
        is_outdated=worker.knowledge.model_is_outdated,
        idle_seconds=IdleWatch(worker.desk.store, worker.clock).idle_seconds,
    )


def open_enrolment(settings: Settings, store: Store) -> tuple[PasskeyEnrolment, SlackChat]:
    """Open the enrolment of passkeys for an operator.

    Return it with the Slack that knows the people.
    """
    _, chat, directory = _open_slack(settings, store)
    enrolment = PasskeyEnrolment(
        desk_controls=store.desk_controls,
        queries=store.queries,
        directory=directory,
        clock=clock_of(store.database),
    )
    return enrolment, chat


def _open_slack(settings: Settings, store: Store) -> tuple[WebClient, SlackChat, SlackDirectory]:
    client = web_client(settings.slack_bot_token, settings.slack_api_url)
    chat = SlackChat(client, RateLimiter(settings.slack_per_second, settings.slack_burst))
    return client, chat, SlackDirectory(client, chat.team_id, pins=store.pinned_names)


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


def _probes_per_week(settings: Settings) -> int:
    """Put no practice cases where figures about approvals are not agreed."""
    return settings.probes_per_week if settings.approver_health is ApproverHealth.ON else 0


def _open_socket(
    settings: Settings, listeners: App, priority: DecisionPriority
) -> SocketModeConnection | None:
    if not settings.slack_app_token:
        return None
    return SocketModeConnection(
        app=listeners,
        app_token=settings.slack_app_token,
        base_url=settings.slack_api_url,
        priority=priority,
    )


def _desk_options(settings: Settings, library: FileLibrary) -> DeskOptions:
    # The key is read where programs are told of decisions, and nowhere else.
    is_telling = bool(with_callbacks(library.programs))
    return DeskOptions(
        mode=settings.mode.value,
        storm_after=settings.storm_after,
        lease_for=settings.lease_for,
        settle_for=settings.settle_for,
        event_sender=CallbackSender(settings.secret, settings.callback_networks),
        receipt_signer=Receipts(open_witness(settings)) if is_telling else None,
        public_url=settings.public_url,
        is_health_shown=settings.approver_health is ApproverHealth.ON,
        probes_per_week=_probes_per_week(settings),
    )

"""The composition root: the one place where real things are plugged together."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import assert_never

import uvicorn
from slack_sdk import WebClient

from bot.audit.checkpoints import Checkpoints, Witness
from bot.cases.controls import BEHIND, EVERYTHING, DeskControls
from bot.cases.errors import ChatFailed, LedgerBroken, SettingsIncomplete
from bot.cases.policy import Stage
from bot.cases.signal import UNRECOGNISED
from bot.clock import monotonic
from bot.connectors.dry_run import DryRun
from bot.connectors.http import HttpConnector
from bot.connectors.message import MessageConnector
from bot.connectors.specs import HttpSystem, MessageSystem, SqlSystem, SystemSpec
from bot.connectors.sql import SqlConnector
from bot.desk.alert_storms import MOST_CARDS, AlertStorms, SourceThrottle
from bot.desk.app_home import AppHome
from bot.desk.cards import Cards
from bot.desk.case_answers import CaseAnswers
from bot.desk.controls import Controls
from bot.desk.deadlines import Deadlines
from bot.desk.decisions import Decisions
from bot.desk.digest import Digest
from bot.desk.executor import Executor, build_executor
from bot.desk.follow_up import FollowUp
from bot.desk.intake import Intake
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.narration import CaseNarration
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.precedents import PrecedentRecorder
from bot.desk.proposal import Proposals
from bot.desk.questions import Questions
from bot.desk.queues import Queues
from bot.desk.raising import Raising
from bot.desk.rollback import RollbackWatch, describe_loss
from bot.desk.triage import Triage
from bot.desk.visibility import Visibility
from bot.desk.worker import WorkerPool, WorkerTimings
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import Connector, Systems
from bot.ports.directory import Directory
from bot.ports.language import Assistant, Narrator
from bot.ports.memory import Memory as MemoryPort
from bot.ports.memory import PrecedentStore
from bot.ports.outbox import Outbox, Topic
from bot.ports.recommender import Recogniser, Recommender
from bot.settings import Mode, Settings, Signer
from bot.store.clock import DatabaseClock, clock_of
from bot.store.database import Database
from bot.store.migrate import migrate, must_be_migrated
from bot.store.precedents import SqlPrecedentStore
from bot.store.store import Store
from handlers.intake.app import Door
from handlers.intake.app import build as build_intake
from handlers.intake.authentication import Credentials, Sources
from handlers.intake.server import Limits, server
from handlers.passkeys import app as passkeys
from handlers.passkeys.ceremony import Ceremony
from handlers.slack import app as slack_app
from handlers.slack import http_door
from handlers.slack.chat import SlackChat, web_client
from handlers.slack.directory import SlackDirectory
from handlers.slack.gate import Gate
from knowledge.answers import QuestionGrammar
from knowledge.chat_model import Bounds
from knowledge.embedder import Embedder, Words, open_embedder
from knowledge.learned import Learned
from knowledge.library import Library, load
from knowledge.narrator import open_narrator
from knowledge.plan_model import PlanModel
from knowledge.precedents import Forgetful, Precedents
from knowledge.recogniser import RecogniserModel, TrainedRecogniser
from knowledge.recommender import RememberingRecommender
from knowledge.talker import open_talker
from knowledge.training import is_worth_it
from knowledge.vector_index import VectorIndex
from scheduler.detectors import AbsenceDetector, Detector
from scheduler.digest import DigestTimes
from scheduler.loop import Job, Loop

log = logging.getLogger(__name__)
DESK_THREADS, CHAT_THREADS, TALK_THREADS, LATER_THREADS = 4, 4, 4, 2
LEARN_EVERY = timedelta(minutes=10)
KEEP_TIME_EVERY = timedelta(seconds=5)
CHECKPOINT_EVERY = timedelta(minutes=5)
SERVED_WITHIN = 10.0
TALK_WITHIN = 30.0
LOOK_FOR_DIGESTS_EVERY = timedelta(seconds=30)
CATCH_UP_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class Desk:
    """Everything that may be asked of the bot, over one store."""

    store: Store
    library: Library
    systems: Systems
    intake: Intake
    triage: Triage
    decisions: Decisions
    switchboard: Controls
    enrolment: PasskeyEnrolment
    executor: Executor
    follow_up: FollowUp
    deadlines: Deadlines
    drawing: Cards
    sweeping: MessageCleanup
    questions: Questions
    queues: Queues
    digests: Digest
    homes: AppHome
    storms: AlertStorms
    raising: Raising
    remembering: PrecedentRecorder
    narration: CaseNarration | None


@dataclass(frozen=True)
class Mind:
    """What the desk asks before it recommends: how like cases ended, which kind it is, which plan, and how to say it."""

    shelf: PrecedentStore
    memory: MemoryPort
    recogniser: Recogniser
    recommender: Recommender
    narrator: Narrator | None = None
    talker: Assistant | None = None


@dataclass(frozen=True)
class Knowledge:
    """The real thing: an index that fills itself from the shelf, and what was learned from it."""

    mind: Mind
    shelf: SqlPrecedentStore
    precedents: Precedents
    embedder: Embedder
    learned: Learned
    folder: Path


@dataclass
class House:
    """A running bot: open it, and close it again."""

    settings: Settings
    desk: Desk
    lanes: list[WorkerPool]
    loop: Loop
    jobs: list[Job]
    keeper: "Keeper"
    chat: SlackChat
    knowledge: Knowledge
    trainer: "Trainer"
    socket: slack_app.SocketDoor | None
    server: uvicorn.Server
    clock: Clock
    _serving: threading.Thread | None = field(default=None)

    def open(self) -> None:
        """Begin: first the doors through which people and systems come, then the work, then time.

        Before all of them, the ledger is compared with what was signed of it.
        """
        self.keeper.open()
        if isinstance(self.clock, DatabaseClock):
            self.clock.start()
        self.knowledge.precedents.start()
        self._serving = threading.Thread(target=self.server.run, name="intake", daemon=True)
        self._serving.start()
        self._wait_until_served()
        if self.socket:
            self.socket.open()
        self.desk.drawing.renew()
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
        self.trainer.stop()
        self.loop.stop()
        if self.socket:
            self.socket.close()
        self.server.should_exit = True
        for lane in self.lanes:
            lane.stop()
        self.knowledge.precedents.close()
        self.keeper.run()
        if isinstance(self.clock, DatabaseClock):
            self.clock.stop()
        self.desk.store.database.close()


@dataclass(frozen=True)
class Keeper:
    """Keeps the ledger under signed checkpoints, or under the eyes of a signer elsewhere."""

    watch: RollbackWatch
    witness: Witness
    store: Store

    def open(self) -> None:
        """Say at start what keeps everything paused, and what cannot be compared."""
        if self.look().is_behind:
            log.error("open, but paused: %s. `countersign doctor` says more.", BEHIND)
        elif not isinstance(self.witness, Checkpoints) and not self.witness.is_there:
            log.warning(
                "no checkpoint can be read in %s: a restored backup would not be seen",
                self.witness.folder,
            )

    def look(self) -> DeskControls:
        try:
            return self.watch.check()
        except LedgerBroken as failure:
            log.critical("the ledger cannot be compared with its checkpoints: %s", failure)
            return self.store.desk_controls.load()

    def run(self) -> None:
        """Sign what is new. While a restored backup waits to be acknowledged nothing is signed, and nothing said again."""
        if self.look().is_behind or not isinstance(self.witness, Checkpoints):
            return
        try:
            self.witness.sign(self.store.ledger)
        except LedgerBroken as failure:
            log.critical("the ledger is not signed: %s", failure)


def open_keeper(settings: Settings, store: Store, clock: Clock) -> Keeper:
    """The checkpoints of these settings, and the watch over them."""
    witness = open_witness(settings)
    watch = RollbackWatch(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        outbox=store.outbox,
        compare=lambda: witness.compare(store.ledger),
        clock=clock,
    )
    return Keeper(watch, witness, store)


def open_witness(settings: Settings) -> Witness:
    """What was signed; by this process, unless another one signs."""
    shape = Checkpoints if settings.checkpoints is Signer.ON else Witness
    return shape(settings.checkpoints_dir, settings.origin)


def sign(witness: Witness, store: Store) -> None:
    """Sign the ledger, if this process may; else only compare.

    Raises:
        LedgerBroken: it does not grow from what was signed.
    """
    if isinstance(witness, Checkpoints):
        witness.sign(store.ledger)
        return
    found = witness.compare(store.ledger)
    if found is not None:
        raise LedgerBroken(describe_loss(found))


def witnessed(settings: Settings, store: Store) -> list[str]:
    """What the signed checkpoints say against the ledger, as sentences. Reads only."""
    witness = Witness(settings.checkpoints_dir, settings.origin)
    try:
        found = witness.compare(store.ledger)
    except LedgerBroken as failure:
        return [f"checkpoints: {failure}"]
    standing = store.desk_controls.load()
    if found is not None and standing.acknowledgement_of(found.size, found.root) is None:
        return [describe_loss(found)]
    if standing.is_behind:
        return [f"{BEHIND}: `countersign ledger acknowledge`"]
    if settings.checkpoints is Signer.ELSEWHERE and not witness.is_there:
        return [
            f"no checkpoint can be read in {witness.folder}: a restored backup would not be seen"
        ]
    return []


def open_reader(settings: Settings) -> Store:
    """The store for a role that only reads: the schema must be this release's already."""
    database = Database(settings.database_url)
    try:
        must_be_migrated(database)
    except SettingsIncomplete:
        database.close()
        raise
    return Store.over(database)


def open_store(settings: Settings) -> Store:
    """The store at the latest migration."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    migrate(database)
    return Store.over(database)


def open_enrolment(settings: Settings, store: Store) -> tuple[PasskeyEnrolment, SlackChat]:
    """Open the enrolment of passkeys for an operator, and the Slack that knows the people."""
    _, chat, directory = _slack(settings)
    return PasskeyEnrolment(
        desk_controls=store.desk_controls,
        queries=store.queries,
        directory=directory,
        clock=clock_of(store.database),
    ), chat


def _slack(settings: Settings) -> tuple[WebClient, SlackChat, SlackDirectory]:
    client = web_client(settings.slack_bot_token, settings.slack_api_url)
    chat = SlackChat(client, Gate(settings.slack_per_second, settings.slack_burst))
    return client, chat, SlackDirectory(client, chat.team_id)


def open_library(settings: Settings) -> Library:
    return load(settings.library_dir, stage=Stage.SHADOW if settings.mode is Mode.SHADOW else None)


def build_desk(  # noqa: PLR0913 (the composition root: one argument for each thing behind a port)
    store: Store,
    library: Library,
    systems: Systems,
    chat: Chat,
    directory: Directory,
    clock: Clock,
    mind: Mind,
    *,
    storm_after: int = MOST_CARDS,
    mode: str = "",
    lease_for: float = 30.0,
    settle_for: float = 30.0,
) -> Desk:
    """The use cases, over whatever stands behind the ports. ``storm_after``: how many cards before they share one; 0 for never.

    ``mode``: what plans are approved for; empty binds them to none.
    """
    proposals = Proposals(store.cases, library, systems, mode)
    switchboard = Controls(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        outbox=store.outbox,
        library=library,
        directory=directory,
        clock=clock,
    )
    intake = Intake(
        cases=store.cases,
        library=library,
        clock=clock,
        pacer=SourceThrottle() if storm_after else None,
    )
    visibility = Visibility(
        cases=store.cases, queries=store.queries, library=library, directory=directory
    )
    queues = Queues(
        queries=store.queries,
        desk_controls=store.desk_controls,
        library=library,
        directory=directory,
        clock=clock,
    )
    answers = CaseAnswers(
        cases=store.cases,
        queries=store.queries,
        card_store=store.cards,
        desk_controls=store.desk_controls,
        library=library,
        memory=mind.memory,
        visibility=visibility,
        queues=queues,
        clock=clock,
    )
    questions = Questions(
        answers=answers,
        visibility=visibility,
        question_log=store.question_log,
        outbox=store.outbox,
        library=library,
        parser=QuestionGrammar(dict(library.titles())),
        chat=chat,
        clock=clock,
        assistant=mind.talker,
    )
    settle = timedelta(seconds=settle_for)
    digests = Digest(
        queries=store.queries,
        live_lists=store.live_lists,
        card_store=store.cards,
        outbox=store.outbox,
        question_log=store.question_log,
        desk_controls=store.desk_controls,
        library=library,
        visibility=visibility,
        queues=queues,
        chat=chat,
        clock=clock,
        settle_for=settle,
    )
    storms = AlertStorms(
        queries=store.queries,
        live_lists=store.live_lists,
        card_store=store.cards,
        outbox=store.outbox,
        library=library,
        chat=chat,
        clock=clock,
        most=storm_after,
        settle_for=settle,
    )
    homes = AppHome(
        queries=store.queries,
        live_lists=store.live_lists,
        card_store=store.cards,
        outbox=store.outbox,
        desk_controls=store.desk_controls,
        library=library,
        directory=directory,
        visibility=visibility,
        queues=queues,
        chat=chat,
        clock=clock,
    )
    return Desk(
        store=store,
        library=library,
        systems=systems,
        intake=intake,
        triage=build_triage(proposals, store.outbox, mind, clock),
        decisions=Decisions(
            cases=store.cases,
            desk_controls=store.desk_controls,
            library=library,
            directory=directory,
            proposals=proposals,
            clock=clock,
        ),
        switchboard=switchboard,
        enrolment=PasskeyEnrolment(
            desk_controls=store.desk_controls,
            queries=store.queries,
            directory=directory,
            clock=clock,
        ),
        executor=build_executor(
            cases=store.cases,
            outbox=store.outbox,
            desk_controls=store.desk_controls,
            library=library,
            systems=systems,
            directory=directory,
            proposals=proposals,
            controls=switchboard,
            clock=clock,
            lease_for=timedelta(seconds=lease_for),
        ),
        deadlines=Deadlines(cases=store.cases, queries=store.queries, library=library, clock=clock),
        follow_up=FollowUp(
            cases=store.cases,
            outbox=store.outbox,
            library=library,
            systems=systems,
            clock=clock,
        ),
        storms=storms,
        drawing=Cards(
            cases=store.cases,
            card_store=store.cards,
            live_lists=store.live_lists,
            outbox=store.outbox,
            desk_controls=store.desk_controls,
            chat=chat,
            clock=clock,
            followers=(digests.follow, homes.follow),
            storms=storms if storm_after else None,
            library=library,
            mode=mode,
            settle_for=settle,
        ),
        sweeping=MessageCleanup(
            cases=store.cases,
            card_store=store.cards,
            live_lists=store.live_lists,
            outbox=store.outbox,
            chat=chat,
            clock=clock,
            settle_for=settle,
        ),
        questions=questions,
        queues=queues,
        digests=digests,
        homes=homes,
        raising=Raising(intake, library, directory, clock),
        remembering=PrecedentRecorder(cases=store.cases, store=mind.shelf, memory=mind.memory),
        narration=CaseNarration(
            cases=store.cases,
            outbox=store.outbox,
            library=library,
            proposals=proposals,
            narrator=mind.narrator,
            clock=clock,
        )
        if mind.narrator
        else None,
    )


def build_triage(proposals: Proposals, outbox: Outbox, mind: Mind, clock: Clock) -> Triage:
    """The part of the desk that looks at new cases."""
    return Triage(
        cases=proposals.cases,
        outbox=outbox,
        library=proposals.library,
        systems=proposals.systems,
        recommender=mind.recommender,
        recogniser=mind.recogniser,
        proposals=proposals,
        clock=clock,
        has_narrator=mind.narrator is not None,
    )


def forgetful(shelf: PrecedentStore, clock: Clock) -> Mind:
    """A mind that remembers nothing: playbooks alone recommend, and what has no kind goes to a person."""
    nothing, words = Forgetful(), Words()
    recommender = RememberingRecommender(nothing, lambda kind: None, words, clock)
    return Mind(shelf, nothing, TrainedRecogniser(lambda: None, words, {}), recommender)


def open_knowledge(settings: Settings, store: Store, library: Library, clock: Clock) -> Knowledge:
    """Everything of memory, not yet filled: ``precedents.start()`` does that in a thread of its own."""
    folder = settings.data_dir / "memory"
    shelf, embedder, learned = store.precedents, open_embedder(settings.embeddings), Learned(folder)
    precedents = Precedents(
        shelf, embedder, VectorIndex(folder, settings.chroma_url, embedder.identity)
    )

    def recogniser() -> RecogniserModel | None:
        return learned.model.recogniser if learned.model else None

    def plans(kind: str) -> PlanModel | None:
        model = learned.model
        # What was learned over other vectors says nothing about ours.
        return model.plans.get(kind) if model and model.embedder == embedder.identity else None

    narrator = talker = None
    if settings.chat_model:
        bounds = Bounds(per_day=settings.chat_per_day)
        narrator = open_narrator(settings.chat_model, settings.chat_url, clock, bounds)
        talker = open_talker(
            settings.chat_model, settings.chat_url, clock, replace(bounds, seconds=TALK_WITHIN)
        )
    titles = {
        kind: playbook.title for kind, playbook in library.playbooks.items() if kind != UNRECOGNISED
    }
    mind = Mind(
        shelf,
        precedents,
        TrainedRecogniser(recogniser, embedder, titles),
        RememberingRecommender(precedents, plans, embedder, clock),
        narrator,
        talker,
    )
    return Knowledge(mind, shelf, precedents, embedder, learned, folder)


def build_systems(
    settings: Settings, specs: Mapping[str, SystemSpec], chat: Chat
) -> dict[str, Connector]:
    """A connector per system, with its secret from the environment.

    Raises:
        SettingsIncomplete: the names of the secrets that are not set.
    """
    todo = _too_slow(settings, specs)
    systems: dict[str, Connector] = {}
    for name, spec in specs.items():
        missing = [env for env in _secrets_of(spec) if not settings.secret(env)]
        if missing:
            todo += [f"set {env}: systems.yml needs it for {name}" for env in missing]
            continue
        real = _connector(spec, [settings.secret(env) for env in _secrets_of(spec)], chat)
        systems[name] = DryRun(real) if settings.mode is Mode.DRY_RUN else real
    if todo:
        raise SettingsIncomplete(
            "To do before Countersign can start:\n" + "\n".join(f"  • {line}" for line in todo)
        )
    return systems


def _secrets_of(spec: SystemSpec) -> list[str]:
    """The names of the secrets that a system declares."""
    match spec:
        case SqlSystem():
            return [spec.url_env, *filter(None, [spec.read_url_env])]
        case HttpSystem():
            return list(filter(None, [spec.token_env]))
        case MessageSystem():
            return []
        case _:
            assert_never(spec)


def _too_slow(settings: Settings, specs: Mapping[str, SystemSpec]) -> list[str]:
    """Name every system whose calls may outlast the lease of the worker that makes them."""
    return [
        f"let one call to {name} take less than a lease: its timeout in systems.yml is {spec.timeout.total_seconds():g} s,"
        f" COUNTERSIGN_LEASE_FOR is {settings.lease_for:g} s"
        for name, spec in specs.items()
        if spec.timeout.total_seconds() >= settings.lease_for
    ]


def _connector(spec: SystemSpec, secrets: Sequence[str], chat: Chat) -> Connector:
    match spec:
        case SqlSystem():
            return SqlConnector(spec, *secrets)
        case HttpSystem():
            return HttpConnector(spec, *(secrets or [""]))
        case MessageSystem():
            return MessageConnector(spec, chat)
        case _:
            assert_never(spec)


def build(settings: Settings, *, clock: Clock | None = None) -> House:
    """The whole bot, not yet open. Its clock is the database's, unless another is given."""
    store, library = open_store(settings), open_library(settings)
    clock = clock or clock_of(store.database)
    client, chat, directory = _slack(settings)
    systems = build_systems(settings, library.systems, chat)
    knowledge = open_knowledge(settings, store, library, clock)
    desk = build_desk(
        store,
        library,
        systems,
        chat,
        directory,
        clock,
        knowledge.mind,
        storm_after=settings.storm_after,
        mode=settings.mode.value,
        lease_for=settings.lease_for,
        settle_for=settings.settle_for,
    )
    timings = WorkerTimings(lease_for=settings.lease_for, settle_for=settings.settle_for)
    lanes = _lanes(desk, clock, timings)
    store.database.local_workers.extend(lanes)
    asked = slack_app.Asked(
        desk.decisions,
        desk.switchboard,
        desk.questions,
        desk.homes,
        desk.raising,
        store.queries,
        store.cards,
        store.question_log,
        library,
        clock,
        partial(passkeys.confirming, settings.public_url),
        desk.sweeping,
    )
    app = slack_app.build(client, asked, chat)
    socket = (
        slack_app.SocketDoor(app, settings.slack_app_token, settings.slack_api_url)
        if settings.slack_app_token
        else None
    )
    trainer = Trainer(settings, knowledge)
    over_http = [] if socket else [http_door.route(app, settings.slack_signing_secrets, clock)]
    keeper = open_keeper(settings, store, clock)
    outside = passkeys.routes(desk.decisions, desk.enrolment, Ceremony(settings.public_url), clock)
    web = build_intake(_door(settings, desk, chat, socket), more=[*over_http, *outside])
    return House(
        settings,
        desk,
        lanes,
        Loop(store.ticks, clock),
        _jobs(desk, keeper, trainer, clock),
        keeper,
        chat,
        knowledge,
        trainer,
        socket,
        server(
            web,
            host=settings.host,
            port=settings.port,
            limits=Limits(per_address=settings.connections_per_address),
        ),
        clock,
    )


def _lanes(desk: Desk, clock: Clock, timings: WorkerTimings) -> list[WorkerPool]:
    work = {
        Topic.TRIAGE: desk.triage.run,
        Topic.EXECUTE: desk.executor.run,
        Topic.FOLLOW_UP: desk.follow_up.run,
    }
    words = {
        Topic.CARD: desk.drawing.refresh,
        Topic.NOTE: desk.drawing.post_update,
        Topic.STORM: desk.storms.run,
    }
    words[Topic.SWEEP] = desk.sweeping.run
    # What nobody waits for has a lane of its own: memory, and a model that may take its time.
    later = {Topic.REMEMBER: desk.remembering.run}
    talk = {
        Topic.ANSWER: desk.questions.run,
        Topic.HOME: desk.homes.run,
        Topic.DIGEST: desk.digests.run,
    }
    priority = desk.decisions.priority
    if desk.narration:
        later[Topic.NARRATE] = desk.narration.run
    return [
        WorkerPool(
            "desk",
            desk.store.outbox,
            work,
            clock,
            threads=DESK_THREADS,
            timings=timings,
            priority=priority,
        ),
        WorkerPool(
            "chat",
            desk.store.outbox,
            words,
            clock,
            threads=CHAT_THREADS,
            timings=timings,
            priority=priority,
        ),
        WorkerPool(
            "talk",
            desk.store.outbox,
            talk,
            clock,
            threads=TALK_THREADS,
            timings=timings,
            priority=priority,
        ),
        WorkerPool(
            "later",
            desk.store.outbox,
            later,
            clock,
            threads=LATER_THREADS,
            timings=timings,
            priority=priority,
        ),
    ]


def _jobs(desk: Desk, keeper: Keeper, trainer: "Trainer", clock: Clock) -> list[Job]:
    jobs = [
        Job("keep time", KEEP_TIME_EVERY, desk.deadlines.process_due),
        Job("checkpoint", CHECKPOINT_EVERY, keeper.run),
        Job("learn", LEARN_EVERY, trainer.train_if_worth_it),
        Job(
            "digests",
            LOOK_FOR_DIGESTS_EVERY,
            DigestTimes(desk.store.live_lists, desk.store.outbox, desk.library, clock).look,
        ),
        Job("memory", CATCH_UP_EVERY, desk.remembering.reconcile),
    ]
    for playbook in desk.library.playbooks.values():
        if playbook.detection:
            detector = Detector(
                playbook=playbook,
                detection=playbook.detection,
                systems=desk.systems,
                queries=desk.store.queries,
                intake=desk.intake,
                clock=clock,
            )
            jobs.append(Job(f"detect {playbook.kind}", playbook.detection.every, detector.look))
        if playbook.absence:
            missing = AbsenceDetector(
                playbook, playbook.absence, desk.store.queries, desk.intake, clock, clock()
            )
            jobs.append(Job(f"miss {playbook.kind}", playbook.absence.every, missing.look))
    return jobs


class Trainer:
    """Trains in a process of its own, at low priority, when people have taught enough since the last time."""

    def __init__(self, settings: Settings, knowledge: Knowledge) -> None:
        self._settings = settings
        self._knowledge = knowledge
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False

    def train_if_worth_it(self) -> None:
        known = self._knowledge
        model, failure = known.learned.model, known.learned.failure
        if self._closing or not (failure or is_worth_it(model, known.shelf, known.embedder)):
            return
        # Attached: it ends when the pipe that we hold does, and so with us, however we end.
        command = [sys.executable, "-m", "bot", "memory", "train", "--attached"]
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            command,
            env=dict(self._settings.secrets),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            if self._process.wait() and not self._closing:
                log.warning(
                    "training failed; the last model stays. `countersign memory train` shows why"
                )
        finally:
            if self._process.stdin:
                self._process.stdin.close()

    def stop(self) -> None:
        """A training that is cut short loses nothing: the next one begins anew."""
        self._closing = True
        if self._process:
            self._process.terminate()


def _door(
    settings: Settings, desk: Desk, chat: SlackChat, socket: slack_app.SocketDoor | None
) -> Door:
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
            desk.store.ledger.head()
        except Exception as failure:
            # A health check reports whatever it meets.
            found.append(f"database: {type(failure).__name__}")
        try:
            chat.ping()
        except ChatFailed as failure:
            found.append(f"Slack: {failure.error}")
        if socket and not socket.is_connected():
            found.append(
                "Slack: no connection, so no press and no question arrives; it is tried again by itself"
            )
        return found

    def paused() -> list[str]:
        return [
            pause.description
            for pause in desk.store.desk_controls.load().holds
            if pause.scope == EVERYTHING
        ]

    return Door(
        desk.intake,
        Sources(desk.library.sources, credentials),
        settings.api_tokens,
        problems,
        paused,
    )


def check(settings: Settings) -> list[str]:
    """What would keep the bot from starting or working, as sentences; empty when all is well."""
    library = open_library(settings)
    problems = _too_slow(settings, library.systems)
    for name, spec in library.systems.items():
        missing = [env for env in _secrets_of(spec) if not settings.secret(env)]
        problems += [f"{env} is not set: {name} cannot be reached" for env in missing]
    if library.policy().step_up_above is not None and not settings.secret("COUNTERSIGN_PUBLIC_URL"):
        problems.append(
            "COUNTERSIGN_PUBLIC_URL is not set: nobody can reach the page that step_up_above sends them to"
        )
    problems += [
        f"policy.yml limits {action}, which systems.yml does not declare: is it misspelt?"
        for action in library.limits_without_action()
    ]
    for name, source in library.sources.items():
        if not any(settings.secret(env) for env in (*source.token_env, *source.webhook_secret_env)):
            problems.append(
                f"source {name} has no secret set ({', '.join((*source.token_env, *source.webhook_secret_env))}): it cannot send"
            )
    return problems

"""The running bot: workers, jobs and servers that start and stop together.

It is one process, or a first one that receives requests and others that only work.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from uvicorn.server import Server

from bot.advisors import Knowledge
from bot.cases.errors import SettingsIncomplete
from bot.checkpoint_keeper import CheckpointKeeper
from bot.clock import monotonic
from bot.connectors.mail_servers import Login
from bot.desk.event_effects import with_callbacks
from bot.desk.kind_watch import KindWatch
from bot.desk.lane_priority import LanePriority
from bot.desk.worker import Handler, WorkerPool, WorkerTimings
from bot.lazy_module import LazyModule
from bot.ports.clock import Clock
from bot.ports.outbox import Topic
from bot.row_files import read_signals
from bot.settings import Settings
from bot.store.clock import DatabaseClock
from bot.trainer import Trainer
from bot.use_cases import Desk
from bot.worker_processes import RemoteLane, WorkerProcess, WorkerProcesses
from handlers.slack.socket_mode import SocketModeConnection
from scheduler.detectors import AbsenceDetector, BlindDetectors, Detector
from scheduler.digest import DigestSchedule
from scheduler.folders import FolderWatch
from scheduler.loop import Job, Loop
from scheduler.retention import RetentionDelays, RetentionJob, RetentionTerms

if TYPE_CHECKING:
    from scheduler import mailboxes
else:
    # Only who reads mailboxes loads the libraries for them.
    mailboxes = LazyModule("scheduler.mailboxes")

log = logging.getLogger(__name__)
# A thread that draws waits for Slack most of the time: 24 draw fifty cards a second at 150 ms.
LANE_THREADS = {"desk": 4, "chat": 24, "talk": 4, "later": 2, "events": 8}
LANES = tuple(LANE_THREADS)
#: With several workers, the only lane that each of them has. The others stay together in the
#: first: Slack's rate for a channel is kept in the memory of one process, and the order of what is
#: written there too.
SHARED_LANE = "desk"
QUESTION_LANE = "talk"
CARD_LANE = "chat"
DEADLINES_INTERVAL = timedelta(seconds=5)
DIGESTS_INTERVAL = timedelta(seconds=30)
CHECKPOINT_INTERVAL = timedelta(minutes=5)
PRECEDENTS_INTERVAL = timedelta(hours=1)
PROMOTIONS_INTERVAL = timedelta(hours=1)
PROBES_INTERVAL = timedelta(hours=1)
RULES_INTERVAL = timedelta(hours=1)
NAMES_INTERVAL = timedelta(minutes=10)
VERSIONS_INTERVAL = timedelta(minutes=5)
RETENTION_INTERVAL = timedelta(hours=1)
#: A busy machine may need long; a server that could not listen has ended.
START_TIMEOUT_SECONDS = 60.0
SERVER_POLL_INTERVAL_SECONDS = 0.005
SERVER_STOP_TIMEOUT_SECONDS = 10.0
WARM_UP_DELAY_SECONDS = 60.0
WARM_UP_TIMEOUT_SECONDS = 30.0


@dataclass(kw_only=True)
class Worker:
    """The lanes of one process, and what they need."""

    desk: Desk
    #: By their names; none in a process that leaves the work to others.
    lanes: dict[str, WorkerPool]
    knowledge: Knowledge
    clock: Clock
    #: Looks at a kind soon after this process has written a decision on it.
    kind_watch: KindWatch
    _warm_up_timer: threading.Timer | None = field(default=None, init=False)

    def prepare(self) -> None:
        """Start the parts that receiving and working need."""
        if isinstance(self.clock, DatabaseClock):
            self.clock.start()
        # Before the first vote is counted: accounts that were one person's still are.
        self.desk.upkeep.rule_review.load()

    def start(self) -> None:
        """Start the lanes, and what they ask."""
        # Only lanes ask memory: a process without them leaves it to the others.
        if self.lanes:
            self.knowledge.precedents.start()
        self.kind_watch.start()
        for lane in self.lanes.values():
            lane.start()
        if QUESTION_LANE in self.lanes:
            # Not beside the first cards; a question that comes first does it itself.
            self._warm_up_timer = threading.Timer(WARM_UP_DELAY_SECONDS, self._warm_up)
            self._warm_up_timer.daemon = True
            self._warm_up_timer.start()

    def wake(self, numbers: Collection[int]) -> None:
        """Let the lanes of these numbers look for due messages at once."""
        for name, lane in self.lanes.items():
            if LANES.index(name) in numbers:
                lane.wake()

    def stop(self) -> None:
        """Finish what the lanes have begun, and write that down."""
        for lane in self.lanes.values():
            lane.stop()
        self.kind_watch.stop()
        if self._warm_up_timer:
            self._warm_up_timer.cancel()
            # It reads from the database that is closed later.
            self._warm_up_timer.join(WARM_UP_TIMEOUT_SECONDS)
        self.knowledge.precedents.close()

    def keys_in_hand(self) -> list[str]:
        """List the keys of the messages that its lanes have under lease."""
        return [key for lane in self.lanes.values() for key in lane.keys_in_hand()]

    def close(self) -> None:
        """Close the database, after the last write."""
        if isinstance(self.clock, DatabaseClock):
            self.clock.stop()
        self.desk.store.database.close()

    def _warm_up(self) -> None:
        try:
            self.desk.conversation.questions.warm_up()
        except Exception:
            # Nothing depends on it: the first question tries again.
            log.warning("could not prepare for the first question", exc_info=True)


@dataclass(kw_only=True)
class Service:
    """The bot with everything it is made of."""

    settings: Settings
    worker: Worker
    #: None when this process runs the lanes itself.
    processes: WorkerProcesses | None
    loop: Loop
    jobs: list[Job]
    keeper: CheckpointKeeper
    trainer: Trainer
    #: None when Slack sends over HTTP.
    socket: SocketModeConnection | None
    server: Server
    _server_thread: threading.Thread | None = field(default=None, init=False)

    @property
    def desk(self) -> Desk:
        """The use cases."""
        return self.worker.desk

    @property
    def lanes(self) -> list[WorkerPool]:
        """The lanes of this process."""
        return list(self.worker.lanes.values())

    @property
    def clock(self) -> Clock:
        """The clock of the desk."""
        return self.worker.clock

    @property
    def knowledge(self) -> Knowledge:
        """The advisors, with the parts that they share."""
        return self.worker.knowledge

    def start(self) -> None:
        """Compare the ledger with its checkpoints, then start everything.

        Raises:
            SettingsIncomplete: the port is taken.
        """
        self.keeper.start()
        self.worker.prepare()
        # Before the first plan is judged: what is in force must be known.
        self.desk.upkeep.rule_review.review()
        self.desk.upkeep.version_review.offer()
        # Receiving starts before the work: what arrives is stored, even if nobody works on it yet.
        self._start_server()
        if self.socket:
            self.socket.open()
        # A release that changes what buttons carry must draw open cards again.
        self.desk.screens.cards.renew()
        self.worker.start()
        if self.processes:
            self.processes.start()
        self.loop.start(self.jobs)
        self.trainer.start()

    def _start_server(self) -> None:
        """Start the HTTP server and return when it listens."""
        thread = threading.Thread(target=self.server.run, name="intake", daemon=True)
        self._server_thread = thread
        thread.start()
        deadline = monotonic() + START_TIMEOUT_SECONDS
        while not self.server.started:
            if monotonic() > deadline or not thread.is_alive():
                address = f"{self.settings.host}:{self.settings.port}"
                raise SettingsIncomplete(
                    f"the intake cannot listen on {address}; is the port taken? "
                    "Set COUNTERSIGN_PORT"
                )
            # uvicorn tells nobody when it listens.
            time.sleep(SERVER_POLL_INTERVAL_SECONDS)

    def stop(self) -> None:
        """Accept nothing new, finish what has begun, and sign the ledger."""
        self.trainer.stop()
        self.loop.stop()
        if self.socket:
            self.socket.close()
        self.server.should_exit = True
        if self.processes:
            self.processes.stop()
        self.worker.stop()
        if self._server_thread:
            # Requests in hand have their time in `build_server`; then the port is free again.
            self._server_thread.join(SERVER_STOP_TIMEOUT_SECONDS)
        # After the last write, so that every entry is under a checkpoint.
        self.keeper.sign()
        self.worker.close()


def build_lanes(
    desk: Desk, clock: Clock, timings: WorkerTimings, *, names: Sequence[str]
) -> dict[str, WorkerPool]:
    """Build the worker lanes of these names, each with its own threads."""
    handlers = _lane_handlers(desk)
    return {
        name: WorkerPool(
            name=name,
            outbox=desk.store.outbox,
            handlers=handlers[name],
            clock=clock,
            threads=LANE_THREADS[name],
            timings=timings,
            priority=LanePriority(desk.decisions.priority, desk.intake.rush),
            backlog=desk.screens.cards.evidence.backlog if name == CARD_LANE else None,
        )
        for name in names
        if handlers[name]
    }


def lanes_of_worker(number: int) -> tuple[str, ...]:
    """Return the names of the lanes of this worker process."""
    return LANES if number == 1 else (SHARED_LANE,)


def build_worker_processes(settings: Settings, count: int) -> WorkerProcesses:
    """Build the supervisor of so many worker processes, not yet started."""
    workers = []
    for number in range(1, count + 1):
        worker = WorkerProcess(
            number=number,
            lanes=map(LANES.index, lanes_of_worker(number)),
            command=[sys.executable, "-m", "bot", "run", "--worker", str(number)],
            environment=settings.environment,
        )
        workers.append(worker)
    return WorkerProcesses(workers)


def build_remote_lanes(desk: Desk, processes: WorkerProcesses) -> list[RemoteLane]:
    """Build what wakes the lanes of the worker processes."""
    handlers = _lane_handlers(desk)
    return [
        RemoteLane(number=number, topics=list(handlers[name]), processes=processes)
        for number, name in enumerate(LANES)
    ]


def _lane_handlers(desk: Desk) -> dict[str, dict[Topic, Handler]]:
    """Return what each lane works on."""
    handlers: dict[str, dict[Topic, Handler]] = {
        "desk": {
            Topic.TRIAGE: desk.triage.start,
            Topic.EXECUTE: desk.execution.executor.run,
            Topic.FOLLOW_UP: desk.execution.follow_up.run,
        },
        "chat": {
            Topic.CARD: desk.screens.cards.refresh,
            Topic.NOTE: desk.screens.notes.run,
            Topic.CALL: desk.screens.calls.run,
            Topic.INQUIRY: desk.screens.inquiry_messages.run,
            Topic.STORM: desk.screens.storms.run,
            Topic.SWEEP: desk.upkeep.message_cleanup.run,
        },
        "talk": {
            Topic.ANSWER: desk.conversation.questions.run,
            Topic.ORDER: desk.conversation.thread_orders.run,
            Topic.HOME: desk.screens.app_home.run,
            Topic.DIGEST: desk.screens.digests.run,
            Topic.RECOGNITION: desk.upkeep.recognition.run,
        },
        # Nobody waits for these, and a language model may take its time.
        "later": {
            Topic.REMEMBER: desk.upkeep.precedents.run,
            Topic.OBSERVE: desk.execution.observation.run,
            Topic.COMPARE: desk.upkeep.version_comparisons.run,
        },
    }
    if desk.narration:
        handlers["later"][Topic.NARRATE] = desk.narration.run
    # A lane of its own for receivers that hang. Where no program is told of anything, what an
    # earlier programs.yml has left is ended beside other work.
    has_receivers = bool(with_callbacks(desk.library.programs))
    handlers["events"] = {Topic.EVENT: desk.events.run} if has_receivers else {}
    if not has_receivers:
        handlers["later"][Topic.EVENT] = desk.events.run
    return handlers


def build_jobs(
    desk: Desk,
    keeper: CheckpointKeeper,
    clock: Clock,
    *,
    secrets: Callable[[str], str],
    blind_detectors: BlindDetectors,
    retention_delays: RetentionDelays,
) -> list[Job]:
    """Build the jobs of the scheduler, detectors and mailboxes included."""
    digest_schedule = DigestSchedule(
        live_lists=desk.store.live_lists,
        outbox=desk.store.outbox,
        library=desk.library,
        clock=clock,
    )
    jobs = [
        # The names are those of rows in the table of ticks: one that changes runs once more.
        Job("keep time", DEADLINES_INTERVAL, desk.upkeep.deadlines.process_due),
        Job("checkpoint", CHECKPOINT_INTERVAL, keeper.sign),
        Job("digests", DIGESTS_INTERVAL, digest_schedule.enqueue_due),
        Job("promotions", PROMOTIONS_INTERVAL, desk.upkeep.review_kinds),
        Job("rules", RULES_INTERVAL, desk.upkeep.rule_review.review),
        Job("versions", VERSIONS_INTERVAL, desk.upkeep.version_review.advance),
        # A card that nobody can approve is drawn again when somebody can.
        Job("cards", NAMES_INTERVAL, desk.screens.cards.renew),
        Job("memory", PRECEDENTS_INTERVAL, desk.upkeep.precedents.reconcile),
        Job("retention", RETENTION_INTERVAL, _retention_job(desk, clock, retention_delays).run),
    ]
    if desk.upkeep.probes.max_per_week:
        jobs.append(Job("probes", PROBES_INTERVAL, desk.upkeep.probes.put_due))
    if desk.library.merit_rules.is_on:
        jobs.append(Job("recognition", DIGESTS_INTERVAL, desk.upkeep.recognition.enqueue_due))
    return [
        *jobs,
        *_detection_jobs(desk, clock, blind_detectors),
        *_absence_jobs(desk, clock),
        *_folder_jobs(desk),
        *_mailbox_jobs(desk, clock, secrets),
    ]


def _retention_job(desk: Desk, clock: Clock, delays: RetentionDelays) -> RetentionJob:
    return RetentionJob(
        terms=RetentionTerms(
            rules=desk.decisions.proposals.rules, desk_controls=desk.store.desk_controls
        ),
        store=desk.store.retention,
        priority=desk.decisions.priority,
        clock=clock,
        delays=delays,
    )


def _folder_jobs(desk: Desk) -> list[Job]:
    jobs = []
    for source in desk.library.sources.values():
        if source.folder:
            watch = FolderWatch(
                source=source, folder=source.folder, intake=desk.intake, read_rows=read_signals
            )
            jobs.append(Job(f"read {source.name}", source.folder.every, watch.poll))
    return jobs


def _detection_jobs(desk: Desk, clock: Clock, blind_detectors: BlindDetectors) -> list[Job]:
    jobs = []
    for playbook in desk.library.playbooks.values():
        if playbook.detection:
            detector = Detector(
                playbook=playbook,
                detection=playbook.detection,
                systems=desk.systems,
                queries=desk.store.queries,
                intake=desk.intake,
                clock=clock,
                blind_detectors=blind_detectors,
            )
            jobs.append(Job(f"detect {playbook.kind}", playbook.detection.every, detector.poll))
    return jobs


def _absence_jobs(desk: Desk, clock: Clock) -> list[Job]:
    jobs = []
    for playbook in desk.library.playbooks.values():
        if playbook.absence:
            detector = AbsenceDetector(
                playbook=playbook,
                absence=playbook.absence,
                queries=desk.store.queries,
                intake=desk.intake,
                clock=clock,
                since=clock(),
            )
            jobs.append(Job(f"miss {playbook.kind}", playbook.absence.every, detector.poll))
    return jobs


def _mailbox_jobs(desk: Desk, clock: Clock, secrets: Callable[[str], str]) -> list[Job]:
    jobs = []
    for source in desk.library.sources.values():
        if source.mailbox and all(map(secrets, source.mailbox.secret_names())):
            reader = mailboxes.MailboxReader(
                source=source,
                mailbox=source.mailbox,
                login=Login.of(source.mailbox, secrets),
                positions=desk.store.ticks,
                intake=desk.intake,
                clock=clock,
            )
            jobs.append(Job(f"read {source.name}", source.mailbox.every, reader.poll))
    return jobs

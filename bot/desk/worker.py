"""The workers that empty the outbox.

A message is claimed under a lease, handled, and finished under a fence; or it is tried again later,
or parked for a person. A heartbeat renews the lease of every message in hand, so that only a
process that has died or stood still loses one.

Each pool has its own topics, so that a slow or silent Slack never holds up the systems of record,
nor the other way round.
"""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from bot import tracing
from bot.cases.errors import (
    ChatFailed,
    ChatUnknown,
    Conflict,
    ConnectorFailed,
    CountersignError,
    OutcomeUnknown,
    RateLimited,
    StaleFence,
    UnreadableEntry,
)
from bot.desk.backlog import Backlog
from bot.desk.due_work import DueWork
from bot.desk.held_leases import HeldLeases
from bot.desk.lane_priority import LanePriority
from bot.log_context import log_context
from bot.metrics import LEASE_LOSSES
from bot.outages import describe_failure
from bot.ports.clock import Clock
from bot.ports.outbox import LeasedMessage, Outbox, Topic

log = logging.getLogger(__name__)

T = TypeVar("T")

Handler = Callable[[LeasedMessage], Future[Any] | None]
"""Handle a message.

A future is that of the last write, which finishes the message: the thread goes on with the next
one meanwhile, so that the writes of messages that wait together become durable together.
"""
MAX_ATTEMPTS = 8
#: The parts of a trace that are not named like the topic.
SPAN_NAMES = {Topic.EXECUTE: "step"}
MAX_BACK_OFF_SECONDS = 300.0
#: What only a later release can read waits so long for one of its processes.
LATER_RELEASE_WAIT_SECONDS = 10.0
MINUTE, HOUR = 60.0, 3600.0
#: The waits after each failure, where another system may be away for a day; then it is parked.
PAUSES: Mapping[Topic, Sequence[float]] = {
    Topic.EVENT: (
        *(5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE),
        *(HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR),
    ),
}
MAX_ERROR = 500
# Messages claimed at once per thread. What is in hand when the process ends is handled by another
# when its lease runs out.
PREFETCH_PER_THREAD = 8


@dataclass(
    frozen=True,
    slots=True,
    kw_only=True,
)
class WorkerTimings:
    """The waits of a worker pool, in seconds."""

    lease_for: float = 30.0
    #: How long Slack may take to show a message.
    settle_for: float = 30.0
    #: The first wait after a failure; it doubles with each.
    back_off: float = 1.0
    poll_interval: float = 0.5


class MessageRunner:
    """Run handlers, and finish, retry or park their messages."""

    def __init__(
        self,
        outbox: Outbox,
        handlers: Mapping[Topic, Handler],
        clock: Clock,
        timings: WorkerTimings,
        wake: Callable[[], None],
    ) -> None:
        """Call ``wake`` when a returned message is due at once."""
        self._outbox = outbox
        self._handlers = dict(handlers)
        self._clock = clock
        self._timings = timings
        self._wake = wake

    def start(self, message: LeasedMessage) -> Future[Any] | None:
        """Handle one message. Return its last write, if it has not ended.

        One that fails must be settled.
        """
        name = SPAN_NAMES.get(message.topic, message.topic.value)
        about = log_context(case=message.case_id, topic=message.topic.value)
        with about, tracing.span(name, message.case_id, outcome="done"):
            return self._settle(message, partial(self._handlers[message.topic], message))

    def settle(self, message: LeasedMessage, write: Future[Any]) -> None:
        """Wait for a last write, and retry or park when it fails."""
        self._settle(message, write.result)

    def _settle(self, message: LeasedMessage, handle: Callable[[], T]) -> T | None:
        """Handle a message, and retry or park it when that fails."""
        try:
            return handle()
        except StaleFence:
            tracing.annotate(outcome="taken over")
            LEASE_LOSSES.labels(message.topic.value).inc()
            log.info("%s was taken over by another worker", message.key)
        except Conflict:
            self._retry(
                message,
                "the case changed meanwhile",
                wait=0.0,
                certain=True,
            )
        except UnreadableEntry as failure:
            # Not parked: a process of that release goes on with it.
            self._retry(
                message,
                str(failure),
                wait=LATER_RELEASE_WAIT_SECONDS,
                certain=False,
                counts=False,
            )
        except (RateLimited, ChatUnknown, OutcomeUnknown) as failure:
            self._wait_out(message, failure)
        except ChatFailed as failure:
            self._park(message, f"Slack refused: {failure.error}")
        except ConnectorFailed as failure:
            self._back_off(message, str(failure))
        except CountersignError as failure:
            self._park(message, f"{type(failure).__name__}: {failure}")
        except Exception as failure:
            # Outermost loop: recorded with the message, tried again, parked in the end; never lost.
            log.exception("%s failed", message.key)
            self._back_off(message, describe_failure(failure))
        return None

    def _wait_out(
        self, message: LeasedMessage, failure: RateLimited | ChatUnknown | OutcomeUnknown
    ) -> None:
        """Wait as long as Slack demands, or until it shows a message.

        That is no failure.
        """
        if isinstance(failure, RateLimited):
            certain = message.uncertain_attempts <= 1
            self._retry(
                message,
                str(failure),
                wait=failure.seconds,
                certain=certain,
                counts=False,
            )
        else:
            wait = self._timings.settle_for
            error = f"outcome unknown: {failure}"
            self._retry(
                message,
                error,
                wait=wait,
                certain=False,
                counts=False,
            )

    def _back_off(self, message: LeasedMessage, error: str) -> None:
        pauses = PAUSES.get(message.topic, ())
        if message.attempts < len(pauses):
            wait = pauses[message.attempts]
            jitter = random.uniform(1.0, 1.2)  # noqa: S311 (never shorter than promised)
        else:
            wait = min(MAX_BACK_OFF_SECONDS, self._timings.back_off * 2.0**message.attempts)
            jitter = random.uniform(0.8, 1.2)  # noqa: S311 (spreads retries, guards nothing)
        self._retry(
            message,
            error,
            wait=wait * jitter,
            certain=False,
        )

    def _retry(
        self,
        message: LeasedMessage,
        error: str,
        *,
        wait: float,
        certain: bool,
        counts: bool = True,
    ) -> None:
        """Try again after ``wait`` seconds; park what has failed too often.

        ``certain``: nothing of the attempt can have had an effect.
        """
        # A conflict waits for nothing, and is never a reason to park.
        if counts and message.attempts + 1 >= _max_attempts(message.topic) and wait > 0:
            self._park(message, error)
            return
        tracing.annotate(outcome="to be tried again")
        again_at = self._clock() + timedelta(seconds=wait)
        with contextlib.suppress(StaleFence):
            self._outbox.retry(
                message,
                again_at,
                error[:MAX_ERROR],
                certain=certain,
                counts=counts,
            )
        if wait <= 0:
            self._wake()

    def _park(self, message: LeasedMessage, error: str) -> None:
        tracing.annotate(outcome="parked")
        log.error("%s is parked: %s. See `countersign doctor`.", message.key, error)
        self._outbox.park(message, error[:MAX_ERROR])


def _max_attempts(topic: Topic) -> int:
    """Return how many failures park a message."""
    return len(PAUSES[topic]) + 1 if topic in PAUSES else MAX_ATTEMPTS


class WorkerPool:
    """Threads that handle the messages of some topics."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        handlers: Mapping[Topic, Handler],
        clock: Clock,
        *,
        threads: int,
        timings: WorkerTimings,
        priority: LanePriority | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        """Count what waits for a thread in ``backlog``."""
        self.topics: Sequence[Topic] = list(handlers)
        self._outbox = outbox
        self._clock = clock
        self._timings = timings
        self._threads = threads
        self._priority = priority or LanePriority()
        self._runner = MessageRunner(
            outbox=outbox,
            handlers=handlers,
            clock=clock,
            timings=timings,
            wake=self.wake,
        )
        self._backlog = backlog or Backlog()
        #: Last writes that no thread waits for.
        self._writes: set[Future[Any]] = set()
        self._leases = HeldLeases(
            name=f"lane-{name}-heart",
            outbox=outbox,
            clock=clock,
            lease_for=timings.lease_for,
        )
        self._due = DueWork(clock)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(
            threads,
            thread_name_prefix=f"lane-{name}",
            initializer=self._priority.decisions.mark_background,
        )
        self._dispatcher = threading.Thread(
            target=self._dispatch,
            name=f"lane-{name}",
            daemon=True,
        )

    def start(self) -> None:
        """Begin to claim messages."""
        self._dispatcher.start()
        self._leases.start()

    def wake(self, at: datetime | None = None) -> None:
        """Look for due messages, at once or at this time.

        It waits until the pool has room for them.
        """
        self._due.announce(at)

    @property
    def lease_for(self) -> float:
        """Return the length of a lease in seconds."""
        return self._timings.lease_for

    def has_room(self) -> bool:
        """Tell whether more messages may be leased to this pool now."""
        return self._room() > 0 and not self._stopping.is_set()

    def _room(self) -> int:
        return self._threads * PREFETCH_PER_THREAD - len(self._leases)

    def accept(self, messages: Sequence[LeasedMessage]) -> None:
        """Handle these messages, which are under lease already.

        A pool that is stopping leaves them: another claims them when their lease runs out.
        """
        if self._stopping.is_set():
            return
        self._leases.add(messages)
        self._backlog.add(messages)
        for message in messages:
            self._pool.submit(self._run, message)

    def keys_in_hand(self) -> list[str]:
        """List the keys of the messages under lease here."""
        return self._leases.keys()

    def stop(self) -> None:
        """Claim nothing new, and finish what has begun."""
        self._stopping.set()
        self._due.wake()
        self._dispatcher.join()
        self._pool.shutdown(wait=True)
        wait(list(self._writes))
        self._leases.stop()

    def _dispatch(self) -> None:
        is_woken = True
        while not self._stopping.is_set():
            if not self._claim(look_first=not is_woken):
                is_woken = self._due.wait(self._timings.poll_interval, self._stopping.is_set)

    def _claim(self, *, look_first: bool) -> bool:
        """Claim messages for all threads. Tell whether there may be more.

        ``look_first``: nobody said that something is due, so read before writing.
        """
        room = self._room()
        if room <= 0:
            self._wait_for_room()
            return self._due.has_more
        try:
            now = self._clock()
            self._due.begin_look(now)
            if look_first and not self._outbox.has_due(self.topics, now):
                return False
            messages = self._outbox.claim(
                self.topics,
                room,
                now=now,
                lease_seconds=self._timings.lease_for,
            )
        except Exception:
            # Outermost loop: a database that is away for a moment must not end the worker.
            log.warning("could not claim work; trying again", exc_info=True)
            self._due.has_more = True
            return False
        if len(messages) >= room:
            self._due.has_more = True
        self.accept(messages)
        return self._due.has_more

    def _wait_for_room(self) -> None:
        """Wait until a thread has nothing left to do."""
        self._due.is_put_off = True
        # A release before this line woke nobody.
        if self._room() <= 0:
            self._due.wait_for_wake(self._timings.poll_interval)
        self._due.is_put_off = False

    def _run(self, message: LeasedMessage) -> None:
        """Handle a message, but do not wait for its last write."""
        self._backlog.remove(message)
        write = None
        try:
            self._priority.wait_for_turn()
            if not self._stopping.is_set() and self._leases.begin(message):
                write = self._runner.start(message)
        finally:
            if write is None:
                self._release(message)
        if write is not None:
            self._writes.add(write)
            write.add_done_callback(partial(self._end, message))

    def _end(self, message: LeasedMessage, write: Future[Any]) -> None:
        """Release a message that was finished. Runs on the thread that writes."""
        if write.exception() is None:
            self._release(message)
        else:
            # To be tried again, it must be written once more, which that thread cannot wait for.
            # A pool that is stopping leaves it until its lease runs out.
            with contextlib.suppress(RuntimeError):
                self._pool.submit(self._settle, message, write)
        self._writes.discard(write)

    def _settle(self, message: LeasedMessage, write: Future[Any]) -> None:
        try:
            self._runner.settle(message, write)
        finally:
            self._release(message)

    def _release(self, message: LeasedMessage) -> None:
        # A thread has nothing left to do: claim before the next poll, if there is anything.
        is_idle = self._leases.release(message) < self._threads
        if is_idle and (self._due.has_more or self._due.is_put_off):
            self._due.wake()

    def renew(self) -> None:
        """Renew every lease in hand."""
        self._leases.renew()

    def handle(self, message: LeasedMessage) -> None:
        """Handle one message, and finish, retry or park it."""
        write = self._runner.start(message)
        if write is not None:
            self._runner.settle(message, write)

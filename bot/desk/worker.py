"""The workers that empty the outbox: claim under a lease, do, complete under a fence; back off, or park for a person.

A heartbeat renews the lease of every row in hand, so that only a process that has died or stood still loses one.
Two lanes, so that a slow or silent Slack never holds up the system of record, nor the other way round.
"""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.errors import (
    ChatFailed,
    ChatUnknown,
    Conflict,
    ConnectorFailed,
    CountersignError,
    OutcomeUnknown,
    RateLimited,
    StaleFence,
)
from bot.clock import boottime
from bot.desk.rush import Rush
from bot.outages import said
from bot.ports import Clock, Store, Topic, Work

log = logging.getLogger(__name__)

Handler = Callable[[Work], None]
MOST_ATTEMPTS = 8
LONGEST_WAIT = 300.0
# Rows taken per thread in one claim. What is in hand when the process ends is done by another when its lease runs out.
AHEAD = 8
# Three chances for each lease; one may be missed.
RENEWALS_PER_LEASE = 3
# Every outside call ends long before. What hangs for longer is a bug, and another worker may have it.
MAX_RENEWED_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: how long a lease holds, how long Slack may take to show what it has, how long the first back-off is."""

    lease_for: float = 30.0
    settle_for: float = 30.0
    back_off: float = 1.0
    poll_every: float = 0.5


@dataclass(slots=True)
class _InHand:
    """A row under lease: when the lease was last made sure of, and when work on it began."""

    work: Work
    held_at: float
    began_at: float | None = None


class Lane:
    """Threads that work through the rows of some topics."""

    def __init__(
        self,
        name: str,
        store: Store,
        handlers: Mapping[Topic, Handler],
        clock: Clock,
        *,
        threads: int,
        pace: Pace,
        rush: Rush | None = None,
    ) -> None:
        self._store = store
        self._handlers = dict(handlers)
        self.topics: Sequence[Topic] = list(handlers)
        self.lease_for = pace.lease_for
        self._clock = clock
        self._pace = pace
        self._threads = threads
        self._rush = rush or Rush()
        self._in_hand: dict[tuple[str, int], _InHand] = {}
        self._counting = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"lane-{name}")
        self._dispatcher = threading.Thread(target=self._dispatch, name=f"lane-{name}", daemon=True)
        self._heart = threading.Thread(target=self._beat, name=f"lane-{name}-heart", daemon=True)

    def start(self) -> None:
        self._dispatcher.start()
        self._heart.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def has_room(self) -> bool:
        """Whether more rows may be leased to this lane now."""
        return len(self._in_hand) < self._threads * AHEAD and not self._stopping.is_set()

    def take(self, works: Sequence[Work]) -> None:
        """Do these: they are under lease already. A lane that is closing leaves them to whoever finds the lease run out."""
        if self._stopping.is_set():
            return
        now = boottime()
        with self._counting:
            self._in_hand.update({(work.key, work.fence): _InHand(work, now) for work in works})
        for work in works:
            self._pool.submit(self._run, work)

    def stop(self) -> None:
        """Take nothing new, finish what has begun."""
        self._stopping.set()
        self._wake.set()
        self._dispatcher.join()
        self._pool.shutdown(wait=True)
        self._stopped.set()
        self._heart.join()

    def _dispatch(self) -> None:
        woken = True
        while not self._stopping.is_set():
            if not self._claim_once(look_first=not woken):
                woken = self._wake.wait(self._pace.poll_every)
                self._wake.clear()

    def _claim_once(self, *, look_first: bool) -> bool:
        """Take rows ahead of the threads, so that a claim serves many; whether there was anything.

        ``look_first``: nobody said that there is something, so read before writing.
        """
        room = self._threads * AHEAD - len(self._in_hand)
        if room <= 0:
            self._wake.wait(self._pace.poll_every)
            self._wake.clear()
            return True
        try:
            now = self._clock()
            if look_first and not self._store.has_due(self.topics, now):
                return False
            claimed = self._store.claim(self.topics, room, now, self._pace.lease_for)
        except Exception:
            # Outermost loop: a database that is away for a moment must not end the worker.
            log.exception("could not claim work; trying again")
            return False
        self.take(claimed)
        return bool(claimed)

    def _run(self, work: Work) -> None:
        try:
            self._rush.give_way()
            if not self._stopping.is_set() and self._is_held(work):
                self.handle(work)
        finally:
            with self._counting:
                self._in_hand.pop((work.key, work.fence), None)
                spare = len(self._in_hand) < self._threads
            if spare:
                self._wake.set()

    def _is_held(self, work: Work) -> bool:
        """Whether the lease still holds, as far as this process can know; it begins to be worked on then."""
        now = boottime()
        with self._counting:
            row = self._in_hand.get((work.key, work.fence))
            if row is None or now - row.held_at >= self.lease_for:
                return False
            row.began_at = now
        return True

    def _beat(self) -> None:
        """Renew the leases of what is in hand, until the last of it is done."""
        while not self._stopped.wait(self.lease_for / RENEWALS_PER_LEASE):
            try:
                self.renew()
            except Exception as failure:
                # Outermost loop: while the database is away, leases run out, and that is safe.
                log.warning("could not renew leases (%s); trying again", type(failure).__name__)

    def renew(self) -> None:
        """Renew every lease in hand. A row that another worker has taken over is let go."""
        now = boottime()
        with self._counting:
            rows = {
                place: row
                for place, row in self._in_hand.items()
                if row.began_at is None or now - row.began_at < MAX_RENEWED_SECONDS
            }
        if not rows:
            return
        until = self._clock() + timedelta(seconds=self.lease_for)
        held = self._store.renew([row.work for row in rows.values()], until)
        with self._counting:
            for place, row in rows.items():
                if place in held:
                    row.held_at = now
                elif row.began_at is None:
                    self._in_hand.pop(place, None)

    def handle(self, work: Work) -> None:  # noqa: C901 (one line for each way in which it can end)
        """Do one row and see to it that it is done, tried again, or parked."""
        try:
            self._handlers[work.topic](work)
        except StaleFence:
            log.info("%s was taken over by another worker", work.key)
        except Conflict:
            self._settle(work, "the case changed meanwhile", wait=0.0, certain=True)
        except RateLimited as limited:
            # Waiting as told is no failure: it does not count towards parking.
            self._settle(
                work, str(limited), wait=limited.seconds, certain=work.doubt <= 1, counts=False
            )
        except (ChatUnknown, OutcomeUnknown) as doubt:
            self._settle(
                work,
                f"outcome unknown: {doubt}",
                wait=self._pace.settle_for,
                certain=False,
                counts=False,
            )
        except ChatFailed as failure:
            self._park(work, f"Slack refused: {failure.error}")
        except ConnectorFailed as failure:
            self._settle(work, str(failure), wait=self._backed_off(work), certain=False)
        except CountersignError as failure:
            self._park(work, f"{type(failure).__name__}: {failure}")
        except Exception as failure:
            # Outermost loop: recorded with the row, tried again, parked in the end; never lost.
            log.exception("%s failed", work.key)
            self._settle(work, said(failure), wait=self._backed_off(work), certain=False)

    def _backed_off(self, work: Work) -> float:
        return min(LONGEST_WAIT, self._pace.back_off * 2.0**work.attempts) * random.uniform(
            0.8, 1.2
        )  # noqa: S311 (jitter)

    def _settle(
        self, work: Work, error: str, *, wait: float, certain: bool, counts: bool = True
    ) -> None:
        if counts and work.attempts + 1 >= MOST_ATTEMPTS and wait > 0:
            self._park(work, error)
            return
        with contextlib.suppress(StaleFence):
            self._store.retry(
                work,
                self._clock() + timedelta(seconds=wait),
                error[:500],
                certain=certain,
                counts=counts,
            )

    def _park(self, work: Work, error: str) -> None:
        log.error("%s is parked: %s. See `countersign doctor`.", work.key, error)
        self._store.park(work, error[:500])

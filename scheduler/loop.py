"""Runs each job once per interval, however many processes there are.

APScheduler only ticks. A tick is claimed as a row in the database, so that one process runs it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from bot.clock import utc_now
from bot.log_context import log_context
from bot.ports.clock import Clock

log = logging.getLogger(__name__)


class TickStore(Protocol):
    """The table in which ticks are claimed."""

    def claim_tick(self, job: str, slot: int) -> bool:
        """Tell whether this process may run ``job`` for this slot."""


@dataclass(frozen=True, slots=True)
class Job:
    """A function to run on an interval: perhaps late, never twice."""

    name: str
    interval: timedelta
    run: Callable[[], object]


class Loop:
    """The ticker of one process."""

    def __init__(self, ticks: TickStore, clock: Clock) -> None:
        self._ticks = ticks
        self._clock = clock
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

    def start(self, jobs: list[Job]) -> None:
        """Run every job at once, and then on its interval."""
        # The scheduler waits by this machine's clock; the desk's clock tells which slot it is.
        now = utc_now()
        for job in jobs:
            self._scheduler.add_job(
                self.tick,
                "interval",
                args=[job],
                seconds=job.interval.total_seconds(),
                next_run_time=now,
                id=job.name,
            )
        self._scheduler.start()

    def tick(self, job: Job) -> bool:
        """Run the job unless another process has for this slot.

        Returns whether it was this process. A job that fails runs again at its next slot.
        """
        slot = int(self._clock().timestamp() // job.interval.total_seconds())
        try:
            if not self._ticks.claim_tick(job.name, slot):
                return False
            with log_context(job=job.name):
                job.run()
        except Exception:
            # An outermost loop: nobody else would hear of it.
            log.warning("%s failed; it runs again at its next slot", job.name, exc_info=True)
        return True

    def stop(self) -> None:
        """Stop, when the jobs that run now have ended."""
        self._scheduler.shutdown(wait=True)

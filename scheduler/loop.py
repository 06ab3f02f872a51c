"""The one loop of time. APScheduler ticks; each tick is claimed as a row, so that of several processes one does the work."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from apscheduler.schedulers.background import BackgroundScheduler

from bot.clock import utc_now
from bot.ports.clock import Clock

log = logging.getLogger(__name__)


class Ticks(Protocol):
    def claim_tick(self, job: str, slot: int) -> bool:
        """Whether this process runs ``job`` for this slot."""


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every: timedelta
    run: Callable[[], object]


class Loop:
    """Runs each job once per interval across all processes; late is fine, twice is not."""

    def __init__(self, ticks: Ticks, clock: Clock) -> None:
        self._ticks = ticks
        self._clock = clock
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

    def start(self, jobs: list[Job]) -> None:
        """Look at every job once, then on its interval."""
        # The scheduler waits by this machine's clock; which slot it is, the desk's clock says.
        at_once = utc_now()
        for job in jobs:
            seconds = job.every.total_seconds()
            self._scheduler.add_job(
                self.tick,
                "interval",
                args=[job],
                seconds=seconds,
                next_run_time=at_once,
                id=job.name,
            )
        self._scheduler.start()

    def tick(self, job: Job) -> bool:
        """Run the job if nobody has for this slot; whether it ran. An outermost loop: a job that fails is tried at its next slot."""
        slot = int(self._clock().timestamp() // job.every.total_seconds())
        try:
            if not self._ticks.claim_tick(job.name, slot):
                return False
            job.run()
        except Exception:
            log.exception("%s failed; it runs again at its next slot", job.name)
        return True

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)

"""The demo's clock, which follows that of the emulated workspace.

A person moves the workspace's clock on the page. Only the demo gives its bot such a clock.
"""

import contextlib
import threading
from datetime import UTC, datetime, timedelta

from bot.cases.case import Case
from bot.cases.hours import DAY, Hours
from bot.cases.lifecycle import State
from bot.clock import utc_now
from bot.demo.people import FLOOR
from bot.demo.processes import UNREACHABLE, EmulatorProcess
from bot.service import Service

FOLLOW_INTERVAL_SECONDS = 0.25
STOP_TIMEOUT_SECONDS = 1.0
DAYS_OF_WEEK = 7
#: Farther ahead than any deadline of a case.
DEADLINE_HORIZON = timedelta(days=3650)
#: The digest lists what the other jobs have found.
LAST_JOB = "digests"


class DemoClock:
    """The time of this machine, moved ahead."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Return the time in the demo, in UTC."""
        return utc_now() + self._ahead

    def move_ahead(self, ahead: timedelta) -> bool:
        """Be this much ahead of the machine.

        Tell whether that moved the clock.
        It is never set back, because the times of a ledger only rise.
        """
        if ahead <= self._ahead:
            return False
        self._ahead = ahead
        return True


class ClockFollower:
    """Keeps the bot's clock equal to the workspace's, and offers stops."""

    def __init__(self, emulator: EmulatorProcess, service: Service, clock: DemoClock) -> None:
        self._emulator = emulator
        self._service = service
        self._clock = clock
        self._offered_stops: list[dict[str, object]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run,
            name="demo-clock",
            daemon=True,
        )

    def start(self) -> None:
        """Follow the workspace's clock until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        self._thread.join(STOP_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(FOLLOW_INTERVAL_SECONDS):
            # An emulator that does not answer is asked again.
            with contextlib.suppress(*UNREACHABLE):
                self.follow()

    def follow(self) -> None:
        """Move the bot's clock if the workspace's was moved, and offer stops."""
        offset = self._emulator.get("clock")["offset_seconds"]
        if self._clock.move_ahead(timedelta(seconds=offset)):
            self._work_off()
        self._offer_stops()

    def _work_off(self) -> None:
        """Do at once what the new time makes due."""
        for job in sorted(self._service.jobs, key=lambda job: job.name == LAST_JOB):
            if self._stopping.is_set():
                return
            self._service.loop.tick(job)
        for lane in self._service.lanes:
            lane.wake()

    def _offer_stops(self) -> None:
        now = self._clock()
        desk = self._service.desk
        cases = desk.store.queries.due(now + DEADLINE_HORIZON, 1)
        next_due = cases[0] if cases else None
        stops = clock_stops(now, desk.library.hours(FLOOR), next_due)
        if stops != self._offered_stops:
            self._emulator.post("clock/stops", {"stops": stops})
            self._offered_stops = stops


def clock_stops(now: datetime, hours: Hours, next_due: Case | None) -> list[dict[str, object]]:
    """Return the times that the page offers, with their titles.

    ``next_due`` is the case with the earliest deadline.
    """
    today = hours.local(now).date()
    review_in_days = (hours.review_on - today.weekday() - 1) % DAYS_OF_WEEK + 1
    stops = [_stop(hours, hours.digest_time(today + DAY), "Tomorrow")]
    if next_due and next_due.timers.due_at and next_due.timers.due_at > now:
        due_at = next_due.timers.due_at
        title = f"{_deadline_title(next_due)}, {_day(hours, due_at)}"
        stops.append(_stop(hours, due_at, title))
    review_at = hours.digest_time(today + review_in_days * DAY)
    return [*stops, _stop(hours, review_at, _day(hours, review_at))]


def _stop(hours: Hours, at: datetime, title: str) -> dict[str, object]:
    local = hours.local(at)
    return {"title": f"{title} {local.hour}:{local:%M}", "at": at.astimezone(UTC).timestamp()}


def _day(hours: Hours, at: datetime) -> str:
    return f"{hours.local(at):%A}"


def _deadline_title(case: Case) -> str:
    """Say what happens at the earliest deadline of the case."""
    due_at = case.timers.due_at
    if case.state is State.SNOOZED:
        return f"{case.id} wakes up"
    if due_at == case.proposal.expires_at:
        return f"Approval of {case.id} expires"
    if due_at == case.timers.sla.decide_by:
        return f"{case.id} is due"
    return f"Reminder of {case.id}"

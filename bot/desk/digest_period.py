"""The place and the span of one digest."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.cases.actor import is_person
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.ports.case_queries import CaseFilter

#: Before the channel in the place of a digest of all cases.
WHOLE_DESK = "desk/"
# A calendar without a working day has no other digest; it is taken for this far away.
MAX_CLOSED_DAYS = 60
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPeriod:
    """The cases and the time that one digest is about."""

    #: A channel, a person, or a channel of leads after ``WHOLE_DESK``.
    place: str
    since: datetime
    due: datetime
    #: When the next digest is due.
    until: datetime
    #: The cases of the channel, or those that the person may see.
    scope: CaseFilter

    @property
    def overdue(self) -> CaseFilter:
        """Narrow the scope to cases whose decision is late."""
        return replace(self.scope, late_at=self.due)

    @property
    def openings(self) -> CaseFilter:
        """Narrow the scope to cases that were opened since the last digest."""
        return replace(
            self.scope,
            opened_between=(self.since, self.due),
            is_any=True,
        )

    @property
    def endings(self) -> CaseFilter:
        """Narrow the scope to cases that ended since the last digest."""
        return self.ended_since(self.since)

    @property
    def expiries(self) -> CaseFilter:
        """Narrow the endings to cases that expired without a decision."""
        return replace(self.endings, states=(State.EXPIRED,))

    @property
    def runs_alone(self) -> CaseFilter:
        """Narrow the endings to cases that ran without a person."""
        return replace(self.endings, states=(State.RESOLVED,), is_unattended=True)

    def ended_since(self, since: datetime) -> CaseFilter:
        """Narrow the scope to cases that ended after this time."""
        return replace(
            self.scope,
            ended_between=(since, self.due),
            is_over=True,
        )


def digest_period(place: str, *, due: datetime, hours: Hours, scope: CaseFilter) -> DigestPeriod:
    """Return the period of the digest that is due then."""
    return DigestPeriod(
        place=place,
        since=previous_digest(hours, due),
        due=due,
        until=hours.digest_time(_working_day_from(hours, due, DAY)),
        scope=scope,
    )


def working_place(place: str) -> str:
    """Return the channel or person whose working hours a digest keeps."""
    return place.removeprefix(WHOLE_DESK)


def is_of_person(place: str) -> bool:
    """Tell whether a digest has one reader."""
    return is_person(place) and not place.startswith(WHOLE_DESK)


def previous_digest(hours: Hours, due: datetime) -> datetime:
    """Return when the last digest was due, on the working day before."""
    return hours.digest_time(_working_day_from(hours, due, -DAY))


def _working_day_from(hours: Hours, due: datetime, step: timedelta) -> date:
    """Return the nearest working day after ``due``, or before it.

    A negative ``step`` looks backwards. The day of ``due`` itself does not count.
    """
    day = hours.local(due).date() + step
    for _ in range(MAX_CLOSED_DAYS):
        if hours.is_working_day(day):
            break
        day += step
    return day

"""SLA: the deadlines of a case, in working time."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.cases.hours import ALWAYS, Hours

# After an escalation the gaps between reminders double, up to this.
MAX_REMINDER_GAP = timedelta(hours=40)
MAX_DOUBLINGS = 16
# A reminder closer than this to the escalation would only be noise.
MIN_REMINDER_GAP = timedelta(minutes=10)
# Each tenfold of money is worth this much earlier a deadline.
TENFOLD = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Sla:
    """The deadlines of a case."""

    decide_by: datetime
    resolve_by: datetime
    #: The first reminder of the owner.
    remind_at: datetime | None = None


def rank(sla: Sla, stake: Decimal | None) -> float:
    """Rank a case, the smallest first.

    The rank is its deadline in seconds, less four hours per tenfold of money.

    The rank does not depend on the present time, so lists are read from an index.
    """
    money = float(max(stake or 0, 0))
    return sla.decide_by.timestamp() - TENFOLD.total_seconds() * math.log10(1 + money)


def promise_sla(
    since: datetime, *, decide_for: timedelta, resolve_for: timedelta, hours: Hours = ALWAYS
) -> Sla:
    """Set the deadlines from this moment on.

    Both time spans are working time.
    """
    return Sla(
        decide_by=hours.add_working_time(since, decide_for),
        resolve_by=hours.add_working_time(since, resolve_for),
        remind_at=hours.add_working_time(since, decide_for / 2),
    )


def next_reminder(
    sla: Sla,
    *,
    reminders: int,
    is_escalated: bool,
    now: datetime,
    decide_for: timedelta,
    hours: Hours,
) -> datetime:
    """Find the time of the reminder after this one.

    Before the escalation it is halfway to it; after it the gaps double with every reminder.
    """
    if not is_escalated and now < sla.decide_by:
        halfway = hours.next_opening(now + (sla.decide_by - now) / 2)
        return halfway if sla.decide_by - halfway >= MIN_REMINDER_GAP else sla.decide_by
    gap = decide_for * 2 ** min(reminders, MAX_DOUBLINGS)
    return hours.add_working_time(now, min(gap, MAX_REMINDER_GAP))

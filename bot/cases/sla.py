"""The promised times of a case, in working time; when its owner is reminded, and when it goes to the next one."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.cases.hours import ALWAYS, Hours

# After the next owner has been asked: remind after once, twice, four times the time to decide, and so on up to this.
MAX_REMINDER_GAP = timedelta(hours=40)
# A reminder closer than this to the hand-on would only be noise.
MIN_REMINDER_GAP = timedelta(minutes=10)
TENFOLD = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Sla:
    """``remind_at``: when whoever owns the case is asked again for the first time."""

    decide_by: datetime
    resolve_by: datetime
    remind_at: datetime | None = None


def rank(sla: Sla, stake: Decimal | None) -> float:
    """What to look at first, smallest first: seconds to the promised decision, less four hours for each tenfold of money.

    It does not depend on the time at which it is asked, so that lists are read from an index.
    """
    return sla.decide_by.timestamp() - TENFOLD.total_seconds() * math.log10(
        1 + float(max(stake or 0, 0))
    )


class Due(StrEnum):
    NOTHING = "nothing"
    DECISION = "decision overdue"
    RESOLUTION = "resolution overdue"


def promise_sla(
    since: datetime, *, decide_for: timedelta, resolve_for: timedelta, hours: Hours = ALWAYS
) -> Sla:
    """The promise made at this moment. ``decide_for`` and ``resolve_for`` are working time."""
    return Sla(
        hours.after(since, decide_for),
        hours.after(since, resolve_for),
        hours.after(since, decide_for / 2),
    )


def due(sla: Sla, *, decided: bool, resolved: bool, now: datetime) -> Due:
    """What the promise asks for at this moment; the later promise outranks the earlier."""
    if resolved:
        return Due.NOTHING
    if now >= sla.resolve_by:
        return Due.RESOLUTION
    return Due.DECISION if not decided and now >= sla.decide_by else Due.NOTHING


def next_reminder(
    sla: Sla, *, reminded: int, escalated: bool, now: datetime, decide_for: timedelta, hours: Hours
) -> datetime:
    """When to ask again after this reminder: halfway to the hand-on before it, with growing gaps after it."""
    if not escalated and now < sla.decide_by:
        halfway = hours.opening(now + (sla.decide_by - now) / 2)
        return halfway if sla.decide_by - halfway >= MIN_REMINDER_GAP else sla.decide_by
    return hours.after(now, min(decide_for * 2 ** min(reminded, 16), MAX_REMINDER_GAP))

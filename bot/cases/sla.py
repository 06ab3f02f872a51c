"""The promised times of a case, and what they ask for now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Sla:
    decide_by: datetime
    resolve_by: datetime


class Due(StrEnum):
    NOTHING = "nothing"
    DECISION = "decision overdue"
    RESOLUTION = "resolution overdue"


def promised(opened_at: datetime, *, decide_for: timedelta, resolve_for: timedelta) -> Sla:
    return Sla(opened_at + decide_for, opened_at + resolve_for)


def due(sla: Sla, *, decided: bool, resolved: bool, now: datetime) -> Due:
    """What the promise asks for at this moment; the later promise outranks the earlier."""
    if resolved:
        return Due.NOTHING
    if now >= sla.resolve_by:
        return Due.RESOLUTION
    return Due.DECISION if not decided and now >= sla.decide_by else Due.NOTHING

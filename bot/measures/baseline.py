"""The work on a kind before it was live, and since."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from bot.cases.service_level import Baseline, ServiceLevel
from bot.measures.catalogue import Values
from bot.measures.totals import ReportPeriod
from bot.measures.values import Share, Sum, Times

#: So much of the time before a kind was live is looked at.
MAX_BASELINE = timedelta(weeks=26)
WEEK = timedelta(weeks=1)
#: What is compared: stated figures have these and no others.
COMPARED = (
    "endings",
    "exception_rate",
    "time_to_decision",
    "time_to_resolution",
    "accepted_unedited",
    "done_alone",
    "rework",
    "cost_per_case",
)
#: Stated shares have no counts; they are written as parts of this.
STATED_WHOLE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A kind before it was live, and since."""

    #: Says where the earlier figures are from.
    basis: str
    before: Values
    after: Values
    #: The span of the earlier figures; None where people stated them.
    before_period: ReportPeriod | None
    after_period: ReportPeriod


@dataclass(frozen=True, slots=True)
class Windows:
    """The periods that are compared."""

    basis: str
    #: None where people stated the figures.
    before: ReportPeriod | None
    after: ReportPeriod


def windows_of(
    level: ServiceLevel, *, first_opened_at: datetime | None, period: ReportPeriod
) -> Windows | None:
    """Return what the period is compared with.

    None where nothing tells before from after.
    """
    baseline = level.baseline
    if baseline.has_figures:
        return Windows(f"as stated: {baseline.source}", None, period)
    if first_opened_at is None:
        return None
    if level.live_since is not None:
        live_at = datetime.combine(level.live_since, time(), UTC)
        begin = max(first_opened_at, live_at - MAX_BASELINE)
        basis = f"the time before it went live on {live_at.day} {live_at:%B %Y}"
    elif baseline.weeks is not None:
        begin = first_opened_at
        live_at = begin + baseline.weeks * WEEK
        basis = f"its first {baseline.weeks} weeks"
    else:
        return None
    after = ReportPeriod(max(period.since, live_at), period.until)
    if begin >= live_at or after.since >= after.until:
        return None
    return Windows(basis, ReportPeriod(begin, live_at), after)


def stated_values(baseline: Baseline, currency: str) -> Values:
    """Return the figures that people stated, as measures."""
    values: Values = {}
    if baseline.exception_rate is not None:
        values["exception_rate"] = _share(baseline.exception_rate)
    if baseline.rework is not None:
        values["rework"] = _share(baseline.rework)
    if baseline.time_to_decision is not None:
        values["time_to_decision"] = _times(baseline.time_to_decision)
    if baseline.time_to_resolution is not None:
        values["time_to_resolution"] = _times(baseline.time_to_resolution)
    if baseline.cost_per_case is not None:
        values["cost_per_case"] = Sum(float(baseline.cost_per_case), currency)
    return values


def _share(ratio: float) -> Share:
    return Share(round(ratio * STATED_WHOLE), STATED_WHOLE)


def _times(median: timedelta) -> Times:
    return Times(count=0, working_p50=median.total_seconds())

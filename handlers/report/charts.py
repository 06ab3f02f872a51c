"""The charts of a report."""

from collections.abc import Sequence

from bot.measures.outcomes import Outcomes
from bot.measures.report import KindSection, OperationReport
from bot.measures.totals import Totals
from bot.measures.values import Times
from handlers.report.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    Series,
    legend,
    lines,
    lying_bars,
    pairs,
    stacked_columns,
)

SECONDS_PER_HOUR = 3600
#: A dot of the time before.
HOLLOW = "#c3cad6"
#: The ways in which a case ends, with their colours; the same on every chart.
WAYS = (
    ("alone", GREEN),
    ("approved as recommended", BLUE),
    ("approved after an edit", SKY),
    ("handled by hand", ORANGE),
    ("rejected", RED),
    ("expired", PURPLE),
    ("cleared or withdrawn", GREY),
)


def over_time(report: OperationReport) -> str:
    """Draw how cases ended in each step of the period."""
    outcomes = [bar.totals.outcomes for bar in report.bars]
    series = [
        Series(
            name="resolved by people", colour=BLUE, values=[_by_people(one) for one in outcomes]
        ),
        Series(name="handled alone", colour=GREEN, values=[one.alone for one in outcomes]),
        Series(
            name="rejected or expired",
            colour=RED,
            values=[one.rejections + one.expiries for one in outcomes],
        ),
        Series(
            name="cleared or withdrawn",
            colour=GREY,
            values=[one.clearings + one.withdrawals for one in outcomes],
        ),
    ]
    return stacked_columns(_labels(report), series, unit="cases") + legend(series)


def to_decision(report: OperationReport) -> str:
    """Draw median and ninth decile of the time to the first decision."""
    times = [bar.totals.waits.to_decision.times() for bar in report.bars]
    medians: list[float | None] = []
    deciles: list[float | None] = []
    for one in times:
        medians.append(_hours(one.working_p50))
        deciles.append(_hours(one.working_p90))
    series = [
        Series(name="half within", colour=BLUE, values=medians),
        Series(name="90 % within", colour=ORANGE, values=deciles, is_dashed=True),
    ]
    return lines(_labels(report), series, unit="hours") + legend(series)


def ways_to_end(kinds: Sequence[KindSection]) -> str:
    """Draw how the cases of each kind ended."""
    counts = [_ways(kind.totals) for kind in kinds]
    series = [
        Series(name=name, colour=colour, values=[one[place] for one in counts])
        for place, (name, colour) in enumerate(WAYS)
    ]
    labels = [kind.title for kind in kinds]
    ends = [f"{kind.totals.outcomes.endings:,}" for kind in kinds]
    return lying_bars(labels, series, ends=ends) + legend(series)


def to_resolution_pairs(kinds: Sequence[KindSection]) -> str:
    """Draw median times to resolution before and after.

    Empty where none can be compared.
    """
    labels: list[str] = []
    before: list[float] = []
    after: list[float] = []
    for kind in kinds:
        if kind.comparison is None:
            continue
        first = _hours_of(kind.comparison.before.get("time_to_resolution"))
        second = _hours_of(kind.comparison.after["time_to_resolution"])
        if first is not None and second is not None:
            labels.append(kind.title)
            before.append(first)
            after.append(second)
    if not labels:
        return ""
    key = (
        Series(name="before", colour=HOLLOW, values=before),
        Series(name="since", colour=BLUE, values=after),
    )
    return pairs(labels, before, after) + legend(key)


def _labels(report: OperationReport) -> list[str]:
    return [f"{bar.period.since.day} {bar.period.since:%b}" for bar in report.bars]


def _by_people(outcomes: Outcomes) -> int:
    return outcomes.resolutions - outcomes.alone


def _ways(totals: Totals) -> tuple[int, ...]:
    outcomes = totals.outcomes
    approvals = outcomes.as_recommended + outcomes.after_edit
    # Those without a recommendation that anybody decided are handled by hand too.
    by_hand = max(0, outcomes.resolutions - outcomes.alone - approvals)
    return (
        outcomes.alone,
        outcomes.as_recommended,
        outcomes.after_edit,
        by_hand,
        outcomes.rejections,
        outcomes.expiries,
        outcomes.clearings + outcomes.withdrawals,
    )


def _hours_of(value: object) -> float | None:
    return _hours(value.working_p50) if isinstance(value, Times) else None


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / SECONDS_PER_HOUR

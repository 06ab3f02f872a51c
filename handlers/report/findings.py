"""Findings: the few sentences of a report that a lead reads first."""

from collections.abc import Iterator
from operator import itemgetter

from bot.desk.measure_texts import is_better, share_text, span_text, value_text
from bot.measures.catalogue import MEASURES, MeasureDefinition, number_of
from bot.measures.report import KindSection, OperationReport
from bot.measures.targets import MIN_CASES, TargetResult, target_results
from bot.measures.values import Times

MAX_FINDINGS = 6
MAX_MISSES = 3
#: A change by this part of what was before stands out.
MIN_CHANGE = 0.2
WATCHED = ("exception_rate", "time_to_decision", "time_to_resolution", "accepted_unedited")
_BY_NAME = {measure.name: measure for measure in MEASURES}


def findings(report: OperationReport) -> tuple[str, ...]:
    """Say what a lead should look at, the most important first."""
    sentences = [*_summary(report), *_misses(report), *_changes(report), *_open_ends(report)]
    return tuple(sentences[:MAX_FINDINGS])


def _summary(report: OperationReport) -> Iterator[str]:
    outcomes = report.total.totals.outcomes
    if not outcomes.endings:
        yield "No case ended in this period."
        return
    people = outcomes.resolutions - outcomes.alone
    sentence = f"{outcomes.endings:,} cases ended: people resolved {people:,}"
    if outcomes.alone:
        sentence += f", {outcomes.alone:,} needed nobody"
    times = report.total.values["time_to_decision"]
    if isinstance(times, Times) and times.working_p50 is not None:
        sentence += f". Half were decided within {span_text(times.working_p50)} of working time"
    yield f"{sentence}."


def _misses(report: OperationReport) -> Iterator[str]:
    """Say which targets were missed, the farthest first."""
    misses: list[tuple[float, str]] = []
    for kind in report.kinds:
        for result in target_results(kind):
            if not result.is_met and result.says_something:
                distance = abs(result.value - result.target) / max(result.target, 1e-9)
                misses.append((distance, _miss(kind, result)))
    misses.sort(key=itemgetter(0), reverse=True)
    for _, sentence in misses[:MAX_MISSES]:
        yield sentence


def _miss(kind: KindSection, result: TargetResult) -> str:
    title = _BY_NAME[result.measure].title.lower()
    is_time = result.measure.startswith("time_")
    write = span_text if is_time else share_text
    return f"{kind.title}: {title} is {write(result.value)}; the target is {write(result.target)}."


def _changes(report: OperationReport) -> Iterator[str]:
    """Say which measures of a kind changed most since the period before."""
    changes: list[tuple[float, str]] = []
    for kind in report.kinds:
        if min(kind.totals.outcomes.endings, kind.totals.openings) < MIN_CASES:
            continue
        for name in WATCHED:
            change = _change(kind, _BY_NAME[name])
            if change:
                changes.append(change)
    changes.sort(key=itemgetter(0), reverse=True)
    for _, sentence in changes[:2]:
        yield sentence


def _change(kind: KindSection, measure: MeasureDefinition) -> tuple[float, str] | None:
    value, previous = kind.values[measure.name], kind.previous[measure.name]
    now, before = number_of(value), number_of(previous)
    better = is_better(measure, value, previous)
    if better is None or now is None or not before or abs(now - before) < MIN_CHANGE * before:
        return None
    verb = "improved" if better else "got worse"
    texts = f"from {value_text(previous)} to {value_text(value)}"
    return abs(now - before) / before, f"{kind.title}: {measure.title.lower()} {verb} {texts}."


def _open_ends(report: OperationReport) -> Iterator[str]:
    totals = report.total.totals
    if totals.outcomes.expiries:
        verb = "cases expired" if totals.outcomes.expiries > 1 else "case expired"
        yield f"{totals.outcomes.expiries:,} {verb} without a decision."
    if totals.leaks:
        verb = "cases" if totals.leaks > 1 else "case"
        yield f"{totals.leaks:,} resolved {verb} came back."

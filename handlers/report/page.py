"""The report as one page of HTML, made to be printed.

Its charts are inside, and nothing is loaded from outside.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path

from bot.desk.measure_texts import (
    NOTHING,
    assistant_text,
    change_text,
    is_better,
    period_text,
    share_text,
    short_text,
    span_text,
    value_text,
)
from bot.measures.catalogue import MEASURES, MeasureDefinition, number_of
from bot.measures.report import KindSection, OperationReport, ReportSection
from bot.measures.targets import MIN_CASES, target_results
from bot.measures.values import Times, Value
from handlers.report.charts import over_time, to_decision, to_resolution_pairs, ways_to_end
from handlers.report.findings import findings

STYLE = Path(__file__).with_name("style.css")
TILES = (
    "endings",
    "done_alone",
    "accepted_unedited",
    "without_rework",
    "time_to_decision",
    "time_to_resolution",
    "cost_per_case",
    "money_saved",
)
TILE_TITLES = {
    "time_to_decision": "First decision, median",
    "time_to_resolution": "Resolution, median",
}
BY_KIND = (
    "openings",
    "exception_rate",
    "time_to_decision",
    "accepted_unedited",
    "done_alone",
    "without_rework",
    "cost_per_case",
    "time_saved",
)
SHORT_TITLES = {
    "time_to_decision": "Decided in",
    "time_to_resolution": "Resolved in",
    "accepted_unedited": "Accepted unedited",
    "done_alone": "Alone",
    "without_rework": "Without rework",
    "cost_per_case": "Cost each",
    "exception_rate": "Rate",
    "endings": "Cases",
}
BEFORE_AND_AFTER = (
    "endings",
    "exception_rate",
    "time_to_decision",
    "accepted_unedited",
    "rework",
    "cost_per_case",
)
PEOPLE = ("throughput", "hand_over_delay", "time_to_notice")
UNHANDLED = (
    "unrecognised_rate",
    "rerouting_rate",
    "rejection_rate",
    "expiry_rate",
    "escalation_rate",
    "leaked_defects",
)
_BY_NAME = {measure.name: measure for measure in MEASURES}


def report_page(report: OperationReport) -> str:
    """Write the page."""
    title = f"Exception handling, {period_text(report.period)}"
    parts = [
        *_front(report),
        *_kinds(report),
        *_people(report),
        *_comparison(report),
        *_teams(report),
        *_assistant(report),
        *_appendix(report),
        f'<footer class="screen">{escape(_footer(report))}</footer>',
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{_stylesheet()}{_print_footer(report)}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


@cache
def _stylesheet() -> str:
    return STYLE.read_text(encoding="utf-8")


def _print_footer(report: OperationReport) -> str:
    """Write the rule for the foot of each printed page."""
    # A text of CSS: its quotation marks and line ends are written as code points.
    text = "".join(
        letter if letter.isalnum() or letter in " .,:·" else f"\\{ord(letter):06x}"
        for letter in _footer(report)
    )
    font = '7.5pt "Helvetica Neue", Arial, "Liberation Sans", sans-serif'
    return (
        "@page { size: A4; margin: 16mm 15mm 17mm; "
        f'@bottom-left {{ content: "{text}"; font: {font}; color: #5b6678; width: 88%; }} '
        '@bottom-right { content: counter(page) " of " counter(pages); '
        f"font: {font}; color: #5b6678; }} }}"
    )


def _footer(report: OperationReport) -> str:
    ledger = report.ledger
    signed = f"checkpoint {ledger.checkpoint}" if ledger.checkpoint else "not signed yet"
    return f"{period_text(report.period)} · {ledger.entries:,} ledger entries · {signed}"


# --- the first page ---------------------------------------------------------------------------


def _front(report: OperationReport) -> Iterator[str]:
    scope = f"{escape(report.scope)} · " if report.scope else ""
    yield f"<h1>Exception handling</h1><p class='lead'>{scope}{escape(period_text(report.period))}"
    yield f", compared with {escape(period_text(report.previous))}</p>"
    yield f'<div class="tiles">{"".join(_tile(report.total, name) for name in TILES)}</div>'
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in findings(report))
    yield f'<h2>What stands out</h2><ul class="findings">{items}</ul>'
    yield "<h2>Over time</h2>"
    yield _figure("How cases ended", over_time(report))
    yield _figure("Working hours to the first decision", to_decision(report))


def _tile(section: ReportSection, name: str) -> str:
    measure = _BY_NAME[name]
    value = section.values[name]
    title = TILE_TITLES.get(name, measure.title)
    return (
        f'<div class="tile"><span>{escape(title)}</span><b>{escape(value_text(value))}</b>'
        f"{_change(measure, value, section.previous[name])}</div>"
    )


def _change(measure: MeasureDefinition, value: Value, previous: Value) -> str:
    text = change_text(value, previous)
    better = is_better(measure, value, previous)
    judgement = {True: ' class="good"', False: ' class="bad"', None: ""}[better]
    return f"<em{judgement}>{escape(text)}</em>" if text else "<em>&nbsp;</em>"


def _figure(caption: str, chart: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{chart}</figure>"


# --- kinds ------------------------------------------------------------------------------------


def _kinds(report: OperationReport) -> Iterator[str]:
    if not report.kinds:
        return
    yield '<h2 class="new-page">By kind</h2>'
    yield _table("Kind", report.kinds, report.total)
    yield (
        '<p class="note">Times are medians in working hours. Red misses the target of the kind, '
        "green reaches it; the appendix has the targets.</p>"
    )
    yield _figure("How the cases of each kind ended", ways_to_end(report.kinds))


def _table(first: str, sections: Sequence[ReportSection], total: ReportSection | None) -> str:
    heads = "".join(
        f'<th class="n">{escape(SHORT_TITLES.get(name, _BY_NAME[name].title))}</th>'
        for name in BY_KIND
    )
    rows = "".join(_row(section) for section in sections)
    if total is not None:
        rows += _row(total, is_sum=True)
    return (
        f'<div class="wide"><table class="kinds"><thead><tr><th>{escape(first)}</th>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _row(section: ReportSection, *, is_sum: bool = False) -> str:
    results = {}
    if isinstance(section, KindSection):
        results = {one.measure: one for one in target_results(section) if one.says_something}
    cells = []
    for name in BY_KIND:
        result = results.get(name)
        judgement = ""
        if result is not None:
            judgement = " good" if result.is_met else " bad"
        cells.append(f'<td class="n{judgement}">{escape(short_text(section.values[name]))}</td>')
    cls = ' class="sum"' if is_sum else ""
    return f"<tr{cls}><td>{escape(section.title)}</td>{''.join(cells)}</tr>"


# --- before and after -------------------------------------------------------------------------


def _comparison(report: OperationReport) -> Iterator[str]:
    kinds = [kind for kind in report.kinds if kind.comparison]
    if not kinds:
        return
    yield '<h2 class="new-page">Before and after</h2>'
    chart = to_resolution_pairs(kinds)
    if chart:
        yield _figure("Median time to resolution, working hours", chart)
    heads = "".join(
        f'<th class="n">{escape(SHORT_TITLES.get(name, _BY_NAME[name].title))}</th>'
        for name in BEFORE_AND_AFTER
    )
    rows = "".join(_comparison_row(kind) for kind in kinds)
    yield (
        f'<div class="wide"><table class="kinds"><thead><tr><th>Kind</th>{heads}'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    yield f'<p class="note">{escape(_bases(kinds))}</p>'


def _bases(kinds: Iterable[KindSection]) -> str:
    """Say what each kind is compared with, kinds with the same together."""
    titles: dict[str, list[str]] = {}
    for kind in kinds:
        if kind.comparison is not None:
            titles.setdefault(kind.comparison.basis, []).append(kind.title)
    if len(titles) == 1:
        return f"Each kind is compared with {next(iter(titles))}."
    return " ".join(f"{'; '.join(names)}: {basis}." for basis, names in titles.items())


def _comparison_row(kind: KindSection) -> str:
    comparison = kind.comparison
    if comparison is None:
        return ""
    before_count = comparison.before.get("endings")
    # Of a few cases any difference may be chance.
    has_enough = before_count is None or (number_of(before_count) or 0) >= MIN_CASES
    cells = []
    for name in BEFORE_AND_AFTER:
        after = comparison.after[name]
        before = comparison.before.get(name)
        text = short_text(before) if before is not None else NOTHING
        judgement = ""
        if before is not None and has_enough:
            better = is_better(_BY_NAME[name], after, before)
            judgement = {True: " good", False: " bad", None: ""}[better]
        cells.append(
            f'<td class="n{judgement}"><em>{escape(text)}</em> → {escape(short_text(after))}</td>'
        )
    return f"<tr><td>{escape(kind.title)}</td>{''.join(cells)}</tr>"


# --- people and what was not handled ----------------------------------------------------------


def _people(report: OperationReport) -> Iterator[str]:
    yield "<h2>People, and what was not handled</h2>"
    tiles = "".join(_fact(report.total, name) for name in PEOPLE + UNHANDLED)
    yield f'<div class="tiles facts">{tiles}</div>'


def _fact(section: ReportSection, name: str) -> str:
    measure = _BY_NAME[name]
    value = section.values[name]
    within = ""
    if isinstance(value, Times) and value.working_p90 is not None:
        within = f" <small>90 % within {escape(span_text(value.working_p90))}</small>"
    return (
        f'<div class="tile"><span>{escape(measure.title)}</span>'
        f"<strong>{escape(value_text(value))}</strong>{within} "
        f"{_change(measure, value, section.previous[name])}</div>"
    )


def _teams(report: OperationReport) -> Iterator[str]:
    if len(report.teams) > 1:
        yield "<h2>By team</h2>"
        yield _table("Team", report.teams, None)


def _assistant(report: OperationReport) -> Iterator[str]:
    text = assistant_text(report)
    if text:
        yield f'<p class="note">{escape(text)}</p>'


# --- appendix ---------------------------------------------------------------------------------


def _appendix(report: OperationReport) -> Iterator[str]:
    yield '<h2 class="new-page">Assumptions, targets and owners</h2>'
    yield (
        "<p>Time and money saved rest on what a person would take without the bot. Nobody measured "
        "that: it is what each playbook says, and it is shown here so that it can be disputed.</p>"
    )
    rows = "".join(_assumption_row(kind) for kind in report.kinds)
    yield (
        "<table class='kinds'><thead><tr><th>Kind and owners</th><th class='n'>By hand</th>"
        "<th class='n'>A decision</th><th class='n'>A minute</th><th>Counted against</th>"
        f"<th>Targets</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    yield "<h2>Definitions</h2><dl class='columns'>"
    for measure in MEASURES:
        yield f"<div><dt>{escape(measure.title)}</dt><dd>{escape(measure.definition)}</dd></div>"
    yield "</dl>"
    yield "<h3>How it was computed</h3>"
    yield f"<p class='note'>{escape(_method(report))}</p>"
    if report.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        yield f"<h3>Not measured</h3><ul class='note'>{notes}</ul>"


def _assumption_row(kind: KindSection) -> str:
    level = kind.terms.level
    owners = ", ".join(f"{role} @{group}" for role, group in kind.terms.owners.items())
    cost = NOTHING
    if level.cost_per_minute is not None:
        cost = f"{level.cost_per_minute} {kind.terms.currency}"
    by_hand = NOTHING if level.minutes_by_hand is None else f"{level.minutes_by_hand:g} min"
    targets = "; ".join(_target_texts(kind))
    return (
        f"<tr><td>{escape(kind.title)}<br><small>{escape(owners)}</small></td>"
        f"<td class='n'>{escape(by_hand)}</td>"
        f"<td class='n'>{level.minutes_per_decision:g} min</td><td class='n'>{escape(cost)}</td>"
        f"<td>{escape(level.denominator.name or NOTHING)}{_denominator_note(kind)}</td>"
        f"<td>{escape(targets)}</td></tr>"
    )


def _denominator_note(kind: KindSection) -> str:
    """Write the number that cases were counted against."""
    whole = getattr(kind.values["exception_rate"], "whole", 0)
    return f"<br><small>{whole:,} in the period</small>" if whole else ""


def _target_texts(kind: KindSection) -> Iterator[str]:
    level = kind.terms.level
    yield f"decide in {span_text(level.decide_for.total_seconds())}"
    yield f"resolve in {span_text(level.resolve_for.total_seconds())}"
    targets = level.targets
    if targets.exception_rate is not None:
        yield f"rate up to {share_text(targets.exception_rate)}"
    for name in ("accepted_unedited", "without_rework", "done_alone"):
        ratio = getattr(targets, name)
        if ratio is not None:
            yield f"{_BY_NAME[name].title.lower()} from {share_text(ratio)}"


def _method(report: OperationReport) -> str:
    signed = (
        f"The last signed checkpoint is {report.ledger.checkpoint}."
        if report.ledger.checkpoint
        else "No checkpoint had been signed."
    )
    return (
        "Every figure is computed from the entries of the ledger, case by case, as it stood at "
        f"{report.ledger.entries:,} entries. {signed} A case counts in the period in which it was "
        "opened, ended or decided: a decision of last week on an older case is of last week. "
        "Working hours are those of the channel of each case. Days begin at midnight UTC."
    )

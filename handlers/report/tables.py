"""The report for machines: every number with its unit, none rounded."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, assert_never

from bot.desk.measure_texts import unit_text
from bot.measures.catalogue import MEASURES, MeasureDefinition, Values
from bot.measures.report import KindSection, OperationReport, ReportSection
from bot.measures.totals import ReportPeriod
from bot.measures.values import Count, Share, Spread, Sum, Times, Value

#: A spreadsheet takes a cell that begins so for a formula.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One number of the report."""

    #: "all", "kind", "team" or "assistant".
    group: str
    name: str
    title: str
    measure: str
    #: "p50 working hours" and the like; empty for a measure with one number.
    statistic: str
    value: float | None
    unit: str
    #: Of how many cases or people it is taken.
    of: int | None
    #: The same number in the period before.
    previous: float | None


def figure_rows(report: OperationReport) -> Iterator[FigureRow]:
    """Yield every number of the report."""
    yield from _section_rows("all", report.total)
    for kind in report.kinds:
        yield from _section_rows("kind", kind)
    for team in report.teams:
        yield from _section_rows("team", team)
    yield from _section_rows("assistant", report.assistant)


def _section_rows(group: str, section: ReportSection) -> Iterator[FigureRow]:
    for measure in MEASURES:
        value, previous = section.values[measure.name], section.previous[measure.name]
        for (statistic, number, count), (_, before, _) in zip(
            statistics_of(value), statistics_of(previous), strict=True
        ):
            yield FigureRow(
                group=group,
                name=section.name,
                title=section.title,
                measure=measure.name,
                statistic=statistic,
                value=number,
                unit=unit_text(measure.unit, value),
                of=count,
                previous=before,
            )


Statistic = tuple[str, float | None, int | None]


def statistics_of(value: Value) -> tuple[Statistic, ...]:
    """List name, number and count of everything in a value."""
    match value:
        case Share():
            return (("", value.ratio, value.whole),)
        case Count():
            return (("", float(value.number), None),)
        case Sum():
            return (("", value.amount, None),)
        case Times():
            return (
                ("p50 working hours", value.working_p50, value.count),
                ("p90 working hours", value.working_p90, value.count),
                ("p50 clock", value.clock_p50, value.count),
                ("p90 clock", value.clock_p90, value.count),
            )
        case Spread():
            return (
                ("median", value.median, value.people),
                ("minimum", value.minimum, value.people),
                ("maximum", value.maximum, value.people),
            )
        case _:
            assert_never(value)


# --- CSV --------------------------------------------------------------------------------------


def as_csv(report: OperationReport) -> str:
    """Write all numbers as CSV with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["since", "until", *FigureRow.__slots__])
    span = [report.period.since.isoformat(), report.period.until.isoformat()]
    for row in figure_rows(report):
        cells = [_cell(cell) for cell in asdict(row).values()]
        writer.writerow([*span, *cells])
    return text.getvalue()


def _cell(value: object) -> object:
    """Keep a spreadsheet from computing the text of a cell."""
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value


# --- JSON -------------------------------------------------------------------------------------


def as_plain(report: OperationReport) -> dict[str, Any]:
    """Convert the report to JSON types."""
    return {
        "period": _period(report.period),
        "previous": _period(report.previous),
        "scope": report.scope,
        "ledger": asdict(report.ledger),
        "notes": list(report.notes),
        "measures": {measure.name: _definition(measure) for measure in MEASURES},
        "all": _section(report.total),
        "kinds": [_kind(kind) for kind in report.kinds],
        "teams": [_section(team) for team in report.teams],
        "assistant": _section(report.assistant),
        "over_time": [
            {**_period(bar.period), "values": _values(bar.values)} for bar in report.bars
        ],
    }


def _period(period: ReportPeriod) -> dict[str, str]:
    return {"since": period.since.isoformat(), "until": period.until.isoformat()}


def _definition(measure: MeasureDefinition) -> dict[str, str]:
    return {
        "title": measure.title,
        "unit": measure.unit.value,
        "better": measure.aim,
        "definition": measure.definition,
    }


def _section(section: ReportSection) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "values": _values(section.values),
        "previous": _values(section.previous),
    }


def _kind(kind: KindSection) -> dict[str, Any]:
    level = kind.terms.level
    assumptions = {
        "minutes_by_hand": _number(level.minutes_by_hand),
        "minutes_per_decision": _number(level.minutes_per_decision),
        "cost_per_minute": _number(level.cost_per_minute),
        "currency": kind.terms.currency,
    }
    comparison = kind.comparison
    return {
        **_section(kind),
        "owners": dict(kind.terms.owners),
        "denominator": level.denominator.name,
        "assumptions": assumptions,
        "targets": asdict(level.targets),
        "comparison": comparison
        and {
            "basis": comparison.basis,
            "before": _values(comparison.before),
            "after": _values(comparison.after),
            "before_period": comparison.before_period and _period(comparison.before_period),
            "after_period": _period(comparison.after_period),
        },
    }


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _values(values: Values) -> dict[str, Any]:
    units = {measure.name: measure.unit for measure in MEASURES}
    return {
        name: {"unit": unit_text(units[name], value), **_plain(value)}
        for name, value in values.items()
    }


def _plain(value: Value) -> dict[str, Any]:
    plain = asdict(value)
    if isinstance(value, Share):
        return {"value": value.ratio, **plain}
    return plain

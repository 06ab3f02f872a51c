"""Measures in words: "38 %", "1.5 hours", "£1,204", "up from 30 %"."""

from datetime import timedelta
from decimal import Decimal
from typing import assert_never

from bot.cases.plan import SYMBOLS
from bot.desk.case_texts import describe_span
from bot.measures.catalogue import MeasureDefinition, number_of
from bot.measures.report import OperationReport
from bot.measures.totals import ReportPeriod
from bot.measures.values import Count, Share, Spread, Sum, Times, Unit, Value

#: Where there is nothing to say.
NOTHING = "–"
#: Below this a share has a decimal.
SMALL_SHARE = 0.1
#: From here on a rate is no share any more.
MANY = 2
#: A change smaller than this part of the earlier value is none.
STEADY = 0.005
MINUS = "\N{MINUS SIGN}"


def assistant_text(report: OperationReport) -> str:
    """Say how many cases decided about the assistant; empty for none."""
    totals = report.assistant.totals
    endings = totals.outcomes.endings
    if not totals.openings and not endings:
        return ""
    return (
        f"{report.assistant.title}: {totals.openings:,} opened, {endings:,} ended. "
        "They are no part of the figures above."
    )


def value_text(value: Value) -> str:
    """Write the value of a measure."""
    match value:
        case Share():
            return share_text(value.ratio)
        case Count():
            return f"{value.number:,}"
        case Times():
            return span_text(value.working_p50)
        case Sum():
            return sum_text(value)
        case Spread():
            return spread_text(value)
        case _:
            assert_never(value)


def share_text(ratio: float | None) -> str:
    """Write a share in per cent, with a decimal when small."""
    if ratio is None:
        return NOTHING
    if ratio >= MANY:
        return f"{ratio:.1f} for each"
    decimals = 1 if 0 < ratio < SMALL_SHARE else 0
    return f"{100 * ratio:.{decimals}f} %"


def span_text(seconds: float | None) -> str:
    """Write a time of so many seconds."""
    return NOTHING if seconds is None else describe_span(timedelta(seconds=seconds))


#: Units of a time in a narrow column, each from twice its size.
_SHORT_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def short_text(value: Value) -> str:
    """Write the value of a measure for a narrow column: "57 min"."""
    if isinstance(value, Sum) and value.amount is not None and not value.currency:
        hours = value.amount / 60
        return f"{MINUS if hours < 0 else ''}{abs(hours):,.0f} h"
    if not isinstance(value, Times):
        return value_text(value)
    seconds = value.working_p50
    if seconds is None:
        return NOTHING
    for size, unit in _SHORT_UNITS:
        if seconds >= 2 * size:
            amount = f"{seconds / size:.{0 if unit == 'min' else 1}f}".removesuffix(".0")
            return f"{amount} {unit}"
    return f"{seconds:.0f} s"


def sum_text(value: Sum) -> str:
    """Write money, or minutes as hours."""
    if value.amount is None:
        return NOTHING
    sign = MINUS if value.amount < 0 else ""
    amount = abs(value.amount)
    if not value.currency:
        return f"{sign}{amount / 60:,.0f} hours" if amount >= 120 else f"{sign}{amount:.0f} minutes"
    symbol = SYMBOLS.get(value.currency, f"{value.currency} ")
    # Small amounts are costs of one case, where pence matter.
    decimals = 2 if amount < 100 else 0
    return f"{sign}{symbol}{Decimal(str(amount)):,.{decimals}f}"


def spread_text(value: Spread) -> str:
    """Write a median with its range over people."""
    if value.median is None or value.minimum is None or value.maximum is None:
        return "not shown: fewer than three people" if value.people else NOTHING
    return f"{value.median:g} ({value.minimum:g} to {value.maximum:g}), {value.people} people"


def change_text(value: Value, previous: Value) -> str:
    """Compare with the period before: "up from 30 %".

    Empty where nothing can be compared.
    """
    now, before = number_of(value), number_of(previous)
    if now is None or before is None:
        return ""
    if is_steady(now, before) or value_text(value) == value_text(previous):
        return "as before"
    return f"{'up' if now > before else 'down'} from {value_text(previous)}"


def is_steady(now: float, before: float) -> bool:
    """Tell whether a change is too small to speak of."""
    return abs(now - before) <= STEADY * max(abs(before), abs(now))


def is_better(measure: MeasureDefinition, value: Value, previous: Value) -> bool | None:
    """Tell whether a change is what a lead wants.

    None where neither direction is.
    """
    now, before = number_of(value), number_of(previous)
    if now is None or before is None or not measure.aim:
        return None
    if is_steady(now, before) or value_text(value) == value_text(previous):
        return None
    return (now > before) == (measure.aim == "up")


def period_text(period: ReportPeriod) -> str:
    """Write a period by its first and its last day."""
    last = period.until - timedelta(seconds=1)
    first = period.since
    end = f"{last.day} {last:%B %Y}"
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return end
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%B}{year} to {end}"


def unit_text(unit: Unit, value: Value) -> str:
    """Name the unit of a number, with the currency of money."""
    if unit is Unit.MONEY and isinstance(value, Sum):
        return value.currency or unit.value
    return unit.value

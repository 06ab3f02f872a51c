"""Counts, money and days in the sentences of answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from bot.cases.hours import Hours
from bot.cases.plan import Money
from bot.desk.case_texts import describe_span
from bot.ports.case_queries import Total

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count_word(count: int) -> str:
    """Say a count: in words up to ten, in digits above."""
    return _WORDS[count] if count < len(_WORDS) else f"{count:,}"


def case_count(count: int) -> str:
    """Count cases: "one case", "12 cases"."""
    return f"{count_word(count)} case" if count == 1 else f"{count_word(count)} cases"


def stakes_text(stakes: Mapping[str, Decimal]) -> str:
    """Say what is at stake, each currency for itself."""
    amounts = [str(Money(amount, currency)) for currency, amount in sorted(stakes.items())]
    if len(amounts) <= 1:
        return "".join(amounts)
    return f"{', '.join(amounts[:-1])} and {amounts[-1]}"


def total_text(total: Total, verb: str = "") -> str:
    """Count cases with their stakes: "two wait on you, £12,460.00 together"."""
    count = f"{count_word(total.cases)} {verb}" if verb else case_count(total.cases)
    return f"{count}{together_text(total)}"


def together_text(total: Total) -> str:
    """Continue a count with the stakes: ", £12,460.00 together"."""
    stakes = stakes_text(total.stakes)
    if not stakes:
        return ""
    return f", {stakes} together" if total.cases > 1 else f", {stakes}"


def day_text(at: datetime, hours: Hours, now: datetime) -> str:
    """Write a day as "Tue 24 Nov", today as "14:00 today"."""
    local = hours.local(at)
    today = hours.local(now).date()
    if local.date() == today:
        return f"{local:%H:%M} today"
    text = f"{local:%a} {local.day} {local:%b}"
    return text if local.year == today.year else f"{text} {local.year}"


def describe_seconds(seconds: float) -> str:
    """Say so many seconds as a span of time."""
    return describe_span(timedelta(seconds=seconds))

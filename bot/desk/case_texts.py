"""Short texts about cases: states, times and spans."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.hours import Hours
from bot.cases.policy import Stage

#: A span is said in the largest unit that fits into it twice.
UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))

#: What the desk does about a kind, by its stage.
STAGE_TEXTS = {
    Stage.SHADOW: "I only recommend",
    Stage.SUPERVISED: "I act when people have approved",
    Stage.AUTONOMOUS: "I may act alone, within the limits",
}


def describe_state(case: Case) -> str:
    """Say in which state a case is."""
    return f"{case.id} {case.state.predicate}"


def local_time(at: datetime, hours: Hours, now: datetime | None = None) -> str:
    """Write a moment on the clock of these hours: "21 Nov 12:00".

    With ``now``, that of another year has its year: "21 Nov 2025 12:00".
    """
    local = hours.local(at)
    is_of_this_year = now is None or local.year == hours.local(now).year
    year = "" if is_of_this_year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def describe_span(span: timedelta) -> str:
    """Say a span of time: "2.5 days", "40 minutes"."""
    seconds = span.total_seconds()
    for unit, size in UNITS:
        if seconds >= 2 * size or seconds == size:
            decimals = 0 if unit == "minutes" else 1
            amount = f"{seconds / size:.{decimals}f}".removesuffix(".0")
            return f"{amount} {unit}".removesuffix("s") if amount == "1" else f"{amount} {unit}"
    return f"{seconds:.0f} seconds"


def join_words(words: Sequence[str], conjunction: str = "and") -> str:
    """Join words as people say them: "Ana, Ben and Carla"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def phrase(template: str, value: object) -> str:
    """Put a value into a phrase like ", moving {}".

    Empty for no value.
    """
    return template.format(value) if value else ""


def verb(count: int, singular: str, plural: str) -> str:
    """Return the form of a verb for so many."""
    return singular if count == 1 else plural


def count_noun(count: int, singular: str, plural: str = "") -> str:
    """Write a count with its noun: "1 case", "1,200 cases"."""
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def as_sentence(text: str) -> str:
    """End a text with one full stop, unless it has a mark."""
    text = text.strip()
    if not text or text[-1] in ".?!…" or text[-2:] in {".”", "?”", "!”"}:
        return text
    return f"{text}."

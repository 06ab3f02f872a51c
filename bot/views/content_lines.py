"""Lines of what the ledger says, as people read them."""

from dataclasses import dataclass
from datetime import datetime

from bot.cases.canonical import Scalar
from bot.cases.plan import Money
from bot.cases.sla import Sla


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One thing that an entry says, under its label."""

    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


def moment(at: datetime) -> str:
    """Write a time in UTC: "21 Nov 2026 12:00 UTC"."""
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def value_text(value: Scalar) -> str:
    """Write a value as people read it."""
    match value:
        case None:
            return "none"
        case True:
            return "yes"
        case False:
            return "no"
        case float():
            return f"{value:,.2f}".removesuffix(".00")
        case _:
            return str(value)


def money_text(money: Money) -> str:
    """Write an amount with its sign before the currency."""
    return f"−{Money(-money.amount, money.currency)}" if money.amount < 0 else str(money)


def content_lines(**texts: str) -> tuple[ContentLine, ...]:
    """Make a line of each text that is not empty."""
    return tuple(ContentLine(label, text) for label, text in texts.items() if text)


def deadline_lines(sla: Sla | None) -> tuple[ContentLine, ...]:
    if sla is None:
        return ()
    return (
        ContentLine("Decide by", moment(sla.decide_by)),
        ContentLine("Resolve by", moment(sla.resolve_by)),
    )

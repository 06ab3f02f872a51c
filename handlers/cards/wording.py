"""Business English on cards: money, dates, plurals, and titles for names."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from bot.cases.canonical import Scalar
from bot.cases.plan import Money
from bot.views.labels import Labels, as_words, start_upper
from handlers.cards.text import clean

# A minus sign, which no line break parts from its amount.
MINUS = "\N{MINUS SIGN}"
# Plurals in -es, without it.
SHORT_SINGULARS = {"glasses": "glass", "boxes": "box"}
MAX_PARAMETER = 20_000
MAX_LABEL = 60
# By how much the text of a card may be shorter than what it is written from.
MAX_CHANGE = 200

_DATE = re.compile(
    r"\b(\d{4}-\d\d-\d\d)"
    r"(?:[ T](\d\d:\d\d)(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?\b"
)
_AMOUNT = re.compile(
    r"(?<![\w£€$])(-?)([£€$])(-?)(\d[\d,]{0,17}(?:\.\d{1,9})?)(?!\w|[\d,.]{0,20}\d)"
)
_PAST_DAYS = re.compile(r"\bin -(\d+) (day|hour|minute)s?\b")
_ONE_OF_MANY = re.compile(
    r"(?<![\d.,])1 (days|hours|minutes|weeks|months|years|times|claims|invoices|bottles|cases"
    r"|boxes|kegs|kilos|units|covers|orders|things|people|glasses)\b"
)
_ACTION = re.compile(r"\b[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\b")
_SNAKE_CASE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_ROWS = re.compile(r"^\d+ rows? changed$")
_CHANNEL = re.compile(r"\b[CG][A-Z0-9]{4,}\b")


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Writes texts of a case as people of the business say them."""

    labels: Labels = field(default_factory=Labels)
    #: The year that need not be said.
    year: int = 0

    def prose(self, text: str, limit: int, *, lines: int = 1) -> str:
        """Format a text from a playbook, system or person for a card."""
        # Bounded before it is searched: what comes from outside may be long.
        text = clean(text, limit + MAX_CHANGE, lines=lines)
        text = _CHANNEL.sub(self._channel, text)
        # A text without the signs of a pattern is not searched for it, which is much faster.
        if "-" in text:
            text = _DATE.sub(self._date, text)
        if "£" in text or "€" in text or "$" in text:
            text = _AMOUNT.sub(_amount, text)
        if "in -" in text:
            text = _PAST_DAYS.sub(_past, text)
        if "1 " in text:
            text = _ONE_OF_MANY.sub(_singular, text)
        return clean(text, limit, lines=lines)

    def reason(self, text: str, limit: int) -> str:
        """Format a reason given by the desk or a system.

        Titles replace names in code.
        """
        text = clean(text, limit + MAX_CHANGE)
        text = _ACTION.sub(self._action, text)
        for name, title in self.labels.systems.items():
            if title and name in text:
                # A backslash in a title is no reference to a group.
                text = re.sub(rf"\b{re.escape(name)}\b", title.replace("\\", r"\\"), text)
        return self.prose(_SNAKE_CASE.sub(_write_as_words, text), limit)

    def sentence(self, text: str, limit: int) -> str:
        """Format a reason as a sentence of its own."""
        return as_sentence(start_upper(self.reason(text, limit)))

    def system(self, name: str) -> str:
        """Return the title of a system or source."""
        return clean(self.labels.system(name), MAX_LABEL)

    def action(self, name: str) -> str:
        """Return the title of an action."""
        return clean(self.labels.action(name), MAX_LABEL)

    def parameter_label(self, action: str, name: str) -> str:
        """Return the title of an action's parameter, as a label."""
        return start_upper(clean(self.labels.parameter(action, name), MAX_LABEL))

    def parameter(self, value: Scalar) -> str:
        """Write the whole value of a parameter.

        A day and a channel are written as people say them.
        """
        text = clean(str(value), MAX_PARAMETER, lines=MAX_PARAMETER)
        if _CHANNEL.fullmatch(text) or _DATE.fullmatch(text):
            return self.prose(text, MAX_PARAMETER)
        return text

    def target(self, target: str, limit: int) -> str:
        """Write the target of an action as words: "product:17" as "product 17"."""
        kind, colon, name = target.partition(":")
        if not colon or not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
            return clean(target, limit)
        if kind == "channel" and name in self.labels.channels:
            return clean(f"#{self.labels.channels[name]}", limit)
        if kind == "channel" and name.startswith("#"):
            return clean(name, limit)
        return clean(f"{kind.replace('_', ' ')} {name}", limit)

    def _channel(self, match: re.Match[str]) -> str:
        title = self.labels.channels.get(match[0])
        return f"#{title}" if title else match[0]

    def _action(self, match: re.Match[str]) -> str:
        title = self.labels.actions.get(match[0])
        return f"“{title}”" if title else match[0].rpartition(".")[2]

    def _date(self, match: re.Match[str]) -> str:
        day, time, zone = match.groups()
        try:
            at = datetime.fromisoformat(f"{day}T{time or '00:00'}{zone or ''}")
            if at.tzinfo:
                at = at.astimezone(UTC)
        except (ValueError, OverflowError):
            return match[0]
        text = day_text(at.date(), self.year)
        return f"{text}, {at:%H:%M}" if time else text


def day_text(day: date, year: int) -> str:
    """Write a day as "Fri 27 Nov", with any year but ``year``."""
    text = f"{day:%a} {day.day} {day:%b}"
    return text if day.year == year else f"{text} {day.year}"


def money_text(money: Money) -> str:
    """Write an amount with its sign before the currency: "−£68.00"."""
    if money.amount < 0:
        return f"{MINUS}{Money(-money.amount, money.currency)}"
    return str(money)


def plural(count: int, singular: str, many: str = "") -> str:
    """Write a count with its noun: "1 day", "1,200 days"."""
    noun = singular if count == 1 else many or f"{singular}s"
    return f"{count:,} {noun}"


def is_row_count(text: str) -> bool:
    """Tell whether a text only counts the rows of a database."""
    return bool(_ROWS.match(text.strip()))


def as_sentence(text: str) -> str:
    """End a text with one full stop.

    A question or an exclamation keeps its own mark.
    """
    text = text.strip()
    if not text or text[-1] in ".?!…":
        return text
    if text[-1] == "”" and text[-2:-1] in {".", "?", "!"}:
        return text
    return f"{text}."


def _write_as_words(match: re.Match[str]) -> str:
    return as_words(match[0])


def _amount(match: re.Match[str]) -> str:
    before, symbol, after, digits = match.groups()
    amount = Decimal(digits.replace(",", ""))
    sign = MINUS if before or after else ""
    return f"{sign}{symbol}{amount:,.2f}"


def _past(match: re.Match[str]) -> str:
    return f"{plural(int(match[1]), match[2])} ago"


def _singular(match: re.Match[str]) -> str:
    noun = match[1]
    if noun == "people":
        return "1 person"
    return f"1 {SHORT_SINGULARS.get(noun) or noun.removesuffix('s')}"

"""Amounts of money in a question, and the bounds that they set."""

import re
from dataclasses import dataclass
from decimal import Decimal

from knowledge.language.question_text import QuestionText, phrase

NUMBER_WORDS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "couple": 2,
}
SCALES = {
    "hundred": Decimal(100),
    "thousand": Decimal(1000),
    "grand": Decimal(1000),
    "k": Decimal(1000),
    "million": Decimal(1_000_000),
    "m": Decimal(1_000_000),
}
#: A number without a sign or unit is money from here on: "top 5" is not.
MIN_PLAIN_AMOUNT = 20
#: An amount that is named ("the £7,260 one") may have been rounded by so much.
ROUNDING = Decimal(1)

_CURRENCY = r"(?: (?:quid|pounds?|gbp|sterling|bucks))"
_SCALE = r"(?: (?:hundred|thousand|grand|million|k))"
_DIGITS = r"[£$€]?(?:£ )?\d[\d,]*(?:\.\d+)?(?:k|m)?\+?"
_WORDS = rf"(?:{'|'.join(NUMBER_WORDS)})(?: of)?(?: (?:and )?a half)?"
_AMOUNT = (
    rf"(?:{_DIGITS}{_SCALE}?{_CURRENCY}?\+?"
    rf"|(?:half a|{_WORDS}){_SCALE}{{1,2}}{_CURRENCY}?|(?:{_WORDS}){_CURRENCY})"
)
_NO_MONEY_UNITS = (
    r"(?: (?:minutes?|hours?|days?|weeks?|fortnights?|months?|years?|am|pm|o'clock|percent|%"
    r"|times?|people|persons?|guests?|covers|bottles?|crates?|units?|approvals?|yes(?:es)?|cases?"
    r"|ones|exceptions?|items?|oldest|newest|biggest|largest|smallest|cheapest|not))"
)
_LESS = (
    r"(?:under|below|beneath|less than|lower than|smaller than|cheaper than|littler than|up to"
    r"|at most|no more than|not more than|not over|no bigger than|max(?:imum)?(?: of)?|within"
    r"|not above|fewer than|<=?|inside)"
)
_MORE = (
    r"(?:over|above|more than|greater than|bigger than|larger than|higher than|at least|exceeding"
    r"|exceeds?|>=?|upwards? of|north of|min(?:imum)?(?: of)?|no less than|not less than|beyond"
    r"|not under|in excess of|past|topping|dearer than|costing more than|worth more than)"
)
_MORE_AFTER = (
    r"(?:or|and) (?:more|over|up|above|higher|upwards?|bigger|larger" r"|greater)|plus|upwards?"
)
_LESS_AFTER = (
    r"(?:or|and) (?:less|under|below|lower|smaller|down|cheaper)" r"|tops|at most|max(?:imum)?"
)
_ABOUT = r"(?:about|around|roughly|circa|approx|some)"

BETWEEN = phrase(
    rf"(?:between|from) (?P<low>{_AMOUNT}) (?:and|to|until|up to) (?P<high>{_AMOUNT})"
    rf"(?!{_NO_MONEY_UNITS})"
)
RANGE = phrase(r"(?P<low>[£$€]?\d[\d,]*(?:\.\d+)?k?)-(?P<high>[£$€]?\d[\d,]*(?:\.\d+)?k?)")
LIMIT = phrase(
    rf"(?:(?P<less>{_LESS})|(?P<more>{_MORE})) (?:{_ABOUT} )?(?:a (?=\d))?(?P<amount>{_AMOUNT})"
    rf"(?!{_NO_MONEY_UNITS})"
)
LIMIT_AFTER = phrase(rf"(?P<amount>{_AMOUNT}) (?:(?P<less>{_LESS_AFTER})|(?P<more>{_MORE_AFTER}))")
NAMED = phrase(rf"(?:(?P<about>{_ABOUT}) )?(?P<amount>{_AMOUNT})(?!{_NO_MONEY_UNITS})")
_PARTS = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)(?P<scale>[km])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeBounds:
    """The least and the most that a stake may be."""

    least: Decimal | None = None
    most: Decimal | None = None


def take_money(text: QuestionText) -> None:
    """Replace the amounts of a question by masks with their bounds."""
    _take_between(text)
    _take_limits(text)
    _take_named(text)


def _take_between(text: QuestionText) -> None:
    for pattern in (BETWEEN, RANGE):
        match = text.search(pattern)
        if match is None:
            continue
        low, high = _amount(match["low"]), _amount(match["high"])
        if not _is_money(match["low"], low) and not _is_money(match["high"], high):
            continue
        if "k" in match["high"] and "k" not in match["low"] and low < MIN_PLAIN_AMOUNT:
            low *= SCALES["k"]  # "between 2 and 5k"
        text.explain(match)
        first, last = text.bounds(match, "low" if pattern is BETWEEN else 0)
        _, last = text.bounds(match, "high" if pattern is BETWEEN else 0)
        bounds = StakeBounds(least=min(low, high), most=max(low, high))
        text.replace(first, last, "money", bounds)


def _take_limits(text: QuestionText) -> None:
    for pattern in (LIMIT_AFTER, LIMIT):
        for match in reversed(list(text.find_all(pattern))):
            amount = _amount(match["amount"])
            if not _is_money(match["amount"], amount):
                continue
            text.explain(match)
            is_least = match["more"] is not None
            bounds = StakeBounds(least=amount) if is_least else StakeBounds(most=amount)
            text.replace(*text.bounds(match, "amount"), "money", bounds)


def _take_named(text: QuestionText) -> None:
    for match in reversed(list(text.find_all(NAMED))):
        words = match["amount"]
        amount = _amount(words)
        is_at_least = words.endswith("+") and _is_money(words, amount)
        if not is_at_least and not _has_sign(words):
            continue
        bounds = StakeBounds(least=amount - ROUNDING, most=amount + ROUNDING)
        if is_at_least:
            bounds = StakeBounds(least=amount)
        elif match["about"]:
            bounds = StakeBounds(least=amount * Decimal("0.9"), most=amount * Decimal("1.1"))
        text.explain(match)
        text.replace(*text.bounds(match, "amount"), "money", bounds)


def _is_money(words: str, amount: Decimal) -> bool:
    return _has_sign(words) or amount >= MIN_PLAIN_AMOUNT


def _has_sign(words: str) -> bool:
    """Tell whether a currency or a scale shows that this is money."""
    if re.match(r"[£$€]", words):
        return True
    return (
        re.search(r"\d[km]\b|quid|pound|gbp|sterling|bucks|grand|thousand" r"|hundred", words)
        is not None
    )


def _amount(words: str) -> Decimal:
    """Compute "two and a half grand", "£1,500", "1.5k"."""
    digits = _PARTS.search(words)
    amount = Decimal(0)
    scale = Decimal(1)
    if digits is not None:
        amount = Decimal(digits["number"].replace(",", ""))
        scale = SCALES.get(digits["scale"] or "", scale)
    elif words.startswith("half a "):
        amount = Decimal("0.5")
    else:
        amount = Decimal(NUMBER_WORDS[words.split()[0]])
        if "a half" in words:
            amount += Decimal("0.5")
    for word in words.split():
        if word in SCALES:
            scale *= SCALES[word]
    return amount * scale

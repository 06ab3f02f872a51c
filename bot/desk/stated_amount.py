"""Amounts of money that a text states."""

import re
from decimal import Decimal

from bot.cases.plan import Money, amount_of

MAX_SEARCHED_LENGTH = 20_000
_CURRENCIES = {"£": "GBP", "€": "EUR", "$": "USD"}
_MULTIPLIERS = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_PATTERN = re.compile(
    r"""
    (?P<symbol>[£€$])\s?
    (?P<number>
        \d{1,3}(?:[,\ ]\d{3})+(?:\.\d+)?
        | \d{1,12}(?:\.\d+)?
    )\s?
    (?P<unit>k|m|thousand|million)?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def find_stated_amount(text: str, currency: str) -> Money | None:
    """Find the largest amount of this currency in a text.

    It is what may be at stake when no playbook says how to compute that.
    """
    amounts = []
    for match in _PATTERN.finditer(text[:MAX_SEARCHED_LENGTH]):
        if _CURRENCIES[match["symbol"]] != currency:
            continue
        number = Decimal(re.sub("[, ]", "", match["number"]))
        multiplier = _MULTIPLIERS.get((match["unit"] or "").lower(), 1)
        amount = amount_of(number * multiplier)
        if amount is not None:
            amounts.append(amount)
    return Money(max(amounts), currency) if amounts else None

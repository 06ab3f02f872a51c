"""Recognition: which kind a signal is, how sure that is, and the next best guesses; or none, which is an answer too."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.cases.plan import Money, amount_of

_SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD"}
_MONEY = re.compile(
    r"([£€$])\s?(\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d{1,12}(?:\.\d+)?)\s?(k|m|thousand|million)?\b",
    re.IGNORECASE,
)
_TIMES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}


@dataclass(frozen=True, slots=True)
class Guess:
    """A kind it could be. ``confidence`` is a probability in per cent."""

    kind: str
    title: str
    confidence: int


@dataclass(frozen=True, slots=True)
class Recognition:
    """``kind`` is empty when nothing fits. ``model`` names the version that said so."""

    kind: str
    confidence: int
    guesses: tuple[Guess, ...]
    basis: str
    model: str

    @property
    def abstains(self) -> bool:
        return not self.kind


def money_in(text: str, currency: str) -> Money | None:
    """The largest amount of this currency that the text speaks of: what may be at stake when no playbook says how to compute it."""
    amounts = [
        amount_of(Decimal(re.sub("[, ]", "", number)) * _TIMES.get(unit.lower(), 1))
        for symbol, number, unit in _MONEY.findall(text[:20_000])
        if _SYMBOLS[symbol] == currency
    ]
    largest = max((amount for amount in amounts if amount is not None), default=None)
    return Money(largest, currency) if largest is not None else None

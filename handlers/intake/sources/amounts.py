"""The amount of money of an object, where its unit is certain."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.cases.source import AmountUnit
from handlers.intake.money import read_amount, read_currency, read_number, symbol_currency
from handlers.intake.sources.fields import Field, is_about_others, snake

#: Names of amounts, the surest first.
AMOUNTS = (
    *("total_price", "grand_total", "order_total", "total_amount", "amount_total", "amount_due"),
    *("amount_paid", "amount_refunded", "invoice_total", "amount", "total", "value", "price"),
)
_MINOR = re.compile(r"(?:^|_)(?:cents|minor|pence|minor_units)$|_in_cents$|^cents_")
_CURRENCIES = ("currency", "currency_code", "currency_iso", "currency_iso_code")
# Too much depends on it to guess: 4200 are forty-two euros in one product and 4,200 in another.
_WITH_DECIMALS = re.compile(r"[^\d-]{0,4}-?[\d,. ']*[.,]\d{1,2}\D{0,4}")


def find_amount(fields: Sequence[Field]) -> tuple[Decimal, str | None] | None:
    """Find the outermost amount whose unit is certain, with its currency."""
    ranks = {name: rank for rank, name in enumerate(AMOUNTS)}
    matches = []
    for field in fields:
        base = _MINOR.sub("", field.name) or "amount"
        if base in ranks and field.place == 0 and not is_about_others(field):
            matches.append((field.depth, ranks[base], field))
    for _, _, field in sorted(matches, key=lambda match: match[:2]):
        amount = _amount_of(field)
        if amount is not None:
            return amount
    return None


def _amount_of(field: Field) -> tuple[Decimal, str | None] | None:
    currency = _currency_of(field.owner) or symbol_currency(field.value)
    if _MINOR.search(field.name):
        amount = read_amount(field.value, currency=currency, unit=AmountUnit.MINOR)
    elif _is_certain(field, currency):
        amount = read_number(field.value)
    else:
        return None
    return None if amount is None else (amount, currency)


def _is_certain(field: Field, currency: str | None) -> bool:
    if currency is None:
        # A value without a currency is a measure, a percentage or a count.
        return False
    if isinstance(field.value, str):
        return bool(_WITH_DECIMALS.fullmatch(field.value.strip()))
    return isinstance(field.value, float) and not field.value.is_integer()


def _currency_of(owner: Mapping[str, Any]) -> str | None:
    for key, value in owner.items():
        if snake(str(key)[:100]) in _CURRENCIES:
            return read_currency(value)
    return None

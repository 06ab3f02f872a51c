"""Amounts of money of foreign formats, in major units."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from bot.cases.source import AmountUnit
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    import iso4217
else:
    # Its table is an XML document that takes 30 ms to read; few sources send minor units.
    iso4217 = LazyModule("iso4217")

MAX_DIGITS = 18
_CODE = re.compile(r"[A-Z]{3}")
_SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD"}
_NUMBER = re.compile(r"-?\d[\d.,' ]*")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+")


def read_currency(value: Any) -> str | None:
    """Read the code of a currency; None for anything else."""
    if not isinstance(value, str):
        return None
    code = value.strip().upper()
    return code if _CODE.fullmatch(code) else None


def read_amount(
    value: Any,
    *,
    currency: str | None,
    unit: AmountUnit = AmountUnit.MAJOR,
    exponents: Mapping[str, int] | None = None,
) -> Decimal | None:
    """Read an amount in major units.

    ``exponents`` has the decimals of currencies that the product counts otherwise than ISO 4217.
    None where it is no amount, or one of minor units in a currency without known decimals.
    """
    number = read_number(value)
    if number is None or unit is AmountUnit.MAJOR:
        return number
    exponent = (exponents or {}).get(currency or "", _exponent(currency))
    if exponent is None:
        return None
    return number.scaleb(-exponent)


def read_number(value: Any) -> Decimal | None:
    """Read a number, also one that is written for people: ``€1,234.50``, ``1.234,50``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _finite(str(value))
    if not isinstance(value, str) or len(value) > 40:
        return None
    return _finite(value.strip()) or _parse_written(value)


def symbol_currency(text: Any) -> str | None:
    """Return the currency of the symbol in an amount; None without one."""
    if not isinstance(text, str):
        return None
    return next((code for symbol, code in _SYMBOLS.items() if symbol in text), None)


def as_fact(amount: Decimal) -> int | float:
    """Return the amount as a number that conditions compare."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _exponent(currency: str | None) -> int | None:
    """Return the decimals of a currency by ISO 4217, if known."""
    if currency is None:
        return None
    try:
        exponent: int | None = iso4217.Currency(currency).exponent
    except ValueError:
        return None
    return exponent


def _finite(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    is_plain = number.is_finite() and len(number.as_tuple().digits) <= MAX_DIGITS
    return number if is_plain and abs(number.adjusted()) <= MAX_DIGITS else None


def _parse_written(text: str) -> Decimal | None:
    """Read a number with separators and a currency around it."""
    match = _NUMBER.search(text)
    if match is None or any(map(str.isdigit, text[: match.start()] + text[match.end() :])):
        return None
    digits = match[0].replace("'", "").replace(" ", "").rstrip(".,")
    if digits.rfind(",") > digits.rfind(".") and not _THOUSANDS.fullmatch(digits):
        # A comma for the decimals, as on the continent.
        digits = digits.replace(".", "").replace(",", ".")
    return _finite(digits.replace(",", ""))

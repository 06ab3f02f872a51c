"""Amounts of money in major and minor units, by the decimals of their currency."""

from decimal import Decimal

import pytest

from bot.cases.source import AmountUnit
from handlers.intake.money import as_fact, read_amount, read_currency, read_number, symbol_currency

STRIPE = {"ISK": 2, "UGX": 2, "MGA": 0}


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        (4200, "USD", "42"),
        ("4200", "EUR", "42"),
        (1, "EUR", "0.01"),
        (500, "JPY", "500"),
        (5120, "KWD", "5.12"),
        (-4200, "GBP", "-42"),
        # Two decimals there, and none by ISO 4217.
        (500, "ISK", "5"),
        (500, "UGX", "5"),
        (500, "MGA", "500"),
    ],
)
def test_minor_units_are_converted_by_the_currency(value, currency, amount):
    read = read_amount(value, currency=currency, unit=AmountUnit.MINOR, exponents=STRIPE)
    assert read == Decimal(amount)


@pytest.mark.parametrize("currency", [None, "XXY", "XAU", "usd"])
def test_minor_units_of_an_unknown_currency_are_no_amount(currency):
    assert read_amount(4200, currency=currency, unit=AmountUnit.MINOR) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (42, "42"),
        (42.5, "42.5"),
        ("42.50", "42.50"),
        ("€1,234.50", "1234.50"),
        ("1.234,50 €", "1234.50"),
        ("1'234.50", "1234.50"),
        ("USD 12", "12"),
        ("1,234", "1234"),
        ("12,5", "12.5"),
    ],
)
def test_a_number_is_read_as_people_write_it(value, number):
    assert read_number(value) == Decimal(number)


@pytest.mark.parametrize(
    "value", [None, True, "", "none", "NaN", "inf", "1e400", float("inf"), 10**40, [], "2026-11-14"]
)
def test_what_is_no_number_is_none(value):
    assert read_number(value) is None


def test_a_currency_is_a_code_of_three_letters():
    assert [read_currency(one) for one in ("usd", " EUR ", "dollars", 840, None)] == [
        "USD",
        "EUR",
        None,
        None,
        None,
    ]
    assert (symbol_currency("£5"), symbol_currency(5)) == ("GBP", None)


def test_a_fact_is_a_number_that_conditions_compare():
    assert (as_fact(Decimal("42.00")), as_fact(Decimal("42.50"))) == (42, 42.5)

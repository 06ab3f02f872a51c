"""Plans: their hash, their money, and how long they can be undone."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.audit.verifier import digest_of
from bot.cases.canonical import (
    canonical_bytes,
    canonical_hash,
    from_json,
    from_plain,
    to_json,
    to_plain,
)
from bot.cases.plan import MAX_AMOUNT, Action, Money, Plan, amount_of
from tests.cases.making import HOUR, NOW, action, plan
from tests.cases.shapes import TEXT, shapes

# --- the hash -------------------------------------------------------------------------------------


def test_the_hash_of_a_plan_is_that_of_every_release():
    """People approved under this hash: another one would void their approvals."""
    assert plan().plan_hash == "26b18811c15f1ceedb99e4566fd5be1bf1542fbe6c6063e9ca98b09fbb3f5da5"


@given(shapes(Plan))
def test_a_plan_keeps_its_hash_on_every_way_it_is_stored(value):
    from_projection = from_json(Plan, to_json(value))
    from_ledger = from_plain(Plan, json.loads(canonical_bytes(to_plain(value))))
    assert from_projection.plan_hash == from_ledger.plan_hash == value.plan_hash
    assert digest_of(to_plain(value)) == value.plan_hash


@given(shapes(Plan), shapes(Plan))
def test_two_plans_have_one_hash_only_when_they_are_one(one, other):
    is_same = to_plain(one) == to_plain(other)
    assert (one.plan_hash == other.plan_hash) is is_same


@given(shapes(Plan), st.sampled_from([field.name for field in fields(Plan)]), st.data())
def test_no_field_of_a_plan_can_change_behind_its_hash(value, name, data):
    other = data.draw(shapes(Plan))
    mutant = replace(value, **{name: getattr(other, name)})
    assume(to_plain(mutant) != to_plain(value))
    assert mutant.plan_hash != value.plan_hash


@given(shapes(Action), shapes(Action), st.sampled_from([field.name for field in fields(Action)]))
def test_no_field_of_an_action_can_change_behind_the_hash(one, other, name):
    mutant = replace(one, **{name: getattr(other, name)})
    assume(to_plain(mutant) != to_plain(one))
    assert plan(actions=(mutant,)).plan_hash != plan(actions=(one,)).plan_hash


@given(shapes(Action), shapes(Action))
def test_the_order_of_the_actions_is_part_of_the_plan(first, second):
    assume(to_plain(first) != to_plain(second))
    assert plan(actions=(first, second)).plan_hash != plan(actions=(second, first)).plan_hash


def test_the_order_of_the_parameters_is_no_part_of_the_plan():
    one = action(parameters={"a": 1, "b": 2})
    other = action(parameters={"b": 2, "a": 1})
    assert plan(actions=(one,)).plan_hash == plan(actions=(other,)).plan_hash


def test_a_step_has_a_key_of_its_own_that_all_attempts_share():
    two = plan(actions=(action(), action()))
    keys = {
        two.step_key(0),
        two.step_key(1),
        replace(two, revision=2).step_key(0),
        replace(two, case_id="EX-2").step_key(0),
        plan().step_key(0),
    }
    assert len(keys) == 5
    assert two.step_key(0) == plan(actions=(action(), action())).step_key(0)
    assert two.step_key(0) == canonical_hash(["EX-1", 1, 0, two.plan_hash])


# --- the mode -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "now", "is_of", "is_dry_run"),
    [
        ("", "live", True, False),
        ("", "dry-run", True, False),
        ("", "", True, False),
        ("live", "live", True, False),
        ("live", "dry-run", False, False),
        ("live", "", False, False),
        ("dry-run", "dry-run", True, True),
        ("dry-run", "live", False, True),
    ],
)
def test_a_plan_runs_in_its_own_mode_alone(mode, now, is_of, is_dry_run):
    assert plan(mode=mode).is_of(now) is is_of
    assert plan(mode=mode).is_dry_run is is_dry_run


# --- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ([], None),
        ([None], None),
        ([None, None], None),
        ([0], "£0.00"),
        ([100], "£100.00"),
        ([100, None, "0.50"], "£100.50"),
        (["0.10", "0.20"], "£0.30"),
        ([10**12, 10**12], "£2,000,000,000,000.00"),
    ],
)
def test_a_plan_moves_the_sum_of_its_actions(amounts, total):
    money = plan(actions=tuple(action(amount=amount) for amount in amounts)).amount
    assert (str(money) if money else None) == total


@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=6))
def test_money_is_added_without_a_rounding_error(amounts):
    total = plan(actions=tuple(action(amount=amount) for amount in amounts)).amount.amount
    assert int(total * 100) == sum(int(amount * 100) for amount in amounts)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(Decimal("1234.5"), "GBP"), "£1,234.50"),
        (Money(Decimal(0), "EUR"), "€0.00"),
        (Money(Decimal("999999.99"), "USD"), "$999,999.99"),
        (Money(Decimal("12"), "CHF"), "CHF 12.00"),
        (Money(Decimal("-5"), "GBP"), "£-5.00"),
        (Money(Decimal("0.005"), "GBP"), "£0.00"),
        (Money(Decimal("0.015"), "GBP"), "£0.02"),
    ],
)
def test_money_is_read_out_in_its_currency(money, text):
    assert str(money) == text


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0, "0.00"),
        (-0.0, "0.00"),
        ("-0", "0.00"),
        (4, "4.00"),
        (312.5, "312.50"),
        (0.1, "0.10"),
        ("312.50", "312.50"),
        (" 312.5 ", "312.50"),
        ("1e3", "1000.00"),
        ("1_000", "1000.00"),
        (Decimal("0.005"), "0.00"),
        (Decimal("0.015"), "0.02"),
        ("0.025", "0.02"),
        ("2.675", "2.68"),
        (2.675, "2.68"),
        (10**12, "1000000000000.00"),
        (None, None),
        (True, None),
        (False, None),
        ("", None),
        ("a lot", None),
        ("£5", None),
        ("1,000", None),
        ("12.50 GBP", None),
        (-1, None),
        ("-0.01", None),
        (10**12 + 1, None),
        ("1e13", None),
        ("1e999999", None),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        ("NaN", None),
        ("sNaN", None),
        ("Infinity", None),
        ([], None),
        ({"amount": 5}, None),
        (b"5", None),
    ],
    ids=repr,
)
def test_an_amount_is_read_to_the_cent_or_not_at_all(value, amount):
    """Halves are rounded to the even cent, as banks do."""
    assert amount_of(value) == (Decimal(amount) if amount else None)
    assert amount is None or str(amount_of(value)) == amount


@given(st.integers(0, 10**14))
def test_whole_cents_are_read_exactly(cents):
    text = f"{cents // 100}.{cents % 100:02}"
    assert amount_of(text) == Decimal(cents) / 100
    assert str(amount_of(text)) == text


@pytest.mark.threat("C1")
@given(
    st.text(st.characters(codec=None), max_size=30)
    | st.floats()
    | st.integers()
    | st.decimals(allow_nan=True)
    | st.binary(max_size=6)
)
def test_whatever_is_no_money_is_none_and_no_failure(value):
    amount = amount_of(value)
    if amount is not None:
        assert 0 <= amount <= MAX_AMOUNT
        assert amount.as_tuple().exponent == -2
        assert not amount.is_signed()


@given(st.decimals(0, 10**12, places=6))
def test_rounding_moves_an_amount_by_half_a_cent_at_most(value):
    assert abs(amount_of(value) - value) <= Decimal("0.005")


# --- undo -----------------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("windows", "window"),
    [
        ([], timedelta(0)),
        ([(True, HOUR)], HOUR),
        ([(True, timedelta(0))], timedelta(0)),
        ([(False, HOUR)], timedelta(0)),
        ([(True, HOUR), (True, MINUTE)], MINUTE),
        ([(True, HOUR), (False, HOUR)], timedelta(0)),
        ([(True, HOUR), (True, timedelta(0))], timedelta(0)),
    ],
)
def test_a_plan_can_be_undone_as_long_as_each_of_its_actions(windows, window):
    actions = tuple(action(reversible=is_so, undo_for=span) for is_so, span in windows)
    assert plan(actions=actions).undo_for == window


@given(TEXT, TEXT)
def test_text_from_outside_in_a_plan_changes_nothing_but_the_hash(summary, preview):
    hostile = plan(actions=(action(summary=summary, preview=preview),))
    assert (hostile.amount, hostile.undo_for) == (plan().amount, plan().undo_for)
    assert hostile.not_after == NOW + 72 * HOUR

"""Declarations of actions: their rendering, and their contradictions."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.errors import ConnectorFailed
from bot.cases.plan import Money
from bot.connectors.specs import prepare_action, short_name
from tests.connectors.stock import ORDER, order_action

SNAPSHOT = {"name": "Merlot", "on_order": 0, "cost": 60}


def prepare(spec, snapshot=SNAPSHOT):
    return prepare_action(
        spec, system="house", connector="sql", parameters=ORDER, snapshot=snapshot
    )


def test_an_action_is_rendered_from_parameters_and_snapshot():
    action = prepare(order_action(undo_for=timedelta(minutes=30)))
    assert (action.name, action.target, action.connector) == ("house.order", "product:1", "sql")
    assert (action.summary, action.preview) == ("Order 24 × Merlot", "0 + 24")
    assert (action.parameters, action.precondition) == (ORDER, SNAPSHOT)
    assert action.amount == Money(Decimal(60), "GBP")
    assert action.undo_for == timedelta(minutes=30)
    assert short_name(action) == "order"


def test_only_an_action_that_declares_no_amount_moves_no_money():
    assert prepare(order_action(amount="")).amount is None
    with pytest.raises(ConnectorFailed, match=r"the amount is not known \(cost\)"):
        prepare(order_action(), snapshot={**SNAPSHOT, "cost": None})


def test_a_window_for_undoing_needs_an_undo():
    with pytest.raises(ValueError, match="undo_for needs an undo"):
        order_action(undo="", undo_for=timedelta(minutes=30))
    assert prepare(order_action(undo="")).reversible is False
    assert prepare(order_action()).undo_for == timedelta(0)

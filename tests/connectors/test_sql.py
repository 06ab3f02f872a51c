"""The SQL connector against SQLite and PostgreSQL."""

import threading
from dataclasses import replace

import pytest

from bot.cases.errors import ConnectorFailed, WorldMoved
from bot.connectors.sql import SqlConnector
from bot.ports.connector import EffectStatus
from tests.connectors.stock import ORDER, on_order, order_action, stock_system


def test_an_action_happens_once_per_key(house):
    action = house.prepare("order", ORDER)
    assert house.verify(action, "k1") is EffectStatus.ABSENT
    assert house.execute(action, "k1") == "1 row changed"
    assert house.execute(action, "k1") == "already done"
    assert (on_order(house), house.verify(action, "k1")) == (24, EffectStatus.LANDED)


def test_twenty_at_once_under_one_key_are_one(house):
    action = house.prepare("order", ORDER)
    answers = []

    def act():
        try:
            answers.append(house.execute(action, "k1"))
        except ConnectorFailed as failure:
            answers.append(f"failed: {failure}")

    threads = [threading.Thread(target=act) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("1 row changed") == 1
    assert on_order(house) == 24


def test_undo_takes_back_exactly_what_was_done_once(house):
    action = house.prepare("order", ORDER)
    house.execute(action, "k1")
    house.undo(action, "k1", "undo:k1")
    assert on_order(house) == 0
    assert house.undo(action, "k1", "undo:k1") == "already done"


def test_a_world_that_moved_is_refused_and_left_alone(house):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", {"product_id": 1, "quantity": 1}), "other")
    with pytest.raises(WorldMoved, match="on_order was 0, is 1"):
        house.execute(action, "k1")
    assert (on_order(house), house.verify(action, "k1")) == (1, EffectStatus.ABSENT)


def test_a_conditional_write_is_verified_by_what_is_seen(house):
    action = house.prepare("conditional", ORDER)
    assert house.verify(action, "k") is EffectStatus.ABSENT
    house.execute(action, "k")
    assert house.verify(action, "k") is EffectStatus.LANDED


def test_more_rows_than_expected_roll_back(house):
    with pytest.raises(WorldMoved, match="would have changed 2 rows, not 1"):
        house.execute(house.prepare("everything", ORDER), "k")
    assert (on_order(house, 1), on_order(house, 2)) == (0, 6)


def test_a_newer_version_of_the_action_is_not_what_was_approved(house):
    with pytest.raises(WorldMoved, match="version 2 was approved"):
        house.execute(replace(house.prepare("order", ORDER), version=2), "k")


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"product_id": 1}, "quantity is missing"),
        ({**ORDER, "x": 1}, "no such parameter: x"),
        ({**ORDER, "quantity": "many"}, "must be a whole number"),
        ({**ORDER, "quantity": 2.5}, "must be a whole number"),
        ({**ORDER, "quantity": True}, "is missing"),
        ({**ORDER, "quantity": "1; DROP TABLE stock"}, "must be a whole number"),
        ({**ORDER, "product_id": 99}, "no rows match"),
    ],
)
def test_parameters_are_typed_and_complete(house, parameters, complaint):
    with pytest.raises(ConnectorFailed, match=complaint):
        house.prepare("order", parameters)


def test_a_system_that_is_away_says_so(tmp_path):
    connector = SqlConnector(stock_system(), f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")
    with pytest.raises(ConnectorFailed, match="unable to open"):
        connector.look_up("SELECT 1", {}, 1)


def test_an_action_that_is_not_declared_is_refused(house):
    with pytest.raises(ConnectorFailed, match="house has no action 'sell'"):
        house.prepare("sell", {})


def test_what_has_no_undo_is_not_taken_back(house):
    action = house.prepare("everything", ORDER)
    with pytest.raises(ConnectorFailed, match="cannot be undone"):
        house.undo(action, "k", "undo:k")


def test_the_undo_of_a_conditional_write_is_verified_by_what_is_no_longer_there(house):
    action = house.prepare("conditional", ORDER)
    house.execute(action, "k")
    assert house.verify(action, "undo:k") is EffectStatus.ABSENT
    house.undo(action, "k", "undo:k")
    assert house.verify(action, "undo:k") is EffectStatus.LANDED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"precondition": "DELETE FROM stock"}, "must be SELECTs"),
        ({"verify": "DELETE FROM stock"}, "must be SELECTs"),
        ({"marker": False}, "needs a verify query"),
        ({"amount": "name", "parameters": {"name": "text"}}, "which is text, and not a number"),
    ],
)
def test_an_action_that_contradicts_itself_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        order_action(**changes)

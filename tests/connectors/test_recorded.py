"""Systems as they answered once: nothing else is known, and nothing can be carried out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.plan import Money
from bot.cases.playbook import Lookup
from bot.cases.recommendation import Alternative
from bot.connectors.parameters import ParameterType
from bot.connectors.recorded import NOT_RECORDED, RecordedSystems, Recording
from bot.connectors.specs import prepare_action
from bot.connectors.sql import SqlAction, SqlSystem
from bot.ports.connector import Connector, EffectStatus

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDER = SqlAction(
    name="order_stock",
    parameters={"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER},
    target="product:{product_id}",
    summary="Order {quantity} of {product}",
    preview="{quantity} on order",
    precondition="SELECT 1",
    statement="UPDATE stock SET on_order = :quantity",
    undo="UPDATE stock SET on_order = 0",
    amount="price",
    currency="GBP",
)
HOUSE = SqlSystem(name="house", url_env="HOUSE_URL", actions={"order_stock": ORDER})
LOOKUPS = (
    Lookup(name="stock", system="house", query="SELECT stock"),
    Lookup(name="supplier", system="house", query="SELECT supplier"),
    Lookup(name="rota", system="house", query="SELECT rota"),
)


def fact(name, value, failure=None):
    return Evidence(name=name, label="", value=value, source="house", read_at=AT, failure=failure)


EVIDENCE = (
    fact("stock.on_hand", 4),
    fact("stock.unit", "bottles"),
    fact("stock.rows", 3),
    fact("supplier", None, failure="the system is away"),
)


def prepared(product_id=1, price="100.00"):
    return prepare_action(
        ORDER,
        system="house",
        connector="sql",
        parameters={"product_id": product_id, "quantity": 24},
        snapshot={"product": "Merlot", "price": price},
    )


def systems(actions=(), alternatives=(), lookups=LOOKUPS, evidence=EVIDENCE):
    recording = Recording(evidence=evidence, actions=actions, alternatives=alternatives)
    return RecordedSystems(specs={"house": HOUSE}, recording=recording, lookups=lookups)


def test_a_look_up_has_the_row_of_then_and_as_many_rows():
    rows = systems()["house"].look_up("SELECT stock", {}, 50)
    assert rows[0] == {"on_hand": 4, "unit": "bottles"}
    assert len(rows) == 3


def test_a_look_up_that_failed_then_fails_again():
    with pytest.raises(ConnectorFailed, match="the system is away"):
        systems()["house"].look_up("SELECT supplier", {}, 50)


@pytest.mark.parametrize("query", ["SELECT rota", "SELECT something new"])
def test_what_nobody_asked_then_is_not_known(query):
    with pytest.raises(ConnectorFailed, match=NOT_RECORDED):
        systems()["house"].look_up(query, {}, 50)


def test_two_look_ups_with_one_query_have_their_own_answers():
    lookups = (
        Lookup(name="first", system="house", query="order"),
        Lookup(name="second", system="house", query="order"),
    )
    evidence = (fact("first.total", 1), fact("second.total", 2))
    house = systems(lookups=lookups, evidence=evidence)["house"]
    totals = [house.look_up("order", {}, 1)[0]["total"] for _ in range(2)]
    assert totals == [1, 2]


def test_a_dry_run_is_made_over_the_snapshot_of_then():
    house = systems(actions=(prepared(),))["house"]
    action = house.prepare("order_stock", {"product_id": 1, "quantity": 30})
    assert action.summary == "Order 30 of Merlot"
    assert action.precondition == {"product": "Merlot", "price": "100.00"}
    assert action.amount == Money(Decimal(100), "GBP")


def test_the_snapshot_of_another_thing_says_nothing():
    house = systems(actions=(prepared(product_id=1),))["house"]
    with pytest.raises(ConnectorFailed, match="the amount is not known"):
        house.prepare("order_stock", {"product_id": 2, "quantity": 30})


def test_the_snapshot_of_the_same_thing_is_found_among_others():
    actions = (prepared(product_id=2, price="5.00"), prepared(product_id=1, price="7.00"))
    action = systems(actions=actions)["house"].prepare(
        "order_stock", {"product_id": 1, "quantity": 30}
    )
    assert action.amount == Money(Decimal(7), "GBP")


def test_what_could_not_be_prepared_then_cannot_be_now():
    refused = Alternative("house.order_stock", "cannot be prepared: no rows match")
    with pytest.raises(ConnectorFailed, match="no rows match"):
        systems(alternatives=(refused,))["house"].prepare(
            "order_stock", {"product_id": 1, "quantity": 30}
        )


def test_parameters_are_checked_as_by_the_real_system():
    with pytest.raises(ConnectorFailed, match="quantity is missing"):
        systems()["house"].prepare("order_stock", {"product_id": 1})
    with pytest.raises(ConnectorFailed, match="has no action 'sell'"):
        systems()["house"].prepare("sell", {})


def test_nothing_can_be_carried_out():
    house: Connector = systems()["house"]
    for change in (house.execute, lambda action, key: house.undo(action, key, key)):
        with pytest.raises(ConnectorFailed, match="a replay changes nothing"):
            change(prepared(), "key")
    assert house.verify(prepared(), "key") is EffectStatus.UNKNOWN
    assert house.precondition(prepared()) == prepared().precondition
    assert house.timeout == timedelta(seconds=2)


def test_a_system_that_is_not_declared_is_missing_as_ever():
    with pytest.raises(KeyError):
        systems()["elsewhere"]


def test_what_nobody_asked_then_is_asked_today_only_where_that_is_wanted():
    questions = []

    def ask(system, query, parameters, limit):
        questions.append((system, query, dict(parameters), limit))
        return [{"on_hand": 9}]

    lookups = (Lookup(name="stock", system="house", query="SELECT then"),)
    evidence = (fact("stock.on_hand", 4),)
    recording = Recording(evidence=evidence)
    systems = RecordedSystems(specs={"house": HOUSE}, recording=recording, lookups=lookups, ask=ask)
    house = systems["house"]
    assert house.look_up("SELECT then", {}, 1) == [{"on_hand": 4}]
    assert questions == []
    assert house.look_up("SELECT now", {"id": 7}, 1) == [{"on_hand": 9}]
    assert questions == [("house", "SELECT now", {"id": 7}, 1)]
    # Nothing but look-ups leaves the machine.
    with pytest.raises(ConnectorFailed, match="changes nothing"):
        house.execute(None, "key")
    assert len(questions) == 1

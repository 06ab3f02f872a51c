"""Systems that were asked already: what is asked again, and what is not."""

from dataclasses import replace

import pytest

from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.playbook import Lookup
from bot.desk.answered_systems import AnsweredSystems, common_lookups
from bot.ports.connector import EffectStatus
from tests.fakes.clock import FakeClock
from tests.fakes.connector import FakeConnector
from tests.world import playbook

STOCK = playbook().evidence[0]
SUPPLIER = Lookup(
    name="supplier", system="house", query="SELECT supplier", parameters={"id": "stock.supplier_id"}
)
BOOK = playbook(evidence=(STOCK, SUPPLIER))


def fact(name: str, value=None, failure: str | None = None) -> Evidence:
    return Evidence(
        name=name, label="", value=value, source="house", read_at=FakeClock()(), failure=failure
    )


def answered(*facts: Evidence, lookups=(STOCK,), actions=()):
    house = FakeConnector()
    house.rows = [{"on_hand": 99}]
    systems = AnsweredSystems(
        systems={"house": house}, evidence=facts, lookups=lookups, actions=actions
    )
    return systems["house"], house


def test_the_same_look_up_with_the_same_parameters_is_common():
    assert common_lookups(BOOK, BOOK) == [STOCK, SUPPLIER]
    assert common_lookups(BOOK, replace(BOOK, evidence=(STOCK,))) == [STOCK]


def test_a_look_up_that_rests_on_another_answer_is_asked_anew():
    other = replace(STOCK, query="look elsewhere")
    assert common_lookups(BOOK, replace(BOOK, evidence=(other, SUPPLIER))) == []
    parameters = {"product_id": "signal.other_id"}
    other = replace(STOCK, parameters=parameters)
    assert common_lookups(BOOK, replace(BOOK, evidence=(other, SUPPLIER))) == []


def test_an_answer_is_given_again_with_its_number_of_rows():
    connector, _ = answered(fact("stock.on_hand", 4), fact("stock.rows", 3))
    assert connector.look_up("look", {}, 50) == [{"on_hand": 4}, {}, {}]


def test_a_failure_is_given_again():
    connector, _ = answered(fact("stock", failure="the system is away"))
    with pytest.raises(ConnectorFailed, match="the system is away"):
        connector.look_up("look", {}, 50)


def test_what_was_not_asked_is_asked():
    connector, _ = answered(fact("stock.on_hand", 4))
    assert connector.look_up("look at the shelf", {}, 50) == [{"on_hand": 99}]


def test_a_dry_run_with_the_same_parameters_is_not_made_again():
    action = FakeConnector().prepare("order_stock", {"product_id": 1, "quantity": 24})
    connector, house = answered(actions=(action,))
    house.facts = {"on_hand": 28}
    again = connector.prepare("order_stock", {"product_id": "1", "quantity": 24})
    assert again is action
    other = connector.prepare("order_stock", {"product_id": 1, "quantity": 6})
    assert other.precondition == {"on_hand": 28}


def test_nothing_is_carried_out():
    connector, house = answered()
    action = house.prepare("order_stock", {"product_id": 1})
    for act in (connector.execute, lambda one, key: connector.undo(one, key, key)):
        with pytest.raises(ConnectorFailed, match="changes nothing"):
            act(action, "k")
    assert connector.verify(action, "k") is EffectStatus.UNKNOWN
    assert house.effects == []

"""Facts that actions return, and a system's own no."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused
from bot.cases.plan import FactType
from bot.connectors.http import HttpConnector
from bot.connectors.http_system import HttpCall
from bot.connectors.message import MessageAction
from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlConnector
from bot.ports.connector import Effect, EffectStatus
from tests.connectors.bank import PAY, bank_system
from tests.connectors.stock import ORDER, administer, order_action, stock_system

# Two bars are "or" to MariaDB.
REFERENCE = "REPLACE('O-?', '?', :key)"
FACTS = f"SELECT on_order, {REFERENCE} AS reference FROM stock WHERE product_id = :product_id"
RETURNS = {"on_order": FactType.INTEGER, "reference": FactType.TEXT}


def telling(house, **changes) -> SqlConnector:
    values = {"returns": RETURNS, "facts": FACTS, **changes}
    system = stock_system()
    order = order_action(**values)
    return SqlConnector(replace(system, actions={"order": order}), house.url)


def test_a_statement_tells_what_its_transaction_made_of_it(house):
    connector = telling(house)
    action = connector.prepare("order", ORDER)
    assert action.returns == RETURNS
    before = action.precondition["on_order"]
    effect = connector.execute(action, "k1")
    assert effect == Effect("1 row changed", {"on_order": before + 24, "reference": "O-k1"})
    assert connector.execute(action, "k1").facts == effect.facts
    assert connector.read_facts(action, "k1") == effect.facts


def test_what_is_not_of_its_type_is_not_told(house):
    wrong = {"on_order": FactType.DATE, "reference": FactType.TEXT}
    connector = telling(house, returns=wrong)
    effect = connector.execute(connector.prepare("order", ORDER), "k1")
    assert effect.facts == {"reference": "O-k1"}


def test_an_action_without_facts_says_what_came_of_it_as_before(house):
    action = house.prepare("order", ORDER)
    assert (action.returns, house.execute(action, "k1")) == ({}, "1 row changed")
    assert house.read_facts(action, "k1") == {}


def test_a_constraint_of_the_database_is_its_own_no(house):
    administer(house.url, "CREATE UNIQUE INDEX one_only ON stock (on_order)")
    names = "INSERT INTO stock (product_id, name, on_order) SELECT 99, name, on_order FROM stock"
    connector = telling(
        house, statement=f"{names} WHERE product_id = :product_id", returns={}, facts=""
    )
    with pytest.raises(SystemRefused):
        connector.execute(connector.prepare("order", ORDER), "k1")
    broken = telling(house, statement="UPDATE nowhere SET x = :quantity", returns={}, facts="")
    with pytest.raises(ConnectorFailed) as failure:
        broken.execute(broken.prepare("order", ORDER), "k2")
    assert not isinstance(failure.value, SystemRefused)


def test_a_parameter_that_a_step_tells_is_no_part_of_the_action_before(house):
    connector = telling(house)
    action = connector.prepare("order", ORDER | {"quantity": 24}, {})
    assert action.parameters == ORDER
    with pytest.raises(ConnectorFailed, match="decides what is changed"):
        connector.prepare("order", ORDER, {"product_id": "what the carrier names"})


# --- HTTP -----------------------------------------------------------------------------------------


def telling_bank(bank, **changes) -> HttpConnector:
    system = bank_system(bank.server_port)
    pay = system.actions["pay"]
    execute = replace(pay.execute, fields={"id": "id"}, **changes)
    verify = replace(pay.verify, fields={"id": "state"})
    telling_pay = replace(pay, execute=execute, verify=verify, returns={"id": FactType.TEXT})
    return HttpConnector(replace(system, actions={"pay": telling_pay}), "secret")


def test_an_answer_tells_its_declared_fields_and_so_does_the_look_after_a_lost_one(bank):
    connector = telling_bank(bank)
    action = connector.prepare("pay", PAY)
    assert connector.execute(action, "k1") == Effect("pay_1", {"id": "pay_1"})
    bank.mode = "dies after"
    with pytest.raises(OutcomeUnknown):
        connector.execute(action, "k2")
    assert connector.verify(action, "k2") is EffectStatus.LANDED
    assert connector.read_facts(action, "k2") == {"id": "done"}


@pytest.mark.parametrize("status", [409, 422])
def test_an_answer_that_says_that_it_is_refused_is_a_no_for_good(bank, status):
    # The bank answers refusals with an error, or with nothing.
    connector = telling_bank(bank, refused_when="error == 'no'")
    action = connector.prepare("pay", PAY)
    bank.mode = "refuse" if status == 422 else "refuse 409"
    expected = SystemRefused if status == 422 else OutcomeUnknown
    with pytest.raises(expected):
        connector.execute(action, "k1")


def test_a_login_that_fails_is_no_refusal(bank):
    connector = telling_bank(bank, refused_when="error == 'no'")
    bank.mode = "refuse 401"
    with pytest.raises(ConnectorFailed) as failure:
        connector.execute(connector.prepare("pay", PAY), "k1")
    assert not isinstance(failure.value, SystemRefused)


# --- declarations ---------------------------------------------------------------------------------


def test_a_declaration_says_how_its_facts_are_read(bank):
    with pytest.raises(ValueError, match="go together"):
        order_action(returns=RETURNS)
    with pytest.raises(ValueError, match="go together"):
        order_action(facts=FACTS)
    with pytest.raises(ValueError, match="must be SELECTs"):
        order_action(returns=RETURNS, facts="DELETE FROM stock")
    pay = bank_system(bank.server_port).actions["pay"]
    with pytest.raises(ValueError, match="both need the field id"):
        replace(pay, returns={"id": FactType.TEXT}, execute=HttpCall(path="/", fields={"id": "id"}))
    with pytest.raises(ValueError, match="returns no facts"):
        MessageAction(
            name="tell",
            parameters={"to": ParameterType.TEXT, "text": ParameterType.TEXT},
            target="x",
            summary="x",
            preview="x",
            returns={"ts": FactType.TEXT},
            undo_for=timedelta(0) or None,
        )

"""What a real database says an action moves: an amount, or a plain refusal; never an action that seems to move nothing."""

import sqlite3
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.canonical import canonical_bytes
from bot.cases.errors import ConnectorFailed
from bot.cases.plan import Idempotency
from bot.connectors.specs import ActionSpec, ParameterType, SqlAction, SqlSystem
from bot.connectors.sql import SqlConnector

SECOND = timedelta(seconds=5)


def paying(url: str) -> SqlConnector:
    spec = ActionSpec(
        name="pay",
        version=1,
        parameters={"id": ParameterType.INTEGER},
        target="bill:{id}",
        summary="Pay {id}",
        preview="{id} is paid",
        reversible=False,
        idempotency=Idempotency.MARKER,
        amount="amount",
    )
    statement = SqlAction(
        spec, "UPDATE bills SET paid = 1 WHERE id = :id", "SELECT amount FROM bills WHERE id = :id"
    )
    return SqlConnector(SqlSystem("house", "", SECOND, {"pay": statement}), url)


@pytest.mark.threat("B3")
@pytest.mark.parametrize("amount", [None, "a lot", "", -1, 1e30, 1e400, "NaN"], ids=repr)
def test_a_bill_without_an_amount_cannot_be_paid(tmp_path, amount):
    with sqlite3.connect(tmp_path / "house.db") as house:
        house.execute("CREATE TABLE bills (id INTEGER, amount, paid INTEGER)")
        house.execute("INSERT INTO bills VALUES (1, ?, 0), (2, 12.5, 0)", (amount,))
    house.close()
    connector = paying(f"sqlite:///{tmp_path / 'house.db'}")
    with pytest.raises(ConnectorFailed, match="the amount is not known"):
        connector.prepare("pay", {"id": 1})
    assert str(connector.prepare("pay", {"id": 2}).amount) == "£12.50"


@pytest.mark.threat("B3")
def test_postgresql_may_say_nan_infinity_and_numbers_that_no_double_holds(postgres):
    url = f"{postgres}/postgres"
    values = {
        1: "'NaN'",
        2: "'Infinity'",
        3: "1e40",
        4: "-0.01",
        5: "NULL",
        6: "12345678901234567890",
    }
    engine = sa.create_engine(url)
    with engine.begin() as house:
        house.execute(sa.text("DROP TABLE IF EXISTS bills"))
        house.execute(sa.text("CREATE TABLE bills (id int, amount numeric, paid int)"))
        for number, value in values.items():
            house.execute(sa.text(f"INSERT INTO bills VALUES ({number}, {value}::numeric, 0)"))
    try:
        connector = paying(url)
        for number in values:
            with pytest.raises(ConnectorFailed, match="the amount is not known"):
                connector.prepare("pay", {"id": number})
        rows = connector.look_up("SELECT amount FROM bills ORDER BY id", {}, 10)
        assert [row["amount"] for row in rows] == [
            "NaN",
            "Infinity",
            f"1{'0' * 40}",
            -0.01,
            None,
            values[6],
        ]
        # Whatever was read can be written into the ledger.
        assert canonical_bytes(rows)
    finally:
        with engine.begin() as house:
            house.execute(sa.text("DROP TABLE bills"))
        engine.dispose()

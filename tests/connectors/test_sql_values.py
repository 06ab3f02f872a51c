"""Values of real databases: an amount, or a plain refusal."""

import sqlite3
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.cases.canonical import canonical_bytes
from bot.cases.errors import ConnectorFailed
from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlAction, SqlConnector, SqlSystem
from bot.connectors.sql_values import to_scalar

PATIENT_TIMEOUT = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("value", "scalar"),
    [
        (Decimal("12.50"), 12.5),
        (Decimal(60), 60),
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (Decimal(10**20), str(10**20)),
        (datetime(2026, 11, 21, 12), "2026-11-21 12:00:00"),
        (date(2026, 11, 21), "2026-11-21"),
        (b"abc", "3 bytes"),
        (memoryview(b"abc"), "3 bytes"),
        (True, True),
        (None, None),
        (2**60, str(2**60)),
        ("half \ud800", "half ?"),
        (timedelta(minutes=1), "0:01:00"),
    ],
    ids=range(14),
)
def test_a_value_of_a_database_becomes_one_that_a_ledger_can_hold(value, scalar):
    result = to_scalar(value)
    assert (result, type(result)) == (scalar, type(scalar))
    assert canonical_bytes({"value": result})


def paying(url: str) -> SqlConnector:
    pay = SqlAction(
        name="pay",
        parameters={"id": ParameterType.INTEGER},
        target="bill:{id}",
        summary="Pay {id}",
        preview="{id} is paid",
        amount="amount",
        currency="GBP",
        precondition="SELECT amount FROM bills WHERE id = :id",
        statement="UPDATE bills SET paid = 1 WHERE id = :id",
    )
    system = SqlSystem(name="house", url_env="URL", timeout=PATIENT_TIMEOUT, actions={"pay": pay})
    return SqlConnector(system, url)


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

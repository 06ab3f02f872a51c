"""A company's MySQL or MariaDB: what is certain there, and what it would do by itself."""

import contextlib
import threading
from dataclasses import replace
from datetime import timedelta

import pymysql
import pytest
import sqlalchemy as sa

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SettingsIncomplete
from bot.connectors import sql_mysql
from bot.connectors.sql import SqlConnector
from bot.connectors.sql_check import SqlCheck
from bot.connectors.sql_mysql import as_mysql_url, session_settings
from bot.ports.connector import EffectStatus
from tests.connectors.stock import (
    ORDER,
    PRECONDITION,
    administer,
    on_order,
    order_action,
    stock_system,
)
from tests.fakes.servers import Proxy, Silent, serving
from tests.waiting import wait_until

OTHER_ORDER = {"product_id": 2, "quantity": 1}


@pytest.fixture
def house(mariadb_house):
    return mariadb_house


def with_action(house, **changes) -> SqlConnector:
    """Return a connector whose action "order" differs in some fields."""
    actions = {"order": order_action(**changes)}
    return SqlConnector(stock_system(actions=actions), house.url)


def hasty(house, seconds: float) -> SqlConnector:
    return SqlConnector(replace(stock_system(), timeout=timedelta(seconds=seconds)), house.url)


# --- one question, and nothing but a question -----------------------------------------------------


@pytest.mark.threat("C2")
@pytest.mark.parametrize(
    "query",
    [
        "SHOW TABLES",
        "CALL empty_the_house()",
        "DO (SELECT 1)",
        "SELECT * FROM stock FOR UPDATE",
        "SELECT emptied()",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT on_order INTO @x FROM stock LIMIT 1",
        "SELECT 1 /*! INTO @x */",
        "/*! DROP TABLE stock */",
        "-- a comment\nDROP TABLE stock",
        "ANALYZE DELETE FROM stock",
        "HANDLER stock OPEN",
    ],
)
def test_a_look_up_is_one_select_in_a_transaction_that_cannot_write(house, query):
    administer(
        house.url,
        "CREATE OR REPLACE PROCEDURE empty_the_house() BEGIN COMMIT; DELETE FROM stock; END",
        "CREATE OR REPLACE FUNCTION emptied() RETURNS INT BEGIN DELETE FROM stock; RETURN 1; END",
    )
    with pytest.raises(ConnectorFailed):
        house.look_up(query, {}, 10)
    assert on_order(house, 2) == 6


@pytest.mark.threat("C2")
def test_what_one_look_up_sets_the_next_one_does_not_find(house):
    administer(
        house.url,
        "CREATE OR REPLACE FUNCTION spoil() RETURNS INT"
        " BEGIN SET SESSION sql_mode = ''; SET SESSION max_statement_time = 0;"
        " SET SESSION time_zone = '+05:00'; RETURN 1; END",
    )
    house.look_up("SELECT spoil() AS a, GET_LOCK('ours', 0) AS b, @left := 1 AS c", {}, 1)
    state = (
        "SELECT @@tx_read_only AS read_only, @@sql_mode LIKE '%STRICT_ALL%' AS strict,"
        " @@time_zone AS zone, @@max_statement_time > 0 AS ends, @left AS rest,"
        " IS_USED_LOCK('ours') AS held, @@character_set_client AS letters,"
        " @@character_set_results AS answers"
    )
    assert house.look_up(state, {}, 1) == [
        {
            "read_only": 1,
            "strict": 1,
            "zone": "+00:00",
            "ends": 1,
            "rest": None,
            "held": None,
            "letters": "utf8mb4",
            "answers": "utf8mb4",
        }
    ]


def test_mysql_of_oracle_is_told_the_same_in_its_own_words():
    class Server:
        def get_server_info(self):
            return "8.4.3"

    words = session_settings(Server(), 1.8, read_only=False)
    assert words.startswith("SET SESSION sql_mode = 'TRADITIONAL', time_zone = '+00:00', ")
    assert words.endswith(
        "lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, max_execution_time = 1800,"
        " transaction_isolation = 'SERIALIZABLE', transaction_read_only = 0"
    )


# --- what cannot be taken back is not begun -------------------------------------------------------


@pytest.mark.threat("A2")
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE stock",
        "TRUNCATE stock",
        "ALTER TABLE stock ADD COLUMN more INT",
        "CALL anything()",
        "COMMIT",
        "UPDATE stock SET on_order = 1 /*! WHERE product_id = 1 */",
        "UPDATE ledger_of_old SET total = 1",
        "UPDATE `ledger_of_old` SET total = 1",
    ],
)
def test_what_mysql_would_commit_by_itself_is_refused_before_it_is_sent(house, statement):
    administer(
        house.url,
        "CREATE TABLE ledger_of_old (total INT) ENGINE = MyISAM",
        "INSERT INTO ledger_of_old VALUES (7)",
    )
    house = with_action(house, statement=statement)
    with pytest.raises(ConnectorFailed, match="nothing could be taken back|rolls nothing back"):
        house.execute(house.prepare("order", ORDER), "k1")
    assert house.verify(house.prepare("order", ORDER), "k1") is EffectStatus.ABSENT
    assert (on_order(house), on_order(house, 2)) == (0, 6)
    assert house.look_up("SELECT total FROM ledger_of_old", {}, 1) == [{"total": 7}]


def test_a_value_that_does_not_fit_is_refused_and_not_cut(house):
    administer(house.url, "CREATE TABLE notes (note VARCHAR(3))")
    house = with_action(house, statement="INSERT INTO notes VALUES ('too long')")
    with pytest.raises(ConnectorFailed, match="^Data too long for column 'note' at row 1$"):
        house.execute(house.prepare("order", ORDER), "k1")
    assert house.look_up("SELECT COUNT(*) AS n FROM notes", {}, 1) == [{"n": 0}]


def test_a_row_that_is_already_so_counts_as_found(house):
    """A plain client would say that no row was changed."""
    house = with_action(
        house, statement="UPDATE stock SET on_order = :was_on_order WHERE product_id = :product_id"
    )
    assert house.execute(house.prepare("order", ORDER), "k1") == "1 row changed"


# --- what is certain, and what is not -------------------------------------------------------------


@pytest.mark.threat("A2")
def test_a_connection_killed_in_the_middle_of_the_commit_is_in_doubt_until_it_is_verified(
    house, mariadb
):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")
    with mariadb.killing_commits("stock") as killed:
        with pytest.raises(OutcomeUnknown):
            house.execute(action, "k1")
        assert killed.wait(60)
    # The server rolls it back, or has just gone on: either way, verify says what is so.
    is_there = house.verify(action, "k1") is EffectStatus.LANDED
    assert on_order(house) == (24 if is_there else 0)
    assert house.execute(action, "k1") == ("already done" if is_there else "1 row changed")
    assert (house.verify(action, "k1"), on_order(house)) == (EffectStatus.LANDED, 24)


@pytest.mark.threat("A2")
def test_a_commit_whose_answer_is_lost_has_landed(house):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")
    address = sa.make_url(house.url)
    with serving(Proxy(address.port, passes_fatal=True)) as proxy:
        proxy.fatal = b"COMMIT"
        far = replace(stock_system(), timeout=timedelta(seconds=2))
        far_house = SqlConnector(far, address.set(port=proxy.port).render_as_string())
        # A busy machine may use up the time before: then nothing was done.
        while not proxy.is_frozen.is_set():
            with pytest.raises(ConnectorFailed) as failure:
                far_house.execute(action, "k1")
    assert type(failure.value) is OutcomeUnknown
    assert (house.verify(action, "k1"), on_order(house)) == (EffectStatus.LANDED, 24)
    assert house.execute(action, "k1") == "already done"
    assert on_order(house) == 24


@pytest.mark.threat("A2")
def test_a_mark_of_a_transaction_that_is_still_open_is_neither_there_nor_not(house, mariadb):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")
    with mariadb.connect("stock") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("INSERT INTO countersign_marks VALUES ('k1', 'order', NOW())")
        with pytest.raises(ConnectorFailed) as failure:
            hasty(house, 0.5).verify(action, "k1")
        assert failure.value.retryable
        other.commit()
    assert house.verify(action, "k1") is EffectStatus.LANDED


@pytest.mark.threat("A2")
def test_a_row_that_somebody_else_holds_can_be_tried_again(house, mariadb):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")
    with mariadb.connect("stock") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("UPDATE stock SET name = 'x' WHERE product_id = 1")
        with pytest.raises(ConnectorFailed) as failure:
            hasty(house, 0.5).execute(action, "k1")
        other.rollback()
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    assert house.execute(action, "k1") == "1 row changed"


@pytest.mark.threat("A2")
def test_a_deadlock_has_changed_nothing_and_can_be_tried_again(house, mariadb):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")
    answers = []

    def act():
        try:
            house.execute(action, "k1")
        except ConnectorFailed as failure:
            answers.append(failure)

    with mariadb.connect("stock") as other, other.cursor() as cursor:
        # It reads the row that the action is going to write, and writes what that has written.
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT * FROM stock LOCK IN SHARE MODE")
        for number in range(200):
            # The server gives up the lighter one of the two.
            cursor.execute(f"INSERT INTO stock VALUES ({number + 100}, 'x', 0)")
        thread = threading.Thread(target=act)
        thread.start()
        waits = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
        wait_until(lambda: mariadb.run(waits)[0][0] == 1, "the action to wait for the row")
        cursor.execute("INSERT INTO countersign_marks VALUES ('k1', 'order', NOW())")
        thread.join()
        other.rollback()
    (failure,) = answers
    assert (type(failure), failure.retryable) == (ConnectorFailed, True)
    assert "Deadlock" in str(failure)
    assert house.execute(action, "k1") == "1 row changed"


@pytest.mark.threat("A1")
def test_what_the_precondition_has_read_stays_so_until_the_commit(house, mariadb):
    slow = PRECONDITION.replace(" AS cost", " AS cost, SLEEP(1) AS wait")
    house = with_action(house, precondition=slow)
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")

    def act():
        with contextlib.suppress(ConnectorFailed):
            house.execute(action, "k1")

    thread = threading.Thread(target=act)
    thread.start()
    reads = (
        "SELECT COUNT(*) FROM information_schema.processlist"
        " WHERE db = 'stock' AND state = 'User sleep'"
    )
    wait_until(lambda: mariadb.run(reads)[0][0] == 1, "the action to have read the row")
    doubles = "UPDATE stock SET on_order = on_order * 2 + 1 WHERE product_id = 1"
    # The server may give up either, as both want what the other one has.
    with contextlib.suppress(pymysql.OperationalError):
        mariadb.run("USE stock", doubles)
    thread.join()
    # One alone, or the other one after it: 25 would be an action on facts that have moved.
    assert on_order(house) in {24, 1, 49}


@pytest.mark.threat("A2")
def test_a_mark_that_may_not_be_looked_at_is_not_a_mark_that_is_not_there(house, mariadb):
    action = house.prepare("order", ORDER)
    house.execute(action, "k1")
    mariadb.run(
        "CREATE OR REPLACE USER reader@'127.0.0.1'",
        "GRANT SELECT ON stock.stock TO reader@'127.0.0.1'",
    )
    blind = SqlConnector(stock_system(), house.url.replace("countersign@", "reader@"))
    assert on_order(blind) == 24
    with pytest.raises(ConnectorFailed, match="denied"):
        blind.verify(action, "k1")


@pytest.mark.threat("A2")
def test_a_connection_that_the_server_has_closed_is_replaced_before_anything_is_sent(
    house, mariadb
):
    action = house.prepare("order", ORDER)
    house.execute(house.prepare("order", OTHER_ORDER), "makes the marks")
    mariadb.cut_connections("stock")
    assert on_order(house) == 0
    assert house.execute(action, "k1") == "1 row changed"


@pytest.mark.threat("A3")
def test_a_server_that_accepts_and_never_answers_ends_in_time():
    with serving(Silent()) as server:
        url = f"mysql://countersign@127.0.0.1:{server.port}/house"
        house = SqlConnector(replace(stock_system(), timeout=timedelta(seconds=0.4)), url)
        with pytest.raises(ConnectorFailed, match="longer than 0.4 s") as failure:
            house.look_up("SELECT 1 AS found", {}, 1)
        assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)


# --- values ---------------------------------------------------------------------------------------


def test_every_type_becomes_a_value_that_people_and_conditions_can_read(house):
    administer(
        house.url,
        "CREATE TABLE types (is_open TINYINT(1), flag BIT(1), total DECIMAL(12, 2), rate DOUBLE,"
        " due_on DATE, made_at DATETIME, seen_at TIMESTAMP(3), state ENUM('open', 'done'),"
        " tags SET('a', 'b'), extra JSON, note TEXT CHARACTER SET utf8mb4, big BIGINT UNSIGNED,"
        " lasted TIME, photo BLOB)",
        "SET time_zone = '+00:00'",
        "INSERT INTO types VALUES (1, b'1', 12.50, 0.5, '2026-11-21', '2026-11-21 08:30:00',"
        " '2026-11-21 08:30:00.250', 'open', 'a,b', '{\"a\": 1}', '🍷 ’', 18446744073709551615,"
        " '01:30:00', 'abc')",
    )
    assert house.look_up("SELECT * FROM types", {}, 1) == [
        {
            "is_open": 1,
            "flag": 1,
            "total": 12.5,
            "rate": 0.5,
            "due_on": "2026-11-21",
            "made_at": "2026-11-21 08:30:00",
            "seen_at": "2026-11-21 08:30:00.250000",
            "state": "open",
            "tags": "a,b",
            "extra": '{"a": 1}',
            "note": "🍷 ’",
            "big": "18446744073709551615",
            "lasted": "1:30:00",
            "photo": "3 bytes",
        }
    ]
    row = house.look_up(
        "SELECT note FROM types WHERE note = :note AND made_at < :now AND note NOT LIKE '100%'",
        {"note": "🍷 ’", "now": "2026-11-21 08:30:01"},
        1,
    )
    assert row == [{"note": "🍷 ’"}]


def test_a_value_is_never_part_of_the_statement(house):
    for value in ("x' OR '1'='1", "\\' OR 1=1 -- ", "%(name)s", "\0"):
        assert (
            house.look_up("SELECT 1 AS a FROM stock WHERE name = :name", {"name": value}, 9) == []
        )


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb", "mysql+mysqldb"])
def test_every_way_to_write_the_address_is_read(scheme):
    url = as_mysql_url(f"{scheme}://me:se%40cret@db.example/shop?ssl_ca=/etc/ca.pem")
    text = "mysql+pymysql://me:se%40cret@db.example/shop?ssl_ca=%2Fetc%2Fca.pem"
    assert url.render_as_string(hide_password=False) == text


def test_an_address_without_a_database_says_what_is_missing():
    with pytest.raises(SettingsIncomplete, match="ends with the name of the database"):
        SqlConnector(stock_system(), "mysql://me@127.0.0.1")


def test_without_the_driver_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sql_mysql, "find_spec", lambda name: None)
    for build in (SqlConnector, SqlCheck):
        with pytest.raises(SettingsIncomplete, match=r"pip install 'countersign\[mysql\]'"):
            build(stock_system(), "mysql://me@127.0.0.1/shop")


def test_a_role_that_may_not_log_in_is_told_so_in_one_sentence(mariadb):
    url = mariadb.url.replace("countersign@", "nobody:secret@")
    house = SqlConnector(stock_system(), f"{url}/stock")
    with pytest.raises(ConnectorFailed, match="^Access denied for user 'nobody'@'127.0.0.1'"):
        house.look_up("SELECT 1 AS a", {}, 1)

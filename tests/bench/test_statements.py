"""Statements are noted whoever runs them."""

import sqlite3

import psycopg
import pytest
import sqlalchemy as sa

from tests.bench.statements import COMMIT, StatementLog, shorten


@pytest.fixture
def log(monkeypatch):
    # What is installed below is undone with these.
    monkeypatch.setattr(sqlite3, "connect", sqlite3.connect)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", sqlite3.dbapi2.connect)
    for cls, name in (
        (psycopg.Cursor, "execute"),
        (psycopg.Cursor, "executemany"),
        (psycopg.Connection, "commit"),
    ):
        monkeypatch.setattr(cls, name, getattr(cls, name))
    log = StatementLog()
    log.install()
    log.is_on = True
    return log


def texts(log):
    return [statement.text for statement in log.statements]


def test_a_statement_on_the_driver_counts(log, tmp_path):
    path = tmp_path / "some.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE numbers (n INTEGER)")
    connection.cursor().execute("SELECT n FROM numbers WHERE n = ?", (1,))
    connection.close()
    assert texts(log) == [
        "CREATE TABLE numbers (n INTEGER)",
        "SELECT n FROM numbers WHERE n = ?",
    ]
    assert log.statements[0].database == str(path)


def test_a_statement_of_sqlalchemy_counts_once(log, tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'some.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE numbers (n INTEGER)"))
        log.statements.clear()
        connection.execute(sa.text("INSERT INTO numbers VALUES (:n)"), {"n": 1})
    engine.dispose()
    assert texts(log) == ["INSERT INTO numbers VALUES (?)", COMMIT]


def test_many_rows_are_one_statement(log, tmp_path):
    connection = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    connection.execute("CREATE TABLE numbers (n INTEGER)")
    log.statements.clear()
    connection.executemany("INSERT INTO numbers VALUES (?)", [(1,), (2,), (3,)])
    connection.close()
    assert [statement.rows for statement in log.statements] == [3]


def test_a_commit_of_nothing_does_not_count(log, tmp_path):
    connection = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    connection.commit()
    connection.execute("BEGIN IMMEDIATE")
    connection.commit()
    connection.close()
    assert texts(log) == ["BEGIN IMMEDIATE", COMMIT]


def test_nothing_is_noted_while_it_is_off(log, tmp_path):
    log.is_on = False
    connection = sqlite3.connect(tmp_path / "some.db")
    connection.execute("SELECT 1")
    connection.close()
    assert log.statements == []


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("SELECT a\n  FROM t WHERE id IN (?, ?, ?)", "SELECT a FROM t WHERE id IN (?…)"),
        ("INSERT INTO t (a, b) VALUES (?, ?)", "INSERT INTO t (…) VALUES (?…)"),
        ("PRAGMA busy_timeout = 1499", "PRAGMA busy_timeout = ?"),
        ("UPDATE t SET a = %(a)s::VARCHAR WHERE b = %(b)s", "UPDATE t SET a = ? WHERE b = ?"),
    ],
)
def test_a_statement_in_one_line(text, short):
    assert shorten(text) == short

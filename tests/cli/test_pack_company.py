"""The SQL of a pack: it makes a company, and reaches nothing else."""

import sqlite3
from contextlib import closing

import pytest

from bot.cases.errors import BadRequest
from bot.cli.pack_company import write_company

ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n{stop}) "


def test_a_company_is_made_relative_to_today(tmp_path):
    path = tmp_path / "company.db"
    write_company("CREATE TABLE days (day TEXT); INSERT INTO days VALUES (date('now'));", path)
    with closing(sqlite3.connect(path)) as database:
        (days,) = database.execute("SELECT julianday('now') - julianday(day) FROM days").fetchone()
    assert 0 <= days < 2


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '{other}' AS other;",
        "VACUUM INTO '{other}';",
        "PRAGMA writable_schema = ON;",
        "PRAGMA max_page_count = 1000000000;",
        "SELECT load_extension('{other}');",
        "CREATE VIRTUAL TABLE words USING fts5(word);",
        "SELECT zeroblob(2000000);",
        f"CREATE TABLE big (x); INSERT INTO big {ROWS.format(stop='')} SELECT zeroblob(9000) FROM n;",
        f"{ROWS.format(stop='')} SELECT count(*) FROM n;",
        "CREATE TABLE broken (",
    ],
)
def test_sql_that_does_more_than_a_company_needs_is_refused(tmp_path, sql):
    other = tmp_path / "other.db"
    with pytest.raises(BadRequest, match="the company cannot be made"):
        write_company(sql.replace("{other}", str(other)), tmp_path / "company.db")
    assert not other.exists()

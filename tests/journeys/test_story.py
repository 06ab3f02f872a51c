"""The story, as its user plays it: ``countersign demo --headless --story --json``, in a process of its own."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.conftest import SHARED

pytestmark = pytest.mark.journey


def countersign(*arguments, cwd, env=None):
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=1500,
        env=env,
    )


@pytest.mark.timeout(1800)
def test_the_story_is_told_from_the_first_signal_to_the_proof(sample_data, sample_root, tmp_path):
    told = countersign(
        "demo", "--headless", "--story", "--json", "--folder", str(sample_root), cwd=tmp_path
    )
    summary = json.loads(told.stdout)
    failures = [chapter for chapter in summary["chapters"] if not chapter["ok"]]
    assert failures == [], json.dumps(failures, indent=1)
    assert (told.returncode, summary["ok"], summary["cards"], len(summary["chapters"])) == (
        0,
        True,
        10,
        14,
    )
    assert summary["ledger_entries"] > 3_000


@pytest.mark.timeout(1800)
def test_the_past_is_more_than_four_hundred_cases_and_their_ledger_is_real(sample_data):
    from bot.audit.replay import replay
    from bot.demo.launcher import sample_settings
    from bot.storage import open_store

    store = open_store(sample_settings(sample_data.folder, "http://127.0.0.1:1"))
    replayed = replay(store.database)
    counts = store.queries.counts()
    changed_at = max(case.timers.changed_at for case in store.queries.newest(limit=10_000))
    store.database.close()
    assert changed_at.date() == sample_data.today.date() - timedelta(days=1)
    assert (replayed.cases >= 400, replayed.differences, set(counts)) == (
        True,
        (),
        {"RESOLVED", "REJECTED", "CLEARED"},
    )


def test_the_company_has_a_year_of_rows_and_is_the_same_for_the_same_seed(tmp_path):
    import sqlite3
    from datetime import datetime

    from bot.demo.company import write_database

    today = datetime(2026, 11, 21, 12, 0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (write_database(tmp_path / name / "house.db", today) for name in ("a", "b"))
    assert first == second
    with sqlite3.connect(tmp_path / "a" / "house.db") as database:
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        assert (
            sum(database.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in tables)
            >= 20_000
        )
    database.close()
    assert len({exception.kind for exception in first}) == 8


NORTHWIND = SHARED / "data/northwind/northwind.sqlite"
LATE = """
kind: order_late
title: Order shipped late or never
channel: C0OPS
signal:
  system: northwind
  every: 60s
  query: |
    SELECT 'order:' || OrderID AS subject, 'Order ' || OrderID || ' for ' || CustomerID || ' {word}' AS title, OrderID AS order_id
    FROM Orders WHERE {where} ORDER BY OrderID
what: "Order {{order.number}} for {{order.customer}}"
evidence:
  - name: order
    system: northwind
    query: SELECT o.OrderID AS number, c.CompanyName AS customer FROM Orders o JOIN Customers c ON c.CustomerID = o.CustomerID WHERE o.OrderID = :order_id
    parameters: {{order_id: signal.order_id}}
    show: {{customer: Customer}}
stake: {{why: "a customer waits"}}
approval: {{expires: 24h}}
owners: {{business: ops-leads, operations: ops-leads, technical: ops-leads, governance: owners, next: owners}}
measure: {{decide_for: 4h, resolve_for: 24h, follow_up_for: 10m}}
"""


@pytest.mark.skipif(not NORTHWIND.exists(), reason="the shared Northwind database is absent")
@pytest.mark.parametrize(
    ("word", "where", "count"),
    [
        ("shipped late", "ShippedDate > RequiredDate", 37),
        ("never shipped", "ShippedDate IS NULL", 21),
    ],
)
def test_a_playbook_tried_on_northwind_finds_its_late_and_unshipped_orders(
    tmp_path, word, where, count
):
    (tmp_path / "late.yml").write_text(LATE.format(word=word, where=where))
    tried = countersign("try", "late.yml", "--database", str(NORTHWIND), "--json", cwd=tmp_path)
    found = json.loads(tried.stdout)
    # The system of the playbook is in no library here: rows are found, a card is not.
    assert (tried.returncode, found["count"]) == (1, count), tried.stderr
    assert "systems.yml has no system" in found["unknown"][-1]
    assert found["facts"]["order"]["customer"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["late.yml"]
    shown = countersign("try", "late.yml", "--database", str(NORTHWIND), cwd=tmp_path)
    assert f"{count} found, no case opened" in shown.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [("SELECT", "near"), ("kind: order_late", "late.yml:"), ("title:", "late.yml:")],
)
def test_a_mistake_in_a_playbook_is_told_with_file_and_line(tmp_path, change, said):
    (tmp_path / "late.yml").write_text(
        LATE.format(word="x", where="1").replace(
            change,
            "SELEKT" if change == "SELECT" else "knd: x" if "kind" in change else "titel:",
            1,
        )
    )
    tried = countersign("try", "late.yml", "--database", str(NORTHWIND), cwd=tmp_path)
    assert (tried.returncode, "Traceback" in tried.stderr) == (1, False)
    assert "late.yml" in tried.stderr


def test_what_is_missing_is_told_as_a_list_and_nothing_starts(tmp_path):
    run = countersign("run", cwd=tmp_path, env={"PATH": "/usr/bin"})
    assert run.returncode == 1
    assert "To do before Countersign can start" in run.stderr
    assert "set SLACK_BOT_TOKEN" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_manifest_is_printed_for_the_slack_cli(tmp_path):
    printed = countersign("manifest", cwd=tmp_path)
    assert json.loads(printed.stdout)["display_information"]["name"] == "Countersign"

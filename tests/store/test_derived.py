"""What follows from the ledger can be written again from it, and nothing else is touched."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.entries import entry_of
from bot.cases.errors import KeyReused
from bot.cases.lifecycle import State
from bot.store import tables
from bot.store.derived import (
    case_pages,
    derive,
    entry_bodies,
    rewrite_derived_rows,
)
from tests.fakes.directory import principal
from tests.store.rows import rows_of
from tests.store.states import STORED, bring_to
from tests.world import request


def rewrite(store, **more):
    return store.database.write(
        lambda unit: rewrite_derived_rows(unit.connection, **more), appends=False
    )


def damage(store, table, **values):
    """Change every row of a table past the store."""
    store.database.write(
        lambda unit: unit.connection.execute(sa.update(table).values(**values)).rowcount,
        appends=False,
    )


def entries_of(world, case_id):
    return world.store.cases.entries(case_id)


@pytest.mark.parametrize("state", STORED, ids=lambda state: state.name)
def test_the_rows_of_a_case_are_the_same_when_they_are_written_again(world, state):
    bring_to(world, state)
    names = ("cases", "effects", "inbox", "named")
    before = {name: rows_of(world.store, tables.metadata.tables[name]) for name in names}
    assert rewrite(world.store) == 1
    after = {name: rows_of(world.store, tables.metadata.tables[name]) for name in names}
    assert after == before


def test_columns_that_an_earlier_release_left_empty_are_filled(world):
    case_id = bring_to(world, State.RESOLVED)
    case_row = rows_of(world.store, tables.cases)
    effect_rows = rows_of(world.store, tables.effects)
    damage(world.store, tables.cases, waits_on="", words="", rank=0.0, decided_at=None, channel="")
    damage(world.store, tables.effects, at=0.0, outcome="")
    world.store.database.write(
        lambda unit: unit.connection.execute(sa.delete(tables.case_people)).rowcount, appends=False
    )
    assert replay(world.store.database).differences != ()
    assert rewrite(world.store) == 1
    assert rows_of(world.store, tables.cases) == case_row
    assert rows_of(world.store, tables.effects) == effect_rows
    assert world.store.queries.is_party(principal("ana"), case_id)
    assert replay(world.store.database).differences == ()


def test_requester_and_currency_of_effects_are_filled_from_the_plans_in_the_ledger(world):
    """As an upgrade from the release before does, and no other row changes."""
    for product in (1, 2):
        raised = world.signal(f"product:{product}", requester=principal("finn"))
        case_id = world.receive(raised).case_id
        world.work()
        world.approve(world.store.cases.case(case_id))
        world.work()
    world.receive(world.signal("product:3"))
    world.work()
    before = {
        name: rows_of(world.store, tables.metadata.tables[name]) for name in ("cases", "effects")
    }
    assert {(row.requester, row.currency) for row in before["effects"]} == {
        (principal("finn"), "GBP")
    }
    damage(world.store, tables.effects, requester="", currency="")
    assert replay(world.store.database).differences != ()
    world.store.database.write(
        lambda unit: rewrite_derived_rows(unit.connection) and None, appends=False
    )
    after = {name: rows_of(world.store, tables.metadata.tables[name]) for name in before}
    assert after == before
    assert replay(world.store.database).differences == ()


def test_a_fingerprint_that_the_inbox_has_stays_however_it_was_made(world):
    world.receive(world.signal("product:1", key="old"))
    world.receive(world.signal("product:1", key="empty"))
    inbox = tables.inbox
    for key, fingerprint in (("old", "by an earlier rule"), ("empty", "")):
        statement = sa.update(inbox).where(inbox.c.key == key).values(fingerprint=fingerprint)
        world.store.database.write(
            lambda unit, statement=statement: unit.connection.execute(statement).rowcount,
            appends=False,
        )
    rewrite(world.store)
    fingerprints = {row.key: row.fingerprint for row in rows_of(world.store, inbox)}
    assert fingerprints["old"] == "by an earlier rule"
    assert fingerprints["empty"] == world.store.cases.case("EX-1").signal.fingerprint


def test_a_case_that_cannot_be_folded_is_left_as_it_is_and_the_others_go_on(world, caplog):
    """An earlier release may have written what this one refuses."""
    for number in (1, 2):
        world.receive(world.signal(f"product:{number}"))
    triggers = "ledger_no_update" if world.store.database.is_sqlite else "ledger_no_change"
    broken = sa.text("UPDATE ledger SET version = 5 WHERE seq = 1")
    body = bytes(next(iter(world.store.ledger.rows())).body)
    plain = json.loads(body)
    plain["version"] = 5

    def job(unit):
        on_table = "" if world.store.database.is_sqlite else " ON ledger"
        unit.connection.exec_driver_sql(f"DROP TRIGGER {triggers}{on_table}")
        unit.connection.execute(broken)
        statement = sa.update(tables.ledger).where(tables.ledger.c.seq == 1)
        unit.connection.execute(statement.values(body=json.dumps(plain).encode()))

    world.store.database.write(job, appends=False)
    damage(world.store, tables.cases, words="")
    case_before = world.store.cases.case("EX-1")
    assert rewrite(world.store) == 1
    words = {row.id: row.words for row in rows_of(world.store, tables.cases)}
    # Its columns say what the stored case says, so that it is found.
    assert " merlot" in words["EX-1"]
    assert " merlot" in words["EX-2"]
    assert world.store.cases.case("EX-1") == case_before
    assert "EX-1 is left as it was before the upgrade" in caplog.text


def test_a_case_without_entries_is_left_alone(world):
    world.receive()
    orphan = dict(rows_of(world.store, tables.cases)[0]._mapping) | {"id": "EX-9", "number": 9}
    world.store.database.write(
        lambda unit: unit.connection.execute(sa.insert(tables.cases), orphan).rowcount,
        appends=False,
    )
    assert rewrite(world.store) == 1
    assert derive([]) is None


def test_progress_is_told_page_by_page(world):
    for number in range(5):
        world.receive(world.signal(f"product:{number}"))
    pages = []
    assert rewrite(world.store, progress=pages.append) == 5
    assert pages == [5]


def test_pages_of_cases_come_by_number_and_none_is_missed(world):
    for number in range(5):
        world.receive(world.signal(f"product:{number}"))
    with world.store.database.read() as connection:
        sizes = [[row.number for row in page] for page in case_pages(connection, size=2)]
        exact = [len(page) for page in case_pages(connection, size=5)]
    assert sizes == [[1, 2], [3, 4], [5]]
    assert exact == [5]


def test_bodies_come_in_the_order_of_each_case(world):
    case = world.proposed()
    with world.store.database.read() as connection:
        bodies = entry_bodies(connection, [case.id, "EX-9"])
    entries = [entry_of(json.loads(body)) for body in bodies[case.id]]
    assert entries == entries_of(world, case.id)
    assert bodies["EX-9"] == []


# --- what one case asks for ---------------------------------------------------------------------


def test_signals_of_a_case_are_derived_with_their_outcomes(world):
    world.receive(world.signal(key="first"))
    world.receive(world.signal(key="second"))
    world.clear(world.signal(key="third"))
    rows = derive(entries_of(world, "EX-1"))
    outcomes = {key: row["outcome"] for (_, key), row in rows.inbox.items()}
    assert outcomes == {"first": "opened", "second": "counted", "third-clear": "cleared"}
    stored = {row.key: row.outcome for row in rows_of(world.store, tables.inbox)}
    assert stored == outcomes


def test_a_conflicting_signal_is_derived_by_its_checksum(world):
    signal = world.signal(key="k")
    world.receive(signal)
    other = world.signal(key="k", title="another body")
    with pytest.raises(KeyReused):
        world.receive(other)
    rows = derive(entries_of(world, "EX-1"))
    assert rows.conflicts == {(signal.source, "k", other.body_checksum)}


def test_a_landed_step_stays_landed_when_it_is_undone(world):
    world.house.undo_for = timedelta(hours=2)
    case_id = bring_to(world, State.RESOLVED)
    by_ana = request(case_id, principal("ana"), world.seen(case_id))
    world.desk.decisions.undo(by_ana, note="wrong shop")
    world.work()
    (effect,) = derive(entries_of(world, case_id)).effects.values()
    assert effect["outcome"] == "LANDED"

"""The controls of the desk: one row, the fold of its entries."""

import json

import pytest

from bot.cases.control_folds import fold_controls
from bot.cases.controls import DeskControls
from bot.cases.entries import entry_of
from bot.cases.errors import Conflict
from bot.cases.identity import Identities
from bot.ports.card_store import CardRef
from bot.store import tables
from bot.store.desk_controls import MAX_ACCOUNT_FILES
from tests.store.rows import (
    decision_after,
    message,
    outbox_row,
    paused_entry,
    resumed_entry,
    rows_of,
    table_sizes,
)


def save(store, *entries_after, messages=()):
    """Save what these functions make of the controls, one after the other."""
    controls = store.desk_controls.load()
    for entry_after in entries_after:
        controls = store.desk_controls.save(
            decision_after(controls, entry_after(controls)), messages
        )
    return controls


def test_a_new_database_has_controls_that_control_nothing(store):
    assert store.desk_controls.load() == DeskControls()


def test_the_controls_are_the_fold_of_the_entries_in_the_ledger(store):
    controls = save(store, paused_entry, resumed_entry, paused_entry)
    entries = [entry_of(json.loads(row.body)) for row in store.ledger.rows()]
    assert [entry.version for entry in entries] == [1, 2, 3]
    assert fold_controls(entries) == controls == store.desk_controls.load()
    (row,) = rows_of(store, tables.controls)
    assert (row.name, row.version) == ("desk", 3)


def test_what_follows_from_the_controls_is_requested_with_them(store):
    save(store, paused_entry, messages=(message("card:EX-1"),))
    assert outbox_row(store, "card:EX-1").state == "ready"


def test_a_conflict_requests_nothing_and_appends_nothing(store):
    before = store.desk_controls.load()
    save(store, paused_entry)
    sizes = table_sizes(store)
    with pytest.raises(Conflict):
        store.desk_controls.save(decision_after(before, paused_entry(before)), (message("never"),))
    with pytest.raises(Conflict):
        store.desk_controls.rewind(
            decision_after(before, paused_entry(before)), (message("never"),), 100
        )
    assert table_sizes(store) == sizes
    assert store.cases.last_case_number() == 0


def test_after_a_restored_backup_no_number_is_given_twice_and_no_card_counts_as_drawn(world):
    store = world.store
    first = world.proposed()
    world.approve(first)
    world.work()
    second = world.receive(world.signal("product:2")).case_id
    for case_id in (first.id, second):
        ref = CardRef(case_id=case_id, generation=1, channel="C0STOCK", ts="1.0", version=3)
        store.cards.record(ref)
    before = store.desk_controls.load()
    store.desk_controls.rewind(
        decision_after(before, paused_entry(before)), (message("swept"),), 70
    )
    assert world.receive(world.signal("product:3")).case_id == "EX-71"
    versions = {row.case_id: row.drawn for row in rows_of(store, tables.cards)}
    # The card of an ended case has no buttons to go wrong.
    assert versions == {first.id: "3", second: "0"}
    assert outbox_row(store, "swept").state == "ready"
    assert [pause.scope for pause in store.desk_controls.load().pauses] == ["kind:low_stock"]


def test_a_rewind_below_the_last_number_takes_none_back(world):
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
    before = world.store.desk_controls.load()
    world.store.desk_controls.rewind(decision_after(before, paused_entry(before)), (), 1)
    assert world.receive(world.signal("product:9")).case_id == "EX-4"


def accounts(number):
    return Identities.of([[f"T1/U{number}A", f"staff:{number}"], [f"T1/U{number}B"]])


def test_accounts_are_found_under_their_checksum_alone(world):
    store = world.store.desk_controls
    assert store.accounts_of(accounts(1).checksum) is None
    store.keep_accounts(accounts(1))
    store.keep_accounts(accounts(1))
    assert store.accounts_of(accounts(1).checksum) == accounts(1)
    assert store.accounts_of(accounts(2).checksum) is None
    # They are beside the controls, not of them.
    assert store.load() == DeskControls()


def test_only_the_latest_accounts_are_kept(world):
    store = world.store.desk_controls
    for number in range(1, MAX_ACCOUNT_FILES + 3):
        store.keep_accounts(accounts(number))
    numbers = range(1, MAX_ACCOUNT_FILES + 3)
    stored = [one for one in numbers if store.accounts_of(accounts(one).checksum)]
    assert stored == list(numbers)[-MAX_ACCOUNT_FILES:]

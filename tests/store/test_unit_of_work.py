"""The writer's transaction: all of a job is written, or nothing of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.actor import Surface
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Claim
from bot.cases.controls import DeskControls
from bot.cases.decide import decide
from bot.cases.errors import Conflict, LedgerBroken, StaleFence
from bot.cases.ledger import GENESIS, Tree, chain_hash, leaf_hash
from bot.ports.case_store import Change
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.projection import case_write
from bot.store.store import Store
from tests.cases.making import ANA, asker
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.rows import (
    decision_after,
    lease,
    message,
    outbox_row,
    paused_entry,
    rows_of,
    stale_lease,
    table_sizes,
)
from tests.world import World


class FailedJob(Exception):
    """A job fails after it has written."""


def claim_of(case, world):
    """A decision that nobody has written yet."""
    ana = asker(replace(ANA, id=principal("ana")))
    return decide(case, Claim(ana, CardSnapshot.of(case)), world.clock())


def run_and_fail(store, write):
    def job(unit):
        write(unit)
        raise FailedJob

    with pytest.raises(FailedJob):
        store.database.write(job)


# --- rollback -----------------------------------------------------------------------------------


def test_a_job_that_fails_after_its_writes_leaves_no_row_in_any_table(world):
    case = world.proposed()
    decision = claim_of(case, world)
    controls = world.store.desk_controls.load()
    before = table_sizes(world.store)
    head = world.store.ledger.head()

    def write(unit):
        unit.append(case_write(case, decision.case, decision.entries))
        unit.append_controls(decision_after(controls, paused_entry(controls)))
        unit.enqueue([message("never")], NOON)

    run_and_fail(world.store, write)
    assert table_sizes(world.store) == before
    assert world.store.ledger.head() == head
    assert world.case(case) == case
    assert world.store.desk_controls.load() == controls


def test_a_number_that_a_failed_job_had_taken_goes_to_the_next_case(world):
    run_and_fail(world.store, lambda unit: unit.number_above(41))
    assert world.receive().case_id == "EX-1"


def test_a_message_that_a_failed_job_had_finished_is_still_under_its_lease(store):
    store.outbox.enqueue([message("card:EX-1")])
    leased_message = lease(store)
    run_and_fail(store, lambda unit: unit.complete(leased_message))
    assert outbox_row(store, "card:EX-1").state == "leased"
    store.outbox.finish(leased_message)
    assert outbox_row(store, "card:EX-1").state == "done"


def test_a_guard_that_refuses_leaves_the_message_its_lease_and_the_case_its_state(world):
    case = world.proposed()
    decision = claim_of(case, world)
    world.store.outbox.enqueue([message("card:x")])
    leased_message = lease(world.store, at=world.clock())

    def refuse(controls, usage_at):
        assert controls == DeskControls()
        assert usage_at(world.clock(), (timedelta(days=1),), plan=case.proposal.plan).rows == ()
        raise FailedJob

    change = Change(before=case, after=decision.case, entries=decision.entries, guard=refuse)
    before = table_sizes(world.store)
    with pytest.raises(FailedJob):
        world.store.cases.commit(change, finish=leased_message)
    assert table_sizes(world.store) == before
    assert outbox_row(world.store, leased_message.key).state == "leased"
    assert world.case(case) == case


# --- compare and set ----------------------------------------------------------------------------


def test_of_two_changes_of_one_version_the_second_writes_nothing_at_all(world):
    case = world.proposed()
    decision = claim_of(case, world)
    change = Change(
        before=case, after=decision.case, entries=decision.entries, messages=(message("second"),)
    )
    world.store.cases.commit(Change(before=case, after=decision.case, entries=decision.entries))
    before = table_sizes(world.store)
    with pytest.raises(Conflict, match=f"EX-1 is no longer at version {case.version}"):
        world.store.cases.commit(change)
    assert table_sizes(world.store) == before


def test_two_changes_of_one_version_in_one_batch_have_one_winner(world):
    """Both run in one transaction of the writer: the loser does not take the winner with it."""
    case = world.proposed()
    decision = claim_of(case, world)
    write = case_write(case, decision.case, decision.entries)
    database = world.store.database

    def both(unit):
        unit.append(write)
        with pytest.raises(Conflict):
            unit.append(write)

    database.write(both)
    assert world.case(case).version == decision.case.version
    assert world.entry_names(case).count("case.claimed") == 1


def test_a_case_that_exists_is_not_opened_a_second_time(world):
    case = world.proposed()
    opening = case_write(None, case, ())
    with pytest.raises(sa.exc.IntegrityError):
        world.store.database.write(lambda unit: unit.append(opening))
    assert world.store.ledger.last_case_number() == 1


def test_controls_that_somebody_else_changed_are_not_overwritten(store):
    before = store.desk_controls.load()
    store.desk_controls.save(decision_after(before, paused_entry(before)))
    with pytest.raises(Conflict, match="no longer at version 0"):
        store.desk_controls.save(decision_after(before, paused_entry(before, reason="other")))
    assert [pause.reason for pause in store.desk_controls.load().pauses] == ["wait"]


# --- the ledger ---------------------------------------------------------------------------------


def test_lines_of_several_jobs_get_their_places_in_order_and_chain(world):
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
    lines = list(world.store.ledger.rows())
    assert [line.seq for line in lines] == [1, 2, 3]
    chain, tree = GENESIS, Tree()
    for line in lines:
        leaf = leaf_hash(bytes(line.body))
        chain, tree = chain_hash(chain, leaf), tree.append(leaf)
        assert (line.leaf, line.chain) == (leaf.hex(), chain)
    size, last_link, peaks = world.store.ledger.head()
    assert (size, last_link) == (3, chain)
    assert [bytes.fromhex(peak) for peak in peaks] == list(tree.peaks)


def test_entries_about_the_desk_and_a_case_share_one_ledger(world):
    world.receive()
    world.desk.controls.pause("", by=principal("ben"), reason="wait", surface=Surface.SLACK)
    owners = [row.case_id for row in world.store.ledger.rows()]
    assert owners == ["EX-1", "DESK"]


def test_a_job_that_appends_nothing_moves_no_head(store):
    heads = rows_of(store, tables.heads)
    store.database.write(lambda unit: unit.controls())
    assert rows_of(store, tables.heads) == heads


def test_without_its_head_the_ledger_takes_no_line(store):
    store.database.write(
        lambda unit: (
            unit.connection.execute(
                sa.delete(tables.heads).where(tables.heads.c.name == "cases")
            ).rowcount
        ),
        appends=False,
    )
    with pytest.raises(LedgerBroken, match="restore a backup"):
        store.database.write(lambda unit: unit.next_case_id())


def test_another_process_that_appends_is_noticed_and_nothing_is_lost(world):
    """A writer of a file keeps the heads in memory between its transactions."""
    database = Database(world.store.database.url)
    other = World(Store.over(database), outside=world)
    try:
        case = world.proposed()
        for number in range(2, 14):
            writer = (world, world, other)[number % 3]
            assert writer.receive(world.signal(f"item:{number}")).case_id == f"EX-{number}"
        decision = claim_of(case, world)
        other.receive(world.signal("item:99"))
        world.store.cases.commit(Change(before=case, after=decision.case, entries=decision.entries))
        places = [row.seq for row in world.store.ledger.rows()]
        assert places == list(range(1, len(places) + 1))
        assert replay(database).differences == ()
    finally:
        database.close()


def test_a_job_that_moves_the_heads_itself_is_refused(world):
    world.receive()

    def forge(unit):
        unit.next_case_id()
        heads = tables.heads.c
        unit.connection.execute(
            sa.update(tables.heads).where(heads.name == "ledger").values(number=heads.number + 1)
        )
        unit.append_controls(decision_after(DeskControls(), paused_entry(DeskControls())))

    with pytest.raises(LedgerBroken):
        world.store.database.write(forge)
    assert replay(world.store.database).differences == ()


def test_numbers_go_on_above_the_one_named_and_never_down(world):
    world.receive()
    world.store.database.write(lambda unit: unit.number_above(40))
    world.store.database.write(lambda unit: unit.number_above(7))
    receipt = world.receive(world.signal("product:2"))
    assert receipt.case_id == "EX-41"
    assert world.store.cases.last_case_number() == world.store.ledger.last_case_number() == 41


# --- reading inside the transaction -------------------------------------------------------------


def test_a_job_reads_what_it_has_written_before_anybody_else_does(world):
    case = world.proposed()
    decision = claim_of(case, world)

    def job(unit):
        unit.append(case_write(case, decision.case, decision.entries))
        return unit.case(case.id).version, world.case(case).version

    inside, outside = world.store.database.write(job)
    assert (inside, outside) == (decision.case.version, case.version)


def test_the_latest_case_of_the_first_fingerprint_that_has_one(world):
    first, second = world.signal("product:1"), world.signal("product:2")
    world.receive(first)
    world.receive(second)

    def latest(*fingerprints):
        case = world.store.database.write(lambda unit: unit.latest_case(fingerprints))
        return case and case.id

    assert latest(second.fingerprint, first.fingerprint) == "EX-2"
    assert latest("unknown", first.fingerprint) == "EX-1"
    assert latest("unknown") is latest() is None


def test_there_is_no_case_under_an_unknown_id(store):
    assert store.database.write(lambda unit: unit.case("EX-9")) is None


# --- leases -------------------------------------------------------------------------------------


def test_a_decision_under_a_lease_that_was_lost_writes_nothing(world):
    case = world.proposed()
    world.work()
    decision = claim_of(case, world)
    stale = stale_lease(world.store, "card:stale")
    before = table_sizes(world.store)
    for more in ({"finish": stale}, {"finish": stale, "retry_at": NOON}, {"renew": stale}):
        with pytest.raises(StaleFence, match="card:stale"):
            world.store.cases.commit(
                Change(before=case, after=decision.case, entries=decision.entries), **more
            )
    assert table_sizes(world.store) == before
    assert world.case(case) == case


def test_a_decision_can_give_its_message_back_for_later(world):
    case = world.proposed()
    decision = claim_of(case, world)
    world.store.outbox.enqueue([message("card:later")])
    leased_message = lease(world.store, at=world.clock())
    later = NOON + timedelta(minutes=5)
    change = Change(before=case, after=decision.case, entries=decision.entries)
    world.store.cases.commit(change, finish=leased_message, retry_at=later)
    row = outbox_row(world.store, leased_message.key)
    assert (row.state, row.run_at, row.doubt, row.attempts) == ("ready", later.timestamp(), 0, 0)


def test_a_decision_can_go_on_under_its_lease_and_extend_it(world):
    case = world.proposed()
    decision = claim_of(case, world)
    world.store.outbox.enqueue([message("card:on")])
    leased_message = lease(world.store, at=world.clock(), seconds=30)
    until = NOON + timedelta(minutes=5)
    change = Change(before=case, after=decision.case, entries=decision.entries)
    world.store.cases.commit(change, renew=leased_message, renew_until=until)
    row = outbox_row(world.store, leased_message.key)
    assert (row.state, row.run_at, row.fence) == ("leased", until.timestamp(), leased_message.fence)


def test_checking_a_lease_without_a_time_leaves_its_end_where_it_was(store):
    store.outbox.enqueue([message("card:EX-1")])
    leased_message = lease(store, seconds=30)
    store.database.write(lambda unit: unit.hold(leased_message), appends=False)
    assert outbox_row(store, leased_message.key).run_at == NOON.timestamp() + 30


# --- handing over to local workers --------------------------------------------------------------


class Worker:
    """A worker pool of this process that only notes what it is given."""

    topics = (Topic.CARD,)
    lease_for = 30.0

    def __init__(self, *, room=True) -> None:
        self.room = room
        self.messages = []
        self.wakes = 0
        self.times = []

    def has_room(self):
        return self.room

    def accept(self, messages):
        self.messages += messages

    def wake(self, at=None):
        if at is None:
            self.wakes += 1
        else:
            self.times.append(at)


def enqueue_with(store, worker, messages, now=NOON):
    store.database.local_workers.append(worker)
    store.database.write(lambda unit: unit.enqueue(messages, now), appends=False)


def test_a_message_that_is_due_is_leased_to_a_local_worker_in_the_same_transaction(store):
    worker = Worker()
    enqueue_with(store, worker, [message("card:EX-1")])
    (leased_message,) = worker.messages
    row = outbox_row(store, "card:EX-1")
    assert (row.state, row.fence, row.run_at) == (
        "leased",
        leased_message.fence,
        NOON.timestamp() + 30,
    )
    assert (leased_message.uncertain_attempts, worker.wakes) == (1, 0)


@pytest.mark.parametrize(
    ("room", "requested", "wakes"),
    [
        (False, message("card:EX-1"), 1),
        (True, message("card:EX-1", run_at=NOON + timedelta(seconds=1)), 0),
        (True, message("note:EX-1", topic=Topic.NOTE), 0),
    ],
    ids=["no room", "not due", "another topic"],
)
def test_a_message_that_cannot_be_handed_over_waits_and_wakes_whoever_has_to_look_for_it(
    store, room, requested, wakes
):
    worker = Worker(room=room)
    enqueue_with(store, worker, [requested])
    assert (worker.messages, outbox_row(store, requested.key).state) == ([], "ready")
    assert worker.wakes == wakes


def test_a_message_that_is_due_later_wakes_then(store):
    worker = Worker()
    later = NOON + timedelta(seconds=1)
    messages = [message("card:EX-1", run_at=later), message("note:EX-1", topic=Topic.NOTE)]
    enqueue_with(store, worker, messages)
    assert (worker.messages, worker.wakes, worker.times) == ([], 0, [later])


def test_a_message_that_was_done_before_is_handed_over_again(store):
    store.outbox.enqueue([message("card:EX-1")])
    store.outbox.finish(lease(store))
    worker = Worker()
    enqueue_with(store, worker, [message("card:EX-1", payload={"is": "new"})])
    (leased_message,) = worker.messages
    row = outbox_row(store, "card:EX-1")
    assert (row.state, row.wanted, row.run_at) == ("leased", 2, NOON.timestamp() + 30)
    assert (leased_message.fence, leased_message.requests) == (row.fence, 2) == (2, 2)
    assert (leased_message.uncertain_attempts, leased_message.payload) == (1, {"is": "new"})


def test_a_message_that_another_worker_has_is_requested_once_more_and_not_handed_over(store):
    store.outbox.enqueue([message("card:EX-1")])
    theirs = lease(store)
    worker = Worker()
    enqueue_with(store, worker, [message("card:EX-1")])
    row = outbox_row(store, "card:EX-1")
    assert (worker.messages, worker.wakes) == ([], 0)
    assert (row.state, row.fence, row.wanted) == ("leased", theirs.fence, 2)


def test_a_message_that_waits_out_a_failure_goes_on_waiting(store):
    store.outbox.enqueue([message("card:EX-1")])
    later = NOON + timedelta(minutes=5)
    store.outbox.retry(lease(store), later, "away", certain=True)
    worker = Worker()
    enqueue_with(store, worker, [message("card:EX-1")])
    row = outbox_row(store, "card:EX-1")
    assert (worker.messages, row.state, row.run_at) == ([], "ready", later.timestamp())


def test_a_message_requested_again_while_it_was_in_hand_wakes_when_it_is_done(store):
    store.outbox.enqueue([message("card:EX-1")])
    leased_message = lease(store)
    store.outbox.enqueue([message("card:EX-1")])
    worker = Worker()
    store.database.local_workers.append(worker)
    store.outbox.finish(leased_message)
    assert (worker.wakes, outbox_row(store, "card:EX-1").state) == (1, "ready")
    store.outbox.finish(lease(store))
    assert worker.wakes == 1


def test_a_request_without_a_time_is_not_leased_in_the_transaction(store):
    worker = Worker()
    enqueue_with(store, worker, [message("card:EX-1")], now=None)
    assert (worker.messages, worker.wakes) == ([], 1)


def test_no_request_wakes_nobody(store):
    worker = Worker()
    enqueue_with(store, worker, [])
    assert (worker.messages, worker.wakes) == ([], 0)


def test_a_job_that_fails_hands_nothing_over(store):
    worker = Worker()
    store.database.local_workers.append(worker)
    run_and_fail(store, lambda unit: unit.enqueue([message("card:EX-1")], NOON))
    assert (worker.messages, worker.wakes) == ([], 0)
    assert rows_of(store, tables.outbox) == []

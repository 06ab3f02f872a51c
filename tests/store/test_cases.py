"""The case store, the same on SQLite and PostgreSQL."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases import commands as m
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.decide import decide
from bot.cases.entries import RejectReason
from bot.cases.errors import Conflict, KeyReused, NoSuchCase, Refusal
from bot.cases.signal import SignalStatus
from bot.ports.case_store import Change, ReceiptOutcome
from bot.ports.outbox import OutboxMessage, Topic
from bot.store import tables
from tests.cases.making import ANA, asker
from tests.fakes.directory import principal
from tests.world import request


def test_a_signal_opens_a_case_once_however_often_it_is_sent(world):
    signal = world.signal()
    assert world.receive(signal).outcome is ReceiptOutcome.OPENED
    assert [world.receive(signal).outcome for _ in range(3)] == [ReceiptOutcome.DUPLICATE] * 3
    assert world.store.queries.counts() == {"OPEN": 1}


def test_fifty_parallel_deliveries_of_one_signal_are_one_case(world):
    signal = world.signal()
    with ThreadPoolExecutor(16) as many:
        receipts = list(many.map(lambda _: world.receive(signal), range(50)))
    assert sorted(receipt.outcome for receipt in receipts) == ["duplicate"] * 49 + ["opened"]
    assert {receipt.case_id for receipt in receipts} == {"EX-1"}


def test_the_same_key_with_another_body_is_kept_refused_and_merged_into_nothing(world):
    signal = world.signal()
    world.receive(signal)
    other = replace(signal, title="something else entirely")
    for _ in range(2):
        with pytest.raises(KeyReused, match="used before with another body"):
            world.receive(other)
    case = world.store.cases.case("EX-1")
    assert (case.signal.title, case.activity.signal_count, case.activity.conflict_count) == (
        signal.title,
        1,
        1,
    )
    with world.store.database.read() as connection:
        kept = connection.execute(sa.select(tables.inbox_conflicts)).all()
    assert [row.digest for row in kept] == [other.body_checksum]


def test_a_recurring_signal_counts_on_the_same_case(world):
    world.receive()
    assert [world.receive().outcome for _ in range(4)] == [ReceiptOutcome.COUNTED] * 4
    assert world.store.cases.case("EX-1").activity.signal_count == 5


def test_different_subjects_are_different_cases_numbered_without_gaps(world):
    ids = [world.receive(world.signal(f"product:{n}")).case_id for n in range(5)]
    assert ids == ["EX-1", "EX-2", "EX-3", "EX-4", "EX-5"]


def test_a_commit_on_an_older_version_writes_nothing(world):
    case = world.proposed()
    stale = case
    world.receive()
    claim = decide(stale, m.Claim(asker(ANA), CardSnapshot.of(stale)), world.clock())
    with pytest.raises(Conflict):
        world.store.cases.commit(
            Change(
                before=stale,
                entries=claim.entries,
                after=claim.case,
                messages=(
                    OutboxMessage(
                        topic=Topic.CARD, key="never", case_id=stale.id, run_at=world.clock()
                    ),
                ),
            )
        )
    assert "case.claimed" not in world.entry_names(case)
    with world.store.database.read() as connection:
        assert (
            connection.execute(
                sa.select(tables.outbox).where(tables.outbox.c.key == "never")
            ).first()
            is None
        )


def test_there_is_no_case_by_that_name(store):
    with pytest.raises(NoSuchCase):
        store.cases.case("EX-1")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("races", [100, pytest.param(1000, marks=pytest.mark.proof)])
def test_races_of_approve_against_reject_have_one_winner_each(world, races):
    """Two people, released together, many times: one decision, and the other is told who and what."""
    world.people.members["floor-managers"] = {"ana", "omar"}
    cases = []
    for number in range(races):
        world.receive(world.signal(f"product:{number}"))
    # So many from one source are let through one after the other.
    world.clock.forward(minutes=1)
    while claimed := world.store.outbox.claim([Topic.TRIAGE], 200, world.clock(), 300):
        for work in claimed:
            world.desk.triage.run(work)
            cases.append(work.case_id)
    assert len(cases) == races
    seen = {case_id: world.seen(case_id) for case_id in cases}
    barrier, told = threading.Barrier(2, timeout=60), []

    def person(decide_one):
        for case_id in cases:
            barrier.wait()
            try:
                decide_one(case_id)
            except Refusal as refusal:
                told.append(str(refusal))

    approve = threading.Thread(
        target=person,
        args=[
            lambda case_id: world.desk.decisions.approve(
                request(case_id, principal("ana"), seen[case_id])
            )
        ],
    )
    reject = threading.Thread(
        target=person,
        args=[
            lambda case_id: world.desk.decisions.reject(
                request(case_id, principal("omar"), seen[case_id]), reason=RejectReason.NOT_WORTH_IT
            )
        ],
    )
    for thread in (approve, reject):
        thread.start()
    for thread in (approve, reject):
        thread.join()
    states = world.store.queries.counts()
    assert states.get("APPROVED", 0) + states.get("REJECTED", 0) == races
    assert len(told) == races
    assert all("rejected by Omar" in text or "approved by Ana" in text for text in told)
    decided = [json.loads(bytes(row.body))["type"] for row in world.store.ledger.rows()]
    assert decided.count("plan.authorised") + decided.count("plan.rejected") == races
    assert decided.count("attempt.refused") == races
    assert replay(world.store.database).differences == ()


def test_the_naive_way_does_lose_the_race(tmp_path):
    """The positive control: load, test, set, commit, without a compare-and-set, has two winners."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'naive.db'}")
    metadata = sa.MetaData()
    table = sa.Table(
        "cases",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text),
    )
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"id": n, "state": "PENDING"} for n in range(30)])
    barrier, winners = threading.Barrier(2), []

    def press(state):
        for n in range(30):
            with engine.connect() as connection:
                pending = (
                    connection.execute(sa.select(table.c.state).where(table.c.id == n)).scalar_one()
                    == "PENDING"
                )
                connection.rollback()
            barrier.wait()
            if pending:
                with engine.begin() as connection:
                    connection.execute(sa.update(table).where(table.c.id == n).values(state=state))
                winners.append(n)

    threads = [threading.Thread(target=press, args=[state]) for state in ("APPROVED", "REJECTED")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) > 30


def test_usage_counts_what_was_begun_today(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    other = replace(world.case(case).proposal.plan, case_id="EX-99")
    day = (timedelta(days=1),)
    (row,) = world.store.cases.usage(world.clock(), day, plan=other).rows
    assert (row.action, row.target) == ("house.order_stock", "order_stock:1")
    assert (row.times, row.amount) == (1, 100)
    world.clock.forward(days=1, seconds=1)
    assert world.store.cases.usage(world.clock(), day, plan=other).rows == ()


# --- changes that change nothing ------------------------------------------------------------------


def test_a_change_without_entries_is_a_mistake(world):
    case = world.proposed()
    with pytest.raises((ValueError, IndexError)):
        world.store.cases.commit(Change(before=case, after=case, entries=()))
    assert world.case(case) == case


def test_a_signal_about_nothing_is_received_and_ignored_once(world):
    signal = world.signal(status=SignalStatus.CLEAR)
    assert world.receive(signal).outcome is ReceiptOutcome.IGNORED
    assert world.receive(signal).outcome is ReceiptOutcome.DUPLICATE
    assert world.store.queries.counts() == {}
    with world.store.database.read() as connection:
        (row,) = connection.execute(sa.select(tables.inbox)).all()
    assert (row.outcome, row.case_id, bytes(row.body)) == ("ignored", None, b"{}")


def test_an_ignored_key_with_another_body_is_kept_and_touches_no_case(world):
    signal = world.signal(status=SignalStatus.CLEAR)
    world.receive(signal)
    with pytest.raises(KeyReused):
        world.receive(replace(signal, title="something else"))
    with world.store.database.read() as connection:
        rows = connection.execute(sa.select(tables.inbox_conflicts)).all()
    assert len(rows) == 1
    assert list(world.store.ledger.rows()) == []


def test_entries_are_read_above_a_version(world):
    case = world.proposed()
    entries = world.store.cases.entries(case.id)
    assert [entry.version for entry in entries] == list(range(1, case.version + 1))
    assert world.store.cases.entries(case.id, after=2) == entries[2:]
    assert world.store.cases.entries(case.id, after=case.version) == []
    assert world.store.cases.entries("EX-9") == []


def test_a_case_that_is_not_there_is_named_up_to_a_length(store):
    with pytest.raises(NoSuchCase) as refusal:
        store.cases.case("EX-" + "9" * 5_000)
    assert len(str(refusal.value)) < 100


def test_the_bytes_of_a_signal_stay_as_they_came(world):
    raw = b'{"odd": "\xff\x00"}'
    world.desk.intake.receive(world.signal(), raw)
    with world.store.database.read() as connection:
        assert bytes(connection.execute(sa.select(tables.inbox.c.body)).scalar_one()) == raw

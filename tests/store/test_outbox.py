"""The outbox: leases, fences, parking, priorities, on SQLite and PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.errors import StaleFence
from bot.ports.outbox import OutboxMessage, Topic
from bot.store.outbox_rows import CLAIM
from tests.fakes.clock import NOON
from tests.world import HOUR


def test_a_stale_fence_writes_nothing(world):
    world.receive()
    (first,) = world.store.outbox.claim([Topic.TRIAGE], 10, world.clock(), 30)
    world.clock.forward(seconds=31)
    (second,) = world.store.outbox.claim([Topic.TRIAGE], 10, world.clock(), 30)
    assert (second.fence, second.uncertain_attempts) == (first.fence + 1, 2)
    with pytest.raises(StaleFence):
        world.store.outbox.finish(first)
    world.store.outbox.finish(second)
    assert world.store.outbox.backlog() == {}


def test_work_under_lease_is_nobody_elses(world):
    world.receive()
    assert len(world.store.outbox.claim([Topic.TRIAGE], 10, world.clock(), 30)) == 1
    assert world.store.outbox.claim([Topic.TRIAGE], 10, world.clock(), 30) == []
    assert not world.store.outbox.has_due([Topic.TRIAGE], world.clock())


def test_a_card_asked_for_while_it_is_drawn_is_drawn_once_more(world):
    case = world.proposed()
    world.receive()
    (work,) = world.store.outbox.claim([Topic.CARD], 1, world.clock(), 30)
    world.receive()
    world.store.outbox.finish(work)
    (again,) = world.store.outbox.claim([Topic.CARD], 10, world.clock(), 30)
    assert (again.key, again.uncertain_attempts) == (f"card:{case.id}", 1)


def test_parked_work_waits_for_a_person_and_can_be_let_go(world):
    world.receive()
    (work,) = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
    world.store.outbox.park(work, "no such table")
    assert world.store.outbox.claim([Topic.TRIAGE], 1, world.clock() + timedelta(days=9), 30) == []
    assert [(row["key"], row["error"]) for row in world.store.outbox.parked_messages()] == [
        ("triage:EX-1", "no such table")
    ]
    assert world.store.outbox.unpark("triage:EX-1", world.clock())
    assert not world.store.outbox.unpark("triage:EX-1", world.clock())
    assert len(world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)) == 1


def message(key, at, **more):
    return OutboxMessage(topic=Topic.CARD, key=key, case_id="", run_at=at, **more)


def claimed_keys(store, at, limit=10):
    return [message.key for message in store.outbox.claim([Topic.CARD], limit, at, 30)]


def test_of_those_that_are_due_the_lower_number_goes_first_and_then_the_earlier(store):
    store.outbox.enqueue(
        [
            message("late", NOON),
            message("early", NOON - HOUR),
            message("urgent", NOON, priority=-5),
            message("most urgent, not yet", NOON + HOUR, priority=-9),
            message("patient", NOON - HOUR, priority=5),
        ]
    )
    for key in ("urgent", "early", "late", "patient"):
        assert claimed_keys(store, NOON, limit=1) == [key]
    assert claimed_keys(store, NOON) == []
    assert claimed_keys(store, NOON + HOUR, limit=1) == ["most urgent, not yet"]


def test_one_claim_gives_them_in_their_order_too(store):
    rows = [message(f"card:{number}", NOON, priority=number) for number in (3, -1, 2, 0, 1)]
    store.outbox.enqueue(rows)
    assert claimed_keys(store, NOON) == [f"card:{number}" for number in (-1, 0, 1, 2, 3)]


def test_what_waits_keeps_its_priority_and_what_is_done_gets_the_new_one(store):
    store.outbox.enqueue([message("a", NOON, priority=-5)])
    store.outbox.enqueue([message("a", NOON, priority=7)])
    (first,) = store.outbox.claim([Topic.CARD], 1, NOON, 30)
    assert (first.priority, first.requests) == (-5, 2)
    store.outbox.finish(first)
    store.outbox.enqueue([message("a", NOON, priority=7)])
    (second,) = store.outbox.claim([Topic.CARD], 1, NOON, 30)
    assert second.priority == 7


def test_a_claim_reads_what_is_due_and_not_what_waits(store):
    """However much waits for a later time: the plan is a range of the index."""
    store.outbox.enqueue([message(f"later:{n}", NOON + HOUR) for n in range(3_000)])
    store.outbox.enqueue([message(f"now:{n}", NOON) for n in range(3)])
    plan = plan_of_a_claim(store)
    if store.database.is_sqlite:
        assert "INDEX outbox_by_due (state=? AND topic=? AND run_at<?)" in plan
    else:
        assert "outbox_by_due" in plan
        assert "Seq Scan" not in plan


def plan_of_a_claim(store):
    values = {"topics": ["card"], "limit": 1, "now": NOON.timestamp(), "lease_until": 0.0}
    with store.database.engine.connect() as connection:
        if not store.database.is_sqlite:
            connection.exec_driver_sql("ANALYZE outbox")
        statements = []
        sa.event.listen(
            connection,
            "before_cursor_execute",
            lambda _, cursor, statement, parameters, *more: statements.append(
                (statement, parameters)
            ),
        )
        connection.execute(CLAIM, values)
        connection.rollback()
        statement, parameters = next(pair for pair in statements if pair[0].startswith("UPDATE"))
        explain = "EXPLAIN QUERY PLAN" if store.database.is_sqlite else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(" ".join(map(str, row)) for row in rows)

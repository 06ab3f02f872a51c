"""The outbox: leases, fences, parking, priorities, on SQLite and PostgreSQL."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.errors import StaleFence
from bot.ports.outbox import OutboxMessage, Topic
from bot.store.outbox_rows import CLAIM
from tests.fakes.clock import NOON
from tests.store.rows import lease, outbox_row, stale_lease
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


# --- fences -------------------------------------------------------------------------------------


def test_whoever_has_lost_the_lease_neither_retries_nor_parks_nor_requests_what_follows(store):
    stale = stale_lease(store, "a")
    row = outbox_row(store, "a")
    store.outbox.retry(stale, NOON, "away", certain=True)
    store.outbox.park(stale, "no use")
    with pytest.raises(StaleFence, match="a"):
        store.outbox.finish(stale, [message("follows", NOON)])
    assert outbox_row(store, "a") == row
    assert claimed_keys(store, NOON) == []


def test_a_message_is_finished_once(store):
    store.outbox.enqueue([message("a", NOON)])
    leased_message = lease(store)
    store.outbox.finish(leased_message)
    with pytest.raises(StaleFence):
        store.outbox.finish(leased_message)


def test_a_finished_message_requests_what_follows_in_one_transaction(store):
    store.outbox.enqueue([message("a", NOON)])
    store.outbox.finish(lease(store), [message("b", NOON), message("c", NOON + HOUR)])
    assert claimed_keys(store, NOON) == ["b"]
    assert store.outbox.backlog() == {"card leased": 1, "card ready": 1}


def test_only_leases_that_hold_are_renewed(store):
    stale = stale_lease(store, "lost")
    store.outbox.enqueue([message("held", NOON)])
    held = lease(store)
    assert store.outbox.renew([stale, held], NOON + HOUR) == {("held", held.fence)}
    assert outbox_row(store, "held").run_at == (NOON + HOUR).timestamp()
    assert outbox_row(store, "lost").run_at == NOON.timestamp() + 30


# --- doubt and attempts -------------------------------------------------------------------------


def test_an_attempt_whose_outcome_nobody_knows_leaves_doubt_until_one_is_certain(store):
    store.outbox.enqueue([message("a", NOON)])
    for attempt in (1, 2, 3):
        leased_message = lease(store)
        assert (leased_message.uncertain_attempts, leased_message.attempts) == (
            attempt,
            attempt - 1,
        )
        store.outbox.retry(leased_message, NOON, "timeout", certain=False)
    store.outbox.retry(lease(store), NOON, "refused", certain=True)
    leased_message = lease(store)
    assert (leased_message.uncertain_attempts, leased_message.attempts) == (1, 4)


def test_a_wait_is_no_failure(store):
    store.outbox.enqueue([message("a", NOON)])
    for _ in range(20):
        store.outbox.retry(lease(store), NOON, "wait", certain=True, counts=False)
    row = outbox_row(store, "a")
    assert (row.attempts, row.doubt, row.error) == (0, 0, "wait")


def test_a_back_off_ends_at_its_time_and_not_before(store):
    store.outbox.enqueue([message("a", NOON)])
    store.outbox.retry(lease(store), NOON + HOUR, "away", certain=True)
    assert not store.outbox.has_due([Topic.CARD], NOON + HOUR - timedelta(seconds=1))
    assert store.outbox.has_due([Topic.CARD], NOON + HOUR)
    assert claimed_keys(store, NOON + HOUR) == ["a"]


def test_a_request_meanwhile_neither_shortens_the_back_off_nor_forgets_the_failures(store):
    store.outbox.enqueue([message("a", NOON)])
    store.outbox.retry(lease(store), NOON + HOUR, "away", certain=False)
    store.outbox.enqueue([message("a", NOON, payload={"newer": True})])
    assert claimed_keys(store, NOON) == []
    leased_message = lease(store, at=NOON + HOUR)
    assert (
        leased_message.attempts,
        leased_message.uncertain_attempts,
        leased_message.requests,
    ) == (1, 2, 2)
    assert leased_message.payload == {"newer": True}


def test_success_forgets_failures_doubt_and_the_last_error(store):
    store.outbox.enqueue([message("a", NOON)])
    store.outbox.retry(lease(store), NOON, "away", certain=False)
    store.outbox.finish(lease(store))
    row = outbox_row(store, "a")
    assert (row.state, row.attempts, row.doubt, row.error) == ("done", 0, 0, "")


def test_what_was_never_tried_is_due_at_the_earliest_time_that_was_asked_for(store):
    store.outbox.enqueue([message("a", NOON + HOUR)])
    store.outbox.enqueue([message("a", NOON + 2 * HOUR)])
    assert outbox_row(store, "a").run_at == (NOON + HOUR).timestamp()
    store.outbox.enqueue([message("a", NOON)])
    assert claimed_keys(store, NOON) == ["a"]


def test_a_message_that_is_done_starts_afresh_when_it_is_requested_again(store):
    store.outbox.enqueue([message("a", NOON)])
    first = lease(store)
    store.outbox.finish(first)
    store.outbox.enqueue([message("a", NOON + HOUR)])
    assert claimed_keys(store, NOON) == []
    second = lease(store, at=NOON + HOUR)
    assert (second.fence, second.requests, second.attempts) == (first.fence + 1, 2, 0)
    store.outbox.finish(second)
    assert outbox_row(store, "a").state == "done"


def test_a_lease_that_ran_out_is_due_again_and_in_doubt(store):
    store.outbox.enqueue([message("a", NOON)])
    lease(store, seconds=30)
    again = NOON + timedelta(seconds=30)
    assert not store.outbox.has_due([Topic.CARD], again - timedelta(seconds=1))
    leased_message = lease(store, at=again)
    # Nobody reported a failure: the worker may have died.
    assert (leased_message.uncertain_attempts, leased_message.attempts) == (2, 0)


# --- parking ------------------------------------------------------------------------------------


def test_a_request_takes_a_parked_message_up_again_with_no_failure_to_its_name(store):
    store.outbox.enqueue([message("a", NOON)])
    store.outbox.park(lease(store), "no such channel")
    row = outbox_row(store, "a")
    assert (row.state, row.attempts, row.error) == ("parked", 1, "no such channel")
    store.outbox.enqueue([message("a", NOON + HOUR)])
    assert store.outbox.parked_messages() == []
    # Whether the parked attempt had an effect is still not known.
    leased_message = lease(store, at=NOON + HOUR)
    assert (leased_message.attempts, leased_message.uncertain_attempts) == (0, 2)


def test_parked_messages_come_by_key_with_all_their_columns(store):
    store.outbox.enqueue([message(key, NOON, payload={"key": key}) for key in ("b", "a", "c")])
    for leased_message in store.outbox.claim([Topic.CARD], 9, NOON, 30):
        store.outbox.park(leased_message, f"error of {leased_message.key}")
    rows = store.outbox.parked_messages()
    assert [row["key"] for row in rows] == ["a", "b", "c"]
    assert rows[0]["error"] == "error of a"
    assert set(rows[0]) >= {"topic", "case_id", "attempts", "payload"}


def test_only_a_parked_message_is_let_go(store):
    store.outbox.enqueue([message("a", NOON + HOUR)])
    assert not store.outbox.unpark("a", NOON)
    assert not store.outbox.unpark("unknown", NOON)
    assert outbox_row(store, "a").run_at == (NOON + HOUR).timestamp()


def test_what_is_let_go_is_due_at_once_and_tried_as_often_as_at_first(store):
    store.outbox.enqueue([message("a", NOON)])
    store.outbox.park(lease(store), "no use")
    assert store.outbox.unpark("a", NOON + HOUR)
    leased_message = lease(store, at=NOON + HOUR)
    assert (leased_message.key, leased_message.attempts) == ("a", 0)


# --- topics -------------------------------------------------------------------------------------


def test_a_claim_takes_only_its_topics_and_no_more_than_its_limit(store):
    store.outbox.enqueue([message(f"card:{number}", NOON) for number in range(5)])
    note = OutboxMessage(topic=Topic.NOTE, key="note", case_id="", run_at=NOON)
    store.outbox.enqueue([note])
    assert len(claimed_keys(store, NOON, limit=3)) == 3
    assert len(claimed_keys(store, NOON, limit=3)) == 2
    assert store.outbox.has_due([Topic.NOTE], NOON)
    assert not store.outbox.has_due([Topic.CARD, Topic.TRIAGE], NOON)


def test_running_a_topic_now_moves_what_waits_and_nothing_else(store):
    store.outbox.enqueue([message("waits", NOON + HOUR), message("leased", NOON)])
    lease(store, seconds=7200)
    note = OutboxMessage(topic=Topic.NOTE, key="note", case_id="", run_at=NOON + HOUR)
    store.outbox.enqueue([note])
    store.outbox.run_now(Topic.CARD, NOON)
    assert claimed_keys(store, NOON) == ["waits"]
    assert outbox_row(store, "leased").run_at == NOON.timestamp() + 7200
    assert outbox_row(store, "note").run_at == (NOON + HOUR).timestamp()


def test_running_now_when_nothing_waits_changes_nothing(store):
    store.outbox.run_now(Topic.CARD, NOON)
    assert store.outbox.backlog() == {}


def test_discarded_topics_are_done_without_being_done(store):
    store.outbox.enqueue([message("a", NOON), message("b", NOON)])
    store.outbox.park(lease(store), "no use")
    note = OutboxMessage(topic=Topic.NOTE, key="note", case_id="", run_at=NOON)
    store.outbox.enqueue([note])
    store.outbox.discard([Topic.CARD])
    assert store.outbox.backlog() == {"note ready": 1}
    assert store.outbox.parked_messages() == []


def test_the_backlog_counts_by_topic_and_state(store):
    store.outbox.enqueue([message(key, NOON) for key in ("a", "b", "c", "d")])
    store.outbox.finish(lease(store))
    store.outbox.park(lease(store), "no use")
    lease(store)
    assert store.outbox.backlog() == {"card leased": 1, "card parked": 1, "card ready": 1}


# --- requests -----------------------------------------------------------------------------------


def test_one_slot_of_a_job_requests_its_message_once(store):
    first, second = message("first", NOON), message("second", NOON)
    assert store.outbox.enqueue_once("digest", 7, first)
    assert not store.outbox.enqueue_once("digest", 7, second)
    assert store.outbox.enqueue_once("digest", 8, second)
    assert store.outbox.enqueue_once("storm", 7, message("third", NOON))
    assert sorted(claimed_keys(store, NOON)) == ["first", "second", "third"]


def test_no_request_is_no_transaction(store):
    before = outbox_row_count(store)
    store.outbox.enqueue([])
    assert outbox_row_count(store) == before == 0


def outbox_row_count(store):
    return sum(store.outbox.backlog().values())


def test_requests_under_one_key_in_one_transaction_are_one_effect_with_the_last_payload(store):
    store.outbox.enqueue([message("a", NOON, payload={"n": number}) for number in (1, 2, 3)])
    leased_message = lease(store)
    assert (leased_message.requests, leased_message.payload) == (3, {"n": 3})
    store.outbox.finish(leased_message)
    assert claimed_keys(store, NOON) == []

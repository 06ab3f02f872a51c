"""Scores of decisions: written with the case, read by time, and made again from the ledger."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.agreement import score_of
from bot.cases.case import BadOutcome, Case
from bot.cases.entries import RejectReason
from bot.store import tables
from bot.store.decision_records import SqlDecisionRecords
from bot.store.decision_scores import score_changes, score_differences, score_rows
from bot.store.derived import rewrite_derived_rows
from bot.store.migrate import migrate
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.store.earlier import take_back_0010
from tests.store.rows import rows_of
from tests.world import World, request

KIND, ACTION = "low_stock", "house.order_stock"
DAY = timedelta(days=1)


@pytest.fixture
def town(world) -> World:
    """Three decisions, a day apart: approved, rejected, approved and taken back."""
    world.house.undo_for = DAY
    for number in range(3):
        case = opened(world, number)
        if number == 1:
            reject(world, case)
        else:
            world.approve(case)
        world.work()
        world.clock.at += DAY / 2
        if number == 2:
            take_back(world, world.case(case))
        world.clock.at += DAY / 2
    return world


def opened(world: World, number: int) -> Case:
    case_id = world.receive(world.signal(f"product:{number}")).case_id
    world.work()
    return world.store.cases.case(case_id)


def reject(world: World, case: Case) -> None:
    by = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.reject(by, reason=RejectReason.WRONG_PLAN, note="no")


def take_back(world: World, case: Case) -> None:
    by = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.undo(by, note="the wrong one")
    world.work()


def scores(world: World, since=NOON - DAY):
    return world.store.decision_records.scores(KIND, ACTION, since)


def test_each_decision_is_written_with_its_case(town):
    first, second, third = scores(town)
    assert [one.case_id for one in (first, second, third)] == ["EX-1", "EX-2", "EX-3"]
    assert (first.agrees, second.agrees, third.agrees) == (True, False, True)
    assert (third.bad_outcome, third.bad_reason) == (BadOutcome.UNDONE, "the wrong one")
    assert third.bad_at > third.decided_at


def test_what_is_read_is_what_the_case_says(town):
    for score in scores(town):
        assert score_of(town.store.cases.case(score.case_id)) == (score,)


def test_only_the_time_asked_for_is_read(town):
    assert [one.case_id for one in scores(town, NOON + DAY)] == ["EX-2", "EX-3"]
    assert scores(town, NOON + 10 * DAY) == []
    assert town.store.decision_records.scores("other", ACTION, NOON - DAY) == []
    assert town.store.decision_records.scores(KIND, "house.other", NOON - DAY) == []


def test_the_record_is_read_by_an_index(town):
    if not town.store.database.is_sqlite:
        pytest.skip("PostgreSQL reads so small a table whole")
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM decision_scores"
        " WHERE kind = 'low_stock' AND action = 'x' AND decided_at >= 0 ORDER BY decided_at"
    )
    with town.store.database.read() as connection:
        plan = " ".join(row.detail for row in connection.execute(sa.text(query)))
    assert "decision_scores_by_action" in plan
    assert "TEMP B-TREE" not in plan


def test_a_withdrawn_approval_takes_its_score_away(world):
    case = opened(world, 1)
    world.approve(case)
    assert len(scores(world)) == 1
    by = request(case.id, principal("ana"), world.seen(case))
    from bot.cases.commands import Withdraw

    world.desk.decisions.decide(by, Withdraw)
    assert scores(world) == []
    assert replay(world.store.database).differences == ()


def test_a_change_that_decides_nothing_writes_no_score(world):
    case = opened(world, 1)
    after = world.approve(case)
    assert score_changes(after, after) == ([], [])
    (row,), dropped = score_changes(case, after)
    assert (row["case_id"], dropped) == ("EX-1", [])


def test_an_audit_finds_no_difference(town):
    assert replay(town.store.database).differences == ()


def test_a_changed_score_is_found(town):
    case = town.store.cases.case("EX-1")
    table = tables.decision_scores
    change = sa.update(table).where(table.c.case_id == "EX-1").values(action_agrees=0)
    town.store.database.write(lambda unit: unit.connection.execute(change))
    rows = [row for row in rows_of(town.store, table) if row.case_id == "EX-1"]
    assert list(score_differences(case, rows)) == [(1, ACTION)]
    (difference,) = replay(town.store.database).differences
    assert "the score of house.order_stock" in difference


def test_they_are_made_again_from_the_ledger(town):
    before = scores(town)
    table = tables.decision_scores
    town.store.database.write(lambda unit: unit.connection.execute(sa.delete(table)))
    assert scores(town) == []
    town.store.database.write(lambda unit: rewrite_derived_rows(unit.connection))
    assert scores(town) == before
    assert replay(town.store.database).differences == ()


def test_an_upgrade_fills_them(town):
    before = scores(town)
    with town.store.database.engine.begin() as connection:
        take_back_0010(connection)
    migrate(town.store.database)
    assert SqlDecisionRecords(town.store.database).scores(KIND, ACTION, NOON - DAY) == before
    assert replay(town.store.database).differences == ()


def test_rows_have_a_key_for_each_revision_and_action(town):
    case = town.store.cases.case("EX-1")
    assert list(score_rows(case)) == [(1, ACTION)]

"""Decisions read for figures: with what was opened before them, and no name of who opened it."""

from datetime import timedelta

from bot.audit.approver_decisions import read_decisions
from bot.store import tables
from tests.fakes.clock import NOON
from tests.store.rows import rows_of


def decide(world, subject, *, opened):
    receipt = world.receive(world.signal(subject))
    world.work()
    case = world.store.cases.case(receipt.case_id)
    world.clock.forward(seconds=30)
    if opened:
        world.store.details_openings.record(
            case.id, case.proposal.revision, world.clock() - timedelta(seconds=opened)
        )
    world.approve(case)
    world.work()
    return case.id


def openings(world):
    samples = read_decisions(world.store.database, NOON - timedelta(days=1))
    return {sample.case_id: sample.has_opened_details for sample in samples}


def test_each_decision_knows_whether_somebody_had_looked(world):
    before = decide(world, "product:1", opened=0)
    assert openings(world) == {before: None}
    first = decide(world, "product:2", opened=30)
    without = decide(world, "product:3", opened=0)
    late = decide(world, "product:4", opened=-5)
    # Nothing is said of what was shown before the first opening was recorded.
    assert openings(world) == {before: None, first: True, without: False, late: False}


def test_the_first_opening_counts_and_nobody_is_named(world):
    case = world.proposed()
    for seconds in (5, 1, 9):
        world.store.details_openings.record(case.id, 1, NOON + timedelta(seconds=seconds))
    (row,) = rows_of(world.store, tables.details_openings)
    assert dict(row._mapping) == {
        "case_id": case.id,
        "revision": 1,
        "first_at": (NOON + timedelta(seconds=5)).timestamp(),
    }

"""The job that removes what is past its term, by the rules in force."""

from datetime import timedelta

import pytest

from bot.cases.retention import DataKind, Retention
from bot.desk.decision_priority import DecisionPriority
from scheduler.retention import (
    RetentionDelays,
    RetentionJob,
    RetentionTerms,
    describe_delays,
    describe_terms,
)
from tests.world import policy

DAY = timedelta(days=1)


def job_of(world, **changes) -> RetentionJob:
    terms = RetentionTerms(
        rules=world.desk.decisions.proposals.rules, desk_controls=world.store.desk_controls
    )
    parts = {
        "terms": terms,
        "store": world.store.retention,
        "priority": DecisionPriority(),
        "clock": world.clock,
        "delays": RetentionDelays(),
        **changes,
    }
    return RetentionJob(**parts)


@pytest.fixture
def old_world(small_world):
    """A world with one case that ended 400 days ago."""
    world = small_world
    world.receive(world.signal("cellar:77", title="Merlot is low"))
    world.work()
    world.approve(world.store.cases.case("EX-1"))
    world.work()
    world.clock.forward(days=400)
    world.work()
    return world


def title_of(world) -> str:
    return world.store.cases.case("EX-1").signal.title


def test_the_job_does_nothing_until_policy_names_a_term(old_world):
    world = old_world
    size = world.store.ledger.head()[0]
    job_of(world).run()
    assert (title_of(world), world.store.ledger.head()[0]) == ("Merlot is low", size)
    world.library.rules = policy(retention=Retention(cases=365 * DAY))
    job_of(world).run()
    assert title_of(world) == "[erased]"
    size = world.store.ledger.head()[0]
    job_of(world).run()
    assert world.store.ledger.head()[0] == size


def test_a_term_is_never_shorter_than_what_looks_back(old_world):
    world = old_world
    world.library.rules = policy(retention=Retention(cases=DAY))
    terms = job_of(world).terms
    assert terms.order(world.clock()).retention.cases == policy().shortest_case_term
    assert policy().shortest_case_term >= timedelta(days=92)


def test_while_a_change_of_the_rules_waits_what_either_keeps_is_kept(old_world):
    """Whoever writes the file shortens no term alone."""
    world = old_world
    world.library.rules = policy(retention=Retention(cases=500 * DAY, hold=("EX-9",)))
    world.desk.upkeep.rule_review.review()
    adopted = world.library.rules.checksum
    world.library.rules = policy(retention=Retention(cases=200 * DAY, signals=DAY))
    world.start("")
    order = job_of(world).terms.order(world.clock())
    assert order.retention == Retention(cases=500 * DAY, hold=("EX-9",))
    assert order.policy == adopted
    job_of(world).run()
    assert title_of(world) == "Merlot is low"


def test_a_run_ends_in_time_and_the_next_goes_on(old_world):
    world = old_world
    world.library.rules = policy(retention=Retention(cases=365 * DAY))
    moments = iter([0.0, 700.0, 700.0, 700.0])
    job_of(world, seconds_now=lambda: next(moments)).run()
    assert title_of(world) == "Merlot is low"
    job_of(world).run()
    assert title_of(world) == "[erased]"


def test_data_that_are_long_past_their_term_are_told_of(old_world):
    world = old_world
    world.library.rules = policy(retention=Retention(cases=365 * DAY))
    job = job_of(world)
    order = job.terms.order(world.clock())
    held = world.store.retention.describe(order)
    (sentence,) = describe_delays(order, held)
    assert sentence.startswith("1 ended cases are past their term, the oldest by 3")
    (line,) = [one for one in describe_terms(order, held) if one.startswith("ended cases")]
    assert line.startswith("ended cases: kept for 365 days; the oldest from ")
    job.run()
    assert job.delays.describe() == []


def test_a_run_that_fails_is_told_of_too(old_world):
    world = old_world
    world.library.rules = policy(retention=Retention(cases=365 * DAY))

    class Refusing:
        """A store whose role may not change the ledger."""

        def __init__(self, store):
            self.begin_run, self.describe = store.begin_run, store.describe

        def remove_batch(self, run, kind, order):
            if kind is DataKind.CASES:
                raise PermissionError("permission denied for table ledger")
            return 0

    job = job_of(world, store=Refusing(world.store.retention))
    with pytest.raises(PermissionError):
        job.run()
    assert "ended cases are past their term" in job.delays.describe()[0]

"""A case that needs nobody: one message, posted with the outcome, and a sample of them reviewed."""

from datetime import timedelta

import pytest

from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.world import playbook, policy, request


@pytest.fixture
def alone(small_world):
    """Let the plans of the playbook run without a person."""
    terms = PlaybookTerms(stage=Stage.AUTONOMOUS, owners=playbook().owners.by_role())
    small_world.library.book = playbook(terms=terms)
    small_world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    small_world.house.undo_for = timedelta(minutes=30)
    return small_world


def run_alone(world, number):
    receipt = world.receive(world.signal(subject=f"product:{number}"))
    world.work()
    case = world.store.cases.case(receipt.case_id)
    assert (case.state, case.was_auto_approved) == (State.RESOLVED, True)
    return case


def test_it_is_one_message_which_has_the_outcome(alone):
    case = run_alone(alone, 1)
    assert len(alone.house.effects) == 1
    # One drawing, of the case as it ended.
    (drawings,) = alone.chat.cards.values()
    assert [one.state for one in drawings] == [State.RESOLVED]
    assert alone.chat.notes == []
    assert alone.chat.evidence == []
    assert alone.store.outbox.waiting_keys(Topic.NOTE, case.id) == []


def test_what_goes_wrong_is_told_in_the_thread(alone):
    alone.house.faults = {"execute": ["refuse"]}
    receipt = alone.receive()
    alone.work()
    case = alone.store.cases.case(receipt.case_id)
    assert case.state is not State.RESOLVED
    assert alone.chat.notes


def test_fewer_are_sampled_as_clean_runs_add_up_and_all_again_after_a_bad_one(alone):
    cases = [run_alone(alone, number) for number in range(1, 13)]
    assert [case.activity.review.one_in for case in cases] == [1] * 10 + [5, 5]
    first = cases[0]
    assert first.is_review_due
    alone.desk.decisions.review_wrong(
        request(first.id, principal("ana"), alone.seen(first)), note="we had enough"
    )
    # The stage is taken back in that commit: people are asked now.
    assert alone.proposed().state is State.PROPOSED
    assert alone.store.decision_records.clean_runs("low_stock", "house.order_stock", 60) == 0

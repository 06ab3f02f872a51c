"""The health of approval queues: figures of groups, from real entries, and never of a person."""

import dataclasses
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approver_health import (
    MIN_DECISIONS,
    DecisionSample,
    decision_samples,
    measure_health,
)
from bot.cases.entries import RejectReason
from bot.cases.probe import Probe, ProbeAnswer
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.world import request

ANA, BEN, OMAR = map(principal, ("ana", "ben", "omar"))


def sample(number=0, *, person=ANA, author="", after=60.0, words=40, **more):
    at = NOON + timedelta(minutes=10 * number)
    return DecisionSample(
        group="floor-managers",
        person=person,
        case_id=f"EX-{number}",
        revision=1,
        has_opened_details=more.pop("opened", None),
        author=author,
        is_approval=more.pop("is_approval", True),
        shown_at=at - timedelta(seconds=after),
        at=at,
        words=words,
    )


def many(count=MIN_DECISIONS, **more):
    people = [f"T1/U{number}" for number in range(4)]
    return [sample(number, person=people[number % 4], **more) for number in range(count)]


def only(samples):
    (queue,) = measure_health(samples)
    return queue


def test_decisions_are_read_from_the_entries_of_a_case(small_world):
    case = small_world.proposed()
    small_world.clock.forward(seconds=30)
    small_world.desk.decisions.edit(
        request(case.id, OMAR, small_world.seen(case)), values={"quantity": 12}
    )
    small_world.clock.forward(seconds=90)
    small_world.approve(small_world.case(case))
    small_world.work()
    (decision,) = decision_samples(small_world.store.cases.entries(case.id))
    assert (decision.group, decision.person, decision.author) == ("floor-managers", ANA, OMAR)
    # The time begins anew with the edit.
    assert (decision.at - decision.shown_at).total_seconds() == pytest.approx(90)
    assert decision.is_approval
    assert decision.words > 5


def test_a_rejection_is_a_decision_and_what_policy_approves_is_none(small_world):
    case = small_world.proposed()
    small_world.desk.decisions.reject(
        request(case.id, ANA, small_world.seen(case)), RejectReason.NOT_WORTH_IT, ""
    )
    (decision,) = decision_samples(small_world.store.cases.entries(case.id))
    assert not decision.is_approval


def test_figures_of_a_group():
    queue = only([*many(15, after=60), *many(5, after=300, is_approval=False)])
    assert (queue.decisions, queue.people, queue.time_to_decide) == (20, 4, 60)
    assert queue.approval_share == 0.75
    assert queue.busiest_share == pytest.approx(6 / 20)


def test_nobody_reads_forty_words_in_two_seconds():
    assert only(many(after=2)).fast_share == 1.0
    assert only(many(after=10)).fast_share == 0.0


def test_ten_cards_in_ten_seconds_were_not_read_however_old_they_are():
    samples = []
    for number, one in enumerate(many(after=3_600)):
        at = NOON + timedelta(seconds=number)
        shown_at = NOON - timedelta(hours=1)
        samples.append(
            dataclasses.replace(one, person=f"T1/U{number % 3}", at=at, shown_at=shown_at)
        )
    # The first of each person has the whole hour.
    assert only(samples).fast_share == pytest.approx((len(samples) - 3) / len(samples))


def test_a_queue_is_rubber_stamped_when_it_is_fast_and_never_refused():
    assert only(many(after=1)).is_rubber_stamped
    assert not only(many(after=60)).is_rubber_stamped
    assert not only(many(MIN_DECISIONS - 1, after=1)).is_rubber_stamped
    assert not only([*many(after=1), sample(99, is_approval=False)]).is_rubber_stamped


def test_what_was_decided_without_the_details_is_a_share_of_what_was_counted():
    counted = [*many(9, opened=True), *many(3, opened=False)]
    assert only([*counted, *many(8)]).unopened_share == 0.25
    # Nothing is said of decisions made before anybody counted.
    assert only(many()).unopened_share is None


def test_practice_is_counted_where_a_group_is_large_enough():
    answers = [ProbeAnswer.APPROVED, ProbeAnswer.REJECTED, ProbeAnswer.EDITED, ProbeAnswer.NONE]
    probes = [
        Probe(of_case="EX-1", group="floor-managers", source="api", reason="", answer=answer)
        for answer in (*answers, None)
    ]
    probes.append(replace(probes[0], group="finance"))
    (queue,) = measure_health(many(), probes)
    # What nobody decided says nothing about how people look.
    assert (queue.practice_count, queue.noticed_count) == (3, 2)
    (small,) = measure_health([sample(number) for number in range(9)], probes)
    assert (small.practice_count, small.noticed_count) == (None, None)


def test_who_approves_whose_is_one_figure():
    pairs = [sample(number, person=ANA, author=OMAR) for number in range(6)]
    pairs += [sample(10, person=BEN, author=OMAR), sample(11, person="T1/U3", author=ANA)]
    assert only(pairs).pair_share == pytest.approx(6 / 8)


@pytest.mark.parametrize("people", [1, 2])
def test_figures_about_few_people_are_left_out(people):
    accounts = [f"T1/U{number}" for number in range(people)]
    samples = [
        sample(number, person=accounts[number % people], author=OMAR, after=1, opened=True)
        for number in range(30)
    ]
    queue = only(samples)
    hidden = (queue.fast_share, queue.unopened_share, queue.busiest_share, queue.pair_share)
    assert hidden == (None,) * 4
    assert not queue.is_rubber_stamped
    assert queue.decisions == 30


def test_no_figure_names_a_person():
    queue = only(many(author=OMAR))
    texts = [value for value in dataclasses.astuple(queue) if isinstance(value, str)]
    assert texts == ["floor-managers"]

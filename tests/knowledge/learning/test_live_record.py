"""Answers of people correct the confidence, and end promises that are not kept."""

import random
from datetime import timedelta

import pytest

from knowledge.learning.calibration import PrecisionGuarantee
from knowledge.learning.live_record import (
    MIN_ANSWERS,
    NO_CORRECTION,
    NO_RECORD,
    CardAnswer,
    find_lapse,
    fit_correction,
    live_record,
)
from knowledge.learning.plan_estimate import PlanEstimate
from knowledge.learning.promise_words import NOT_READ, assure
from tests.cases.making import NOW

ACTION = "house.order_stock"


def answers(share, count, *, seed=1, confidence=0.9, per_week=20, first=0):
    """Answers of which a share is right, by chance."""
    dice = random.Random(seed)
    return [
        CardAnswer(
            seq=number,
            confidence=confidence,
            was_right=dice.random() < share,
            at=NOW + timedelta(weeks=1) * (number / per_week),
            promise=90,
        )
        for number in range(first, first + count)
    ]


def count_until_lapse(target, stream):
    lapsed_at = find_lapse(target, stream)
    return next((n for n, one in enumerate(stream, start=1) if one.at == lapsed_at), None)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("confidence", [0.05, 0.5, 0.9, 0.99])
def test_a_correction_comes_near_what_people_confirmed_however_far_that_is(share, confidence):
    confirmed = answers(share, 200, confidence=confidence)
    right = sum(answer.was_right for answer in confirmed)
    correction = fit_correction(confirmed)
    # Twenty pseudo-answers hold it to the model.
    expected = (right + 20 * confidence) / 220
    assert correction.correct(confidence) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("target", [0.8, 0.9, 0.95])
def test_at_most_five_of_a_hundred_kept_promises_lapse(target):
    lapses = [
        find_lapse(target, answers(target, 150, seed=seed, per_week=15)) for seed in range(200)
    ]
    assert sum(lapse is not None for lapse in lapses) <= 10


@pytest.mark.parametrize(("target", "median"), [(0.8, 140), (0.9, 100), (0.95, 70)])
def test_ten_points_below_the_target_are_noticed(target, median):
    counts = []
    for seed in range(60):
        count = count_until_lapse(target, answers(target - 0.1, 300, seed=seed))
        counts.append(count or 1_000)
    assert sorted(counts)[30] <= median


def test_good_weeks_do_not_pay_for_bad_ones():
    good = answers(1.0, 100)
    bad = answers(0.5, 40, first=100)
    assert find_lapse(0.9, good) is None
    assert find_lapse(0.9, [*good, *bad]) is not None
    # Of all of them, nearly as many were right as promised.
    assert sum(one.was_right for one in [*good, *bad]) / 140 > 0.8


def test_each_promise_is_held_against_its_own_answers_by_week():
    record = live_record("low_stock", answers(0.3, 30))
    (promise,) = record.promises
    assert promise.has_lapsed
    assert (promise.percent, promise.total, len(promise.weeks)) == (90, 30, 3)
    assert record.lapse_of(90) is promise
    assert record.lapse_of(80) is None


def test_a_confidence_that_was_too_high_is_lowered():
    correction = fit_correction(answers(0.6, 200))
    assert 0.58 < correction.correct(0.9) < 0.7
    assert correction.correct(0.95) > correction.correct(0.9)


def test_few_answers_correct_nothing_and_right_ones_little():
    assert fit_correction(answers(0.0, MIN_ANSWERS - 1)) == NO_CORRECTION
    assert abs(fit_correction(answers(0.9, 200)).correct(0.9) - 0.9) < 0.05


def estimate(confidence=0.93, *, is_unlike_past=False):
    guarantees = tuple(
        PrecisionGuarantee(
            target=target, threshold=target, correct=345, total=351, lower_bound=target
        )
        for target in (0.9, 0.8)
    )
    return PlanEstimate(
        margins={ACTION: 1.0},
        shares={ACTION: confidence},
        confidences={ACTION: confidence},
        guarantees=guarantees,
        is_unlike_past=is_unlike_past,
    )


def test_the_highest_promise_that_is_reached_is_given():
    assert assure(ACTION, estimate(), NO_RECORD).promised_percent == 90
    assert assure(ACTION, estimate(0.85), NO_RECORD).promised_percent == 80
    below = assure(ACTION, estimate(0.7), NO_RECORD)
    assert below.promised_percent is None
    assert (
        below.words
        == "no promise: it is less sure than those of which at least 80 of 100 are right"
    )


def test_a_lapsed_promise_is_not_given_and_no_lower_one_for_it():
    record = live_record("low_stock", answers(0.3, 30))
    assurance = assure(ACTION, estimate(), record)
    assert (assurance.promised_percent, assurance.lapsed_percent) == (None, 90)
    assert "At least 90 of 100 such suggestions were promised to be right" in assurance.words
    assert "of 30 that people answered only 11 were. Please check this one" in assurance.words


def test_a_correction_does_not_hide_what_has_lapsed():
    record = live_record("low_stock", answers(0.3, 100))
    assurance = assure(ACTION, estimate(), record)
    assert assurance.confidence < 80
    assert (assurance.promised_percent, assurance.lapsed_percent) == (None, 90)


def test_the_figure_shown_is_corrected_and_that_of_the_model_is_kept():
    record = live_record("low_stock", answers(0.6, 200))
    assurance = assure(ACTION, estimate(), record)
    assert assurance.model_confidence == 93
    assert assurance.confidence < 80
    # The correction takes the promise.
    assert assurance.promised_percent is None


def test_nothing_is_promised_of_what_is_unlike_the_past_or_before_answers_are_read():
    unlike = assure(ACTION, estimate(is_unlike_past=True), NO_RECORD)
    assert (unlike.confidence, unlike.promised_percent, unlike.is_unlike_past) == (None, None, True)
    unread = assure(ACTION, estimate(), None)
    assert (unread.promised_percent, unread.words) == (None, NOT_READ)

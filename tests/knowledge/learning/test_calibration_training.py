"""Calibration: the published bound, and guarantees that hold."""

import numpy as np
import pytest

from knowledge.learning.calibration import ScoredOutcome
from knowledge.learning.calibration_training import (
    calibrate,
    certify_precision,
    precision_lower_bound,
)


@pytest.mark.parametrize(
    ("correct", "total", "bound"),
    [(0, 10, 0.0), (10, 10, 0.7411), (95, 100, 0.8977), (9900, 10000, 0.9882)],
)
def test_the_lower_bound_is_the_published_one(correct, total, bound):
    assert precision_lower_bound(correct, total) == pytest.approx(bound, abs=1e-4)


def outcomes(random, count, *, informative=True, shift=0.0, first_day=0.0, days=28.0):
    """Make outcomes that are right as often as their score says.

    Uninformative scores say nothing about it. They come over four weeks.
    """
    scores = random.random(count)
    chances = scores if informative else np.full(count, 0.6)
    return [
        ScoredOutcome(float(score), bool(random.random() < chance - shift), first_day + day)
        for score, chance, day in zip(scores, chances, np.linspace(0, days, count), strict=True)
    ]


def test_a_guarantee_holds_for_what_comes_after():
    """Certify a hundred histories; no more fail than the risk allows."""
    guarantees = 0
    failures = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        guarantee = certify_precision(outcomes(random, 1500), 0.85)
        if guarantee is None:
            continue
        guarantees += 1
        later = [
            outcome.was_right
            for outcome in outcomes(random, 4000)
            if outcome.score >= guarantee.threshold
        ]
        failures += np.mean(later) < 0.85
    assert guarantees > 50
    assert failures <= 5


def test_nothing_is_guaranteed_where_scores_say_nothing():
    random = np.random.default_rng(0)
    guarantees = [
        certify_precision(outcomes(random, 1000, informative=False), 0.85) for _ in range(20)
    ]
    assert guarantees == [None] * 20


def test_a_guarantee_that_recent_outcomes_contradict_is_withdrawn():
    random = np.random.default_rng(1)
    good = outcomes(random, 3000)
    drift = outcomes(random, 200, shift=0.3, first_day=28.0, days=7.0)
    assert certify_precision(good, 0.85) is not None
    assert certify_precision(good + drift, 0.85) is None


def by_week(*shares, total=100):
    """Make outcomes of weeks that were right in these shares, all with the same score."""
    week = [
        ScoredOutcome(1.0, place % total < round(share * total), 7.0 * number + 7 * place / total)
        for number, share in enumerate(shares)
        for place in np.random.default_rng(number).permutation(total).tolist()
    ]
    return sorted(week, key=lambda outcome: outcome.day)


def test_steady_weeks_are_promised_and_one_bad_recent_week_is_not():
    steady = certify_precision(by_week(0.94, 0.95, 0.94, 0.95), 0.85)
    assert (steady.target, steady.total, steady.correct) == (0.85, 400, 378)
    # As many were right in all.
    assert certify_precision(by_week(0.98, 0.98, 0.98, 0.84), 0.85) is None


def test_weeks_that_differ_are_promised_less_than_steady_ones():
    """None of these weeks is below the target; the next may be."""
    steady, restless = by_week(*[0.94] * 6), by_week(*[0.99, 0.89] * 3)
    assert certify_precision(steady, 0.85) is not None
    assert certify_precision(restless, 0.85) is None
    assert certify_precision(restless, 0.70) is not None


def test_a_week_of_few_outcomes_is_promised_less_than_one_of_many():
    assert certify_precision(by_week(*[0.92] * 4, total=200), 0.85) is not None
    assert certify_precision(by_week(*[0.92] * 8, total=25), 0.85) is None


def test_nothing_is_promised_on_a_few_days():
    outcomes = [ScoredOutcome(1.0, True, number / 100) for number in range(400)]
    assert certify_precision(outcomes, 0.80) is None
    assert certify_precision([*outcomes, ScoredOutcome(1.0, True, 4.5)], 0.80) is not None


def test_too_few_outcomes_are_too_few():
    few = [ScoredOutcome(1.0, True)] * 29
    assert (certify_precision(few, 0.5), calibrate(few)) == (None, None)


def test_a_record_without_failures_is_no_certainty():
    calibration = calibrate([ScoredOutcome(number / 100, True) for number in range(100)])
    assert 0.9 < calibration.probability(0.5) < 1
    assert calibration.probability(0.5) < calibration.probability(0.9)


def test_a_calibrated_probability_is_the_share_that_was_right():
    random = np.random.default_rng(2)

    def share(score):
        return 1 / (1 + np.exp(-2 * score))

    past = [
        ScoredOutcome(float(score), bool(random.random() < share(score)))
        for score in random.normal(size=5000)
    ]
    calibration = calibrate(past)
    for score in (-1.0, 0.0, 1.0):
        assert calibration.probability(score) == pytest.approx(share(score), abs=0.05)


def few_a_week(results):
    """Make outcomes of a kind with two cases a week, all with the same score."""
    return [ScoredOutcome(1.0, bool(right), 3.5 * number) for number, right in enumerate(results)]


def test_a_kind_with_two_cases_a_week_is_promised_what_a_year_of_them_bears_out():
    results = [number != 40 for number in range(104)]
    guarantee = certify_precision(few_a_week(results), 0.90)
    assert guarantee is not None
    assert (guarantee.correct, guarantee.total) == (103, 104)
    assert certify_precision(few_a_week(results), 0.95) is None


def test_a_kind_with_two_cases_a_week_is_promised_nothing_after_bad_months():
    results = [True] * 100 + [number % 2 for number in range(16)]
    assert certify_precision(few_a_week(results), 0.80) is None
    assert certify_precision(few_a_week([True] * 116), 0.80) is not None

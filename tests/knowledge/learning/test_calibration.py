"""Honest numbers: the bound is Clopper and Pearson's, and a promise is made only where it can be kept."""

import numpy as np
import pytest

from knowledge.learning.calibration import (
    ScoredOutcome,
    calibrate,
    certify_precision,
    precision_lower_bound,
)


@pytest.mark.parametrize(
    ("right", "judged", "bound"),
    [(0, 10, 0.0), (10, 10, 0.7411), (95, 100, 0.8977), (9900, 10000, 0.9882)],
)
def test_the_lower_bound_is_the_published_one(right, judged, bound):
    assert precision_lower_bound(right, judged) == pytest.approx(bound, abs=1e-4)


def past(dice, many, *, informative=True, shift=0.0):
    """Recommendations whose chance of being right is their score, or has nothing to do with it."""
    scores = dice.random(many)
    chances = scores if informative else np.full(many, 0.6)
    return [
        ScoredOutcome(float(score), bool(dice.random() < chance - shift))
        for score, chance in zip(scores, chances, strict=True)
    ]


def test_a_promise_is_kept_on_what_comes_after():
    """A hundred histories: the precision promised is that of the future, in all but the few that the risk allows."""
    broken = promised = 0
    for seed in range(100):
        dice = np.random.default_rng(seed)
        promise = certify_precision(past(dice, 1500), 0.85)
        if promise is None:
            continue
        promised += 1
        later = [
            judged.was_right for judged in past(dice, 4000) if judged.score >= promise.threshold
        ]
        broken += np.mean(later) < 0.85
    assert (promised > 50, broken <= 5) == (True, True)


def test_nothing_is_promised_where_scores_say_nothing():
    dice = np.random.default_rng(0)
    assert [certify_precision(past(dice, 1000, informative=False), 0.85) for _ in range(20)] == [
        None
    ] * 20


def test_a_promise_that_the_recent_past_belies_is_withdrawn():
    dice = np.random.default_rng(1)
    good, drifted = past(dice, 3000), past(dice, 200, shift=0.3)
    assert certify_precision(good, 0.85) is not None
    assert certify_precision(good + drifted, 0.85) is None


def test_too_little_is_too_little():
    assert (
        certify_precision([ScoredOutcome(1.0, True)] * 29, 0.5),
        calibrate([ScoredOutcome(1.0, True)] * 29),
    ) == (
        None,
        None,
    )


def test_a_spotless_record_is_no_certainty():
    spotless = calibrate([ScoredOutcome(place / 100, True) for place in range(100)])
    assert 0.9 < spotless.probability(0.5) < 1
    assert spotless.probability(0.5) < spotless.probability(0.9)


def test_a_calibrated_probability_is_the_share_that_was_right():
    dice = np.random.default_rng(2)
    scores = dice.normal(size=5000)
    known = [
        ScoredOutcome(float(score), bool(dice.random() < 1 / (1 + np.exp(-2 * score))))
        for score in scores
    ]
    curve = calibrate(known)
    for score in (-1.0, 0.0, 1.0):
        assert curve.probability(score) == pytest.approx(1 / (1 + np.exp(-2 * score)), abs=0.05)

"""The limits of recognition: precise enough under strangers, and careful far from the past."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.learning.recogniser import FEATURE_COUNT
from knowledge.learning.recogniser_limits_training import (
    MAX_LOSS,
    MIN_LOSS,
    NEVER,
    TARGET_PRECISION,
    Validation,
    choose_cutoff,
    choose_limits,
    own_nearness,
)

SHARE = 0.05


def make_validation(dice, *, own=400, strangers=150, accuracy=0.9, distance=1.5):
    """Make answers whose signs are higher for right ones, by this distance."""
    count = own + strangers
    is_stranger = np.arange(count) >= own
    is_right = ~is_stranger & (dice.random(count) < accuracy)
    signs = dice.normal(0, 1, (count, FEATURE_COUNT)) + distance * is_right[:, None]
    features = np.c_[signs[:, :2], 0.85 + 0.1 * np.tanh(signs[:, 2])]
    answers = np.where(is_right, "late", "low_stock")
    labels = np.where(is_stranger, "", "late")
    return Validation(features, answers, labels, is_stranger)


def make_vectors(dice, count=300):
    vectors = dice.normal(0, 1, (count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def choose(validation, *, has_few=False, stranger_share=SHARE, dice_seed=0):
    vectors = make_vectors(np.random.default_rng(dice_seed))
    return choose_limits(
        validation,
        ["late"] * 200 + ["low_stock"] * 100,
        vectors,
        has_few=has_few,
        stranger_share=stranger_share,
    )


def precision_above(validation, scores, cutoff, share):
    """Count by hand how often what is named is right, with this share of strangers."""
    is_named = scores >= cutoff
    is_stranger = validation.is_stranger
    named_own = (is_named & ~is_stranger).sum() / (~is_stranger).sum() * (1 - share)
    named_strangers = (is_named & is_stranger).sum() / is_stranger.sum() * share
    right = (is_named & validation.is_right).sum() / (~is_stranger).sum() * (1 - share)
    return right / (named_own + named_strangers)


@given(seed=st.integers(0, 500), shares=st.tuples(st.floats(0.01, 0.6), st.floats(0.01, 0.6)))
@settings(max_examples=60, deadline=None)
def test_more_strangers_lately_never_lower_the_threshold(seed, shares):
    fewer, more = sorted(shares)
    validation = make_validation(np.random.default_rng(seed), own=120, strangers=60)
    scores = validation.features.sum(axis=1)
    low = choose_cutoff(scores, validation, min_loss=MIN_LOSS, stranger_share=fewer)
    high = choose_cutoff(scores, validation, min_loss=MIN_LOSS, stranger_share=more)
    assert low <= high


def test_many_more_strangers_are_worth_more_right_answers():
    validation = make_validation(np.random.default_rng(1))
    named = [
        sum(kind.own_named[1] for kind in choose(validation, stranger_share=share).trade.kinds)
        for share in (0.02, 0.05, 0.3)
    ]
    assert named[0] > named[1] > named[2]


def test_the_threshold_is_the_lowest_that_is_precise_enough():
    validation = make_validation(np.random.default_rng(2), accuracy=0.97, distance=1.5)
    scores = validation.features.sum(axis=1)
    cutoff = choose_cutoff(scores, validation, min_loss=0.0, stranger_share=0.3)
    assert precision_above(validation, scores, cutoff, 0.3) >= TARGET_PRECISION
    lower = scores[scores < cutoff].max()
    assert precision_above(validation, scores, lower, 0.3) < TARGET_PRECISION


@pytest.mark.parametrize(("accuracy", "loss"), [(1.0, MIN_LOSS), (0.6, MAX_LOSS)])
def test_it_loses_neither_less_nor_more_right_answers_than_its_bounds(accuracy, loss):
    validation = make_validation(
        np.random.default_rng(3), own=4_000, strangers=100, accuracy=accuracy, distance=1
    )
    scores = validation.features.sum(axis=1)
    cutoff = choose_cutoff(scores, validation, min_loss=MIN_LOSS, stranger_share=SHARE)
    lost = (scores[validation.is_right] < cutoff).mean()
    assert lost == pytest.approx(loss, abs=0.001)


def test_the_confidence_is_that_under_the_share_of_strangers():
    validation = make_validation(np.random.default_rng(4), own=2_000, strangers=2_000)
    for share in (0.05, 0.4):
        limits = choose(validation, stranger_share=share).limits
        confidences = np.array([limits.confidence(row) for row in validation.features])
        is_stranger = validation.is_stranger
        mean = (1 - share) * confidences[~is_stranger].mean()
        mean += share * confidences[is_stranger].mean()
        assert mean == pytest.approx(0.9 * (1 - share), abs=0.03)


def test_few_examples_weigh_the_signs_evenly_by_their_spread_over_right_answers():
    validation = make_validation(np.random.default_rng(5))
    spread = validation.features[validation.is_right].std(axis=0)
    even = choose(validation, has_few=True).limits.curve[:-1] * spread
    np.testing.assert_allclose(even, even.mean())
    learned = choose(validation, has_few=False).limits.curve[:-1] * spread
    assert np.ptp(learned) > 0.05 * learned.mean()


def test_with_few_examples_it_is_more_careful():
    validation = make_validation(np.random.default_rng(6))
    few = choose(validation, has_few=True)
    many = choose(validation, has_few=False)
    assert few.limits.threshold >= 0.5
    assert few.limits.min_nearness > many.limits.min_nearness
    assert few.trade.own_shares[1] < many.trade.own_shares[1]


@pytest.mark.parametrize("are_right", [True, False])
def test_where_nothing_tells_right_from_wrong_no_kind_is_named(are_right):
    labels = np.array(["late"] * 40)
    answers = labels if are_right else np.array(["low_stock"] * 40)
    features = np.random.default_rng(7).normal(0, 1, (40, FEATURE_COUNT))
    result = choose(Validation(features, answers, labels, np.zeros(40, bool)))
    assert result.limits.threshold == NEVER
    assert result.trade.own_shares == (0.0, 0.0, 0.0)


def test_steps_name_less_and_less_of_own_texts_and_of_strangers():
    trade = choose(make_validation(np.random.default_rng(8), accuracy=0.8)).trade
    assert list(trade.thresholds) == sorted(trade.thresholds)
    assert trade.own_shares[0] > trade.own_shares[1] > trade.own_shares[2]
    assert trade.caught_shares[0] < trade.caught_shares[1] < trade.caught_shares[2]
    assert [(kind.kind, kind.examples) for kind in trade.kinds] == [
        ("late", 200),
        ("low_stock", 100),
    ]
    assert trade.strangers == 150


def test_nearness_leaves_the_example_itself_out():
    vectors = np.eye(4, dtype=np.float32)
    vectors[1] = vectors[0]
    np.testing.assert_allclose(own_nearness(vectors), [1 / 3, 1 / 3, 0, 0])


def test_nothing_certain_is_said_of_texts_unlike_the_past():
    dice = np.random.default_rng(9)
    validation = make_validation(dice)
    limits = choose(validation).limits
    certain = np.array([50.0, 50.0, limits.usual_nearness + 0.01])
    unlike = np.array([50.0, 50.0, limits.usual_nearness - 0.01])
    assert limits.stated_confidence(certain) == limits.confidence(certain) > 0.99
    assert limits.stated_confidence(unlike) == limits.unlike_confidence < 0.95
    far = np.array([50.0, 50.0, limits.min_nearness - 0.01])
    assert not limits.is_known_kind(far)

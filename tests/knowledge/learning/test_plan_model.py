"""The estimate of a plan model: promises that are kept, and where there are none."""

import numpy as np
import pytest

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.plan_past_training import make_past
from knowledge.learning.plan_training import train_plan_model
from tests.knowledge.learning.examples import make_stream


def train(past, vectors):
    return train_plan_model("low_stock", past, vectors, embedder="e")


def promised(plan, past, vectors):
    """Return by target whether what was promised of these cases was right."""
    results = {}
    for one, vector in zip(past, vectors, strict=True):
        estimate = plan.estimate(one.signal_text, one.facts, vector)
        best = max(estimate.shares, key=estimate.shares.__getitem__)
        guarantee = estimate.guarantee_of(best)
        if guarantee:
            results.setdefault(guarantee.target, []).append(best == one.decision.action)
    return results


@pytest.fixture(scope="module")
def plan():
    return train(*make_stream(np.random.default_rng(1), 1_500))


def test_what_is_promised_of_later_cases_is_kept(plan):
    kept = promised(plan, *make_stream(np.random.default_rng(2), 1_500, first_day=75))
    assert kept
    assert sum(map(len, kept.values())) > 300
    for target, results in kept.items():
        assert np.mean(results) >= target - 2 * np.sqrt(target * (1 - target) / len(results))


def test_nothing_is_promised_after_a_week_that_went_otherwise(plan):
    past, vectors = make_stream(np.random.default_rng(1), 1_500)
    drift, drift_vectors = make_stream(np.random.default_rng(2), 200, noise=1.0, first_day=75)
    assert plan.guarantees
    assert train([*past, *drift], np.vstack([vectors, drift_vectors])).guarantees == ()


def test_nothing_is_promised_where_cases_end_by_chance():
    chance = make_stream(np.random.default_rng(1), 600, noise=1.0)
    assert train(*chance).guarantees == ()


def test_confidence_is_the_share_that_is_right(plan):
    confidences, is_right = [], []
    for one, vector in zip(*make_stream(np.random.default_rng(3), 1_500), strict=True):
        estimate = plan.estimate(one.signal_text, one.facts, vector)
        best = max(estimate.shares, key=estimate.shares.__getitem__)
        if not estimate.is_unlike_past:
            confidences.append(estimate.confidence_of(best))
            is_right.append(best == one.decision.action)
    assert np.mean(confidences) == pytest.approx(np.mean(is_right), abs=0.05)


def test_a_story_that_is_like_no_precedent_is_ordered_by_its_words_without_a_promise(plan):
    """Its vector says another topic: only its words and facts count."""
    facts = {"account": "A1", "topic": 0}
    alien = np.zeros(8, np.float32)
    alien[1] = alien[7] = 0.7
    estimate = plan.estimate("topic0", facts, alien)
    assert estimate.is_unlike_past
    elsewhere = np.zeros(8, np.float32)
    elsewhere[2], elsewhere[6] = 0.6, 0.8
    assert plan.estimate("topic0", facts, elsewhere).margins == estimate.margins
    assert set(estimate.margins) == {"refund", "explain", "correct"}
    assert max(estimate.margins, key=estimate.margins.__getitem__) == "explain"
    assert estimate.confidences == {}
    assert estimate.confidence_of("refund") is None
    assert estimate.guarantee_of("refund") is None


def test_facts_that_nobody_met_are_unlike_the_past_where_there_is_no_story():
    past, vectors = make_stream(np.random.default_rng(1), 600)
    plan = train(past, np.zeros_like(vectors))
    nothing = np.zeros(8, np.float32)
    assert not plan.estimate("", {"account": "A1", "topic": 0}, nothing).is_unlike_past
    strange = plan.estimate("", {"account": "new", "topic": 9}, nothing)
    assert strange.is_unlike_past
    assert strange.guarantee_of("refund") is None


def test_the_same_story_again_is_like_the_past(plan):
    past, vectors = make_stream(np.random.default_rng(1), 1_500)
    estimates = [
        plan.estimate(one.signal_text, one.facts, vector)
        for one, vector in zip(past[:100], vectors[:100], strict=True)
    ]
    assert not any(estimate.is_unlike_past for estimate in estimates)


def test_a_new_name_in_a_story_told_in_the_usual_words_is_like_the_past():
    """Stories are nearer to each other than to one with a new name, which is near all the same."""
    spread = np.random.default_rng(7).normal(scale=0.005, size=(40, 8))
    stories = (np.eye(8)[0] + spread).astype(np.float32)
    stories /= np.linalg.norm(stories, axis=1, keepdims=True)
    examples = [TrainingExample(f"Story {number}", "order", {}) for number in range(40)]
    past = make_past(examples, stories, np.zeros(40, np.int64))
    for side, is_unlike in ((0.3, False), (0.6, True)):
        vector = np.zeros(8, np.float32)
        vector[0], vector[1] = np.sqrt(1 - side**2), side
        assert past.is_unlike({}, vector, past.find_nearest(vector)) is is_unlike


def test_shares_are_a_distribution_over_all_labels(plan):
    (one,), (vector,) = make_stream(np.random.default_rng(5), 1)
    estimate = plan.estimate(one.signal_text, one.facts, vector)
    assert sum(estimate.shares.values()) == pytest.approx(1)
    assert set(estimate.shares) == {"refund", "explain", "correct"}
    assert all(share > 0 for share in estimate.shares.values())
    best = max(estimate.margins, key=estimate.margins.__getitem__)
    assert best == max(estimate.shares, key=estimate.shares.__getitem__)


def test_an_account_is_known_by_its_own_cases_and_a_stranger_by_none():
    past, vectors = make_stream(np.random.default_rng(1), 1_000, accounts=40)
    plan = train(past, vectors)
    assert plan.accounts.fact == "account"
    account = plan.accounts.find({"account": "A1"})
    stranger = plan.accounts.find({"account": "nobody"})
    assert account.total == sum(one.facts["account"] == "A1" for one in past)
    assert account.residuals.any()
    assert (stranger.total, stranger.residuals.tolist()) == (0.0, [0.0, 0.0, 0.0])
    assert stranger.record == plan.accounts.mean_record

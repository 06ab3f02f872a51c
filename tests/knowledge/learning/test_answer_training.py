"""The second stage: a curve for each action that has enough cases, the common one for others."""

import numpy as np
import pytest

from knowledge.learning.answer_confidence import AnswerSigns
from knowledge.learning.answer_training import train_answer_curve

LABELS = 3
OFTEN_RIGHT, SELDOM_RIGHT, RARE = range(LABELS)


def make_signs(answers, shares):
    nothing = np.zeros(len(answers))
    return AnswerSigns(
        answers=np.asarray(answers),
        shares=np.asarray(shares, float),
        leads=nothing,
        has_story=nothing,
        nearest_cosines=nothing,
        is_as_nearest=nothing,
        is_as_linear=nothing,
        account_totals=nothing,
        account_commonest_shares=nothing,
        account_records=nothing,
    )


def train(dice, *, rare_count):
    """Train on answers of the same shares, of which one action is right more often."""
    answers = np.repeat([OFTEN_RIGHT, SELDOM_RIGHT, RARE], [2_000, 2_000, rare_count])
    chances = np.array([0.9, 0.6, 0.1])[answers]
    signs = make_signs(answers, dice.uniform(0.6, 0.9, len(answers)))
    return train_answer_curve(signs, dice.random(len(answers)) < chances, LABELS)


def test_an_action_with_many_cases_has_a_curve_of_its_own():
    curve = train(np.random.default_rng(0), rare_count=20)
    signs = make_signs([OFTEN_RIGHT, SELDOM_RIGHT], [0.75, 0.75])
    assert curve.probabilities(signs) == pytest.approx([0.9, 0.6], abs=0.05)


def test_an_action_with_few_cases_keeps_the_common_curve():
    curve = train(np.random.default_rng(0), rare_count=20)
    assert (curve.label_offsets[RARE], curve.label_slopes[RARE]) == (0.0, 0.0)
    often, seldom, rare = curve.probabilities(make_signs(range(LABELS), [0.75] * LABELS))
    assert seldom < rare < often


def test_the_more_cases_an_action_has_the_farther_its_curve_may_lie_from_the_common_one():
    some, more = (train(np.random.default_rng(0), rare_count=count) for count in (40, 400))
    sign = make_signs([RARE], [0.75])
    assert more.probabilities(sign)[0] < some.probabilities(sign)[0]
    assert more.label_offsets[RARE] < some.label_offsets[RARE] < 0


def test_certainty_grows_with_the_share_up_to_the_top():
    """The odds of shares still differ where the shares hardly do."""
    dice = np.random.default_rng(1)
    shares = 1 / (1 + np.exp(-dice.uniform(0, 6, 4_000)))
    signs = make_signs(np.zeros(4_000, int), shares)
    curve = train_answer_curve(signs, dice.random(4_000) < shares, LABELS)
    top = make_signs([0, 0, 0], [0.9, 0.97, 0.99])
    assert curve.probabilities(top) == pytest.approx([0.9, 0.97, 0.99], abs=0.02)

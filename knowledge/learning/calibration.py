"""Calibration: scores as probabilities, and the threshold at which a precision is guaranteed.

A guarantee rests on past cases by Clopper and Pearson's exact lower bound. It must hold on the
recent cases too: the share of new situations moves from month to month, and a threshold that was
right in one month may be wrong in the next.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_OUTCOMES = 30
MAX_RECENT_OUTCOMES = 200
# Candidate thresholds are few and fixed in advance, and each takes its share of the risk, so that
# choosing the best of them does not spoil the certainty.
CANDIDATE_THRESHOLDS = 20
RISK = 0.05
# Keeps the exponential function from overflowing.
MAX_EXPONENT = 30.0
MIN_SLOPE = 1e-6


@dataclass(frozen=True, slots=True)
class ScoredOutcome:
    """A past recommendation: its score before anybody decided, and whether it was right."""

    score: float
    was_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionGuarantee:
    """A precision that recommendations at or above a threshold reach."""

    #: The precision that was asked for.
    target: float
    threshold: float
    #: How many recommendations at or above the threshold were right, and how many there were.
    correct: int
    total: int
    #: The lower bound of the precision.
    lower_bound: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve from score to probability."""

    slope: float
    middle: float

    def probability(self, score: float) -> float:
        """Return the probability that a recommendation with this score is right."""
        exponent = self.slope * (score - self.middle)
        bounded = max(-MAX_EXPONENT, min(MAX_EXPONENT, exponent))
        return float(1 / (1 + math.exp(-bounded)))


def precision_lower_bound(correct: int, total: int, *, risk: float = RISK) -> float:
    """Compute Clopper and Pearson's lower bound of a share, 0 when none is correct.

    The true share is above it with a certainty of 1 - ``risk``.
    """
    from scipy.special import betaincinv

    return float(betaincinv(correct, total - correct + 1, risk)) if correct else 0.0


def certify_precision(
    outcomes: Sequence[ScoredOutcome], target: float
) -> PrecisionGuarantee | None:
    """Find the lowest threshold whose precision is at least ``target``; None when there is none.

    ``outcomes`` are in time order. The bound must reach the target over all of them, and the share
    itself over the recent ones.
    """
    if len(outcomes) < MIN_OUTCOMES:
        return None
    scores = np.array([outcome.score for outcome in outcomes])
    is_right = np.array([outcome.was_right for outcome in outcomes])
    is_recent = np.zeros(len(outcomes), bool)
    is_recent[-_recent_count(len(outcomes)) :] = True
    for step in range(CANDIDATE_THRESHOLDS):
        threshold = float(np.quantile(scores, step / CANDIDATE_THRESHOLDS))
        is_chosen = scores >= threshold
        total = int(is_chosen.sum())
        correct = int((is_chosen & is_right).sum())
        if total < MIN_OUTCOMES:
            return None
        bound = precision_lower_bound(correct, total, risk=RISK / CANDIDATE_THRESHOLDS)
        recent = is_right[is_chosen & is_recent]
        if bound >= target and len(recent) and recent.mean() >= target:
            return PrecisionGuarantee(
                target=target,
                threshold=threshold,
                correct=correct,
                total=total,
                lower_bound=bound,
            )
    return None


def calibrate(outcomes: Sequence[ScoredOutcome]) -> Calibration | None:
    """Fit Platt's curve; None when there are too few outcomes. Needs scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    if len(outcomes) < MIN_OUTCOMES:
        return None
    values = [outcome.score for outcome in outcomes]
    # An imagined failure below all scores and a success above them: without these a record without
    # failures would claim certainty.
    values += [min(values) - 1, max(values) + 1]
    was_right = [*(outcome.was_right for outcome in outcomes), False, True]
    fitted = LogisticRegression().fit(np.array(values)[:, None], np.array(was_right))
    slope = max(float(fitted.coef_[0][0]), MIN_SLOPE)
    return Calibration(slope, -float(fitted.intercept_[0]) / slope)


def _recent_count(total: int) -> int:
    """Return how many of the last outcomes are recent: a third, within bounds."""
    return min(MAX_RECENT_OUTCOMES, max(MIN_OUTCOMES, total // 3))

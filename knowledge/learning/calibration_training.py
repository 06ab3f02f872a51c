"""Fitting of calibration curves, and certification of precision.

A guarantee rests on past cases by Clopper and Pearson's exact lower bound. It must hold on the
recent cases too: the share of new situations moves from month to month, and a threshold that was
right in one month may be wrong in the next.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv
from sklearn.linear_model import LogisticRegression

from knowledge.learning.calibration import Calibration, PrecisionGuarantee, ScoredOutcome

MIN_OUTCOMES = 30
MAX_RECENT_OUTCOMES = 200
# Candidate thresholds are few and fixed in advance, and each takes its share of the risk, so that
# choosing the best of them does not spoil the certainty.
CANDIDATE_THRESHOLDS = 20
RISK = 0.05
MIN_SLOPE = 1e-6
# What can be promised of a recommendation.
TARGETS = (0.95, 0.90, 0.85, 0.80)
# A promise is judged by its weeks. One with fewer outcomes says little of it.
DAYS_IN_WEEK = 7
MAX_RECENT_WEEKS = 8
MIN_WEEKLY_OUTCOMES = 30


def precision_lower_bound(correct: int, total: int, *, risk: float = RISK) -> float:
    """Compute Clopper and Pearson's lower bound of a share.

    The true share is above it with a certainty of 1 - ``risk``. It is 0 when none is correct.
    """
    if not correct:
        return 0.0
    return float(betaincinv(correct, total - correct + 1, risk))


def certify_targets(
    outcomes: Sequence[ScoredOutcome],
    targets: Sequence[float] = TARGETS,
) -> tuple[PrecisionGuarantee, ...]:
    """Certify what can be of these targets, from the highest down.

    Each rests on the outcomes that no higher one covers, as the words on a card speak of those
    alone.
    """
    guarantees: list[PrecisionGuarantee] = []
    left = list(outcomes)
    for target in sorted(targets, reverse=True):
        guarantee = certify_precision(left, target)
        if guarantee:
            guarantees.append(guarantee)
            left = [outcome for outcome in left if outcome.score < guarantee.threshold]
    return tuple(guarantees)


def certify_precision(
    outcomes: Sequence[ScoredOutcome],
    target: float,
) -> PrecisionGuarantee | None:
    """Find the lowest threshold whose precision reaches the target.

    ``outcomes`` are in time order. The bound must reach the target over all of them, and the share
    itself over the recent ones and in every recent week. Returns None when there is no such
    threshold.
    """
    if len(outcomes) < MIN_OUTCOMES:
        return None
    scores = np.array(_scores(outcomes))
    is_right = np.array(_results(outcomes))
    weeks = _weeks_ago(outcomes)
    for step in range(CANDIDATE_THRESHOLDS):
        threshold = float(np.quantile(scores, step / CANDIDATE_THRESHOLDS))
        is_above = scores >= threshold
        total = int(is_above.sum())
        correct = int((is_above & is_right).sum())
        if total < MIN_OUTCOMES:
            return None
        bound = precision_lower_bound(correct, total, risk=RISK / CANDIDATE_THRESHOLDS)
        if bound < target or _recent_share(is_above, is_right) < target:
            continue
        if _worst_week(is_right[is_above], weeks[is_above]) >= target:
            return PrecisionGuarantee(
                target=target,
                threshold=threshold,
                correct=correct,
                total=total,
                lower_bound=bound,
            )
    return None


def calibrate(outcomes: Sequence[ScoredOutcome]) -> Calibration | None:
    """Fit Platt's curve; return None when there are too few outcomes."""
    if len(outcomes) < MIN_OUTCOMES:
        return None
    scores = _scores(outcomes)
    # An imagined failure below all scores and a success above them: without these a record without
    # failures would claim certainty.
    scores += [min(scores) - 1, max(scores) + 1]
    results = [*_results(outcomes), False, True]
    regression = LogisticRegression()
    regression.fit(np.array(scores)[:, None], np.array(results))
    slope = max(float(regression.coef_[0][0]), MIN_SLOPE)
    return Calibration(slope, -float(regression.intercept_[0]) / slope)


def _scores(outcomes: Sequence[ScoredOutcome]) -> list[float]:
    return [outcome.score for outcome in outcomes]


def _results(outcomes: Sequence[ScoredOutcome]) -> list[bool]:
    return [outcome.was_right for outcome in outcomes]


def _recent_share(is_above: NDArray[np.bool_], is_right: NDArray[np.bool_]) -> float:
    """Return the share of right ones among the recent ones.

    Only those above the threshold count. Recent is the last third, within bounds. The share is 0
    when there are none.
    """
    total = len(is_above)
    count = min(MAX_RECENT_OUTCOMES, max(MIN_OUTCOMES, total // 3))
    recent = is_right[-count:][is_above[-count:]]
    return float(recent.mean()) if len(recent) else 0.0


def _weeks_ago(outcomes: Sequence[ScoredOutcome]) -> NDArray[np.int64]:
    """Return how many whole weeks before the last one each was."""
    days = np.array([outcome.day for outcome in outcomes])
    return np.asarray((days[-1] - days) // DAYS_IN_WEEK, np.int64)


def _worst_week(is_right: NDArray[np.bool_], weeks: NDArray[np.int64]) -> float:
    """Return the lowest share of right ones in a recent week with enough of them."""
    shares = [1.0]
    for week in range(MAX_RECENT_WEEKS):
        of_week = is_right[weeks == week]
        if len(of_week) >= MIN_WEEKLY_OUTCOMES:
            shares.append(float(of_week.mean()))
    return min(shares)

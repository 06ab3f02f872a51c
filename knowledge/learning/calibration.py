"""Honest numbers: scores turned into probabilities, and the threshold at which a precision may be promised, or none.

A promise is certified on past cases by Clopper and Pearson's exact lower bound, and must hold on the recent ones too: the share of
cases that nobody has met before moves from month to month, and a threshold that was right in one is not in the next.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ENOUGH = 30
RECENT = 200


@dataclass(frozen=True, slots=True)
class ScoredOutcome:
    """One past recommendation, in time order: how it scored before anybody decided, and whether it turned out right."""

    score: float
    was_right: bool


@dataclass(frozen=True, slots=True)
class PrecisionGuarantee:
    """At ``threshold`` and above, ``right`` of ``judged`` were right. ``bound`` is the lower bound of that precision."""

    target: float
    threshold: float
    correct: int
    total: int
    lower_bound: float


def precision_lower_bound(right: int, judged: int, *, risk: float = 0.05) -> float:
    """Clopper-Pearson: with 1 - ``risk`` certainty the true share is above this. 0 when nothing was judged."""
    from scipy.special import betaincinv

    return float(betaincinv(right, judged - right + 1, risk)) if right else 0.0


def certify_precision(past: Sequence[ScoredOutcome], target: float) -> PrecisionGuarantee | None:
    """The lowest threshold whose precision is certified over all of the past and not belied by the recent part; None when there is none.

    Candidates are few and fixed in advance (twenty steps of coverage), each at a twentieth of the risk, so that looking for the
    best one does not spoil the certainty.
    """
    if len(past) < ENOUGH:
        return None
    scores = np.array([judged.score for judged in past])
    right = np.array([judged.was_right for judged in past])
    recent = np.zeros(len(past), bool)
    recent[-min(RECENT, max(ENOUGH, len(past) // 3)) :] = True
    for step in range(20):
        threshold = float(np.quantile(scores, step / 20))
        chosen = scores >= threshold
        many, good = int(chosen.sum()), int((chosen & right).sum())
        if many < ENOUGH:
            return None
        bound = precision_lower_bound(good, many, risk=0.05 / 20)
        lately = chosen & recent
        if bound >= target and lately.any() and right[lately].mean() >= target:
            return PrecisionGuarantee(target, threshold, good, many, bound)
    return None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve from score to probability."""

    slope: float
    middle: float

    def probability(self, score: float) -> float:
        return float(1 / (1 + math.exp(-max(-30.0, min(30.0, self.slope * (score - self.middle))))))


def calibrate(past: Sequence[ScoredOutcome]) -> Calibration | None:
    """Platt's fit; None when there is too little to learn from. Needs scikit-learn: for training, not for asking.

    One imagined failure below all scores and one success above keep a spotless record from promising certainty.
    """
    from sklearn.linear_model import LogisticRegression

    if len(past) < ENOUGH:
        return None
    known = [judged.score for judged in past]
    scores = np.array([[score] for score in (*known, min(known) - 1, max(known) + 1)])
    right = np.array([*(judged.was_right for judged in past), False, True])
    fitted = LogisticRegression().fit(scores, right)
    slope = max(float(fitted.coef_[0][0]), 1e-6)
    return Calibration(slope, -float(fitted.intercept_[0]) / slope)

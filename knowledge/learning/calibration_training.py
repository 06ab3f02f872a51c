"""Fitting of calibration curves, and certification of precision.

A guarantee rests on past cases by Clopper and Pearson's exact lower bound. But people judge it by
its weeks, and weeks differ by more than chance, as what is new moves from week to week. So it must
have held in every recent week, and be expected to hold in the next one, given how weeks differed.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri
from sklearn.linear_model import LogisticRegression

from knowledge.learning.calibration import Calibration, PrecisionGuarantee, ScoredOutcome
from knowledge.learning.promise_words import PROMISED_PERCENTS

MIN_OUTCOMES = 30
# Candidate thresholds are few and fixed in advance, and each takes its share of the risk, so that
# choosing the best of them does not spoil the certainty.
CANDIDATE_THRESHOLDS = 20
RISK = 0.05
MIN_SLOPE = 1e-6
# What can be promised of a recommendation.
TARGETS = tuple(percent / 100 for percent in PROMISED_PERCENTS)
# A promise is judged by its weeks. One with fewer outcomes says little of it.
DAYS_IN_WEEK = 7
MAX_RECENT_WEEKS = 8
MIN_WEEKLY_OUTCOMES = 30
# Of a kind with fewer cases older ones count too: most desks have a few cases of a kind a week.
MIN_RECENT_OUTCOMES = 60
# Of fewer weeks it is not known how they differ. Their days stand in for them, which differ more.
MIN_COMPARED_WEEKS = 3
MIN_RECENT_DAYS = 5
# The risk that the next week breaks a promise, as the normal distribution counts it. There are many
# kinds, targets and weeks: at a risk of 5 % some promise would be broken in nearly every month.
WEEK_RISK = 0.01


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
    outcomes_below = list(outcomes)
    for target in sorted(targets, reverse=True):
        guarantee = certify_precision(outcomes_below, target)
        if guarantee:
            guarantees.append(guarantee)
            outcomes_below = [
                outcome for outcome in outcomes_below if outcome.score < guarantee.threshold
            ]
    return tuple(guarantees)


def certify_precision(
    outcomes: Sequence[ScoredOutcome],
    target: float,
) -> PrecisionGuarantee | None:
    """Find the lowest threshold whose precision reaches the target.

    ``outcomes`` are in time order. The bound must reach the target over all of them, the share
    itself in every recent week, and what is to be expected of the next week. Returns None when
    there is no such threshold.
    """
    if len(outcomes) < MIN_OUTCOMES:
        return None
    scores = np.array(_scores(outcomes))
    is_right = np.array(_results(outcomes))
    ages = _ages(outcomes)
    for step in range(CANDIDATE_THRESHOLDS):
        threshold = float(np.quantile(scores, step / CANDIDATE_THRESHOLDS))
        is_above = scores >= threshold
        total = int(is_above.sum())
        correct = int((is_above & is_right).sum())
        if total < MIN_OUTCOMES:
            return None
        bound = precision_lower_bound(correct, total, risk=RISK / CANDIDATE_THRESHOLDS)
        if bound < target:
            continue
        recent = _recent_places(is_above, ages)
        if weekly_lower_bound(is_right[recent], ages[recent]) >= target:
            return PrecisionGuarantee(
                target=target,
                threshold=threshold,
                correct=correct,
                total=total,
                lower_bound=bound,
            )
    return None


def weekly_lower_bound(is_right: NDArray[np.bool_], ages: NDArray[np.float64]) -> float:
    """Return the share of right ones that a week has at least.

    It is the worst of the weeks with enough outcomes, and what the next one has with a certainty of
    1 - ``WEEK_RISK``: as many outcomes as a week had, and so many that they say something, whose
    chance of being right deviates as that of earlier weeks did. 0 where too little is known.
    ``ages`` are in days.
    """
    total = len(is_right)
    days = np.floor(ages)
    if total < MIN_OUTCOMES or len(np.unique(days)) < MIN_RECENT_DAYS:
        return 0.0
    weeks = ages // DAYS_IN_WEEK
    # Two imagined outcomes: without these a record without failures would claim certainty.
    share = (float(is_right.sum()) + 1) / (total + 2)
    week_count = max(1.0, (float(days.max()) + 1) / DAYS_IN_WEEK)
    weekly_total = max(MIN_WEEKLY_OUTCOMES, total / week_count)
    groups = weeks if len(np.unique(weeks)) >= MIN_COMPARED_WEEKS else days
    variance = _predicted_variance(is_right, groups)
    variance += share * (1 - share) * (1 / weekly_total + 1 / total)
    expected = share + float(ndtri(WEEK_RISK)) * math.sqrt(variance)
    return min(expected, _worst_week(is_right, weeks))


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


def _ages(outcomes: Sequence[ScoredOutcome]) -> NDArray[np.float64]:
    """Return how many days before the last one each was."""
    days = np.array([outcome.day for outcome in outcomes])
    return np.asarray(days.max() - days, np.float64)


def _recent_places(is_above: NDArray[np.bool_], ages: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the places of the outcomes that speak of the next week."""
    places = np.flatnonzero(is_above)
    recent_places = places[ages[places] < MAX_RECENT_WEEKS * DAYS_IN_WEEK]
    return (
        recent_places
        if len(recent_places) >= MIN_RECENT_OUTCOMES
        else places[-MIN_RECENT_OUTCOMES:]
    )


def _predicted_variance(is_right: NDArray[np.bool_], groups: NDArray[np.float64]) -> float:
    """Return the variance of a next group's share beyond chance.

    The variance between groups is that of moments (DerSimonian and Laird's for shares). Their mean
    is uncertain by one part of it for each group.
    """
    places = np.unique(groups, return_inverse=True)[1]
    totals = np.bincount(places)
    group_count, total = len(totals), int(totals.sum())
    freedom = total - float((totals**2).sum()) / total
    if group_count < 2 or freedom <= 0:
        return 0.0
    shares = np.bincount(places, weights=is_right) / totals
    mean = float(is_right.mean())
    excess = float((totals * (shares - mean) ** 2).sum()) - (group_count - 1) * mean * (1 - mean)
    return max(0.0, excess / freedom) * (1 + 1 / group_count)


def _worst_week(is_right: NDArray[np.bool_], weeks: NDArray[np.float64]) -> float:
    """Return the lowest share of a recent week with enough."""
    shares = [1.0]
    for week in range(MAX_RECENT_WEEKS):
        of_week = is_right[weeks == week]
        if len(of_week) >= MIN_WEEKLY_OUTCOMES:
            shares.append(float(of_week.mean()))
    return min(shares)

"""Choice of the limits below which recognition names no kind.

The default is right with a precision of what is named, under the share of strangers that people
met lately. It costs no more right answers than catching those strangers is worth.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from knowledge.learning.recogniser import (
    FEATURE_COUNT,
    NEIGHBOURS,
    Features,
    RecognitionLimits,
)
from knowledge.learning.recogniser_trade import STEPS, KindTrade, RecognitionTrade
from knowledge.learning.stranger_share import PRIOR_SHARE
from knowledge.memory.vectors import Vectors

# scikit-learn's C of the confidence curve: three features need next to no regularisation.
CURVE_PENALTY = 100.0
# What is named must be right this often.
TARGET_PRECISION = 0.93
# The share of right answers that the threshold costs at least, and at most under the prior share of
# strangers. Where strangers are more frequent, noticing them is worth more.
MIN_LOSS = 0.002
MAX_LOSS = 0.033
MAX_LOSS_WITH_MANY_STRANGERS = 0.5
# With few examples, or without vectors of meaning, asking a person is better.
MIN_LOSS_WITH_FEW_EXAMPLES = 0.05
# With few examples the answer must at least be more likely right than wrong.
MIN_THRESHOLD_WITH_FEW_EXAMPLES = 0.5
# A step of the threshold: half or twice as many right answers lost.
LOSS_STEP = 2.0
# No confidence reaches this threshold.
NEVER = 1.1
MAX_NEARNESS = 1.0
# Texts are unlike the past when this share of the examples has a more distant nearest one. From so
# far away that next to no example is, no kind is named.
UNLIKE_QUANTILE = 0.05
FAR_QUANTILE = 0.001
MAX_NEARNESS_SAMPLE = 2_000
NEARNESS_BLOCK = 200
# Imagined answers on texts unlike the past, one right and one wrong, since those are few.
PSEUDO_ANSWERS = 2.0


class Validation(NamedTuple):
    """Answers for texts that training did not see."""

    #: A row of confidence features for each answer.
    features: Features
    #: The kind that was best, and the right one; what people called new has none.
    answers: NDArray[np.str_]
    labels: NDArray[np.str_]
    #: The kind was hidden from the model, or there is none.
    is_stranger: NDArray[np.bool_]

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Tell which answers were right."""
        return np.asarray(self.answers == self.labels, bool)


class TrainedLimits(NamedTuple):
    """The limits, and what they cost and keep out."""

    limits: RecognitionLimits
    trade: RecognitionTrade


class _Curve(NamedTuple):
    """The scores of answers, and the curve from score to confidence."""

    direction: Features
    slope: float
    intercept: float

    def scores(self, features: Features) -> Features:
        return np.asarray(features @ self.direction, np.float64)

    def confidence(self, score: float) -> float:
        return float(1 / (1 + np.exp(-(self.slope * score + self.intercept))))

    @property
    def weights(self) -> Features:
        return np.append(self.slope * self.direction, self.intercept)


def choose_limits(
    validation: Validation,
    labels: Sequence[str],
    vectors: Vectors,
    *,
    has_few: bool,
    stranger_share: float,
) -> TrainedLimits:
    """Choose the limits of naming a kind.

    ``labels`` and ``vectors`` are those of the examples of known kinds.
    """
    curve = _fit_curve(validation, has_few=has_few, stranger_share=stranger_share)
    thresholds = (NEVER,) * len(STEPS)
    if curve:
        thresholds = _choose_thresholds(
            curve, validation, has_few=has_few, stranger_share=stranger_share
        )
    nearness = own_nearness(vectors)
    usual_nearness = float(np.quantile(nearness, UNLIKE_QUANTILE))
    limits = RecognitionLimits(
        curve=curve.weights if curve else np.zeros(FEATURE_COUNT + 1),
        threshold=thresholds[STEPS.index("default")],
        min_nearness=_min_nearness(validation, nearness, has_few=has_few),
        usual_nearness=usual_nearness,
        unlike_confidence=_unlike_confidence(validation, usual_nearness, stranger_share),
    )
    trade = RecognitionTrade(
        thresholds=thresholds,
        strangers=int(validation.is_stranger.sum()),
        stranger_share=stranger_share,
        kinds=_count_trades(validation, labels, limits=limits, thresholds=thresholds),
    )
    return TrainedLimits(limits, trade)


def choose_cutoff(
    scores: Features, validation: Validation, *, min_loss: float, stranger_share: float
) -> float:
    """Choose the lowest score at which what is named is precise enough.

    It loses at least ``min_loss`` of the right answers, and not many more than strangers are worth.
    More strangers never lower it.
    """
    is_right = validation.is_right
    weights = _weights(validation.is_stranger, stranger_share)
    order = np.argsort(-scores)
    precision = np.cumsum((weights * is_right)[order]) / np.cumsum(weights[order])
    # Equal scores are named together.
    is_last = np.append(np.diff(scores[order]) < 0, True)
    is_precise = is_last & (precision >= TARGET_PRECISION)
    places = np.flatnonzero(is_precise)
    lowest = float(scores[order[places[-1]]]) if len(places) else np.inf
    max_loss = max(min_loss, _max_loss(stranger_share))
    floor, ceiling = np.quantile(scores[is_right], [min_loss, max_loss])
    return float(min(max(lowest, floor), ceiling))


def own_nearness(vectors: Vectors) -> Features:
    """Return how near examples are to the nearest others, each without itself."""
    count = len(vectors)
    sample = np.arange(count)
    if count > MAX_NEARNESS_SAMPLE:
        sample = np.random.default_rng(0).choice(count, MAX_NEARNESS_SAMPLE, replace=False)
    neighbours = min(NEIGHBOURS, count - 1)
    rows: list[Features] = []
    for start in range(0, len(sample), NEARNESS_BLOCK):
        block = sample[start : start + NEARNESS_BLOCK]
        similarities = vectors[block] @ vectors.T
        similarities[np.arange(len(block)), block] = -np.inf
        nearest = np.partition(similarities, count - neighbours, axis=1)[:, -neighbours:]
        rows.append(nearest.mean(axis=1, dtype=np.float64))
    return np.concatenate(rows)


def _fit_curve(validation: Validation, *, has_few: bool, stranger_share: float) -> _Curve | None:
    """Fit the confidence of answers, under the share of strangers.

    The order of answers does not depend on the share: it moves the curve alone. Returns None when
    nothing tells right from wrong.
    """
    features = validation.features
    is_right = validation.is_right
    if is_right.all() or not is_right.any():
        return None
    if has_few:
        direction = _even_direction(features, is_right)
    else:
        weights = _weights(validation.is_stranger, PRIOR_SHARE)
        direction = _regress(features, is_right, weights)[0]
    scores = (features @ direction)[:, None]
    weights = _weights(validation.is_stranger, stranger_share)
    slopes, intercept = _regress(scores, is_right, weights)
    slope = float(slopes[0])
    return _Curve(direction, slope, intercept) if slope > 0 else None


def _even_direction(features: Features, is_right: NDArray[np.bool_]) -> Features:
    """Weigh the signs evenly, each by its spread over right answers.

    A learned curve over few examples learns their chance.
    """
    spread = features[is_right].std(axis=0)
    # A sign that does not vary tells nothing.
    return np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0) / FEATURE_COUNT


def _regress(
    features: Features, is_right: NDArray[np.bool_], weights: Features
) -> tuple[Features, float]:
    regression = LogisticRegression(C=CURVE_PENALTY, max_iter=1000)
    regression.fit(features, is_right, sample_weight=weights)
    return regression.coef_[0], float(regression.intercept_[0])


def _weights(is_stranger: NDArray[np.bool_], share: float) -> Features:
    """Weigh answers so that strangers have this share."""
    strangers = int(is_stranger.sum())
    count = len(is_stranger)
    if strangers in (0, count):
        return np.ones(count)
    weights = np.where(is_stranger, share / strangers, (1 - share) / (count - strangers))
    return np.asarray(weights * count, np.float64)


def _max_loss(stranger_share: float) -> float:
    odds = stranger_share / (1 - stranger_share)
    prior_odds = PRIOR_SHARE / (1 - PRIOR_SHARE)
    return min(MAX_LOSS * odds / prior_odds, MAX_LOSS_WITH_MANY_STRANGERS)


def _choose_thresholds(
    curve: _Curve, validation: Validation, *, has_few: bool, stranger_share: float
) -> tuple[float, ...]:
    """Choose the default threshold, and one step looser and stricter."""
    scores = curve.scores(validation.features)
    min_loss = MIN_LOSS_WITH_FEW_EXAMPLES if has_few else MIN_LOSS
    cutoff = choose_cutoff(scores, validation, min_loss=min_loss, stranger_share=stranger_share)
    right_scores = scores[validation.is_right]
    if has_few:
        even_score = _score_at(curve, MIN_THRESHOLD_WITH_FEW_EXAMPLES)
        cutoff = max(cutoff, even_score)
    loss = max(float((right_scores < cutoff).mean()), min_loss)
    looser, stricter = np.quantile(right_scores, [loss / LOSS_STEP, min(loss * LOSS_STEP, 1)])
    cutoffs = (min(float(looser), cutoff), cutoff, max(float(stricter), cutoff))
    return tuple(map(curve.confidence, cutoffs))


def _score_at(curve: _Curve, confidence: float) -> float:
    log_odds = float(np.log(confidence / (1 - confidence)))
    return (log_odds - curve.intercept) / curve.slope


def _min_nearness(validation: Validation, nearness: Features, *, has_few: bool) -> float:
    """Choose the nearness below which nothing is named, however it scores."""
    if not has_few:
        return float(np.quantile(nearness, FAR_QUANTILE))
    if not validation.is_right.any():
        return MAX_NEARNESS
    near_when_right = validation.features[validation.is_right][:, -1]
    return float(np.quantile(near_when_right, MIN_LOSS_WITH_FEW_EXAMPLES))


def _unlike_confidence(
    validation: Validation, usual_nearness: float, stranger_share: float
) -> float:
    """Return how often answers on texts unlike the past are right."""
    is_unlike = validation.features[:, -1] < usual_nearness
    weights = _weights(validation.is_stranger, stranger_share)[is_unlike]
    right = (weights * validation.is_right[is_unlike]).sum()
    return float((right + PSEUDO_ANSWERS / 2) / (weights.sum() + PSEUDO_ANSWERS))


def _count_trades(
    validation: Validation,
    labels: Sequence[str],
    *,
    limits: RecognitionLimits,
    thresholds: tuple[float, ...],
) -> tuple[KindTrade, ...]:
    confidences = np.array([limits.confidence(row) for row in validation.features])
    is_near = validation.features[:, -1] >= limits.min_nearness
    is_named = (confidences[:, None] >= np.array(thresholds)) & is_near[:, None]
    is_own = ~validation.is_stranger
    trades = []
    for kind, examples in sorted(Counter(labels).items()):
        is_own_text = (validation.labels == kind) & is_own
        is_guest = (validation.answers == kind) & ~is_own
        own_named = is_named[is_own_text & validation.is_right].sum(axis=0)
        trades.append(
            KindTrade(
                kind=kind,
                examples=examples,
                own=int(is_own_text.sum()),
                own_named=tuple(own_named.tolist()),
                strangers_named=tuple(is_named[is_guest].sum(axis=0).tolist()),
            )
        )
    return tuple(trades)

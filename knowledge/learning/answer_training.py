"""Training of shares and of the second stage, on backtested answers."""

import warnings
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from knowledge.learning.answer_confidence import AnswerCurve, AnswerSigns
from knowledge.learning.backtest import ScoreHistory
from knowledge.learning.calibration_training import MIN_OUTCOMES
from knowledge.learning.plan_shares import MIN_SHARE, ShareCurve

Numbers = NDArray[np.float64]

# scikit-learn's C. The signs are few and scaled, so it holds for few cases and for many.
ANSWER_PENALTY = 0.03
SHARE_PENALTY = 1.0
MAX_ITERATIONS = 300
# Of many labels the last digits of a share are chance: a fit that stops before is none the worse.
MAX_SHARE_ITERATIONS = 100
SHARE_TOLERANCE = 1e-3
# Blocks of the backtest are dealt out to so many parts: each is judged by what the others teach.
FOLDS = 3


def train_share_curve(scores: Numbers, targets: NDArray[np.int64]) -> ShareCurve:
    """Fit a multinomial curve; absent labels keep a small share."""
    label_count = scores.shape[1]
    weights = np.zeros((label_count, label_count))
    bias = np.full(label_count, np.log(MIN_SHARE))
    positions = np.unique(targets)
    if len(positions) < 2:
        bias[positions] = 0.0
        return ShareCurve(weights=weights, bias=bias)
    regression = LogisticRegression(
        C=SHARE_PENALTY, max_iter=MAX_SHARE_ITERATIONS, tol=SHARE_TOLERANCE
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(scores, targets)
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(positions) == 2:
        # Of two labels scikit-learn returns one row, the difference of both.
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    weights[:, positions] = coefficients.T
    bias[positions] = intercepts
    return ShareCurve(weights=weights, bias=bias)


def later_shares(trial: ScoreHistory) -> Numbers:
    """Return each answer's shares by a curve without its part."""
    shares = np.zeros(trial.scores.shape)
    targets = trial.row_targets
    folds = deal_folds(trial)
    for fold in np.unique(folds):
        is_held = folds == fold
        curve = train_share_curve(trial.scores[~is_held], targets[~is_held])
        shares[is_held] = curve.shares(trial.scores[is_held])
    return shares


def deal_folds(trial: ScoreHistory) -> NDArray[np.int64]:
    """Return a part for each answer; blocks stay whole."""
    blocks = np.unique(trial.starts, return_inverse=True)[1]
    return np.asarray(blocks % FOLDS)


def train_answer_curve(signs: AnswerSigns, is_right: NDArray[np.bool_], labels: int) -> AnswerCurve:
    """Fit a curve over signs, and deviations of frequent labels.

    Deviations are pulled to none like every weight: a label with few cases keeps the common curve.
    """
    matrix = signs.to_matrix()
    means, scales = matrix.mean(axis=0), matrix.std(axis=0)
    scales = np.where(scales > 1e-6, scales, np.inf)
    columns = (matrix - means) / scales
    own = _label_columns(signs.answers, labels)
    design = np.hstack([columns, own, own * columns[:, :1]])
    # An imagined failure and an imagined success without signs: without these a record without
    # failures would claim certainty.
    design = np.vstack([design, np.zeros((2, design.shape[1]))])
    regression = LogisticRegression(C=ANSWER_PENALTY, max_iter=MAX_ITERATIONS)
    regression.fit(design, np.append(is_right, [False, True]))
    weights, offsets, slopes = np.split(regression.coef_[0], [len(means), len(means) + labels])
    return AnswerCurve(
        means=means,
        scales=np.where(np.isfinite(scales), scales, 1.0),
        weights=weights,
        label_offsets=offsets,
        label_slopes=slopes,
        bias=float(regression.intercept_[0]),
    )


def later_confidences(
    signs: AnswerSigns,
    is_right: NDArray[np.bool_],
    folds: NDArray[np.int64],
    labels: int,
) -> Numbers:
    """Return each answer's confidence by a curve without its part."""
    confidences = np.zeros(len(is_right))
    for fold in np.unique(folds):
        is_held = folds == fold
        curve = train_answer_curve(select_signs(signs, ~is_held), is_right[~is_held], labels)
        confidences[is_held] = curve.probabilities(select_signs(signs, is_held))
    return confidences


def later_losses(
    signs: AnswerSigns, is_right: NDArray[np.bool_], folds: NDArray[np.int64]
) -> Numbers:
    """Return each confidence's log loss, by curves common to all labels."""
    common = replace(signs, answers=np.zeros_like(signs.answers))
    confidences = later_confidences(common, is_right, folds, labels=1)
    losses: Numbers = -np.log(np.where(is_right, confidences, 1 - confidences))
    return losses


def select_signs(signs: AnswerSigns, is_chosen: NDArray[np.bool_]) -> AnswerSigns:
    """Return the signs of some answers."""
    return AnswerSigns(
        **{field.name: getattr(signs, field.name)[is_chosen] for field in fields(signs)}
    )


def _label_columns(answers: NDArray[np.int64], labels: int) -> Numbers:
    """Return a column for each label, empty for rare ones."""
    columns: Numbers = np.eye(labels)[answers]
    return np.asarray(columns * (columns.sum(axis=0) >= MIN_OUTCOMES))

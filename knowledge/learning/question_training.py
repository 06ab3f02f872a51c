"""Training of the two models of questions, within seconds.

Measured with 7,300 examples on one core, and 185 questions that people wrote apart from them. With
vectors of the built-in embedder: 22 seconds, of which 16 embed; 91 % of what is asked and 95 % of
the kinds were guessed. With words, neighbours and pieces of words alone: 3 seconds, 91 % and 96 %.
With words and neighbours alone 91 % and 93 %. So there are no vectors.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.svm import LinearSVC

from knowledge.learning.question_examples import LabelledQuestion, QuestionTrainingSet
from knowledge.learning.question_features import Features, hash_question
from knowledge.learning.question_head import QuestionHead, softmax
from knowledge.learning.question_matrix import design_matrix, rarity
from knowledge.learning.question_model import QuestionModel
from knowledge.learning.slot_training import train_slot_model

PENALTY = 1.0
TOLERANCE = 0.1
#: Of so many questions one is kept aside to fit the probabilities on.
HOLDOUT_DIVISOR = 4
#: Bounds of the logarithm of the sharpness.
SHARPNESS_BOUNDS = (-2.0, 5.0)
DEFAULT_SHARPNESS = 4.0
MIN_PROBABILITY = 1e-9


def train_question_model(questions: QuestionTrainingSet) -> QuestionModel | None:
    """Train on the examples; return None when they have no two labels each."""
    asks = _train_head(questions.asks)
    kinds = _train_head(questions.kinds)
    if asks is None or kinds is None:
        return None
    return QuestionModel(
        version=questions.version,
        asks=asks,
        kinds=kinds,
        names=questions.names,
        slots=train_slot_model(questions.slots),
    )


def _train_head(questions: Sequence[LabelledQuestion]) -> QuestionHead | None:
    if _count_labels(questions) < 2:
        return None
    features = [hash_question(question.text) for question in questions]
    head = _fit(questions, features)
    return replace(head, sharpness=_fit_sharpness(questions, features))


def _fit(questions: Sequence[LabelledQuestion], features: Sequence[Features]) -> QuestionHead:
    """Fit a linear support vector machine."""
    bucket_rows = [buckets for buckets, _ in features]
    buckets, columns = np.unique(np.concatenate(bucket_rows), return_inverse=True)
    scale = rarity(columns, row_count=len(features))
    machine = LinearSVC(C=PENALTY, tol=TOLERANCE, random_state=0)
    matrix = design_matrix(features, columns, scale)
    machine.fit(matrix, [question.label for question in questions])
    weights = machine.coef_.T
    bias = machine.intercept_
    if len(machine.classes_) == 2:
        # Of two classes scikit-learn returns one row; the other is its negative.
        weights = np.hstack([-weights, weights])
        bias = np.concatenate([-bias, bias])
    return QuestionHead(
        labels=tuple(map(str, machine.classes_)),
        buckets=buckets,
        scale=scale.astype(np.float32),
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
        sharpness=DEFAULT_SHARPNESS,
    )


def _fit_sharpness(questions: Sequence[LabelledQuestion], features: Sequence[Features]) -> float:
    """Fit the softmax on questions that a model of the others did not see."""
    is_held_out = np.random.default_rng(0).integers(HOLDOUT_DIVISOR, size=len(questions)) == 0
    others = np.flatnonzero(~is_held_out).tolist()
    training = [questions[index] for index in others]
    if _count_labels(training) < 2:
        return DEFAULT_SHARPNESS
    head = _fit(training, [features[index] for index in others])
    rows = []
    columns = []
    for index in np.flatnonzero(is_held_out).tolist():
        label = questions[index].label
        if label in head.labels:
            rows.append(head.score(questions[index].text))
            columns.append(head.labels.index(label))
    if not rows:
        return DEFAULT_SHARPNESS
    return _likeliest_sharpness(np.array(rows), np.array(columns))


def _likeliest_sharpness(scores: NDArray[np.float32], columns: NDArray[np.int64]) -> float:
    """Return the factor under which the right labels are likeliest."""

    def loss(logarithm: float) -> float:
        probabilities = softmax(scores, float(np.exp(logarithm)))
        right = probabilities[np.arange(len(columns)), columns]
        return float(-np.log(np.maximum(right, MIN_PROBABILITY)).mean())

    result = minimize_scalar(loss, bounds=SHARPNESS_BOUNDS, method="bounded")
    return float(np.exp(result.x))


def _count_labels(questions: Sequence[LabelledQuestion]) -> int:
    return len({question.label for question in questions})

"""Training of the two models of questions, within seconds.

Vectors of the built-in embedder made training seven times slower and guesses no better, so there
are none. Senses do: of 7,700 examples whose block of six neighbours was kept aside, 77 % of what is
asked were guessed without them and 81 % with them. (Neighbours in the file are alike, so examples
kept aside one by one would flatter.)
"""

from collections.abc import Sequence

import numpy as np
from sklearn.svm import LinearSVC

from knowledge.learning.question_examples import LabelledQuestion, QuestionTrainingSet
from knowledge.learning.question_features import FeatureCache, Features
from knowledge.learning.question_head import QuestionHead
from knowledge.learning.question_matrix import design_matrix, rarity
from knowledge.learning.question_model import QuestionModel
from knowledge.learning.slot_training import train_slot_model

PENALTY = 1.0
TOLERANCE = 0.1
#: The factors of the softmax under which the right labels of unseen examples were likeliest.
ASK_SHARPNESS = 4.9
KIND_SHARPNESS = 4.1


def train_question_model(questions: QuestionTrainingSet) -> QuestionModel | None:
    """Train on the examples.

    None when they have no two labels each.
    """
    features = FeatureCache()
    asks = _train_head(questions.asks, ASK_SHARPNESS, features)
    kinds = _train_head(questions.kinds, KIND_SHARPNESS, features)
    if asks is None or kinds is None:
        return None
    return QuestionModel(
        version=questions.version,
        asks=asks,
        kinds=kinds,
        names=questions.names,
        slots=train_slot_model(questions.slots, features),
    )


def _train_head(
    questions: Sequence[LabelledQuestion], sharpness: float, features: FeatureCache
) -> QuestionHead | None:
    if len({question.label for question in questions}) < 2:
        return None
    rows = [features[question.text] for question in questions]
    return fit_head(questions, rows, sharpness)


def fit_head(
    questions: Sequence[LabelledQuestion], features: Sequence[Features], sharpness: float
) -> QuestionHead:
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
        sharpness=sharpness,
    )

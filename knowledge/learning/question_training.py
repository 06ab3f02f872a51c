"""Training of the two models of questions, within seconds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from knowledge.learning.linear_model import LinearModel, TrainingExample
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.question_examples import LabelledQuestion, QuestionTrainingSet
from knowledge.learning.question_model import (
    QuestionHead,
    QuestionModel,
    mark_masks,
    softmax,
    spell_masks,
)
from knowledge.memory.embedder import Embedder
from knowledge.memory.vectors import Vectors

PENALTY = 1.0
#: Of so many questions one is kept aside to fit the probabilities on.
HOLDOUT_DIVISOR = 4
#: Training over the main directions of the vectors takes a fifth of the time.
MAX_DIRECTIONS = 128
#: Bounds of the logarithm of the sharpness.
SHARPNESS_BOUNDS = (-2.0, 5.0)
DEFAULT_SHARPNESS = 4.0
MIN_PROBABILITY = 1e-9


def train_question_model(
    questions: QuestionTrainingSet, embedder: Embedder
) -> QuestionModel | None:
    """Train on the examples; return None when they have no two labels each."""
    vectors = _embed((*questions.asks, *questions.kinds), embedder)
    asks = _train_head(questions.asks, vectors)
    kinds = _train_head(questions.kinds, vectors)
    if asks is None or kinds is None:
        return None
    return QuestionModel(
        version=questions.version,
        embedder=embedder.identity,
        asks=asks,
        kinds=kinds,
        names=questions.names,
    )


def _embed(questions: Sequence[LabelledQuestion], embedder: Embedder) -> dict[str, Vectors]:
    """Embed each text once: both models learn from most of them."""
    texts = list(dict.fromkeys(question.text for question in questions))
    vectors = embedder.embed([spell_masks(text) for text in texts])
    return dict(zip(texts, vectors, strict=True))


def _train_head(
    questions: Sequence[LabelledQuestion], vectors_by_text: dict[str, Vectors]
) -> QuestionHead | None:
    if len({question.label for question in questions}) < 2:
        return None
    vectors = np.array([vectors_by_text[question.text] for question in questions])
    directions = _main_directions(vectors)
    return QuestionHead(
        linear_model=_train(questions, vectors, directions),
        sharpness=_fit_sharpness(questions, vectors, directions),
    )


def _train(
    questions: Sequence[LabelledQuestion], vectors: Vectors, directions: Vectors
) -> LinearModel:
    """Train over the main directions, and return weights for whole vectors."""
    examples = [
        TrainingExample(mark_masks(question.text), question.label, {}) for question in questions
    ]
    model = train_linear_model(examples, vectors @ directions, penalty=PENALTY)
    word_count = len(model.buckets)
    vector_weights = directions @ model.weights[word_count:]
    weights = np.concatenate([model.weights[:word_count], vector_weights])
    return replace(model, weights=weights.astype(np.float32))


def _main_directions(vectors: Vectors) -> Vectors:
    """Return the directions of most variation, one a column."""
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    # In ascending order of their variation.
    return directions[:, -MAX_DIRECTIONS:].astype(np.float32)


def _fit_sharpness(
    questions: Sequence[LabelledQuestion], vectors: Vectors, directions: Vectors
) -> float:
    """Fit the softmax on questions that a model of the others did not see."""
    is_held_out = np.random.default_rng(0).integers(HOLDOUT_DIVISOR, size=len(questions)) == 0
    training = [questions[index] for index in np.flatnonzero(~is_held_out).tolist()]
    if len({question.label for question in training}) < 2:
        return DEFAULT_SHARPNESS
    model = _train(training, vectors[~is_held_out], directions)
    rows = []
    columns = []
    for index in np.flatnonzero(is_held_out).tolist():
        label = questions[index].label
        if label in model.labels:
            rows.append(model.score(mark_masks(questions[index].text), {}, vectors[index]))
            columns.append(model.labels.index(label))
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

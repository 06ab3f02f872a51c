"""Training of recognition, and of the confidence below which it abstains.

Whole kinds are hidden from training in turn: so the confidence is fitted on cases of unknown kinds
too, which are what recognition must not name.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from knowledge.learning.linear_model import (
    LinearModel,
    TrainingExample,
    list_labels,
    list_texts,
)
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.recogniser import (
    FEATURE_COUNT,
    NOVEL,
    Features,
    RecogniserModel,
    best_kind_position,
    confidence_features,
)
from knowledge.memory.embedder import Embedder
from knowledge.memory.vectors import Vectors

MAX_EXAMPLES_PER_KIND = 150
PENALTY = 0.5
# scikit-learn's C of the confidence curve: three features need next to no regularisation.
CURVE_PENALTY = 100.0
# The share of right answers that the threshold may cost. With few examples, or without vectors of
# meaning, asking a person is better.
MAX_LOSS = 0.003
MAX_LOSS_WITH_FEW_EXAMPLES = 0.05
MANY_EXAMPLES = 1_000
# With few examples the answer must at least be more likely right than wrong.
MIN_THRESHOLD_WITH_FEW_EXAMPLES = 0.5
# No confidence reaches this threshold.
NEVER = 1.1
# Every nearness is above the first of these, none above the second.
ANY_NEARNESS = -1.0
MAX_NEARNESS = 1.0


class _Validation(NamedTuple):
    """Answers for examples that training did not see."""

    #: A row of confidence features for each answer.
    features: Features
    is_right: NDArray[np.bool_]


class _Limits(NamedTuple):
    """Limits of naming a kind: see the fields of ``RecogniserModel``."""

    curve: Features
    threshold: float
    min_nearness: float


def train_recogniser(
    examples: Sequence[TrainingExample],
    novel_texts: Sequence[str],
    embedder: Embedder,
    version: str,
    *,
    folds: int = 4,
) -> RecogniserModel | None:
    """Train on labelled texts, and on texts that people called new.

    Returns None when there are no two kinds with two examples each. It takes seconds for hundreds
    of examples, and a minute or two for ten thousand.
    """
    kind_examples = _select_examples(examples)
    kind_count = len(set(list_labels(kind_examples)))
    if kind_count < 2:
        return None
    all_examples = [*kind_examples, *_novel_examples(novel_texts)]
    vectors = embedder.embed(list_texts(all_examples))
    validation = _cross_validate(all_examples, vectors, min(folds, kind_count))
    has_few = len(all_examples) < MANY_EXAMPLES or not embedder.is_semantic
    limits = _cautious_limits(validation) if has_few else _usual_limits(validation)
    return RecogniserModel(
        version=version,
        embedder=embedder.identity,
        linear_model=train_linear_model(all_examples, vectors, penalty=PENALTY),
        example_vectors=vectors[: len(kind_examples)],
        curve=limits.curve,
        threshold=limits.threshold,
        min_nearness=limits.min_nearness,
        example_count=len(kind_examples),
    )


def _novel_examples(texts: Sequence[str]) -> list[TrainingExample]:
    unique_texts = filter(str.strip, dict.fromkeys(texts))
    return [TrainingExample(text, NOVEL, {}) for text in unique_texts]


def _select_examples(examples: Sequence[TrainingExample]) -> list[TrainingExample]:
    """Select the latest examples of each kind, without duplicates."""
    by_kind: dict[str, dict[str, TrainingExample]] = defaultdict(dict)
    for example in examples:
        if example.text.strip():
            # Removed first, so that a text that occurs again moves to the end.
            by_kind[example.label].pop(example.text, None)
            by_kind[example.label][example.text] = example
    selection: list[TrainingExample] = []
    for _, by_text in sorted(by_kind.items()):
        # A kind with one example cannot be validated.
        if len(by_text) > 1:
            selection += list(by_text.values())[-MAX_EXAMPLES_PER_KIND:]
    return selection


def _cross_validate(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    fold_count: int,
) -> _Validation:
    """Answer every example by a model that did not see it.

    In each fold whole kinds are hidden from the model as well.
    """
    is_novel = np.array(list_labels(examples)) == NOVEL
    fold_of_kind, fold_of_example = _assign_folds(examples, fold_count)
    features: list[Features] = []
    is_right: list[bool] = []
    for fold in range(fold_count):
        is_training = (fold_of_kind != fold) & (fold_of_example != fold)
        training = [examples[index] for index in np.flatnonzero(is_training).tolist()]
        if len(set(list_labels(training)) - {NOVEL}) < 2:
            continue
        model = train_linear_model(training, vectors[is_training], penalty=PENALTY)
        kind_vectors = vectors[is_training & ~is_novel]
        for index in np.flatnonzero(fold_of_example == fold).tolist():
            example = examples[index]
            vector = vectors[index]
            scores = model.score(example.text, {}, vector)
            similarities = kind_vectors @ vector
            features.append(confidence_features(model.labels, scores, similarities))
            is_right.append(_best_kind(model, scores) == example.label)
    return _Validation(np.array(features), np.array(is_right, bool))


def _assign_folds(
    examples: Sequence[TrainingExample],
    fold_count: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the folds in which kinds and examples are hidden.

    Returns for each example the fold without its kind, and the fold without itself.
    """
    kinds = sorted(set(list_labels(examples)) - {NOVEL})
    random = np.random.default_rng(0)
    kind_folds = random.permutation(len(kinds)) % fold_count
    fold_by_kind = dict(zip(kinds, kind_folds.tolist(), strict=True))
    # What people called new is never hidden.
    fold_by_kind[NOVEL] = -1
    fold_of_kind = np.array([fold_by_kind[example.label] for example in examples])
    fold_of_example = random.permutation(len(examples)) % fold_count
    return fold_of_kind, fold_of_example


def _best_kind(model: LinearModel, scores: NDArray[np.float32]) -> str:
    return model.labels[best_kind_position(model.labels, scores)]


def _usual_limits(validation: _Validation) -> _Limits:
    curve, threshold = _fit_confidence(validation, MAX_LOSS)
    return _Limits(curve=curve, threshold=threshold, min_nearness=ANY_NEARNESS)


def _cautious_limits(validation: _Validation) -> _Limits:
    """Choose the limits when the curve is rough, because examples are few."""
    curve, threshold = _fit_confidence(validation, MAX_LOSS_WITH_FEW_EXAMPLES)
    # What is far from everything known is then not named, however it scores.
    min_nearness = MAX_NEARNESS
    if validation.is_right.any():
        near_when_right = validation.features[validation.is_right][:, -1]
        min_nearness = float(np.quantile(near_when_right, MAX_LOSS_WITH_FEW_EXAMPLES))
    return _Limits(
        curve=curve,
        threshold=max(threshold, MIN_THRESHOLD_WITH_FEW_EXAMPLES),
        min_nearness=min_nearness,
    )


def _fit_confidence(validation: _Validation, max_loss: float) -> tuple[Features, float]:
    """Fit the curve and its threshold.

    Below the threshold lies ``max_loss`` of the right answers.
    """
    is_right = validation.is_right
    if is_right.all() or not is_right.any():
        # Nothing tells right from wrong: abstain from everything.
        return np.zeros(FEATURE_COUNT + 1), NEVER
    regression = LogisticRegression(C=CURVE_PENALTY, max_iter=1000)
    regression.fit(validation.features, is_right)
    curve = np.concatenate([regression.coef_[0], regression.intercept_])
    exponents = validation.features[is_right] @ curve[:-1] + curve[-1]
    confidences = 1 / (1 + np.exp(-exponents))
    return curve, float(np.quantile(confidences, max_loss))

"""Training of recognition, and of the confidence below which it abstains.

Whole kinds are hidden from training in turn: so the confidence is fitted on cases of unknown kinds
too, which are what recognition must not name.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.learning.linear_model import (
    LinearModel,
    TrainingExample,
    train_linear_model,
)
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
# No confidence reaches this threshold, and no nearness is below this limit.
NEVER = 1.1
ANY_NEARNESS = -1.0
MAX_NEARNESS = 1.0


class _Validation(NamedTuple):
    """Answers for examples that training did not see."""

    #: A row of confidence features for each answer.
    features: Features
    is_right: NDArray[np.bool_]


class _Limits(NamedTuple):
    """When a kind is named: see the fields of ``RecogniserModel``."""

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
    known = _select_examples(examples)
    kinds = {example.label for example in known}
    if len(kinds) < 2:
        return None
    novel = [text for text in dict.fromkeys(novel_texts) if text.strip()]
    everything = [*known, *(TrainingExample(text, NOVEL, {}) for text in novel)]
    vectors = embedder.embed([example.text for example in everything])
    validation = _cross_validate(everything, vectors, min(folds, len(kinds)))
    has_few = len(everything) < MANY_EXAMPLES or not embedder.is_semantic
    limits = _cautious_limits(validation) if has_few else _usual_limits(validation)
    return RecogniserModel(
        version=version,
        embedder=embedder.identity,
        linear_model=train_linear_model(everything, vectors, penalty=PENALTY),
        example_vectors=vectors[: len(known)],
        curve=limits.curve,
        threshold=limits.threshold,
        min_nearness=limits.min_nearness,
        example_count=len(known),
    )


def _select_examples(examples: Sequence[TrainingExample]) -> list[TrainingExample]:
    """Select the latest examples of each kind, without duplicates."""
    by_kind: dict[str, dict[str, TrainingExample]] = defaultdict(dict)
    for example in examples:
        if example.text.strip():
            # Removed first, so that a text that occurs again moves to the end.
            by_kind[example.label].pop(example.text, None)
            by_kind[example.label][example.text] = example
    selected: list[TrainingExample] = []
    for _, by_text in sorted(by_kind.items()):
        # A kind with one example cannot be validated.
        if len(by_text) > 1:
            selected += list(by_text.values())[-MAX_EXAMPLES_PER_KIND:]
    return selected


def _cross_validate(
    examples: Sequence[TrainingExample], vectors: Vectors, fold_count: int
) -> _Validation:
    """Answer every example by a model that saw neither it nor, in its fold, whole hidden kinds."""
    labels = np.array([example.label for example in examples])
    kinds = sorted({example.label for example in examples} - {NOVEL})
    random = np.random.default_rng(0)
    kind_folds = random.permutation(len(kinds)) % fold_count
    hidden_in = dict(zip(kinds, kind_folds.tolist(), strict=True))
    fold_of_kind = np.array([hidden_in.get(example.label, -1) for example in examples])
    fold_of_example = random.permutation(len(examples)) % fold_count
    features: list[Features] = []
    is_right: list[bool] = []
    for fold in range(fold_count):
        is_training = (fold_of_kind != fold) & (fold_of_example != fold)
        training = [examples[index] for index in np.flatnonzero(is_training).tolist()]
        if len({example.label for example in training} - {NOVEL}) < 2:
            continue
        model = train_linear_model(training, vectors[is_training], penalty=PENALTY)
        known_vectors = vectors[is_training & (labels != NOVEL)]
        for index in np.flatnonzero(fold_of_example == fold).tolist():
            answer = _validate(model, examples[index], vectors[index], known_vectors)
            features.append(answer[0])
            is_right.append(answer[1])
    return _Validation(np.array(features), np.array(is_right, bool))


def _validate(
    model: LinearModel, example: TrainingExample, vector: Vectors, known_vectors: Vectors
) -> tuple[Features, bool]:
    """Answer one example; return its confidence features and whether the best kind is right."""
    scores = model.score(example.text, {}, vector)
    features = confidence_features(model.labels, scores, known_vectors @ vector)
    best = model.labels[best_kind_position(model.labels, scores)]
    return features, best == example.label


def _usual_limits(validation: _Validation) -> _Limits:
    curve, threshold = _fit_confidence(validation, MAX_LOSS)
    return _Limits(curve=curve, threshold=threshold, min_nearness=ANY_NEARNESS)


def _cautious_limits(validation: _Validation) -> _Limits:
    """Choose the limits when the curve is rough, because examples are few."""
    curve, threshold = _fit_confidence(validation, MAX_LOSS_WITH_FEW_EXAMPLES)
    # What is far from everything known is then not named, however it scores.
    nearness = MAX_NEARNESS
    if validation.is_right.any():
        near_when_right = validation.features[validation.is_right][:, -1]
        nearness = float(np.quantile(near_when_right, MAX_LOSS_WITH_FEW_EXAMPLES))
    return _Limits(
        curve=curve,
        threshold=max(threshold, MIN_THRESHOLD_WITH_FEW_EXAMPLES),
        min_nearness=nearness,
    )


def _fit_confidence(validation: _Validation, max_loss: float) -> tuple[Features, float]:
    """Fit the curve, and the threshold below which ``max_loss`` of the right answers lie."""
    is_right = validation.is_right
    if is_right.all() or not is_right.any():
        # Nothing tells right from wrong: abstain from everything.
        return np.zeros(FEATURE_COUNT + 1), NEVER
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=CURVE_PENALTY, max_iter=1000).fit(validation.features, is_right)
    curve = np.concatenate([fitted.coef_[0], fitted.intercept_])
    exponents = validation.features[is_right] @ curve[:-1] + curve[-1]
    confidences = 1 / (1 + np.exp(-exponents))
    return curve, float(np.quantile(confidences, max_loss))

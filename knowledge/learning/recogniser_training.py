"""Training of recognition, and of the confidence below which it abstains.

Whole kinds are hidden from training in turn: so the confidence is fitted on cases of unknown kinds
too, which are what recognition must not name.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
from knowledge.learning.recogniser_limits_training import Validation, choose_limits
from knowledge.learning.stranger_share import PRIOR_SHARE
from knowledge.memory.embedder import Embedder
from knowledge.memory.vectors import Vectors

MAX_EXAMPLES_PER_KIND = 150
PENALTY = 0.5
MANY_EXAMPLES = 1_000
# The voice of the words alone in the scores. Vectors of meaning overfit the style in which the
# examples were written: on texts in another style words know better, in the same style slightly
# less.
WORDS_SHARE = 0.25


def train_recogniser(
    examples: Sequence[TrainingExample],
    novel_texts: Sequence[str],
    embedder: Embedder,
    version: str,
    *,
    stranger_share: float = PRIOR_SHARE,
    folds: int = 4,
) -> RecogniserModel | None:
    """Train on labelled texts, and on texts that people called new.

    ``stranger_share`` is that of cases of unknown kinds among the coming ones.

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
    known_vectors = vectors[: len(kind_examples)]
    result = choose_limits(
        validation,
        list_labels(kind_examples),
        known_vectors,
        has_few=has_few,
        stranger_share=stranger_share,
    )
    return RecogniserModel(
        version=version,
        embedder=embedder.identity,
        linear_model=train_kinds(all_examples, vectors),
        example_vectors=known_vectors,
        limits=result.limits,
        trade=result.trade,
        example_count=len(kind_examples),
    )


def train_kinds(examples: Sequence[TrainingExample], vectors: Vectors) -> LinearModel:
    """Train words with meaning, averaged with the words alone."""
    joint = train_linear_model(examples, vectors, penalty=PENALTY)
    if not len(joint.buckets):
        # Texts without a single word.
        return joint
    words = train_linear_model(examples, vectors[:, :0], penalty=PENALTY)
    # The mean of two linear models over the same features is one: it costs a card nothing.
    weights = (1 - WORDS_SHARE) * joint.weights
    weights[: len(joint.buckets)] += WORDS_SHARE * words.weights
    return replace(
        joint,
        weights=weights,
        bias=(1 - WORDS_SHARE) * joint.bias + WORDS_SHARE * words.bias,
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
) -> Validation:
    """Answer every example by a model that did not see it.

    In each fold whole kinds are hidden from the model as well.
    """
    is_novel = np.array(list_labels(examples)) == NOVEL
    fold_of_kind, fold_of_example = _assign_folds(examples, fold_count)
    features: list[Features] = []
    answers: list[str] = []
    places: list[int] = []
    is_stranger: list[bool] = []
    for fold in range(fold_count):
        is_training = (fold_of_kind != fold) & (fold_of_example != fold)
        training = [examples[index] for index in np.flatnonzero(is_training).tolist()]
        if len(set(list_labels(training)) - {NOVEL}) < 2:
            continue
        model = train_kinds(training, vectors[is_training])
        kind_vectors = vectors[is_training & ~is_novel]
        for index in np.flatnonzero(fold_of_example == fold).tolist():
            example = examples[index]
            vector = vectors[index]
            scores = model.score(example.text, {}, vector)
            similarities = kind_vectors @ vector
            features.append(confidence_features(model.labels, scores, similarities))
            answers.append(_best_kind(model, scores))
            places.append(index)
            is_stranger.append(bool(is_novel[index] or fold_of_kind[index] == fold))
    return Validation(
        features=np.array(features).reshape(-1, FEATURE_COUNT),
        answers=np.array(answers, np.str_),
        labels=np.array([examples[place].label for place in places], np.str_),
        is_stranger=np.array(is_stranger, bool),
    )


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

"""The past of a kind: its stories and facts, and their distances."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.learning.backtest import ScoreHistory
from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.plan_past import NO_LABEL, TOLERANCE, Past, fact_keys
from knowledge.memory.vectors import Vectors

# A case is unlike the past when it is farther than all but this share of the precedents are.
UNLIKE_QUANTILE = 0.05
# A story as near as this is like another in any case: where all are told in the same words, a new
# name alone is farther than they are from each other.
SURE_COSINE = 0.9
# With fewer precedents of a sort nothing can be said of what is far.
MIN_COMPARED = 20
ROWS_AT_ONCE = 1_000


def make_past(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    targets: NDArray[np.int64],
) -> Past:
    """Gather stories and facts, and measure how near stories are."""
    has_story = np.asarray(vectors.any(axis=1))
    stories = np.ascontiguousarray(vectors[has_story], np.float32)
    counts = Counter(key for example in examples for key in fact_keys(example.facts))
    return Past(
        stories=stories,
        story_labels=targets[has_story],
        fact_keys=np.array(sorted(counts), np.int64),
        min_cosine=min(_quantile(_nearest_others(stories)), SURE_COSINE),
        min_familiar_share=_quantile(_familiar_shares(examples, counts)),
    )


def nearest_earlier(
    trial: ScoreHistory,
    vectors: Vectors,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the nearest story that the model of each answer knew.

    Returns its cosine and its label.
    """
    has_story = np.asarray(vectors.any(axis=1))
    cosines = np.zeros(len(trial.rows))
    labels = np.full(len(trial.rows), NO_LABEL, np.int64)
    for start in np.unique(trial.starts):
        earlier_rows = np.flatnonzero(has_story[:start])
        story_lines = np.flatnonzero((trial.starts == start) & has_story[trial.rows])
        if not len(earlier_rows) or not len(story_lines):
            continue
        near = vectors[trial.rows[story_lines]] @ vectors[earlier_rows].T
        cosines[story_lines] = near.max(axis=1)
        labels[story_lines] = trial.targets[earlier_rows[near.argmax(axis=1)]]
    return cosines, labels


def _quantile(values: Sequence[float]) -> float:
    return float(np.quantile(values, UNLIKE_QUANTILE)) if len(values) >= MIN_COMPARED else -1.0


def _nearest_others(stories: Vectors) -> list[float]:
    """Return how near the nearest other story is to each.

    The same story told again is no other one: titles repeat, and that says nothing of new ones.
    """
    different = _leave_out_copies(stories)
    cosines: list[float] = []
    for first in range(0, len(different), ROWS_AT_ONCE):
        near = different[first : first + ROWS_AT_ONCE] @ different.T
        near[np.arange(len(near)), first + np.arange(len(near))] = -1
        near[near > 1 - TOLERANCE] = -1
        cosines += near.max(axis=1).tolist()
    return cosines


def _leave_out_copies(stories: Vectors) -> Vectors:
    if not len(stories):
        return stories
    digits = np.round(stories, 4)
    return stories[np.unique(digits, axis=0, return_index=True)[1]]


def _familiar_shares(examples: Sequence[TrainingExample], counts: Counter[int]) -> list[float]:
    """Return the share of each example's values that another has."""
    shares = []
    for example in examples:
        keys = fact_keys(example.facts)
        if keys:
            shares.append(sum(counts[key] > 1 for key in keys) / len(keys))
    return shares

"""Backtesting: what would have been answered in the past."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.learning.linear_model import (
    TrainingExample,
    list_labels,
)
from knowledge.learning.linear_training import train_linear_model
from knowledge.memory.vectors import Vectors

# The first models learn from two of them, as what is learned from fewer is no example of later.
BLOCKS = 12
FIRST_BLOCKS = 2
# The label of a case in which none of the actions on offer was right.
NO_ACTION = ""
# The score of a label that a model had not met; those of unlikely ones are about -1.
UNKNOWN_SCORE = -2.0


@dataclass(frozen=True, kw_only=True)
class ScoreHistory:
    """The scores of examples by models that knew only earlier ones."""

    labels: tuple[str, ...]
    #: The position of the label of each example, also of those without scores.
    targets: NDArray[np.int64]
    #: The examples that have scores, in time order.
    rows: NDArray[np.int64]
    #: How many examples the model of each knew.
    starts: NDArray[np.int64]
    scores: NDArray[np.float64]

    @property
    def row_targets(self) -> NDArray[np.int64]:
        """Return the positions of the labels of those with scores."""
        return self.targets[self.rows]

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Tell of each whether the linear model alone was right."""
        return np.asarray(best_answers(self.scores, self.labels) == self.row_targets)


def backtest(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    penalty: float,
) -> ScoreHistory:
    """Train on the past in blocks, and score the block after it.

    Each example is scored by a model that knew only earlier ones, so the answers are those of the
    future, not of hindsight. ``examples`` are in time order, ``vectors`` has a row for each.
    """
    labels = tuple(sorted(set(list_labels(examples))))
    positions = {label: position for position, label in enumerate(labels)}
    rows: list[int] = []
    starts: list[int] = []
    scores: list[NDArray[Any]] = []
    bounds = [len(examples) * block // BLOCKS for block in range(FIRST_BLOCKS, BLOCKS + 1)]
    for start, end in itertools.pairwise(bounds):
        past = examples[:start]
        if len(set(list_labels(past))) < 2:
            continue
        model = train_linear_model(past, vectors[:start], penalty=penalty)
        columns = [positions[label] for label in model.labels]
        for row in range(start, end):
            example = examples[row]
            line = np.full(len(labels), UNKNOWN_SCORE)
            line[columns] = model.score(example.text, example.facts, vectors[row])
            scores.append(line)
            rows.append(row)
            starts.append(start)
    return ScoreHistory(
        labels=labels,
        targets=np.array([positions[example.label] for example in examples], np.int64),
        rows=np.array(rows, np.int64),
        starts=np.array(starts, np.int64),
        scores=np.array(scores).reshape(len(rows), len(labels)),
    )


def best_answers(values: NDArray[Any], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the position of the best action of each row.

    "None of them" is no action.
    """
    is_action = np.array([label != NO_ACTION for label in labels])
    answers: NDArray[np.int64] = np.where(is_action, values, -np.inf).argmax(axis=-1)
    return answers

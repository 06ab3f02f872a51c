"""Backtesting: the worth of recommendations in the past."""

import itertools
from collections.abc import Sequence

from knowledge.learning.calibration import ScoredOutcome
from knowledge.learning.linear_model import (
    LinearModel,
    TrainingExample,
    list_labels,
    score_margins,
)
from knowledge.learning.linear_training import train_linear_model
from knowledge.memory.vectors import Vectors

BLOCKS = 6
# The label of a case in which none of the actions on offer was right.
NO_ACTION = ""


def backtest(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    penalty: float,
) -> list[ScoredOutcome]:
    """Train on the past in blocks, and score the block after it.

    Each example is scored by a model that knew only earlier ones, so the outcomes are those of the
    future, not of hindsight. ``examples`` are in time order, ``vectors`` has a row for each.
    """
    bounds = [len(examples) * block // BLOCKS for block in range(1, BLOCKS + 1)]
    outcomes: list[ScoredOutcome] = []
    for start, end in itertools.pairwise(bounds):
        past = examples[:start]
        if len(set(list_labels(past))) < 2:
            continue
        model = train_linear_model(past, vectors[:start], penalty=penalty)
        outcomes += _score_block(model, examples[start:end], vectors[start:end])
    return outcomes


def _score_block(
    model: LinearModel,
    examples: Sequence[TrainingExample],
    vectors: Vectors,
) -> list[ScoredOutcome]:
    outcomes = []
    for example, vector in zip(examples, vectors, strict=True):
        scores = model.score(example.text, example.facts, vector)
        margins = score_margins(model.labels, scores)
        margins.pop(NO_ACTION, None)
        if not margins:
            continue
        action = max(margins, key=margins.__getitem__)
        outcomes.append(ScoredOutcome(margins[action], action == example.label))
    return outcomes

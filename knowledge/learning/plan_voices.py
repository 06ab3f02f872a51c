"""The two voices of a plan model: words, and words with meaning.

A joint model leans on the vectors of the style in which its examples were written. Requests written
otherwise are then judged worse than by words alone, and no backtest on the same style shows it. So
both have an even say, unless later answers speak for the joint one.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from knowledge.learning.backtest import ScoreHistory, backtest
from knowledge.learning.linear_model import LinearModel, TrainingExample
from knowledge.learning.linear_training import train_linear_model
from knowledge.memory.vectors import Vectors


def backtest_words(examples: Sequence[TrainingExample], penalty: float) -> ScoreHistory:
    """Backtest a model of words and facts alone."""
    return backtest(examples, np.zeros((len(examples), 1), np.float32), penalty)


def train_words_model(
    examples: Sequence[TrainingExample], vectors: Vectors, *, penalty: float
) -> LinearModel:
    """Train on words and facts alone; vectors count nothing."""
    return train_linear_model(examples, np.zeros_like(vectors), penalty=penalty)


def average_scores(joint: ScoreHistory, words: ScoreHistory) -> ScoreHistory:
    """Give both an even say in each score."""
    return replace(joint, scores=(joint.scores + words.scores) / 2)


def average_models(joint: LinearModel, words: LinearModel) -> LinearModel:
    """Give both models an even say.

    The mean of two linear models is one, and costs a card no more. Both were trained on the same
    examples.
    """
    return replace(
        joint,
        weights=((joint.weights + words.weights) / 2).astype(np.float32),
        bias=((joint.bias + words.bias) / 2).astype(np.float32),
    )

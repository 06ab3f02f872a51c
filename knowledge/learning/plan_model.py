"""Which of a kind's actions people decided on, learned per kind from its precedents; with its probabilities and its promise.

Each past case is scored by a model that knew only what came before it, so the probabilities are those of the future, not of hindsight.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.cases.canonical import Scalar
from bot.cases.precedent import Ended, Precedent
from knowledge.learning.calibration import (
    ENOUGH,
    Calibration,
    PrecisionGuarantee,
    ScoredOutcome,
    calibrate,
    certify_precision,
)
from knowledge.learning.linear_model import (
    LinearModel,
    TrainingExample,
    require_finite,
    train_linear_model,
)
from knowledge.memory.embedder import Vectors

MOST_PRECEDENTS = 3_000
BLOCKS = 6
NOTHING_FIT = ""
TARGET = 0.95
# scikit-learn's C: facts repeat and mislead when few; words carry more. Chosen by rehearsal among these.
PENALTIES = (0.1, 0.3, 1.0)


@dataclass(frozen=True)
class PlanModel:
    """``learner`` has a label per action, and an empty one for "none of them". ``support`` counts the precedents of each."""

    kind: str
    linear_model: LinearModel
    calibration: Calibration | None
    guarantee: PrecisionGuarantee | None
    support: Mapping[str, int]
    correct: int
    total: int

    def margins(self, text: str, facts: Mapping[str, Scalar], vector: Vectors) -> dict[str, float]:
        """For each label, by how much it beats the best of the others."""
        scores = self.linear_model.scores(text, facts, vector)
        return score_margins(self.linear_model.labels, scores)

    def arrays(self) -> dict[str, Any]:
        name = f"plan.{self.kind}"
        curve = [self.calibration.slope, self.calibration.middle] if self.calibration else []
        held = self.guarantee
        promise = (
            [held.target, held.threshold, held.correct, held.total, held.lower_bound]
            if held
            else []
        )
        counted = np.array([self.support[label] for label in self.linear_model.labels])
        plain = {"curve": np.array(curve), "promise": np.array(promise), "support": counted}
        record = {f"{name}.{part}": array for part, array in plain.items()}
        return {
            **record,
            f"{name}.record": np.array([self.correct, self.total]),
            **self.linear_model.arrays(name),
        }

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, Any]) -> "PlanModel":
        name = f"plan.{kind}"
        learner = LinearModel.from_arrays(name, arrays)
        curve, promise = (
            require_finite(arrays[f"{name}.{part}"]).tolist() for part in ("curve", "promise")
        )
        held = (
            PrecisionGuarantee(promise[0], promise[1], int(promise[2]), int(promise[3]), promise[4])
            if promise
            else None
        )
        support = dict(zip(learner.labels, arrays[f"{name}.support"].tolist(), strict=True))
        right, judged = arrays[f"{name}.record"].tolist()
        return cls(
            kind, learner, Calibration(*curve) if curve else None, held, support, right, judged
        )


def score_margins(labels: Sequence[str], scores: Any) -> dict[str, float]:
    """By how much each score beats the best of the others."""
    order = np.argsort(-scores)
    best, second = scores[order[0]], scores[order[1]] if len(order) > 1 else -1.0
    return {
        label: float(score - (second if place == order[0] else best))
        for place, (label, score) in enumerate(zip(labels, scores, strict=True))
    }


def label_of(precedent: Precedent) -> str:
    """What was right in hindsight: the action, when it was approved and worked; otherwise none of those on offer."""
    return precedent.action if precedent.ended is Ended.WORKED else NOTHING_FIT


def example_of(precedent: Precedent) -> TrainingExample:
    return TrainingExample(precedent.said, label_of(precedent), precedent.facts)


def train_plan_model(
    kind: str, precedents: Sequence[Precedent], vectors: Vectors, *, target: float = TARGET
) -> PlanModel | None:
    """Learn from precedents in time order; None when they are too few, or all ended alike and leave nothing to learn."""
    examples = [example_of(precedent) for precedent in precedents]
    labels = [example.label for example in examples]
    support = {label: labels.count(label) for label in sorted(set(labels))}
    if len(examples) < ENOUGH or len(support) < 2:
        return None
    rehearsals = [(penalty, backtest(examples, vectors, penalty)) for penalty in PENALTIES]
    penalty, past = max(rehearsals, key=lambda pair: sum(judged.was_right for judged in pair[1]))
    learner = train_linear_model(examples, vectors, penalty=penalty)
    right = sum(judged.was_right for judged in past)
    return PlanModel(
        kind, learner, calibrate(past), certify_precision(past, target), support, right, len(past)
    )


def backtest(
    examples: Sequence[TrainingExample], vectors: Vectors, penalty: float
) -> list[ScoredOutcome]:
    """Go through the past in blocks: learn from all before, recommend for the next, see what was decided."""
    ends = [len(examples) * block // BLOCKS for block in range(1, BLOCKS + 1)]
    judged: list[ScoredOutcome] = []
    for start, end in itertools.pairwise(ends):
        if len({example.label for example in examples[:start]}) < 2:
            continue
        learner = train_linear_model(examples[:start], vectors[:start], penalty=penalty)
        for example, vector in zip(examples[start:end], vectors[start:end], strict=True):
            margins = score_margins(
                learner.labels, learner.scores(example.text, example.facts, vector)
            )
            chosen = max(
                (label for label in margins if label), key=margins.__getitem__, default=NOTHING_FIT
            )
            if chosen:
                judged.append(ScoredOutcome(margins[chosen], chosen == example.label))
    return judged

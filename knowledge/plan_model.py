"""Which of a kind's actions people decided on, learned per kind from its precedents; with its probabilities and its promise.

Each past case is scored by a model that knew only what came before it, so the probabilities are those of the future, not of hindsight.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.cases.canonical import Scalar
from bot.cases.precedent import CaseOutcome, Precedent
from knowledge.confidence import ENOUGH, Calibration, Judged, Promise, calibrate, certify
from knowledge.embedder import Vectors
from knowledge.learner import Example, Learner, finite, train

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
    learner: Learner
    calibration: Calibration | None
    promise: Promise | None
    support: Mapping[str, int]
    right: int
    judged: int

    def margins(self, text: str, facts: Mapping[str, Scalar], vector: Vectors) -> dict[str, float]:
        """For each label, by how much it beats the best of the others."""
        scores = self.learner.scores(text, facts, vector)
        return margins_of(self.learner.labels, scores)

    def arrays(self) -> dict[str, Any]:
        name = f"plan.{self.kind}"
        curve = [self.calibration.slope, self.calibration.middle] if self.calibration else []
        held = self.promise
        promise = [held.target, held.threshold, held.right, held.judged, held.bound] if held else []
        counted = np.array([self.support[label] for label in self.learner.labels])
        plain = {"curve": np.array(curve), "promise": np.array(promise), "support": counted}
        record = {f"{name}.{part}": array for part, array in plain.items()}
        return {
            **record,
            f"{name}.record": np.array([self.right, self.judged]),
            **self.learner.arrays(name),
        }

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, Any]) -> "PlanModel":
        name = f"plan.{kind}"
        learner = Learner.from_arrays(name, arrays)
        curve, promise = (
            finite(arrays[f"{name}.{part}"]).tolist() for part in ("curve", "promise")
        )
        held = (
            Promise(promise[0], promise[1], int(promise[2]), int(promise[3]), promise[4])
            if promise
            else None
        )
        support = dict(zip(learner.labels, arrays[f"{name}.support"].tolist(), strict=True))
        right, judged = arrays[f"{name}.record"].tolist()
        return cls(
            kind, learner, Calibration(*curve) if curve else None, held, support, right, judged
        )


def margins_of(labels: Sequence[str], scores: Any) -> dict[str, float]:
    """By how much each score beats the best of the others."""
    order = np.argsort(-scores)
    best, second = scores[order[0]], scores[order[1]] if len(order) > 1 else -1.0
    return {
        label: float(score - (second if place == order[0] else best))
        for place, (label, score) in enumerate(zip(labels, scores, strict=True))
    }


def label_of(precedent: Precedent) -> str:
    """What was right in hindsight: the action, when it was approved and worked; otherwise none of those on offer."""
    return precedent.action if precedent.ended is CaseOutcome.WORKED else NOTHING_FIT


def example_of(precedent: Precedent) -> Example:
    return Example(precedent.said, label_of(precedent), precedent.facts)


def train_plan(
    kind: str, precedents: Sequence[Precedent], vectors: Vectors, *, target: float = TARGET
) -> PlanModel | None:
    """Learn from precedents in time order; None when they are too few, or all ended alike and leave nothing to learn."""
    examples = [example_of(precedent) for precedent in precedents]
    labels = [example.label for example in examples]
    support = {label: labels.count(label) for label in sorted(set(labels))}
    if len(examples) < ENOUGH or len(support) < 2:
        return None
    rehearsals = [(penalty, rehearse(examples, vectors, penalty)) for penalty in PENALTIES]
    penalty, past = max(rehearsals, key=lambda pair: sum(judged.was_right for judged in pair[1]))
    learner = train(examples, vectors, penalty=penalty)
    right = sum(judged.was_right for judged in past)
    return PlanModel(
        kind, learner, calibrate(past), certify(past, target), support, right, len(past)
    )


def rehearse(examples: Sequence[Example], vectors: Vectors, penalty: float) -> list[Judged]:
    """Go through the past in blocks: learn from all before, recommend for the next, see what was decided."""
    ends = [len(examples) * block // BLOCKS for block in range(1, BLOCKS + 1)]
    judged: list[Judged] = []
    for start, end in itertools.pairwise(ends):
        if len({example.label for example in examples[:start]}) < 2:
            continue
        learner = train(examples[:start], vectors[:start], penalty=penalty)
        for example, vector in zip(examples[start:end], vectors[start:end], strict=True):
            margins = margins_of(
                learner.labels, learner.scores(example.text, example.facts, vector)
            )
            chosen = max(
                (label for label in margins if label), key=margins.__getitem__, default=NOTHING_FIT
            )
            if chosen:
                judged.append(Judged(margins[chosen], chosen == example.label))
    return judged

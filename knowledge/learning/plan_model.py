"""The plan model of a kind: which action was right before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.cases.canonical import ScalarMapping
from knowledge.arrays import np
from knowledge.learning.calibration import Calibration, PrecisionGuarantee
from knowledge.learning.linear_model import LinearModel, require_finite, score_margins
from knowledge.memory.vectors import Vectors


@dataclass(frozen=True, kw_only=True)
class PlanModel:
    """The model of one kind, trained on its precedents."""

    kind: str
    #: The identity of the embedder whose vectors it scores.
    embedder: str
    #: A label for each action, and an empty one for "none of them".
    linear_model: LinearModel
    calibration: Calibration | None
    guarantee: PrecisionGuarantee | None
    #: How many precedents each label has.
    support: Mapping[str, int]
    #: How many recommendations of the backtest were right, and how many there were.
    correct: int
    total: int

    def margins(
        self,
        text: str,
        facts: ScalarMapping,
        vector: Vectors,
    ) -> dict[str, float]:
        """Return how far each label is ahead of the best other one."""
        scores = self.linear_model.score(text, facts, vector)
        return score_margins(self.linear_model.labels, scores)

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        name = f"plan.{self.kind}"
        support = list(map(self.support.__getitem__, self.linear_model.labels))
        return {
            **self.linear_model.to_arrays(name),
            f"{name}.embedder": np.array(self.embedder),
            f"{name}.curve": np.array(_calibration_numbers(self.calibration)),
            f"{name}.promise": np.array(_guarantee_numbers(self.guarantee)),
            f"{name}.support": np.array(support),
            f"{name}.record": np.array([self.correct, self.total]),
        }

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, Any]) -> "PlanModel":
        """Read a model from the arrays of a file.

        One of an earlier release was trained on the vectors of the embedder that the file names.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        name = f"plan.{kind}"
        linear_model = LinearModel.from_arrays(name, arrays)
        curve = require_finite(arrays[f"{name}.curve"]).tolist()
        guarantee = require_finite(arrays[f"{name}.promise"]).tolist()
        support = arrays[f"{name}.support"].tolist()
        correct, total = arrays[f"{name}.record"].tolist()
        return cls(
            kind=kind,
            embedder=str(arrays.get(f"{name}.embedder", arrays["embedder"])),
            linear_model=linear_model,
            calibration=_read_calibration(curve),
            guarantee=_read_guarantee(guarantee),
            support=dict(zip(linear_model.labels, support, strict=True)),
            correct=correct,
            total=total,
        )


def _calibration_numbers(calibration: Calibration | None) -> list[float]:
    return [calibration.slope, calibration.middle] if calibration else []


def _read_calibration(numbers: list[float]) -> Calibration | None:
    return Calibration(*numbers) if numbers else None


def _guarantee_numbers(guarantee: PrecisionGuarantee | None) -> list[float]:
    if guarantee is None:
        return []
    return [
        guarantee.target,
        guarantee.threshold,
        guarantee.correct,
        guarantee.total,
        guarantee.lower_bound,
    ]


def _read_guarantee(numbers: list[float]) -> PrecisionGuarantee | None:
    if not numbers:
        return None
    target, threshold, correct, total, lower_bound = numbers
    return PrecisionGuarantee(
        target=target,
        threshold=threshold,
        correct=int(correct),
        total=int(total),
        lower_bound=lower_bound,
    )

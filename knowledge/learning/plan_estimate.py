"""An estimate: the answers to one case, and how sure they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowledge.learning.calibration import PrecisionGuarantee


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEstimate:
    """The answers of the past to one case.

    A label is an action, or empty for "none of them".
    """

    #: How far each label is ahead of the best other one.
    margins: Mapping[str, float]
    #: The probability of each label, before it is known how often such answers are right.
    shares: Mapping[str, float]
    #: The probability that each action is right; empty where nothing can be said of it.
    confidences: Mapping[str, float]
    #: What is certified of this kind, the highest target first.
    guarantees: Sequence[PrecisionGuarantee]
    #: It is farther from every precedent than precedents are from each other: the order is that of
    #: its words and facts, and nothing is said of how sure it is.
    is_unlike_past: bool

    def confidence_of(self, action: str) -> float | None:
        """Return the probability that this action is right, if known."""
        return self.confidences.get(action)

    def guarantee_of(self, action: str) -> PrecisionGuarantee | None:
        """Return the highest guarantee that the confidence in this action reaches."""
        confidence = self.confidence_of(action)
        if confidence is None or self.is_unlike_past:
            return None
        for guarantee in self.guarantees:
            if confidence >= guarantee.threshold:
                return guarantee
        return None

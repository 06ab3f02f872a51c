"""Calibration: scores as probabilities, and guarantees of precision."""

import math
from dataclasses import dataclass

TARGET_PRECISION = 0.95
# Keeps the exponential function from overflowing.
MAX_EXPONENT = 30.0


@dataclass(frozen=True, slots=True)
class ScoredOutcome:
    """A past recommendation: its score, and whether it was right."""

    #: Scored before anybody decided.
    score: float
    was_right: bool
    #: When the case ended, in days since any moment.
    day: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionGuarantee:
    """A precision that recommendations at or above a threshold reach."""

    #: The precision that was asked for.
    target: float
    threshold: float
    #: How many recommendations at or above the threshold were right, and how many there were.
    correct: int
    total: int
    #: The lower bound of the precision.
    lower_bound: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve from score to probability."""

    slope: float
    middle: float

    def probability(self, score: float) -> float:
        """Return the probability that a recommendation with this score is right."""
        return logistic(self.slope * (score - self.middle))


def logistic(value: float) -> float:
    """Map a number to a probability."""
    bounded_value = max(-MAX_EXPONENT, min(MAX_EXPONENT, value))
    return 1 / (1 + math.exp(-bounded_value))

"""Shares of answers: a multinomial curve over linear scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.arrays import np
from knowledge.learning.linear_model import require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_SHARE = 1e-4
# The part of a share that an account cannot take away: a habit is no rule.
LASTING_PART = 0.2


@dataclass(frozen=True, kw_only=True)
class ShareCurve:
    """A multinomial logistic curve; a row and a column for each label."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def shares(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return the share of each label, of one row or many."""
        values = scores @ self.weights + self.bias
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return normalise_shares(powers / powers.sum(axis=-1, keepdims=True))

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this curve for a file."""
        return {f"{name}.weights": self.weights, f"{name}.bias": self.bias}

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> ShareCurve:
        """Read a curve from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        curve = cls(
            weights=require_finite(arrays[f"{name}.weights"]),
            bias=require_finite(arrays[f"{name}.bias"]),
        )
        if curve.weights.shape != (len(curve.bias), len(curve.bias)):
            raise ValueError(f"{name}: its weights do not fit each other")
        return curve


def add_residuals(
    shares: NDArray[np.float64],
    residuals: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Add to the shares what an account has shown beyond them."""
    return normalise_shares(np.maximum(shares + residuals, LASTING_PART * shares))


def normalise_shares(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep every share above zero, and their sum at 1."""
    values = np.maximum(shares, MIN_SHARE)
    distribution: NDArray[np.float64] = values / values.sum(axis=-1, keepdims=True)
    return distribution

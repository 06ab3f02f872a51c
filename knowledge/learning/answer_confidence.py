"""The second stage: when an answer is right.

A share says how the labels compare. Whether the best of them is right hangs on more: whether there
is a story, whether the account is known and keeps to one answer, whether the nearest precedent
agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.arrays import np
from knowledge.learning.linear_model import require_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

# No share is so large that nothing is left for the other labels.
MIN_REST = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSigns:
    """Signs that speak for answers and against them, a row for each."""

    #: The position of the label that is the answer.
    answers: NDArray[np.int64]
    #: Its share.
    shares: Numbers
    #: How far its share is ahead of the best other one.
    leads: Numbers
    has_story: Numbers
    nearest_cosines: Numbers
    #: The nearest story ended so.
    is_as_nearest: Numbers
    #: The linear model alone answers so.
    is_as_linear: Numbers
    account_totals: Numbers
    account_commonest_shares: Numbers
    account_records: Numbers

    @property
    def log_odds(self) -> Numbers:
        """Return the logarithms of the odds that the shares are.

        Unlike those of the shares they still tell 95 from 99 %, where promises are made.
        """
        logarithms: Numbers = np.log(self.shares) - np.log(np.maximum(1 - self.shares, MIN_REST))
        return logarithms

    def to_matrix(self) -> Numbers:
        """Return a column for each sign."""
        log_odds = self.log_odds
        columns = (
            log_odds,
            self.leads,
            self.has_story,
            self.has_story * log_odds,
            self.nearest_cosines,
            self.is_as_nearest,
            self.is_as_linear,
            np.log1p(self.account_totals),
            self.account_commonest_shares,
            self.account_records,
        )
        matrix: Numbers = np.column_stack(columns).astype(np.float64)
        return matrix


@dataclass(frozen=True, kw_only=True)
class AnswerCurve:
    """A logistic curve over signs, and its deviation for each label."""

    means: Numbers
    scales: Numbers
    weights: Numbers
    #: For each label; nought for one with too few cases.
    label_offsets: Numbers
    #: How much more or less the odds of each label count.
    label_slopes: Numbers
    bias: float

    def probabilities(self, signs: AnswerSigns) -> Numbers:
        """Return the probability that each answer is right."""
        columns = (signs.to_matrix() - self.means) / self.scales
        values = self.bias + columns @ self.weights
        values = values + self.label_offsets[signs.answers]
        values = values + self.label_slopes[signs.answers] * columns[:, 0]
        probabilities: Numbers = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
        return probabilities

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this curve for a file."""
        return {
            f"{name}.signs": np.array([self.means, self.scales, self.weights]),
            f"{name}.labels": np.array([self.label_offsets, self.label_slopes]),
            f"{name}.bias": np.array(self.bias),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> AnswerCurve | None:
        """Read a curve from a file's arrays; None without one.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        if f"{name}.bias" not in arrays:
            return None
        means, scales, weights = require_finite(arrays[f"{name}.signs"])
        label_offsets, label_slopes = require_finite(arrays[f"{name}.labels"])
        return cls(
            means=means,
            scales=scales,
            weights=weights,
            label_offsets=label_offsets,
            label_slopes=label_slopes,
            bias=float(require_finite(arrays[f"{name}.bias"])),
        )

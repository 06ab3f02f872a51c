"""The account of a case: what each value of one fact says.

A company, a customer or a group has habits of its own, and they change from week to week. A linear
model over all facts sees them late. So it keeps, of the fact whose values tell most, how much more
often than expected each answer was right lately.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.cases.canonical import Scalar, ScalarMapping
from knowledge.arrays import np
from knowledge.learning.linear_model import require_finite
from knowledge.memory.text_features import checksum

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How many imagined cases without a habit stand against what an account has shown.
PRIOR_CASES = 6.0


@dataclass(frozen=True, kw_only=True)
class AccountTable:
    """The precedents of each value of the account, a row for each."""

    #: The name of the fact.
    fact: str
    #: The checksums of the values, in ascending order.
    keys: NDArray[np.int64]
    #: How much to add to the share of each label.
    residuals: NDArray[np.float64]
    #: How many precedents there are.
    totals: NDArray[np.float64]
    #: The share of its commonest label among them.
    commonest_shares: NDArray[np.float64]
    #: How often it was predicted right, pulled to the mean of all.
    records: NDArray[np.float64]
    #: That mean: the record of one that nobody has met.
    mean_record: float

    def find(self, facts: ScalarMapping) -> Account:
        """Return what is known of the account of these facts."""
        key = value_key(facts.get(self.fact))
        position = int(np.searchsorted(self.keys, key))
        if position == len(self.keys) or self.keys[position] != key:
            nothing = np.zeros(self.residuals.shape[1])
            return Account(residuals=nothing, record=self.mean_record)
        return Account(
            residuals=self.residuals[position],
            total=float(self.totals[position]),
            commonest_share=float(self.commonest_shares[position]),
            record=float(self.records[position]),
        )

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this table for a file."""
        return {
            f"{name}.fact": np.array(self.fact),
            f"{name}.keys": self.keys,
            f"{name}.residuals": self.residuals,
            f"{name}.totals": self.totals,
            f"{name}.commonest": self.commonest_shares,
            f"{name}.records": self.records,
            f"{name}.mean_record": np.array(self.mean_record),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> AccountTable | None:
        """Read a table from a file's arrays; None without one.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        if f"{name}.fact" not in arrays:
            return None
        table = cls(
            fact=str(arrays[f"{name}.fact"]),
            keys=arrays[f"{name}.keys"],
            residuals=require_finite(arrays[f"{name}.residuals"]),
            totals=require_finite(arrays[f"{name}.totals"]),
            commonest_shares=require_finite(arrays[f"{name}.commonest"]),
            records=require_finite(arrays[f"{name}.records"]),
            mean_record=float(require_finite(arrays[f"{name}.mean_record"])),
        )
        rows = {len(table.keys), len(table.residuals), len(table.totals)}
        if rows | {len(table.commonest_shares), len(table.records)} != {len(table.keys)}:
            raise ValueError(f"{name}: its accounts do not fit each other")
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The precedents of one account."""

    residuals: NDArray[np.float64]
    total: float = 0.0
    commonest_share: float = 0.0
    record: float


def value_key(value: Scalar) -> int:
    """Return the number under which a value is kept."""
    return checksum(str(value))

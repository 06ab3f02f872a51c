"""The trade of recognition: what a threshold costs and keeps out.

A higher threshold names fewer of the texts that belong to a kind, and fewer that belong to none.
Both are counted in training, on texts that the model had not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The steps of the threshold: one looser than the default, the default, one stricter.
STEPS = ("looser", "default", "stricter")
# The arrays with a row for each kind, and how many numbers are in a row.
COLUMNS = {"examples": (), "own": (), "own_named": (len(STEPS),), "strangers_named": (len(STEPS),)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTrade:
    """The trade of one kind, at each step of the threshold."""

    kind: str
    #: Examples of this kind.
    examples: int
    #: Those that were tried by a model that knew their kind but not them.
    own: int
    #: How many of these were named rightly.
    own_named: tuple[int, ...]
    #: How many strangers were taken for this kind.
    strangers_named: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionTrade:
    """The trade of all kinds, at each step of the threshold."""

    #: The confidence below which no kind is named, at each step.
    thresholds: tuple[float, ...]
    #: Texts of unknown kinds that were tried.
    strangers: int
    #: The share of strangers that is expected among the coming cases.
    stranger_share: float
    kinds: tuple[KindTrade, ...]

    @property
    def own_shares(self) -> tuple[float, ...]:
        """Return the share of texts of known kinds that are named rightly."""
        own = sum(kind.own for kind in self.kinds)
        return self._shares([kind.own_named for kind in self.kinds], own)

    @property
    def caught_shares(self) -> tuple[float, ...]:
        """Return the share of strangers that no kind is named for."""
        shares = self._shares([kind.strangers_named for kind in self.kinds], self.strangers)
        return tuple(1 - share for share in shares)

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of the trade for a file."""
        return {
            "recogniser.trade.kinds": np.array([kind.kind for kind in self.kinds], np.str_),
            "recogniser.trade.thresholds": np.array(self.thresholds),
            "recogniser.trade.examples": np.array([kind.examples for kind in self.kinds], np.int64),
            "recogniser.trade.own": np.array([kind.own for kind in self.kinds], np.int64),
            "recogniser.trade.own_named": _table([kind.own_named for kind in self.kinds]),
            "recogniser.trade.strangers_named": _table(
                [kind.strangers_named for kind in self.kinds]
            ),
            "recogniser.trade.strangers": np.array(self.strangers),
            "recogniser.trade.stranger_share": np.array(self.stranger_share),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> RecognitionTrade:
        """Read the trade from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other.
        """
        names = [str(kind) for kind in arrays["recogniser.trade.kinds"]]
        table = {name: arrays[f"recogniser.trade.{name}"] for name in COLUMNS}
        thresholds = arrays["recogniser.trade.thresholds"]
        _require_fit(table, rows=len(names), thresholds=thresholds)
        return cls(
            thresholds=tuple(map(float, thresholds)),
            strangers=int(arrays["recogniser.trade.strangers"]),
            stranger_share=float(arrays["recogniser.trade.stranger_share"]),
            kinds=tuple(
                KindTrade(
                    kind=name,
                    examples=int(table["examples"][row]),
                    own=int(table["own"][row]),
                    own_named=tuple(map(int, table["own_named"][row])),
                    strangers_named=tuple(map(int, table["strangers_named"][row])),
                )
                for row, name in enumerate(names)
            ),
        )

    def _shares(self, counts: list[tuple[int, ...]], total: int) -> tuple[float, ...]:
        sums = _table(counts).sum(axis=0)
        return tuple(float(count) / max(total, 1) for count in sums)


def _table(rows: list[tuple[int, ...]]) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(len(rows), len(STEPS))


def _require_fit(table: Mapping[str, Any], *, rows: int, thresholds: Any) -> None:
    """Require that every array has its row for each kind."""
    is_valid = thresholds.shape == (len(STEPS),)
    for name, columns in COLUMNS.items():
        is_valid = is_valid and table[name].shape == (rows, *columns)
    if not is_valid:
        raise ValueError("the trade of recognition does not fit its kinds")

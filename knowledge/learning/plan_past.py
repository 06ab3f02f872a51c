"""The past of a kind: what is nearest, and what is unlike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.cases.canonical import ScalarMapping
from knowledge.arrays import np
from knowledge.learning.linear_model import Floats, require_finite
from knowledge.memory.text_features import checksum
from knowledge.memory.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Floats of the same text differ by this much, depending on what else is multiplied with them.
TOLERANCE = 1e-5
NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class NearestStory:
    """The precedent whose text is nearest."""

    cosine: float = 0.0
    #: The position of its label; ``NO_LABEL`` where there is no story to compare.
    label: int = NO_LABEL


@dataclass(frozen=True, kw_only=True)
class Past:
    """The stories and the facts of the precedents."""

    #: A row for each precedent that tells a story.
    stories: Floats
    #: The position of the label of each.
    story_labels: NDArray[np.int64]
    #: The checksums of all values of facts, in ascending order.
    fact_keys: NDArray[np.int64]
    #: A story farther than this from every other is unlike the past.
    min_cosine: float
    #: A case without a story of whose facts a smaller share has been met is so too.
    min_familiar_share: float

    def find_nearest(self, vector: Vectors) -> NearestStory:
        """Find the nearest story; one without numbers is near to none."""
        if not len(self.stories) or not vector.any():
            return NearestStory()
        cosines = self.stories @ vector
        position = int(np.argmax(cosines))
        return NearestStory(float(cosines[position]), int(self.story_labels[position]))

    def is_unlike(self, facts: ScalarMapping, vector: Vectors, nearest: NearestStory) -> bool:
        """Tell whether nothing like this has been met.

        It is necessary for a promise to hold, not sufficient.
        """
        if not vector.any():
            return self.familiar_share(facts) < self.min_familiar_share - TOLERANCE
        return nearest.label == NO_LABEL or nearest.cosine < self.min_cosine - TOLERANCE

    def familiar_share(self, facts: ScalarMapping) -> float:
        """Return the share of these values that were met; 1 without any."""
        keys = fact_keys(facts)
        if not keys:
            return 1.0
        return float(np.isin(keys, self.fact_keys).mean())

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this past for a file."""
        return {
            f"{name}.stories": self.stories,
            f"{name}.story_labels": self.story_labels,
            f"{name}.fact_keys": self.fact_keys,
            f"{name}.bounds": np.array([self.min_cosine, self.min_familiar_share]),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> Past:
        """Read a past from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        min_cosine, min_familiar_share = require_finite(arrays[f"{name}.bounds"]).tolist()
        past = cls(
            stories=require_finite(arrays[f"{name}.stories"]),
            story_labels=arrays[f"{name}.story_labels"],
            fact_keys=arrays[f"{name}.fact_keys"],
            min_cosine=min_cosine,
            min_familiar_share=min_familiar_share,
        )
        if past.stories.ndim != 2 or len(past.stories) != len(past.story_labels):
            raise ValueError(f"{name}: its stories do not fit each other")
        return past


def fact_keys(facts: ScalarMapping) -> list[int]:
    """Return the numbers under which the values of facts are kept."""
    keys = []
    for name, value in facts.items():
        if value not in (None, ""):
            keys.append(checksum(f"{name}={value}"))
    return keys

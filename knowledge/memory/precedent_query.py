"""Searches among the precedents, and what they may find.

Apart from the index: a search where nothing was decided yet loads none of its libraries.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from bot.cases.precedent import Precedent

# Candidates of each search.
FETCH_SIZE = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """The precedents that a search may find."""

    #: Empty for any.
    kind: str
    channels: Collection[str]

    def admits(self, kind: str, channel: str) -> bool:
        """Tell whether a precedent of this kind and channel may be found."""
        return self.kind in {"", kind} and channel in self.channels


class PrecedentMatch(NamedTuple):
    """A precedent that a search found."""

    precedent: Precedent
    #: Whether it is as like as precedents of its kind are to each other.
    is_like: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedentQuery:
    """A search among the precedents of some channels."""

    #: Compared by meaning.
    text: str
    #: Compared by keywords and part codes.
    keyword_text: str
    #: Empty for any.
    kind: str = ""
    channels: Collection[str]
    now: datetime
    #: Tells by its key whether a precedent may be found; None for every one in the scope.
    admits: Callable[[int], bool] | None = None

    def first_of(self, scored_keys: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
        """Return the first keys that may be found, with their scores."""
        admits = self.admits
        if admits is None:
            return list(islice(scored_keys, FETCH_SIZE))
        return list(islice((pair for pair in scored_keys if admits(pair[0])), FETCH_SIZE))

    @property
    def scope(self) -> Scope:
        """Return what may be found."""
        return Scope(self.kind, self.channels)

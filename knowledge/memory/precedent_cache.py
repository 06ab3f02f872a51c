"""The precedents that were shown last, decoded."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.cases.precedent import Precedent
from bot.ports.memory import PrecedentSource
from knowledge.memory.keywords import find_keywords
from knowledge.memory.text_features import find_codes

MAX_PRECEDENTS = 1_000


@dataclass(frozen=True)
class DecodedPrecedent:
    """A precedent, and what is derived from its text."""

    precedent: Precedent

    @cached_property
    def codes(self) -> set[str]:
        """Return the codes in its text."""
        return find_codes(self.precedent.text)

    @cached_property
    def keywords(self) -> frozenset[str]:
        """Return the keywords of its text."""
        return frozenset(find_keywords(self.precedent.text))


class PrecedentCache:
    """Decoded precedents by id; others are read from the store."""

    def __init__(self, shelf: PrecedentSource) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._precedents: OrderedDict[str, DecodedPrecedent] = OrderedDict()
        # Counts the changes of the store: what was read before one of them is not kept.
        self._generation = 0

    def find(self, ids: Sequence[str]) -> Mapping[str, DecodedPrecedent]:
        """Return these precedents, as far as they are stored."""
        precedents = {}
        with self._lock:
            generation = self._generation
            for precedent_id in ids:
                if precedent_id in self._precedents:
                    self._precedents.move_to_end(precedent_id)
                    precedents[precedent_id] = self._precedents[precedent_id]
        missing_ids = [precedent_id for precedent_id in ids if precedent_id not in precedents]
        if missing_ids:
            rows = self._shelf.by_id(missing_ids)
            new = {row_id: DecodedPrecedent(precedent) for row_id, precedent in rows.items()}
            precedents |= new
            self._add(new, generation)
        return precedents

    def discard(self, ids: Iterable[str]) -> None:
        """Forget precedents that were changed or removed."""
        with self._lock:
            self._generation += 1
            for precedent_id in ids:
                self._precedents.pop(precedent_id, None)

    def clear(self) -> None:
        """Forget all precedents."""
        with self._lock:
            self._generation += 1
            self._precedents.clear()

    def _add(self, precedents: Mapping[str, DecodedPrecedent], generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                return
            self._precedents |= precedents
            while len(self._precedents) > MAX_PRECEDENTS:
                self._precedents.popitem(last=False)

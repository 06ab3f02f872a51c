"""Redacted entries, and the later entries that bind them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from bot.cases.controls import DESK_ID
from bot.cases.entries import DataErased, DataExpired, Redaction, entry_of
from bot.cases.ledger import leaf_hash
from bot.store import tables

#: Runs a query and returns its rows.
Fetch = Callable[[Any], Sequence[Any]]
_ledger = tables.ledger.c
_DESK_LINES = (
    select(_ledger.seq, _ledger.leaf, _ledger.body)
    .where(_ledger.case_id == DESK_ID)
    .order_by(_ledger.seq)
)
_MARKS = tuple(f'"{body.name}"'.encode() for body in (DataErased, DataExpired))


def redactions_in(rows: Iterable[Any]) -> dict[int, Redaction]:
    """Return the redaction in force of each entry, by its place.

    An entry that is not what its own leaf was made of redacts nothing.
    """
    redactions: dict[int, Redaction] = {}
    for row in rows:
        content = bytes(row.body)
        if not any(mark in content for mark in _MARKS) or leaf_hash(content).hex() != row.leaf:
            continue
        entry_body = entry_of(json.loads(content)).body
        if isinstance(entry_body, DataErased | DataExpired):
            redactions.update({item.seq: item for item in entry_body.redactions})
    return redactions


class Redactions:
    """Look up what stands in the place of entries.

    They are read once an entry is not what its leaf was made of, and never before.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._by_place: Mapping[int, Redaction] | None = None

    def all(self) -> Mapping[int, Redaction]:
        """Return the redactions in force."""
        if self._by_place is None:
            self._by_place = redactions_in(self._fetch(_DESK_LINES))
        return self._by_place

    def leaf_of(self, row: Any) -> bytes:
        """Return the leaf that a line proves.

        It is made of the content, unless a later entry binds what stands there now.
        """
        leaf = leaf_hash(bytes(row.body))
        if leaf.hex() == row.leaf:
            return leaf
        redaction = self.all().get(row.seq)
        if redaction and (redaction.content, redaction.leaf) == (leaf.hex(), row.leaf):
            return bytes.fromhex(row.leaf)
        return leaf

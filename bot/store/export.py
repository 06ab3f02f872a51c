"""The ledger as files for an auditor."""

import json
from collections.abc import Callable
from pathlib import Path

from bot.store.audit import Replayed, replay
from bot.store.store import SqlStore

__all__ = ["Replayed", "export", "replay"]


def export(
    store: SqlStore, path: Path, *, progress: Callable[[int], None] = lambda count: None
) -> int:
    """Write the ledger as JSON lines: place, link, leaf, and the canonical bytes of the entry as text. Returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in store.ledger():
            line = {
                "seq": row.seq,
                "chain": row.chain,
                "leaf": row.leaf,
                "entry": bytes(row.body).decode(),
            }
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
            progress(1)
    return count

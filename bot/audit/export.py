"""The ledger as a file for an auditor."""

import json
from collections.abc import Callable
from pathlib import Path

from bot.store.ledger import Ledger


def export(ledger: Ledger, path: Path, *, progress: Callable[[int], None] | None = None) -> int:
    """Write the ledger as JSON lines. Return how many.

    A line has the place, the link, the leaf, and the canonical bytes of the entry as text.
    """
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in ledger.rows():
            line = {
                "seq": row.seq,
                "chain": row.chain,
                "leaf": row.leaf,
                "entry": _text(row.body),
            }
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
            if progress:
                progress(1)
    return count


def _text(body: bytes | str) -> str:
    # Whoever has changed the file of SQLite by hand may have left text; the verifier finds it.
    return body if isinstance(body, str) else bytes(body).decode(errors="replace")

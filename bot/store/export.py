"""The ledger as files for an auditor, and the two checks that need the app: against the checkpoints, and against the projection."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.cases.canonical import from_json, to_plain
from bot.cases.case import Case, evolve
from bot.cases.entry import entry_of
from bot.cases.errors import CountersignError
from bot.cases.standing import DESK_ID, Standing, fold_standing
from bot.store.store import SqlStore


def export(store: SqlStore, path: Path, *, progress: Callable[[int], None] = lambda count: None) -> int:
    """Write the ledger as JSON lines: place, link, leaf, and the canonical bytes of the entry as text. Returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in store.ledger():
            line = {"seq": row.seq, "chain": row.chain, "leaf": row.leaf, "entry": bytes(row.body).decode()}
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
            progress(1)
    return count


@dataclass(frozen=True, slots=True)
class Replayed:
    """What folding the ledger again gave: how much was read, and where the projection differs from it."""

    entries: int
    cases: int
    differences: tuple[str, ...]


def replay(store: SqlStore, *, progress: Callable[[int], None] = lambda count: None) -> Replayed:
    """Fold every entry again and compare each case with what the projection says of it."""
    folded: dict[str, Case] = {}
    standing = Standing()
    differences: list[str] = []
    count = 0
    for row in store.ledger():
        count += 1
        progress(1)
        try:
            entry = entry_of(json.loads(bytes(row.body)))
            if entry.case_id == DESK_ID:
                standing = fold_standing([entry], standing)
            else:
                folded[entry.case_id] = evolve(folded.get(entry.case_id), entry)
        except (CountersignError, ValueError, KeyError) as wrong:
            differences.append(f"entry {row.seq}: {type(wrong).__name__}: {wrong}")
    differences.extend(_compared(store, folded))
    if store.standing() != standing:
        differences.append(f"{DESK_ID}: what is paused or delegated is not what the ledger says")
    return Replayed(count, len(folded), tuple(differences[:100]))


def _compared(store: SqlStore, folded: dict[str, Case]) -> Iterator[str]:
    seen = set()
    for case_id, body in store.projection():
        seen.add(case_id)
        told = folded.get(case_id)
        if told is None:
            yield f"{case_id}: in the projection, but not in the ledger"
        elif to_plain(from_json(Case, body)) != to_plain(told):
            yield f"{case_id}: the projection says {from_json(Case, body).state}, the ledger says {told.state}, or they differ in detail"
    for case_id in sorted(folded.keys() - seen):
        yield f"{case_id}: in the ledger, but not in the projection"

"""A long ledger: exported, verified and folded again."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.store.database import Database
from bot.store.projection import Line
from bot.store.store import Store
from bot.store.unit_of_work import UnitOfWork
from tests.bench.sample import prepare_past


@dataclass(frozen=True, kw_only=True)
class LedgerTimes:
    """Seconds that an auditor waits."""

    entries: int
    export: float
    verify: float
    fold: float
    findings: int


def measure_ledger(count: int) -> LedgerTimes:
    """Time a ledger of so many entries: those of the sample company, again and again."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as name:
        folder = Path(name)
        shutil.copy(prepare_past() / "countersign.db", folder / "ledger.db")
        database = Database(f"sqlite:///{folder / 'ledger.db'}")
        try:
            return _measure(Store.over(database), folder, count)
        finally:
            database.close()


def _measure(store: Store, folder: Path, count: int) -> LedgerTimes:
    _repeat_entries(store, count)
    Checkpoints(folder / "checkpoints", "bench").sign(store.ledger)
    times = [time.monotonic()]
    export(store.ledger, folder / "ledger.jsonl")
    times.append(time.monotonic())
    findings = verify(str(folder / "ledger.jsonl"), str(folder / "checkpoints"))[0]
    times.append(time.monotonic())
    replay(store.database)
    times.append(time.monotonic())
    return LedgerTimes(
        entries=store.ledger.head()[0],
        export=times[1] - times[0],
        verify=times[2] - times[1],
        fold=times[3] - times[2],
        findings=len(findings),
    )


def _repeat_entries(store: Store, count: int) -> None:
    """Append the entries of all cases under other case numbers."""
    rows = [(row.case_id, row.version, bytes(row.body)) for row in store.ledger.rows()]
    for number in range(count // len(rows)):
        lines = [
            _renamed(case_id, version, body, suffix=f"9{number:04d}")
            for case_id, version, body in rows
        ]
        store.database.write(partial(_append, lines))


def _append(lines: list[Line], unit: UnitOfWork) -> None:
    unit._lines.extend(lines)


def _renamed(case_id: str, version: int, body: bytes, suffix: str) -> Line:
    new_id = f"{case_id}{suffix}"
    renamed = body.replace(f'"{case_id}"'.encode(), f'"{new_id}"'.encode())
    return Line(case_id=new_id, version=version, body=renamed)

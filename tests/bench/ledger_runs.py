"""A long ledger: exported, verified and folded again."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.store.database import Database
from bot.store.store import Store
from tests.bench.history import make_history

#: Of the sample company's cases.
ENTRIES_PER_CASE = 7.5


@dataclass(frozen=True, kw_only=True)
class LedgerTimes:
    """Seconds that an auditor waits."""

    entries: int
    export: float
    verify: float
    fold: float
    #: What the verifier and the replay found.
    findings: int


def measure_ledger(count: int) -> LedgerTimes:
    """Time a ledger of about so many entries: the lives of the sample company's cases."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as name:
        folder = make_history(Path(name) / "history", round(count / ENTRIES_PER_CASE))
        database = Database(f"sqlite:///{folder / 'countersign.db'}")
        try:
            return _measure(Store.over(database), folder)
        finally:
            database.close()


def _measure(store: Store, folder: Path) -> LedgerTimes:
    Checkpoints(folder / "checkpoints", "bench").sign(store.ledger)
    times = [time.monotonic()]
    export(store.ledger, folder / "ledger.jsonl")
    times.append(time.monotonic())
    findings = verify(str(folder / "ledger.jsonl"), str(folder / "checkpoints"))[0]
    times.append(time.monotonic())
    result = replay(store.database)
    times.append(time.monotonic())
    return LedgerTimes(
        entries=store.ledger.head()[0],
        export=times[1] - times[0],
        verify=times[2] - times[1],
        fold=times[3] - times[2],
        findings=len(findings) + len(result.differences),
    )

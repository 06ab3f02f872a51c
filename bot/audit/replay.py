"""Compare every table with what the ledger says.

Each column that follows from the ledger is compared, and each row that must be there. All is read
in one snapshot, a page at a time: a bot that runs meanwhile raises no alarm, and memory does not
grow with the ledger.

What follows from nothing that the ledger knows is not compared: where Slack put a card, how often
work was tried, ticks, lists, questions, imported precedents, and the bytes of a signal as they
came.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.audit.case_check import check_cases
from bot.audit.ledger_check import LedgerCheck
from bot.audit.row_check import check_outbox, check_stray_rows, check_tallies
from bot.clock import utc_now
from bot.store.database import Database
from bot.store.derived import case_pages

MAX_DIFFERENCES = 100
CASES_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The result of folding the ledger again."""

    #: How many entries and cases were read.
    entries: int
    cases: int
    #: Where a table differs from the ledger, as sentences.
    differences: tuple[str, ...]


def replay(database: Database, *, progress: Callable[[int], None] | None = None) -> ReplayResult:
    """Fold every entry again, and compare every table with what that gives."""
    with database.snapshot() as connection:
        return audit(connection, progress=progress)


def audit(connection: Connection, *, progress: Callable[[int], None] | None = None) -> ReplayResult:
    """Replay over one connection, whose transaction is the snapshot."""
    ledger = LedgerCheck(connection, progress)
    differences = list(ledger.differences())
    # Work is due by the clock that writes entries, and that clock is never behind them.
    now = max(ledger.last_at, utc_now()) if ledger.last_at else utc_now()
    for page in case_pages(connection, size=CASES_PER_PAGE):
        differences += check_cases(connection, page)
        if len(differences) > MAX_DIFFERENCES:
            break
    differences += check_stray_rows(connection)
    differences += check_tallies(connection)
    differences += check_outbox(connection, now)
    return ReplayResult(
        entries=ledger.entries,
        cases=ledger.cases,
        differences=tuple(differences[:MAX_DIFFERENCES]),
    )

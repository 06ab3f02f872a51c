"""The stores over one database, by concern.

Only the wiring and tests see all of them.
"""

from dataclasses import dataclass

from bot.store.cards import SqlCardStore
from bot.store.case_queries import SqlCaseQueries
from bot.store.cases import SqlCaseStore
from bot.store.database import Database
from bot.store.decision_records import SqlDecisionRecords
from bot.store.desk_controls import SqlDeskControlsStore
from bot.store.details_openings import SqlDetailsOpenings
from bot.store.erasures import SqlErasureStore
from bot.store.ignored_requests import SqlIgnoredRequests
from bot.store.ledger import Ledger
from bot.store.live_lists import SqlLiveLists
from bot.store.outbox import SqlOutbox
from bot.store.pinned_names import SqlPinnedNames
from bot.store.precedents import SqlPrecedentStore
from bot.store.presses import SqlPressStore
from bot.store.probes import SqlProbeRecords
from bot.store.question_log import SqlQuestionLog
from bot.store.retention import SqlRetentionStore
from bot.store.ticks import SqlTicks


@dataclass(frozen=True, kw_only=True)
class Store:
    """One database, and a store for each concern."""

    database: Database
    cases: SqlCaseStore
    desk_controls: SqlDeskControlsStore
    outbox: SqlOutbox
    queries: SqlCaseQueries
    cards: SqlCardStore
    presses: SqlPressStore
    live_lists: SqlLiveLists
    question_log: SqlQuestionLog
    precedents: SqlPrecedentStore
    ticks: SqlTicks
    details_openings: SqlDetailsOpenings
    ignored_requests: SqlIgnoredRequests
    pinned_names: SqlPinnedNames
    probe_records: SqlProbeRecords
    ledger: Ledger
    decision_records: SqlDecisionRecords
    erasures: SqlErasureStore
    retention: SqlRetentionStore

    @classmethod
    def over(cls, database: Database) -> "Store":
        """Make the stores over a database that is at the latest migration."""
        return cls(
            database=database,
            cases=SqlCaseStore(database),
            desk_controls=SqlDeskControlsStore(database),
            outbox=SqlOutbox(database),
            queries=SqlCaseQueries(database),
            cards=SqlCardStore(database),
            presses=SqlPressStore(database),
            live_lists=SqlLiveLists(database),
            question_log=SqlQuestionLog(database),
            precedents=SqlPrecedentStore(database),
            ticks=SqlTicks(database),
            details_openings=SqlDetailsOpenings(database),
            ignored_requests=SqlIgnoredRequests(database),
            pinned_names=SqlPinnedNames(database),
            probe_records=SqlProbeRecords(database),
            ledger=Ledger(database),
            decision_records=SqlDecisionRecords(database),
            erasures=SqlErasureStore(database),
            retention=SqlRetentionStore(database),
        )

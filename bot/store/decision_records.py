"""The record of an action, read by kind, action and time."""

from datetime import datetime

from sqlalchemy import bindparam, select

from bot.cases.agreement import DecisionScore
from bot.store import tables
from bot.store.database import Database
from bot.store.decision_scores import score_from_row
from bot.store.statements import CompiledStatement

_scores = tables.decision_scores.c


class SqlDecisionRecords:
    """Read scores of decisions; the cost grows with the time asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def scores(self, kind: str, action: str, since: datetime) -> list[DecisionScore]:
        """Return the scores of an action from this time on, in order."""
        values = {"kind": kind, "action": action, "since": since.timestamp()}
        return [score_from_row(row) for row in self._database.fetch(_SCORES, values)]


_SCORES = CompiledStatement(
    select(tables.decision_scores)
    .where(
        _scores.kind == bindparam("kind"),
        _scores.action == bindparam("action"),
        _scores.decided_at >= bindparam("since"),
    )
    .order_by(_scores.decided_at, _scores.case_id, _scores.revision)
)

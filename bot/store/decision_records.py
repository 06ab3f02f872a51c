"""The record of an action, read by kind, action and time."""

from datetime import datetime

from sqlalchemy import bindparam, func, literal, select

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

    def clean_runs(self, kind: str, action: str, limit: int) -> int:
        """Count runs alone since the last wrong one, to a limit."""
        values = {"kind": kind, "action": action, "limit": limit}
        count: int = self._database.fetch(_CLEAN_RUNS, values)[0].runs
        return count


_RUNS_ALONE = (
    _scores.kind == bindparam("kind"),
    _scores.action == bindparam("action"),
    _scores.is_alone == 1,
)
_last_wrong_at = (
    select(func.coalesce(func.max(_scores.bad_at), 0.0))
    .where(*_RUNS_ALONE, _scores.bad_outcome != "")
    .scalar_subquery()
)
_recent_runs = (
    select(literal(1).label("one"))
    .where(*_RUNS_ALONE, _scores.bad_outcome == "", _scores.decided_at > _last_wrong_at)
    .limit(bindparam("limit"))
    .subquery()
)
_CLEAN_RUNS = CompiledStatement(select(func.count().label("runs")).select_from(_recent_runs))
_SCORES = CompiledStatement(
    select(tables.decision_scores)
    .where(
        _scores.kind == bindparam("kind"),
        _scores.action == bindparam("action"),
        _scores.decided_at >= bindparam("since"),
    )
    .order_by(_scores.decided_at, _scores.case_id, _scores.revision)
)

"""Scores of decisions as rows, which follow from the cases."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete

from bot.cases.agreement import DecisionScore, is_scored_alike, score_of
from bot.cases.case import BadOutcome, Case
from bot.cases.policy import Stage
from bot.store import tables
from bot.store.dialects import insert_or_update
from bot.store.statements import CompiledStatement

Key = tuple[int, str]

_scores = tables.decision_scores.c


def score_rows(case: Case) -> dict[Key, dict[str, Any]]:
    """Return the rows of ``decision_scores`` of a case, by revision and action."""
    return {(score.revision, score.action): _row(score) for score in score_of(case)}


def score_changes(
    before: Case | None, after: Case
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows that a change writes, and keys that it takes away."""
    if before is not None and is_scored_alike(before, after):
        return [], []
    old_rows: dict[Key, dict[str, Any]] = {}
    if before is not None:
        old_rows = score_rows(before)
    new_rows = score_rows(after)
    changed_rows = [row for key, row in new_rows.items() if old_rows.get(key) != row]
    dropped_keys = [
        {"of_case": str(after.id), "of_revision": revision, "of_action": action}
        for revision, action in old_rows.keys() - new_rows.keys()
    ]
    return changed_rows, dropped_keys


def _row(score: DecisionScore) -> dict[str, Any]:
    return {
        "case_id": score.case_id,
        "revision": score.revision,
        "action": score.action,
        "kind": score.kind,
        "decided_at": score.decided_at.timestamp(),
        "stage": score.stage.value,
        "is_alone": int(score.is_alone),
        "is_comparable": int(score.is_comparable),
        "action_agrees": int(score.action_agrees),
        "parameters_agree": int(score.parameters_agree),
        **_outcome_columns(score),
    }


def _outcome_columns(score: DecisionScore) -> dict[str, Any]:
    if score.bad_outcome is None or score.bad_at is None:
        return {"bad_outcome": "", "bad_reason": "", "bad_at": None}
    return {
        "bad_outcome": score.bad_outcome.value,
        "bad_reason": score.bad_reason,
        "bad_at": score.bad_at.timestamp(),
    }


def score_from_row(row: Any) -> DecisionScore:
    """Read a row of ``decision_scores``."""
    bad_at = None if row.bad_at is None else datetime.fromtimestamp(row.bad_at, UTC)
    return DecisionScore(
        kind=row.kind,
        action=row.action,
        case_id=row.case_id,
        revision=row.revision,
        decided_at=datetime.fromtimestamp(row.decided_at, UTC),
        stage=Stage(row.stage),
        is_alone=bool(row.is_alone),
        is_comparable=bool(row.is_comparable),
        action_agrees=bool(row.action_agrees),
        parameters_agree=bool(row.parameters_agree),
        bad_outcome=BadOutcome(row.bad_outcome) if row.bad_outcome else None,
        bad_reason=row.bad_reason,
        bad_at=bad_at,
    )


def score_differences(case: Case, rows: Sequence[Any]) -> Iterator[Key]:
    """Yield the keys of rows that are not what the case makes."""
    expected = score_rows(case)
    for row in rows:
        key = (row.revision, row.action)
        if expected.pop(key, None) != dict(row._mapping):
            yield key
    yield from expected


PUT_ROWS = insert_or_update(
    tables.decision_scores, key=[_scores.case_id, _scores.revision, _scores.action]
)
#: Writes one score.
PUT_SCORE = CompiledStatement(PUT_ROWS)
#: Takes one score away.
DROP_SCORE = CompiledStatement(
    delete(tables.decision_scores).where(
        _scores.case_id == bindparam("of_case"),
        _scores.revision == bindparam("of_revision"),
        _scores.action == bindparam("of_action"),
    )
)
DROP_SCORES_OF = delete(tables.decision_scores).where(_scores.case_id == bindparam("of_case"))

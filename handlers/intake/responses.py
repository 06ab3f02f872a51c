"""The answer to a delivery: what became of each of its signals."""

from collections.abc import Sequence
from typing import Any, assert_never

from starlette.responses import JSONResponse, Response

from bot.ports.case_store import Receipt, ReceiptOutcome
from handlers.intake.problem import Problem
from handlers.intake.reading import Ignored

IGNORED_STATUS = 202


def batch_response(results: Sequence[Receipt | Problem | Ignored]) -> Response:
    """Answer one signal with its result, and several with a list.

    2xx means that at least one signal was stored, now or before: a sender that reads only the
    status repeats nothing. A batch of which nothing was stored has the status of a single signal.
    """
    if len(results) == 1:
        return _single_response(results[0])
    signals = [_describe(result) for result in results]
    problems = [result for result in results if isinstance(result, Problem)]
    for problem in problems:
        if is_unavailable(problem):
            return problem.response(signals=signals)
    if results and len(problems) == len(results):
        return _all_refused(problems, signals)
    content: dict[str, Any] = {"signals": signals}
    if problems:
        content["refused"] = len(problems)
    return JSONResponse(content, _batch_status(results))


def is_unavailable(result: Receipt | Problem | Ignored) -> bool:
    """Tell whether the database was not available for a signal."""
    return isinstance(result, Problem) and result.status == 503


def _single_response(result: Receipt | Problem | Ignored) -> Response:
    if isinstance(result, Problem):
        return result.response()
    if isinstance(result, Ignored):
        return JSONResponse(_describe(result), IGNORED_STATUS)
    return JSONResponse(_describe(result), _status_of(result.outcome))


def _all_refused(problems: Sequence[Problem], signals: Sequence[dict[str, Any]]) -> Response:
    is_conflict = all(problem.status == 409 for problem in problems)
    detail = "none of the signals was accepted; see the problem of each"
    return Problem(409 if is_conflict else 422, detail).response(signals=signals)


def _batch_status(results: Sequence[Receipt | Problem | Ignored]) -> int:
    statuses = [
        IGNORED_STATUS if isinstance(result, Ignored) else _status_of(result.outcome)
        for result in results
        if not isinstance(result, Problem)
    ]
    return max(statuses, default=200)


def _status_of(outcome: ReceiptOutcome) -> int:
    match outcome:
        case ReceiptOutcome.OPENED:
            return 201
        case ReceiptOutcome.COUNTED | ReceiptOutcome.CLEARED | ReceiptOutcome.IGNORED:
            return 202
        case ReceiptOutcome.DUPLICATE:
            return 200
        case ReceiptOutcome.CONFLICT:
            # The desk raises for a conflict, so none has a receipt.
            raise AssertionError("a conflict is answered as a problem")
        case _:
            assert_never(outcome)


def _describe(result: Receipt | Problem | Ignored) -> dict[str, Any]:
    if isinstance(result, Receipt):
        return {"outcome": result.outcome, "case": result.case_id}
    if isinstance(result, Ignored):
        return {"outcome": ReceiptOutcome.IGNORED, "reason": result.reason}
    problem = {"detail": result.detail, "field": result.field}
    return {"outcome": _outcome_of(result), "problem": problem}


def _outcome_of(problem: Problem) -> str:
    match problem.status:
        case 409:
            return "conflict"
        case 503:
            return "not stored"
        case _:
            return "invalid"

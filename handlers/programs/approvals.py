"""Approvals over HTTP: a program asks, waits for the decision, and reports.

A program sees its own requests alone. Nothing here decides anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import DataError, DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.cases.case import Case
from bot.cases.errors import (
    BadRequest,
    Conflict,
    KeyReused,
    NoSuchCase,
    NotEligible,
    Refusal,
    TooLate,
    TooMany,
)
from bot.cases.lifecycle import State
from bot.cases.program import ProgramCaller, is_own_action
from bot.clock import monotonic
from bot.desk.program_approvals import (
    ApprovalRecords,
    ProgramApprovals,
    RequestOutcome,
)
from bot.views.approval_record import ApprovalState, approval_state
from handlers.bodies import BodyRefused, read_limited_body
from handlers.intake.problem import Problem
from handlers.programs.authentication import Programs
from handlers.programs.bodies import parse_report, parse_request
from handlers.programs.waiting import CaseWaits

MAX_BODY_BYTES = 64 * 1024
MAX_WAIT_SECONDS = 60.0
#: So long a new request waits for its plan, so that the answer has the hash of it.
PLAN_SECONDS = 2.0
RETRY_AFTER_SECONDS = 5
NO_KEY = (
    "this deployment signs no receipts: set COUNTERSIGN_CHECKPOINTS=on, and the key is made when "
    "it starts"
)
_STATUSES: tuple[tuple[type[Refusal], int], ...] = (
    (NoSuchCase, 404),
    (NotEligible, 403),
    (BadRequest, 422),
    (KeyReused, 409),
    (TooLate, 409),
    (TooMany, 429),
)
T = TypeVar("T")
IsReady = Callable[[Case], bool]


@dataclass(frozen=True, kw_only=True)
class ApprovalsApi:
    """The endpoints for requests of programs."""

    programs: Programs
    approvals: ProgramApprovals
    records: ApprovalRecords
    waits: CaseWaits

    async def ask(self, request: Request) -> Response:
        """Take a request, and answer with its approval."""
        caller = await self._authenticate(request)
        body = await _read_body(request)
        content, key = parse_request(body)
        receipt = await _in_thread(self.approvals.ask, caller, content, key=key, raw=body)
        if receipt.outcome is RequestOutcome.REFUSED_BEFORE:
            detail = f"the same was refused in {receipt.case.id}; the answer is the same"
            return Problem(409, detail).response(approval=self.records.of(receipt.case))
        case = await self._wait(caller, receipt.case, seconds=PLAN_SECONDS, is_ready=_is_looked_at)
        status = 202 if receipt.outcome is RequestOutcome.NEW else 200
        return JSONResponse(self.records.of(case), status)

    async def get(self, request: Request) -> Response:
        """Return a request, at once or when it is decided."""
        caller = await self._authenticate(request)
        seconds = _read_wait(request)
        case = await _in_thread(self.approvals.find, caller, request.path_params["id"])
        case = await self._wait(caller, case, seconds=seconds, is_ready=_is_answered)
        return JSONResponse(self.records.of(case))

    async def cancel(self, request: Request) -> Response:
        """Take a request back that nobody has decided."""
        caller = await self._authenticate(request)
        case = await _in_thread(self.approvals.cancel, caller, request.path_params["id"])
        return JSONResponse(self.records.of(case))

    async def report(self, request: Request) -> Response:
        """Record what came of an action that the program carried out."""
        caller = await self._authenticate(request)
        report = parse_report(await _read_body(request))
        approval_id = request.path_params["id"]
        case = await _in_thread(self.approvals.report, caller, approval_id, report=report)
        return JSONResponse(self.records.of(case))

    async def get_keys(self, request: Request) -> Response:
        """Return the public keys of receipts as a JWK set (RFC 7517)."""
        keys = await run_in_threadpool(self.records.signer.public_keys)
        document: dict[str, object] = {"keys": keys}
        if not keys:
            document["note"] = NO_KEY
        return JSONResponse(document, media_type="application/jwk-set+json")

    async def _authenticate(self, request: Request) -> ProgramCaller:
        caller = await self.programs.authenticate(request.headers)
        self.programs.consume_quota(caller)
        return caller

    async def _wait(
        self, caller: ProgramCaller, case: Case, *, seconds: float, is_ready: IsReady
    ) -> Case:
        """Return the case once it is ready, or at its time."""
        until = monotonic() + seconds
        program = caller.program.name
        while not is_ready(case):
            rest = until - monotonic()
            if rest <= 0 or not self.waits.has_room(program):
                break
            await self.waits.until_changed(case.id, case.version, seconds=rest, program=program)
            case = await _in_thread(self.approvals.find, caller, str(case.id))
        return case


def _is_looked_at(case: Case) -> bool:
    return case.state is not State.OPEN


def _is_answered(case: Case) -> bool:
    """Tell whether there is something to do for the program.

    What we carry out ourselves is over soon after the decision, so that is waited for too.
    """
    state, plan = approval_state(case), case.proposal.plan
    if state is not ApprovalState.APPROVED or plan is None:
        return state is not ApprovalState.PENDING
    return is_own_action(plan.actions[0].name)


def _read_wait(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        raise Problem(422, f"wait must be seconds from 0 to {MAX_WAIT_SECONDS:g}", "wait")
    return seconds


async def _read_body(request: Request) -> bytes:
    try:
        return await read_limited_body(request, MAX_BODY_BYTES)
    except BodyRefused as refusal:
        raise Problem(refusal.status, refusal.detail) from None


async def _in_thread(function: Callable[..., T], *arguments: object, **keywords: object) -> T:
    """Call the desk in a thread, and answer its refusals.

    Raises:
        Problem: what the desk refused, or that the database is away.
    """
    call: Callable[[], T] = partial(function, *arguments, **keywords)
    try:
        return await run_in_threadpool(call)
    except Refusal as refusal:
        raise _problem(refusal) from None
    except DataError:
        raise Problem(422, "a value is too large to store; correct it and send it again") from None
    except (Conflict, DBAPIError):
        raise Problem(
            503,
            "it could not be stored; nothing is lost if you send it again",
            retry_after=RETRY_AFTER_SECONDS,
        ) from None


def _problem(refusal: Refusal) -> Problem:
    for error, status in _STATUSES:
        if isinstance(refusal, error):
            field = getattr(refusal, "field", "")
            wait = RETRY_AFTER_SECONDS if status == 429 else 0
            return Problem(status, str(refusal), field, retry_after=wait)
    return Problem(409, str(refusal))

"""Ask Countersign before an action, from any Python program.

This file stands alone: it imports nothing of Countersign and needs only httpx, so it may be copied
into a program. Receipts are verified with ``cryptography``, imported when the first one is.

Every exception of this module is a ``CountersignClientError``, and says what to do next.
"""

import base64
import functools
import hashlib
import inspect
import json
import logging
import math
import secrets
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import (
    Any,
    Literal,
    NoReturn,
    ParamSpec,
    Protocol,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
)
from urllib.parse import quote

import anyio
import httpx

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

Scalar = str | int | float | bool | None
Arguments = Mapping[str, Any]
ReportOutcome = Literal["done", "failed", "unknown"]

TIMEOUT_SECONDS = 20.0
#: The longest time for which the server keeps a question open.
MAX_POLL_SECONDS = 60
MAX_ATTEMPTS = 5
#: Whoever waits for a person outlasts a restart of the server: some ten minutes.
MAX_WAITING_ATTEMPTS = 25
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 30.0
#: A server that answers "pending" at once is not asked again at once.
POLL_PAUSE_SECONDS = 1.0
RETRIED_STATUSES = frozenset({429, 502, 503, 504})
MAX_DETAIL_LENGTH = 500
RECEIPT_TYPE = "countersign-receipt+jwt"
RECEIPT_ALGORITHM = "EdDSA"
#: The outcomes that allow an action.
ALLOWING_OUTCOMES = frozenset({"approved", "edited"})
MAX_INTEGER = 2**53 - 1


# --- what goes wrong ------------------------------------------------------------------------------


class CountersignClientError(Exception):
    """Something went wrong between the program and Countersign.

    * CountersignClientError
      + CountersignUnavailable – no answer, after several attempts
      + NotSignedIn – the token is not valid
      + NotPermitted – the token may not do this
      + UnknownId – there is no such approval or case, or it is another program's
      + RequestInvalid – the request has a mistake
      + RequestConflict – the same key with other content, or too late
      + StillPending – nobody has decided within the time that you gave
      + ActionRefused – rejected, expired or cancelled: do not act
      + AlreadyCarriedOut – the action was done before: do not act again
      + ReceiptInvalid – the receipt does not allow this action
    """


class CountersignUnavailable(CountersignClientError):
    """There was no usable answer after several attempts."""


class NotSignedIn(CountersignClientError):
    """The token is not valid."""


class NotPermitted(CountersignClientError):
    """The token may not do this."""


class UnknownId(CountersignClientError):
    """There is no such approval or case, or it is another program's."""


class RequestInvalid(CountersignClientError):
    """The request has a mistake."""


class RequestConflict(CountersignClientError):
    """The request contradicts what is recorded already."""


class ReceiptInvalid(CountersignClientError):
    """The receipt does not prove that this action was allowed."""


class EffectUncertain(Exception):
    """Raise it in a function that cannot tell whether it acted."""


# --- what is answered -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DecidingPerson:
    """A person who decided."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecision:
    """The decision of people."""

    #: approved, edited, rejected, expired or cancelled.
    outcome: str
    #: What was approved; with ``edited`` not what was asked for.
    arguments: Mapping[str, Scalar]
    by: tuple[DecidingPerson, ...] = ()
    at: str = ""
    reason: str = ""
    plan_hash: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalExecution:
    """The state of the action after its approval."""

    #: waiting, done, failed, unknown or reported.
    state: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """An approval as Countersign records it."""

    id: str
    case: str
    #: pending, approved, rejected, expired, cancelled, done, failed or unknown.
    state: str
    plan_hash: str = ""
    expires_at: str = ""
    decision: ApprovalDecision | None = None
    #: Signed proof of the decision, for ``verify_receipt``.
    receipt: str | None = None
    execution: ApprovalExecution | None = None

    @property
    def is_pending(self) -> bool:
        """Tell whether people have yet to decide."""
        return self.state == "pending"

    @property
    def is_allowed(self) -> bool:
        """Tell whether people said yes."""
        return self.decision is not None and self.decision.outcome in ALLOWING_OUTCOMES

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.state not in {"pending", "approved"}

    @property
    def refusal(self) -> str:
        """Return a sentence on why the action is not allowed."""
        decision = self.decision
        names = ", ".join(person.name for person in decision.by) if decision else ""
        match self.state:
            case "rejected":
                sentence = f"{names or 'An approver'} rejected it"
            case "expired":
                sentence = "Nobody decided in time"
            case "cancelled":
                sentence = "The request was cancelled"
            case _:
                sentence = f"It is not approved but {self.state}"
        if decision is not None and decision.reason:
            return f"{sentence}: {decision.reason}"
        return sentence


class StillPending(CountersignClientError):
    """Nobody has decided within the time that the program gave."""

    def __init__(self, approval: ApprovalRecord) -> None:
        super().__init__(
            f"nobody has decided on {approval.id} yet; do not act. Wait for it again by its id "
            "whenever you like: nothing is lost meanwhile"
        )
        self.approval = approval


class ActionRefused(CountersignClientError):
    """The action was rejected, or nobody decided in time."""

    def __init__(self, approval: ApprovalRecord) -> None:
        super().__init__(f"{approval.refusal}. Do not act, and do not ask the same again")
        self.approval = approval
        self.reason = approval.decision.reason if approval.decision else ""


class AlreadyCarriedOut(CountersignClientError):
    """The action of this approval was carried out or reported before."""

    def __init__(self, approval: ApprovalRecord) -> None:
        detail = approval.execution.detail if approval.execution else ""
        super().__init__(
            f"the action of {approval.id} is recorded as {approval.state}"
            + (f" ({detail})" if detail else "")
            + "; do not act again. For another action use another idempotency key"
        )
        self.approval = approval


@dataclass(frozen=True, slots=True)
class RaisedCase:
    """The case of an exception that the program raised."""

    case: str
    #: opened, counted, cleared, ignored or duplicate.
    outcome: str


@dataclass(frozen=True, slots=True)
class CaseListPage:
    """One page of cases, and the cursor of the next."""

    cases: tuple[Mapping[str, Any], ...]
    next: str | None


class Amount(TypedDict):
    """An amount of money."""

    value: Decimal | int | float | str
    currency: str


class FixedOptions(TypedDict, total=False):
    """Options of a request that do not depend on its arguments."""

    #: Whether the action can be taken back.
    reversible: bool | None
    #: ``{"title": …, "text": …, "url": …, "facts": {…}}`` each.
    evidence: Sequence[Mapping[str, Any]]
    #: Groups that must agree too, beyond those that policy asks.
    approvers: Sequence[str]
    #: A duration like ``4h``, or a time in RFC 3339.
    expires: str | None
    #: The person whom the program serves, as team/user or by a name in people.yml.
    on_behalf_of: str | None


class RequestOptions(FixedOptions, total=False):
    """Options of a request, beside action, arguments and summary."""

    amount: Amount | None
    #: The same key is the same request, however often it is sent.
    idempotency_key: str | None


class CaseSearch(TypedDict, total=False):
    """A search for cases."""

    state: str
    kind: str
    subject: str
    source: str
    opened_after: str
    cursor: str | None
    limit: int


# --- the conversation with the server, apart from how it is carried out ---------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One request to the server."""

    method: str
    path: str
    content: Mapping[str, Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float = TIMEOUT_SECONDS
    max_attempts: int = MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class _Rest:
    """A pause before the next request."""

    seconds: float


#: Yields requests and pauses, is sent what came of them, and returns a result.
Flow = Generator[_Exchange | _Rest, httpx.Response | httpx.TransportError | None, T]


def _exchange(exchange: _Exchange) -> Flow[httpx.Response]:
    """Send a request until there is an answer; repeating it changes nothing."""
    for attempt in range(exchange.max_attempts):
        result = yield exchange
        if isinstance(result, httpx.Response) and result.status_code not in RETRIED_STATUSES:
            if result.is_success:
                return result
            _raise_problem(result)
        if attempt + 1 < exchange.max_attempts:
            yield _Rest(_pause_seconds(result, attempt))
    raise CountersignUnavailable(
        f"{exchange.method} {exchange.path}: {_describe_failure(result)} after "
        f"{exchange.max_attempts} attempts. Do not act. Try again later with the same idempotency "
        "key or id: nothing is asked twice"
    )


def _pause_seconds(result: object, attempt: int) -> float:
    """Return the pause that the server asks for, else a growing one."""
    if isinstance(result, httpx.Response):
        text = result.headers.get("retry-after", "")
        if text.isascii() and text.isdigit():
            return min(float(text), MAX_POLL_SECONDS)
    longest = min(FIRST_PAUSE_SECONDS * 2.0**attempt, MAX_PAUSE_SECONDS)
    # Programs that lost the server together do not come back together.
    return longest * (0.5 + secrets.randbelow(500) / 1000)


def _describe_failure(result: object) -> str:
    if isinstance(result, httpx.Response):
        return f"the server answered {result.status_code}"
    return f"no answer ({type(result).__name__})"


def _raise_problem(response: httpx.Response) -> NoReturn:
    """Raise what the problem document of an answer says."""
    problem = _read_problem(response)
    detail = str(problem.get("detail") or response.reason_phrase).rstrip(".")[:MAX_DETAIL_LENGTH]
    match response.status_code:
        case 401:
            raise NotSignedIn(
                f"{detail}. Make a token with `countersign tokens make`, and pass that token"
            )
        case 403:
            raise NotPermitted(
                f"{detail}. Do not act; ask the operator to allow it in programs.yml, or for a "
                "token with a wider scope"
            )
        case 404:
            raise UnknownId(f"{detail}. Check the id, and that it was your own program that asked")
        case 409 if isinstance(problem.get("approval"), dict):
            # The same was refused a short while ago; the answer is the same.
            raise ActionRefused(_parse_approval(problem["approval"]))
        case 409 | 410:
            raise RequestConflict(f"{detail}. Do not repeat the request as it is")
        case 400 | 413 | 415 | 422:
            raise RequestInvalid(f"{detail}. Correct the request; nothing was recorded")
        case status:
            raise CountersignUnavailable(
                f"the server answered {status}: {detail}. Do not act; check the address"
            )


def _read_problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def request_flow(
    action: str, arguments: Arguments, *, summary: str, options: RequestOptions
) -> Flow[ApprovalRecord]:
    content: dict[str, Any] = {
        "action": action,
        "arguments": dict(encode_arguments(arguments)),
        "summary": summary,
        # Without a key of its own, two equal calls are two requests; attempts of one are one.
        "idempotency_key": options.get("idempotency_key") or uuid.uuid4().hex,
    }
    if amount := options.get("amount"):
        content["amount"] = {"value": str(amount["value"]), "currency": amount["currency"]}
    for name in ("reversible", "expires", "on_behalf_of"):
        if options.get(name) is not None:
            content[name] = options.get(name)
    if evidence := options.get("evidence"):
        content["evidence"] = [dict(piece) for piece in evidence]
    if approvers := options.get("approvers"):
        content["approvers"] = list(approvers)
    response = yield from _exchange(_Exchange(method="POST", path="/v1/approvals", content=content))
    return _parse_approval(_parse_object(response))


def wait_flow(approval_id: str, timeout_seconds: float | None) -> Flow[ApprovalRecord]:
    """Wait for the decision, over lost connections and restarts."""
    return (yield from poll_flow(approval_id, timeout_seconds, is_decided))


def poll_flow(
    approval_id: str, timeout_seconds: float | None, is_enough: Callable[[ApprovalRecord], bool]
) -> Flow[ApprovalRecord]:
    limit = math.inf if timeout_seconds is None else timeout_seconds
    deadline = time.monotonic() + limit
    while True:
        begun_at = time.monotonic()
        seconds = math.ceil(min(MAX_POLL_SECONDS, max(0.0, deadline - begun_at)))
        response = yield from _exchange(
            _Exchange(
                method="GET",
                path=_approval_path(approval_id),
                query={"wait": seconds},
                timeout_seconds=seconds + TIMEOUT_SECONDS,
                max_attempts=MAX_WAITING_ATTEMPTS,
            )
        )
        approval = _parse_approval(_parse_object(response))
        if is_enough(approval):
            return approval
        if time.monotonic() >= deadline:
            raise StillPending(approval)
        if time.monotonic() - begun_at < POLL_PAUSE_SECONDS:
            yield _Rest(POLL_PAUSE_SECONDS)


def obtain_flow(
    action: str,
    arguments: Arguments,
    *,
    summary: str,
    wait_seconds: float | None,
    options: RequestOptions,
) -> Flow[ApprovalRecord]:
    """Ask and wait; return an approval that allows the action."""
    approval = yield from request_flow(action, arguments, summary=summary, options=options)
    if is_carried_out_by_server(action):
        if not approval.is_over:
            approval = yield from poll_flow(approval.id, wait_seconds, has_ended)
        if not approval.is_allowed:
            raise ActionRefused(approval)
        return approval
    if approval.is_pending:
        approval = yield from wait_flow(approval.id, wait_seconds)
    return require_allowed(approval)


def is_carried_out_by_server(action: str) -> bool:
    """Tell whether Countersign itself carries out the action, in a connected system.

    Those are named ``system.action``. An action of the program itself has no dot.
    """
    return "." in action


def is_decided(approval: ApprovalRecord) -> bool:
    return not approval.is_pending


def has_ended(approval: ApprovalRecord) -> bool:
    return approval.is_over


def require_allowed(approval: ApprovalRecord) -> ApprovalRecord:
    """Return the approval if the program may act on it now.

    Raises:
        ActionRefused: people said no, or nobody decided.
        AlreadyCarriedOut: what was approved is recorded as done, failed or unknown.
    """
    if not approval.is_allowed:
        raise ActionRefused(approval)
    if approval.state != "approved":
        raise AlreadyCarriedOut(approval)
    return approval


def _cancel_flow(approval_id: str) -> Flow[ApprovalRecord]:
    exchange = _Exchange(method="POST", path=f"{_approval_path(approval_id)}/cancel")
    try:
        return _parse_approval(_parse_object((yield from _exchange(exchange))))
    except RequestConflict:
        # The first attempt may have been heard, and only its answer lost.
        approval = yield from _read_flow(approval_id)
        if approval.state == "cancelled":
            return approval
        raise


def _report_flow(
    approval_id: str, outcome: ReportOutcome, *, detail: str, result: Mapping[str, Scalar] | None
) -> Flow[ApprovalRecord]:
    content: dict[str, Any] = {"outcome": outcome}
    if detail:
        content["detail"] = detail[:MAX_DETAIL_LENGTH]
    if result:
        content["result"] = dict(result)
    path = f"{_approval_path(approval_id)}/report"
    try:
        response = yield from _exchange(_Exchange(method="POST", path=path, content=content))
    except RequestConflict:
        # The first attempt may have been heard, and only its answer lost.
        approval = yield from _read_flow(approval_id)
        if approval.state == outcome:
            return approval
        raise
    return _parse_approval(_parse_object(response))


def _read_flow(approval_id: str) -> Flow[ApprovalRecord]:
    response = yield from _exchange(_Exchange(method="GET", path=_approval_path(approval_id)))
    return _parse_approval(_parse_object(response))


def _cases_flow(search: CaseSearch) -> Flow[CaseListPage]:
    query = {name: value for name, value in search.items() if value not in (None, "")}
    document = _parse_object((yield from _exchange(_get("/v1/cases", query))))
    return CaseListPage(tuple(document.get("cases", ())), document.get("next"))


def _case_flow(case_id: str) -> Flow[Mapping[str, Any]]:
    path = f"/v1/cases/{quote(case_id, safe='')}"
    return _parse_object((yield from _exchange(_get(path, {}))))


def _precedents_flow(text: str, kind: str, limit: int) -> Flow[Sequence[Mapping[str, Any]]]:
    query = {"text": text, "kind": kind, "limit": limit}
    query = {name: value for name, value in query.items() if value != ""}
    document = _parse_object((yield from _exchange(_get("/v1/precedents", query))))
    return tuple(document.get("precedents", ()))


def _keys_flow() -> Flow[Mapping[str, Any]]:
    return _parse_object((yield from _exchange(_get("/v1/keys", {}))))


def _raise_flow(signal: Mapping[str, Any]) -> Flow[RaisedCase]:
    exchange = _Exchange(method="POST", path="/v1/signals", content=signal)
    document = _parse_object((yield from _exchange(exchange)))
    return RaisedCase(str(document.get("case", "")), str(document.get("outcome", "")))


def _signal(
    *, kind: str, subject: str, title: str, facts: Mapping[str, Any] | None, key: str
) -> Mapping[str, Any]:
    return {
        "key": key or uuid.uuid4().hex,
        "kind": kind,
        "subject": subject,
        "title": title,
        "facts": dict(facts or {}),
    }


def _get(path: str, query: Mapping[str, Any]) -> _Exchange:
    return _Exchange(method="GET", path=path, query=query)


def _approval_path(approval_id: str) -> str:
    return f"/v1/approvals/{quote(approval_id, safe='')}"


def _parse_object(response: httpx.Response) -> Mapping[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CountersignUnavailable(
            "the answer is no JSON object. Do not act; check that the address is Countersign's"
        )
    return document


def _parse_approval(document: Mapping[str, Any]) -> ApprovalRecord:
    if not document.get("id") or not document.get("state"):
        raise CountersignUnavailable("the answer is no approval. Do not act; check the address")
    return ApprovalRecord(
        id=document["id"],
        case=document.get("case", ""),
        state=document["state"],
        plan_hash=document.get("plan_hash") or "",
        expires_at=document.get("expires_at") or "",
        decision=_parse_decision(document.get("decision")),
        receipt=document.get("receipt"),
        execution=_parse_execution(document.get("execution")),
    )


def _parse_decision(document: Mapping[str, Any] | None) -> ApprovalDecision | None:
    if not document:
        return None
    people = [DecidingPerson(one.get("id", ""), one.get("name", "")) for one in document["by"]]
    return ApprovalDecision(
        outcome=document["outcome"],
        by=tuple(people),
        at=document.get("at") or "",
        reason=document.get("reason") or "",
        arguments=document.get("arguments") or {},
        plan_hash=document.get("plan_hash") or "",
    )


def _parse_execution(document: Mapping[str, Any] | None) -> ApprovalExecution | None:
    if not document:
        return None
    return ApprovalExecution(document["state"], document.get("detail") or "")


# --- the clients ----------------------------------------------------------------------------------


class Countersign:
    """Countersign, as one program sees it.

    It may be shared by threads. Every request is repeated under the same key when the connection
    fails or the server is busy, so nothing is asked twice.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the address of the server and the program's token."""
        self.url = _check_address(url)
        self._token = token
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=self.url,
            headers=_headers(token),
            transport=transport,
            verify=_tls_context(),
        )

    def __enter__(self) -> Self:
        """Return the client, which ends with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def asynchronous(self) -> "AsyncCountersign":
        """Return the same for coroutines."""
        return AsyncCountersign(self.url, self._token)

    def request(
        self, action: str, arguments: Arguments, *, summary: str, **options: Unpack[RequestOptions]
    ) -> ApprovalRecord:
        """Ask for approval of the action with these arguments; return at once."""
        flow = request_flow(action, arguments, summary=summary, options=options)
        return self.run(flow)

    def obtain(
        self,
        action: str,
        arguments: Arguments,
        *,
        summary: str,
        wait_seconds: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> ApprovalRecord:
        """Ask, wait, and return an approval on which the program may act.

        Act with the arguments of its decision, then ``report``. An action of a connected system
        (``system.action``) is carried out by Countersign: then its state is done, failed or
        unknown, and nothing remains to be done.

        Raises:
            ActionRefused: people said no, or nobody decided before it expired.
            AlreadyCarriedOut: an action under the same idempotency key is done.
            StillPending: nobody has decided within ``wait_seconds``.
        """
        flow = obtain_flow(
            action, arguments, summary=summary, wait_seconds=wait_seconds, options=options
        )
        return self.run(flow)

    def wait(self, approval_id: str, timeout_seconds: float | None = None) -> ApprovalRecord:
        """Wait until people have decided, however long; or raise ``StillPending``."""
        return self.run(wait_flow(approval_id, timeout_seconds))

    def approval(self, approval_id: str) -> ApprovalRecord:
        """Return an approval as it is now."""
        return self.run(_read_flow(approval_id))

    def cancel(self, approval_id: str) -> ApprovalRecord:
        """Withdraw a request; raise ``RequestConflict`` when it is decided."""
        return self.run(_cancel_flow(approval_id))

    def report(
        self,
        approval_id: str,
        outcome: ReportOutcome,
        *,
        detail: str = "",
        result: Mapping[str, Scalar] | None = None,
    ) -> ApprovalRecord:
        """Say what became of an action that the program carried out."""
        return self.run(_report_flow(approval_id, outcome, detail=detail, result=result))

    def cases(self, **search: Unpack[CaseSearch]) -> CaseListPage:
        """List the cases that the program may see."""
        return self.run(_cases_flow(search))

    def case(self, case_id: str) -> Mapping[str, Any]:
        """Return one case."""
        return self.run(_case_flow(case_id))

    def precedents(
        self, text: str, *, kind: str = "", limit: int = 5
    ) -> Sequence[Mapping[str, Any]]:
        """List how cases like this text ended."""
        return self.run(_precedents_flow(text, kind, limit))

    def raise_exception(
        self,
        kind: str,
        subject: str,
        title: str,
        *,
        facts: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> RaisedCase:
        """Put an exception before people; kind and subject name its case."""
        signal = _signal(kind=kind, subject=subject, title=title, facts=facts, key=key)
        return self.run(_raise_flow(signal))

    def keys(self) -> Mapping[str, Any]:
        """Return the public keys of receipts, as a JSON Web Key Set."""
        return self.run(_keys_flow())

    def run(self, flow: Flow[T]) -> T:
        """Carry out a conversation with the server."""
        result: httpx.Response | httpx.TransportError | None = None
        while True:
            try:
                step = flow.send(result)
            except StopIteration as end:
                return cast(T, end.value)
            result = self._take(step)

    def _take(self, step: _Exchange | _Rest) -> httpx.Response | httpx.TransportError | None:
        if isinstance(step, _Rest):
            self._sleep(step.seconds)
            return None
        try:
            return self._http.request(**_http_arguments(step))
        except httpx.TransportError as error:
            return error


class AsyncCountersign:
    """The same for coroutines, under asyncio or trio.

    Each call opens a connection of its own: it may be shared by event loops.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Take the address of the server and the program's token."""
        self.url = _check_address(url)
        self._token = token
        self._transport = transport
        self._sleep = sleep

    async def request(
        self, action: str, arguments: Arguments, *, summary: str, **options: Unpack[RequestOptions]
    ) -> ApprovalRecord:
        """Ask for approval of the action with these arguments; return at once."""
        flow = request_flow(action, arguments, summary=summary, options=options)
        return await self.run(flow)

    async def obtain(
        self,
        action: str,
        arguments: Arguments,
        *,
        summary: str,
        wait_seconds: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> ApprovalRecord:
        """Ask, wait, and return an approval, as ``Countersign.obtain`` does."""
        flow = obtain_flow(
            action, arguments, summary=summary, wait_seconds=wait_seconds, options=options
        )
        return await self.run(flow)

    async def wait(self, approval_id: str, timeout_seconds: float | None = None) -> ApprovalRecord:
        """Wait until people have decided, however long; or raise ``StillPending``."""
        return await self.run(wait_flow(approval_id, timeout_seconds))

    async def approval(self, approval_id: str) -> ApprovalRecord:
        """Return an approval as it is now."""
        return await self.run(_read_flow(approval_id))

    async def cancel(self, approval_id: str) -> ApprovalRecord:
        """Withdraw a request; raise ``RequestConflict`` when it is decided."""
        return await self.run(_cancel_flow(approval_id))

    async def report(
        self,
        approval_id: str,
        outcome: ReportOutcome,
        *,
        detail: str = "",
        result: Mapping[str, Scalar] | None = None,
    ) -> ApprovalRecord:
        """Say what became of an action that the program carried out."""
        return await self.run(_report_flow(approval_id, outcome, detail=detail, result=result))

    async def cases(self, **search: Unpack[CaseSearch]) -> CaseListPage:
        """List the cases that the program may see."""
        return await self.run(_cases_flow(search))

    async def case(self, case_id: str) -> Mapping[str, Any]:
        """Return one case."""
        return await self.run(_case_flow(case_id))

    async def precedents(
        self, text: str, *, kind: str = "", limit: int = 5
    ) -> Sequence[Mapping[str, Any]]:
        """List how cases like this text ended."""
        return await self.run(_precedents_flow(text, kind, limit))

    async def raise_exception(
        self,
        kind: str,
        subject: str,
        title: str,
        *,
        facts: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> RaisedCase:
        """Put an exception before people; kind and subject name its case."""
        signal = _signal(kind=kind, subject=subject, title=title, facts=facts, key=key)
        return await self.run(_raise_flow(signal))

    async def keys(self) -> Mapping[str, Any]:
        """Return the public keys of receipts, as a JSON Web Key Set."""
        return await self.run(_keys_flow())

    async def run(self, flow: Flow[T]) -> T:
        """Carry out a conversation with the server."""
        result: httpx.Response | httpx.TransportError | None = None
        async with httpx.AsyncClient(
            base_url=self.url,
            headers=_headers(self._token),
            transport=self._transport,
            verify=_tls_context(),
        ) as http:
            while True:
                try:
                    step = flow.send(result)
                except StopIteration as end:
                    return cast(T, end.value)
                result = await self._take(http, step)

    async def _take(
        self, http: httpx.AsyncClient, step: _Exchange | _Rest
    ) -> httpx.Response | httpx.TransportError | None:
        if isinstance(step, _Rest):
            await self._sleep(step.seconds)
            return None
        try:
            return await http.request(**_http_arguments(step))
        except httpx.TransportError as error:
            return error


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Read the certificates of authorities once; it takes longer than a request."""
    return httpx.create_ssl_context()


def _check_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"the address of Countersign must begin with https://, not {url!r}")
    return url.rstrip("/")


def _headers(token: str) -> dict[str, str]:
    if not token:
        raise ValueError("a token is needed: make one with `countersign tokens make NAME`")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def _http_arguments(exchange: _Exchange) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.path,
        "params": dict(exchange.query),
        "timeout": exchange.timeout_seconds,
    }
    if exchange.content is not None:
        arguments["json"] = exchange.content
    return arguments


# --- arguments ------------------------------------------------------------------------------------


def encode_arguments(arguments: Arguments) -> Mapping[str, Scalar]:
    """Return arguments as approvals have them: lists and objects as JSON text."""
    return {name: _encode_value(value) for name, value in arguments.items()}


def _encode_value(value: Any) -> Scalar:
    if isinstance(value, Decimal):
        return str(value)
    try:
        text = canonical_text(value)
    except TypeError:
        raise RequestInvalid(
            f"an argument of type {type(value).__name__} cannot be shown to people; pass texts, "
            "numbers, booleans, and lists or objects of them"
        ) from None
    is_scalar = value is None or isinstance(value, str | int | float | bool)
    return value if is_scalar else text


def approved_arguments(arguments: Arguments, approval: ApprovalRecord) -> dict[str, Any]:
    """Return the arguments as people approved them.

    Raises:
        ReceiptInvalid: the approval has other names than the request.
    """
    values = approval.decision.arguments if approval.decision else {}
    if set(values) != set(arguments):
        raise ReceiptInvalid(
            f"{approval.id} approves other arguments than the action has. Do not act; report it as "
            "failed, and ask again"
        )
    return {name: _decode_value(value, values[name]) for name, value in arguments.items()}


def _decode_value(original: Any, value: Scalar) -> Any:
    """Return the original value where people did not change it."""
    if canonical_text(_encode_value(original)) == canonical_text(value):
        return original
    if isinstance(original, Decimal):
        return Decimal(str(value))
    if isinstance(original, str | int | float | bool) or original is None:
        return value
    try:
        return json.loads(str(value))
    except ValueError:
        raise ReceiptInvalid(
            "an argument was edited into something that is no JSON. Do not act; report it as "
            "failed, and ask again"
        ) from None


def canonical_text(value: Any) -> str:
    """Write JSON by RFC 8785, of which hashes are made."""
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            if abs(value) > MAX_INTEGER:
                raise RequestInvalid(f"{value} is too large for JSON; pass it as text")
            return str(value)
        case float():
            return _canonical_float(value)
        case Mapping():
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            items = (f"{canonical_text(name)}:{canonical_text(value[name])}" for name in names)
            return "{" + ",".join(items) + "}"
        case list() | tuple():
            return "[" + ",".join(map(canonical_text, value)) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON")


def _canonical_float(value: float) -> str:
    """Write a double as ECMAScript does."""
    if not math.isfinite(value):
        raise RequestInvalid(f"{value} has no JSON; pass it as text")
    if value == 0:
        return "0"
    # Python writes the same shortest digits, and an exponent elsewhere.
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    return ("-" if sign else "") + _place_point(text, point)


def _place_point(digits: str, point: int) -> str:
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def arguments_hash(arguments: Arguments) -> str:
    """Hash arguments as receipts do: SHA-256 over RFC 8785, in hex."""
    text = canonical_text(encode_arguments(arguments))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


# --- receipts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedReceipt:
    """The content of a receipt that was verified."""

    approval: str
    case: str
    program: str
    action: str
    arguments: Mapping[str, Scalar]
    #: approved or edited.
    outcome: str
    by: tuple[DecidingPerson, ...]
    decided_at: str
    #: Everything that was signed.
    claims: Mapping[str, Any]


def verify_receipt(
    receipt: str,
    keys: Mapping[str, Any],
    *,
    action: str,
    arguments: Arguments,
    approval: str = "",
    now: datetime | None = None,
) -> VerifiedReceipt:
    """Prove offline that people allowed this action with these arguments.

    ``keys`` is the key set of ``GET /v1/keys``, read once and kept. With ``now``, a receipt whose
    time to act is over is refused too.

    Raises:
        ReceiptInvalid: it is forged, or allows something else.
    """
    header_part, payload_part, signature = _split_receipt(receipt)
    header = _parse_part(header_part)
    if header.get("alg") != RECEIPT_ALGORITHM or header.get("typ") != RECEIPT_TYPE:
        raise _invalid("it is no receipt of Countersign")
    if "crit" in header:
        raise _invalid("it has an extension that this program does not know")
    key = _find_key(keys, header.get("kid"))
    _verify_signature(key, f"{header_part}.{payload_part}".encode(), signature)
    claims = _parse_part(payload_part)
    _check_claims(claims, action=action, arguments=arguments, approval=approval)
    if now is not None:
        _check_expiry(claims, now)
    return _read_claims(claims)


def _invalid(reason: str) -> ReceiptInvalid:
    return ReceiptInvalid(f"the receipt does not allow this: {reason}. Do not act")


def _split_receipt(receipt: str) -> tuple[str, str, bytes]:
    parts = receipt.split(".") if isinstance(receipt, str) else []
    if len(parts) != 3:
        raise _invalid("it is incomplete")
    return parts[0], parts[1], _decode_base64url(parts[2])


def _decode_base64url(text: str) -> bytes:
    """Decode strictly: one value has one text."""
    try:
        content = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise _invalid("it is damaged") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != text:
        raise _invalid("it is damaged")
    return content


def _parse_part(part: str) -> Mapping[str, Any]:
    try:
        document = json.loads(_decode_base64url(part), object_pairs_hook=_unique_names)
    except ValueError:
        raise _invalid("it is damaged") from None
    if not isinstance(document, dict):
        raise _invalid("it is damaged")
    return document


def _unique_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice")
    return document


def _find_key(keys: Mapping[str, Any], kid: object) -> bytes:
    """Return the Ed25519 public key of this id."""
    for key in keys.get("keys", ()):
        is_for_signatures = (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519")
        if kid and key.get("kid") == kid and is_for_signatures:
            return _decode_base64url(str(key.get("x", "")))
    raise _invalid("its key is not one of Countersign's; read GET /v1/keys again if keys changed")


def _verify_signature(key: bytes, content: bytes, signature: bytes) -> None:
    # Only who verifies receipts needs the library.
    ed25519 = import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    exceptions = import_module("cryptography.exceptions")
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (exceptions.InvalidSignature, ValueError):
        raise _invalid("its signature is wrong") from None


def _check_claims(
    claims: Mapping[str, Any], *, action: str, arguments: Arguments, approval: str
) -> None:
    if claims.get("outcome") not in ALLOWING_OUTCOMES:
        raise _invalid(f"the outcome is {claims.get('outcome')}")
    if claims.get("action") != action:
        raise _invalid(f"it is for {claims.get('action')}, not for {action}")
    if approval and claims.get("approval") != approval:
        raise _invalid("it belongs to another approval")
    expected = arguments_hash(arguments)
    signed = claims.get("arguments")
    if not isinstance(signed, dict) or arguments_hash(signed) != expected:
        raise _invalid("the arguments are not those that were approved")
    if claims.get("arguments_hash") != expected:
        raise _invalid("the arguments are not those that were approved")


def _check_expiry(claims: Mapping[str, Any], now: datetime) -> None:
    try:
        expires_at = datetime.fromisoformat(str(claims.get("expires_at")))
    except ValueError:
        raise _invalid("it does not say until when it holds") from None
    if expires_at <= now:
        raise _invalid("its time is over")


def _read_claims(claims: Mapping[str, Any]) -> VerifiedReceipt:
    people = claims.get("by", ())
    return VerifiedReceipt(
        approval=str(claims.get("approval", "")),
        case=str(claims.get("case", "")),
        program=str(claims.get("program", "")),
        action=str(claims["action"]),
        arguments=claims["arguments"],
        outcome=str(claims["outcome"]),
        by=tuple(DecidingPerson(one.get("id", ""), one.get("name", "")) for one in people),
        decided_at=str(claims.get("decided_at", "")),
        claims=claims,
    )


# --- the decorator --------------------------------------------------------------------------------


class _ArgumentText(Protocol):
    def __call__(self, arguments: Arguments, /) -> str: ...


#: A template like ``"Refund {amount} to {customer}"``, or a function of the arguments.
Wording = str | _ArgumentText


def word(wording: Wording, arguments: Arguments) -> str:
    """Return the text for these arguments."""
    if isinstance(wording, str):
        return from_arguments(wording.format_map, arguments)
    return from_arguments(wording, arguments)


def from_arguments(function: Callable[[Any], T], arguments: Arguments) -> T:
    """Compute something of the arguments of a call.

    Raises:
        RequestInvalid: one is missing, or of the wrong sort; a model may have left it out.
    """
    try:
        return function(arguments)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise RequestInvalid(
            f"the call has no usable arguments ({describe(error)}). Call again with all of them"
        ) from error


def needs_approval(
    client: Countersign | AsyncCountersign,
    *,
    action: str,
    summary: Wording,
    amount: Callable[[Arguments], Amount | None] | None = None,
    idempotency_key: Wording | None = None,
    wait_seconds: float | None = None,
    **options: Unpack[FixedOptions],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function run only after people have approved its arguments.

    The function gets the arguments that were approved, edited or not. Its outcome is reported:
    *done* when it returns, *failed* when it raises, *unknown* when it raises ``TimeoutError`` or
    ``EffectUncertain`` or is interrupted. A coroutine waits without holding a thread.

    Raises:
        ActionRefused: when it is called, and people say no.
        AlreadyCarriedOut: when it is called again under the same idempotency key.
    """

    if is_carried_out_by_server(action):
        raise ValueError(
            f"Countersign carries out {action} itself: call `obtain` in place of a function, or "
            "name an action of your own, without a dot"
        )

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        gate = _Gate(
            signature=_signature(function),
            action=action,
            summary=summary,
            amount=amount,
            idempotency_key=idempotency_key,
            wait_seconds=wait_seconds,
            options=cast(RequestOptions, options),
        )
        if inspect.iscoroutinefunction(function):
            return cast(Callable[P, T], _guard_coroutine(function, gate, client))
        if not isinstance(client, Countersign):
            raise TypeError("a plain function needs a Countersign, not an AsyncCountersign")
        return _guard_function(function, gate, client)

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """The question before a function runs."""

    signature: inspect.Signature
    action: str
    summary: Wording
    amount: Callable[[Arguments], Amount | None] | None
    idempotency_key: Wording | None
    wait_seconds: float | None
    options: RequestOptions

    def bind(self, args: Any, kwargs: Any) -> inspect.BoundArguments:
        """Name the arguments of a call, with defaults."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound

    def flow(self, arguments: Arguments) -> Flow[ApprovalRecord]:
        """Ask and wait."""
        options = self.options.copy()
        if self.amount is not None:
            options["amount"] = from_arguments(self.amount, arguments)
        if self.idempotency_key is not None:
            options["idempotency_key"] = word(self.idempotency_key, arguments)
        return obtain_flow(
            self.action,
            arguments,
            summary=word(self.summary, arguments),
            wait_seconds=self.wait_seconds,
            options=options,
        )


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise TypeError(
                f"people approve named arguments; {function.__name__} takes *{parameter.name}"
            )
    return signature


def _guard_function(function: Callable[P, T], gate: _Gate, client: Countersign) -> Callable[P, T]:
    @functools.wraps(function)
    def ask_first(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = gate.bind(args, kwargs)
        approval = client.run(gate.flow(bound.arguments))
        try:
            bound.arguments.update(approved_arguments(bound.arguments, approval))
            result = function(*bound.args, **bound.kwargs)
        except BaseException as error:
            report_quietly(client, approval.id, outcome=outcome_of(error), detail=describe(error))
            raise
        report_quietly(client, approval.id, "done")
        return result

    return ask_first


def _guard_coroutine(
    function: Callable[..., Awaitable[T]], gate: _Gate, client: Countersign | AsyncCountersign
) -> Callable[..., Awaitable[T]]:
    caller = client.asynchronous() if isinstance(client, Countersign) else client

    @functools.wraps(function)
    async def ask_first(*args: Any, **kwargs: Any) -> T:
        bound = gate.bind(args, kwargs)
        approval = await caller.run(gate.flow(bound.arguments))
        try:
            bound.arguments.update(approved_arguments(bound.arguments, approval))
            result = await function(*bound.args, **bound.kwargs)
        except BaseException as error:
            await areport_quietly(
                caller, approval.id, outcome=outcome_of(error), detail=describe(error)
            )
            raise
        await areport_quietly(caller, approval.id, "done")
        return result

    return ask_first


def report_quietly(
    client: Countersign, approval_id: str, outcome: ReportOutcome, detail: str = ""
) -> None:
    """Report; when that fails the action has taken place all the same."""
    try:
        client.report(approval_id, outcome, detail=detail)
    except CountersignClientError as error:
        # The case asks its owner when no report arrives.
        log.warning("the outcome could not be reported: %s", error)


async def areport_quietly(
    client: AsyncCountersign, approval_id: str, outcome: ReportOutcome, detail: str = ""
) -> None:
    """Report; when that fails the action has taken place all the same."""
    # A task that was cancelled still says that its outcome is unknown.
    with anyio.CancelScope(shield=True):
        try:
            await client.report(approval_id, outcome, detail=detail)
        except CountersignClientError as error:
            log.warning("the outcome could not be reported: %s", error)


def outcome_of(error: BaseException) -> Literal["failed", "unknown"]:
    """Tell what an exception says about the action."""
    if isinstance(error, TimeoutError | httpx.TimeoutException | EffectUncertain):
        return "unknown"
    # Interrupted, cancelled or ending: nobody saw how far it came.
    return "failed" if isinstance(error, Exception) else "unknown"


def describe(error: BaseException) -> str:
    """Return one line on an exception, for people."""
    return f"{type(error).__name__}: {error}".rstrip(": ")[:MAX_DETAIL_LENGTH]

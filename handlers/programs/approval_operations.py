"""The routes of approvals, as programs read about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.cases.canonical import Scalar
from bot.views.approval_record import ApprovalState
from bot.views.case_summary import NamedAccount
from handlers.programs.approvals import MAX_WAIT_SECONDS, ApprovalsApi
from handlers.programs.bodies import ApprovalIn, ReportIn
from handlers.programs.operation import Access, ApiAnswer, Operation

APPROVAL_ID = {"id": "The id of the approval, which is that of its case."}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecisionAnswer:
    """The decision on a request."""

    outcome: Literal["approved", "edited", "rejected", "expired", "cancelled"]
    by: tuple[NamedAccount, ...]
    at: AwareDatetime
    reason: str
    #: As they were approved.
    arguments: Mapping[str, Scalar]
    plan_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalExecutionAnswer:
    """The progress of an action that was approved."""

    state: Literal["waiting", "done", "failed", "unknown"]
    #: Who carries it out.
    by: Literal["program", "countersign"]
    detail: str
    result: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAnswer:
    """A request of a program, with its decision."""

    id: str
    case: str
    state: ApprovalState
    action: str
    #: None until there is a plan.
    plan_hash: str | None
    expires_at: AwareDatetime | None
    decision: ApprovalDecisionAnswer | None
    #: The decision, signed: a compact JWS by a key of ``/v1/keys``.
    receipt: str | None
    execution: ApprovalExecutionAnswer | None
    links: Mapping[str, str]


class KeysAnswer(BaseModel):
    """The public keys of receipts, as a JWK set."""

    keys: list[dict[str, str]]
    note: str | None = None


class WaitQuery(BaseModel):
    """The parameters of a look at a request."""

    model_config = ConfigDict(extra="ignore")

    wait: Annotated[
        float,
        Field(
            ge=0,
            le=MAX_WAIT_SECONDS,
            description="Seconds to wait for a decision before the answer comes.",
        ),
    ] = 0.0


def approval_operations(api: ApprovalsApi) -> list[Operation]:
    """List the routes of approvals and of the keys of receipts."""
    return [_ask(api), _get(api), _cancel(api), _report(api), _keys(api)]


def _ask(api: ApprovalsApi) -> Operation:
    return Operation(
        name="requestApproval",
        method="POST",
        path="/v1/approvals",
        endpoint=api.ask,
        tag="approvals",
        summary="Ask for an approval of an action.",
        access=Access.PROGRAM,
        body=ApprovalIn,
        answers={
            202: _answer("The request waits for a decision."),
            200: _answer("The request is known: by its key, or as the same matter."),
        },
        problems=(400, 403, 408, 409, 413, 422),
    )


def _get(api: ApprovalsApi) -> Operation:
    return Operation(
        name="getApproval",
        path="/v1/approvals/{id}",
        endpoint=api.get,
        tag="approvals",
        summary="Return a request, at once or when it is decided.",
        access=Access.PROGRAM,
        query=WaitQuery,
        answers={200: _answer("The request as it is.")},
        problems=(404, 422),
        path_parameters=APPROVAL_ID,
    )


def _cancel(api: ApprovalsApi) -> Operation:
    return Operation(
        name="cancelApproval",
        method="POST",
        path="/v1/approvals/{id}/cancel",
        endpoint=api.cancel,
        tag="approvals",
        summary="Take a request back that nobody has decided.",
        access=Access.PROGRAM,
        answers={200: _answer("It was taken back.")},
        problems=(404, 409),
        path_parameters=APPROVAL_ID,
    )


def _report(api: ApprovalsApi) -> Operation:
    return Operation(
        name="reportApproval",
        method="POST",
        path="/v1/approvals/{id}/report",
        endpoint=api.report,
        tag="approvals",
        summary="Report what came of an action that the program carried out.",
        access=Access.PROGRAM,
        body=ReportIn,
        answers={200: _answer("It is recorded.")},
        problems=(400, 404, 408, 409, 413, 422),
        path_parameters=APPROVAL_ID,
    )


def _keys(api: ApprovalsApi) -> Operation:
    return Operation(
        name="getKeys",
        path="/v1/keys",
        endpoint=api.get_keys,
        tag="approvals",
        summary="Return the public keys by which receipts are verified.",
        access=Access.OPEN,
        answers={
            200: ApiAnswer(
                description="A JWK set.", shape=KeysAnswer, media_type="application/jwk-set+json"
            )
        },
    )


def _answer(description: str) -> ApiAnswer:
    return ApiAnswer(description=description, shape=ApprovalAnswer)

"""The routes of the passkey page.

The page is the same for everyone. What it shows is requested with the secret of the link.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.cases.actor import Surface
from bot.cases.case import Case
from bot.cases.errors import BadRequest, ChatFailed, NotEligible, NotNow, Refusal, TooLate
from bot.cases.passkey import LINK_IS_OVER, Assertion, Passkey, Purpose, StepUp, challenge
from bot.cases.plan import Plan
from bot.desk.decision_path import WHO_IS_NOT_KNOWN
from bot.desk.decisions import Decisions
from bot.desk.passkeys import PasskeyEnrolment
from bot.ports.clock import Clock
from bot.views.labels import as_words
from bot.views.plan_words import plan_items
from handlers.bodies import BodyRefused, read_limited_body
from handlers.passkeys.ceremony import Ceremony

Json = dict[str, Any]
PathParams = Mapping[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]

PAGE_FOLDER = Path(__file__).parent / "page"
MAX_BODY_BYTES = 32_000
# The page loads nothing from elsewhere, cannot be framed, and is neither cached nor referred to.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def confirmation_url(url: str, case_id: str, token: str) -> str:
    """Build the link that confirms an approval or an undo."""
    return f"{url}/confirm/{case_id}/{token}"


def enrolment_url(url: str, token: str) -> str:
    """Build the link that adds a passkey."""
    return f"{url}/passkey/{token}"


def routes(
    decisions: Decisions, enrolment: PasskeyEnrolment, ceremony: Ceremony, clock: Clock
) -> list[Route]:
    """Build the routes of the page, its files and its requests."""
    api = PasskeyApi(
        decisions=decisions,
        enrolment=enrolment,
        ceremony=ceremony,
        clock=clock,
    )
    confirm = "/confirm/{case}/{token}"
    enrol = "/passkey/{token}"
    return [
        Route(confirm, _file("index.html")),
        Route(enrol, _file("index.html")),
        Route(f"{confirm}/question", _get(api.describe_plan)),
        Route(f"{enrol}/question", _get(api.describe_invitation)),
        Route(confirm, _post(api.confirm), methods=["POST"]),
        Route(enrol, _post(api.add_passkey), methods=["POST"]),
        Route("/passkeys/page.js", _file("page.js")),
        Route("/passkeys/page.css", _file("page.css")),
    ]


@dataclass(frozen=True)
class PasskeyApi:
    """The requests of the page.

    Each needs both the secret of a link and the person's device.
    """

    decisions: Decisions
    enrolment: PasskeyEnrolment
    ceremony: Ceremony
    clock: Clock

    def describe_plan(self, path: PathParams) -> Json:
        """Describe the plan that will run, with the challenge to sign."""
        case, step_up = self.decisions.step_ups.find(path["case"], path["token"])
        plan = case.proposal.plan
        passkeys = self._passkeys_of(step_up.person)
        return {
            "purpose": step_up.purpose,
            "case": case.id,
            "about": case.signal.title,
            "as": step_up.name,
            "amount": _describe_amount(plan),
            "steps": _describe_steps(plan),
            "note": step_up.note,
            "options": self.ceremony.authentication_options(passkeys, _challenge(case, step_up)),
        }

    def confirm(self, path: PathParams, response: Any) -> Json:
        """Approve or undo with the device's signature."""

        def verify(case: Case, step_up: StepUp) -> Assertion:
            return self.ceremony.verify_authentication(
                response,
                passkeys=self._passkeys_of(step_up.person),
                challenge=_challenge(case, step_up),
                ticket=step_up.ticket,
            )

        case_id, token = path["case"], path["token"]
        before, step_up = self.decisions.step_ups.find(case_id, token)
        after = self.decisions.step_ups.finish(case_id, token, verify, surface=Surface.PASSKEY_PAGE)
        # The state changes with the last approval that is needed.
        is_complete = after.state is not before.state
        return {"said": _describe_result(step_up.purpose, is_complete=is_complete)}

    def describe_invitation(self, path: PathParams) -> Json:
        """Describe who may add a passkey, with the challenge to sign."""
        invitation = self.enrolment.find_invitation(path["token"])
        passkeys = self.decisions.desk_controls.load().passkeys
        options = self.ceremony.registration_options(invitation, passkeys)
        return {"as": invitation.name, "options": options}

    def add_passkey(self, path: PathParams, response: Any) -> Json:
        """Add the device that has signed the challenge of an invitation."""
        invitation = self.enrolment.find_invitation(path["token"])
        passkey = self.ceremony.verify_registration(response, invitation, self.clock())
        self.enrolment.add(invitation, passkey, surface=Surface.PASSKEY_PAGE)
        return {"said": "Your passkey is added. You can close this page."}

    def _passkeys_of(self, person: str) -> list[Passkey]:
        passkeys = self.decisions.desk_controls.load().passkeys
        return [passkey for passkey in passkeys if passkey.person == person]


def _describe_amount(plan: Plan | None) -> str:
    if plan is None or plan.amount is None:
        return ""
    return str(plan.amount)


def _describe_steps(plan: Plan | None) -> list[Json]:
    if plan is None:
        return []
    summaries = plan_items(plan, str, as_words)
    return [
        {"what": summary, "on": action.target, "undo": action.reversible}
        for action, summary in zip(plan.actions, summaries, strict=True)
    ]


def _describe_result(purpose: Purpose, *, is_complete: bool) -> str:
    match purpose:
        case Purpose.APPROVE if is_complete:
            return "Approved. It is carried out now."
        case Purpose.APPROVE:
            return "Approved. It waits for somebody else's yes too."
        case Purpose.UNDO if is_complete:
            return "It is taken back now."
        case Purpose.UNDO:
            return "Noted. It waits for somebody else's yes too."
        case _:
            assert_never(purpose)


def _challenge(case: Case, step_up: StepUp) -> bytes:
    """Compute the challenge: a hash over this plan and this person."""
    if case.proposal.plan is None:
        raise TooLate(LINK_IS_OVER)
    return challenge(
        case_id=case.id,
        revision=case.proposal.revision,
        plan_hash=case.proposal.plan.plan_hash,
        person=step_up.person,
        ticket=step_up.ticket,
        purpose=step_up.purpose,
    )


# --- HTTP ----------------------------------------------------------------------------------


def _file(name: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return FileResponse(PAGE_FOLDER / name, headers=SECURITY_HEADERS)

    return endpoint


def _get(describe: Callable[[PathParams], Json]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await _respond(run_in_threadpool(describe, request.path_params))

    return endpoint


def _post(act: Callable[[PathParams, Any], Json]) -> Endpoint:
    async def run(request: Request) -> Json:
        content = await _read_json(request)
        return await run_in_threadpool(act, request.path_params, content)

    async def endpoint(request: Request) -> Response:
        return await _respond(run(request))

    return endpoint


async def _respond(content: Awaitable[Json]) -> Response:
    """Answer with the content, or with the refusal as a sentence."""
    try:
        return JSONResponse(await content, headers=SECURITY_HEADERS)
    except Refusal as refusal:
        return _refuse(str(refusal), _status_of(refusal))
    except ChatFailed:
        return _refuse(WHO_IS_NOT_KNOWN, 503)


def _refuse(reason: str, status: int) -> Response:
    content = {"refused": f"Not done: {reason}."}
    return JSONResponse(content, status_code=status, headers=SECURITY_HEADERS)


def _status_of(refusal: Refusal) -> int:
    match refusal:
        case TooLate():
            return 410
        case NotEligible():
            return 403
        case NotNow():
            return 503
        case _:
            return 422


async def _read_json(request: Request) -> Any:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        # A form on another site cannot send this content type.
        raise BadRequest("send application/json")
    try:
        body = await read_limited_body(request, MAX_BODY_BYTES)
    except BodyRefused as refusal:
        is_slow = refusal.status == 408
        reason = "the request took too long to arrive" if is_slow else "the request is too large"
        raise BadRequest(reason) from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the request is not JSON") from None

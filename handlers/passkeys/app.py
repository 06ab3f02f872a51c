"""The routes of the page. The page itself is the same for everyone; what it shows is asked for behind the secret of the link."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.cases.actor import Surface
from bot.cases.case import Case
from bot.cases.errors import BadRequest, ChatFailed, NotEligible, NotNow, Refusal, TooLate
from bot.cases.passkey import LINK_IS_OVER, Assertion, Passkey, Purpose, StepUp, challenge
from bot.desk.decision_path import WHO_IS_NOT_KNOWN
from bot.desk.decisions import Decisions
from bot.desk.passkeys import PasskeyEnrolment
from bot.ports.clock import Clock
from handlers.bodies import BodyRefused, limited_body
from handlers.passkeys.ceremony import Ceremony

PAGE = Path(__file__).parent / "page"
LARGEST_ANSWER = 32_000
STATUS: dict[type[Refusal], int] = {TooLate: 410, NotEligible: 403, NotNow: 503}
# What a signed yes has done: the last that was needed, or one that waits for another.
SAID = {
    Purpose.APPROVE: (
        "Approved. It is carried out now.",
        "Approved. It waits for somebody else's yes too.",
    ),
    Purpose.UNDO: ("It is taken back now.", "Noted. It waits for somebody else's yes too."),
}
# Nothing from elsewhere is loaded or told, nobody frames it, and nothing of it is kept.
GUARDED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def confirming(url: str, case_id: str, token: str) -> str:
    """The link by which a plan of the top class is confirmed."""
    return f"{url}/confirm/{case_id}/{token}"


def adding(url: str, token: str) -> str:
    """The link by which a passkey is added."""
    return f"{url}/passkey/{token}"


def routes(
    decisions: Decisions, enrolment: PasskeyEnrolment, ceremony: Ceremony, clock: Clock
) -> list[Route]:
    """Everything the page needs."""
    door = PasskeyDoor(decisions, enrolment, ceremony, clock)
    confirm, add = "/confirm/{case}/{token}", "/passkey/{token}"
    return [
        Route(confirm, _page("index.html")),
        Route(add, _page("index.html")),
        Route(f"{confirm}/question", _told(door.plan)),
        Route(f"{add}/question", _told(door.invitation)),
        Route(confirm, _told(door.confirm), methods=["POST"]),
        Route(add, _told(door.add), methods=["POST"]),
        *(Route(f"/passkeys/{name}", _page(name)) for name in ("page.js", "page.css")),
    ]


@dataclass(frozen=True)
class PasskeyDoor:
    """What each route does. A link is worth nothing without the device, and the device nothing without the link."""

    decisions: Decisions
    enrolment: PasskeyEnrolment
    ceremony: Ceremony
    clock: Clock

    def plan(self, path: dict[str, str], answer: Any) -> dict[str, Any]:
        """The plan from the bytes that will run, and what the device is to sign."""
        case, asked = self.decisions.step_ups.find(path["case"], path["token"])
        plan = case.plan
        actions = plan.actions if plan else ()
        return {
            "purpose": asked.purpose,
            "case": case.id,
            "about": case.signal.title,
            "as": asked.name,
            "amount": str(plan.amount) if plan and plan.amount else "",
            "steps": [
                {"what": action.summary, "on": action.target, "undo": action.reversible}
                for action in actions
            ],
            "note": asked.note,
            "options": self.ceremony.confirmation(self._keys_of(asked), _wanted(case, asked)),
        }

    def confirm(self, path: dict[str, str], answer: Any) -> dict[str, Any]:
        def prove(case: Case, asked: StepUp) -> Assertion:
            return self.ceremony.confirmed(
                answer, self._keys_of(asked), _wanted(case, asked), asked.ticket
            )

        case, asked = self.decisions.step_ups.find(path["case"], path["token"])
        after = self.decisions.step_ups.finish(
            path["case"], path["token"], prove, surface=Surface.PASSKEY_PAGE
        )
        return {"said": SAID[asked.purpose][after.state is case.state]}

    def invitation(self, path: dict[str, str], answer: Any) -> dict[str, Any]:
        invited = self.enrolment.find_invitation(path["token"])
        known = self.decisions.desk_controls.load().passkeys
        return {"as": invited.name, "options": self.ceremony.registration(invited, known)}

    def add(self, path: dict[str, str], answer: Any) -> dict[str, Any]:
        invited = self.enrolment.find_invitation(path["token"])
        passkey = self.ceremony.registered(answer, invited, self.clock())
        self.enrolment.add(invited, passkey, surface=Surface.PASSKEY_PAGE)
        return {"said": "Your passkey is added. You can close this page."}

    def _keys_of(self, asked: StepUp) -> list[Passkey]:
        return [
            key
            for key in self.decisions.desk_controls.load().passkeys
            if key.person == asked.person
        ]


def _wanted(case: Case, asked: StepUp) -> bytes:
    """What the device is to sign."""
    if case.plan is None:
        raise TooLate(LINK_IS_OVER)
    return challenge(
        case_id=case.id,
        revision=case.revision,
        plan_hash=case.plan.plan_hash,
        person=asked.person,
        ticket=asked.ticket,
        purpose=asked.purpose,
    )


Answer = Callable[[dict[str, str], Any], dict[str, Any]]


def _told(do: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            said = await _json(request) if request.method == "POST" else None
            told = await run_in_threadpool(do, dict(request.path_params), said)
        except Refusal as refusal:
            return JSONResponse(
                {"refused": f"Not done: {refusal}."}, STATUS.get(type(refusal), 422), GUARDED
            )
        except ChatFailed:
            return JSONResponse({"refused": f"Not done: {WHO_IS_NOT_KNOWN}."}, 503, GUARDED)
        return JSONResponse(told, headers=GUARDED)

    return answer


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return FileResponse(PAGE / name, headers=GUARDED)

    return page


async def _json(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # A form of another site can send nothing that is called so.
        raise BadRequest("send application/json")
    try:
        body = await limited_body(request, LARGEST_ANSWER)
    except BodyRefused as refused:
        slow = refused.status == 408
        raise BadRequest(
            "it took too long to arrive" if slow else "that is more than a device says"
        ) from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("that is not JSON") from None

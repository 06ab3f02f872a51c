"""The HTTP API for programs as docs/agents.md has it, without a desk behind it.

Tests decide in place of people, and let it fail as a network can.
"""

import asyncio
import base64
import itertools
import json
import socket
import threading
import time

import rfc8785
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.cases.canonical import canonical_hash

TOKEN = "cs_refund_agent_test"
EXPIRES_AT = "2026-11-28T09:00:00.000000Z"
START_SECONDS = 60


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Signer:
    """Signs receipts, and has the public key of them."""

    def __init__(self, kid: str = "2026-11") -> None:
        self.kid = kid
        self._key = Ed25519PrivateKey.generate()

    @property
    def keys(self) -> dict:
        public = self._key.public_key().public_bytes_raw()
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.kid}
                | {"x": base64url(public)}
            ]
        }

    def sign(self, claims: dict, **header: object) -> str:
        header = {"alg": "EdDSA", "kid": self.kid, "typ": "countersign-receipt+jwt"} | header
        parts = [base64url(rfc8785.dumps(header)), base64url(rfc8785.dumps(claims))]
        return ".".join([*parts, base64url(self._key.sign(".".join(parts).encode()))])


def receipt_claims(approval: dict, **changes: object) -> dict:
    decision = approval["decision"]
    return {
        "iss": "countersign",
        "iat": 1_796_000_000,
        "approval": approval["id"],
        "case": approval["case"],
        "program": "refund_agent",
        "action": approval["action"],
        "arguments": decision["arguments"],
        "arguments_hash": canonical_hash(decision["arguments"]),
        "plan_hash": decision["plan_hash"],
        "outcome": decision["outcome"],
        "by": decision["by"],
        "decided_at": decision["at"],
        "expires_at": EXPIRES_AT,
    } | changes


class ApprovalServer:
    """A server on loopback; it keeps what it knows while it is stopped."""

    def __init__(self) -> None:
        self.port = 0
        self.forget()
        self.start()

    def forget(self) -> None:
        """Begin anew, for another test."""
        self.approvals: dict[str, dict] = {}
        self.signals: list[dict] = []
        self.requests: list[tuple[str, str]] = []
        #: Answers in place of the right ones; the request is heard with ``LOST``.
        self.faults: list[JSONResponse | str] = []
        self.signer = Signer()
        #: What people say to requests at once: a function of the approval, called in the server.
        self.on_request = lambda approval: None
        #: Whether the same again after a no is answered as before.
        self.cools_down = False
        self._keys: dict[str, tuple[str, str]] = {}
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- what people do ---------------------------------------------------------------------------

    def decide(self, approval_id: str, outcome: str, *, reason: str = "", **edits: object) -> None:
        approval = self.approvals[approval_id]
        arguments = approval["arguments"] | edits
        approval["decision"] = {
            "outcome": outcome,
            "by": [{"id": "T1/U0BEN", "name": "Ben Okafor"}] if outcome != "expired" else [],
            "at": "2026-11-27T09:00:00.000000Z",
            "reason": reason,
            "arguments": arguments,
            "plan_hash": canonical_hash(arguments),
        }
        approval["state"] = "approved" if outcome == "edited" else outcome
        approval["receipt"] = self.signer.sign(receipt_claims(approval))

    def carry_out(self, approval_id: str, state: str, detail: str = "") -> None:
        """Do an action of a connected system."""
        self.approvals[approval_id] |= {
            "state": state,
            "execution": {"state": state, "detail": detail},
        }

    def only(self) -> dict:
        (approval,) = self.approvals.values()
        return approval

    # --- what the API does ------------------------------------------------------------------------

    async def _request(self, request):
        content = await request.json()
        key, fingerprint = content.pop("idempotency_key"), canonical_hash(content)
        if key in self._keys:
            approval_id, known = self._keys[key]
            if known != fingerprint:
                return problem(409, "the key was used with other content")
            return JSONResponse(public(self.approvals[approval_id]))
        for earlier in self.approvals.values() if self.cools_down else ():
            if (earlier["state"], earlier["arguments"]) == ("rejected", content["arguments"]):
                return problem(409, "the same was refused", members={"approval": public(earlier)})
        if content["action"] == "close_account":
            return problem(403, "refund_agent may not ask for close_account")
        if not content["summary"]:
            return problem(422, "summary: must not be empty")
        approval_id = f"EX-{next(self._numbers)}"
        self._keys[key] = (approval_id, fingerprint)
        approval = {"id": approval_id, "case": approval_id, "state": "pending", **content}
        approval |= {"plan_hash": fingerprint, "expires_at": EXPIRES_AT, "key": key}
        self.approvals[approval_id] = approval
        self.on_request(approval)
        return JSONResponse(public(approval), 202)

    async def _read(self, request):
        approval = self.approvals.get(request.path_params["id"])
        if approval is None:
            return problem(404, "there is no such approval")
        until = time.monotonic() + float(request.query_params.get("wait", 0))
        # Tests decide in other threads.
        while approval["state"] == "pending" and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return JSONResponse(public(approval))

    async def _cancel(self, request):
        approval = self.approvals[request.path_params["id"]]
        if approval["state"] != "pending":
            return problem(409, f"it is {approval['state']} already")
        self.decide(approval["id"], "cancelled")
        return JSONResponse(public(approval))

    async def _report(self, request):
        approval, content = self.approvals[request.path_params["id"]], await request.json()
        if approval["state"] != "approved":
            return problem(409, f"it is {approval['state']} already")
        approval["state"] = content["outcome"]
        approval["execution"] = {"state": content["outcome"], "detail": content.get("detail")}
        approval["report"] = content
        return JSONResponse(public(approval))

    async def _cases(self, request):
        found = [
            {"id": one["case"], "kind": "approval", "title": one["summary"], "state": one["state"]}
            for one in self.approvals.values()
            if request.query_params.get("state", one["state"]) == one["state"]
        ]
        return JSONResponse({"cases": found, "next": None})

    async def _case(self, request):
        if request.path_params["id"] not in self.approvals:
            return problem(404, "there is no such case")
        return JSONResponse({"id": request.path_params["id"], "kind": "approval"})

    async def _precedents(self, request):
        return JSONResponse(
            {"precedents": [{"case": "EX-0", "text": request.query_params["text"]}]}
        )

    async def _signal(self, request):
        self.signals.append(await request.json())
        return JSONResponse({"outcome": "opened", "case": "EX-99"}, 201)

    async def _key_set(self, request):
        return JSONResponse(self.signer.keys)

    def _guard(self, endpoint):
        async def guarded(request):
            self.requests.append((request.method, request.url.path))
            fault = self.faults.pop(0) if self.faults else None
            if isinstance(fault, JSONResponse):
                return fault
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return problem(401, "the token is not valid")
            response = await endpoint(request)
            return problem(502, "the answer is lost") if fault == "lost" else response

        return guarded

    def _app(self):
        return Starlette(
            routes=[
                Route(path, self._guard(endpoint), methods=[method])
                for method, path, endpoint in [
                    ("POST", "/v1/approvals", self._request),
                    ("GET", "/v1/approvals/{id}", self._read),
                    ("POST", "/v1/approvals/{id}/cancel", self._cancel),
                    ("POST", "/v1/approvals/{id}/report", self._report),
                    ("GET", "/v1/cases", self._cases),
                    ("GET", "/v1/cases/{id}", self._case),
                    ("GET", "/v1/precedents", self._precedents),
                    ("POST", "/v1/signals", self._signal),
                    ("GET", "/v1/keys", self._key_set),
                ]
            ]
        )

    # --- its process ------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app(), log_config=None, lifespan="off", ws="none", loop="asyncio"
        )
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=[[listener]], daemon=True)
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.005)

    def stop(self) -> None:
        """Cut every connection."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(START_SECONDS)


def public(approval: dict) -> dict:
    """Return an approval as programs see it."""
    names = ("id", "case", "state", "plan_hash", "expires_at", "decision", "receipt", "execution")
    return {name: approval.get(name) for name in names}


def problem(status: int, detail: str, *, members=None, **headers: str) -> JSONResponse:
    document = {"type": "about:blank", "status": status, "detail": detail} | (members or {})
    return JSONResponse(document, status, headers, media_type="application/problem+json")


def tampered(receipt: str, part: int, **changes: object) -> str:
    """Change a part of a receipt, and leave the signature."""
    parts = receipt.split(".")
    content = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = base64url(rfc8785.dumps(content | changes))
    return ".".join(parts)

"""Requests to the app over HTTP, in place of Socket Mode.

Each is signed with the app's signing secret, and answered within the time that the sender says.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from bot.emulator.socket_mode import EnvelopeAnswer
from bot.emulator.wire import Json

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class AppAddress:
    """The app's request URL, and the secret that it verifies requests with."""

    url: str
    signing_secret: str


class RequestUrl:
    """Posts requests of Slack to the request URL."""

    def __init__(self, address: AppAddress) -> None:
        self._address = address
        self._pending = 0

    @property
    def count(self) -> int:
        """The number of ways to the app."""
        return 1

    @property
    def unanswered_count(self) -> int:
        """The number of requests that wait for their answer."""
        return self._pending

    async def send(
        self, kind: str, payload: Json, *, answer_within: float, **fields: Any
    ) -> EnvelopeAnswer:
        """Post a request and wait for its answer.

        ``answer_within`` is in seconds.
        """
        content_type, body = _encode(kind, payload)
        headers = {"Content-Type": content_type, **self._sign(body), **_retry_headers(fields)}
        started_at = time.perf_counter()
        self._pending += 1
        try:
            async with httpx.AsyncClient(timeout=answer_within, trust_env=False) as client:
                answer = await client.post(self._address.url, content=body, headers=headers)
        except httpx.HTTPError:
            # The same to the sender: nobody has answered in time.
            return EnvelopeAnswer(is_acknowledged=False)
        finally:
            self._pending -= 1
        return EnvelopeAnswer(
            is_acknowledged=answer.status_code == httpx.codes.OK,
            payload=_read_answer(answer),
            milliseconds=(time.perf_counter() - started_at) * 1000,
        )

    async def disconnect(self, reason: str) -> None:
        """Do nothing: no connection stays open between requests."""

    def _sign(self, body: bytes) -> Json:
        timestamp = str(int(time.time()))
        secret = self._address.signing_secret.encode()
        digest = hmac.new(secret, f"v0:{timestamp}:".encode() + body, hashlib.sha256)
        return {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest.hexdigest()}",
        }


def _encode(kind: str, payload: Json) -> tuple[str, bytes]:
    match kind:
        case "events_api":
            return JSON_TYPE, json.dumps(payload).encode()
        case "slash_commands":
            return FORM_TYPE, urlencode(payload).encode()
        case _:
            return FORM_TYPE, urlencode({"payload": json.dumps(payload)}).encode()


def _retry_headers(fields: Mapping[str, Any]) -> Json:
    if not fields.get("retry_attempt"):
        return {}
    return {
        "X-Slack-Retry-Num": str(fields["retry_attempt"]),
        "X-Slack-Retry-Reason": str(fields["retry_reason"]),
    }


def _read_answer(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    if answer.headers.get("content-type", "").startswith(JSON_TYPE):
        return answer.json()
    return {"text": answer.text}

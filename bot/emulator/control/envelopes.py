"""Envelopes to the app, with their faults and retries."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.emulator.faults import EnvelopeKnobs, Faults
from bot.emulator.socket_mode import EnvelopeAnswer
from bot.emulator.wire import Json
from bot.emulator.workspace import Channel, Workspace

# Slack sends an event again that was not acknowledged: at once, after a minute, after five.
RETRY_DELAYS = (
    0.0,
    60.0,
    300.0,
)
VERIFICATION_TOKEN = "emulator"  # noqa: S105 (Slack's old token; it protects nothing)


class WayToApp(Protocol):
    """Socket Mode, or the app's request URL."""

    @property
    def count(self) -> int:
        """The number of open connections."""

    @property
    def unanswered_count(self) -> int:
        """The number of requests that wait for their answer."""

    async def send(
        self, kind: str, payload: Json, *, answer_within: float, **fields: Any
    ) -> EnvelopeAnswer:
        """Send one request and wait for its answer, so many seconds."""

    async def disconnect(self, reason: str) -> None:
        """Close every connection; without a reason, at once."""


class TrafficLog:
    """The latest calls and envelopes, for the inspector."""

    def __init__(self) -> None:
        self.rows: deque[Json] = deque(maxlen=200)

    def record_call(self, name: str, answer: Json) -> None:
        """Record a call of the Web API."""
        row = {
            "to": "slack",
            "kind": name,
            "ok": answer["ok"],
            "error": answer.get("error", ""),
        }
        self.rows.append(row)

    def record_envelope(self, kind: str, answer: EnvelopeAnswer) -> None:
        """Record an envelope to the app."""
        row = {
            "to": "app",
            "kind": kind,
            "acked": answer.is_acknowledged,
            "ms": round(answer.milliseconds, 1),
        }
        self.rows.append(row)


@dataclass(kw_only=True)
class Retry:
    """An event that is due to be sent again."""

    due_at: float
    attempt: int
    callback: Json


@dataclass(kw_only=True)
class Envelopes:
    """Sends envelopes to the app and counts them in the traffic."""

    workspace: Workspace
    connections: WayToApp
    faults: Faults
    traffic: TrafficLog
    #: Set when an envelope has gone out; one that is to be swapped waits for it.
    _departure: asyncio.Event = field(default_factory=asyncio.Event)
    #: Envelopes that are kept back, to be swapped with the next one.
    kept_back: int = 0
    _retries: list[Retry] = field(default_factory=list)

    async def send(self, kind: str, payload: Json, **fields: Any) -> EnvelopeAnswer:
        """Send an envelope, with the faults that are on."""
        if self._knobs.swap_next > 0:
            self._knobs.swap_next -= 1
            await self._wait_for_departure()
        self._departure.set()
        answer = await self._send_once(kind, payload, **fields)
        if self._knobs.duplicate_next > 0:
            self._knobs.duplicate_next -= 1
            await self._send_once(kind, payload, **fields)
        if self._knobs.lose_acks > 0:
            self._knobs.lose_acks -= 1
            # The app has done its part; Slack never hears of it.
            answer = EnvelopeAnswer(is_acknowledged=False, milliseconds=answer.milliseconds)
        self.traffic.record_envelope(payload.get("type", kind), answer)
        return answer

    async def _send_once(self, kind: str, payload: Json, **fields: Any) -> EnvelopeAnswer:
        return await self.connections.send(
            kind=kind,
            payload=payload,
            answer_within=self._knobs.answer_within,
            **fields,
        )

    @property
    def _knobs(self) -> EnvelopeKnobs:
        # Read anew each time: the knobs may be turned while an envelope waits.
        return self.faults.envelope

    async def _wait_for_departure(self) -> None:
        """Wait until another envelope has gone out, if one comes soon."""
        self._departure.clear()
        self.kept_back += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._knobs.swap_within):
                await self._departure.wait()
        self.kept_back -= 1

    async def send_interaction(self, kind: str, user: Json, fields: Json) -> Json:
        """Send what a person did, and return the app's answer as JSON."""
        payload = {
            "type": kind,
            "user": {
                "id": user["id"],
                "username": user["name"],
                "name": user["name"],
                "team_id": user["team_id"],
            },
            "api_app_id": self.workspace.app.id,
            "token": VERIFICATION_TOKEN,
            "team": {
                "id": self.workspace.team["id"],
                "domain": self.workspace.team["domain"],
            },
            "enterprise": None,
            "is_enterprise_install": False,
            **fields,
        }
        return answer_as_json(await self.send("interactive", payload))

    async def send_event(self, event: Json) -> EnvelopeAnswer:
        """Send an event, if the app has subscribed to it."""
        if not self.workspace.app.permissions.is_subscribed(event):
            return EnvelopeAnswer(is_acknowledged=True)
        return await self.send_lifecycle_event(event)

    async def send_lifecycle_event(self, event: Json) -> EnvelopeAnswer:
        """Send an event, whether the app has subscribed to it or not."""
        authorization = {
            "team_id": self.workspace.team["id"],
            "user_id": self.workspace.app.bot_user,
            "is_bot": True,
        }
        callback = {
            "token": VERIFICATION_TOKEN,
            "team_id": self.workspace.team["id"],
            "api_app_id": self.workspace.app.id,
            "type": "event_callback",
            "event": event,
            "event_id": self.workspace.ids.new("Ev"),
            "event_time": int(float(event["ts"])),
            "is_ext_shared_channel": self._is_shared(event.get("channel")),
            "authorizations": [authorization],
        }
        return await self._deliver(callback, 0)

    def _is_shared(self, channel_id: Any) -> bool:
        channel: Channel | None = self.workspace.channels.get(str(channel_id))
        return channel is not None and channel.is_shared

    async def _deliver(self, callback: Json, attempt: int) -> EnvelopeAnswer:
        answer = await self.send(
            kind="events_api",
            payload=callback,
            retry_attempt=attempt,
            retry_reason="timeout" if attempt else "",
        )
        if answer.is_acknowledged or attempt >= len(RETRY_DELAYS):
            return answer
        delay = RETRY_DELAYS[attempt]
        if delay == 0:
            return await self._deliver(callback, attempt + 1)
        retry = Retry(
            due_at=self.workspace.now() + delay,
            attempt=attempt + 1,
            callback=callback,
        )
        self._retries.append(retry)
        return answer

    async def send_due_retries(self) -> int:
        """Send the retries that are due, and return how many."""
        now = self.workspace.now()
        due = [retry for retry in self._retries if retry.due_at <= now]
        self._retries = [retry for retry in self._retries if retry.due_at > now]
        for retry in due:
            await self._deliver(retry.callback, retry.attempt)
        return len(due)


def answer_as_json(answer: EnvelopeAnswer) -> Json:
    """Return the app's answer as the control API gives it."""
    return {
        "acked": answer.is_acknowledged,
        "ms": answer.milliseconds,
        "payload": answer.payload,
    }

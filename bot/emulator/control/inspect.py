"""The state of the workspace, for the page and for tests."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.emulator.control.arguments import with_sentences
from bot.emulator.control.envelopes import Envelopes
from bot.emulator.payloads import view_payload
from bot.emulator.wire import ApiError, Json
from bot.emulator.workspace import Channel, Workspace

MAX_MESSAGES = 60
MAX_EPHEMERALS = 20
# A busy workspace changes often; a person sees no more than a few pictures a second.
PAGE_UPDATE_INTERVAL = 0.15
STREAM_TIMEOUT = 15


class Inspector:
    """Shows one person's window, and the traffic."""

    def __init__(self, envelopes: Envelopes) -> None:
        self.workspace = envelopes.workspace
        self.envelopes = envelopes
        self._streams: set[asyncio.Event] = set()
        self.workspace.changes.listeners.append(self._wake_streams)

    def routes(self) -> list[Route]:
        """Return the routes of this part."""
        return [
            Route("/_ctl/messages", with_sentences(self.messages)),
            Route("/_ctl/state", with_sentences(self.state)),
            Route("/_ctl/traffic", self.traffic),
            Route("/_ctl/stream", self.stream),
        ]

    async def messages(self, request: Request) -> Response:
        """Return the messages of a channel, or the one with this ``ts``."""
        channel = self.workspace.channels.get(request.query_params.get("channel", ""))
        if channel is None:
            raise ApiError("channel_not_found")
        ts = request.query_params.get("ts")
        messages = list(channel.messages.values())
        if ts:
            messages = [message for message in messages if message["ts"] == ts]
        return JSONResponse(messages)

    async def state(self, request: Request) -> Response:
        """Return everything that the window of one person shows."""
        workspace = self.workspace
        user_id = request.query_params.get("as") or _first_person(workspace)
        bot = {
            "id": workspace.app.bot_id,
            "user": workspace.app.bot_user,
            "name": workspace.app.bot_name,
            "connections": self.envelopes.connections.count,
        }
        # The first look opens the direct messages; they are listed from the second on.
        channels = _channels_of(workspace, user_id)
        direct = ""
        if user_id in workspace.users:
            direct = workspace.direct_channel(user_id).id
        window = {
            "version": workspace.changes.version,
            "team": workspace.team,
            "me": user_id,
            "bot": bot,
            "users": list(workspace.users.values()),
            "groups": list(workspace.groups.values()),
            "channels": channels,
            "ephemerals": _ephemerals_of(workspace, user_id),
            "views": [view_payload(workspace, view) for view in workspace.views.stack(user_id)],
            "home": workspace.views.homes.get(user_id),
            "direct": direct,
            "prompts": workspace.pane.prompts.get(f"D{user_id[1:]}", []),
            "statuses": _statuses(workspace),
            "shortcuts": workspace.app.permissions.shortcuts,
            "executions": list(workspace.executions.values()),
            "now": workspace.now(),
            "stops": _stops_ahead(workspace),
        }
        return JSONResponse(window)

    async def traffic(self, request: Request) -> Response:
        """Return counts of the calls, and the latest calls and envelopes."""
        faults = self.envelopes.faults
        traffic = {
            "calls": dict(faults.calls),
            "rejected": dict(faults.rejections),
            "windows": faults.windows.closings,
            "connections": self.envelopes.connections.count,
            "unanswered": self.envelopes.connections.unanswered_count,
            "kept_back": self.envelopes.kept_back,
            "recent": list(self.envelopes.traffic.rows),
        }
        return JSONResponse(traffic)

    async def stream(self, request: Request) -> Response:
        """Send the version after changes, a few times a second at most."""
        return StreamingResponse(
            self._versions(request),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def _versions(self, request: Request) -> AsyncIterator[str]:
        change = asyncio.Event()
        self._streams.add(change)
        try:
            while not await request.is_disconnected():
                data = json.dumps({"version": self.workspace.changes.version})
                yield f"data: {data}\n\n"
                async with asyncio.timeout(STREAM_TIMEOUT) as timeout:
                    await change.wait()
                change.clear()
                await asyncio.sleep(PAGE_UPDATE_INTERVAL)
        except TimeoutError:
            # A quiet stream ends, so that one whose page is gone does too; the page reconnects.
            assert timeout.expired()  # noqa: S101 (no other timeout is ours)
        finally:
            self._streams.discard(change)

    def _wake_streams(self) -> None:
        for change in self._streams:
            change.set()


def _first_person(workspace: Workspace) -> str:
    for user_id in workspace.users:
        if user_id != workspace.app.bot_user:
            return user_id
    return ""


def _channels_of(workspace: Workspace, user_id: str) -> list[Json]:
    return [
        _channel_window(workspace, channel)
        for channel in workspace.channels.values()
        if user_id in channel.members
    ]


def _channel_window(workspace: Workspace, channel: Channel) -> Json:
    """Return the latest messages of a channel, and the replies to them."""
    messages = sorted(channel.messages.values(), key=lambda message: message["ts"])
    top = [message for message in messages if message.get("thread_ts") in {None, message["ts"]}]
    # A reply in a thread leaves its channel read; in a direct message it stands in place.
    total = len(messages) if channel.is_im else len(top)
    top = top[-MAX_MESSAGES:]
    parents = {message["ts"] for message in top}
    replies = []
    for message in messages:
        if message.get("thread_ts") in parents and message["ts"] not in parents:
            replies.append(message)
    name = channel.name
    if channel.is_im:
        person = workspace.users[channel.name]
        name = str(person.get("real_name") or person["name"])
    return {
        "id": channel.id,
        "name": name,
        "is_im": channel.is_im,
        "total": total,
        "messages": top,
        "replies": replies,
    }


def _ephemerals_of(workspace: Workspace, user_id: str) -> list[Json]:
    ephemerals = [message for message in workspace.ephemerals if message["to"] == user_id]
    return ephemerals[-MAX_EPHEMERALS:]


def _stops_ahead(workspace: Workspace) -> list[Json]:
    now = workspace.now()
    return [asdict(stop) for stop in workspace.clock.stops if stop.at > now]


def _statuses(workspace: Workspace) -> dict[str, str]:
    """Return the statuses that have not ended, by channel and thread."""
    now = workspace.now()
    statuses = {}
    for (channel_id, thread_ts), (status, ends_at) in workspace.pane.statuses.items():
        if status and ends_at > now:
            statuses[f"{channel_id}:{thread_ts}"] = status
    return statuses

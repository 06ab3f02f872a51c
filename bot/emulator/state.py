"""What the small Slack remembers: people, groups, channels, messages, views. All in memory, all from the wire or the control API."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.emulator.scopes import Permissions
from bot.emulator.wire import ApiError as ApiError
from bot.emulator.wire import Json as Json


@dataclass
class Channel:
    id: str
    name: str
    members: set[str] = field(default_factory=set)
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    is_shared: bool = False
    pins: list[str] = field(default_factory=list)
    messages: dict[str, Json] = field(default_factory=dict)


@dataclass
class View:
    id: str
    user: str
    body: Json
    hash: str


@dataclass
class ResponseUrl:
    """Where an app may answer an interaction without a token: five times, for half an hour."""

    channel: str
    user: str
    ts: str
    made_at: float
    uses: int = 0


class Workspace:
    """One team with one app installed. ``on_change`` is told of everything the page might show."""

    def __init__(self) -> None:
        self.team: Json = {"id": "T0EMU", "name": "Emulator", "domain": "emulator"}
        self.app_id = "A0COUNTERSIGN"
        self.bot_id = "B0COUNTERSIGN"
        self.bot_user = "U0COUNTERSIGN"
        self.bot_name = "Countersign"
        self.users: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[Json] = []
        self.views: dict[str, list[View]] = {}
        self.homes: dict[str, Json] = {}
        self.triggers: dict[str, tuple[str, float]] = {}
        self.revoked = False
        self.permissions = Permissions()
        self.host = ""
        self.statuses: dict[tuple[str, str], tuple[str, float]] = {}
        self.prompts: dict[str, list[Json]] = {}
        self.streams: dict[tuple[str, str], float] = {}
        self.scheduled: list[Json] = []
        self.files: dict[str, Json] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.ahead = 0.0
        self.hidden_for = 0.0
        self.version = 0
        self.on_change: list[Callable[[], None]] = []
        self._last_ts = 0
        self._serial = 0
        self.add_user(
            {"id": self.bot_user, "name": "countersign", "real_name": self.bot_name, "is_bot": True}
        )

    def changed(self) -> None:
        self.version += 1
        for tell in self.on_change:
            tell()

    def now(self) -> float:
        """Seconds since 1970, as this workspace has it: its clock can be put forward."""
        return time.time() + self.ahead

    def put_forward(self, seconds: float) -> None:
        """Let time go by; what was scheduled meanwhile is posted."""
        self.ahead += seconds
        due = [one for one in self.scheduled if one["post_at"] <= self.now()]
        self.scheduled = [one for one in self.scheduled if one not in due]
        for one in sorted(due, key=lambda one: one["post_at"]):
            content: Json = {
                name: one[name] for name in ("text", "blocks", "metadata") if name in one
            }
            self.post(
                self.channels[one["channel_id"]],
                {**content, "bot_id": self.bot_id, "user": self.bot_user},
            )
        self.changed()

    def serial(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}{self._serial:08d}"

    def next_ts(self) -> str:
        """Slack's message id: seconds and microseconds, always later than the last one."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    # --- people --------------------------------------------------------------------------------------------------------

    def add_user(self, user: Json) -> None:
        defaults = {
            "team_id": self.team["id"],
            "deleted": False,
            "is_bot": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_stranger": False,
        }
        self.users[user["id"]] = {
            **defaults,
            "profile": {"real_name": user.get("real_name", user["name"])},
            **user,
        }

    def user(self, user_id: Any) -> Json:
        if user_id not in self.users:
            raise ApiError("user_not_found")
        return self.users[user_id]

    # --- channels ------------------------------------------------------------------------------------------------------

    def add_channel(
        self,
        channel_id: str,
        name: str,
        members: list[str],
        *,
        is_private: bool = False,
        is_shared: bool = False,
    ) -> None:
        known = {*members, self.bot_user}
        self.channels[channel_id] = Channel(
            channel_id, name, known, is_private, is_shared=is_shared
        )

    def channel(self, channel_id: Any, *, writing: bool = False) -> Channel:
        """The channel, if the bot may see it; a user id means the direct messages with that person."""
        if channel_id in self.users:
            return self.direct(channel_id)
        found = self.channels.get(channel_id)
        if found is None:
            raise ApiError("channel_not_found")
        if self.bot_user not in found.members:
            raise ApiError("channel_not_found" if found.is_private else "not_in_channel")
        if writing and found.is_archived:
            raise ApiError("is_archived")
        return found

    def direct(self, user_id: str) -> Channel:
        channel_id = f"D{user_id[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(
                channel_id, user_id, {user_id, self.bot_user}, is_private=True, is_im=True
            )
        return self.channels[channel_id]

    # --- messages ------------------------------------------------------------------------------------------------------

    def post(self, channel: Channel, message: Json) -> Json:
        ts = self.next_ts()
        stored = {"type": "message", "ts": ts, "team": self.team["id"], **message}
        if not stored.get("blocks") and stored.get("text"):
            stored["blocks"] = [_rich_text(stored["text"])]
        parent = channel.messages.get(str(message.get("thread_ts")))
        if message.get("thread_ts") and parent is None:
            raise ApiError("thread_not_found")
        if parent is not None:
            parent["reply_count"] = parent.get("reply_count", 0) + 1
            parent["latest_reply"] = ts
            parent["thread_ts"] = parent["ts"]
        channel.messages[ts] = stored
        if stored.get("bot_id"):
            self.statuses.pop((channel.id, str(message.get("thread_ts", ""))), None)
        self.changed()
        return stored

    def update(self, channel: Channel, ts: Any, message: Json) -> Json:
        stored = channel.messages.get(str(ts))
        if stored is None:
            raise ApiError("message_not_found")
        if stored.get("bot_id") != self.bot_id:
            raise ApiError("cant_update_message")
        if "blocks" not in message and "text" in message:
            message = {**message, "blocks": [_rich_text(message["text"])]}
        if "metadata" in message and message["metadata"] == {}:
            stored.pop("metadata", None)
            message.pop("metadata")
        stored.update(message)
        self.changed()
        return stored

    def whisper(self, channel: Channel, user: str, message: Json) -> str:
        """A message that only one person sees."""
        ts = self.next_ts()
        self.ephemerals.append(
            {"type": "message", "ts": ts, "channel": channel.id, "to": user, **message}
        )
        self.changed()
        return ts

    # --- views ---------------------------------------------------------------------------------------------------------

    def new_trigger(self, user: str) -> str:
        trigger = self.serial("trigger.")
        self.triggers[trigger] = (user, self.now())
        return trigger

    def use_trigger(self, trigger: Any) -> str:
        """Who may be shown a view: a trigger is good once, for three seconds."""
        if trigger not in self.triggers:
            raise ApiError("invalid_trigger_id")
        user, made = self.triggers[trigger]
        if made < 0:
            raise ApiError("exchanged_trigger_id")
        if self.now() - made > 3.0:
            raise ApiError("expired_trigger_id")
        self.triggers[trigger] = (user, -1.0)
        return user

    def open_view(self, user: str, body: Json, *, push: bool = False) -> View:
        stack = self.views.setdefault(user, [])
        if push and len(stack) >= 3:
            raise ApiError("push_limit_reached")
        view = View(self.serial("V"), user, body, self.serial("h"))
        self.views[user] = [*stack, view] if push else [view]
        self.changed()
        return view

    def view(self, view_id: Any) -> View:
        for stack in self.views.values():
            for view in stack:
                if view.id == view_id or (
                    view.body.get("external_id") and view.body["external_id"] == view_id
                ):
                    return view
        raise ApiError("not_found")

    def update_view(self, view: View, body: Json, given_hash: Any) -> View:
        if given_hash and given_hash != view.hash:
            raise ApiError("hash_conflict")
        view.body, view.hash = body, self.serial("h")
        self.changed()
        return view

    def close_view(self, view: View, *, everything: bool = False) -> None:
        stack = self.views.get(view.user, [])
        self.views[view.user] = (
            [] if everything else [other for other in stack if other.id != view.id]
        )
        self.changed()


def _rich_text(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}

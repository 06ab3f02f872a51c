"""The workspace in memory: people, groups, channels, messages."""

import re
from dataclasses import dataclass, field
from typing import Any

from bot.emulator.clock import Changes, IdSource, WorkspaceClock
from bot.emulator.scopes import Permissions
from bot.emulator.views import Views
from bot.emulator.wire import ApiError, Json

#: A person or a user group.
MENTION = re.compile(r"<(@[A-Z0-9]+|!subteam\^[A-Z0-9]+)>")
RESPONSE_LIMIT = 5
RESPONSE_SECONDS = 1_800.0


@dataclass(kw_only=True)
class Channel:
    """A channel, or the direct messages of one person and the app."""

    id: str
    #: The user id of the person when ``is_im``.
    name: str
    #: User ids, the app's own among them.
    members: set[str] = field(default_factory=set)
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    #: With another workspace (Slack Connect).
    is_shared: bool = False
    #: Message ids, in the order they were pinned.
    pins: list[str] = field(default_factory=list)
    #: Messages by their ts.
    messages: dict[str, Json] = field(default_factory=dict)


@dataclass(kw_only=True)
class ResponseUrl:
    """An address to answer an interaction without a token."""

    channel: str
    user: str
    #: The message that the interaction came from; empty for a command.
    ts: str
    made_at: float
    uses: int = 0

    def is_usable(self, now: float) -> bool:
        """Tell whether it is good still: five times, for half an hour."""
        return self.uses < RESPONSE_LIMIT and now - self.made_at <= RESPONSE_SECONDS


@dataclass(kw_only=True)
class App:
    """The one app that is installed."""

    id: str = "A0COUNTERSIGN"
    bot_id: str = "B0COUNTERSIGN"
    bot_user: str = "U0COUNTERSIGN"
    bot_name: str = "Countersign"
    permissions: Permissions = field(default_factory=Permissions)
    are_tokens_revoked: bool = False
    #: The end of each token that an installation gave, in seconds since 1970; None for no end.
    #: Empty before the first: then any bot token is good.
    token_ends: dict[str, float | None] = field(default_factory=dict)

    def check_token(self, token: str, now: float) -> None:
        """Raise Slack's error unless this bot token is good."""
        if self.are_tokens_revoked:
            raise ApiError("token_revoked")
        if not self.token_ends:
            return
        if token not in self.token_ends:
            raise ApiError("invalid_auth")
        end = self.token_ends[token]
        if end is not None and end <= now:
            raise ApiError("token_expired")

    @property
    def authorship(self) -> Json:
        """The fields that mark a message as the app's own."""
        return {
            "user": self.bot_user,
            "bot_id": self.bot_id,
        }


@dataclass(kw_only=True)
class AssistantPane:
    """The state of the agent's side of Slack, by channel and thread."""

    #: Status text and the time it ends at, by channel and thread ts.
    statuses: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    #: Suggested prompts by channel.
    prompts: dict[str, list[Json]] = field(default_factory=dict)
    #: The time a stream closes at, by channel and message ts.
    streams: dict[tuple[str, str], float] = field(default_factory=dict)


class Workspace:
    """One team with one app installed."""

    def __init__(self) -> None:
        self.team: Json = {
            "id": "T0EMU",
            "name": "Emulator",
            "domain": "emulator",
        }
        self.app = App()
        #: Where the emulator is reached: host and port.
        self.host = ""
        self.clock = WorkspaceClock()
        self.ids = IdSource()
        self.changes = Changes()
        self.users: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[Json] = []
        self.views = Views(clock=self.clock, ids=self.ids, changes=self.changes)
        self.pane = AssistantPane()
        self.scheduled_messages: list[Json] = []
        #: Uploads by their id; ``content`` is empty until the bytes have come.
        self.files: dict[str, Json] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        #: Steps of workflows that the app was asked to carry out, by their id.
        self.executions: dict[str, Json] = {}
        bot = {
            "id": self.app.bot_user,
            "name": "countersign",
            "real_name": self.app.bot_name,
            "is_bot": True,
        }
        self.add_user(bot)

    def now(self) -> float:
        """Return the workspace's time, in seconds since 1970."""
        return self.clock.now()

    def notify(self) -> None:
        """Tell the page that something has changed."""
        self.changes.notify()

    def advance_clock(self, seconds: float) -> None:
        """Let time go by, and post the scheduled messages that are due."""
        self.clock.advance(seconds)
        now = self.now()
        due = [message for message in self.scheduled_messages if message["post_at"] <= now]
        for message in sorted(due, key=lambda message: message["post_at"]):
            self.scheduled_messages.remove(message)
            self._post_scheduled(message)
        self.notify()

    def _post_scheduled(self, scheduled_message: Json) -> None:
        message = self.app.authorship
        for name in ("text", "blocks", "metadata"):
            if name in scheduled_message:
                message[name] = scheduled_message[name]
        self.post(self.channels[scheduled_message["channel_id"]], message)

    def add_user(self, user: Json) -> None:
        """Add a person, or replace the one with the same id."""
        self.users[user["id"]] = {
            "team_id": self.team["id"],
            "deleted": False,
            "is_bot": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_stranger": False,
            "profile": {"real_name": user.get("real_name", user["name"])},
            **user,
        }

    def user(self, user_id: Any) -> Json:
        """Return the person with this id."""
        if user_id not in self.users:
            raise ApiError("user_not_found")
        return self.users[user_id]

    def add_channel(self, channel: Channel) -> None:
        """Add a channel, or replace the one with the same id.

        The app becomes a member.
        """
        channel.members.add(self.app.bot_user)
        self.channels[channel.id] = channel

    @property
    def is_on_free_plan(self) -> bool:
        """Tell whether the team has no user groups, as nobody pays."""
        return self.team.get("plan") == "free"

    def visible_channel(self, channel_id: Any) -> Channel:
        """Return a channel that is public, or that the app is in."""
        channel = self.channels.get(str(channel_id))
        if channel is not None and not channel.is_private:
            return channel
        return self.channel(channel_id)

    def channel(self, channel_id: Any) -> Channel:
        """Return the channel, if the app is in it.

        A user id stands for the direct messages with that person.
        """
        if channel_id in self.users:
            return self.direct_channel(channel_id)
        channel = self.channels.get(channel_id)
        if channel is None:
            raise ApiError("channel_not_found")
        if self.app.bot_user not in channel.members:
            # Slack does not admit that a private channel exists.
            raise ApiError("channel_not_found" if channel.is_private else "not_in_channel")
        return channel

    def writable_channel(self, channel_id: Any) -> Channel:
        """Return the channel, if the app may post to it."""
        channel = self.channel(channel_id)
        if channel.is_archived:
            raise ApiError("is_archived")
        return channel

    def direct_channel(self, user_id: str) -> Channel:
        """Return the direct messages with this person, opened if need be."""
        channel_id = f"D{user_id[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(
                id=channel_id,
                name=user_id,
                members={user_id, self.app.bot_user},
                is_private=True,
                is_im=True,
            )
        return self.channels[channel_id]

    def install(self, manifest: Json) -> None:
        """Grant the app its manifest's permissions and name."""
        self.app.permissions.grant(manifest)
        bot_user = manifest.get("features", {}).get("bot_user", {})
        name = bot_user.get("display_name")
        if name:
            self.app.bot_name = str(name)
            self.users[self.app.bot_user]["real_name"] = str(name)

    def new_response_url(self, channel_id: str, user_id: str, ts: str) -> str:
        """Return a new address for an answer without a token."""
        name = self.ids.new("R")
        self.response_urls[name] = ResponseUrl(
            channel=channel_id,
            user=user_id,
            ts=ts,
            made_at=self.now(),
        )
        return f"http://{self.host}/response/{name}"

    def post(self, channel: Channel, content: Json) -> Json:
        """Add a message to a channel, or to the thread of ``thread_ts``."""
        thread_ts = str(content.get("thread_ts", ""))
        parent = channel.messages.get(thread_ts)
        message = {
            "type": "message",
            "ts": self.clock.next_ts(),
            "team": self.team["id"],
            **content,
        }
        if not message.get("blocks") and message.get("text"):
            message["blocks"] = [_rich_text(message["text"])]
        if content.get("thread_ts") and parent is None:
            raise ApiError("thread_not_found")
        if parent is not None:
            parent["reply_count"] = parent.get("reply_count", 0) + 1
            parent["latest_reply"] = message["ts"]
            parent["thread_ts"] = parent["ts"]
        channel.messages[message["ts"]] = message
        if message.get("bot_id"):
            # "is looking …" ends when the app has answered.
            self.pane.statuses.pop((channel.id, thread_ts), None)
        self.notify()
        return message

    def update(self, channel: Channel, ts: Any, content: Json) -> Json:
        """Change a message of the app.

        Text without blocks replaces the blocks too.
        """
        message = channel.messages.get(str(ts))
        if message is None:
            raise ApiError("message_not_found")
        if message.get("bot_id") != self.app.bot_id:
            raise ApiError("cant_update_message")
        changes = dict(content)
        if "blocks" not in changes and "text" in changes:
            changes["blocks"] = [_rich_text(changes["text"])]
        if changes.get("metadata") == {}:
            # Empty metadata takes away what the message has; none leaves it.
            changes.pop("metadata")
            message.pop("metadata", None)
        message.update(changes)
        self.notify()
        return message

    def post_ephemeral(self, channel: Channel, user: str, content: Json) -> str:
        """Show a message to one person only, and return its ts."""
        ts = self.clock.next_ts()
        message = {
            "type": "message",
            "ts": ts,
            "channel": channel.id,
            "to": user,
            **content,
        }
        self.ephemerals.append(message)
        self.notify()
        return ts

    def find_ephemeral(self, ts: str) -> Json | None:
        """Return the private message with this ts."""
        for message in self.ephemerals:
            if message["ts"] == ts:
                return message
        return None

    def replace_ephemeral(self, message: Json, content: Json) -> None:
        """Write a private message over; text alone replaces the blocks too."""
        blocks = content.get("blocks") or [_rich_text(str(content.get("text", "")))]
        message.update({**content, "blocks": blocks})
        self.notify()


def _rich_text(text: str) -> Json:
    """Return the block that Slack makes of a text, mentions apart."""
    elements: list[Json] = []
    for index, part in enumerate(MENTION.split(text)):
        # Every second part is a mention.
        if index % 2:
            elements.append(_mention(part))
        elif part:
            elements.append({"type": "text", "text": part})
    section = {
        "type": "rich_text_section",
        "elements": elements,
    }
    return {
        "type": "rich_text",
        "elements": [section],
    }


def _mention(mention: str) -> Json:
    if mention.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": mention.removeprefix("!subteam^")}
    return {"type": "user", "user_id": mention.removeprefix("@")}

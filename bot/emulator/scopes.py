"""The app's permissions, and the scopes that methods need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from bot.emulator.wire import ApiError, Json

ASSISTANT_WRITE = ("assistant:write",)
CHAT_WRITE = ("chat:write",)
FILES_WRITE = ("files:write",)
PINS_WRITE = ("pins:write",)
REACTIONS_WRITE = ("reactions:write",)
USERGROUPS_READ = ("usergroups:read",)
USERS_READ = ("users:read",)
HISTORY = (
    "channels:history",
    "groups:history",
    "im:history",
    "mpim:history",
)
CONVERSATIONS_READ = (
    "channels:read",
    "groups:read",
    "im:read",
    "mpim:read",
)
# Any one of the scopes is enough. A method that is not here needs none.
NEEDED_SCOPES: Mapping[str, tuple[str, ...]] = {
    "chat.postMessage": CHAT_WRITE,
    "chat.postEphemeral": CHAT_WRITE,
    "chat.update": CHAT_WRITE,
    "chat.delete": CHAT_WRITE,
    "chat.scheduleMessage": CHAT_WRITE,
    "chat.deleteScheduledMessage": CHAT_WRITE,
    "chat.startStream": CHAT_WRITE,
    "chat.appendStream": CHAT_WRITE,
    "chat.stopStream": CHAT_WRITE,
    "conversations.history": HISTORY,
    "conversations.replies": HISTORY,
    "conversations.info": CONVERSATIONS_READ,
    "conversations.list": CONVERSATIONS_READ,
    "conversations.members": CONVERSATIONS_READ,
    "conversations.open": ("im:write", "mpim:write"),
    "conversations.join": ("channels:join",),
    "conversations.leave": ("channels:manage", "groups:write", "im:write", "mpim:write"),
    "users.info": USERS_READ,
    "users.list": USERS_READ,
    "users.conversations": CONVERSATIONS_READ,
    "users.lookupByEmail": ("users:read.email",),
    "usergroups.list": USERGROUPS_READ,
    "usergroups.users.list": USERGROUPS_READ,
    "team.info": ("team:read",),
    "bots.info": USERS_READ,
    "emoji.list": ("emoji:read",),
    "reactions.add": REACTIONS_WRITE,
    "reactions.remove": REACTIONS_WRITE,
    "reactions.get": ("reactions:read",),
    "pins.add": PINS_WRITE,
    "pins.remove": PINS_WRITE,
    "pins.list": ("pins:read",),
    "files.getUploadURLExternal": FILES_WRITE,
    "files.completeUploadExternal": FILES_WRITE,
    "files.info": ("files:read",),
    "assistant.threads.setStatus": ("chat:write", "assistant:write"),
    "assistant.threads.setTitle": ASSISTANT_WRITE,
    "assistant.threads.setSuggestedPrompts": ASSISTANT_WRITE,
    "agents.sessions.setStatus": ASSISTANT_WRITE,
    "agents.sessions.rename": ASSISTANT_WRITE,
}
# A manifest subscribes to messages by the type of their channel.
MESSAGE_EVENTS = {
    "im": "message.im",
    "group": "message.groups",
    "channel": "message.channels",
}


@dataclass(kw_only=True)
class Permissions:
    """The manifest's scopes, events, commands and shortcuts, all of them granted.

    Without a manifest everything is allowed: an empty workspace has nothing to protect.
    """

    scopes: set[str] = field(default_factory=set)
    #: Names as in the manifest, such as ``message.im``.
    events: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    shortcuts: list[Json] = field(default_factory=list)
    has_manifest: bool = False

    def read(self, path: Path) -> None:
        """Grant what the manifest in this file asks for."""
        self.grant(YAML(typ="safe").load(path.read_text()))

    def grant(self, manifest: Json) -> None:
        """Replace the permissions by those that a manifest asks for."""
        features = manifest.get("features", {})
        scopes = manifest.get("oauth_config", {}).get("scopes", {})
        subscriptions = manifest.get("settings", {}).get("event_subscriptions", {})
        self.scopes = set(scopes.get("bot", []))
        self.events = set(subscriptions.get("bot_events", []))
        self.commands = {command["command"] for command in features.get("slash_commands", [])}
        self.shortcuts = list(features.get("shortcuts", []))
        self.has_manifest = True

    def check_scope(self, method: str) -> None:
        """Raise ``missing_scope`` unless the app may call this method."""
        scopes = NEEDED_SCOPES.get(method, ())
        if self.has_manifest and scopes and self.scopes.isdisjoint(scopes):
            raise ApiError(
                "missing_scope",
                needed=scopes[0],
                provided=",".join(sorted(self.scopes)),
            )

    def headers(self) -> dict[str, str]:
        """Return the header that names the granted scopes, as Slack sends it."""
        if not self.has_manifest:
            return {}
        return {"x-oauth-scopes": ",".join(sorted(self.scopes))}

    def has_command(self, command: str) -> bool:
        """Tell whether the app has this slash command."""
        return not self.has_manifest or command in self.commands

    def is_subscribed(self, event: Json) -> bool:
        """Tell whether the app has subscribed to this event."""
        name = event["type"]
        if name == "message":
            name = MESSAGE_EVENTS.get(str(event.get("channel_type")), "")
        return not self.has_manifest or name in self.events

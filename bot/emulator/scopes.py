"""What the app may do: the scopes and events that its manifest asks for, and which method needs which of them."""

from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from bot.emulator.wire import ApiError, Json

# Any one of these is enough. A method that is not here needs none.
NEEDED: dict[str, tuple[str, ...]] = {
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    "chat.scheduleMessage": ("chat:write",),
    "chat.deleteScheduledMessage": ("chat:write",),
    "chat.startStream": ("chat:write",),
    "chat.appendStream": ("chat:write",),
    "chat.stopStream": ("chat:write",),
    "conversations.history": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.replies": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.info": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.list": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.members": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.open": ("im:write", "mpim:write"),
    "conversations.join": ("channels:join",),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "users.conversations": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "users.lookupByEmail": ("users:read.email",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "team.info": ("team:read",),
    "bots.info": ("users:read",),
    "emoji.list": ("emoji:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "reactions.get": ("reactions:read",),
    "pins.add": ("pins:write",),
    "pins.remove": ("pins:write",),
    "pins.list": ("pins:read",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",),
    "assistant.threads.setStatus": ("chat:write", "assistant:write"),
    "assistant.threads.setTitle": ("assistant:write",),
    "assistant.threads.setSuggestedPrompts": ("assistant:write",),
    "agents.sessions.setStatus": ("assistant:write",),
    "agents.sessions.rename": ("assistant:write",),
}
EVENTS = {"im": "message.im", "group": "message.groups", "channel": "message.channels"}


@dataclass
class Permissions:
    """Without a manifest everything is allowed: an empty workspace has nothing to protect."""

    scopes: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    shortcuts: list[Json] = field(default_factory=list)
    is_known: bool = False

    def read(self, path: Path) -> None:
        """Take what the manifest asks for as granted."""
        self.take(YAML(typ="safe").load(path.read_text()))

    def take(self, manifest: Json) -> None:
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        self.scopes = set(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", []))
        self.events = set(settings.get("event_subscriptions", {}).get("bot_events", []))
        self.commands = {command["command"] for command in features.get("slash_commands", [])}
        self.shortcuts = list(features.get("shortcuts", []))
        self.is_known = True

    def must_allow(self, method: str) -> None:
        """Raises ``missing_scope``, as Slack does, with what is needed and what there is."""
        needed = NEEDED.get(method)
        if self.is_known and needed and not self.scopes & set(needed):
            raise ApiError(
                "missing_scope", needed=needed[0], provided=",".join(sorted(self.scopes))
            )

    def hears(self, event: Json) -> bool:
        """Whether the app has subscribed to this event."""
        name = (
            EVENTS.get(str(event.get("channel_type")), "")
            if event["type"] == "message"
            else event["type"]
        )
        return not self.is_known or name in self.events

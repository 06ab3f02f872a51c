"""The permissions that the app asks for, as in manifest.yml."""

BOT_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:read",
    "groups:read",
    "commands",
    "channels:history",
    "groups:history",
    "reactions:read",
    "im:history",
    "chat:write",
    "im:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
#: Scopes that releases before this one did not ask for; what needs them is left undone without.
LATER_SCOPES = frozenset({"users:read.email"})

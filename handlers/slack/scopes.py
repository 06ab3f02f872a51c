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
)

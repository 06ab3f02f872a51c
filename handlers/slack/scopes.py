"""The permissions that the app asks a workspace for, as manifest.yml explains each."""

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

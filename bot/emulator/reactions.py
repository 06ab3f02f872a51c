"""Reactions to a message, by people and by the app."""

from bot.emulator.wire import Json


def reaction_of(message: Json, name: str) -> Json:
    """Return the message's reaction of this name, added if need be."""
    reactions: list[Json] = message.setdefault("reactions", [])
    for reaction in reactions:
        if reaction["name"] == name:
            return reaction
    reaction = {
        "name": name,
        "users": [],
        "count": 0,
    }
    reactions.append(reaction)
    return reaction


def set_reacting_users(reaction: Json, users: list[str]) -> None:
    """Set who has reacted, and the count with it."""
    reaction["users"] = users
    reaction["count"] = len(users)

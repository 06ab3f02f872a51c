"""The keys under which calls are recorded among the live lists."""

from datetime import UTC, datetime

#: A direct message about one case.
DIRECT_PREFIX = "call:"
#: A mention in a channel.
MENTION_PREFIX = "called:"
#: A direct message about several cases.
SLOT_PREFIX = "slot:"
#: A direct message that counts towards a person's budget, or was held back for a slot.
BUDGET_PREFIX = "budget:"


def mention_prefix(channel: str, kind: str) -> str:
    """Return the beginning of the keys of mentions about one kind."""
    return f"{MENTION_PREFIX}{channel}:{kind}:"


def budget_prefix(person: str) -> str:
    """Return the beginning of the keys of one person's direct messages."""
    return f"{BUDGET_PREFIX}{person}:"


def slot_key(person: str, at: datetime) -> str:
    """Return the key of the message of a slot."""
    return f"{SLOT_PREFIX}{person}:{int(at.timestamp())}"


def slot_person(key: str) -> str:
    """Return the account that the message of a slot is for."""
    return key.split(":")[-2]


def slot_time(key: str) -> datetime:
    """Return the time of a slot."""
    return datetime.fromtimestamp(int(key.rpartition(":")[2]), UTC)

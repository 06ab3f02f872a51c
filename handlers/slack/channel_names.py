"""Find the ids of channels by name, once."""

from collections.abc import Collection
from typing import Any

from slack_sdk import WebClient

from bot.ports.pinned_names import PinKind, PinnedNames
from handlers.slack.api import response_data, slack_errors

PAGE_SIZE = 999
MAX_PAGES = 50


def find_channel_ids(client: WebClient, names: Collection[str]) -> dict[str, str]:
    """Return the ids of the channels the app sees, by name.

    Raises:
        ChatFailed: Slack does not tell.
    """
    ids: dict[str, str] = {}
    cursor = ""
    for _ in range(MAX_PAGES):
        arguments: dict[str, Any] = {
            "types": "public_channel,private_channel",
            "exclude_archived": "true",
            "limit": PAGE_SIZE,
            "cursor": cursor,
        }
        with slack_errors():
            page = response_data(client.api_call("conversations.list", params=arguments))
        for channel in page["channels"]:
            if channel["name"] in names:
                ids.setdefault(channel["name"], channel["id"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor or len(ids) == len(names):
            break
    return ids


def pin_channels(client: WebClient, names: Collection[str], pins: PinnedNames) -> dict[str, str]:
    """Return the id that each channel had when it was looked up.

    A channel that is renamed stays the same, and another one under its old name gains nothing. A
    name that left the files is forgotten. Slack is asked only for names that have no id yet.

    Raises:
        ChatFailed: Slack does not tell.
    """
    ids = pins.load(PinKind.CHANNEL)
    if ids.keys() - set(names):
        pins.keep_only(PinKind.CHANNEL, names)
    missing = [name for name in names if name not in ids]
    if missing:
        for name, channel in find_channel_ids(client, missing).items():
            ids[name] = pins.pin(PinKind.CHANNEL, name, channel)
    return {name: ids[name] for name in names if name in ids}


def describe_missing_channel(name: str) -> str:
    """Say what to do about a channel that is not found."""
    return (
        f"create #{name}, or invite the app (`/invite @Countersign`) if it is private: there is no"
        " channel of that name that the app can see"
    )

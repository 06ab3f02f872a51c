"""Channels by name: looked up once, and the same channel from then on."""

import pytest

from bot.cases.errors import ChatFailed
from bot.ports.pinned_names import PinKind, PinsInMemory
from handlers.slack.channel_names import PAGE_SIZE, find_channel_ids, pin_channels


def seed_channel(emulator, channel, name, **fields):
    emulator.post("seed", {"channels": [{"id": channel, "name": name, "members": [], **fields}]})


def test_a_channel_stays_the_same_however_it_is_renamed(client, emulator):
    pins = PinsInMemory()
    assert pin_channels(client, ["stock", "nowhere"], pins) == {"stock": "C0STOCK"}
    seed_channel(emulator, "C0STOCK", "stock-uk")
    seed_channel(emulator, "C0OTHER", "stock")
    # A new channel under the old name gains nothing.
    assert pin_channels(client, ["stock"], pins) == {"stock": "C0STOCK"}
    # Once the files name another channel, the old name is looked up anew.
    assert pin_channels(client, ["sales"], pins) == {"sales": "C0SALES"}
    assert pins.load(PinKind.CHANNEL) == {"sales": "C0SALES"}
    assert pin_channels(client, ["stock", "sales"], pins) == {
        "stock": "C0OTHER",
        "sales": "C0SALES",
    }


def test_private_channels_are_found_on_any_page_and_archived_ones_are_not(client, emulator):
    channels = [
        {"id": f"C1{number:05}", "name": f"channel-{number}", "members": []}
        for number in range(PAGE_SIZE + 10)
    ]
    emulator.post("seed", {"channels": channels})
    seed_channel(emulator, "C9LEADS", "leads", is_private=True)
    seed_channel(emulator, "C9OLD", "old")
    emulator.post("channel", {"id": "C9OLD", "is_archived": True})
    assert find_channel_ids(client, {"leads", "old", "channel-7"}) == {
        "leads": "C9LEADS",
        "channel-7": "C100007",
    }


def test_slack_is_asked_only_for_what_is_not_pinned(client, emulator):
    emulator.post("faults", {"refuse": {"conversations.list": "missing_scope"}})
    pins = PinsInMemory()
    pins.pin(PinKind.CHANNEL, "stock", "C0STOCK")
    assert pin_channels(client, ["stock"], pins) == {"stock": "C0STOCK"}
    with pytest.raises(ChatFailed):
        pin_channels(client, ["stock", "sales"], pins)

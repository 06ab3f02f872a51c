"""What a start does with channels that files name by name."""

import pytest

from bot.cases.errors import SettingsIncomplete
from bot.preflight import require_channel_ids
from bot.wiring import with_channel_ids
from handlers.slack.web_client import web_client
from knowledge.library import load
from tests.conftest import free_port


@pytest.fixture
def named():
    """The sample library, with its stock channel by name."""
    return load().with_channel_ids({"C0STOCK": "stock"})


def test_a_start_finds_the_channels_and_needs_no_slack_for_them_later(named, emulator, small_world):
    client = web_client("xoxb-emulator", f"{emulator.url}/api/")
    store = small_world.store
    with pytest.raises(SettingsIncomplete, match="start the bot once, .* the id of #stock"):
        require_channel_ids(named)
    library = with_channel_ids(named, client, store)
    require_channel_ids(library)
    assert library.playbook("low_stock").channel == "C0STOCK"
    nowhere = web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/")
    assert with_channel_ids(named, nowhere, store).channels() == load().channels()


def test_a_start_without_a_channel_says_what_to_do(named, emulator, small_world):
    client = web_client("xoxb-emulator", f"{emulator.url}/api/")
    missing = named.with_channel_ids({"stock": "stockroom"})
    with pytest.raises(SettingsIncomplete, match="create #stockroom, or invite the app"):
        with_channel_ids(missing, client, small_world.store)
    nowhere = web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/")
    with pytest.raises(SettingsIncomplete, match="start again when Slack tells the ids of #stock"):
        with_channel_ids(named, nowhere, small_world.store)

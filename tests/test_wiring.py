"""What keeps the bot from starting: settings that contradict each other are told as a to-do list, naming both."""

import shutil

import pytest

from bot import settings as configuration
from bot import wiring
from bot.cases.errors import SettingsIncomplete
from bot.desk.null_chat import NullChat
from knowledge.library import PACKAGED

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-none",
    "SLACK_APP_TOKEN": "xapp-none",
    "HARBOUR_VINE_URL": "sqlite:///house.db",
}
BANK = """
  bank:
    connector: http
    base_url: https://bank.example
    hosts: [bank.example]
    timeout: {timeout}
"""


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    shutil.copytree(
        PACKAGED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "minilm")
    )
    return folder


def settings(tmp_path, library, **more):
    places = {
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        "COUNTERSIGN_LIBRARY_DIR": str(library),
    }
    return configuration.load({**SECRETS, **places, **more})


def built(settings):
    return wiring.build_systems(settings, wiring.open_library(settings).systems, NullChat())


def add(library, text):
    with (library / "systems.yml").open("a") as file:
        file.write(text)


@pytest.mark.threat("A3")
@pytest.mark.parametrize("timeout", ["2s", "2000ms", "5m"])
def test_a_system_that_may_take_longer_than_a_lease_keeps_the_bot_from_starting(
    tmp_path, library, timeout
):
    add(library, BANK.replace("{timeout}", timeout))
    contradicting = settings(tmp_path, library, COUNTERSIGN_LEASE_FOR="2")
    seconds = {"2s": "2", "2000ms": "2", "5m": "300"}[timeout]
    sentence = (
        f"one call to bank .* timeout in systems.yml is {seconds} s, COUNTERSIGN_LEASE_FOR is 2 s"
    )
    with pytest.raises(SettingsIncomplete, match=sentence):
        built(contradicting)
    assert any("one call to bank" in problem for problem in wiring.check(contradicting))


@pytest.mark.threat("A3")
def test_the_sample_starts_with_the_default_lease_and_with_a_short_one(tmp_path):
    for lease in ({}, {"COUNTERSIGN_LEASE_FOR": "2"}):
        assert set(built(settings(tmp_path, PACKAGED, **lease))) == {"house", "slack"}


@pytest.mark.threat("C2")
def test_a_system_that_names_a_role_for_reading_needs_its_url(tmp_path, library):
    systems = library / "systems.yml"
    text = systems.read_text()
    systems.write_text(
        text.replace(
            "url_env: HARBOUR_VINE_URL",
            "url_env: HARBOUR_VINE_URL\n    read_url_env: HARBOUR_VINE_READ_URL",
        )
    )
    with pytest.raises(
        SettingsIncomplete, match="set HARBOUR_VINE_READ_URL: systems.yml needs it for house"
    ):
        built(settings(tmp_path, library))
    assert built(settings(tmp_path, library, HARBOUR_VINE_READ_URL="sqlite:///house.db"))

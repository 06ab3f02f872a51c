"""``countersign workspaces``: the workspaces as an operator lists them, and a key for their tokens."""

import json

import pytest
from cryptography.fernet import Fernet
from slack_sdk.oauth.installation_store import Installation

from bot.cases.errors import SettingsIncomplete
from bot.cli.app import COUNTERSIGN
from bot.deployment import open_installations
from bot.settings import load_deployment


@pytest.fixture
def deployment(tmp_path, monkeypatch):
    """Two workspaces: one is installed and has a library, the other was there before."""
    variables = {
        "COUNTERSIGN_SLACK_CLIENT_ID": "client",
        "COUNTERSIGN_SLACK_CLIENT_SECRET": "secret",
        "COUNTERSIGN_INSTALLATION_KEY": Fernet.generate_key().decode(),
        "COUNTERSIGN_PUBLIC_URL": "https://bots.example.com",
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        "COUNTERSIGN_LIBRARY_DIR": str(tmp_path / "libraries"),
        "SLACK_SIGNING_SECRET": "signing",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    installations = open_installations(load_deployment())
    installations.prepare()
    installed = Installation(
        app_id="A1",
        team_id="T0ONE",
        team_name="One & Co",
        user_id="U1",
        bot_token="xoxb-1",
        bot_id="B",
        bot_user_id="U0B",
    )
    installations.save(installed)
    installations.engine.dispose()
    (tmp_path / "libraries/T0ONE").mkdir(parents=True)
    (tmp_path / "data/workspaces/T0GONE").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def run(capsys):
    def run(*arguments) -> str:
        COUNTERSIGN(["workspaces", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_each_workspace_is_listed_with_what_it_lacks(deployment, run):
    gone, one = json.loads(run("list", "--json"))
    assert one == {
        "workspace": "T0ONE",
        "name": "One & Co",
        "installed": "yes",
        "library": str(deployment / "libraries/T0ONE"),
        "address": "https://t0one.bots.example.com",
    }
    assert (gone["workspace"], gone["installed"]) == ("T0GONE", "no")
    assert gone["library"].startswith("missing: ")
    assert "xoxb" not in run("list")


def test_a_key_is_one_that_encrypts(run):
    Fernet(run("key").strip())


def test_without_settings_a_to_do_list_is_printed(run):
    with pytest.raises(SettingsIncomplete, match="set COUNTERSIGN_INSTALLATION_KEY"):
        run("list")

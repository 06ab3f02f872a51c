"""Settings: read from variables, complete or refused as one to-do list, and silent about secrets."""

import pytest
from pydantic import ValidationError

from bot.cases.errors import SettingsIncomplete
from bot.settings import NAMES, Mode, Settings, load, load_offline

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-none", "SLACK_APP_TOKEN": "xapp-none"}
SECRET = "hidden-from-everybody"
SECRET_NAMES = (
    "COUNTERSIGN_API_TOKEN",
    "COUNTERSIGN_API_TOKEN_OLD",
    "SLACK_SIGNING_SECRET",
    "SLACK_SIGNING_SECRET_OLD",
    "SLACK_APP_TOKEN",
    "HARBOUR_VINE_URL",
    "HARBOUR_CARRIER_URL",
    "HARBOUR_WAREHOUSE_URL",
)


def test_everything_that_is_missing_or_wrong_is_listed_at_once():
    wrong = {
        "COUNTERSIGN_PORT": "http",
        "COUNTERSIGN_MODE": "dead",
        "COUNTERSIGN_CHECKPOINTS": "sometimes",
        "COUNTERSIGN_LEASE_FOR": "0.5",
        "COUNTERSIGN_PUBLIC_URL": "http://desk.example",
        "SLACK_CLIENT_ID": "1",
    }
    with pytest.raises(SettingsIncomplete) as refused:
        load(wrong)
    assert str(refused.value).splitlines() == [
        "To do before Countersign can start:",
        "  • set SLACK_BOT_TOKEN to the bot token of your Slack app (xoxb-…); "
        "to try Countersign without a token, run `countersign demo`",
        "  • set SLACK_APP_TOKEN (xapp-…, Socket Mode) or SLACK_SIGNING_SECRET (HTTP)",
        "  • unset SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: "
        "with them the SDK ignores SLACK_BOT_TOKEN",
        "  • COUNTERSIGN_MODE must be one of shadow, dry-run, live, not 'dead'",
        "  • COUNTERSIGN_PORT must be a number of at least 0, not 'http'",
        "  • COUNTERSIGN_PUBLIC_URL must begin with https:// (browsers allow passkeys only there), "
        "not 'http://desk.example'",
        "  • COUNTERSIGN_CHECKPOINTS must be one of on, elsewhere, not 'sometimes'",
        "  • COUNTERSIGN_LEASE_FOR must be a number of at least 1, not '0.5'",
    ]


def test_no_secret_is_printed():
    secrets = {**dict.fromkeys(SECRET_NAMES, SECRET), "SLACK_BOT_TOKEN": f"xoxb-{SECRET}"}
    database = f"postgresql+psycopg://app:{SECRET}@db/countersign"
    settings = load({**secrets, "COUNTERSIGN_DATABASE_URL": database})
    assert (settings.secret("HARBOUR_VINE_URL"), settings.database_url) == (SECRET, database)
    assert settings.api_tokens == (SECRET, SECRET)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_an_error_of_a_secret_says_nothing_of_its_value():
    with pytest.raises(SettingsIncomplete) as refused:
        load({"SLACK_BOT_TOKEN": SECRET, "COUNTERSIGN_PORT": "x", "COUNTERSIGN_API_TOKEN": SECRET})
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__


def test_settings_do_not_change():
    settings = load(TOKENS)
    with pytest.raises(ValidationError):
        settings.port = 9
    with pytest.raises(TypeError):
        settings.environment["PORT"] = "9"


def test_an_empty_variable_counts_as_not_set():
    empty = dict.fromkeys(set(NAMES) - set(TOKENS), "")
    assert load({**TOKENS, **empty}).model_dump() == load(TOKENS).model_dump()


def test_defaults_follow_the_data_folder_and_the_port(tmp_path):
    settings = load(
        {**TOKENS, "COUNTERSIGN_DATA_DIR": str(tmp_path), "COUNTERSIGN_PORT": "9", "PATH": "/bin"}
    )
    assert settings.database_url == f"sqlite:///{tmp_path / 'countersign.db'}"
    assert settings.checkpoints_dir == tmp_path / "checkpoints"
    assert settings.public_url == "http://localhost:9"
    assert settings.mode is Mode.DRY_RUN
    assert settings.secret("PATH") == "/bin"


def test_a_command_that_calls_no_slack_needs_no_token():
    assert isinstance(load_offline(), Settings)


def test_networks_of_callbacks_are_read_and_a_wrong_one_is_named():
    networks = load({**TOKENS, "COUNTERSIGN_CALLBACK_NETWORKS": "10.1.0.0/16, fd00::/8,"})
    assert [str(network) for network in networks.callback_networks] == ["10.1.0.0/16", "fd00::/8"]
    assert load(TOKENS).callback_networks == ()
    for wrong in ("10.1.0.1/16", "localhost", "10.0.0.0/99"):
        with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_CALLBACK_NETWORKS must be net"):
            load({**TOKENS, "COUNTERSIGN_CALLBACK_NETWORKS": wrong})

"""Settings: read from variables, complete or refused as one to-do list, and silent about secrets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from bot import settings
from bot.cases.errors import SettingsIncomplete
from bot.cli.app import COUNTERSIGN
from bot.settings import NAMES, Mode, Settings, load, load_deployment, load_offline

ROOT = Path(__file__).parent.parent
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


def test_a_token_that_is_no_bot_token_is_not_called_missing():
    with pytest.raises(SettingsIncomplete) as refused:
        load({"SLACK_BOT_TOKEN": f"xoxp-{SECRET}", "SLACK_APP_TOKEN": "xapp-1"})
    assert str(refused.value).splitlines()[1:] == [
        "  • set SLACK_BOT_TOKEN to the “Bot User OAuth Token” (xoxb-…), and not to another one:"
        " at api.slack.com/apps, choose the app and open “OAuth & Permissions”"
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


def test_proxies_are_trusted_by_address_and_never_all_of_them():
    assert load(TOKENS).trusted_proxies == ()
    settings = load({**TOKENS, "COUNTERSIGN_TRUSTED_PROXIES": "10.1.0.0/16, 192.0.2.7,::1"})
    assert list(map(str, settings.trusted_proxies)) == ["10.1.0.0/16", "192.0.2.7/32", "::1/128"]
    for text in ("proxy.example", "10.1.0.7/16", "0.0.0.0/0", "10.1.0.0/16 10.2.0.0/16", "*"):
        with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_TRUSTED_PROXIES must"):
            load({**TOKENS, "COUNTERSIGN_TRUSTED_PROXIES": text})


def test_networks_of_callbacks_are_read_and_a_wrong_one_is_named():
    networks = load({**TOKENS, "COUNTERSIGN_CALLBACK_NETWORKS": "10.1.0.0/16, fd00::/8,"})
    assert [str(network) for network in networks.callback_networks] == ["10.1.0.0/16", "fd00::/8"]
    assert load(TOKENS).callback_networks == ()
    for wrong in ("10.1.0.1/16", "localhost", "10.0.0.0/99"):
        with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_CALLBACK_NETWORKS must be net"):
            load({**TOKENS, "COUNTERSIGN_CALLBACK_NETWORKS": wrong})


def test_a_name_that_nobody_reads_is_an_error_with_the_nearest_name():
    with pytest.raises(SettingsIncomplete) as refused:
        load({**TOKENS, "COUNTERSIGN_MODUS": "live", "COUNTERSIGN_QQQ": "1"})
    assert str(refused.value).splitlines()[1:] == [
        "  • COUNTERSIGN_MODUS is no setting, and no YAML file of the library names it; "
        "did you mean COUNTERSIGN_MODE?",
        "  • COUNTERSIGN_QQQ is no setting, and no YAML file of the library names it; "
        "correct or unset it",
    ]


def test_a_name_that_a_yaml_file_names_is_no_error_even_if_the_file_has_a_mistake(tmp_path):
    (tmp_path / "sources.yml").write_text("sources: {till: {token_env: [COUNTERSIGN_TILL_TOKEN]}")
    library = {"COUNTERSIGN_LIBRARY_DIR": str(tmp_path)}
    assert load({**TOKENS, **library, "COUNTERSIGN_TILL_TOKEN": "1"}).secret(
        "COUNTERSIGN_TILL_TOKEN"
    )
    secret = tmp_path / "till"
    secret.write_text("2")
    settings = load({**TOKENS, **library, "COUNTERSIGN_TILL_TOKEN_FILE": str(secret)})
    assert settings.secret("COUNTERSIGN_TILL_TOKEN") == "2"
    with pytest.raises(SettingsIncomplete, match="did you mean COUNTERSIGN_TILL_TOKEN"):
        load({**TOKENS, **library, "COUNTERSIGN_TIL_TOKEN": "1"})
    # Without the library nobody names it.
    with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_TILL_TOKEN is no setting"):
        load({**TOKENS, "COUNTERSIGN_TILL_TOKEN": "1"})


def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_error():
    links = {
        "COUNTERSIGN_SERVICE_HOST": "10.0.0.1",
        "COUNTERSIGN_SERVICE_PORT_HTTP": "8080",
        "COUNTERSIGN_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "COUNTERSIGN_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert load({**TOKENS, **links}).mode is Mode.DRY_RUN


@pytest.mark.parametrize("name", [*settings.SECRET_NAMES, "HARBOUR_VINE_URL"])
def test_every_secret_may_be_in_a_file_without_the_new_line_at_its_end(name, tmp_path):
    file = tmp_path / "secret"
    file.write_text("xoxb-https://value \n")
    variables = {key: text for key, text in TOKENS.items() if key != name}
    loaded = load({**variables, f"{name}_FILE": str(file)})
    fields = {one.validation_alias: key for key, one in Settings.model_fields.items()}
    secret = getattr(loaded, fields[name]) if name in fields else loaded.secret(name)
    assert secret == "xoxb-https://value "
    assert secret not in repr(loaded)


def test_a_secret_whose_file_is_not_there_is_said_by_name_and_path(tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsIncomplete) as refused:
        load(
            {
                "SLACK_BOT_TOKEN_FILE": str(tmp_path / "no"),
                "SLACK_APP_TOKEN_FILE": str(tmp_path / "empty"),
                "SLACK_SIGNING_SECRET_FILE": str(tmp_path / "bytes"),
                "COUNTERSIGN_API_TOKEN_FILE": str(tmp_path / "empty"),
                "COUNTERSIGN_API_TOKEN": SECRET,
            }
        )
    text = str(refused.value)
    assert f"SLACK_BOT_TOKEN_FILE: cannot read {tmp_path / 'no'}: No such file" in text
    assert f"SLACK_APP_TOKEN_FILE: {tmp_path / 'empty'} is empty" in text
    assert f"SLACK_SIGNING_SECRET_FILE: {tmp_path / 'bytes'} is no text" in text
    assert "set either COUNTERSIGN_API_TOKEN or COUNTERSIGN_API_TOKEN_FILE, not both" in text
    # Of what is set with a mistake nobody is told to set it.
    assert "xoxb-…" not in text
    assert SECRET not in text


def test_a_secret_of_a_yaml_file_is_read_once_and_refused_when_it_is_set_twice(tmp_path):
    file = tmp_path / "url"
    file.write_text("sqlite://\n")
    settings = load({**TOKENS, "HARBOUR_VINE_URL_FILE": str(file)})
    assert settings.secret("HARBOUR_VINE_URL") == "sqlite://"
    file.unlink()
    assert settings.secret("HARBOUR_VINE_URL") == "sqlite://"
    assert settings.secret("HARBOUR_CARRIER_URL") == ""
    with pytest.raises(SettingsIncomplete, match="HARBOUR_VINE_URL_FILE: cannot read"):
        load({**TOKENS, "HARBOUR_VINE_URL_FILE": str(file)}).secret("HARBOUR_VINE_URL")
    both = {"HARBOUR_VINE_URL_FILE": str(file), "HARBOUR_VINE_URL": "sqlite://"}
    with pytest.raises(SettingsIncomplete, match="set either HARBOUR_VINE_URL or"):
        load({**TOKENS, **both}).secret("HARBOUR_VINE_URL")


def test_a_deployment_takes_its_secrets_from_files_too(tmp_path):
    names = settings.DEPLOYMENT_VARIABLES
    variables = dict.fromkeys(names, "https://x.example")
    del variables["SLACK_SIGNING_SECRET"]
    file = tmp_path / "secret"
    file.write_text("signing\n")
    files = {"SLACK_SIGNING_SECRET_FILE": str(file), "SLACK_BOT_TOKEN_FILE": str(file)}
    assert load_deployment({**variables, **files}).slack_signing_secret == "signing"


ENV_FILE = """
# A comment.
SLACK_BOT_TOKEN=xoxb-of-file
export SLACK_APP_TOKEN="xapp-of-file" # and another
COUNTERSIGN_MODE=live
COUNTERSIGN_ORIGIN='one ${HOME} #2'
COUNTERSIGN_API_TOKEN=of-file
COUNTERSIGN_PORT=
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # What `add_env_file` adds goes with the test.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return tmp_path


def test_the_env_file_of_the_folder_adds_to_the_environment_which_wins(folder):
    (folder / ".env").write_text(ENV_FILE)
    (folder / "token").write_text("of-process\n")
    os.environ["COUNTERSIGN_MODE"] = "shadow"
    os.environ["COUNTERSIGN_API_TOKEN_FILE"] = "token"
    settings.add_env_file()
    loaded = load()
    assert loaded.slack_bot_token == "xoxb-of-file"
    assert loaded.slack_app_token == "xapp-of-file"
    assert loaded.mode is Mode.SHADOW
    assert loaded.origin == "one ${HOME} #2"
    assert loaded.port == 8080
    assert loaded.api_tokens == ("of-process",)
    assert loaded.env_file == settings.NO_ENV_FILE


def test_settings_alone_read_no_env_file(folder):
    (folder / ".env").write_text("COUNTERSIGN_MODE=live\n")
    assert load_offline().mode is Mode.DRY_RUN
    assert load(TOKENS).mode is Mode.DRY_RUN


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A=1\nCOUNTERSIGN_MODE\n", r"\.env:2: COUNTERSIGN_MODE has no value; write COUNTERSIGN_M"),
        ("A=1\n\nSLACK_BOT_TOKEN: xoxb\n", r"\.env:3: cannot be read; write NAME=value"),
    ],
)
def test_a_wrong_line_of_the_env_file_is_said_with_its_number(folder, text, sentence):
    (folder / ".env").write_text(text)
    with pytest.raises(SettingsIncomplete, match=sentence):
        settings.add_env_file()


def test_the_env_file_may_have_another_name_which_must_then_be_there(folder):
    (folder / ".env").write_text("COUNTERSIGN_MODE=live\n")
    os.environ["COUNTERSIGN_ENV_FILE"] = "none"
    settings.add_env_file()
    assert load_offline().mode is Mode.DRY_RUN
    os.environ["COUNTERSIGN_ENV_FILE"] = "production.env"
    with pytest.raises(SettingsIncomplete, match=r"production\.env: No such file"):
        settings.add_env_file()
    (folder / "production.env").write_text("COUNTERSIGN_MODE=shadow\n")
    settings.add_env_file()
    assert load_offline().mode is Mode.SHADOW


def test_commands_read_the_env_file_and_what_they_start_does_not(folder):
    (folder / ".env").write_text("COUNTERSIGN_MODE=dead\n")
    command = [sys.executable, "-m", "bot", "check"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode
    assert "COUNTERSIGN_MODE must be one of shadow, dry-run, live, not 'dead'" in run.stderr
    # Help needs no settings, and so no file.
    (folder / ".env").write_text("COUNTERSIGN_MODE\n")
    run = subprocess.run(
        [*command[:3], "--help"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0


def test_a_command_that_a_test_calls_reads_no_env_file(folder):
    (folder / ".env").write_text("COUNTERSIGN_MODE\n")
    result = CliRunner().invoke(COUNTERSIGN, ["sources", "list"])
    assert result.exit_code == 0, result.output

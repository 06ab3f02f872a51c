"""What ``doctor`` and ``check --slack`` say of Slack, as commands: what is wrong, and what to click."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.cli.app import COUNTERSIGN
from tests.cli import test_check as shop
from tests.conftest import free_port
from tests.waiting import wait_until

MANIFEST = YAML(typ="safe").load((Path(__file__).parents[2] / "manifest.yml").read_text())
COMMANDS = (["check", "--slack"], ["doctor"])
APP_PAGE = "At api.slack.com/apps, choose the app, "


def seed(slack):
    """Make the workspace that the library names."""
    people = ["U0ANA", "U0BEN"]
    slack.post(
        "seed",
        {
            "manifest": MANIFEST,
            "channels": [
                {"id": "C0ORDERS", "name": "orders", "members": people},
                {"id": "C0OTHER", "name": "other", "members": people},
            ],
            "groups": [
                {"id": "S0FLOOR", "handle": "floor-managers", "name": "Floor", "users": people},
                {"id": "S0FIN", "handle": "finance", "name": "Finance", "users": ["U0BEN"]},
            ],
        },
    )


@pytest.fixture
def environment(tmp_path, slack_emulator):
    """Return the settings of a company whose workspace is in order."""
    seed(slack_emulator)
    library = tmp_path / "library"
    (library / "playbooks").mkdir(parents=True)
    for name, text in shop.FILES.items():
        (library / name).write_text(text)
    database = tmp_path / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.executescript(shop.TABLES)
    connection.close()
    own = {
        "SLACK_BOT_TOKEN": slack_emulator.bot_token,
        "SLACK_APP_TOKEN": slack_emulator.app_token,
        "SLACK_API_URL": slack_emulator.api_url,
    }
    return {**shop.environment(tmp_path, library, database), **own}


@pytest.fixture
def ask(environment):
    """Run both commands; return the lines that they agree on, and the status."""

    def ask(**settings):
        answers = []
        for command in COMMANDS:
            done = CliRunner().invoke(COUNTERSIGN, command, env={**environment, **settings})
            assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
            answers.append((done.exit_code, causes_in(done.stdout)))
        # What one of them says of Slack, the other does too.
        assert answers[0] == answers[1]
        return answers[0]

    return ask


def causes_in(text):
    """Join each cause with what to do about it, which stands indented below."""
    causes = []
    for line in text.splitlines():
        if line.startswith("• "):
            causes.append(line)
        elif line.startswith(" ") and causes:
            causes[-1] += f" {line.strip()}"
    return causes


def bot(slack):
    return WebClient(slack.bot_token, base_url=slack.api_url)


def without_scopes(*names):
    scopes = [one for one in MANIFEST["oauth_config"]["scopes"]["bot"] if one not in names]
    return {"manifest": {"oauth_config": {"scopes": {"bot": scopes}}}}


def test_a_workspace_in_order_is_fine(ask):
    assert ask() == (0, [])


@pytest.mark.parametrize(
    ("settings", "says", "clicks"),
    [
        (
            {"SLACK_APP_TOKEN": "xoxb-1"},
            "SLACK_APP_TOKEN is a bot token, and not an app-level token (xapp-…).",
            "open “Basic Information”, press “Generate Token and Scopes” under “App-Level Tokens”,"
            " add connections:write, and set SLACK_APP_TOKEN to the new token (xapp-…).",
        ),
    ],
)
def test_a_token_of_another_kind_says_where_the_right_one_stands(ask, settings, says, clicks):
    assert ask(**settings) == (1, [f"• {says} {APP_PAGE}{clicks}"])


@pytest.mark.proof
def test_a_bot_token_of_another_kind_stops_both_commands_with_where_the_right_one_stands(
    environment,
):
    for command in COMMANDS:
        done = subprocess_of(command, {**environment, "SLACK_BOT_TOKEN": "xoxp-1"})
        assert done.returncode in {1, 2}
        assert (
            "set SLACK_BOT_TOKEN to the “Bot User OAuth Token” (xoxb-…), and not to another one: at"
            " api.slack.com/apps, choose the app and open “OAuth & Permissions”"
        ) in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def test_tokens_that_were_revoked_are_both_told(slack_emulator, ask):
    slack_emulator.post("token", {"revoked": True})
    status, (bot_line, app_line) = ask()
    assert status == 1
    assert "SLACK_BOT_TOKEN is not accepted: it was revoked. At api.slack.com" in bot_line
    assert "SLACK_APP_TOKEN opens no connection: it was revoked. At api.slack.com" in app_line


def test_a_channel_without_the_app_says_what_to_send_there(slack_emulator, ask):
    bot(slack_emulator).conversations_leave(channel="C0ORDERS")
    assert ask() == (
        1,
        [
            "• The app is not in the channel #orders, so it cannot post there."
            " In Slack, open #orders and send `/invite @Countersign`."
        ],
    )


def test_a_permission_that_is_missing_says_how_to_get_it(slack_emulator, ask):
    slack_emulator.post("seed", without_scopes("chat:write"))
    status, (line,) = ask()
    assert status == 1
    assert "The app was not given one permission: chat:write. At api.slack.com/apps" in line
    assert "press “Reinstall to Workspace” under “Install App”." in line


def test_a_group_that_is_missing_says_what_to_write_and_where(slack_emulator, ask):
    slack_emulator.post("group", {"id": "S0FLOOR", "users": []})
    assert ask() == (
        1,
        [
            "• policy.yml: Nobody can approve as floor-managers: the group floor-managers has no"
            " members; add some in Slack, or name its people under groups: in policy.yml."
        ],
    )


def test_a_free_workspace_says_so_once_for_all_groups(slack_emulator, ask):
    slack_emulator.post("seed", {"team": {"plan": "free"}})
    assert ask() == (
        1,
        [
            "• policy.yml: The plan of this workspace has no user groups, so nobody can approve as"
            " finance and floor-managers. Name the people in policy.yml, by Slack id or e-mail:"
            " `groups: {finance: [name@example.com]}`."
        ],
    )


def test_a_slack_that_is_away_is_one_sentence(ask):
    status, (line,) = ask(SLACK_API_URL=f"http://127.0.0.1:{free_port()}/api/")
    assert status == 1
    assert "Slack cannot be asked now: " in line
    assert line.endswith("Compare SLACK_API_URL and the way to the network, and run this again.")


def ask_for_groups_too_often(client):
    for _ in range(100):
        client.usergroups_list()


def test_slacks_rates_are_no_trouble_with_the_token_or_with_the_network(
    slack_emulator, environment, ask
):
    # A connection may be asked for once a minute, and two commands do.
    slack_emulator.post("faults", {"tiers": True})
    assert ask() == (0, [])
    wait_until(lambda: must_wait(slack_emulator, environment), "an answer within the same seconds")


def must_wait(slack, environment):
    """Use up the calls for groups; tell whether the check says to wait.

    On a busy machine Slack's time may be up before it asks.
    """
    with pytest.raises(SlackApiError, match="ratelimited"):
        ask_for_groups_too_often(bot(slack))
    done = CliRunner().invoke(COUNTERSIGN, ["check", "--slack"], env=environment)
    sentence = "Run this again in a minute; nothing is wrong with the way to Slack."
    return done.stdout.rstrip().endswith(sentence)


@pytest.mark.proof
def test_the_real_command_says_the_same_to_a_machine(slack_emulator, environment):
    bot(slack_emulator).conversations_leave(channel="C0OTHER")
    done = subprocess_of(["doctor", "--json"], environment)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["problems"] == [
        "The app is not in the channel #other, so it cannot post there."
        " In Slack, open #other and send `/invite @Countersign`."
    ]
    assert "Traceback" not in done.stderr


def subprocess_of(command, environment):
    return subprocess.run(
        [sys.executable, "-m", "bot", *command],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

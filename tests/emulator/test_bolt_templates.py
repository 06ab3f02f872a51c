"""Bolt's starter templates themselves, and Bolt for JavaScript.

The templates are other people's: they run where ``BOLT_TEMPLATES`` names a folder with clones of
slack-samples/bolt-python-starter-template, bolt-python-assistant-template and
bolt-js-starter-template. What needs packages from npm skips without them.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator import bolt_app
from tests.waiting import wait_until

HERE = Path(__file__).parent
ANA = "Ana"
INSTALL_SECONDS = 240
BOLT_FOR_JAVASCRIPT = "@slack/bolt@^5"
pytestmark = pytest.mark.proof


def template(name):
    """Return the folder of a template, or skip."""
    root = os.environ.get("BOLT_TEMPLATES")
    if not root:
        pytest.skip("BOLT_TEMPLATES names no folder of templates")
    folder = Path(root) / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return folder


def install_packages(folder, *packages):
    """Install packages from npm into a folder, or skip."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    command = [npm, "install", "--omit=dev", "--no-audit", "--no-fund", *packages]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        pytest.skip(f"npm has no packages here: {done.stderr.strip()[-200:]}")


@contextlib.contextmanager
def running(command, folder, slack):
    """Run an app until the block ends, once it is connected."""
    environment = {
        **os.environ,
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
    }
    log = folder / "app.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            slack.wait_for_app(60)
            yield
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{log.read_text()[-4000:]}") from failure
        finally:
            process.terminate()
            process.wait(60)


def texts(slack, place):
    return [message["text"] for message in slack.messages(place)]


def wait_for_text(slack, place, text):
    wait_until(lambda: any(text in one for one in texts(slack, place)), text, 60)


def play_starter(slack, names):
    """Use each listener of a starter template: message, command, shortcut, modal, home."""
    slack.act("message", ANA, channel="general", text="hello")
    wait_for_text(slack, "general", "hello, how are you?")
    slack.act("slash", ANA, channel="general", command=names["command"], text="x")
    wait_until(lambda: slack.window(ANA)["ephemerals"], "the command's answer", 60)
    slack.act("shortcut", ANA, callback_id=names["shortcut"])
    view = slack.wait_for(lambda: slack.modal(ANA), 60)
    title = view["title"]["text"]
    slack.act("click", ANA, view_id=view["id"], action_id=names["action"])
    slack.wait_for(lambda: slack.modal(ANA)["title"]["text"] != title, 60)
    words, place = names["blocks"]
    values = {words: "to travel", place: "C0GENERAL"}
    assert slack.act("submit", ANA, view_id=view["id"], values=values)["acked"]
    wait_for_text(slack, "general", "to travel")
    assert slack.modal(ANA) is None
    slack.act("home", ANA, tab="home")
    home = slack.wait_for(lambda: slack.window(ANA)["home"], 60)
    assert "elcome" in home["blocks"][0]["text"]["text"]
    refused = [row for row in slack.get("traffic")["recent"] if row.get("ok") is False]
    assert refused == []


STARTER = {
    "command": "/sample-command",
    "shortcut": "sample_shortcut_id",
    "action": "sample_action_id",
    "blocks": ("input_block_id", "select_channel_block_id"),
}
OWN = {
    "command": "/greet",
    "shortcut": "greet",
    "action": "rename",
    "blocks": ("words", "place"),
}


def seed_manifest(slack, folder):
    slack.post("seed", {"manifest": json.loads((folder / "manifest.json").read_text())})


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns(".git"))


def test_the_starter_template_for_python_runs(slack_emulator, tmp_path):
    folder = copy_of(template("bolt-python-starter-template"), tmp_path)
    seed_manifest(slack_emulator, folder)
    command = [sys.executable, str(HERE / "run_template.py"), str(folder)]
    with running(command, folder, slack_emulator):
        play_starter(slack_emulator, STARTER)


def test_the_assistant_template_for_python_runs(slack_emulator, tmp_path):
    folder = copy_of(template("bolt-python-assistant-template"), tmp_path)
    seed_manifest(slack_emulator, folder)
    command = [sys.executable, str(HERE / "run_template.py"), str(folder)]
    with running(command, folder, slack_emulator):
        slack_emulator.post("seed", {})
        context = {"channel_id": "C0GENERAL"}
        thread = slack_emulator.act("assistant", ANA, context=context)
        place = {"channel": thread["channel"], "thread_ts": thread["thread_ts"]}
        wait_for_text(slack_emulator, thread["channel"], "How can I help you?")
        prompts = slack_emulator.wait_for(lambda: slack_emulator.window(ANA)["prompts"], 60)
        assert len(prompts) == 4
        slack_emulator.act("message", ANA, text="why", **place)
        wait_for_text(slack_emulator, thread["channel"], "Echo: why")
        slack_emulator.act("message", ANA, channel="general", text="the bread is late")
        slack_emulator.act("message", ANA, text=prompts[3]["message"], **place)
        wait_for_text(slack_emulator, thread["channel"], "the bread is late")


def test_the_starter_template_for_javascript_runs(slack_emulator, tmp_path):
    folder = copy_of(template("bolt-js-starter-template"), tmp_path)
    if not (folder / "node_modules").is_dir():
        install_packages(folder)
    seed_manifest(slack_emulator, folder)
    with running([shutil.which("node"), "app.js"], folder, slack_emulator):
        play_starter(slack_emulator, STARTER)


def test_an_app_of_bolt_for_javascript_runs(slack_emulator, tmp_path):
    shutil.copy(HERE / "bolt_app.mjs", tmp_path)
    install_packages(tmp_path, BOLT_FOR_JAVASCRIPT)
    slack_emulator.post("seed", {"manifest": bolt_app.MANIFEST})
    with running([shutil.which("node"), "bolt_app.mjs"], tmp_path, slack_emulator):
        play_starter(slack_emulator, OWN)
        context = {"channel_id": "C0GENERAL"}
        thread = slack_emulator.act("assistant", ANA, context=context)
        wait_for_text(slack_emulator, thread["channel"], "How can I help?")
        place = {"channel": thread["channel"], "thread_ts": thread["thread_ts"]}
        wait_until(lambda: slack_emulator.window(ANA)["prompts"], "the prompts", 60)
        slack_emulator.act("message", ANA, text="hm", **place)
        wait_for_text(slack_emulator, thread["channel"], "You look at C0GENERAL and say hm")

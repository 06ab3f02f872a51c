"""Bolt's starter templates themselves, as they are.

They are other people's: they run where ``BOLT_TEMPLATES`` names a folder with clones of
slack-samples/bolt-python-starter-template, bolt-python-assistant-template and
bolt-js-starter-template. What needs packages from npm skips without them.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.emulator.bolt_processes import node, run_npm, running
from tests.waiting import wait_until

HERE = Path(__file__).parent
ANA = "Ana"
#: The names in the starter templates for Python and for JavaScript.
STARTER = {
    "command": "/sample-command",
    "shortcut": "sample_shortcut_id",
    "action": "sample_action_id",
    "blocks": ("input_block_id", "select_channel_block_id"),
}
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


def texts(slack, place):
    return [message["text"] for message in slack.messages(place)]


def wait_for_text(slack, place, text):
    wait_until(lambda: any(text in one for one in texts(slack, place)), text, 60)


def play_starter(slack):
    """Use each listener of a starter template: message, command, shortcut, modal, home."""
    slack.act("message", ANA, channel="general", text="hello")
    wait_for_text(slack, "general", "hello, how are you?")
    slack.act("slash", ANA, channel="general", command=STARTER["command"], text="x")
    wait_until(lambda: slack.window(ANA)["ephemerals"], "the command's answer", 60)
    slack.act("shortcut", ANA, callback_id=STARTER["shortcut"])
    view = slack.wait_for(lambda: slack.modal(ANA), 60)
    title = view["title"]["text"]
    slack.act("click", ANA, view_id=view["id"], action_id=STARTER["action"])
    slack.wait_for(lambda: slack.modal(ANA)["title"]["text"] != title, 60)
    words, place = STARTER["blocks"]
    values = {words: "to travel", place: "C0GENERAL"}
    assert slack.act("submit", ANA, view_id=view["id"], values=values)["acked"]
    wait_for_text(slack, "general", "to travel")
    assert slack.modal(ANA) is None
    slack.act("home", ANA, tab="home")
    home = slack.wait_for(lambda: slack.window(ANA)["home"], 60)
    assert "elcome" in home["blocks"][0]["text"]["text"]
    refused = [row for row in slack.get("traffic")["recent"] if row.get("ok") is False]
    assert refused == []


def seed_manifest(slack, folder):
    slack.post("seed", {"manifest": json.loads((folder / "manifest.json").read_text())})


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns(".git"))


def test_the_starter_template_for_python_runs(slack_emulator, tmp_path):
    folder = copy_of(template("bolt-python-starter-template"), tmp_path)
    seed_manifest(slack_emulator, folder)
    command = [sys.executable, str(HERE / "run_template.py"), str(folder)]
    with running(command, folder, slack_emulator, log=folder / "app.log"):
        play_starter(slack_emulator)


def test_the_assistant_template_for_python_runs(slack_emulator, tmp_path):
    folder = copy_of(template("bolt-python-assistant-template"), tmp_path)
    seed_manifest(slack_emulator, folder)
    command = [sys.executable, str(HERE / "run_template.py"), str(folder)]
    with running(command, folder, slack_emulator, log=folder / "app.log"):
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
        run_npm(folder, "install")
    seed_manifest(slack_emulator, folder)
    with running([node(), "app.js"], folder, slack_emulator, log=folder / "app.log"):
        play_starter(slack_emulator)

"""How an app is tried without Slack, as docs/howto.md tells it: its own commands and apps."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.emulator.control import routes
from bot.emulator.pytest_plugin import SlackEmulator
from bot.emulator.team import build_team
from tests.emulator.bolt_processes import bolt_js, node, running
from tests.servers import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
HOWTO = (ROOT / "docs/howto.md").read_text()
(SECTION,) = re.findall(r"^## Try your own Slack app.*?(?=^## )", HOWTO, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8765"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


@contextlib.contextmanager
def documented_workspace():
    """Run the command that the page names, on a free port."""
    port = free_port()
    program, *options = shlex.split(blocks("sh")[0].replace("8765", str(port)))
    assert program == "countersign"
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
    )
    try:
        settings = {}
        for line in process.stdout:
            name, is_setting, value = line.strip().partition("=")
            if is_setting and name.startswith("SLACK_"):
                settings[name] = value
            if line.startswith("Ctrl-C"):
                break
        slack = SlackEmulator(f"http://127.0.0.1:{port}")
        slack.wait_for(lambda: is_up(slack), 60)
        slack.post("faults", {"answer_within": 60})
        yield slack, settings
    finally:
        process.terminate()
        process.communicate(timeout=60)


def is_up(slack):
    with contextlib.suppress(OSError):
        return slack.get("traffic")
    return None


def must_greet(slack):
    """Do what the page lets a script do, and see the app's answer."""
    curl = shutil.which("curl") or pytest.skip("curl is not installed")
    said, read = (
        [curl, *shlex.split(line)[1:]]
        for line in blocks("sh")[1].replace(ADDRESS, slack.url).splitlines()
    )
    answer = json.loads(subprocess.run(said, capture_output=True, check=True).stdout)
    assert answer["acked"] is True

    def greeted():
        messages = json.loads(subprocess.run(read, capture_output=True, check=True).stdout)
        return messages[-1]["text"] == "Hello, <@U0ANADUARTE>!"

    wait_until(greeted, "the greeting")


@pytest.mark.proof
def test_the_documented_app_in_python_greets(tmp_path):
    (tmp_path / "app.py").write_text(blocks("python")[0])
    with documented_workspace() as (slack, settings):
        command = [sys.executable, "app.py"]
        with running(command, tmp_path, slack, log=tmp_path / "app.log", **settings):
            must_greet(slack)


@pytest.mark.proof
@pytest.mark.xdist_group("bolt_js")
def test_the_documented_app_in_javascript_greets(tmp_path):
    executable, folder = node(), bolt_js()
    (folder / "app.mjs").write_text(blocks("js")[0])
    with documented_workspace() as (slack, settings):
        log = tmp_path / "app.log"
        with running([executable, "app.mjs"], folder, slack, log=log, **settings):
            must_greet(slack)


def test_the_table_names_every_path_of_the_control_api():
    built = routes.build(build_team("127.0.0.1", None).envelopes)
    paths = {route.path.removeprefix("/_ctl/") for route in built if "/_ctl/" in route.path}
    rows = [line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `")]
    named = {name.partition("?")[0] for row in rows for name in re.findall(r"`([^`]+)`", row)}
    # The page asks for these alone: where the clock may go, its changes, and ids of channels.
    assert named == paths - {"clock/stops", "stream", "find"}

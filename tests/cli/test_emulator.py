"""``countersign emulator`` and the fixture for the tests of other apps."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.emulator.pytest_plugin import SlackEmulator
from tests.servers import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs/examples/people.yml"
GREETER = ROOT / "docs/examples/test_greeter.py"
COMMAND = [sys.executable, "-m", "bot", "emulator"]


def own_environment(**more):
    names = ("PATH", "HOME", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in names if name in os.environ} | more


@pytest.fixture
def workspace(request):
    """Run the command with these options and return its address."""
    port = free_port()
    command = [*COMMAND, "--port", str(port), *request.param]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=own_environment(), cwd=ROOT
    )
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_up(url) or process.poll() is not None, "the emulator")
    yield url, process
    process.terminate()
    process.wait(60)
    process.stdout.close()


def is_up(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def refused(*options):
    done = subprocess.run(
        [*COMMAND, *options],
        capture_output=True,
        text=True,
        env=own_environment(),
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    # The terminal of a test is narrow.
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("workspace", [["--seed", str(EXAMPLE)]], indirect=True)
def test_a_workspace_from_a_file_serves_its_people_and_groups(workspace):
    url, process = workspace
    client = WebClient("xoxb-emulator", base_url=f"{url}/api/")
    assert client.users_lookupByEmail(email="ben@northgate.example")["user"]["id"] == "U0BENOKAFOR"
    assert client.usergroups_list()["usergroups"][0]["handle"] == "floor-managers"
    assert client.team_info()["team"]["name"] == "Northgate Foods"
    process.terminate()
    words = process.stdout.read()
    assert f"SLACK_API_URL={url}/api/" in words
    assert "Ana Duarte, Ben Okafor, Gus Ferrer" in words


@pytest.mark.proof
@pytest.mark.parametrize(
    "workspace", [["--request-url", "http://127.0.0.1:9/slack/events"]], indirect=True
)
def test_an_app_behind_an_address_is_sent_requests_there(workspace):
    url, process = workspace
    act = {"as": "U0ANA", "channel": "C0FLOOR", "text": "hello"}
    # Nobody listens there: the request was made, and not answered.
    assert SlackEmulator(url).post("message", act)["acked"] is False
    process.terminate()
    words = process.stdout.read()
    assert "SLACK_SIGNING_SECRET=emulator" in words
    assert "SLACK_APP_TOKEN" not in words


def test_a_free_plan_has_no_user_groups(slack_emulator):
    slack_emulator.post("seed", {"team": {"plan": "free"}})
    client = WebClient("xoxb-emulator", base_url=slack_emulator.api_url)
    for call in (client.usergroups_list, lambda: client.usergroups_users_list(usergroup="S0")):
        with pytest.raises(SlackApiError, match="plan_upgrade_required"):
            call()


def test_wrong_files_and_a_taken_port_are_refused_in_a_sentence(tmp_path):
    seed = tmp_path / "people.yml"
    seed.write_text("peple: [Ana]")
    assert "peple is unknown; did you mean people?" in refused("--seed", str(seed))
    assert "No such file" in refused("--manifest", str(tmp_path / "none.yml"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in refused("--port", str(port))
    sentence = "--request-url must be the address of your app, such as http://127.0.0.1:3000"
    assert sentence in refused("--request-url", "127.0.0.1:3000")


def test_the_example_of_a_test_passes_in_an_environment_that_only_has_the_package(tmp_path):
    """The documented example, run as whoever copied it runs it."""
    (tmp_path / "test_greeter.py").write_text(GREETER.read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_suite_names_its_people_and_its_manifest(tmp_path):
    (tmp_path / "people.yml").write_text("people: [Zoe Young]\nchannels: [office]")
    manifest = {"features": {"bot_user": {"display_name": "Clerk"}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    ini = "[pytest]\nslack_seed = people.yml\nslack_manifest = manifest.json\n"
    (tmp_path / "pytest.ini").write_text(ini)
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_it(slack_emulator):\n"
        "    window = slack_emulator.window('Zoe Young')\n"
        "    assert window['bot']['name'] == 'Clerk'\n"
        "    assert slack_emulator.channel_id('#office') == 'C0OFFICE'\n"
        "    with pytest.raises(AssertionError, match='no Ana in this workspace'):\n"
        "        slack_emulator.act('home', 'Ana')\n"
        "    with pytest.raises(AssertionError, match='message_not_found'):\n"
        "        slack_emulator.act('react', 'zoe', channel='office', ts='1.2', name='x')\n"
    )
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def run_pytest(folder):
    # Other people's suites have other plugins: ours alone is wanted, by its entry point.
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=folder,
        env=own_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_plugin_is_found_by_pytest_and_loads_nothing_until_it_is_asked():
    (plugin,) = entry_points(group="pytest11", name="countersign")
    program = (
        "import sys, pytest; before = set(sys.modules)\n"
        f"import {plugin.value}\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=own_environment(),
        check=True,
    )
    own = {"bot", "http", "urllib", "email", "ssl", "_ssl", "json", "_json", "socket"}
    foreign = set(done.stdout.split()) - own - set(sys.stdlib_module_names)
    assert foreign == set()

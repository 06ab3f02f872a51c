"""Workspaces of an app that Slack reaches over HTTP."""

import contextlib
import html
import re
import socket

import httpx

from bot.emulator.oauth import Client
from bot.emulator.pytest_plugin import TWO_PEOPLE, SlackEmulator
from bot.emulator.request_url import AppAddress
from bot.emulator.server import DistributedApp, build
from bot.emulator.serving import serve_beside
from tests.conftest import PATIENT

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CLIENT = Client(id="1.2", secret="of the client")
SECOND = "T0SECOND"


@contextlib.contextmanager
def workspaces(port, manifest):
    """Serve two teams whose app listens on this port, and yield the first."""
    app = DistributedApp(
        address=AppAddress(f"http://127.0.0.1:{port}/slack/events", SECRET),
        client=CLIENT,
        teams=[(SECOND, "Second")],
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        application = build(host=host, manifest=manifest, app=app, content=TWO_PEOPLE)
        with serve_beside(application, listener):
            slack = SlackEmulator(f"http://{host}")
            slack.post("faults", PATIENT)
            yield slack


def second_of(first):
    """Return the other team of the same server."""
    second = SlackEmulator(f"{first.url}/{SECOND}")
    second.post("faults", PATIENT)
    return second


def install(slack, port, team):
    """Install the app in a team as a person's browser does, and return the last page."""
    app = f"http://127.0.0.1:{port}"
    with httpx.Client(trust_env=False, timeout=60) as browser:
        page = browser.get(f"{app}/slack/install")
        # The browser keeps it although it is for https alone: the app is on this machine.
        cookie = page.headers["set-cookie"].partition(";")[0]
        (address,) = re.findall(r'href="([^"]*/oauth/v2/authorize[^"]*)"', page.text)
        address = html.unescape(address)
        assert address.startswith(slack.url)
        assert f'value="{team}"' in browser.get(address).text
        agreed = browser.get(f"{address}&team={team}")
        return browser.get(agreed.headers["location"], headers={"Cookie": cookie})

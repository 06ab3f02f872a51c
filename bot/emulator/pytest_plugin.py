"""A pytest fixture for any Slack app: a workspace on localhost.

Pytest loads this module in every suite of an environment that has the package, so it imports
nothing but pytest until a test asks for the fixture.
"""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUEST_TIMEOUT_SECONDS = 30.0
WAIT_SECONDS = 10.0
POLL_SECONDS = 0.02
#: Who is there where the suite names no file of people.
TWO_PEOPLE: dict[str, Any] = {
    "users": [
        {"id": "U0ANA", "name": "ana", "real_name": "Ana"},
        {"id": "U0BEN", "name": "ben", "real_name": "Ben"},
    ],
    "channels": [{"id": "C0GENERAL", "name": "general", "members": ["U0ANA", "U0BEN"]}],
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the files that the workspace is filled from."""
    parser.addini("slack_seed", "YAML file of people, groups and channels for slack_emulator")
    parser.addini("slack_manifest", "manifest of the app, YAML or JSON, for slack_emulator")


class SlackEmulator:
    """A workspace with its addresses and the acts of its people."""

    #: Any app takes these; they stand for what Slack would give it.
    bot_token = "xoxb-emulator"  # noqa: S105
    app_token = "xapp-emulator"  # noqa: S105

    def __init__(self, url: str) -> None:
        #: The page, for a look at a test that stands still.
        self.url = url
        #: For ``WebClient(base_url=…)`` in Python, ``slackApiUrl`` in JavaScript.
        self.api_url = f"{url}/api/"

    def act(self, act: str, person: str, **arguments: Any) -> Any:
        """Do something as a person: ``message``, ``click``, ``slash``, ``submit`` and more.

        A channel may be named by its name, a person by the real name. Returns the answer, with
        the app's acknowledgement.

        Raises:
            AssertionError: the emulator refuses it; the sentence says why.
        """
        body = {"as": self.person_id(person), **arguments}
        if "channel" in body:
            body["channel"] = self.channel_id(body["channel"])
        return self.post(act, body)

    def post(self, path: str, body: Any) -> Any:
        """Call this path of the control API and return its answer.

        Raises:
            AssertionError: the emulator refuses it; the sentence says why.
        """
        request = urllib.request.Request(  # noqa: S310 (our own server)
            f"{self.url}/_ctl/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            return self._open(request)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {_reason(error)}") from None

    def get(self, path: str) -> Any:
        """Return what this path of the control API answers."""
        return self._open(urllib.request.Request(f"{self.url}/_ctl/{path}"))  # noqa: S310

    def _open(self, request: urllib.request.Request) -> Any:
        # Without a proxy: the server is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
            return json.load(response)

    def window(self, person: str) -> Any:
        """Return a person's channels, private messages, modals and app home."""
        return self.get(f"state?as={self.person_id(person)}")

    def modal(self, person: str) -> Any:
        """Return the topmost modal of a person, or None."""
        views = self.window(person)["views"]
        return views[-1] if views else None

    def messages(self, channel: str) -> list[Any]:
        """Return the messages of a channel, in the order they were posted."""
        messages: list[Any] = self.get(f"messages?channel={self.channel_id(channel)}")
        return messages

    def person_id(self, name: str) -> str:
        """Return the id of a person, by real name, handle or id."""
        for user in self.get("state")["users"]:
            if name in {user["id"], user["name"], user["real_name"]}:
                return str(user["id"])
        raise AssertionError(f"there is no {name} in this workspace")

    def channel_id(self, name: str) -> str:
        """Return the id of a channel, by name or id."""
        return str(self.post("find", {"channel": name})["id"])

    def wait_for(self, condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
        """Return what the condition gives once it gives something true.

        Raises:
            AssertionError: it does not within these seconds.
        """
        deadline = time.monotonic() + seconds
        while True:
            result = condition()
            if result:
                return result
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds:g} seconds in vain")
            time.sleep(POLL_SECONDS)

    def wait_for_app(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the app is connected over Socket Mode."""
        self.wait_for(lambda: self.get("traffic")["connections"], seconds)


def _reason(error: urllib.error.HTTPError) -> str:
    """Return the emulator's sentence, or that there is no such path."""
    try:
        answer = json.load(error)
    except ValueError:
        return "the emulator knows no such act; the documentation lists them"
    return str(answer["error"])


@pytest.fixture
def slack_emulator(pytestconfig: pytest.Config) -> Iterator[SlackEmulator]:
    """Run a Slack workspace on localhost for one test.

    It holds what the ini options ``slack_seed`` and ``slack_manifest`` name.
    """
    # Imported here: a suite without the fixture pays nothing for it.
    from bot.emulator.seed_file import read_manifest, read_seed
    from bot.emulator.server import build
    from bot.emulator.serving import serve_beside

    seed_file = _file_of(pytestconfig, "slack_seed")
    manifest_file = _file_of(pytestconfig, "slack_manifest")
    manifest = read_manifest(manifest_file) if manifest_file else None
    content = read_seed(seed_file) if seed_file else TWO_PEOPLE
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        application = build(
            host=f"127.0.0.1:{port}",
            manifest=manifest,
            content=content,
        )
        with serve_beside(application, listener):
            emulator = SlackEmulator(f"http://127.0.0.1:{port}")
            # A busy machine does not answer within Slack's three seconds.
            emulator.post("faults", {"answer_within": REQUEST_TIMEOUT_SECONDS})
            yield emulator


def _file_of(config: pytest.Config, option: str) -> Path | None:
    name = config.getini(option)
    return config.rootpath / name if name else None

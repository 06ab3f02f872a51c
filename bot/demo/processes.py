"""The emulator and the bot as processes of their own."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from bot.cases.errors import SettingsIncomplete
from bot.clock import monotonic
from bot.demo.people import WORKSPACE
from bot.settings import inherit
from bot.sockets import LOOPBACK, free_port, listen_on
from handlers.slack.manifest import MANIFEST

PREFERRED_PORT = 8765
#: A busy machine may need long; a process that has ended is not waited for.
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 180.0
REQUEST_TIMEOUT_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.02
#: A program that does not answer yet, or no longer.
UNREACHABLE = (urllib.error.URLError, ConnectionError, TimeoutError)


def free_port_or_any(preferred_port: int) -> int:
    """Return this port if nobody listens on it, else any free one."""
    with contextlib.suppress(OSError), listen_on(preferred_port):
        return preferred_port
    return free_port()


def _listen_for_emulator(port: int) -> socket.socket:
    """Listen on this port; 0 is the preferred one, or any."""
    try:
        return listen_on(port or PREFERRED_PORT)
    except OSError:
        if port == 0:
            return listen_on(0)
        raise SettingsIncomplete(
            f"port {port} is taken; name another with --port, or 0 for any"
        ) from None


class EmulatorProcess:
    """The emulator as a process of its own, and its control API."""

    def __init__(
        self, port: int = 0, *, is_quiet: bool = False, options: Sequence[str] = ()
    ) -> None:
        # Listening here and handed on: between finding a free port and taking it, another demo
        # might take it.
        listener = _listen_for_emulator(port)
        descriptor = listener.fileno()
        self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "bot.emulator", "--attached", "--fd", str(descriptor)]
        command += [*options, "--manifest", str(MANIFEST)]
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if is_quiet else None,
            pass_fds=[descriptor],
            # Ctrl-C in a terminal reaches a whole session: the bot is to end before its Slack.
            start_new_session=True,
        )
        listener.close()

    def wait(self) -> None:
        """Return when it answers.

        Raises:
            OSError: it has ended, or does not answer in time.
        """
        deadline = monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                self.get("traffic")
            except UNREACHABLE:
                if monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(POLL_INTERVAL_SECONDS)
            else:
                return

    def seed(self) -> None:
        """Fill it with the people and channels of the sample company."""
        self.post("seed", WORKSPACE)

    def get(self, path: str) -> Any:
        """Return what this path of the control API answers."""
        url = f"{self.url}/_ctl/{path}"
        with urllib.request.urlopen(url, timeout=REQUEST_TIMEOUT_SECONDS) as response:
            return json.load(response)

    def post(self, path: str, body: Any) -> Any:
        """Call this path of the control API and return its answer.

        An error is answered as well, not raised.
        """
        request = urllib.request.Request(
            f"{self.url}/_ctl/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Return the messages of a channel."""
        messages: list[dict[str, Any]] = self.get(f"messages?channel={channel}")
        return messages

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(STOP_TIMEOUT_SECONDS)
        if self._process.stdin:
            self._process.stdin.close()


class BotProcess:
    """``countersign run`` as a process that can be killed and restarted."""

    def __init__(self, environment: Mapping[str, str], *, workers: int = 1) -> None:
        self.environment = environment
        self._command = [sys.executable, "-m", "bot", "run", "--workers", str(workers)]
        self.url = f"http://{LOOPBACK}:{environment['COUNTERSIGN_PORT']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, and return the seconds until it was ready.

        Raises:
            OSError: it has ended, or is not ready in time.
        """
        started_at = monotonic()
        own = inherit("PATH", "HOME", "COVERAGE_PROCESS_START")
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            self._command,
            env={**own, **self.environment},
        )
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=REQUEST_TIMEOUT_SECONDS):
                    return monotonic() - started_at
            except UNREACHABLE:
                is_late = monotonic() - started_at > START_TIMEOUT_SECONDS
                if is_late or self._process.poll() is not None:
                    self.kill()
                    raise
                time.sleep(POLL_INTERVAL_SECONDS)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Terminate the process and return its exit code.

        0 when it was never started.
        """
        if self._process is None:
            return 0
        self._process.terminate()
        return self._process.wait(STOP_TIMEOUT_SECONDS)

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._process.pid if self._process else 0

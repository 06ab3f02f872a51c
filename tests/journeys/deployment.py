"""A deployment with two workspaces, as real processes: the emulator serves both."""

import contextlib
import copy
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

from bot.demo import company
from bot.demo.people import TEAM, WORKSPACE
from bot.demo.processes import EmulatorProcess
from knowledge.library import copy_library
from knowledge.library.library import PACKAGED
from tests.conftest import PATIENT
from tests.servers import free_port
from tests.waiting import wait_until

HARBOUR = TEAM
SECOND = "T0SECOND"
TEAMS = (HARBOUR, SECOND)
SIGNING_SECRET = "signing-secret-of-the-app"
CLIENT = ("client-1", "client-secret-1")
START_SECONDS = 120
OPERATIONS = "C0OPS"


class DeploymentTown:
    """The emulator with two teams, and a deployment that serves them."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        port = free_port()
        self.folder = folder
        self.base = f"localhost:{port}"
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(timeout=60, trust_env=False)
        self.emulator = EmulatorProcess(
            is_quiet=True,
            options=[
                *("--request-url", f"{self.url}/slack/events"),
                *("--signing-secret", SIGNING_SECRET),
                *("--client-id", CLIENT[0], "--client-secret", CLIENT[1]),
                *("--team", f"{SECOND}=Second Street"),
            ],
        )
        self.emulator.wait()
        self.emulator.seed()
        second = copy.deepcopy(WORKSPACE)
        second["team"] = {"id": SECOND, "name": "Second Street", "domain": "second"}
        self.act(SECOND, "seed", second)
        for team in TEAMS:
            self.act(team, "faults", PATIENT)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            **{name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")},
            "COUNTERSIGN_PUBLIC_URL": f"http://{self.base}",
            "COUNTERSIGN_PORT": str(port),
            "COUNTERSIGN_DATA_DIR": str(folder / "data"),
            "COUNTERSIGN_LIBRARY_DIR": str(folder / "libraries"),
            "COUNTERSIGN_MODE": "live",
            "COUNTERSIGN_SETTLE_FOR": "2",
            "COUNTERSIGN_SLACK_CLIENT_ID": CLIENT[0],
            "COUNTERSIGN_SLACK_CLIENT_SECRET": CLIENT[1],
            "COUNTERSIGN_INSTALLATION_KEY": Fernet.generate_key().decode(),
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": f"{self.emulator.url}/api/",
        }
        if database_url:
            self.environment["COUNTERSIGN_DATABASE_URL"] = database_url
        for team in TEAMS:
            self._write_company(team)
        self._process: subprocess.Popen[bytes] | None = None

    def _write_company(self, team: str) -> None:
        """Write a library, systems and secrets that are this workspace's alone."""
        library = self.folder / "libraries" / team
        copy_library(PACKAGED, library)
        systems = self.folder / "systems" / team
        systems.mkdir(parents=True)
        company.write_database(systems / "company.db", datetime.now(UTC).replace(tzinfo=None))
        for name in ("company", "carrier", "warehouse"):
            variable = "HARBOUR_VINE" if name == "company" else f"HARBOUR_{name.upper()}"
            self.environment[f"{team}_{variable}_URL"] = f"sqlite:///{systems / name}.db"
        self.environment[f"{team}_COUNTERSIGN_SOURCE_API_TOKEN"] = f"source-of-{team}"
        self.environment[f"{team}_COUNTERSIGN_API_TOKEN"] = f"reader-of-{team}"

    def start(self) -> None:
        """Start the deployment, and wait until its front door answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "workspaces", "run"], env=self.environment
        )
        wait_until(self._answers, "the front door", START_SECONDS)

    def _answers(self) -> bool:
        assert self._process.poll() is None
        with contextlib.suppress(httpx.HTTPError):
            return self.client.get(f"{self.url}/healthz").status_code == 200
        return False

    def stop(self) -> int:
        """End the deployment as a service manager does, and return its status."""
        self._process.terminate()
        return self._process.wait(START_SECONDS)

    def close(self) -> None:
        """End everything."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.emulator.close()
        self.client.close()

    def install(self, team: str) -> httpx.Response:
        """Install the app in a team with a browser's cookies."""
        # Slack's page redirects to the public address, whose cookie is for secure pages only.
        with httpx.Client(timeout=60, trust_env=False) as browser:
            page = browser.get(f"{self.url}/slack/install")
            address = re.search(r'href="([^"]+authorize[^"]*)"', page.text)[1].replace("&amp;", "&")
            choice = browser.get(f"{address}&team={team}", follow_redirects=False)
            back = choice.headers["location"].replace(f"http://{self.base}", self.url)
            cookie = page.headers["set-cookie"].partition(";")[0]
            return browser.get(back, headers={"Cookie": cookie})

    def is_ready(self) -> bool:
        """Tell whether every workspace is served."""
        return self.client.get(f"{self.url}/readyz").status_code == 200

    def act(self, team: str, act: str, body: dict) -> dict:
        """Do something in a team of the emulator."""
        return self.client.post(f"{self._control(team)}/{act}", json=body).json()

    def messages(self, team: str, channel: str = OPERATIONS) -> list[dict]:
        """Return the messages of a channel of a team."""
        return self.client.get(f"{self._control(team)}/messages?channel={channel}").json()

    def _control(self, team: str) -> str:
        prefix = "" if team == HARBOUR else f"/{team}"
        return f"{self.emulator.url}{prefix}/_ctl"

    def send(self, team: str, key: str, *, token: str = "") -> httpx.Response:
        """Send a signal to a workspace, by the host of the workspace."""
        body = {"key": key, "subject": f"thing:{key}", "title": f"Something odd about {key}"}
        headers = {
            "Authorization": f"Bearer {token or f'source-of-{team}'}",
            "Host": f"{team.lower()}.{self.base}",
        }
        return self.client.post(f"{self.url}/v1/signals", json=body, headers=headers)

    def read(self, team: str, case_id: str, *, token: str = "") -> httpx.Response:
        """Read a case of a workspace, by the path of the workspace."""
        headers = {"Authorization": f"Bearer {token or f'reader-of-{team}'}"}
        return self.client.get(f"{self.url}/{team}/v1/cases/{case_id}", headers=headers)

    def has_card(self, team: str, key: str) -> bool:
        """Tell whether a message about this signal stands in the team."""
        return any(key in json.dumps(message) for message in self.messages(team))

"""The processes of a deployment: one bot a workspace.

Each has a database, library, memory and environment of its own, so no query, look-up or secret of
one can reach another's.
"""

import logging
import re
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from sqlalchemy.engine import make_url

from bot.child_process import ChildProcess
from bot.clock import monotonic
from bot.settings import Settings, name_without_file
from bot.sockets import LOOPBACK, free_port

log = logging.getLogger(__name__)
#: How long a process may take until it is open, before it is given up for the one before it.
OPEN_TIMEOUT_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.05
STOP_TIMEOUT_SECONDS = 60.0
#: An id as Slack writes it: it names folders, schemas and variables.
WORKSPACE_ID = re.compile(r"[TE][A-Z0-9]{1,20}")
#: Variables of the machine, which a process of any workspace needs.
MACHINE_VARIABLES = frozenset(
    {
        "COVERAGE_PROCESS_CONFIG",
        "COVERAGE_PROCESS_START",
        "HOME",
        "LANG",
        "LC_ALL",
        "MKL_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "PYTHONPATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
    }
)
#: Settings of the deployment alone, or of one workspace alone: they are not passed on.
OWN_SETTINGS = frozenset(
    {
        "COUNTERSIGN_API_TOKEN",
        "COUNTERSIGN_API_TOKEN_OLD",
        "COUNTERSIGN_CHECKPOINTS_DIR",
        "COUNTERSIGN_CHROMA_URL",
        # Each workspace has an own one, which is made from it.
        "COUNTERSIGN_DATABASE_URL",
        "COUNTERSIGN_INSTALLATION_KEY",
        "COUNTERSIGN_INSTALLATION_KEY_OLD",
        "COUNTERSIGN_SLACK_CLIENT_ID",
        "COUNTERSIGN_SLACK_CLIENT_SECRET",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceState:
    """The state of a workspace that its process is started for."""

    id: str
    #: Empty where the app was taken out: the process receives, and posts nothing.
    token: str


def workspace_environment(settings: Settings, state: WorkspaceState, port: int) -> dict[str, str]:
    """Return the variables of the process of one workspace.

    Variables of the deployment that are no settings are not passed on: a secret of a system belongs
    to one workspace, and is named ``T0123_NAME`` for it.
    """
    prefix = f"{state.id}_"
    own = {
        name.removeprefix(prefix): value
        for name, value in settings.environment.items()
        if name.startswith(prefix)
    }
    common = {
        name: value
        for name, value in settings.environment.items()
        if name in MACHINE_VARIABLES or _is_common(name_without_file(name))
    }
    folder = workspace_folder(settings, state.id)
    return {
        **common,
        "COUNTERSIGN_DATABASE_URL": workspace_database_url(settings, state.id),
        "COUNTERSIGN_ORIGIN": f"{settings.origin}/{state.id}",
        **own,
        "COUNTERSIGN_DATA_DIR": str(folder),
        "COUNTERSIGN_LIBRARY_DIR": str(workspace_library(settings, state.id)),
        "COUNTERSIGN_HOST": LOOPBACK,
        "COUNTERSIGN_PORT": str(port),
        "COUNTERSIGN_PUBLIC_URL": workspace_url(settings, state.id),
        # Every connection comes from the front door.
        "COUNTERSIGN_CONNECTIONS_PER_ADDRESS": "0",
        # Never empty: settings that are not complete would keep it from receiving.
        "SLACK_BOT_TOKEN": state.token or "xoxb-revoked",
    }


def _is_common(setting: str) -> bool:
    """Tell whether a setting holds for every workspace as it stands."""
    return bool(setting) and setting not in OWN_SETTINGS


def workspace_folder(settings: Settings, workspace: str) -> Path:
    """Return the data folder of a workspace."""
    return settings.data_dir / "workspaces" / workspace


def workspaces_with_data(settings: Settings) -> list[str]:
    """List the workspaces that have data, installed or not."""
    folder = workspace_folder(settings, "")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def workspace_library(settings: Settings, workspace: str) -> Path:
    """Return the folder with the playbooks and other files of a workspace."""
    return settings.library_dir / workspace


def workspace_schema(workspace: str) -> str:
    """Return the schema of a workspace in PostgreSQL."""
    return f"countersign_{workspace.lower()}"


def workspace_database_url(settings: Settings, workspace: str) -> str:
    """Return the database of a workspace: file or schema."""
    if settings.database_url.startswith("sqlite"):
        return f"sqlite:///{workspace_folder(settings, workspace) / 'countersign.db'}"
    url = make_url(settings.database_url)
    # The schema alone: no name in a statement can mean another one's table.
    search_path = f"-csearch_path={workspace_schema(workspace)}"
    return url.update_query_dict({"options": search_path}).render_as_string(hide_password=False)


def workspace_url(settings: Settings, workspace: str) -> str:
    """Return the address of a workspace: a host of its own."""
    parts = urlsplit(settings.public_url)
    return f"{parts.scheme}://{quote(workspace.lower())}.{parts.netloc}"


class WorkspaceProcess(ChildProcess):
    """The bot of one workspace."""

    def __init__(self, settings: Settings, state: WorkspaceState) -> None:
        self.state = state
        port = free_port()
        self.address = f"http://{LOOPBACK}:{port}"
        command = [sys.executable, "-m", "bot", "run", "--attached"]
        if not state.token:
            command.append("--receive-only")
        super().__init__(
            name=f"workspace {state.id}",
            command=command,
            environment=workspace_environment(settings, state, port),
        )


@dataclass(kw_only=True)
class WorkspaceProcesses:
    """The processes of all workspaces, brought to what is installed."""

    settings: Settings
    _processes: dict[str, WorkspaceProcess] = field(default_factory=dict)
    #: Sentences by workspace that cannot be served.
    _problems: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find_address(self, workspace: str) -> str:
        """Return the address of a process; empty where none is."""
        process = self._processes.get(workspace)
        return process.address if process else ""

    def find_problems(self) -> list[str]:
        """Return a sentence for each workspace that is not served."""
        problems = list(self._problems.values())
        for name, process in sorted(self._processes.items()):
            if not process.is_open:
                problems.append(f"the process of workspace {name} is not open; it starts by itself")
        return problems

    def bring_to(self, tokens: Mapping[str, str]) -> None:
        """Start, replace and keep processes for these workspaces and their tokens.

        A workspace that is no longer among them goes on receiving, and posts nothing.
        """
        with self._lock:
            self._problems = {}
            for workspace in sorted({*tokens, *workspaces_with_data(self.settings)}):
                state = WorkspaceState(id=workspace, token=tokens.get(workspace, ""))
                self._bring(state)

    def stop(self) -> None:
        """Let every process finish its work, and wait for its end."""
        with self._lock:
            processes = list(self._processes.values())
            for process in processes:
                process.terminate()
            deadline = monotonic() + STOP_TIMEOUT_SECONDS
            for process in processes:
                process.join(max(0.0, deadline - monotonic()))
            self._processes = {}

    def _bring(self, state: WorkspaceState) -> None:
        if not WORKSPACE_ID.fullmatch(state.id):
            self._problems[state.id] = f"{state.id[:30]!r} is no id of a workspace of Slack"
            return
        if not workspace_library(self.settings, state.id).is_dir():
            # Never another one's playbooks: their channels and groups are of another Slack.
            self._problems[state.id] = (
                f"workspace {state.id} has installed the app and has no library: write one with"
                f" `countersign init {workspace_library(self.settings, state.id)}`"
            )
            return
        present = self._processes.get(state.id)
        if present is not None and present.state == state:
            return
        process = WorkspaceProcess(self.settings, state)
        workspace_folder(self.settings, state.id).mkdir(parents=True, exist_ok=True, mode=0o700)
        process.launch()
        # The one before goes on until the new one can take over.
        if present is not None:
            _wait_until_open(process)
        self._processes[state.id] = process
        if present is not None:
            present.terminate()
            present.join(STOP_TIMEOUT_SECONDS)


def _wait_until_open(process: WorkspaceProcess) -> None:
    deadline = monotonic() + OPEN_TIMEOUT_SECONDS
    waiting = threading.Event()
    while not process.is_open and monotonic() < deadline:
        waiting.wait(POLL_INTERVAL_SECONDS)

"""Fixtures of the journeys: the sample company with its year, made once for a run."""

import os
import shutil

import pytest
from filelock import FileLock

from tests.conftest import missing, seeded

BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory):
    """Return the folder in which the sample company is made; all workers share it."""
    base = tmp_path_factory.getbasetemp()
    # Each worker has a folder of its own, inside that of the run.
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"


@pytest.fixture(scope="session")
def sample_data(sample_root):
    """Make the sample company with its past, or take what another worker has made.

    Whoever changes it changes a copy.
    """
    from bot.demo.launcher import prepare_sample_data

    sample_root.mkdir(exist_ok=True)
    with FileLock(sample_root / "lock"):
        return prepare_sample_data(sample_root)


@pytest.fixture
def emulator():
    """A Slack in a process of its own, seeded with the sample company's people."""
    from bot.demo.processes import EmulatorProcess

    with seeded(EmulatorProcess()) as running:
        yield running


# Not for the session: while it runs, no other test of this thread can start an event loop.
@pytest.fixture(scope="module")
def browser():
    """Start a real browser for the tests of a module."""
    from playwright.sync_api import sync_playwright

    binary = shutil.which("chromium") or missing("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=binary, args=BROWSER_FLAGS)
        yield running
        running.close()

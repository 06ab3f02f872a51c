"""Apps of Bolt's in processes of their own, and Bolt for JavaScript from its packages."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BOLT_JS = HERE / "bolt_js"
CACHE = HERE.parent.parent / ".cache"
INSTALL_SECONDS = 240
CONNECT_SECONDS = 60
#: The oldest Node.js of each release, by the name under which it is installed.
NODE_VERSIONS = {"@slack/bolt": 20, "bolt-4": 18}


def node(package="@slack/bolt"):
    """Return Node.js, or skip where it is absent or too old for this release of Bolt."""
    path = shutil.which("node")
    if path is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed; on Debian: apt install nodejs npm")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    oldest = NODE_VERSIONS[package]
    if int(re.match(r"v(\d+)", version)[1]) < oldest:
        pytest.skip(f"{package} wants Node.js {oldest}; this is {version.strip()}")
    return path


def run_npm(folder, *arguments):
    """Run npm in a folder, or skip where no packages are to be had."""
    node()
    command = [shutil.which("npm"), *arguments, "--omit=dev", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        pytest.skip(f"npm has no packages here: {done.stderr.strip()[-200:]}")


def bolt_js():
    """Return a folder with the app and the locked packages of Bolt, installed once."""
    lock = (BOLT_JS / "package-lock.json").read_bytes()
    folder = CACHE / f"bolt-js-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            fresh = Path(scratch) / "app"
            shutil.copytree(BOLT_JS, fresh)
            run_npm(fresh, "ci", "--ignore-scripts")
            # Whole or not at all; another worker may have been faster.
            with contextlib.suppress(OSError):
                fresh.rename(folder)
    for file in BOLT_JS.glob("*.js"):
        shutil.copy(file, folder)
    return folder


@contextlib.contextmanager
def running(command, folder, slack, *, log, ready=None, **settings):
    """Run an app until the block ends, once it is connected or says that it is ready."""
    environment = {
        **os.environ,
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        **settings,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            if ready is None:
                slack.wait_for_app(CONNECT_SECONDS)
            else:
                slack.wait_for(lambda: ready in log.read_text(), CONNECT_SECONDS)
            yield
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{log.read_text()[-4000:]}") from failure
        finally:
            process.terminate()
            process.wait(60)

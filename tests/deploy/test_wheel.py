"""The wheel on its own: what it lacks is found here, not by who installs it."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.deploy.clean_root import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A folder with the content of the wheel alone."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).parent / "uv"
    subprocess.run(
        [uv, "build", "--wheel", "--quiet", "--out-dir", folder / "built", ROOT], check=True
    )
    (file,) = (folder / "built").glob("*.whl")
    zipfile.ZipFile(file).extractall(folder / "content")
    return folder / "content"


def countersign(wheel: Path, folder: Path, *arguments: str) -> str:
    """Run a command of the wheel; its libraries are those of the tests."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(wheel)}
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_is_that_of_the_wheel(wheel, tmp_path):
    assert countersign(wheel, tmp_path, "--version") == f"countersign {version('countersign')}\n"
    where = subprocess.run(
        [sys.executable, "-c", "import bot, knowledge; print(bot.__file__, knowledge.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(path.startswith(str(wheel)) for path in where.stdout.split())


def test_it_has_the_manifest(wheel, tmp_path):
    manifest = json.loads(countersign(wheel, tmp_path, "manifest"))
    assert manifest["settings"]["socket_mode_enabled"]
    http = json.loads(countersign(wheel, tmp_path, "manifest", "--http", "https://bot.example.com"))
    assert not http["settings"]["socket_mode_enabled"]


def test_it_has_every_file_of_the_program(wheel):
    for room in ("bot", "handlers", "knowledge", "scheduler"):
        assert files_of(wheel / room) == files_of(ROOT / room)


def files_of(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# The story is told in every run from the same files: see tests/journeys/test_story.py.
@pytest.mark.proof
def test_it_plays_the_whole_demo(wheel, tmp_path):
    told = json.loads(countersign(wheel, tmp_path, "demo", "--headless", "--story", "--json"))
    assert told["ok"], told

"""The commands of the page on the ledger, done word for word by an auditor."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.test_commands import SQLITE_ALONE, kept  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.journey, pytest.mark.proof, pytest.mark.timeout(600)]
PAGE = (Path(__file__).parent.parent / "docs/ledger.md").read_text()
_COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)
CASE = "EX-1"
_KEY = re.compile(r"\S+\+[0-9a-f]{8}\+\S+")


def run(folder: Path, line: str, key: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the page with Python alone, as on another machine."""
    words = shlex.split(line.replace("name+id+base64", key).replace("…", key))
    assert words[0] == "python"
    return subprocess.run(
        [sys.executable, "-I", *words[1:]], cwd=folder, env={}, capture_output=True, text=True
    )


@SQLITE_ALONE
def test_an_auditor_follows_the_page_and_finds_what_was_changed(kept, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    key = _KEY.search(kept("ledger", "checkpoint").stdout)
    assert key, "the page says that this command prints the key"
    export, verify = _COMMAND.findall(PAGE)
    exported = kept(*shlex.split(export)[1:])
    assert exported.returncode == 0, exported.stderr
    holds = run(tmp_path, verify, key[0])
    assert holds.returncode == 0, holds.stdout
    foreign_key = run(tmp_path, verify, "other+00000000+AAAA")
    assert foreign_key.returncode == 2

    ledger = tmp_path / "audit-2026" / "ledger.jsonl"
    whole = ledger.read_text()
    (tmp_path / "other.jsonl").write_text(whole)
    ledger.write_text(whole.replace("Merlot", "Malbec"))
    assert ledger.read_text() != whole
    changed = run(tmp_path, verify, key[0])
    assert changed.returncode == 1
    assert changed.stdout.strip()
    ledger.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    cut = run(tmp_path, f"{verify} --against other.jsonl", key[0])
    assert cut.returncode == 1, "the page says that what was cut off shows"


@SQLITE_ALONE
def test_the_page_of_one_case_is_verified_as_the_page_says(kept, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    key = _KEY.search(kept("ledger", "checkpoint").stdout)
    pack, verify = re.findall(r"`((?:countersign case|python verifier\.py)[^`]+)`", PAGE)
    made = kept(*shlex.split(pack.replace("EX-12", CASE))[1:])
    assert made.returncode == 0, made.stderr
    kept("ledger", "export", "audit")
    (tmp_path / "verifier.py").write_bytes((tmp_path / "audit" / "verifier.py").read_bytes())
    holds = run(tmp_path, verify.replace("EX-12", CASE), key[0])
    assert holds.returncode == 0, holds.stdout + holds.stderr

"""A short attack, so that the attack itself keeps working: ``make attack`` is the long one."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
ROOT = Path(__file__).parent.parent.parent


def test_a_short_attack_runs_counts_and_leaves_nothing_behind(tmp_path):
    """The parts that are quick, one seed: every class is tried, no part stumbles, no process stays."""
    out = tmp_path / "found.json"
    run = [
        sys.executable,
        "-m",
        "tests.attack",
        "smoke",
        "--seed",
        "7",
        "--minutes",
        "0.3",
        "--json",
        str(out),
    ]
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    ran = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=800)
    found = json.loads(out.read_text())
    classes = {one["class"]: one for one in found["classes"]}
    assert "the part itself" not in classes, ran.stdout[-3_000:] + ran.stderr[-3_000:]
    assert len(classes) >= 5
    assert all(one["tries"] > 0 for one in classes.values())
    control = classes["the naive app that must lose"]
    assert int(control["figures"]["double winners, as it must have"]) > 0
    assert {name: one["violations"] for name, one in classes.items() if one["violations"]} == {}
    assert ran.returncode == 0
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before

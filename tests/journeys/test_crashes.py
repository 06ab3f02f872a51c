"""Kill -9 at every point of a life of two cases, on real files: nothing lost, nothing twice, and the ledger says so."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.journey, pytest.mark.proof]


def live_and_die(module, tmp_path, empty_sqlite) -> dict:
    """Run the lives of a module, each killed at another point, and return what they left."""
    shm = Path("/dev/shm")
    root = shm if shm.is_dir() else tmp_path
    # A process that is killed needs no fsync to be survived; the runs are on memory so that there can be many.
    with tempfile.TemporaryDirectory(dir=root) as folder:
        told = subprocess.run(
            [sys.executable, "-m", module, folder, str(empty_sqlite), "0", "1"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent.parent.parent,
        )
    assert told.returncode == 0, told.stderr[-2000:]
    return json.loads(told.stdout)


@pytest.mark.timeout(900)
def test_killed_at_every_point_nothing_is_lost_and_nothing_happens_twice(tmp_path, empty_sqlite):
    found = live_and_die("tests.journeys.crashing", tmp_path, empty_sqlite)
    whole, *runs = found["runs"]
    assert (whole["wrong"], whole["died"], whole["cases"]) == ([], False, 2)
    assert found["points"] > 60
    assert [run["at"] for run in runs if not run["died"]] == []
    assert {run["at"]: run["wrong"] for run in runs if run["wrong"]} == {}
    print(f"{len(runs)} crash points, 0 violations")


@pytest.mark.timeout(900)
def test_killed_at_every_point_of_a_tree_it_goes_on_from_what_was_told(tmp_path, empty_sqlite):
    found = live_and_die("tests.journeys.crashing_trees", tmp_path, empty_sqlite)
    whole, *runs = found["runs"]
    assert (whole["wrong"], whole["died"], whole["cases"]) == ([], False, 3)
    assert found["points"] > 60
    assert [run["at"] for run in runs if not run["died"]] == []
    assert {run["at"]: run["wrong"] for run in runs if run["wrong"]} == {}


@pytest.mark.timeout(900)
def test_killed_at_every_point_of_a_practice_case_nothing_is_carried_out(tmp_path, empty_sqlite):
    found = live_and_die("tests.journeys.crashing_probes", tmp_path, empty_sqlite)
    whole, *runs = found["runs"]
    assert (whole["wrong"], whole["died"], whole["cases"]) == ([], False, 2)
    assert found["points"] > 30
    assert [run["at"] for run in runs if not run["died"]] == []
    assert {run["at"]: run["wrong"] for run in runs if run["wrong"]} == {}

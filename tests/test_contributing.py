"""The worked examples of docs/contributing.md work as they stand there.

Each is applied to a copy of the tree. What is YAML is tried in this process; what is code is run by
a Python of its own, with the tests that the examples bring along.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cases.errors import WorldMoved
from bot.connectors.dry_run import DryRun
from bot.demo.company import write_database
from bot.ports.connector import EffectStatus
from knowledge.library import load
from scheduler.detectors import Detector
from tests.conftest import SAMPLE_ENVIRONMENT
from tests.worked_examples import FileChange, read_examples

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "contributing.md").read_text()
EXAMPLES = read_examples(PAGE)
ROOMS = ("bot", "handlers", "knowledge", "scheduler", "tests")
CODE = ("A connector", "A button that decides", "A metric")
# How many files of the product may be touched.
BOUNDS = {
    "A kind": 1,
    "An action": 3,
    "A connector": 2,
    "A button that decides": 5,
    "A metric": 2,
}
TIMEOUT_SECONDS = 200


def copy_tree(root: Path) -> Path:
    for room in ROOMS:
        # With its bytecode, which holds as the times of the files are copied too.
        shutil.copytree(ROOT / room, root / room)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def apply(name: str, root: Path) -> None:
    for change in EXAMPLES[name]:
        change.apply(root)


def run(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    outside = {
        name: value
        for name, value in os.environ.items()
        # Whoever measures or distributes this test has nothing to do with the copy.
        if not name.startswith(("PYTEST", "COV", "PYTHONPATH"))
    }
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=root,
        env={**outside, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def product_files(name: str) -> list[FileChange]:
    return [change for change in EXAMPLES[name] if change.is_of_product]


# --- the page -------------------------------------------------------------------------------------


def test_each_example_touches_few_files():
    counts = {name: len(product_files(name)) for name in EXAMPLES}
    assert counts.keys() == BOUNDS.keys()
    assert {name: count for name, count in counts.items() if count > BOUNDS[name]} == {}


def test_the_table_says_how_many():
    table = PAGE.split("| to add | product files |")[1].split("\n\n")[0]
    claims = re.findall(r"\]\(#([\w-]+)\) \| (\d+) \| (\d+) \|", table)
    counts = []
    for name in EXAMPLES:
        files = product_files(name)
        new_count = sum(not change.is_diff for change in files)
        counts.append((name.lower().replace(" ", "-"), str(len(files)), str(new_count)))
    assert claims == counts


def test_code_comes_with_its_test():
    for name in CODE:
        tests = [change for change in EXAMPLES[name] if change.path.startswith("tests/")]
        assert [change.is_diff for change in tests] == [False], name


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_needs_no_other(name, tmp_path):
    root = copy_tree(tmp_path / "tree")
    apply(name, root)
    for change in EXAMPLES[name]:
        assert (root / change.path).exists()


# --- what is YAML ---------------------------------------------------------------------------------


@pytest.fixture
def company(tmp_path, small_world):
    """Write the sample company's database and return its path."""
    path = tmp_path / "company.sqlite"
    write_database(path, small_world.clock())
    return path


def load_changed(name: str, root: Path):
    """Return the library with this example in it."""
    shutil.copytree(ROOT / "knowledge", root / "knowledge")
    apply(name, root)
    return load(root / "knowledge")


def connect(library, company: Path, chat):
    return library.systems["house"].connect(lambda name: f"sqlite:///{company}", chat)


def test_a_kind_gets_its_cards(tmp_path, company, small_world):
    world = small_world
    library = load_changed("A kind", tmp_path)
    (kind,) = library.playbooks.keys() - load().playbooks.keys()
    playbook = library.playbooks[kind]
    assert len(playbook.examples) == 8
    world.library, world.house = library, connect(library, company, world.chat)
    world.start("")
    detector = Detector(
        playbook=playbook,
        detection=playbook.detection,
        systems={"house": world.house},
        queries=world.store.queries,
        intake=world.desk.intake,
        clock=world.clock,
    )
    assert detector.poll() > 0
    world.work()
    (card, *_) = world.store.cards.cards("EX-1")
    assert card.channel == playbook.channel
    assert world.entry_names(world.store.cases.case("EX-1")) == [
        "case.opened",
        "evidence.gathered",
        "plan.recommended",
    ]


def test_an_action_is_done_in_time_taken_back_and_refused_when_the_world_moved(
    tmp_path, company, small_world
):
    library = load_changed("An action", tmp_path)
    (name,) = library.policy().actions.keys() - load().policy().actions.keys()
    offers = [offer.action for playbook in library.playbooks.values() for offer in playbook.offers]
    assert name in offers
    assert library.limits_without_action() == []
    house = connect(library, company, small_world.chat)
    query = "SELECT id AS lead_id, status FROM leads WHERE status = 'warm' LIMIT 2"
    lead, other = house.look_up(query, {}, 2)
    action = house.prepare(name.partition(".")[2], {"lead_id": lead["lead_id"]})
    late = house.prepare(name.partition(".")[2], {"lead_id": other["lead_id"]})
    assert "would" in DryRun(house).execute(action, "k1")
    assert house.verify(action, "k1") is EffectStatus.ABSENT
    house.execute(action, "k1")
    assert house.verify(action, "k1") is EffectStatus.LANDED
    assert house.precondition(action)["status"] == "lost"
    house.undo(action, "k1", "undo:k1")
    assert house.precondition(action) == action.precondition
    house.execute(late, "k2")
    with pytest.raises(WorldMoved):
        house.execute(late, "k3")


# --- what is code ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def changed_tree(tmp_path_factory) -> Path:
    """Make a copy of the tree with every example that is code."""
    root = copy_tree(tmp_path_factory.mktemp("contributing") / "tree")
    for name in CODE:
        apply(name, root)
    return root


def test_what_the_examples_bring_along_passes(changed_tree):
    """A press goes through Bolt to its entry, an action of the connector runs, a counter counts."""
    tests = [
        change for name in CODE for change in EXAMPLES[name] if change.path.startswith("tests/")
    ]
    result = run(changed_tree, "pytest", "-q", "-n0", *(change.path for change in tests))
    assert result.returncode == 0, result.stdout + result.stderr
    test_count = sum(len(re.findall(r"^def test_", change.text, re.MULTILINE)) for change in tests)
    assert f"{test_count} passed" in result.stdout
    assert test_count >= len(CODE)


def test_a_library_may_name_the_connector(changed_tree):
    (snippet,) = re.findall(r"a library may say:\n\n```yaml\n(systems:\n.*?)```", PAGE, re.DOTALL)
    file = changed_tree / "knowledge" / "systems.yml"
    file.write_text(file.read_text().replace("systems:\n", snippet, 1))
    environment = {**SAMPLE_ENVIRONMENT, "COUNTERSIGN_DATA_DIR": str(changed_tree / "data")}

    def find_problems(**more: str) -> str:
        result = run(changed_tree, "bot", "check", "--json", **environment, **more)
        # An action that no playbook offers is a hint, and no problem.
        return "\n".join(json.loads(result.stdout)["problems"])

    assert "WAREHOUSE_FOLDER is not set" in find_problems()
    assert "depot" not in find_problems(WAREHOUSE_FOLDER=str(changed_tree))


def test_the_examples_are_written_as_our_code_is(changed_tree):
    files = [
        change.path for name in CODE for change in EXAMPLES[name] if change.path.endswith(".py")
    ]
    for arguments in (("check",), ("format", "--check")):
        result = run(changed_tree, "ruff", *arguments, "--no-cache", *files)
        assert result.returncode == 0, result.stdout + result.stderr

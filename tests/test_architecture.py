"""docs/architecture.md says what is so: names, rooms, the three walks, links."""

import contextlib
import importlib
import inspect
import re
import tempfile
from pathlib import Path
from types import CodeType

import pytest

from bot.cases.lifecycle import State
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests import floors
from tests.measures.calls import ROOT, CallProfile, Office, stub_slack

DOCS = ROOT / "docs"
DOCUMENT = (DOCS / "architecture.md").read_text()
DOTTED = re.compile(r"`((?:bot|handlers|knowledge|scheduler)(?:\.\w+)*)`")
STEP = re.compile(r"^\d+\. `([\w.]+)`: .+$", re.MULTILINE)


def section(title: str) -> str:
    """Return the text below a heading of the second level."""
    return DOCUMENT.split(f"\n## {title}\n")[1].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table in a section, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


# --- names and links ------------------------------------------------------------------------------


def find_object(dotted: str) -> object:
    """Import the longest module of a dotted name, and look up the rest in it."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            target: object = importlib.import_module(".".join(parts[:end]))
            for name in parts[end:]:
                target = getattr(target, name)
            return target
    raise AssertionError(f"there is no {dotted}")


@pytest.mark.parametrize("name", sorted(set(DOTTED.findall(DOCUMENT))))
def test_every_name_exists(name):
    assert find_object(name) is not None


@pytest.mark.parametrize("page", ["architecture.md", "contributing.md"])
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", (DOCS / page).read_text())
    assert links
    for path, anchor in links:
        target = (DOCS / path).resolve() if path else DOCS / page
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            anchors = {heading.lower().replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{path}#{anchor}"


@pytest.mark.parametrize("page", ["README.md", "docs/contributing.md"])
def test_readme_and_contributing_lead_to_it(page):
    assert "architecture.md)" in (ROOT / page).read_text()


def test_the_page_stays_short():
    assert len(DOCUMENT.splitlines()) <= 250


def test_every_table_of_the_database_that_it_names_is_there():
    where = " ".join(cells[1] for cells in rows("Where state lives"))
    names = re.findall(r"`(\w+)`", where)
    columns = {column.name for table in tables.metadata.tables.values() for column in table.columns}
    assert len(names) > 8
    assert set(names) <= set(tables.metadata.tables) | columns


# --- the rooms ------------------------------------------------------------------------------------


def documented_rooms() -> list[tuple[list[str], str]]:
    """Return the rooms of each row, and the sentence about what they may know."""
    return [
        (re.findall(r"`([\w.]+)`", cells[0]), cells[2]) for cells in rows("What each room may know")
    ]


def test_the_table_has_every_room_once():
    names = [room for row, _ in documented_rooms() for room in row]
    assert sorted(names) == sorted(floors.rooms())


def test_each_room_may_know_what_the_contracts_allow_and_nothing_else():
    table = documented_rooms()
    for index, (names, sentence) in enumerate(table):
        exceptions = set(re.findall(r"`([\w.]+)`", sentence))
        below = {room for later, _ in table[index + 1 :] for room in later}
        claim = exceptions
        if sentence.startswith("all below"):
            claim = below | exceptions
        for room in names:
            others = set(floors.rooms()) - {room}
            allowed = {other for other in others if floors.may_import(room, other)}
            assert allowed == claim, room


# --- the walks ------------------------------------------------------------------------------------


class CallRecorder(CallProfile):
    """Writes down what starts, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[CodeType] = []

    def meet(self, code: CodeType) -> None:
        """Write it down."""
        self.calls.append(code)

    def take_names(self) -> list[str]:
        """Return the dotted names since the last time."""
        calls, self.calls = self.calls, []
        return [_dotted_name(code) for code in calls]


def _dotted_name(code: CodeType) -> str:
    module = ".".join(Path(code.co_filename).relative_to(ROOT).with_suffix("").parts)
    # A function inside a function counts as the one around it.
    return f"{module}.{code.co_qualname}".partition(".<locals>")[0]


@pytest.fixture(scope="module")
def walks() -> dict[str, list[str]]:
    """Go all ways through the real doors, and return the names of what was called."""
    recorder = CallRecorder()
    with tempfile.TemporaryDirectory() as folder, stub_slack(), recorder.install():
        database = Database(f"sqlite:///{folder}/countersign.db")
        with contextlib.closing(database):
            migrate(database)
            office = Office(Store.over(database))
            recorder.take_names()
            case_id = office.receive(1)
            office.work(Topic.TRIAGE)
            office.work(Topic.CARD)
            signal = recorder.take_names()
            office.finish()
            recorder.take_names()
            office.ask("what is open?")
            office.finish()
            question = recorder.take_names()
            button = office.approve_button(case_id)
            recorder.take_names()
            office.press(button)
            office.work(Topic.EXECUTE)
            office.finish()
            press = recorder.take_names()
            assert office.world.store.cases.case(case_id).state is State.RESOLVED
    return {"Signal to card": signal, "Press to record": press, "Question to answer": question}


@pytest.mark.parametrize("title", ["Signal to card", "Press to record", "Question to answer"])
def test_a_walk_is_gone_in_the_order_of_the_page(walks, title):
    steps = STEP.findall(section(title))
    assert 15 <= len(steps) <= 26
    for step in steps:
        assert inspect.isroutine(find_object(step)), step
    position = 0
    for step in steps:
        assert step in walks[title][position:], f"{step} is not called there"
        position = walks[title].index(step, position) + 1


@pytest.mark.parametrize(("title", "commits"), [("Signal to card", 3), ("Press to record", 4)])
def test_a_walk_says_what_is_committed_when(walks, title, commits):
    assert commit_numbers(title) == [str(n + 1) for n in range(commits)]
    # Leases are transactions too: these are the ones that write cases, entries and cards.
    writes = {
        "bot.store.cases.SqlCaseStore.receive",
        "bot.store.cases.SqlCaseStore.commit",
        "bot.store.cases.SqlCaseStore.submit",
        "bot.store.cards.SqlCardStore.record",
    }
    # The function and its job inside the transaction have one name.
    assert len([name for name in walks[title] if name in writes]) == 2 * commits


def test_the_walk_of_a_question_says_what_is_committed_when(walks):
    assert commit_numbers("Question to answer") == ["1", "2", "3"]
    calls = set(walks["Question to answer"])
    writes = {
        "bot.store.question_log.SqlQuestionLog.record",
        "bot.store.question_log.SqlQuestionLog.record_answer",
        "bot.store.outbox.SqlOutbox.finish",
    }
    assert writes <= calls
    # A question changes no case.
    assert "bot.store.cases.SqlCaseStore.commit" not in calls


def commit_numbers(title: str) -> list[str]:
    """Return the numbers of the commits that a walk names."""
    return re.findall(r"\*\*Commit (\d)\*\*", section(title))

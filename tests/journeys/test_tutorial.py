"""The page of the tutorial, done word for word, against the emulator."""

import json
import re
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from knowledge.library.yaml_files import read_values
from tests.journeys.test_newcomer import MOVED, ROOT, newcomer, read  # noqa: F401 (a fixture)
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
PAGE = (ROOT / "docs/tutorial.md").read_text()
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: What follows the last of these is an answer: questions have colons themselves.
_QUESTION_END = ": "


def blocks() -> list[tuple[str, str]]:
    return _BLOCK.findall(PAGE)


def _answer(line: str) -> str:
    return line.rpartition(_QUESTION_END)[2] if not line.endswith(":") else ""


def answers(lines: list[str]) -> str:
    """Return what a person types below a command, a line for each question."""
    return "".join(f"{_answer(line)}\n" for line in lines)


def test_whoever_follows_the_page_sees_an_own_card_and_its_approval(newcomer):  # noqa: F811
    commands = 0
    for language, text in blocks():
        match language:
            case "python":
                (newcomer.folder / "company.py").write_text(text)
                subprocess.run(
                    [sys.executable, "company.py"], cwd=newcomer.folder, check=True, timeout=60
                )
            case "ini":
                newcomer.edit(".env", **dict(line.split("=", 1) for line in text.splitlines()))
            case "console":
                command, *lines = text.splitlines()
                line = command.removeprefix("$ ")
                commands += 1
                if line == "countersign run":
                    newcomer.leave_running(line)
                    wait_until(newcomer.card, "the first card")
                    newcomer.approve(newcomer.card())
                    wait_until(lambda: read(newcomer.folder, MOVED) == [(1,)], "the new date")
                else:
                    newcomer.type(line, answers(lines))
    assert commands == 5
    assert newcomer.edits == 1


def test_init_writes_the_files_that_the_page_lists_and_they_fit_their_schemas(newcomer):  # noqa: F811
    (python,) = [text for language, text in blocks() if language == "python"]
    subprocess.run([sys.executable, "-c", python], cwd=newcomer.folder, check=True, timeout=60)
    command, *lines = next(text for name, text in blocks() if name == "console").splitlines()
    output = " ".join(newcomer.type(command.removeprefix("$ "), answers(lines)).split())
    for line in lines:
        question = line.removesuffix(_answer(line)).strip()
        assert question.partition(" (postgresql")[0] in output, question
    names = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert all((newcomer.folder / name).exists() for name in names)
    files = list((newcomer.folder / "mine").rglob("*.yml"))
    written = {str(path.relative_to(newcomer.folder)) for path in files}
    assert written == {name for name in names if name.endswith(".yml")}
    for path in files:
        head = path.read_text().splitlines()[0]
        schema = path.parent / head.removeprefix("# yaml-language-server: $schema=")
        validator = Draft202012Validator(json.loads(schema.read_text()))
        assert not [error.message for error in validator.iter_errors(read_values(path))], path

"""The product with a history: ready, first card, memory, cases, presses, and what people look at."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bot.demo.environment import sample_environment
from bot.demo.people import ANA
from bot.settings import inherit
from tests.bench.load import MILLISECONDS
from tests.bench.postgres import database_on
from tests.bench.rig import Rig
from tests.bench.sample import history_folder

#: So many cases wait for a decision in each history.
OPEN_CASES = 40
#: As many cases as the sample company has, for a database that is not a file.
SMALL_HISTORY = 424
TEMPLATE = "bench_template"
POLL_SECONDS = 0.002
ANSWER_TIMEOUT_SECONDS = 60.0
QUESTIONS = {
    "how many this week": "how many cases this week, and how long did they take?",
    "rejected last month": "how many were rejected last month",
    "what is open": "what is open?",
}


def prepare_history(count: int) -> Path:
    """Return a folder with so many ended cases, their memory filled; it is made once."""
    from tests.bench.history import make_history

    folder = history_folder(count)
    make_history(folder, count, open_count=OPEN_CASES)
    stamp = folder / "memory-filled"
    if not stamp.exists():
        _fill_memory(folder, f"sqlite:///{folder / 'countersign.db'}")
        stamp.touch()
    return folder


@contextlib.contextmanager
def prepared_database(server: str) -> Iterator[tuple[str, Path]]:
    """Write a small history into a database of this server, which others are copies of.

    Return its name, and the folder of all the rest.
    """
    from tests.bench.history import make_history

    with (
        tempfile.TemporaryDirectory(prefix="countersign-bench-") as root,
        database_on(server, TEMPLATE) as url,
    ):
        folder = Path(root) / "past"
        make_history(folder, SMALL_HISTORY, url=url)
        _fill_memory(folder, url)
        yield TEMPLATE, folder


def _fill_memory(folder: Path, url: str) -> None:
    """Index the precedents, as a bot that has run for long would have."""
    environment = sample_environment(folder, "", COUNTERSIGN_DATABASE_URL=url)
    subprocess.run(
        [sys.executable, "-m", "bot", "memory", "rebuild"],
        env={**inherit("PATH", "HOME"), **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def time_home(rig: Rig, repeats: int) -> list[float]:
    """Return the milliseconds from opening App Home to its view."""

    def views() -> int:
        return rig.emulator.calls().get("views.publish", 0)

    home = {"as": ANA, "tab": "home"}
    return [_time_more(views, lambda: _act(rig, "home", home)) for _ in range(repeats)]


def time_question(rig: Rig, text: str, repeats: int) -> list[float]:
    """Return the milliseconds from a question to its whole answer."""
    # Slack makes the conversation with the bot when it is opened.
    _act(rig, "home", {"as": ANA, "tab": "messages"})
    channel = f"D{ANA[1:]}"
    question = {"as": ANA, "channel": channel, "text": text}

    def answers() -> int:
        return sum(map(_is_answer, rig.emulator.messages(channel)))

    return [_time_more(answers, lambda: _act(rig, "message", question)) for _ in range(repeats)]


def _act(rig: Rig, path: str, body: dict[str, Any]) -> None:
    """Do what a person does.

    Raises:
        RuntimeError: Slack refuses it, and no bot will hear of it.
    """
    answer = rig.emulator.post(path, body)
    if isinstance(answer, dict) and "error" in answer:
        raise RuntimeError(f"{path}: {answer['error']}")


def _is_answer(message: dict[str, Any]) -> bool:
    """Tell whether a message is an answer that grows no more."""
    return (message.get("metadata") or {}).get("event_type") == "exception_answer"


def _time_more(count: Callable[[], int], act: Callable[[], object]) -> float:
    """Return the milliseconds from an act to the moment when more is counted than before."""
    before = count()
    begin = time.monotonic()
    act()
    while count() <= before:
        if time.monotonic() - begin > ANSWER_TIMEOUT_SECONDS:
            raise TimeoutError("nothing came of what a person did")
        time.sleep(POLL_SECONDS)
    return (time.monotonic() - begin) * MILLISECONDS

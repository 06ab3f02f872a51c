"""The product with a history: ready, first card, memory, cases, presses, and what people look at."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot.demo import launcher
from bot.demo.people import ANA
from bot.settings import inherit
from tests.bench.load import CARDS_TIMEOUT_SECONDS, MILLISECONDS
from tests.bench.rig import Rig

#: So many cases wait for a decision in each history.
OPEN_CASES = 40
#: As many cases as the sample company has, for a database that is not a file.
SMALL_HISTORY = 424
POLL_SECONDS = 0.002
QUESTIONS = {
    "how many this week": "how many cases this week, and how long did they take?",
    "rejected last month": "how many were rejected last month",
    "what is open": "what is open?",
}


def prepare_history(count: int) -> Path:
    """Return a folder with so many ended cases, their memory filled; it is made once."""
    from tests.bench.history import make_history

    folder = Path(tempfile.gettempdir()) / f"countersign-bench-history-{count}"
    make_history(folder, count, open_count=OPEN_CASES)
    stamp = folder / "memory-filled"
    if not stamp.exists():
        _fill_memory(folder, f"sqlite:///{folder / 'countersign.db'}")
        stamp.touch()
    return folder


def prepare_database(url: str) -> Path:
    """Write a small history into an empty database, and return the folder of all the rest."""
    from tests.bench.history import make_history

    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-")) / "past"
    make_history(folder, SMALL_HISTORY, url=url)
    _fill_memory(folder, url)
    return folder


def _fill_memory(folder: Path, url: str) -> None:
    """Index the precedents, as a bot that has run for long would have."""
    environment = launcher.sample_environment(folder, "", COUNTERSIGN_DATABASE_URL=url)
    subprocess.run(
        [sys.executable, "-m", "bot", "memory", "rebuild"],
        env={**inherit("PATH", "HOME"), **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def time_calls(rig: Rig, method: str, act: Callable[[], object], repeats: int) -> list[float]:
    """Return the milliseconds from an act of a person to the call of Slack that answers it."""
    times = []
    for _ in range(repeats):
        before = rig.emulator.calls().get(method, 0)
        begin = time.monotonic()
        act()
        while rig.emulator.calls().get(method, 0) <= before:
            if time.monotonic() - begin > CARDS_TIMEOUT_SECONDS:
                raise TimeoutError(f"nothing called {method}")
            time.sleep(POLL_SECONDS)
        times.append((time.monotonic() - begin) * MILLISECONDS)
    return times


def time_home(rig: Rig, repeats: int) -> list[float]:
    """Return the milliseconds from opening App Home to its view."""
    home = {"as": ANA, "tab": "home"}
    return time_calls(rig, "views.publish", lambda: rig.emulator.post("home", home), repeats)


def time_question(rig: Rig, text: str, repeats: int) -> list[float]:
    """Return the milliseconds from a question to its answer."""
    question = {"as": ANA, "channel": f"D{ANA[1:]}", "text": text}
    return time_calls(
        rig, "chat.postMessage", lambda: rig.emulator.post("message", question), repeats
    )

"""Memory over a real Chroma: what it finds, for whom, and what happens when it is broken, slow, foreign or owned by another."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import CaseOutcome
from knowledge.embedder import MiniLM, Words
from knowledge.precedents import Precedents
from knowledge.vector_index import VectorIndex
from tests.cases.making import NOW
from tests.conftest import free_port
from tests.store.test_precedents import precedent

STORIES = {
    "wine": "Barolo 2017 is running low before the weekend",
    "gin": "We are nearly out of gin",
    "invoice": "Invoice INV-X0053 matches no order",
    "parrot": "The parrot in the lobby has escaped",
}


@pytest.fixture(scope="module")
def meaning():
    return MiniLM()


@pytest.fixture
def remember(shelf, meaning, tmp_path):
    """Open memory over these precedents; everything opened is closed."""
    opened = []

    def build(*precedents, embedder=meaning, folder=tmp_path / "memory", **more):
        shelf.save(precedents)
        memory = Precedents(shelf, embedder, VectorIndex(folder, "", embedder.identity), **more)
        memory.open()
        opened.append(memory)
        return memory

    yield build
    for memory in opened:
        memory.close()


def stories(**changes):
    return [precedent(f"EX-{name}", said=said, **changes) for name, said in STORIES.items()]


def found(memory, text, kind="low_stock", channel="C0STOCK"):
    recollection = memory.recall(text, kind, channel, NOW)
    assert recollection.failure == ""
    return [one.id for one in recollection.alike]


def test_it_finds_by_meaning_and_by_words_what_no_other_would(remember):
    memory = remember(*stories())
    assert set(found(memory, "almost out of red wine for Saturday")) == {"EX-wine", "EX-gin"}
    assert found(memory, "something about INV-X0053")[0] == "EX-invoice"
    assert found(memory, "the lift is stuck between two floors") == []


def test_it_shows_only_this_kind_and_what_this_channel_may_see(remember):
    memory = remember(
        *[
            replace(one, id=f"{one.id}-{place}", kind=kind, channel=channel)
            for one in stories()
            for place, (kind, channel) in enumerate(
                [("low_stock", "C0STOCK"), ("lead_cold", "C0STOCK"), ("low_stock", "C0SECRET")]
            )
        ]
    )
    assert found(memory, STORIES["wine"])[0] == "EX-wine-0"
    assert all(name.endswith("-0") for name in found(memory, STORIES["wine"]))


def test_what_is_related_is_of_any_kind_and_of_the_asked_channels_alone(remember):
    hidden = precedent("EX-hidden", said=STORIES["wine"], channel="C0SECRET")
    other = precedent("EX-other", said=STORIES["wine"], kind="lead_cold")
    cases = [replace(one, case_id=one.id) for one in (*stories(), hidden, other)]
    memory = remember(*cases, precedent("row-7", said=STORIES["wine"]))
    related = memory.related("almost out of red wine for Saturday", {"C0STOCK"}, NOW)
    assert set(related) == {"EX-wine", "EX-gin", "EX-other"}
    assert memory.related("almost out of red wine for Saturday", set(), NOW) == []
    assert memory.related("the lift is stuck between two floors", {"C0STOCK"}, NOW) == []


def test_a_rare_kind_among_many_others_is_found_by_looking_further(remember):
    crowd = [
        precedent(f"EX-c{n}", kind="lead_cold", said=f"{STORIES['wine']} {n}") for n in range(150)
    ]
    memory = remember(*crowd, precedent("EX-rare", said="Barolo runs low"))
    assert found(memory, STORIES["wine"]) == ["EX-rare"]


def test_recent_and_good_endings_come_first_among_equals(remember):
    old = timedelta(days=900)
    memory = remember(
        precedent("EX-old", said=STORIES["wine"], ended_at=NOW - old),
        precedent("EX-bad", said=STORIES["wine"], ended=CaseOutcome.REJECTED, ended_at=NOW),
        precedent("EX-good", said=STORIES["wine"], ended_at=NOW),
    )
    assert found(memory, STORIES["wine"]) == ["EX-good", "EX-bad", "EX-old"]


def test_what_changes_on_the_shelf_changes_in_memory(remember, shelf):
    memory = remember(*stories(batch="b"))
    shelf.save([precedent("EX-new", said="Our Barolo is low again")])
    assert memory.catch_up() == 1
    assert "EX-new" in found(memory, STORIES["wine"])
    shelf.forget("b")
    memory.catch_up()
    assert found(memory, STORIES["wine"]) == ["EX-new"]


def test_opened_again_it_embeds_only_what_is_new(remember, shelf, meaning):
    class Counting:
        identity, is_semantic, asked = meaning.identity, True, 0

        def embed(self, texts):
            self.asked += len(texts)
            return meaning.embed(texts)

    remember(*stories()).close()
    counting = Counting()
    memory = remember(precedent("EX-new", said="new"), embedder=counting)
    # The new one, and the question that warms memory up.
    assert counting.asked == 2
    assert found(memory, STORIES["wine"])[0] == "EX-wine"


def test_what_the_index_has_too_much_is_dropped_at_start(remember, shelf, meaning, tmp_path):
    remember(*stories()).close()
    index = VectorIndex(tmp_path / "memory", "", meaning.identity)
    index.open()
    index.put(["EX-stray"], meaning.embed([STORIES["wine"]]), ["x"])
    index.close()
    memory = remember()
    assert memory._index.count() == shelf.count() == 4


def test_vectors_of_another_embedder_are_refused_with_the_command_that_helps(remember):
    remember(*stories()).close()
    memory = remember(embedder=Words())
    assert "countersign memory rebuild" in memory.recall("x", "low_stock", "C0STOCK", NOW).failure
    with pytest.raises(MemoryUnavailable):
        memory.catch_up()
    assert memory.rebuild(lambda done: None) == 4
    memory.close()
    assert found(remember(embedder=Words()), STORIES["wine"])[0] == "EX-wine"


def test_a_second_owner_is_told_and_breaks_nothing(remember):
    first = remember(*stories())
    second = remember()
    assert (
        "another process owns the memory" in second.recall("x", "low_stock", "C0STOCK", NOW).failure
    )
    assert found(first, STORIES["wine"])[0] == "EX-wine"


@pytest.mark.parametrize("damage", ["garbage", "empty", "no_tables"])
def test_a_corrupt_index_is_an_answer_not_an_accident(remember, damage, tmp_path, meaning, shelf):
    remember(*stories()).close()
    path = tmp_path / "memory" / "chroma" / "chroma.sqlite3"
    broken = {
        "garbage": b"\0garbage" * 5000,
        "empty": b"",
        "no_tables": b"SQLite format 3\0" + b"\0" * 500,
    }
    path.write_bytes(broken[damage])
    # Chroma keeps what it opened in the process: another one meets the damage.
    script = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from datetime import UTC, datetime
from bot.store.database import Database; from bot.store.store import Store; from bot.store.precedents import SqlPrecedentStore
from knowledge.precedents import Precedents; from knowledge.vector_index import VectorIndex; from knowledge.embedder import Words, MiniLM
from pathlib import Path
shelf = SqlPrecedentStore(Database("sqlite:///{tmp_path / "small.db"}")); e = MiniLM()
m = Precedents(shelf, e, VectorIndex(Path({str(tmp_path / "memory")!r}), "", e.identity)); m.open()
r = m.recall({STORIES["wine"]!r}, "low_stock", "C0STOCK", datetime.now(UTC))
print(r.failure or [one.id for one in r.alike][0])
if r.failure: print(m.rebuild(lambda done: None), [one.id for one in m._search({STORIES["wine"]!r}, {STORIES["wine"]!r}, lambda name: True, datetime.now(UTC))][0])
sys.stdout.flush(); import os; os._exit(0)
"""
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
    )
    lines = said.stdout.splitlines()
    assert lines, said.stderr
    assert lines[-1] in {"4 EX-wine", "EX-wine"}, (said.stdout, said.stderr[-2000:])


def test_a_slow_memory_costs_one_card_its_patience_and_the_next_nothing(remember):
    memory = remember(*stories(), patience=0.2)
    waiting = threading.Event()
    real = memory._index.nearest
    memory._index.nearest = lambda vector, many: waiting.wait(60) and real(vector, many)
    began = time.monotonic()
    first = memory.recall(STORIES["wine"], "low_stock", "C0STOCK", NOW)
    second = memory.recall(STORIES["wine"], "low_stock", "C0STOCK", NOW)
    waited = time.monotonic() - began
    waiting.set()
    assert (first.failure, second.failure, waited < 30) == (
        "memory does not answer in time",
    ) * 2 + (True,)


def test_an_index_that_throws_anything_is_not_available(remember):
    memory = remember(*stories())

    class Panic(BaseException):
        """As Rust's panics come through."""

    def nearest(vector, many):
        raise Panic("called Option::unwrap() on a None value")

    memory._index.nearest = nearest
    assert "the index is broken (Panic)" in memory.recall("x", "low_stock", "C0STOCK", NOW).failure


def test_a_rebuild_that_was_cut_short_goes_on_where_it_stopped(remember, shelf, meaning):
    memory = remember(*[precedent(f"EX-{n}", said=f"story {n}") for n in range(200)])
    asked = []

    class Dying:
        identity, is_semantic = meaning.identity, True

        def embed(self, texts):
            if len(asked) == 2:
                raise KeyboardInterrupt
            asked.append(len(texts))
            return np.ones((len(texts), 384), np.float32)

    memory._embedder = Dying()
    with pytest.raises(KeyboardInterrupt):
        memory.rebuild(lambda done: None)
    done = []
    memory._embedder = meaning
    assert memory.rebuild(done.append) == 200
    assert done[0] == sum(asked) == 128


def test_closing_does_not_wait_for_a_long_filling_and_the_next_opening_goes_on(
    remember, shelf, meaning
):
    memory = remember()
    shelf.save([precedent(f"EX-{n}", said=f"story {n}") for n in range(2_000)])
    filling = threading.Thread(target=_quietly, args=[memory])
    filling.start()
    time.sleep(0.5)
    began = time.monotonic()
    memory.close()
    filling.join()
    assert time.monotonic() - began < 5
    again = remember()
    assert again._index.count() == 2_000


def _quietly(memory):
    with contextlib.suppress(MemoryUnavailable):
        memory.catch_up()


def test_several_threads_ask_while_one_fills(remember, shelf):
    memory = remember(*stories())
    failures = []

    def ask():
        for _ in range(30):
            recollection = memory.recall(STORIES["wine"], "low_stock", "C0STOCK", NOW)
            failures.extend(filter(None, [recollection.failure]))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for place in range(10):
        shelf.save([precedent(f"EX-m{place}", said=f"more {place}")])
        memory.catch_up()
    for thread in threads:
        thread.join()
    assert failures == [] or set(failures) == {"memory does not answer in time"}
    assert memory._index.count() == 14


@pytest.fixture
def server(tmp_path):
    """A real Chroma server on loopback."""
    port = free_port()
    program = [
        str(Path(sys.executable).parent / "chroma"),
        "run",
        "--path",
        str(tmp_path / "server"),
        "--port",
        str(port),
    ]
    running = subprocess.Popen(
        [*program, "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    ends = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            if time.monotonic() > ends or running.poll() is not None:
                raise
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", running
    running.kill()
    running.wait()


def test_several_processes_share_a_server_and_one_that_went_away_is_an_answer(
    server, shelf, meaning, tmp_path
):
    url, running = server
    first, second = (
        Precedents(shelf, meaning, VectorIndex(tmp_path / name, url, meaning.identity), patience=5)
        for name in "ab"
    )
    shelf.save(stories())
    first.open()
    second.open()
    shelf.save([precedent("EX-new", said="Our Barolo is low again")])
    assert (first.catch_up(), second.catch_up()) == (1, 1)
    assert "EX-new" in found(first, STORIES["wine"])
    assert "EX-new" in found(second, STORIES["wine"])
    running.kill()
    running.wait()
    assert "the index is broken" in second.recall("x", "low_stock", "C0STOCK", NOW).failure
    first.close()
    second.close()

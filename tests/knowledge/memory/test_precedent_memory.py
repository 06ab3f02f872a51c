"""Memory over a real Chroma: opening, catching up, failures and rebuilding."""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from bot.cases.errors import MemoryUnavailable
from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.vector_index import VectorIndex
from tests.cases.making import NOW
from tests.knowledge.memory.stories import STORIES, recall, recall_ids, stories
from tests.store.test_precedents import precedent
from tests.waiting import wait_until


def ignore_progress(count):
    pass


# --- opening and catching up ---------------------------------------------------------------------


def test_opened_again_it_embeds_only_what_is_new(open_memory, minilm):
    class CountingEmbedder:
        identity = minilm.identity
        is_semantic = True
        count = 0

        def embed(self, texts):
            self.count += len(texts)
            return minilm.embed(texts)

    open_memory(*stories()).close()
    embedder = CountingEmbedder()
    memory = open_memory(precedent("EX-new", signal_text="new"), embedder=embedder)
    # The new one, and the question that warms memory up.
    assert embedder.count == 2
    assert recall_ids(memory, STORIES["wine"])[0] == "EX-wine"


def test_vectors_of_no_stored_precedent_are_removed_at_start(open_memory, shelf, minilm, tmp_path):
    open_memory(*stories()).close()
    vectors = VectorIndex(tmp_path / "memory", "", minilm.identity)
    vectors.open()
    vectors.upsert(["EX-stray"], minilm.embed([STORIES["wine"]]), ["x"])
    vectors.close()
    memory = open_memory()
    assert memory.index.vectors.count() == shelf.count() == 4


def test_vectors_of_another_embedder_are_refused_with_the_command_that_helps(open_memory):
    open_memory(*stories()).close()
    words = HashedWordsEmbedder()
    memory = open_memory(embedder=words)
    assert "countersign memory rebuild" in recall(memory, "x").failure
    with pytest.raises(MemoryUnavailable):
        memory.catch_up()
    assert memory.rebuild(ignore_progress) == 4
    memory.close()
    assert recall_ids(open_memory(embedder=words), STORIES["wine"])[0] == "EX-wine"


def test_a_second_owner_is_refused_and_breaks_nothing(open_memory):
    first = open_memory(*stories())
    second = open_memory()
    assert "another process owns the memory" in recall(second, "x").failure
    assert recall_ids(first, STORIES["wine"])[0] == "EX-wine"


@pytest.mark.threat("D5")
def test_a_database_that_is_away_when_memory_opens_ends_no_thread(tmp_path):
    class AwayShelf:
        def missing(self):
            raise OperationalError("SELECT", {}, OSError("away"))

    words = HashedWordsEmbedder()
    vectors = VectorIndex(tmp_path / "memory", "", words.identity)
    memory = PrecedentMemory(AwayShelf(), words, vectors)
    memory.open()
    try:
        assert "from the database" in recall(memory, "merlot").failure
    finally:
        memory.close()


# --- slow and failing indexes --------------------------------------------------------------------


def test_a_slow_memory_costs_one_card_its_timeout_and_the_next_nothing(open_memory):
    memory = open_memory(*stories(), answer_timeout=0.2)
    release = threading.Event()
    find_nearest = memory.index.vectors.find_nearest

    def find_slowly(vector, limit):
        release.wait(60)
        return find_nearest(vector, limit)

    memory.index.vectors.find_nearest = find_slowly
    start = time.monotonic()
    first = recall(memory, STORIES["wine"])
    second = recall(memory, STORIES["wine"])
    duration = time.monotonic() - start
    release.set()
    slow = "memory does not answer in time"
    assert (first.failure, second.failure, duration < 30) == (slow, slow, True)


def test_an_index_that_raises_anything_is_not_available(open_memory):
    memory = open_memory(*stories())

    class Panic(BaseException):
        """A panic of Rust code, as Python sees it."""

    def find_nearest(vector, limit):
        raise Panic("called Option::unwrap() on a None value")

    memory.index.vectors.find_nearest = find_nearest
    assert "the index is broken (Panic)" in recall(memory, "x").failure


# Chroma caches in the process what it opened, so that only another process meets the damage.
OPEN_DAMAGED_INDEX = """
    import os, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from bot.store.database import Database
    from bot.store.store import Store
    from knowledge.memory.minilm import MiniLM
    from knowledge.memory.precedent_index import PrecedentQuery
    from knowledge.memory.precedent_memory import PrecedentMemory
    from knowledge.memory.vector_index import VectorIndex

    database, folder, text = sys.argv[1:]
    now = datetime.now(UTC)
    minilm = MiniLM()
    vectors = VectorIndex(Path(folder), "", minilm.identity)
    shelf = Store.over(Database(database)).precedents
    memory = PrecedentMemory(shelf, minilm, vectors, answer_timeout=60)
    memory.open()
    result = memory.recall(signal_text=text, kind="low_stock", channel="C0STOCK", now=now)
    print(result.failure or result.precedents[0].id)
    if result.failure:
        count = memory.rebuild(lambda count: None)
        query = PrecedentQuery(text, text, lambda attributes: True, now)
        print(count, memory.index.search(query)[0].id)
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.parametrize("damage", ["garbage", "empty", "no_tables"])
def test_a_corrupt_index_gives_a_reason_and_can_be_rebuilt(open_memory, damage, tmp_path):
    open_memory(*stories()).close()
    contents = {
        "garbage": b"\0garbage" * 5000,
        "empty": b"",
        "no_tables": b"SQLite format 3\0" + b"\0" * 500,
    }
    (tmp_path / "memory" / "chroma" / "chroma.sqlite3").write_bytes(contents[damage])
    database = f"sqlite:///{tmp_path / 'small.db'}"
    arguments = [database, str(tmp_path / "memory"), STORIES["wine"]]
    process = subprocess.run(
        [sys.executable, "-c", dedent(OPEN_DAMAGED_INDEX), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
    )
    lines = process.stdout.splitlines()
    assert lines, process.stderr
    assert lines[-1] in {"4 EX-wine", "EX-wine"}, (process.stdout, process.stderr[-2000:])


def damage_index(folder, form):
    """Damage the files of an index that no process has open."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient.clear_system_cache()
    chroma = folder / "chroma"
    database = chroma / "chroma.sqlite3"
    match form:
        case "random":
            database.write_bytes(os.urandom(20_000))
        case "truncated":
            database.write_bytes(database.read_bytes()[:3_000])
        case "a folder for its database":
            database.unlink()
            database.mkdir()
        case "a file for its folder":
            shutil.rmtree(chroma)
            chroma.write_text("x")
        case "a folder for its lock":
            (folder / "owner.lock").unlink(missing_ok=True)
            (folder / "owner.lock").mkdir()
        case "a file":
            shutil.rmtree(folder)
            folder.write_text("x")


REBUILDABLE = ("random", "truncated", "a folder for its database", "a file for its folder")
NOT_REBUILDABLE = ("a folder for its lock", "a file")


@pytest.mark.threat("D5")
@pytest.mark.parametrize("form", [*REBUILDABLE, *NOT_REBUILDABLE])
def test_a_damaged_index_gives_a_reason_and_never_a_crash(small_world, tmp_path, form):
    world = small_world
    words = HashedWordsEmbedder()
    folder = tmp_path / "memory"
    world.approve(world.proposed())
    world.work()

    def memory_of_the_world():
        vectors = VectorIndex(folder, "", words.identity)
        return PrecedentMemory(world.shelf, words, vectors, answer_timeout=60)

    memory = memory_of_the_world()
    memory.open()
    assert recall(memory, "merlot").failure == ""
    memory.close()
    damage_index(folder, form)
    memory = memory_of_the_world()
    memory.open()
    try:
        assert recall(memory, "merlot").failure
        assert memory.find_related("merlot", {"C0STOCK"}, NOW) == []
        with pytest.raises(MemoryUnavailable):
            memory.catch_up()
        if form in REBUILDABLE:
            assert memory.rebuild(ignore_progress) == 1
    finally:
        memory.close()


# --- rebuilding and closing ----------------------------------------------------------------------


def test_a_rebuild_that_was_interrupted_goes_on_where_it_stopped(open_memory, minilm):
    memory = open_memory(*[precedent(f"EX-{n}", signal_text=f"story {n}") for n in range(200)])
    batches = []

    class DyingEmbedder:
        identity = minilm.identity
        is_semantic = True

        def embed(self, texts):
            if len(batches) == 2:
                raise KeyboardInterrupt
            batches.append(len(texts))
            return np.ones((len(texts), 384), np.float32)

    memory.index.embedder = DyingEmbedder()
    with pytest.raises(KeyboardInterrupt):
        memory.rebuild(ignore_progress)
    progress = []
    memory.index.embedder = minilm
    assert memory.rebuild(progress.append) == 200
    assert progress[0] == sum(batches) == 128


def test_closing_does_not_wait_for_a_long_update_and_the_next_opening_goes_on(open_memory, shelf):
    memory = open_memory()
    shelf.save([precedent(f"EX-{n}", signal_text=f"story {n}") for n in range(2_000)])
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(memory.catch_up)
        wait_until(memory.index.vectors.count, "the update to begin")
        memory.close()
        with pytest.raises(MemoryUnavailable):
            update.result()
    assert open_memory().index.vectors.count() == 2_000


def test_several_threads_search_while_one_updates(open_memory, shelf):
    memory = open_memory(*stories())
    failures = set()

    def search():
        for _ in range(30):
            result = recall(memory, STORIES["wine"])
            if result.failure:
                failures.add(result.failure)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        shelf.save([precedent(f"EX-m{number}", signal_text=f"more {number}")])
        memory.catch_up()
    for thread in threads:
        thread.join()
    assert failures <= {"memory does not answer in time"}
    assert memory.index.vectors.count() == 14

"""Memory over a real Chroma: opening, catching up, failures and rebuilding."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import numpy as np
import pytest
import tantivy
from sqlalchemy.exc import OperationalError

from bot.cases.errors import MemoryUnavailable
from knowledge.memory import precedent_memory as subject
from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.mirror_file import ROW_TYPE
from knowledge.memory.pieces import list_passages
from knowledge.memory.precedent_memory import PrecedentMemory, RecallResult
from knowledge.memory.vector_index import VectorIndex
from tests.cases.making import NOW
from tests.knowledge.memory.conftest import PATIENT
from tests.knowledge.memory.stories import LONG_STORY, STORIES, recall, recall_ids, stories
from tests.store.test_precedents import precedent
from tests.waiting import wait_until


def ignore_progress(count):
    pass


def remove_mirror(folder):
    for path in folder.glob("mirror-*"):
        shutil.rmtree(path)


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


def test_vectors_of_no_stored_precedent_are_removed_when_chroma_opens(
    open_memory, shelf, minilm, tmp_path
):
    open_memory(*stories()).close()
    vectors = VectorIndex(tmp_path / "memory", "", minilm.identity)
    vectors.upsert(["EX-stray"], minilm.embed([STORIES["wine"]]), ["x"])
    vectors.close()
    memory = open_memory(precedent("EX-new"))
    assert memory.index.vectors.count() == shelf.count() == 5


def test_vectors_that_chroma_has_lost_are_stored_again(open_memory, minilm, tmp_path):
    open_memory(*stories()).close()
    vectors = VectorIndex(tmp_path / "memory", "", minilm.identity)
    vectors.delete(["EX-wine"])
    vectors.close()
    memory = open_memory(precedent("EX-new"))
    stored = memory.index.vectors.find(["EX-wine", "EX-gin"])
    assert set(stored) == {"EX-wine", "EX-gin"}
    similarity = stored["EX-wine"].vector @ minilm.embed([STORIES["wine"]])[0]
    assert similarity > 0.999


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


def test_a_second_owner_searches_the_mirror_and_writes_nothing(open_memory, shelf):
    first = open_memory(*stories())
    second = open_memory()
    assert recall_ids(second, STORIES["wine"])[0] == "EX-wine"
    shelf.save([precedent("EX-new")])
    with pytest.raises(MemoryUnavailable, match="another process owns the memory"):
        second.catch_up()
    assert first.catch_up() == 1
    assert recall_ids(first, STORIES["wine"])[0] == "EX-wine"


def test_a_second_owner_without_a_mirror_is_refused_and_breaks_nothing(open_memory, tmp_path):
    first = open_memory(*stories())
    remove_mirror(tmp_path / "memory")
    second = open_memory()
    assert "another process owns the memory" in recall(second, "x").failure
    assert recall_ids(first, STORIES["wine"])[0] == "EX-wine"


def test_what_could_not_be_opened_opens_once_nobody_is_in_the_way(
    open_memory, shelf, tmp_path, monkeypatch
):
    monkeypatch.setattr(subject, "CATCH_UP_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(subject, "REOPEN_INTERVAL_SECONDS", 0.01)
    first = open_memory(*stories())
    identity = first.index.embedder.identity
    remove_mirror(tmp_path / "memory")
    vectors = VectorIndex(tmp_path / "memory", "", identity)
    second = PrecedentMemory(shelf, first.index.embedder, vectors, **PATIENT, opening_timeout=60)
    second.start()
    try:
        assert "another process owns the memory" in recall(second, STORIES["wine"]).failure
        assert "another process owns the memory" in second.describe_trouble()
        first.close()
        wait_until(lambda: not second.describe_trouble(), "memory to open after all")
        assert recall_ids(second, STORIES["wine"])[0] == "EX-wine"
    finally:
        second.close()


def test_memory_without_precedents_opens_no_index_until_the_first(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "CATCH_UP_INTERVAL_SECONDS", 0.01)
    words = HashedWordsEmbedder()
    vectors = VectorIndex(tmp_path / "memory", "", words.identity)
    memory = PrecedentMemory(shelf, words, vectors, **PATIENT, opening_timeout=60)
    memory.start()
    try:
        wait_until(lambda: not memory._failure, "memory to find out that nothing was decided")
        assert memory.catch_up() == 0
        assert recall(memory, STORIES["wine"]) == RecallResult()
        assert not (tmp_path / "memory").exists()
        shelf.save(stories())
        wait_until(lambda: recall_ids(memory, STORIES["wine"])[:1] == ["EX-wine"], "the first")
        assert (tmp_path / "memory" / "keywords").is_dir()
    finally:
        memory.close()


def test_an_index_of_another_database_is_not_kept_where_nothing_was_decided(
    open_memory, shelf, tmp_path
):
    open_memory(*stories()).close()
    words = HashedWordsEmbedder()
    vectors = VectorIndex(tmp_path / "memory", "", words.identity)
    memory = PrecedentMemory(EmptyShelf(), words, vectors, **PATIENT)
    assert not memory._has_nothing()
    memory.close()


class EmptyShelf:
    def last_place(self):
        return 0

    def count_missing(self):
        return 0


@pytest.mark.threat("D5")
def test_a_database_that_is_away_when_memory_opens_ends_no_thread(tmp_path):
    class AwayShelf:
        def last_place(self):
            raise OperationalError("SELECT", {}, OSError("away"))

    words = HashedWordsEmbedder()
    vectors = VectorIndex(tmp_path / "memory", "", words.identity)
    memory = PrecedentMemory(AwayShelf(), words, vectors)
    memory.open()
    try:
        assert "from the database" in recall(memory, "merlot").failure
    finally:
        memory.close()


@pytest.mark.threat("D5")
def test_a_damaged_chroma_leaves_cards_what_is_mirrored(open_memory, shelf, tmp_path):
    open_memory(*stories()).close()
    damage_index(tmp_path / "memory", "random")
    memory = open_memory()
    assert recall_ids(memory, STORIES["wine"])[0] == "EX-wine"
    shelf.save([precedent("EX-new", signal_text="Our Barolo is low again")])
    with pytest.raises(MemoryUnavailable, match="the index is broken"):
        memory.catch_up()
    assert recall_ids(memory, STORIES["wine"])[0] == "EX-wine"
    assert memory.rebuild(ignore_progress) == 5
    assert "EX-new" in recall_ids(memory, STORIES["wine"])


# --- the mirror ----------------------------------------------------------------------------------


def test_a_start_from_the_mirror_opens_no_chroma(open_memory):
    open_memory(*stories()).close()
    memory = open_memory()
    assert recall_ids(memory, STORIES["wine"])[0] == "EX-wine"
    assert not memory.index.vectors.is_open


@pytest.mark.parametrize("name", ["manifest.json", "high_halves.npy", "low_halves", "rows.npy"])
def test_a_damaged_mirror_is_made_again(open_memory, tmp_path, name):
    open_memory(*stories()).close()
    (path,) = (tmp_path / "memory").glob("mirror-*")
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (path / name).write_bytes(content)
    memory = open_memory()
    assert recall_ids(memory, STORIES["wine"])[0] == "EX-wine"
    memory.close()
    again = open_memory()
    assert recall_ids(again, STORIES["wine"])[0] == "EX-wine"
    assert not again.index.vectors.is_open


@pytest.mark.parametrize("damage", ["removed", "garbage", "a file"])
def test_damaged_keywords_are_made_again(open_memory, tmp_path, damage):
    open_memory(*stories()).close()
    folder = tmp_path / "memory" / "keywords"
    match damage:
        case "removed":
            shutil.rmtree(folder)
        case "garbage":
            (folder / "meta.json").write_bytes(b"\0garbage")
        case "a file":
            shutil.rmtree(folder)
            folder.write_text("x")
    memory = open_memory()
    assert recall_ids(memory, "something about INV-X0053") == ["EX-invoice"]


def test_a_restored_backup_is_indexed_from_its_beginning(open_memory, shelf):
    open_memory(*stories(), precedent("EX-later")).close()
    database = shelf._database
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM precedents WHERE id != 'EX-wine'")
        connection.exec_driver_sql("UPDATE heads SET number = 1 WHERE name = 'memory'")
    memory = open_memory()
    assert memory.index.matrix.list_ids() == ["EX-wine"]
    assert recall_ids(memory, STORIES["wine"]) == ["EX-wine"]


def test_rows_that_were_deleted_by_hand_leave_the_index(open_memory, shelf):
    open_memory(*stories()).close()
    with shelf._database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM precedents WHERE id = 'EX-wine'")
    memory = open_memory()
    assert "EX-wine" not in recall_ids(memory, STORIES["wine"])
    assert memory.index.matrix.count() == 3


def test_a_decision_while_the_index_is_compared_makes_nothing_again(open_memory, shelf):
    memory = open_memory(*stories())
    shelf.save([precedent("EX-new")])
    assert not memory.index.is_incomplete()
    memory.catch_up()
    with shelf._database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM precedents WHERE id = 'EX-wine'")
    assert memory.index.is_incomplete()


# --- slow and failing indexes --------------------------------------------------------------------


def test_a_slow_memory_costs_one_card_its_timeout_and_the_next_nothing(open_memory):
    memory = open_memory(*stories(), answer_timeout=0.2)
    release = threading.Event()
    find_nearest = memory.index.matrix.find_nearest

    def find_slowly(vector, scope, limit):
        release.wait(60)
        return find_nearest(vector, scope, limit)

    memory.index.matrix.find_nearest = find_slowly
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

    def find_nearest(vector, scope, limit):
        raise Panic("called Option::unwrap() on a None value")

    memory.index.matrix.find_nearest = find_nearest
    assert "the index is broken (Panic)" in recall(memory, "x").failure


# Chroma caches in the process what it opened, so that only another process meets the damage.
OPEN_DAMAGED_INDEX = """
    import os, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from bot.store.database import Database
    from bot.store.store import Store
    from knowledge.memory.minilm import MiniLM
    from knowledge.memory.precedent_query import PrecedentQuery
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
        query = PrecedentQuery(text=text, keyword_text=text, channels={"C0STOCK"}, now=now)
        print(count, memory.index.search(query)[0].precedent.id)
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.parametrize("damage", ["garbage", "empty", "no_tables"])
def test_a_corrupt_index_gives_a_reason_and_can_be_rebuilt(open_memory, damage, tmp_path):
    open_memory(*stories()).close()
    remove_mirror(tmp_path / "memory")
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
    remove_mirror(folder)
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
            # Two batches of what is stored at a time.
            if sum(batches) == 128:
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


def test_what_is_new_is_found_without_anybody_asking(shelf, minilm, tmp_path, monkeypatch):
    monkeypatch.setattr("knowledge.memory.precedent_memory.CATCH_UP_INTERVAL_SECONDS", 0.05)
    vectors = VectorIndex(tmp_path / "memory", "", minilm.identity)
    memory = PrecedentMemory(shelf, minilm, vectors, answer_timeout=60, opening_timeout=60)
    memory.start()
    try:
        assert recall_ids(memory, STORIES["wine"]) == []
        shelf.save(stories())
        wait_until(lambda: recall_ids(memory, STORIES["wine"]), "the precedents")
    finally:
        memory.close()


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


# --- long texts ----------------------------------------------------------------------------------


def make_mirror_old(folder):
    """Write the mirror as the release before pieces wrote it."""
    (mirror,) = folder.glob("mirror-*")
    rows = np.load(mirror / "rows.npy")
    assert (rows["piece"] == 0).all()
    names = [name for name in ROW_TYPE.names if name != "piece"]
    old_rows = np.empty(len(rows), [(name, ROW_TYPE[name]) for name in names])
    for name in names:
        old_rows[name] = rows[name]
    np.save(mirror / "rows.npy", old_rows)
    manifest = json.loads((mirror / "manifest.json").read_text())
    manifest["format"] = 1
    manifest["checksums"]["rows.npy"] = zlib.crc32((mirror / "rows.npy").read_bytes())
    (mirror / "manifest.json").write_text(json.dumps(manifest))
    position = folder / "keywords" / "position.json"
    position.write_text(json.dumps({**json.loads(position.read_text()), "format": 1}))


def test_what_a_long_story_says_in_its_middle_is_found_once(open_memory):
    memory = open_memory(*stories(), precedent("EX-long", signal_text=LONG_STORY))
    assert set(recall_ids(memory, "a parrot has escaped")) >= {"EX-parrot", "EX-long"}
    assert recall_ids(memory, LONG_STORY)[0] == "EX-long"
    assert memory.index.vectors.count() == 4 + len(list_passages(LONG_STORY))


@pytest.mark.parametrize("is_mirror_lost", [False, True])
def test_every_piece_is_removed_with_its_precedent(open_memory, shelf, tmp_path, is_mirror_lost):
    long_story = precedent("row-1", signal_text=LONG_STORY, batch="b")
    memory = open_memory(*stories(), long_story)
    if is_mirror_lost:
        memory.close()
        remove_mirror(tmp_path / "memory")
    shelf.forget("b")
    if is_mirror_lost:
        memory = open_memory()
    else:
        memory.catch_up()
    assert sorted(memory.index.vectors.list_ids()) == sorted(one.id for one in stories())
    assert memory.index.matrix.count_rows() == 4
    assert "row-1" not in recall_ids(memory, "a parrot has escaped")


def test_a_rebuild_leaves_no_word_of_an_erased_long_text_in_the_index(open_memory, shelf, tmp_path):
    def count_texts_with_the_name():
        # Deleted texts are counted until their files are merged.
        index = tantivy.Index.open(str(tmp_path / "memory" / "keywords"))
        return index.searcher().doc_freq("text", "wilhelmina")

    named = f"{LONG_STORY} Wilhelmina complained. {LONG_STORY}"
    memory = open_memory(*stories(), precedent("EX-long", signal_text=named))
    assert "EX-long" in recall_ids(memory, "Wilhelmina complained")
    assert count_texts_with_the_name()
    shelf.save([precedent("EX-long", signal_text=LONG_STORY)])
    assert memory.rebuild(ignore_progress) == 4 + len(list_passages(LONG_STORY))
    assert count_texts_with_the_name() == 0


def test_a_text_that_became_shorter_leaves_no_piece(open_memory, shelf):
    memory = open_memory(precedent("EX-1", signal_text=LONG_STORY))
    shelf.save([precedent("EX-1", signal_text="It was erased")])
    memory.catch_up()
    assert memory.index.vectors.list_ids() == ["EX-1"]


def test_a_mirror_of_an_earlier_format_is_searched_at_once_and_gets_its_pieces(
    open_memory, shelf, tmp_path, monkeypatch
):
    monkeypatch.setattr("knowledge.memory.precedent_index.list_passages", lambda text: [text])
    open_memory(*stories(), precedent("EX-long", signal_text=LONG_STORY)).close()
    monkeypatch.undo()
    folder = tmp_path / "memory"
    make_mirror_old(folder)
    searchable_before_update = []
    catch_up = PrecedentMemory._catch_up

    def search_and_catch_up(memory, progress):
        searchable_before_update.append(recall_ids(memory, STORIES["wine"])[0])
        return catch_up(memory, progress)

    monkeypatch.setattr(PrecedentMemory, "_catch_up", search_and_catch_up)
    memory = open_memory()
    assert searchable_before_update[0] == "EX-wine"
    assert "EX-long" in recall_ids(memory, "a parrot has escaped")
    (mirror,) = folder.glob("mirror-*")
    assert json.loads((mirror / "manifest.json").read_text())["format"] == 2
    assert memory.index.position == shelf.last_place()

"""The megabytes that a process gains with precedents.

``python -m tests.bench.knowledge.added_memory FOLDER helper`` opens the precedents of a folder as a bot
does, whose helper process holds Chroma and the model; with ``own`` one process holds it all. It
prints megabytes as JSON.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

# What every bot has loaded before it opens memory.
from bot import wiring  # noqa: F401
from bot.store.database import Database
from bot.store.precedents import SqlPrecedentStore
from knowledge.memory.embedder import CachingEmbedder
from knowledge.memory.helper_client import (
    HelperClient,
    HelperOptions,
    RemoteEmbedder,
    RemoteVectorIndex,
)
from knowledge.memory.helper_protocol import HelperAddress
from knowledge.memory.minilm import MiniLM
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.token_table import TokenTable
from knowledge.memory.vector_index import VectorIndex

DATABASE = "precedents.db"
INDEX = "memory"
SEARCHES = 100
MEGABYTE = 2**20
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def measure_added_memory(folder, way):
    """Measure in another process, and return the megabytes."""
    command = [sys.executable, "-m", "tests.bench.knowledge.added_memory", str(folder), way]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run(folder, way):
    """Open memory, search, recognise; print what was gained."""
    database = Database(f"sqlite:///{folder / DATABASE}")
    shelf = SqlPrecedentStore(database)
    texts = [change.precedent.signal_text for change in shelf.changes_since(0, SEARCHES)]
    before = resident_megabytes()
    table = CachingEmbedder(TokenTable())
    vectors, model = open_parts(folder / INDEX, table.identity, way)
    memory = PrecedentMemory(shelf, table, vectors, answer_timeout=60)
    memory.open()
    for text in texts:
        found = memory.recall(signal_text=f"{text} again", kind="kind_3", channel="C", now=NOW)
        assert not found.failure, found.failure
        model.embed([text])
    # Chroma is opened by a rebuild or by the first new precedent: count it in.
    assert vectors.count() >= shelf.count()
    figures = {"added_mb": resident_megabytes() - before}
    if way == "helper":
        figures["helper_mb"] = resident_megabytes(HelperAddress.read(folder / INDEX).pid)
    print(json.dumps(figures))
    memory.close()
    database.close()


def open_parts(folder, identity, way):
    """Open index and model here, or in a helper."""
    if way == "own":
        return VectorIndex(folder, "", identity), MiniLM()
    client = HelperClient(HelperOptions(folder, "", identity, ""))
    return RemoteVectorIndex(client), RemoteEmbedder(client, MiniLM())


def resident_megabytes(pid=None):
    return round(psutil.Process(pid).memory_info().rss / MEGABYTE)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2])

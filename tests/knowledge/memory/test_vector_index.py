"""The vector index on a real Chroma server, shared by several processes."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.cases.errors import MemoryUnavailable
from knowledge.memory.pieces import list_passages
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.vector_index import VectorIndex
from tests.conftest import free_port
from tests.knowledge.memory.stories import LONG_STORY, STORIES, recall_ids, stories
from tests.store.test_precedents import precedent
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def chroma_server(tmp_path):
    """Start a real Chroma server on loopback."""
    port = free_port()
    program = str(Path(sys.executable).parent / "chroma")
    options = ["--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [program, "run", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _wait_until_it_listens(process, port)
    yield f"http://127.0.0.1:{port}", process
    process.kill()
    process.wait()


def _wait_until_it_listens(process, port):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


def test_several_processes_share_a_server_and_search_on_when_it_ends(
    chroma_server, shelf, minilm, tmp_path
):
    url, process = chroma_server

    def make_memory(name):
        vectors = VectorIndex(tmp_path / name, url, minilm.identity)
        return PrecedentMemory(shelf, minilm, vectors, answer_timeout=60)

    first = make_memory("a")
    second = make_memory("b")
    shelf.save([*stories(), precedent("row-1", signal_text=LONG_STORY, batch="b")])
    first.open()
    second.open()
    for memory in (first, second):
        assert "row-1" in recall_ids(memory, "a parrot has escaped")
        assert memory.index.vectors.count() == 4 + len(list_passages(LONG_STORY))
    shelf.forget("b")
    assert (first.catch_up(), second.catch_up()) == (1, 1)
    for memory in (first, second):
        assert "row-1" not in recall_ids(memory, "a parrot has escaped")
        assert memory.index.vectors.count() == 4
    shelf.save([precedent("EX-new", signal_text="Our Barolo is low again")])
    assert (first.catch_up(), second.catch_up()) == (1, 1)
    assert "EX-new" in recall_ids(first, STORIES["wine"])
    assert "EX-new" in recall_ids(second, STORIES["wine"])
    process.kill()
    process.wait()
    shelf.save([precedent("EX-unseen", signal_text="Our Barolo is gone")])
    with pytest.raises(MemoryUnavailable, match="the index is broken"):
        second.catch_up()
    assert "EX-new" in recall_ids(second, STORIES["wine"])
    first.close()
    second.close()

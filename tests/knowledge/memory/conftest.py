"""Fixtures of the tests of memory."""

import pytest

from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.vector_index import VectorIndex

# Longer than a search takes on a busy machine: the tests of slow memory set their own.
PATIENT = {"answer_timeout": 60}


@pytest.fixture
def open_memory(shelf, minilm, tmp_path):
    """Open memory over these precedents; every memory is closed after the test."""
    memories = []

    def open_over(*precedents, embedder=minilm, folder=tmp_path / "memory", **options):
        shelf.save(precedents)
        vectors = VectorIndex(folder, "", embedder.identity)
        memory = PrecedentMemory(shelf, embedder, vectors, **{**PATIENT, **options})
        memory.open()
        memories.append(memory)
        return memory

    yield open_over
    for memory in memories:
        memory.close()

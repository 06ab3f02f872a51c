"""Fixtures of these tests: a precedent store, and the built-in embedder."""

import shutil

import pytest

from bot.store.database import Database
from bot.store.precedents import SqlPrecedentStore
from knowledge.memory.minilm import MiniLM


@pytest.fixture
def shelf(empty_sqlite, tmp_path):
    shutil.copy(empty_sqlite, tmp_path / "small.db")
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    yield SqlPrecedentStore(database)
    database.close()


@pytest.fixture
def shelf_of(shelf):
    """Make a store that holds these precedents."""

    def fill(precedents):
        shelf.save(precedents)
        return shelf

    return fill


@pytest.fixture(scope="session")
def minilm():
    return MiniLM()

"""Fixtures of these tests: a precedent store, and the built-in embedders."""

import shutil

import pytest

from bot.store.database import Database
from bot.store.precedents import SqlPrecedentStore
from knowledge.memory.embedder import Embedders
from knowledge.memory.minilm import MiniLM
from knowledge.memory.token_table import TokenTable


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


@pytest.fixture(scope="session")
def token_table():
    return TokenTable()


@pytest.fixture(scope="session")
def embedders(token_table, minilm):
    return Embedders(precedents=token_table, recognition=minilm)

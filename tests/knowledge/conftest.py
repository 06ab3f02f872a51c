"""A shelf with precedents on it."""

import shutil

import pytest

from bot.store.database import Database
from bot.store.precedents import SqlPrecedentStore


@pytest.fixture
def shelf(empty_sqlite, tmp_path):
    shutil.copy(empty_sqlite, tmp_path / "small.db")
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    yield SqlPrecedentStore(database)
    database.close()


@pytest.fixture
def shelf_of(shelf):
    def kept(precedents):
        shelf.save(precedents)
        return shelf

    return kept

"""Ten thousand precedents cost the deciding process some tens of megabytes."""

import pytest

from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.precedents import SqlPrecedentStore
from knowledge.memory.token_table import TokenTable
from tests.bench.knowledge.added_memory import DATABASE, measure_added_memory
from tests.bench.knowledge.cost import fill_shelf, open_memory

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]
PRECEDENTS = 10_000
TITLES = [
    f"{what} of {whom} is {state}"
    for what in ("the order", "an invoice", "a bin", "the rota")
    for whom in ("Acme", "the cellar", "a guest", "the night shift", "Mill Lane")
    for state in ("late", "wrong", "missing", "twice as high as agreed", "not signed yet")
] * 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Fill a database and its index, as a bot of years has them."""
    folder = tmp_path_factory.mktemp("years")
    database = Database(f"sqlite:///{folder / DATABASE}")
    migrate(database)
    shelf = SqlPrecedentStore(database)
    fill_shelf(shelf, TITLES, 0, PRECEDENTS)
    open_memory(folder, shelf, TokenTable()).close()
    database.close()
    return folder


def test_the_deciding_process_holds_neither_the_model_nor_chroma(folder):
    figures = measure_added_memory(folder, "helper")
    # 57 and 167 were measured.
    assert figures["added_mb"] < 80
    assert figures["helper_mb"] < 220


def test_one_process_with_all_of_it_is_bounded_as_well(folder):
    # 142 were measured; the aim is 150.
    assert measure_added_memory(folder, "own")["added_mb"] < 160

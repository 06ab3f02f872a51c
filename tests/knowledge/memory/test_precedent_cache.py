"""Decoded precedents are read once, and again when they changed."""

import pytest

from bot.cases.precedent import CaseOutcome
from knowledge.memory import precedent_cache
from knowledge.memory.precedent_cache import PrecedentCache
from tests.store.test_precedents import precedent


class CountingShelf:
    def __init__(self):
        self.precedents = {}
        self.reads = []
        self.while_reading = lambda: None

    def save(self, *precedents):
        self.precedents |= {one.id: one for one in precedents}

    def by_id(self, ids):
        self.reads.append(list(ids))
        rows = {row_id: self.precedents[row_id] for row_id in ids if row_id in self.precedents}
        self.while_reading()
        return rows


@pytest.fixture
def shelf():
    return CountingShelf()


def test_a_precedent_is_read_once_and_what_is_not_stored_is_left_out(shelf):
    shelf.save(precedent("a", signal_text="PX0053 is late"), precedent("b"))
    cache = PrecedentCache(shelf)
    assert set(cache.find(["a", "nowhere"])) == {"a"}
    assert cache.find(["a", "b"])["a"].codes == {"px0053"}
    assert shelf.reads == [["a", "nowhere"], ["b"]]


def test_a_change_is_read_again_also_one_that_comes_while_it_is_read(shelf):
    shelf.save(precedent("a"))
    cache = PrecedentCache(shelf)
    changed = precedent("a", outcome=CaseOutcome.REOPENED)

    def change():
        shelf.save(changed)
        cache.discard(["a"])

    shelf.while_reading = change
    assert cache.find(["a"])["a"].precedent == precedent("a")
    shelf.while_reading = lambda: None
    assert cache.find(["a"])["a"].precedent == changed


def test_it_is_bounded_and_forgets_what_was_shown_longest_ago(shelf, monkeypatch):
    monkeypatch.setattr(precedent_cache, "MAX_PRECEDENTS", 2)
    shelf.save(precedent("a"), precedent("b"), precedent("c"))
    cache = PrecedentCache(shelf)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.find([name])
    assert shelf.reads == [["a"], ["b"], ["c"], ["b"]]

"""The titles of the load."""

from collections import Counter

import pytest

from tests.bench import signals
from tests.bench.signals import COUNT, DATA, make_signals, repeating_titles, unique_titles


def test_no_two_unique_titles_are_the_same():
    titles = unique_titles().take(COUNT)
    assert len(set(titles)) == COUNT
    assert all(title == title.strip() != "" for title in titles)


def test_titles_are_generated_where_the_data_sets_are_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(signals, "DATA", tmp_path)
    assert unique_titles().origin == "generated"
    assert repeating_titles().origin == "generated"
    assert len(set(unique_titles().take(COUNT))) == COUNT


@pytest.mark.skipif(not DATA.exists(), reason="the data sets are not here")
def test_repeating_titles_repeat():
    titles = Counter(repeating_titles().take(COUNT))
    assert len(titles) < COUNT / 2
    assert titles.total() == COUNT


def test_every_signal_is_about_a_product_of_its_own():
    titles = unique_titles()
    rows = make_signals(titles, "a", 20) + make_signals(titles, "b", 20, channels=3)
    assert len({row["subject"] for row in rows}) == 40
    assert len({row["key"] for row in rows}) == 40
    assert len({row["facts"]["product_id"] for row in rows}) == 40
    assert len({row["kind"] for row in rows}) == 3

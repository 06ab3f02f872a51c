"""The order of results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.memory.ranking import fuse_scores, preference

SCORES = st.dictionaries(st.integers(0, 30), st.integers(1, 1_000), min_size=1, max_size=20)


@given(SCORES, SCORES, st.sampled_from([0.001, 0.5, 4.0, 1_000.0]))
def test_a_search_that_scores_on_another_scale_changes_nothing(first, second, scale):
    searches = [list(first.items()), list(second.items())]
    scaled = [searches[0], [(key, score * scale) for key, score in searches[1]]]
    assert dict(fuse_scores(scaled)) == pytest.approx(dict(fuse_scores(searches)))


def test_what_stands_out_counts_more_than_a_rank():
    by_meaning = [(1, 0.9), (2, 0.52), (3, 0.51), (4, 0.5)]
    by_keyword = [(2, 5.0), (3, 4.9), (1, 4.8), (4, 4.0)]
    assert fuse_scores([by_meaning, by_keyword])[0][0] == 1


def test_noise_does_not_stand_out_and_nothing_gives_nothing():
    ranking = dict(fuse_scores([[(1, 0.9001), (2, 0.9)], []]))
    assert ranking[1] - ranking[2] < 0.01
    assert fuse_scores([[], []]) == []
    assert fuse_scores([[(1, 0.0)]]) == [(1, 0.0)]


def test_recent_and_good_is_preferred():
    assert preference(0, is_good=True) > preference(0, is_good=False)
    assert preference(0, is_good=True) > preference(900, is_good=True)

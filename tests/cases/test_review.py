"""Reviews of what ran alone: which cases are of the sample."""

import pytest

from bot.cases.review import MAX_ONE_IN, is_sampled, review_one_in


@pytest.mark.parametrize(
    ("clean_runs", "one_in"), [(0, 1), (9, 1), (10, 5), (49, 5), (50, 20), (10_000, 20)]
)
def test_fewer_are_reviewed_as_evidence_grows_and_never_none(clean_runs, one_in):
    assert review_one_in(clean_runs) == one_in


@pytest.mark.parametrize("one_in", [1, 5, MAX_ONE_IN])
def test_the_share_of_the_sample_is_what_it_says(one_in):
    sampled = sum(is_sampled(f"EX-{number}", one_in) for number in range(10_000))
    assert sampled == pytest.approx(10_000 / one_in, rel=0.15)


def test_the_same_case_is_always_in_the_sample_or_never():
    ids = [f"EX-{number}" for number in range(200)]
    assert [is_sampled(one, 5) for one in ids] == [is_sampled(one, 5) for one in ids]
    assert not any(is_sampled(one, 0) for one in ids)

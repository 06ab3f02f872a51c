"""The share of strangers: what people lately said about the kinds of cases."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.cases.precedent import Label
from knowledge.learning.stranger_share import (
    MAX_RECENT_CASES,
    PRIOR_CASES,
    PRIOR_SHARE,
    stranger_share,
)
from knowledge.learning.training_set import gather_training_set
from tests.cases.making import NOW
from tests.store.test_precedents import precedent


def make_labels(kinds, *, first=0):
    return [
        Label(
            case_id=f"L-{number}",
            signal_text=f"text {number}",
            kind=kind,
            by="Ana",
            at=NOW + timedelta(hours=number),
        )
        for number, kind in enumerate(kinds, first)
    ]


def make_decided(count):
    return [
        precedent(f"EX-{number}.1", case_id=f"EX-{number}", ended_at=NOW + timedelta(hours=number))
        for number in range(count)
    ]


def test_before_anybody_has_spoken_it_is_the_prior():
    assert stranger_share([], []) == PRIOR_SHARE


def test_imported_history_says_nothing_of_it():
    history = [precedent(f"past:{number}", batch="past") for number in range(50)]
    assert stranger_share([], history) == PRIOR_SHARE


def test_decided_cases_lower_it_and_new_kinds_raise_it():
    decided = make_decided(100)
    calm = stranger_share([], decided)
    assert calm == PRIOR_SHARE * PRIOR_CASES / (PRIOR_CASES + 100)
    assert stranger_share(make_labels([""] * 100, first=100), decided) > 4 * calm


def test_a_case_that_was_named_and_decided_counts_once():
    label = Label(case_id="EX-1", signal_text="text", kind="late", by="Ana", at=NOW)
    assert stranger_share([label], make_decided(2)) == stranger_share([], make_decided(2))


def test_what_is_long_ago_counts_no_longer():
    strangers = make_labels([""] * 200)
    known = make_labels(["late"] * MAX_RECENT_CASES, first=200)
    assert stranger_share([*strangers, *known], []) == stranger_share(known, [])


@given(st.lists(st.booleans(), max_size=30))
def test_each_new_kind_raises_it_over_the_same_case_of_a_known_kind(are_new):
    labels = make_labels(["" if is_new else "late" for is_new in are_new])
    known = stranger_share([*labels, *make_labels(["late"], first=100)], [])
    novel = stranger_share([*labels, *make_labels([""], first=100)], [])
    assert novel > known


def test_training_is_told_of_it(library, embedders, shelf_of):
    shelf = shelf_of([])
    assert gather_training_set(shelf, library.playbooks, embedders).stranger_share == PRIOR_SHARE
    for label in make_labels([""] * 20):
        shelf.save((), label)
    training_set = gather_training_set(shelf, library.playbooks, embedders)
    assert training_set.stranger_share == (PRIOR_SHARE * PRIOR_CASES + 20) / (PRIOR_CASES + 20)

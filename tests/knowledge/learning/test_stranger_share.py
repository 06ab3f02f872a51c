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


def test_new_kinds_raise_it_by_their_part_in_all_cases():
    strangers = make_labels([""] * 60, first=100)
    alone = stranger_share(strangers, [])
    assert alone == (PRIOR_SHARE * PRIOR_CASES + 60) / (PRIOR_CASES + 60)
    among_others = stranger_share(strangers, make_decided(140))
    assert among_others == (PRIOR_SHARE * PRIOR_CASES + 60) / (PRIOR_CASES + 200)


def test_decided_cases_alone_are_no_evidence_that_strangers_are_rare():
    assert stranger_share([], make_decided(100)) == PRIOR_SHARE


def test_a_case_that_was_named_and_decided_counts_once():
    strangers = make_labels([""] * 60, first=100)
    label = Label(case_id="EX-1", signal_text="text", kind="late", by="Ana", at=NOW)
    decided = make_decided(2)
    assert stranger_share([*strangers, label], decided) == stranger_share(strangers, decided)
    assert stranger_share([*strangers, label], []) > stranger_share(strangers, decided)


def test_what_is_long_ago_counts_no_longer():
    strangers = make_labels([""] * 200)
    latest = make_labels(["", "late"] * (MAX_RECENT_CASES // 2), first=200)
    assert stranger_share([*strangers, *latest], []) == stranger_share(latest, [])


@given(st.lists(st.booleans(), max_size=18))
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

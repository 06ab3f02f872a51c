"""The share of strangers: what people lately said about the kinds of cases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.kind_origin import UNKNOWN_ORIGIN, KindOrigin, KindSource
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


RECOGNISED = KindOrigin(KindSource.RECOGNITION, "low_stock")
CORRECTED = KindOrigin(KindSource.PERSON, "price_gap")


def make_decided(count, origin=RECOGNISED, *, first=0, **changes):
    return [
        precedent(
            f"EX-{number}.1",
            case_id=f"EX-{number}",
            ended_at=NOW + timedelta(hours=number),
            kind_origin=origin,
            **changes,
        )
        for number in range(first, first + count)
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


def test_cases_that_were_recognised_and_confirmed_lower_it_as_the_prior_weighs_less():
    shares = [stranger_share([], make_decided(count)) for count in (0, 1, 50, 100, 300, 900)]
    assert shares == [0.05, 5 / 101, 5 / 150, 5 / 200, 5 / 400, 5 / 400]


def test_cases_whose_source_names_their_kind_say_nothing_and_take_no_place():
    of_sources = make_decided(2 * MAX_RECENT_CASES, KindOrigin(KindSource.SIGNAL), first=1_000)
    recognised = make_decided(50)
    strangers = make_labels([""] * 20)
    assert stranger_share([], of_sources) == PRIOR_SHARE
    assert stranger_share(strangers, [*recognised, *of_sources]) == stranger_share(
        strangers, recognised
    )


@pytest.mark.parametrize(
    "decided",
    [
        make_decided(200, UNKNOWN_ORIGIN),
        # A plan that was rejected may have been the wrong one, or that of another kind.
        make_decided(200, is_kind_known=False),
    ],
    ids=["earlier releases", "rejected"],
)
def test_cases_of_which_nobody_knows_leave_it_where_it_is(decided):
    assert stranger_share([], decided) == pytest.approx(PRIOR_SHARE)
    strangers = make_labels([""] * 60, first=1_000)
    assert PRIOR_SHARE < stranger_share(strangers, decided) < stranger_share(strangers, [])


@pytest.mark.parametrize("kind", ["late", ""])
def test_a_correction_is_an_error_of_naming_whatever_the_case_was(kind):
    (label,) = make_labels([kind], first=500)
    taken_back = replace(label, recognised_kind="low_stock")
    assert stranger_share([taken_back], []) == (PRIOR_SHARE * PRIOR_CASES + 1) / (PRIOR_CASES + 1)


def test_a_correction_counts_once_and_without_its_label_too():
    label = Label(
        case_id="EX-3",
        signal_text="text",
        kind="low_stock",
        by="Ana",
        at=NOW,
        recognised_kind="price_gap",
    )
    decided = [*make_decided(3), *make_decided(1, CORRECTED, first=3)]
    assert stranger_share([label], decided) == stranger_share([], decided) == 6 / 104


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

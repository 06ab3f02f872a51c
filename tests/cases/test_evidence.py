"""Evidence: facts with their source, nested for expressions, and compared before a step."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.evidence import OWN_FACTS, SIGNAL, Evidence, facts_of, find_stale_facts, list_changes
from tests.cases.making import NOW, signal
from tests.cases.shapes import TEXT, shapes
from tests.world import playbook

SNAPSHOTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2) | st.none(), max_size=3)


def fact(name: str, value, failure: str | None = None) -> Evidence:
    return Evidence(
        name=name, label=name, value=value, source="house", read_at=NOW, failure=failure
    )


def test_facts_are_nested_by_item_and_column():
    evidence = [fact("stock.on_hand", 4), fact("stock.par", 24), fact("supplier.name", "Vine")]
    facts = facts_of(signal(), evidence)
    assert facts["stock"] == {"on_hand": 4, "par": 24}
    assert facts["supplier"] == {"name": "Vine"}


def test_a_look_up_that_failed_is_no_fact():
    evidence = [fact("stock.on_hand", None, failure="the till did not answer")]
    assert "stock" not in facts_of(signal(), evidence)


def test_a_fact_without_a_column_has_an_empty_one():
    assert facts_of(signal(), [fact("stock", 4)])["stock"] == {"": 4}


def test_the_signal_is_a_fact_under_its_own_name():
    facts = facts_of(signal(facts={"product_id": 1}), [])
    assert facts == {
        SIGNAL: {
            "product_id": 1,
            "subject": "product:1",
            "title": "Merlot is running low",
            "source": "api",
        }
    }


@pytest.mark.threat("A6")
@given(
    st.dictionaries(st.sampled_from([*OWN_FACTS, "x"]), TEXT),
    st.lists(
        st.builds(fact, st.sampled_from(["signal.title", "signal.source", "signal"]), TEXT),
        max_size=4,
    ),
)
def test_no_fact_from_outside_takes_the_place_of_our_own(facts, evidence):
    report = signal(facts=facts)
    own = facts_of(report, evidence)[SIGNAL]
    assert own["subject"] == report.subject
    assert own["title"] == report.title
    assert own["source"] == report.source
    assert own.keys() == OWN_FACTS | facts.keys()


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({}, {}, []),
        ({"on_hand": 4}, {"on_hand": 4}, []),
        ({"on_hand": 4}, {"on_hand": 3}, ["on_hand was 4, is 3"]),
        ({"on_hand": 4}, {}, ["on_hand was 4, is None"]),
        ({}, {"on_hand": 4}, ["on_hand was None, is 4"]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["a was 1, is 2", "b was 1, is 2"]),
        ({"status": "open"}, {"status": "Open"}, ["status was open, is Open"]),
    ],
)
def test_changes_are_named_in_order(before, now, changes):
    assert list_changes(before, now) == changes


@given(SNAPSHOTS, SNAPSHOTS)
def test_nothing_is_listed_exactly_when_every_value_is_as_it_was(before, now):
    is_same = all(before.get(name) == now.get(name) for name in {*before, *now})
    assert (list_changes(before, now) == []) is is_same
    assert len(list_changes(before, now)) == len(list_changes(now, before))


@given(st.lists(shapes(Evidence), max_size=4))
def test_hostile_evidence_neither_fails_nor_reaches_the_signal(evidence):
    facts = facts_of(signal(), evidence)
    assert facts[SIGNAL]["title"] == "Merlot is running low"


def test_facts_are_stale_when_they_are_older_than_their_look_up_promises():
    facts = [
        fact("stock.on_hand", 4),
        fact("supplier.name", "Vine"),
        fact("quote", None, failure="no answer"),
    ]
    spans = {"stock": timedelta(hours=2)}

    def fresh_for(lookup_name):
        return spans.get(lookup_name, timedelta(hours=4))

    for hours, names in [
        (2, ()),
        (3, ("stock.on_hand",)),
        (5, ("stock.on_hand", "supplier.name")),
    ]:
        assert find_stale_facts(facts, fresh_for, NOW + timedelta(hours=hours)) == names


def test_a_look_up_without_a_promise_is_fresh_for_the_time_to_decide():
    book = playbook()
    (lookup,) = book.evidence
    assert book.fresh_for("stock") == book.measure.decide_for
    book = replace(book, evidence=(replace(lookup, fresh_for=timedelta(minutes=5)),))
    assert book.fresh_for("stock") == timedelta(minutes=5)
    assert book.fresh_for("another") == book.measure.decide_for

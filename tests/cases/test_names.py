"""The names in a case: what people ask for it by, and nothing else."""

from dataclasses import replace

import pytest

from bot.cases.evidence import Evidence
from bot.cases.names import MAX_NAMES, is_name, names_in
from tests.cases.making import NOW, opened, with_fields


@pytest.mark.parametrize(
    "text",
    [
        "Marlow & Son",
        "Château Margaux 2015",
        "INV-2041",
        "2041",
        "Kassa Cloud",
        "O'Brien",
        "Bar am Ufer",
        "3M",
    ],
)
def test_a_short_text_with_a_capital_or_a_code_is_a_name(text):
    assert is_name("anything", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "12",
        "312.50",
        "£7,260",
        "2026-11-21",
        "2026-11-21T08:00:00Z",
        "18:30",
        "https://example.com/Page",
        "ana@example.com",
        "product:1",
        "delivered",
        "None",
        "Yes",
        "Table 9 wobbles.",
        "A guest at the bar said that the glass had a crack",
        "W" * 100,
    ],
)
def test_figures_times_addresses_states_and_sentences_are_no_names(text):
    assert not is_name("anything", text)


def test_a_fact_that_says_so_makes_a_name_of_small_letters():
    assert is_name("service", "checkout")
    assert not is_name("status", "checkout")


def case_with(*values):
    evidence = tuple(
        Evidence(name=f"item.f{index}", label="", value=value, source="house", read_at=NOW)
        for index, value in enumerate(values)
    )
    case = with_fields(opened(), evidence=evidence)
    return replace(case, signal=replace(case.signal, facts={}, subject="product:1"))


def test_names_come_from_the_facts_each_once():
    case = case_with("Marlow & Son", 2041, None, "marlow  &  son", "Merlot")
    assert names_in(case) == ["Marlow & Son", "Merlot"]


def test_there_are_only_so_many():
    case = case_with(*(f"Name {number}" for number in range(MAX_NAMES + 10)))
    assert len(names_in(case)) == MAX_NAMES


def test_a_look_up_that_failed_names_nothing():
    failure = Evidence(
        name="item.name", label="", value="Merlot", source="house", read_at=NOW, failure="away"
    )
    case = with_fields(case_with(), evidence=(failure,))
    assert names_in(case) == []

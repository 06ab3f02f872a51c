"""The list of measures: each with a unit and a definition, and none that fails on nothing."""

import re

import pytest

from bot.measures.catalogue import MEASURES, Sample, number_of, take_all
from bot.measures.totals import Totals
from bot.measures.values import Count, Spread


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_every_measure_says_how_it_is_taken_and_in_which_unit(measure):
    assert re.match(r"(Count|Divide|MeasureDefinition|Estimate|Multiply) ", measure.definition)
    assert re.search(r"Unit: [\w ,]+(, in working hours and by the clock)?\.$", measure.definition)
    assert measure.aim in {"", "up", "down"}


def test_names_and_titles_are_told_apart():
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert len({measure.title for measure in MEASURES}) == len(MEASURES)


def test_of_nothing_there_is_nothing_to_say():
    for value in take_all(Sample(totals=Totals())).values():
        assert number_of(value) == (0 if isinstance(value, Count) else None)


def test_the_rate_is_taken_of_what_the_playbook_counts():
    values = take_all(Sample(totals=Totals(openings=3), denominator=200))
    assert number_of(values["exception_rate"]) == 0.015
    assert number_of(take_all(Sample(totals=Totals(openings=3)))["exception_rate"]) is None


def test_throughput_names_nobody():
    totals = Totals()
    totals.decisions.update({"T1/UANA": 5, "T1/UBEN": 9, "T1/UCARLA": 1})
    value = take_all(Sample(totals=totals))["throughput"]
    assert value == Spread(people=3, median=5, minimum=1, maximum=9)
    assert "T1" not in repr(value)

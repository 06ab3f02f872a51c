"""Words with another everyday meaning never hide cases: they are left aside before "none"."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.lifecycle import State
from bot.desk.answers.doubts import DoubtfulFilters
from bot.views.query import Ask, Condition, DoubtfulFilter, Query, Reading
from tests.desk.answers.test_lists import open_cases

RUNNING = DoubtfulFilter("states", "running")
WITHOUT = DoubtfulFilter("is_automatic", "by themselves")
ABOUT_MERLOT = Condition(is_open=True, text="Merlot")


@pytest.fixture
def doubts(world, desk):
    return DoubtfulFilters(queries=world.store.queries, filters=desk.filters)


def reading(condition, *doubtful, **more):
    query = Query(ask=Ask.LIST, condition=condition, **more)
    return Reading(query=query, doubtful=doubtful)


@pytest.mark.threat("E1")
def test_a_doubtful_word_that_hides_all_cases_is_left_aside(world, desk, doubts):
    open_cases(world, (100, 300))
    before = reading(replace(ABOUT_MERLOT, states=(State.RUNNING,)), RUNNING)
    after = doubts.drop(before, desk.asker())
    assert after.query.condition == ABOUT_MERLOT
    assert after.left_aside == ("running",)
    # What was read first can still be chosen.
    assert after.alternatives == (before.query,)


def test_a_word_that_finds_cases_stays_however_doubtful(world, desk, doubts):
    open_cases(world, (100,))
    waiting = DoubtfulFilter("states", "pending")
    before = reading(replace(ABOUT_MERLOT, states=(State.PROPOSED,)), waiting)
    assert doubts.drop(before, desk.asker()) is before


def test_as_few_words_as_possible_are_left_aside(world, desk, doubts):
    open_cases(world, (100,))
    both = replace(ABOUT_MERLOT, states=(State.PROPOSED,), is_automatic=True)
    after = doubts.drop(reading(both, RUNNING, WITHOUT), desk.asker())
    assert after.query.condition == replace(both, is_automatic=False)
    assert after.left_aside == ("by themselves",)
    neither = replace(both, states=(State.RUNNING,))
    after = doubts.drop(reading(neither, RUNNING, WITHOUT), desk.asker())
    assert after.query.condition == ABOUT_MERLOT
    assert after.left_aside == ("running", "by themselves")


@pytest.mark.threat("E1")
def test_a_certain_filter_is_never_left_aside(world, desk, doubts):
    open_cases(world, (100,))
    old = replace(ABOUT_MERLOT, states=(State.RUNNING,), min_age=timedelta(days=90))
    before = reading(old, RUNNING)
    assert doubts.drop(before, desk.asker()) is before


def test_the_only_part_of_a_question_is_not_left_aside(world, desk, doubts):
    open_cases(world, (100,))
    before = reading(Condition(is_open=True, states=(State.RUNNING,)), RUNNING)
    assert doubts.drop(before, desk.asker()) is before


@pytest.mark.threat("E2")
def test_nothing_is_left_aside_for_cases_that_the_asker_may_not_see(world, desk, doubts):
    open_cases(world, (100,))
    world.people.channels["C0STOCK"] = {"ana"}
    before = reading(replace(ABOUT_MERLOT, states=(State.RUNNING,)), RUNNING)
    assert doubts.drop(before, desk.asker("finn")) is before


def test_a_doubt_about_one_case_or_about_no_cases_changes_nothing(desk, doubts):
    condition = replace(ABOUT_MERLOT, states=(State.RUNNING,))
    named = reading(condition, RUNNING, case_id="EX-1")
    assert doubts.drop(named, desk.asker()) is named
    query = Query(ask=Ask.HELP, condition=condition)
    help_reading = Reading(query=query, doubtful=(RUNNING,))
    assert doubts.drop(help_reading, desk.asker()) is help_reading

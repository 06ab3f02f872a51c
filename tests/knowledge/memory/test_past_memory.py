"""Memory as it was: what had ended by then, in the form of then, and never the case itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.precedent import CaseOutcome, PrecedentVersion
from knowledge.memory.embedder import open_embedders
from knowledge.memory.past_memory import PastMemory
from tests.cases.making import NOW
from tests.knowledge.memory.stories import STORIES, recall_ids
from tests.store.test_precedents import precedent

DAY = timedelta(days=1)


def ended(id, days_ago, *, until=None, **changes):
    at = NOW - days_ago * DAY
    one = precedent(id, signal_text=STORIES["wine"], case_id=id, **{"ended_at": at, **changes})
    return PrecedentVersion(one, since=at, until=until and NOW - until * DAY)


@pytest.fixture
def remember(tmp_path):
    embedder = open_embedders().precedents

    def remember(*versions):
        return PastMemory(versions, embedder, tmp_path)

    return remember


def recalled(memory, days_ago=0):
    result = memory.recall(
        signal_text=STORIES["wine"],
        kind="low_stock",
        channel="C0STOCK",
        now=NOW - days_ago * DAY,
    )
    return {one.id: one.outcome for one in result.precedents}


def test_only_cases_that_had_ended_before_are_found(remember):
    memory = remember(ended("EX-1", 30), ended("EX-2", 20), ended("EX-3", 10))
    assert set(recalled(memory)) == {"EX-1", "EX-2", "EX-3"}
    assert set(recalled(memory, days_ago=15)) == {"EX-1", "EX-2"}
    # What ended at the very time of the look was not there yet.
    assert set(recalled(memory, days_ago=20)) == {"EX-1"}
    assert recalled(memory, days_ago=40) == {}
    assert (memory.size, memory.recalls, memory.finds) == (3, 4, 6)


def test_the_case_itself_is_never_found(remember):
    memory = remember(ended("EX-1", 30), ended("EX-2", 20))
    memory.leave_out("EX-2")
    assert set(recalled(memory)) == {"EX-1"}
    memory.leave_out("EX-3")
    assert set(recalled(memory)) == {"EX-1", "EX-2"}


def test_a_case_that_came_back_later_counts_for_what_it_was_held_then(remember):
    worked = ended("EX-1", 30, until=10, outcome=CaseOutcome.WORKED)
    reopened = ended("EX-1", 30, outcome=CaseOutcome.REOPENED)
    memory = remember(worked, replace(reopened, since=NOW - 10 * DAY))
    assert recalled(memory, days_ago=20) == {"EX-1": CaseOutcome.WORKED}
    assert recalled(memory, days_ago=10) == {"EX-1": CaseOutcome.WORKED}
    assert recalled(memory, days_ago=9) == {"EX-1": CaseOutcome.REOPENED}


def test_many_later_cases_do_not_keep_an_earlier_one_from_being_found(remember):
    memory = remember(ended("EX-1", 30), *(ended(f"EX-{n}", 5) for n in range(2, 150)))
    assert set(recalled(memory, days_ago=20)) == {"EX-1"}


def test_at_the_end_of_the_history_it_finds_what_the_memory_of_the_product_finds(
    remember, open_memory
):
    versions = [ended(f"EX-{n}", n) for n in range(1, 9)]
    memory = open_memory(*(one.precedent for one in versions))
    assert recall_ids(remember(*versions), STORIES["wine"]) == recall_ids(memory, STORIES["wine"])

"""What counts as like a case, over a real index of precedents."""

from dataclasses import replace

from tests.knowledge.memory.stories import recall
from tests.store.test_precedents import precedent

GOODS = ("gin", "rum", "red wine", "cups", "lids", "beans", "oat milk", "sugar", "napkins", "ice")
PLACES = ("bar", "cellar", "kitchen", "terrace")
STRANGER = "The bar manager asks whether her holiday in the cellar of wine is paid"


def past(kind="low_stock", **changes):
    """Return forty stories of what runs low, and where."""
    return [
        precedent(
            f"EX-{kind}-{good}-{place}".replace(" ", ""),
            kind=kind,
            signal_text=f"We are running low on {good} in the {place}",
            **changes,
        )
        for good in GOODS
        for place in PLACES
    ]


def test_a_case_like_no_other_has_no_precedent_but_perhaps_similar_ones(open_memory):
    memory = open_memory(*past())
    stranger = recall(memory, STRANGER)
    assert stranger.precedents == ()
    assert stranger.farther


def test_a_name_that_no_precedent_has_makes_no_case_unlike_all(open_memory):
    memory = open_memory(*past())
    assert recall(memory, "We are running low on tonic in the cellar").precedents


def test_where_little_was_decided_all_that_is_found_counts_as_like(open_memory):
    memory = open_memory(*past()[:19])
    stranger = recall(memory, STRANGER)
    assert stranger.precedents
    assert stranger.farther == ()


def test_a_common_code_makes_two_cases_alike_whatever_the_words(open_memory):
    coded = precedent("EX-coded", signal_text="Holiday pay in the wine bar, see INV-X0053")
    memory = open_memory(*past(), coded)
    assert [one.id for one in recall(memory, f"{STRANGER} INV-X0053").precedents] == ["EX-coded"]


def test_each_kind_is_measured_by_its_own_precedents(open_memory):
    other = [replace(one, id=f"{one.id}-other") for one in past(kind="door_stuck")[:10]]
    memory = open_memory(*past(), *other)
    assert memory.index.scales.of("low_stock")
    assert memory.index.scales.of("door_stuck") is None
    assert memory.index.scales.of("") is None


def test_the_same_story_told_again_is_not_the_nearest_other_one(open_memory):
    copies = [replace(one, id=f"{one.id}-{number}") for one in past() for number in range(3)]
    memory = open_memory(*copies)
    assert recall(memory, "We are running low on tonic in the cellar").precedents
    assert recall(memory, STRANGER).precedents == ()


def test_precedents_that_come_and_go_change_what_counts_as_like(open_memory, shelf):
    memory = open_memory(*past()[:15])
    assert recall(memory, STRANGER).precedents
    shelf.save([replace(one, batch="b") for one in past()[15:]])
    memory.catch_up()
    assert recall(memory, STRANGER).precedents == ()
    shelf.forget("b")
    memory.catch_up()
    assert memory.index.scales.of("low_stock") is None
    assert recall(memory, STRANGER).precedents


def test_a_kind_is_not_measured_again_for_one_more_precedent(open_memory, shelf):
    memory = open_memory(*past())
    before = memory.index.scales.of("low_stock")
    shelf.save([precedent("EX-more", signal_text="We are running low on tonic")])
    memory.catch_up()
    assert memory.index.scales.of("low_stock") is before


def test_memory_opened_from_its_mirror_measures_the_same(open_memory, shelf):
    open_memory(*past()).close()
    assert recall(open_memory(), STRANGER).precedents == ()


def test_a_process_that_may_not_write_the_index_measures_too(open_memory, shelf):
    first = open_memory(*past())
    shelf.save([precedent("EX-new", signal_text="The dishwasher leaks")])
    second = open_memory()
    assert recall(second, STRANGER).precedents == recall(first, STRANGER).precedents == ()


def test_questions_of_people_find_what_is_farther_too(open_memory):
    memory = open_memory(*past())
    found = memory.find_precedents(
        STRANGER, kinds={"low_stock"}, channels={"C0STOCK"}, now=past()[0].ended_at
    )
    assert found

"""The things that a case raised by hand can be about."""

from dataclasses import replace

import pytest

from bot.views.raising import SubjectChoice

ROWS = [
    {"title": "Merlot", "product_id": 61},
    {"title": "", "product_id": 62},
    {"title": "Gin", "product_id": None},
]


@pytest.fixture
def raising(world):
    find_playbook = world.library.playbook
    playbook = find_playbook("low_stock")
    lookup = replace(playbook.evidence[0], parameters={"product_id": "signal.product_id"})
    detection = replace(playbook.detection, choices="SELECT choices")
    playbook = replace(playbook, evidence=(lookup,), detection=detection)
    world.library.playbook = lambda kind: playbook if kind == "low_stock" else find_playbook(kind)
    world.house.rows = ROWS
    return world.desk.raising


def test_the_system_of_record_lists_what_it_knows_by_name_and_id(raising):
    assert raising.required_facts("low_stock") == ("product_id",)
    assert raising.choices("low_stock") == (
        SubjectChoice(title="Merlot", facts={"product_id": 61}),
    )


def test_without_a_kind_or_a_list_there_is_nothing_to_choose(raising):
    assert raising.required_facts("") == ()
    assert raising.choices("") == ()
    assert raising.choices("unrecognised") == ()


def test_a_system_that_does_not_answer_leaves_the_field_to_be_typed(world, raising):
    world.house.failing_lookups.add("SELECT choices")
    assert raising.choices("low_stock") == ()

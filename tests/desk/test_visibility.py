"""Visibility: a case of another channel reads like one that does not exist."""

import pytest

from bot.cases.errors import NoSuchCase
from tests.fakes.directory import principal

ANA, FINN = map(principal, ("ana", "finn"))


def test_members_of_the_channel_and_parties_see_a_case_and_nobody_else(small_world):
    world = small_world
    case = world.proposed()
    world.people.channels["C0STOCK"] = {"omar"}
    visibility = world.desk.conversation.questions.visibility
    messages = []
    for case_id in (case.id, "EX-77"):
        with pytest.raises(NoSuchCase) as failure:
            visibility.find_case(case_id, visibility.viewer(FINN))
        messages.append(str(failure.value))
    assert messages[0] == messages[1]
    assert visibility.find_case(case.id, visibility.viewer(principal("omar"))) == case


def test_whoever_raised_a_case_sees_it_from_outside_its_channel(small_world):
    world = small_world
    receipt = world.desk.raising.raise_case(by=FINN, title="Out of Merlot", key="v1")
    world.work()
    world.people.channels = {name: set() for name in world.library.channels()}
    visibility = world.desk.conversation.questions.visibility
    assert visibility.viewer(FINN).channels == frozenset()
    assert visibility.find_case(receipt.case_id, visibility.viewer(FINN)).id == receipt.case_id
    with pytest.raises(NoSuchCase):
        visibility.find_case(receipt.case_id, visibility.viewer(ANA))

"""Forms of a card, sent in over HTTP."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from handlers.cards import forms
from tests.handlers.slack.requests import post_signed, undo_body
from tests.world import policy


@pytest.mark.threat("B7")
def test_taking_back_in_slack_waits_for_the_second_of_two(receiver):
    world = receiver.world
    world.library.rules = policy(high_above=Decimal(50))
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    for name in ("ben", "carla"):
        world.approve(case, name, note="yes")
    world.work()
    case = world.case(case)

    def take_back(user):
        return post_signed(receiver, undo_body(case, user))

    form = json.dumps(forms.undo_form(case))
    assert "It needs 2 people, as the plan did; 0 of them so far." in form
    assert take_back("UBEN").content == b""
    assert [approval.name for approval in world.case(case).execution.undo_approvals] == ["Ben"]
    error = take_back("UBEN").json()["errors"]["note"]
    assert "said already that it is taken back; it waits for somebody else" in error
    error = take_back("UANA").json()["errors"]["note"]
    assert "only @finance or @ops-leads" in error
    assert take_back("UCARLA").content == b""
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.REFERRED, 2)

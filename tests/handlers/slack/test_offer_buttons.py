"""Offers of an answer: each opens a form with what was said, or asks once more."""

import json

from bot.cases.actor import Surface
from handlers.cards import ids
from tests.handlers.slack.asking import press


def window(asking):
    return asking.slack.arguments_of("views.open")[-1]["view"]


def told(asking):
    return [arguments["text"] for arguments in asking.slack.arguments_of("chat.postEphemeral")]


def element_of(view, block_id):
    (element,) = [block["element"] for block in view["blocks"] if block.get("block_id") == block_id]
    return element


def test_a_pause_is_asked_for_with_the_scope_and_reason_that_were_said(asking):
    press(asking, ids.OFFER_PAUSE, "kind:low_stock the supplier is closed")
    view = window(asking)
    assert element_of(view, "scope")["initial_option"]["value"] == "low_stock"
    assert element_of(view, "note")["initial_value"] == "the supplier is closed"
    assert asking.world.store.desk_controls.load().holds == ()


def test_a_pause_of_an_action_is_never_filled_in_as_a_pause_of_everything(asking):
    press(asking, ids.OFFER_PAUSE, "action:house.order_stock")
    assert element_of(window(asking), "scope")["initial_option"]["value"] == "house.order_stock"
    press(asking, ids.OFFER_PAUSE, "everything")
    assert element_of(window(asking), "scope")["initial_option"]["value"] == "everything"


def test_a_pause_is_ended_by_a_governance_owner_alone(asking):
    controls = asking.world.desk.controls
    controls.pause("", by="T1/UELSIE", reason="the line is down", surface=Surface.SLACK)
    press(asking, ids.OFFER_RESUME, "resume", user="UANA")
    assert len(asking.world.store.desk_controls.load().holds) == 1
    press(asking, ids.OFFER_RESUME, "resume", user="UELSIE")
    assert asking.world.store.desk_controls.load().holds == ()
    assert told(asking)[0].startswith("Not done")
    assert told(asking)[1] == "Resumed. What waited continues now."


def test_a_stand_in_is_asked_for_with_the_person_the_time_and_the_kind(asking):
    press(asking, ids.OFFER_STAND_IN, "UBEN 1795000000 low_stock")
    view = window(asking)
    assert element_of(view, "to")["initial_user"] == "UBEN"
    assert element_of(view, "until")["initial_date_time"] == 1795000000
    assert element_of(view, "kind")["initial_option"]["value"] == "low_stock"


def test_a_stand_in_is_asked_for_with_nothing_said(asking):
    press(asking, ids.OFFER_STAND_IN, "- - -")
    view = window(asking)
    assert "initial_user" not in element_of(view, "to")
    assert element_of(view, "kind")["initial_option"]["value"] == "every"


def test_an_exception_is_raised_with_the_words_of_the_person(asking):
    press(asking, ids.OFFER_RAISE, "raise Table 12 says the wine is corked")
    assert "Table 12 says the wine is corked" in json.dumps(window(asking))


def test_a_reminder_is_sent_at_the_press_and_refused_in_words(asking):
    press(asking, ids.OFFER_REMINDER, "T1/UBEN EX-1")
    press(asking, ids.OFFER_REMINDER, "T1/UBEN -")
    press(asking, ids.OFFER_REMINDER, "T1/UANA -")
    assert asking.reminders.reminders == [
        ("T1/UANA", "T1/UBEN", "EX-1"),
        ("T1/UANA", "T1/UBEN", ""),
    ]
    assert told(asking)[0] == "I reminded Ben Okafor of one case."
    assert told(asking)[2] == "Not done: choose somebody else to remind."

"""The buttons of lists, as Slack sends their presses."""

import json
from datetime import timedelta

import pytest

from bot.cases.actor import Surface
from bot.cases.lifecycle import State
from handlers.cards import ids
from tests.handlers.slack.asking import deliver, direct_message
from tests.handlers.slack.requests import form_body, post_signed

CHANNEL = "channel:C0STOCK"


@pytest.fixture
def press(receiver):
    """Press a button of a list in the channel; return the calls to Slack."""

    def press(action, value, user="UANA", view=None):
        receiver.slack_calls.clear()
        container = {"type": "message", "channel_id": "C0STOCK", "message_ts": "1.0"}
        payload = {
            "type": "block_actions",
            "user": {"id": user, "team_id": "T1"},
            "team": {"id": "T1", "domain": "x"},
            "trigger_id": "t",
            "container": container,
            "channel": {"id": "C0STOCK", "name": "stock"},
            "actions": [
                {
                    "type": "button",
                    "action_id": action,
                    "block_id": "b",
                    "value": value,
                    "action_ts": "1.0",
                }
            ],
        }
        if view:
            payload |= {"container": {"type": "view", "view_id": "V1"}, "view": view}
            del payload["channel"]
        assert post_signed(receiver, form_body(payload)).status_code == 200
        return dict(receiver.slack_calls)

    return press


@pytest.fixture
def submit(receiver):
    """Submit a form that was opened; return the answer, if any."""

    def submit(view, values, user="UANA"):
        state = {
            action_id.rpartition(".")[2]: {action_id: value} for action_id, value in values.items()
        }
        payload = {
            "type": "view_submission",
            "user": {"id": user, "team_id": "T1"},
            "team": {"id": "T1", "domain": "x"},
            "view": {**view, "id": "V1", "state": {"values": state}},
        }
        response = post_signed(receiver, form_body(payload))
        return response.json() if response.content else None

    return submit


@pytest.fixture
def receiver(receiver, agreeable_slack):
    receiver.slack_calls = agreeable_slack.calls
    return receiver


def raise_cases(world, count):
    for number in range(count):
        world.receive(world.signal(f"product:{number}"))
    world.work(rounds=1000)


def test_a_case_without_a_card_gets_one_when_it_is_opened(receiver, press):
    world = receiver.world
    world.receive()
    world.work(rounds=1)
    calls = press(ids.OPEN, "EX-1:0")
    assert "will be in its channel in a moment" in calls["chat.postEphemeral"]["text"]
    world.work()
    assert "EX-1/1" in world.chat.cards


def test_all_cases_of_a_list_are_shown_page_by_page(receiver, press):
    raise_cases(receiver.world, 17)
    calls = press(ids.SHOW_ALL, CHANNEL)
    assert "17 cases, the most urgent first. Page 1 of 2" in json.dumps(calls["views.open"])
    window = {"id": "V1", "type": "modal", "hash": "h"}
    calls = press(ids.NEXT_PAGE, f"1 {CHANNEL}", view=window)
    assert calls["views.update"]["hash"] == "h"
    assert "Page 2 of 2" in json.dumps(calls["views.update"])


def test_a_group_is_rejected_from_its_form_and_each_case_is_told_of(receiver, press, submit):
    world = receiver.world
    raise_cases(world, 3)
    view = press(ids.GROUP_REJECT, CHANNEL)["views.open"]["view"]
    assert view["submit"]["text"] == "Reject all 3"
    reason = {"type": "static_select", "selected_option": {"value": "wrong_plan"}}
    note = {"type": "plain_text_input", "value": "one cause"}
    answer = submit(view, {ids.REASON: reason})
    assert "say why" in json.dumps(answer)
    answer = submit(view, {ids.REASON: reason, ids.NOTE: note})
    assert "3 of 3 rejected." in json.dumps(answer)
    assert {case.state for case in world.store.queries.newest()} == {State.REJECTED}
    assert "has changed since you opened this" in json.dumps(
        submit(view, {ids.REASON: reason, ids.NOTE: note})
    )


def test_a_list_without_such_cases_says_so(receiver, press):
    raise_cases(receiver.world, 1)
    calls = press(ids.GROUP_NAME, CHANNEL)
    assert "open them one by one" in json.dumps(calls["views.open"])


def test_an_approver_pauses_and_a_governance_owner_resumes(receiver, press, submit):
    world = receiver.world
    view = press(ids.HOME_PAUSE, "-")["views.open"]["view"]
    scope = {"type": "static_select", "selected_option": {"value": "low_stock"}}
    note = {"type": "plain_text_input", "value": "the line is down"}
    submit(view, {ids.SCOPE: scope, ids.NOTE: note})
    (pause,) = world.store.desk_controls.load().pauses
    assert (pause.scope, pause.reason) == ("kind:low_stock", "the line is down")
    calls = press(ids.HOME_RESUME, "resume kind:low_stock")
    assert "only the governance owners" in json.dumps(calls["views.open"])
    press(ids.HOME_RESUME, "resume kind:low_stock", user="UELSIE")
    assert world.store.desk_controls.load().pauses == ()


def test_a_delegation_is_ended_by_one_of_the_two_and_by_nobody_else(receiver, press):
    world = receiver.world
    now = world.clock()
    world.desk.controls.delegate(
        by="T1/UANA",
        to="T1/UFINN",
        kind="",
        begins_at=now,
        ends_at=now + timedelta(days=2),
        surface=Surface.SLACK,
    )
    calls = press(ids.HOME_END_DELEGATION, "T1/UANA T1/UFINN ", user="UDEV")
    assert "only the two of them" in json.dumps(calls["views.open"])
    window = {"id": "V1", "type": "modal", "hash": "h"}
    calls = press(ids.HOME_END_DELEGATION, "T1/UANA T1/UFINN ", user="UFINN", view=window)
    assert "Nobody stands in for you" in json.dumps(calls["views.update"])
    assert world.store.desk_controls.load().delegations == ()


def test_a_digest_is_shown_now(receiver, press):
    raise_cases(receiver.world, 1)
    calls = press(ids.HOME_DIGEST_NOW, "-")
    assert "1 to decide" in json.dumps(calls["views.open"])


def test_the_whole_list_behind_an_answer_is_for_whoever_asked(press, receiver):
    """It is found again by the question, as the asker may see it now."""
    world = receiver.world
    for number in range(12):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    event = direct_message("what is open?")
    deliver(receiver, event)
    world.work()
    ((question, answer),) = world.chat.answers
    assert (len(answer.rows), answer.total) == (10, 12)
    window = json.dumps(press(ids.SHOW_ALL, f"question:{question.id}")["views.open"])
    assert "12 cases" in window
    window = json.dumps(press(ids.SHOW_ALL, f"question:{question.id}", user="UBEN")["views.open"])
    assert "this list belongs to whoever asked" in window
    assert "EX-" not in window

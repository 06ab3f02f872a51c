"""The window with a case's trail, as Slack opens it and turns its pages."""

import pytest

from handlers.cards import ids
from tests.handlers.slack.requests import form_body, post_signed, press_body


@pytest.fixture
def receiver(receiver, agreeable_slack):
    receiver.slack_calls = agreeable_slack.calls
    return receiver


def press_in_window(receiver, action, value):
    """Press a button of the open window; return the calls to Slack, and the status."""
    receiver.slack_calls.clear()
    payload = {
        "type": "block_actions",
        "user": {"id": "UANA", "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "trigger_id": "t",
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "hash": "h1"},
        "actions": [
            {
                "type": "button",
                "action_id": action,
                "block_id": "trail",
                "value": value,
                "action_ts": "1.0",
            }
        ],
    }
    status = post_signed(receiver, form_body(payload)).status_code
    return dict(receiver.slack_calls), status


def open_trail(receiver, case):
    receiver.slack_calls.clear()
    token = ids.token(case)
    body = press_body(case, action=ids.MORE, value=f"{ids.TRAIL} {token}")
    assert post_signed(receiver, body).status_code == 200
    return dict(receiver.slack_calls)["views.open"]["view"]


def test_trail_opens_a_window_that_says_what_the_entries_say(receiver):
    case = receiver.world.proposed()
    shown = str(open_trail(receiver, case))
    assert "Opened: Merlot is running low" in shown
    assert "On hand: 4" in shown
    assert "Recommended: Do order_stock" in shown


def test_a_press_in_the_window_unfolds_it_in_place(receiver):
    case = receiver.world.proposed()
    view = open_trail(receiver, case)
    (unfold,) = view["blocks"][-1]["elements"]
    assert "Needs: 1 of @floor-managers" not in str(view)
    calls, status = press_in_window(receiver, unfold["action_id"], unfold["value"])
    assert status == 200
    update = calls["views.update"]
    assert (update["view_id"], update["hash"]) == ("V1", "h1")
    assert "Needs: 1 of @floor-managers" in str(update["view"])


def test_a_value_that_no_button_has_is_refused(receiver):
    calls, status = press_in_window(receiver, ids.TRAIL_NEXT, "EX-1; drop")
    assert status == 400
    assert "views.update" not in calls

from tests.emulator.calls import (
    BUTTON_BLOCKS,
    error_of,
    new_trigger,
    post_message,
    press,
    window,
)

FORM = {
    "type": "modal",
    "callback_id": "f",
    "title": {"type": "plain_text", "text": "x"},
    "submit": {"type": "plain_text", "text": "go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "l"},
            "element": {
                "type": "plain_text_input",
                "action_id": "a",
                "initial_value": "initial",
            },
        }
    ],
}


def modal(title):
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title},
        "blocks": [],
    }


def titles(slack):
    return [view["title"]["text"] for view in window(slack)["views"]]


def test_a_trigger_is_good_once_and_a_form_returns_its_content(slack, envelopes):
    press(slack, post_message(slack, blocks=BUTTON_BLOCKS))
    trigger = envelopes[0].payload["trigger_id"]
    view = slack.views_open(trigger_id=trigger, view=FORM)["view"]
    again = {"trigger_id": trigger, "view": FORM}
    stale_update = {"view_id": view["id"], "hash": "old", "view": FORM}
    assert error_of(slack.views_open, **again) == "exchanged_trigger_id"
    assert error_of(slack.views_update, **stale_update) == "hash_conflict"
    slack.emulator.post("submit", {"as": "U0ANA", "view_id": view["id"], "values": {}})
    content = {"type": "plain_text_input", "value": "initial"}
    assert envelopes[1].payload["view"]["state"]["values"] == {"b": {"a": content}}
    assert window(slack)["views"] == []


def test_views_stand_on_each_other_three_high_and_change_only_from_their_latest_hash(
    slack, envelopes
):
    def push(title):
        trigger = new_trigger(slack, envelopes)
        return slack.views_push(trigger_id=trigger, view=modal(title))["view"]

    trigger = new_trigger(slack, envelopes)
    first = slack.views_open(trigger_id=trigger, view=modal("One"))["view"]
    push("Two")
    third = push("Three")
    assert error_of(push, "Four") == "push_limit_reached"
    assert titles(slack) == ["One", "Two", "Three"]
    place = {"view_id": first["id"], "hash": first["hash"]}
    update = slack.views_update(view=modal("Uno"), **place)["view"]
    assert error_of(slack.views_update, view=modal("Eins"), **place) == "hash_conflict"
    assert update["hash"] != first["hash"]
    slack.emulator.post("close", {"as": "U0ANA", "view_id": third["id"]})
    assert titles(slack) == ["Uno", "Two"]


def test_a_trigger_expires_after_its_use_or_after_three_seconds(slack, envelopes):
    slack.emulator.post("faults", {"answer_within": 3})
    trigger = new_trigger(slack, envelopes)
    slack.views_open(trigger_id=trigger, view=modal("Once"))
    twice = {"trigger_id": trigger, "view": modal("Twice")}
    assert error_of(slack.views_open, **twice) == "exchanged_trigger_id"
    late = {"trigger_id": new_trigger(slack, envelopes), "view": modal("Late")}
    slack.emulator.post("clock", {"seconds": 4})
    assert error_of(slack.views_open, **late) == "expired_trigger_id"

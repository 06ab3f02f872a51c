import pytest

from bot.emulator.control.elements import action_payload, find_element, input_values
from bot.emulator.wire import ApiError

OPTIONS = [{"value": "one"}, {"value": "two"}]


def form(element):
    return [{"type": "input", "block_id": "b", "element": {"action_id": "a", **element}}]


@pytest.mark.parametrize(
    ("element", "value", "content"),
    [
        ({"type": "plain_text_input", "initial_value": "x"}, None, {"value": "x"}),
        ({"type": "plain_text_input", "initial_value": "x"}, "y", {"value": "y"}),
        ({"type": "static_select", "options": OPTIONS}, "two", {"selected_option": OPTIONS[1]}),
        ({"type": "static_select", "options": OPTIONS}, "three", {"selected_option": None}),
        ({"type": "radio_buttons", "initial_option": 1}, None, {"selected_option": 1}),
        ({"type": "users_select"}, "U1", {"selected_user": "U1"}),
        ({"type": "conversations_select"}, "C1", {"selected_conversation": "C1"}),
        ({"type": "datepicker", "initial_date": "d"}, None, {"selected_date": "d"}),
        ({"type": "datetimepicker", "initial_date_time": 5}, None, {"selected_date_time": 5}),
    ],
)
def test_an_input_keeps_its_initial_content_without_a_value(element, value, content):
    values = input_values(form(element), {"a": value})
    assert values == {"b": {"a": {"type": element["type"], **content}}}


def test_buttons_that_share_an_action_id_differ_by_value():
    first = {"type": "button", "action_id": "a", "value": "1"}
    second = {"type": "button", "action_id": "a", "value": "2"}
    blocks = [{"type": "actions", "elements": [first, second]}]
    assert find_element(blocks, {"action_id": "a", "value": "2"})[1] is second
    assert find_element(blocks, {"action_id": "a"})[1] is first
    with pytest.raises(ApiError, match="no_such_element"):
        find_element(blocks, {"action_id": "a", "value": "3"})


def test_a_menu_sends_the_option_and_a_forged_press_sends_anything():
    menu = {"type": "overflow", "action_id": "a", "options": OPTIONS}
    assert action_payload({}, menu, {"value": "two"})["selected_option"] == OPTIONS[1]
    with pytest.raises(ApiError, match="no_such_option"):
        action_payload({}, menu, {"value": "three"})
    action = action_payload({}, menu, {"forged_action_id": "x", "forged_value": "y"})
    assert (action["action_id"], action["type"], action["value"]) == ("x", "button", "y")

"""Presses and forms, read from Slack's payloads; forged ones are refused."""

import json

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.errors import BadRequest
from bot.cases.lifecycle import State
from handlers.cards import ids
from handlers.slack.interactions import ButtonPress, FormSubmission
from tests.conftest import SHARED
from tests.handlers.cards.examples import CASE_EXAMPLES as CARDS

CHECKSUM = "0123456789abcdef" * 2
BODY = {
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1"},
    "channel": {"id": "C1"},
    "trigger_id": "t",
    "actions": [{"value": f"EX-1:2:{CHECKSUM}:PROPOSED"}],
}


def press_with(action):
    return ButtonPress.parse({**BODY, "actions": [action]})


def test_a_press_says_who_and_which_case_and_nothing_else():
    assert ButtonPress.parse(BODY) == ButtonPress(
        person="T1/U1",
        user="U1",
        case_id="EX-1",
        snapshot=CardSnapshot(2, State.PROPOSED, CHECKSUM),
        choice="",
        channel="C1",
        message_ts="",
        is_on_card=False,
        trigger_id="t",
    )
    option = {"value": f"snooze EX-3:0:{'0' * 32}:REFERRED"}
    press = press_with({"selected_option": option})
    assert (press.choice, press.case_id) == ("snooze", "EX-3")
    assert press.snapshot == CardSnapshot(0, State.REFERRED, "0" * 32)


@pytest.mark.parametrize(
    ("container", "block_id", "is_on_card"),
    [
        ({"type": "message"}, "case:EX-1", True),
        ({"type": "message"}, "kind:EX-1", True),
        ({"type": "message"}, "needs:EX-1", False),
        ({"type": "message", "is_ephemeral": True}, "case:EX-1", False),
        ({"type": "view"}, "case:EX-1", False),
    ],
)
def test_a_card_is_told_from_a_list_and_from_what_one_person_sees(container, block_id, is_on_card):
    action = {**BODY["actions"][0], "block_id": block_id}
    body = {**BODY, "container": {**container, "message_ts": "1.0"}, "actions": [action]}
    press = ButtonPress.parse(body)
    assert (press.is_on_card, press.message_ts) == (is_on_card, "1.0")


@pytest.mark.threat("A1")
@pytest.mark.threat("A5")
@pytest.mark.parametrize("name", CARDS)
def test_what_a_button_of_any_state_carries_is_read_back_as_what_was_seen(name):
    case = CARDS[name]()
    press = press_with({"value": ids.token(case)})
    assert (press.case_id, press.snapshot) == (case.id, CardSnapshot.of(case))


@pytest.mark.threat("A1")
def test_a_button_of_an_earlier_release_says_nothing_of_what_was_seen():
    assert press_with({"value": "EX-1:2"}).snapshot is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        ":",
        "EX-1",
        "EX-1:",
        "EX-:1",
        "EX-x:1",
        "EX-1:-1",
        "EX-1:x",
        "EX-1:1:1",
        "EX-1:1:",
        "EX-1:1::",
        "EX-1:1::PROPOSED",
        f"EX-1:1:{'0' * 32}:PROPOSED:",
        f"EX-1:1:{'0' * 32}:PROPOSED:0",
        f"EX-1:1:{'0' * 32}:PROPOSED:0@",
        f"EX-1:1:{'0' * 32}:PROPOSED:0@1:2",
        f"EX-1:1:{'0' * 32}:proposed",
        f"EX-1:1:{'0' * 32}:GONE",
        "EX-1:1:" + "f" * 31 + ":PROPOSED",
        "EX-1:1:" + "f" * 64 + ":PROPOSED",
        "EX-1:1:" + "F" * 32 + ":PROPOSED",
        "EX-1:1:" + "g" * 32 + ":PROPOSED",
        f"EX-1:1:{'0' * 32}:PROPOSED\n",
        "EX-1:1" + "0" * 20,
        "EX-" + "9" * 60 + ":1",
        "EX-١:1",
        None,
        5,
        ["x"],
        "../EX-1:1",
    ],
)
def test_a_forged_button_is_no_button(value):
    with pytest.raises(BadRequest):
        press_with({"value": value})


@pytest.mark.parametrize("missing", ["user", "actions", "trigger_id", "channel"])
def test_a_payload_with_a_part_missing_is_refused(missing):
    with pytest.raises(BadRequest):
        ButtonPress.parse({name: value for name, value in BODY.items() if name != missing})


@pytest.mark.skipif(not SHARED.exists(), reason="the shared Slack payloads are absent")
def test_slacks_own_sample_payloads_are_read_or_refused_and_never_crash():
    for path in (SHARED / "data/slack_payloads/samples/app-backend").rglob("*.json"):
        payload = json.loads(path.read_text())
        for parse in (ButtonPress.parse, FormSubmission.parse):
            try:
                parse(payload)
            except BadRequest:
                continue

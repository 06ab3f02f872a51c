import json
import re

import httpx
import pytest
from slack_sdk.errors import SlackApiError

from bot.emulator.faults import CallFault, CallWindows, Faults, RateKnobs
from bot.emulator.server import PAGE
from tests.emulator.calls import error_of, open_home, post_message


def test_faults_are_counted_and_ended(slack):
    slack.emulator.post("faults", {"fail_every": 2})
    statuses = []
    for _ in range(6):
        try:
            slack.chat_postMessage(channel="C0OPS", text="x")
            statuses.append(200)
        except SlackApiError as refusal:
            statuses.append(refusal.response.status_code)
    assert statuses == [200, 500] * 3
    assert len(slack.emulator.messages("C0OPS")) == 3


def test_an_envelope_may_come_twice_and_an_edit_may_come_too_late(slack, envelopes):
    slack.emulator.post("faults", {"duplicate_next": 1})
    open_home(slack, "U0ANA")
    kinds = [envelope.payload["event"]["type"] for envelope in envelopes]
    assert kinds == ["app_home_opened"] * 2
    ts = post_message(slack)
    slack.emulator.post("faults", {"edit_window_closed": True})
    assert error_of(slack.chat_update, channel="C0OPS", ts=ts, text="x") == "edit_window_closed"


def test_faults_of_the_workspace_itself(slack):
    slack.emulator.post("channel", {"id": "C0OPS", "is_archived": True, "is_shared": True})
    assert error_of(slack.chat_postMessage, channel="C0OPS", text="x") == "is_archived"
    assert slack.conversations_info(channel="C0OPS")["channel"]["is_ext_shared"]
    slack.emulator.post("faults", {"refuse": {"users.info": "user_not_visible"}})
    assert error_of(slack.users_info, user="U0ANA") == "user_not_visible"
    slack.emulator.post("token", {"revoked": True})
    assert error_of(slack.auth_test) == "token_revoked"
    slack.emulator.post("token", {"revoked": False})
    assert slack.auth_test()["ok"]


def decide_many(faults, count=50):
    return [faults.decide("chat.postMessage") for _ in range(count)]


def test_a_seed_repeats_the_faults():
    faults = Faults()
    faults.set(drop_share=0.5, seed=7)
    first = decide_many(faults)
    faults.set(seed=7)
    assert decide_many(faults) == first
    assert set(first) == {CallFault.NONE, CallFault.DROP_AFTER}


def test_clearing_turns_every_fault_off_and_keeps_the_calls():
    faults = Faults()
    faults.set(down=True, lose_acks=2, retry_after=9)
    assert decide_many(faults, 3) == [CallFault.FAIL_BEFORE] * 3
    faults.clear()
    assert faults == Faults(calls=faults.calls, _dice=faults._dice)
    assert faults.calls["chat.postMessage"] == 3
    assert decide_many(faults, 3) == [CallFault.NONE] * 3


def test_an_unknown_knob_is_an_error():
    with pytest.raises(KeyError):
        Faults().set(upside_down=True)


def test_an_unknown_knob_is_refused_over_the_control_api(slack):
    response = httpx.post(f"{slack.emulator.url}/_ctl/faults", json={"as": "U0ANA"}, timeout=60)
    assert (response.status_code, response.json()) == (400, {"error": "there is no fault 'as'"})


def test_every_fault_button_of_the_page_sets_a_knob():
    script = (PAGE / "page.js").read_text()
    assert 'post("faults", body)' in script
    knobs = re.findall(r"fault\(\"[^\"]+\", \{ (\w+): (\w+) ", script)
    assert len(knobs) == 5
    faults = Faults()
    for knob, value in knobs:
        faults.set(**{knob: json.loads(value)})


def test_a_call_window_closes_when_it_is_empty():
    windows = CallWindows()
    knobs = RateKnobs(per_second=2, retry_after=5)
    admissions = [windows.admit("chat.postMessage", 0, knobs) for _ in range(3)]
    assert admissions == [True, True, False]
    assert windows.closings == 1
    assert not windows.admit("chat.postMessage", 4.9, knobs)
    assert windows.admit("chat.update", 4.9, knobs)
    assert windows.admit("chat.postMessage", 5, knobs)

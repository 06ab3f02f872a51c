"""Our side of Slack, against the emulator over a real socket: what is posted, found again, refused, and who people are."""

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.cases.errors import (
    BadRequest,
    ChatFailed,
    ChatUnknown,
    ConnectorFailed,
    LockedOut,
    NotEligible,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from bot.cases.lifecycle import State
from bot.cases.plan import Idempotency
from bot.cases.seen import Seen
from bot.connectors.message import MessageConnector
from bot.connectors.specs import ActionSpec, MessageSystem, ParameterType
from bot.ports import EffectStatus, PostedQuestion
from bot.sample.people import ANA, FINN, GUS, OMAR, TEAM
from bot.views.answers import Answer, AnswerLine
from handlers.cards import forms, ids
from handlers.slack import app as slack_app
from handlers.slack import http_door
from handlers.slack.chat import SlackChat, web_client
from handlers.slack.directory import SlackDirectory
from handlers.slack.gate import Gate
from handlers.slack.press import Press, Submission
from tests.cases.making import NOW, SEEN, proposed
from tests.conftest import SHARED, free_port
from tests.fakes.servers import Dripping, Silent, serving
from tests.handlers.test_cards import STATES as CARDS
from tests.world import policy


@pytest.fixture
def chat(emulator):
    chat = SlackChat(web_client("xoxb-emulator", f"{emulator.url}/api/"), Gate(0, 1))
    chat.emulator = emulator
    return chat


def case(**changes):
    now = datetime.now(UTC)
    return replace(proposed(), channel="C0STOCK", opened_at=now, **changes)


def test_a_card_is_posted_once_and_then_redrawn_in_place(chat):
    drawn = chat.draw_card(case(), [], look_first=False)
    again = chat.draw_card(case(version=9), [drawn], look_first=False)
    assert (again.ts, again.version) == (drawn.ts, 9)
    (message,) = chat.emulator.messages("C0STOCK")
    assert message["metadata"] == {
        "event_type": "exception_card",
        "event_payload": {"uid": "EX-1/1"},
    }


@pytest.mark.parametrize("fault", [{"drop_next": 1}, {"fail_every": 1, "fail_applied": True}])
def test_a_card_whose_reply_was_lost_is_found_and_adopted(chat, fault):
    chat.emulator.post("faults", fault)
    with pytest.raises(ChatUnknown):
        chat.draw_card(case(), [], look_first=False)
    chat.emulator.post("faults", {"fail_every": 0})
    drawn = chat.draw_card(case(), [], look_first=True)
    assert [message["ts"] for message in chat.emulator.messages("C0STOCK")] == [drawn.ts]


def test_of_two_copies_the_first_is_adopted_and_the_other_can_be_told_and_taken_away(chat):
    ours = {"event_type": "exception_card", "event_payload": {"uid": "EX-1/1"}}
    client = web_client("xoxb-emulator", f"{chat.emulator.url}/api/")
    first, _ = [
        client.chat_postMessage(channel="C0STOCK", text="card", metadata=ours)["ts"]
        for _ in range(2)
    ]
    drawn = chat.draw_card(case(), [], look_first=True)
    (copy,) = [one for one in chat.messages_about("EX-1", "C0STOCK", 0.0) if one.ts != drawn.ts]
    chat.remove(copy)
    chat.remove(copy)
    assert [message["ts"] for message in chat.emulator.messages("C0STOCK")] == [first] == [drawn.ts]


def test_a_card_that_somebody_deleted_is_posted_again(chat):
    drawn = chat.draw_card(case(), [], look_first=False)
    web_client("xoxb-emulator", f"{chat.emulator.url}/api/").chat_delete(
        channel="C0STOCK", ts=drawn.ts
    )
    again = chat.draw_card(case(), [drawn], look_first=False)
    assert [message["ts"] for message in chat.emulator.messages("C0STOCK")] == [again.ts]


def test_a_new_generation_is_a_new_card_and_the_old_one_loses_its_buttons(chat):
    old = chat.draw_card(case(), [], look_first=False)
    new = chat.draw_card(case(generation=2), [old], look_first=False)
    chat.retire_card(case(generation=2), old)
    first, second = chat.emulator.messages("C0STOCK")
    assert (first["ts"], second["ts"]) == (old.ts, new.ts)
    assert "actions" not in {block["type"] for block in first["blocks"]}
    assert "actions" in {block["type"] for block in second["blocks"]}


def test_the_kinds_of_no(chat):
    gone = replace(case(), channel="C0NOWHERE")
    with pytest.raises(ChatFailed, match="channel_not_found") as refused:
        chat.draw_card(gone, [], look_first=False)
    assert type(refused.value) is ChatFailed
    nobody = SlackChat(
        web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/"), Gate(0, 1)
    )
    with pytest.raises(Unreachable):
        nobody.draw_card(case(), [], look_first=False)


def test_when_slack_says_wait_one_call_was_refused_and_no_more(chat):
    chat.emulator.post("faults", {"per_second": 2, "retry_after": 1})
    refused = 0
    for number in range(12):
        try:
            chat.draw_card(replace(case(), id=f"EX-{number}"), [], look_first=False)
        except RateLimited as limited:
            refused += 1
            assert 0 < limited.seconds <= 1
    told = chat.emulator.get("traffic")
    assert (refused, told["rejected"]["chat.postMessage"], told["windows"]) == (10, 1, 1)


def test_we_keep_to_one_message_a_second_to_a_channel_ourselves():
    gate = Gate(1, 2)
    for _ in range(2):
        with gate.turn("chat.postMessage", "C1"):
            pass
    with pytest.raises(RateLimited), gate.turn("chat.postMessage", "C1"):
        pass
    with gate.turn("chat.postMessage", "C2"):
        pass


def test_a_message_of_a_plan_is_found_under_its_key(chat):
    assert chat.find_message("C0SALES", "k") is EffectStatus.ABSENT
    chat.send("C0SALES", "<!channel> *x*", "k")
    assert chat.find_message("C0SALES", "k") is EffectStatus.LANDED
    (message,) = chat.emulator.messages("C0SALES")
    assert message["text"] == "&lt;!channel&gt; *x*"
    assert message["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": "<!channel> *x*",
        "emoji": False,
    }
    chat.send(ANA, "to you", "k2")
    assert chat.find_message(ANA, "k2") is EffectStatus.LANDED


def test_a_note_is_posted_once_in_the_thread(chat):
    from bot.cases import commands as m
    from bot.cases.decide import decide
    from tests.cases.making import ANA as ANA_PERSON
    from tests.cases.making import asker

    drawn = chat.draw_card(case(), [], look_first=False)
    entries = decide(case(), m.Approve(asker(ANA_PERSON), SEEN), NOW).entries
    for look_first in (False, True):
        chat.post_note(case(), entries, [drawn], key="note:EX-1:3", look_first=look_first)
    assert [message.get("thread_ts") for message in chat.emulator.messages("C0STOCK")] == [
        drawn.ts,
        drawn.ts,
    ]


def asked_directly(**changes):
    base = {
        "id": "D0ANA:1.0",
        "person": f"{TEAM}/{ANA}",
        "user": ANA,
        "text": "open?",
        "channel": f"D{ANA[1:]}",
    }
    return PostedQuestion(**{**base, "thread": "1.0", "is_direct": True, **changes})


def answered():
    line = AnswerLine(
        case_id="EX-1",
        title="Merlot is low",
        state="open",
        detail="by noon",
        channel="C0STOCK",
        ts="1.000001",
    )
    return Answer("open cases", "", (line,), told="One case: EX-1 <!channel>.", model="m1")


def test_an_answer_grows_between_the_two_of_us_and_ends_with_its_cases(chat):
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    thread = chat.emulator.post("message", {"as": ANA, "channel": f"D{ANA[1:]}", "text": "open?"})[
        "ts"
    ]
    question = asked_directly(thread=thread)
    growing = chat.start_answer(question)
    chat.post_progress(question, growing, "Looking for: open <!channel>")
    (message,) = [one for one in chat.emulator.messages(f"D{ANA[1:]}") if one.get("bot_id")]
    assert [block["type"] for block in message["blocks"]] == ["task_card"]
    chat.answer(question, answered(), look_first=False, stream_ts=growing)
    chat.answer(question, answered(), look_first=True)
    (message,) = [one for one in chat.emulator.messages(f"D{ANA[1:]}") if one.get("bot_id")]
    assert message["thread_ts"] == thread
    told = json.dumps(message["blocks"])
    assert "In the words of the model m1" in told
    assert "/archives/C0STOCK/p1000001" in told
    assert "feedback_buttons" in told


def test_a_message_that_slack_has_closed_meanwhile_is_written_over(chat):
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    thread = chat.emulator.post("message", {"as": ANA, "channel": f"D{ANA[1:]}", "text": "open?"})[
        "ts"
    ]
    question = asked_directly(thread=thread)
    growing = chat.start_answer(question)
    chat.emulator.post("clock", {"seconds": 400})
    chat.answer(question, answered(), look_first=False, stream_ts=growing)
    (message,) = [one for one in chat.emulator.messages(f"D{ANA[1:]}") if one.get("bot_id")]
    assert "In the words of the model m1" in json.dumps(message["blocks"])


def test_what_an_attempt_began_and_never_ended_is_taken_away(chat):
    """Killed while it grew: the next attempt answers anew, and leaves the answers to other questions alone."""
    channel = f"D{ANA[1:]}"
    chat.emulator.post("home", {"as": ANA, "tab": "messages"})
    thread = chat.emulator.post("message", {"as": ANA, "channel": channel, "text": "open?"})["ts"]
    first = asked_directly(thread=thread, id=f"{channel}:{thread}")
    chat.start_answer(first)
    later = chat.emulator.post(
        "message", {"as": ANA, "channel": channel, "text": "late?", "thread_ts": thread}
    )["ts"]
    growing = chat.start_answer(asked_directly(thread=thread, id=f"{channel}:{later}"))
    chat.answer(first, answered(), look_first=True)
    ours = [one for one in chat.emulator.messages(channel) if one.get("bot_id")]
    assert growing in {one["ts"] for one in ours}
    assert [one.get("metadata", {}).get("event_payload", {}).get("uid", "") for one in ours] == [
        "",
        f"{channel}:{thread}",
    ]


def test_in_a_channel_nothing_grows_and_what_not_all_may_see_is_for_one_alone(chat):
    thread = chat.emulator.post("message", {"as": ANA, "channel": "C0OPS", "text": "open?"})["ts"]
    question = asked_directly(channel="C0OPS", thread=thread, is_direct=False)
    assert chat.start_answer(question) == ""
    chat.answer(question, answered(), look_first=False)
    assert [one["to"] for one in chat.emulator.get(f"state?as={ANA}")["ephemerals"]] == [ANA]
    line = replace(answered().lines[0], channel="C0OPS")
    here = replace(answered(), told="", text="1 case.", lines=(line,), is_public=True)
    chat.answer(question, here, look_first=False)
    assert (
        len(
            [
                one
                for one in chat.emulator.messages("C0OPS")
                if one.get("thread_ts") == thread and one.get("bot_id")
            ]
        )
        == 1
    )


# --- who people are --------------------------------------------------------------------------------------------------------


@pytest.fixture
def directory(chat):
    return SlackDirectory(web_client("xoxb-emulator", f"{chat.emulator.url}/api/"), chat.team_id)


def test_people_are_who_slack_says_they_are_now(directory, chat):
    ana = directory.person(f"{TEAM}/{ANA}")
    assert (ana.name, ana.active, ana.guest, ana.external, ana.bot) == (
        "Ana Duarte",
        True,
        False,
        False,
        False,
    )
    assert directory.person(f"{TEAM}/{GUS}").guest
    assert directory.person(f"TOTHER/{ANA}").external
    chat.emulator.post("user", {"id": ANA, "deleted": True})
    assert directory.person(f"{TEAM}/{ANA}").active
    assert not directory.person(f"{TEAM}/{ANA}", fresh=True).active


@pytest.mark.parametrize(
    "principal",
    ["", "U0ANA", "T0HARBOUR/", "/U0ANA", "T0HARBOUR/U0NOBODY", "T0HARBOUR/U0ANA/x", "Ana Duarte"],
)
def test_nobody_by_that_id_is_nobody(directory, principal):
    with pytest.raises(NotEligible):
        directory.person(principal)


def test_groups_are_exact_and_what_cannot_be_read_is_nobodys_to_use(directory, chat):
    assert directory.groups(["floor-managers"])["floor-managers"] == {
        f"{TEAM}/{one}" for one in (ANA, OMAR, GUS)
    }
    assert directory.groups(["Floor-Managers", "nobody", "T1/U1"]) == {
        "Floor-Managers": frozenset(),
        "nobody": frozenset(),
        "T1/U1": frozenset(),
    }
    chat.emulator.post("group", {"id": "S0FLOOR", "users": [FINN]})
    assert f"{TEAM}/{FINN}" not in directory.groups(["floor-managers"])["floor-managers"]
    assert directory.groups(["floor-managers"], fresh=True)["floor-managers"] == {f"{TEAM}/{FINN}"}
    lost = SlackDirectory(
        web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/"), chat.team_id
    )
    with pytest.raises(Unreachable):
        lost.groups(["floor-managers"])
    chat.emulator.post(
        "faults",
        {"refuse": {"usergroups.list": "missing_scope", "conversations.members": "missing_scope"}},
    )
    assert directory.groups(["floor-managers"], fresh=True) == {"floor-managers": frozenset()}
    assert directory.members_of("C0FLOOR") == frozenset()


def test_people_named_one_by_one_are_of_our_own_team_and_cost_no_call(directory, chat):
    chat.emulator.post("faults", {"refuse": {"usergroups.list": "missing_scope"}})
    named = directory.groups(["people:U0ANA+U0SUE"], fresh=True)
    assert named == {"people:U0ANA+U0SUE": {f"{TEAM}/U0ANA", f"{TEAM}/U0SUE"}}
    assert directory.groups(["people:"]) == {"people:": frozenset()}


def test_groups_of_any_number_cost_one_call(directory, chat):
    before = chat.emulator.get("traffic")["calls"]
    assert len(directory.groups(["floor-managers", "ops-leads", "finance"], fresh=True)) == 3
    after = chat.emulator.get("traffic")["calls"]
    assert {
        name: after[name] - before.get(name, 0) for name in after if name.startswith("usergroups")
    } == {"usergroups.list": 1}


@pytest.mark.parametrize("error", ["token_revoked", "invalid_auth", "account_inactive"])
def test_a_token_that_is_not_accepted_is_waited_for_and_named(directory, chat, error):
    chat.emulator.post("faults", {"refuse": {"users.info": error, "auth.test": error}})
    with pytest.raises(LockedOut, match=error) as caught:
        directory.person(f"{TEAM}/{ANA}", fresh=True)
    assert isinstance(caught.value, RateLimited)
    with pytest.raises(ChatFailed) as refused:
        chat.ping()
    assert refused.value.error == error


# --- payloads ------------------------------------------------------------------------------------------------------------

BODY = {
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1"},
    "channel": {"id": "C1"},
    "trigger_id": "t",
    "actions": [{"value": f"EX-1:2:{'0123456789abcdef' * 2}:PROPOSED"}],
}


def test_a_press_says_who_and_which_case_and_nothing_else():
    seen = Seen(2, State.PROPOSED, "0123456789abcdef" * 2)
    assert Press.parse(BODY) == Press("T1/U1", "U1", "EX-1", seen, "", "C1", "t")
    chosen = {
        **BODY,
        "actions": [{"selected_option": {"value": f"snooze EX-3:0:{'0' * 32}:REFERRED"}}],
    }
    assert (Press.parse(chosen).choice, Press.parse(chosen).case_id) == ("snooze", "EX-3")
    assert Press.parse(chosen).seen == Seen(0, State.REFERRED, "0" * 32)


@pytest.mark.threat("A1")
@pytest.mark.threat("A5")
@pytest.mark.parametrize("name", CARDS)
def test_what_a_button_of_any_state_carries_is_read_back_as_what_was_seen(name):
    case = CARDS[name]()
    press = Press.parse({**BODY, "actions": [{"value": ids.token(case)}]})
    assert (press.case_id, press.seen) == (case.id, Seen.of(case))


@pytest.mark.threat("A1")
def test_a_button_of_an_earlier_release_says_nothing_of_what_was_seen():
    assert Press.parse({**BODY, "actions": [{"value": "EX-1:2"}]}).seen is None


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
        Press.parse({**BODY, "actions": [{"value": value}]})


@pytest.mark.parametrize("missing", ["user", "actions", "trigger_id", "channel"])
def test_a_payload_with_a_part_missing_is_refused(missing):
    with pytest.raises(BadRequest):
        Press.parse({name: value for name, value in BODY.items() if name != missing})


@pytest.mark.skipif(not SHARED.exists(), reason="the shared Slack payloads are absent")
def test_slacks_own_sample_payloads_are_understood_or_refused_and_never_crash():
    for path in (SHARED / "data/slack_payloads/samples/app-backend").rglob("*.json"):
        payload = json.loads(path.read_text())
        for parse in (Press.parse, Submission.parse):
            try:
                parse(payload)
            except BadRequest:
                continue


# --- Slack over HTTP -----------------------------------------------------------------------------------------------------


@pytest.fixture
def over_http(emulator, small_world):
    client = web_client("xoxb-emulator", f"{emulator.url}/api/")
    chat = SlackChat(client, Gate(0, 1))
    app = slack_app.build(client, small_world.asked(), chat)
    small_world.people.people["T1/UANA"] = replace(small_world.people.people["T1/UANA"])
    clock = lambda: datetime.now(UTC)  # noqa: E731
    door = TestClient(
        Starlette(routes=[http_door.route(app, ("new-secret", "old-secret"), clock)]),
        raise_server_exceptions=False,
    )
    door.world = small_world
    return door


def signed(door, body: bytes, secret="new-secret", at=None, **change):
    timestamp = str(int(at or time.time()))
    signature = (
        "v0="
        + hmac.new(
            secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256
        ).hexdigest()
    )
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature,
        **change,
    }
    return door.post(
        "/slack/events",
        content=body,
        headers={name: value for name, value in headers.items() if value is not None},
    )


def press(case, user="UANA", action="case.approve", value=None):
    payload = {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "api_app_id": "A1",
        "token": "x",
        "trigger_id": "t",
        "container": {"type": "message", "channel_id": "C0STOCK", "message_ts": "1.0"},
        "channel": {"id": "C0STOCK", "name": "stock"},
        "enterprise": None,
        "is_enterprise_install": False,
        "actions": [
            {
                "type": "button",
                "action_id": action,
                "block_id": "b",
                "value": value or ids.token(case),
                "action_ts": "1.0",
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
def test_a_signed_press_decides_and_is_acknowledged_after_it_is_stored(over_http, secret):
    case = over_http.world.proposed()
    assert signed(over_http, press(case), secret).status_code == 200
    assert over_http.world.case(case).approvals[0].name == "Ana"


def test_the_identical_press_a_hundred_times_is_one_decision(over_http):
    case = over_http.world.proposed()
    body = press(case)
    answers = {signed(over_http, body).status_code for _ in range(100)}
    assert answers == {200}
    assert over_http.world.entry_names(case).count("approval.given") == 1


BUTTONS = [
    ids.APPROVE,
    ids.REJECT,
    ids.TRY_AGAIN,
    ids.RESOLVE,
    ids.SETTLE,
    ids.EDIT,
    ids.CLAIM,
    ids.NOVEL,
]


@pytest.mark.threat("A1")
@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_of_an_earlier_release_decides_nothing_and_its_card_is_drawn_again(
    over_http, action
):
    world = over_http.world
    case = world.proposed()
    before = len(world.chat.cards["EX-1/1"])
    assert (
        signed(
            over_http, press(case, action=action, value=f"{case.id}:{case.revision}")
        ).status_code
        == 200
    )
    refused = world.store.entries(case.id)[-1].body
    assert (refused.name, refused.code) == ("attempt.refused", "superseded")
    assert "drawn by an earlier release" in refused.reason
    assert (world.case(case).state, world.case(case).approvals) == (State.PROPOSED, ())
    world.work()
    assert len(world.chat.cards["EX-1/1"]) == before + 1


@pytest.mark.threat("A5")
def test_a_button_of_another_plan_under_the_same_number_decides_nothing(over_http):
    """A backup was restored and its ids are given again: the card of yesterday shows another order."""
    world = over_http.world
    world.house.rows[0]["quantity"] = 30
    yesterday = world.proposed()
    other = replace(yesterday, plan=replace(yesterday.plan, playbook="another"))
    assert signed(over_http, press(other)).status_code == 200
    refused = world.store.entries(yesterday.id)[-1].body
    assert (refused.name, refused.reason) == (
        "attempt.refused",
        "that card shows another plan than EX-1 has now; look at its card again",
    )
    assert world.case(yesterday).approvals == ()


def taken_back_by(case, user, note="wrong table"):
    """What Slack sends when this person has filled in the form of "Take back…"."""
    form = forms.undo_form(case)
    entered = {"note": {ids.NOTE: {"type": "plain_text_input", "value": note}}}
    payload = {
        "type": "view_submission",
        "user": {"id": user, "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "api_app_id": "A1",
        "token": "x",
        "trigger_id": "t",
        "view": {**form, "id": "V1", "state": {"values": entered}},
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.mark.threat("B7")
def test_taking_back_in_slack_waits_for_the_second_of_two(over_http):
    world = over_http.world
    world.library.rules = policy(high_above=Decimal(50))
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    for name in ("ben", "carla"):
        world.approve(case, name, note="yes")
    world.work()
    case = world.case(case)
    assert "It needs 2 people, as the plan did; 0 of them so far." in json.dumps(
        forms.undo_form(case)
    )
    assert signed(over_http, taken_back_by(case, "UBEN")).content == b""
    assert [vote.name for vote in world.case(case).undo_approvals] == ["Ben"]
    again = signed(over_http, taken_back_by(case, "UBEN")).json()
    assert (
        "said already that it is taken back; it waits for somebody else" in again["errors"]["note"]
    )
    assert (
        "only @finance or @ops-leads"
        in signed(over_http, taken_back_by(case, "UANA")).json()["errors"]["note"]
    )
    assert signed(over_http, taken_back_by(case, "UCARLA")).content == b""
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.REFERRED, 2)


@pytest.mark.parametrize(("seconds", "status"), [(-299, 200), (-302, 401), (298, 200), (302, 401)])
def test_five_minutes_either_side(over_http, seconds, status):
    case = over_http.world.proposed()
    assert signed(over_http, press(case), at=time.time() + seconds).status_code == status


FORGED = [
    {"x-slack-signature": None},
    {"x-slack-signature": ""},
    {"x-slack-signature": "v0="},
    {"x-slack-signature": "v0=" + "0" * 64},
    {"x-slack-signature": b"v0=\xff"},
    {"x-slack-signature": "v1=" + "0" * 64},
    {"x-slack-request-timestamp": None},
    {"x-slack-request-timestamp": "abc"},
    {"x-slack-request-timestamp": "1e9"},
    {"x-slack-request-timestamp": "-1"},
    {"x-slack-request-timestamp": "9" * 40},
    {"x-slack-request-timestamp": "1 "},
    {"x-slack-request-timestamp": "١"},
]


@pytest.mark.parametrize("change", FORGED, ids=range(len(FORGED)))
def test_a_forged_request_is_401_before_anything_is_parsed(over_http, change):
    case = over_http.world.proposed()
    change = {
        name: value.encode() if isinstance(value, str) else value for name, value in change.items()
    }
    assert signed(over_http, press(case), **change).status_code == 401
    assert over_http.world.case(case).approvals == ()


def test_another_secret_a_changed_body_and_an_unsigned_ssl_check_are_401(over_http):
    case = over_http.world.proposed()
    assert signed(over_http, press(case), "wrong").status_code == 401
    assert over_http.post("/slack/events", content=b"ssl_check=1").status_code == 401
    assert over_http.post("/slack/events", content=b"x" * 1_100_000).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"payload=zzz",
        b"payload=[]",
        b"payload=%5B%5B%5B",
        b"payload=" + b"[" * 3000,
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"",
        b'{"type":"url_verification","challenge":"x"}',
    ],
)
def test_a_signed_body_that_is_not_slacks_is_never_5xx(over_http, body):
    for kind in ("application/x-www-form-urlencoded", "application/json"):
        assert signed(over_http, body, **{"content-type": kind}).status_code < 500


# --- in time, and what is no answer of Slack's ------------------------------------------------------------------------------


def chat_at(server, seconds=0.5):
    client = web_client("xoxb-emulator", f"http://127.0.0.1:{server.port}/api/")
    client.timeout = seconds
    return SlackChat(client, Gate(0, 1))


@pytest.mark.threat("A3")
@pytest.mark.parametrize("kind", [Dripping, Silent])
def test_a_slack_that_answers_too_slowly_leaves_the_message_in_doubt(kind):
    with serving(kind()) as server:
        with pytest.raises(ChatUnknown):
            chat_at(server).send("C0STOCK", "hello", "k1")
        assert b"POST /api/chat.postMessage" in server.requests[0]


@pytest.mark.threat("A3")
def test_a_message_as_an_action_ends_within_the_time_of_its_system():
    tell = ActionSpec(
        "tell",
        1,
        {"to": ParameterType.TEXT, "text": ParameterType.TEXT},
        "channel:{to}",
        "Tell {to}",
        "“{text}”",
        False,
        Idempotency.MARKER,
    )
    with serving(Silent()) as server:
        chat = chat_at(server, seconds=60)
        connector = MessageConnector(
            MessageSystem("slack", {"tell": tell}, timedelta(seconds=0.5)), chat
        )
        action = connector.prepare("tell", {"to": "C0STOCK", "text": "hello"})
        with pytest.raises(OutcomeUnknown):
            connector.execute(action, "k1")
        assert connector.verify(action, "k1") is EffectStatus.UNKNOWN
        # Somebody else's call of the same method is under way: the turn is not waited for without end.
        with (
            chat._gate.turn("chat.postMessage", "C0STOCK"),
            pytest.raises(ConnectorFailed) as raised,
        ):
            in_another_thread(lambda: connector.execute(action, "k1"))
        assert (type(raised.value), raised.value.retryable) == (ConnectorFailed, True)


def in_another_thread(call):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.mark.threat("A2")
def test_a_page_from_somewhere_on_the_way_is_no_refusal_by_slack():
    with (
        serving(Dripping(b"<html>Please log in</html>", every=0)) as server,
        pytest.raises(ChatUnknown),
    ):
        chat_at(server, seconds=60).send("C0STOCK", "hello", "k1")


@pytest.mark.threat("A2")
def test_a_message_is_only_absent_when_everything_was_looked_through():
    class Endless:
        """A channel in which there is always another page."""

        def conversations_history(self, **_):
            return SimpleNamespace(
                data={"messages": [], "response_metadata": {"next_cursor": "more"}}
            )

    with pytest.raises(ChatUnknown):
        SlackChat(Endless(), Gate(0, 1)).find_message("C0STOCK", "k1")

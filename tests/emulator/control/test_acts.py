from bot.emulator.control.arguments import SENTENCES
from tests.emulator.calls import BUTTON_BLOCKS, post_message, press


def test_a_press_without_an_answer_is_not_acknowledged(slack):
    ts = post_message(slack, blocks=BUTTON_BLOCKS)
    assert press(slack, ts)["acked"] is False
    assert press(slack, ts, action_id="other") == {"error": "no_such_element"}
    assert press(slack, "1.0") == {"error": SENTENCES["message_not_found"]}


def test_a_command_outside_the_manifest_does_not_exist(slack, envelopes):
    act = {
        "as": "U0ANA",
        "channel": "C0OPS",
        "text": "",
    }
    answer = slack.emulator.post("slash", {**act, "command": "/nonsense"})
    assert answer == {"error": SENTENCES["no_such_command"]}
    assert slack.emulator.post("slash", {**act, "command": "/exceptions"})["acked"]


def test_the_app_receives_a_reaction(slack, envelopes):
    reaction = {
        "as": "U0BEN",
        "channel": "C0OPS",
        "ts": post_message(slack),
        "name": "eyes",
    }
    slack.emulator.post("react", reaction)
    assert envelopes[-1].payload["event"]["reaction"] == "eyes"


def test_a_mention_in_a_message_is_a_part_of_its_own(slack, envelopes):
    act = {
        "as": "U0ANA",
        "channel": "C0OPS",
        "text": "<@U0BEN> and <!subteam^S0OPS>: <b>",
    }
    ts = slack.emulator.post("message", act)["ts"]
    (message,) = slack.emulator.get(f"messages?channel=C0OPS&ts={ts}")
    (section,) = message["blocks"][0]["elements"]
    assert section["elements"] == [
        {"type": "user", "user_id": "U0BEN"},
        {"type": "text", "text": " and "},
        {"type": "usergroup", "usergroup_id": "S0OPS"},
        {"type": "text", "text": ": <b>"},
    ]

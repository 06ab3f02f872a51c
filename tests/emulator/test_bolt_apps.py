"""An app of Bolt's, unmodified but for its address, with every kind of listener."""

import pytest

from tests.emulator import bolt_app
from tests.waiting import wait_until

ANA = "Ana"


@pytest.fixture
def said():
    return []


@pytest.fixture
def slack(slack_emulator, said):
    """Return the workspace with the app connected."""
    slack_emulator.post("seed", {"manifest": bolt_app.MANIFEST})
    handler = bolt_app.connect(slack_emulator.api_url, said)
    slack_emulator.wait_for_app(60)
    yield slack_emulator
    handler.close()


def texts(messages):
    return [message["text"] for message in messages]


def private_texts(slack):
    return texts(slack.window(ANA)["ephemerals"])


def wait_for_text(slack, place, text):
    wait_until(lambda: text in texts(slack.messages(place)), text)


def heard(said, name):
    """Wait until a listener has heard something of this name, and return it."""
    wait_until(lambda: [one for one in said if one[0] == name], name)
    return next(one[1] for one in said if one[0] == name)


def test_messages_mentions_reactions_and_commands_reach_their_listeners(slack, said):
    assert slack.act("message", ANA, channel="general", text="hi there")["acked"]
    wait_for_text(slack, "general", "hi, how are you?")
    slack.act("message", ANA, channel="general", text="<@U0COUNTERSIGN> ?")
    wait_for_text(slack, "general", "You called?")
    ts = slack.messages("general")[0]["ts"]
    slack.act("react", ANA, channel="general", ts=ts, name="eyes")
    assert heard(said, "reaction") == "eyes"
    slack.act("slash", ANA, channel="general", command="/greet", text="you")
    wait_until(lambda: "Hello you" in private_texts(slack), "the command's answer")
    # The app is called what its manifest calls it.
    assert slack.window(ANA)["bot"]["name"] == "Greeter"


def test_a_shortcut_opens_a_modal_that_is_updated_suggested_to_refused_and_submitted(slack, said):
    slack.act("shortcut", ANA, callback_id="greet")
    view = slack.wait_for(lambda: slack.modal(ANA), 60)
    slack.act("click", ANA, view_id=view["id"], action_id="rename")
    wait_until(lambda: slack.modal(ANA)["title"]["text"] == "Another form", "the update")
    typed = {"view_id": view["id"], "action_id": "town", "value": "B"}
    options = slack.act("suggest", ANA, **typed)["payload"]["options"]
    assert [option["value"] for option in options] == ["Bath", "Bristol"]
    channel = slack.channel_id("general")
    values = {"town": options[0]}
    form = {"view_id": view["id"], "values": values}
    refused = slack.act("submit", ANA, **{**form, "values": {**values, "words": "bad"}})
    assert refused["payload"]["errors"] == {"words": "Say something else"}
    values |= {
        "words": "good",
        "place": channel,
        "colours": ["red"],
        "people": ["U0ANA", "U0BEN"],
    }
    slack.act("submit", ANA, **form)
    state = heard(said, "values")
    assert state["town"]["town"]["selected_option"]["value"] == "Bath"
    assert state["colours"]["in"]["selected_options"][0]["text"]["text"] == "red"
    assert state["people"]["in"]["selected_users"] == ["U0ANA", "U0BEN"]
    assert state["at"]["in"]["selected_time"] == "09:00"
    wait_for_text(slack, "general", "<@U0ANA> says good")
    # By the response URL that the menu of conversations gave.
    wait_for_text(slack, "general", "Thank you")
    assert slack.modal(ANA) is None


def test_a_modal_that_is_closed_and_a_message_shortcut_are_heard_of(slack, said):
    slack.act("shortcut", ANA, callback_id="greet")
    view = slack.wait_for(lambda: slack.modal(ANA), 60)
    slack.act("close", ANA, view_id=view["id"])
    assert heard(said, "closed") is False
    ts = slack.act("message", ANA, channel="general", text="a remark")["ts"]
    slack.act("shortcut", ANA, callback_id="keep", channel="general", ts=ts)
    wait_until(lambda: "Kept: a remark" in private_texts(slack), "the shortcut's answer")


def test_the_home_the_assistants_pane_and_a_step_of_a_workflow_work(slack, said):
    slack.act("home", ANA, tab="home")
    home = slack.wait_for(lambda: slack.window(ANA)["home"], 60)
    assert home["blocks"][0]["text"]["text"] == "Welcome <@U0ANA>"
    thread = slack.act("assistant", ANA, context={"channel_id": "C0GENERAL"})
    place = {"channel": thread["channel"], "thread_ts": thread["thread_ts"]}
    wait_for_text(slack, thread["channel"], "How can I help?")
    assert heard(said, "context") == "C0GENERAL"
    wait_until(lambda: slack.window(ANA)["prompts"], "the prompts")
    moved = {"context": {"channel_id": "C0OTHER"}, "thread_ts": thread["thread_ts"]}
    slack.act("assistant", ANA, **moved)
    assert heard(said, "moved") == "C0OTHER"
    slack.act("message", ANA, text="hm", **place)
    wait_for_text(slack, thread["channel"], "You look at C0OTHER and say hm")
    for inputs in ({"number": 21}, {}):
        slack.act("function", ANA, callback_id="double", inputs=inputs)
    wait_until(
        lambda: (
            [one["status"] for one in slack.window(ANA)["executions"]] == ["succeeded", "failed"]
        ),
        "both steps",
    )
    first, second = slack.window(ANA)["executions"]
    assert first["outputs"] == {"number": 42}
    assert second["error"] == "There is no number"

"""Apps of Bolt's, unmodified but for their address, with every kind of listener."""

import asyncio
import contextlib
import socket

import pytest
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from starlette.applications import Starlette
from starlette.routing import Route

from bot.emulator.serving import serve_beside
from tests.emulator import bolt_app, bolt_async_app
from tests.emulator.bolt_http import CLIENT, SECOND, SECRET, install, second_of, workspaces
from tests.waiting import wait_until

ANA = "Ana"
SOCKET_MODE = "socket mode"
# Those of the manifest, and what a list of channels needs.
SCOPES = [*bolt_app.MANIFEST["oauth_config"]["scopes"]["bot"], "channels:read"]
HTTP = pytest.param("http", marks=pytest.mark.proof)


@pytest.fixture
def said():
    return []


@pytest.fixture(params=[SOCKET_MODE, HTTP])
def slack(request, said):
    """Return the workspace with the app connected in each of its ways."""
    if request.param != SOCKET_MODE:
        with over_http(said) as (slack, _):
            yield slack
        return
    slack_emulator = request.getfixturevalue("slack_emulator")
    slack_emulator.post("seed", {"manifest": bolt_app.MANIFEST})
    handler = bolt_app.connect(slack_emulator.api_url, said)
    slack_emulator.wait_for_app(60)
    yield slack_emulator
    handler.close()


@contextlib.contextmanager
def over_http(said, *, secret=SECRET, **options):
    """Serve the app at its request URL, and yield the workspace and the app's port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with workspaces(port, bolt_app.MANIFEST) as slack:
            app = bolt_app.make_app(slack.api_url, said, signing_secret=secret, **options)
            handler = SlackRequestHandler(app)
            paths = ("/slack/events", "/slack/install", "/slack/oauth_redirect")
            routes = [Route(path, handler.handle, methods=["GET", "POST"]) for path in paths]
            with serve_beside(Starlette(routes=routes), listener):
                yield slack, port


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


def test_a_request_with_another_signature_reaches_no_listener(said):
    with over_http(said, secret="another") as (slack, _):
        assert not slack.act("message", ANA, channel="general", text="hi")["acked"]
        assert texts(slack.messages("general")) == ["hi"]


@pytest.mark.proof
def test_teams_install_the_app_by_themselves(said, tmp_path):
    settings = OAuthSettings(
        client_id=CLIENT.id,
        client_secret=CLIENT.secret,
        scopes=["chat:write"],
        installation_store=FileInstallationStore(base_dir=str(tmp_path)),
        state_store=FileOAuthStateStore(expiration_seconds=60, base_dir=str(tmp_path)),
    )
    with over_http(said, oauth_settings=settings) as (first, port):
        settings.authorize_url_generator.authorization_url = f"{first.url}/oauth/v2/authorize"
        settings.authorize_url_generator.redirect_uri = settings.redirect_uri = (
            f"http://127.0.0.1:{port}/slack/oauth_redirect"
        )
        for team, slack in {
            first.get("state")["team"]["id"]: first,
            SECOND: second_of(first),
        }.items():
            slack.act("message", ANA, channel="general", text="hi")
            assert texts(slack.messages("general")) == ["hi"]
            assert install(first, port, team).status_code == 200
            slack.act("message", ANA, channel="general", text="hello")
            wait_for_text(slack, "general", "hello, how are you?")


def test_an_app_for_asyncio_works(slack_emulator):
    slack = slack_emulator
    manifest = {**bolt_app.MANIFEST, "oauth_config": {"scopes": {"bot": SCOPES}}}
    slack.post("seed", {"manifest": manifest})

    async def play():
        handler = await bolt_async_app.connect(slack.api_url)
        try:
            await asyncio.to_thread(play_async_app, slack)
        finally:
            await handler.close_async()

    asyncio.run(play())


def play_async_app(slack):
    channels = [{"id": f"C0{name}", "name": name.lower(), "members": []} for name in "AB"]
    slack.post("seed", {"channels": channels})
    slack.wait_for_app(60)
    slack.act("message", ANA, channel="general", text="hello")
    wait_for_text(slack, "general", "hello, how are you?")
    slack.act("message", ANA, channel="general", text="list")
    wait_for_text(slack, "general", "a+b | general")
    slack.act("slash", ANA, channel="general", command="/greet", text="you")
    wait_until(lambda: "Hello you" in private_texts(slack), "the command's answer")
    slack.act("shortcut", ANA, callback_id="greet")
    view_id = slack.wait_for(lambda: slack.modal(ANA), 60)["id"]
    slack.act("click", ANA, view_id=view_id, action_id="rename")
    wait_until(lambda: slack.modal(ANA)["title"]["text"] == "Another form", "the update")
    typed = {"view_id": view_id, "action_id": "town", "value": "B"}
    assert slack.act("suggest", ANA, **typed)["payload"]["options"][0]["value"] == "Bath"
    form = {"view_id": view_id, "values": {"words": "bad", "place": "C0GENERAL"}}
    assert slack.act("submit", ANA, **form)["payload"]["response_action"] == "errors"
    form["values"]["words"] = "bread"
    slack.act("submit", ANA, **form)
    wait_for_text(slack, "general", "Thank you for bread")
    slack.act("shortcut", ANA, callback_id="greet")
    slack.act("close", ANA, view_id=slack.wait_for(lambda: slack.modal(ANA), 60)["id"])
    wait_for_text(slack, "D0ANA", "Closed")
    slack.act("home", ANA, tab="home")
    assert slack.wait_for(lambda: slack.window(ANA)["home"], 60)["blocks"]
    thread = slack.act("assistant", ANA, context={})
    wait_for_text(slack, "D0ANA", "How can I help?")
    place = {"channel": thread["channel"], "thread_ts": thread["thread_ts"]}
    slack.act("message", ANA, text="hm", **place)
    wait_for_text(slack, "D0ANA", "You say hm")
    assert [row for row in slack.get("traffic")["recent"] if row.get("ok") is False] == []

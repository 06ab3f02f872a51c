"""Slack's own Bolt for JavaScript, unmodified but for its address, with every kind of listener."""

import contextlib
import json

import pytest

from tests.emulator.bolt_http import CLIENT, SECOND, SECRET, install, second_of, workspaces
from tests.emulator.bolt_processes import BOLT_JS, bolt_js, node, running
from tests.servers import free_port
from tests.waiting import wait_until

ANA = "Ana"
MANIFEST = json.loads((BOLT_JS / "manifest.json").read_text())
NEWEST, BEFORE = "@slack/bolt", "bolt-4"
READY = "the app runs"
# One worker installs the packages.
pytestmark = pytest.mark.xdist_group("bolt_js")


@contextlib.contextmanager
def socket_app(slack, tmp_path, package):
    """Run the app over Socket Mode."""
    slack.post("seed", {"manifest": MANIFEST})
    log = tmp_path / "app.log"
    settings = {"MODE": "socket", "BOLT_PACKAGE": package}
    with running([node(package), "app.js"], bolt_js(), slack, log=log, **settings):
        yield log


@contextlib.contextmanager
def http_app(tmp_path, package, mode, *, secret=SECRET):
    """Run the app behind its request URL, and yield the workspace and the app's port."""
    executable, folder, port = node(package), bolt_js(), free_port()
    settings = {
        "MODE": mode,
        "BOLT_PACKAGE": package,
        "PORT": str(port),
        "SLACK_SIGNING_SECRET": secret,
        "SLACK_CLIENT_ID": CLIENT.id,
        "SLACK_CLIENT_SECRET": CLIENT.secret,
    }
    log = tmp_path / "app.log"
    with (
        workspaces(port, MANIFEST) as slack,
        running([executable, "app.js"], folder, slack, log=log, ready=READY, **settings),
    ):
        yield slack, port


def texts(slack, place):
    return [message["text"] for message in slack.messages(place)]


def wait_for_text(slack, place, text):
    wait_until(lambda: text in texts(slack, place), text)


def whispers(slack):
    return [message["text"] for message in slack.window(ANA)["ephemerals"]]


def say(slack, text, answer):
    """Write in #general as Ana, and wait for the app's answer there."""
    assert slack.act("message", ANA, channel="general", text=text)["acked"]
    wait_for_text(slack, "general", answer)


def title(slack):
    modal = slack.modal(ANA)
    return modal and modal["title"]["text"]


def open_form(slack):
    slack.act("shortcut", ANA, callback_id="greet")
    return slack.wait_for(lambda: slack.modal(ANA), 60)["id"]


def play_messages(slack):
    """Write, mention, react, use commands; press buttons that answer by their address."""
    say(slack, "hello there", "hello, how are you?")
    say(slack, "<@U0COUNTERSIGN> ?", "You called?")
    ts = slack.messages("general")[0]["ts"]
    slack.act("react", ANA, channel="general", ts=ts, name="eyes")
    both = {"U0ANA", "U0COUNTERSIGN"}
    wait_until(
        lambda: set(slack.messages("general")[0]["reactions"][0]["users"]) == both, "the reaction"
    )
    slack.act("slash", ANA, channel="general", command="/greet", text="you")
    wait_until(lambda: "Hello you" in whispers(slack), "the command's answer")
    slack.act("slash", ANA, channel="general", command="/now", text="")
    wait_for_text(slack, "general", "It is now")
    slack.act("shortcut", ANA, callback_id="keep", channel="general", ts=ts)
    wait_until(lambda: "Kept: hello there" in whispers(slack), "the shortcut's answer")
    say(slack, "buttons", "Three buttons")
    card = {"channel": "general", "ts": slack.messages("general")[-1]["ts"]}
    slack.act("click", ANA, action_id="whisper", **card)
    wait_until(lambda: "Psst" in whispers(slack), "the private message")
    shown = slack.messages("general")[-1]
    slack.act("click", ANA, action_id="replace", **card)
    wait_until(lambda: slack.messages("general")[-1]["text"] == "Replaced", "the new text")
    # Somebody's window is behind; the button is still there.
    slack.act("click", ANA, action_id="remove", shown=shown, **card)
    wait_until(lambda: "Replaced" not in texts(slack, "general"), "the end of the message")


def play_forms(slack):
    """Open, update, push, fill, refuse, submit and close a form."""
    view_id = open_form(slack)
    slack.act("click", ANA, view_id=view_id, action_id="rename")
    wait_until(lambda: title(slack) == "Another form", "the update")
    slack.act("click", ANA, view_id=view_id, action_id="more")
    wait_until(lambda: title(slack) == "More", "the form on top")
    assert slack.act("submit", ANA, view_id=slack.modal(ANA)["id"])["acked"]
    assert slack.modal(ANA) is None
    view_id = open_form(slack)
    typed = {"view_id": view_id, "action_id": "town", "value": "B"}
    options = slack.act("suggest", ANA, **typed)["payload"]["options"]
    assert [option["value"] for option in options] == ["Bath", "Bristol"]

    def submit(words, **more):
        values = {"words": words, "place": "C0GENERAL", **more}
        return slack.act("submit", ANA, view_id=view_id, values=values)

    assert submit("bad")["payload"]["errors"] == {"words": "Say something else"}
    submit("again")
    assert title(slack) == "Once more"
    submit("next")
    assert title(slack) == "Next"
    slack.act("close", ANA, view_id=slack.modal(ANA)["id"])
    submit("good", town=options[0], colours=["red"], people=["U0ANA", "U0BEN"])
    wait_for_text(slack, "general", "<@U0ANA> says good, Bath, red, 2, 09:00, kept")
    wait_for_text(slack, "general", "Thank you")
    assert slack.modal(ANA) is None
    slack.act("close", ANA, view_id=open_form(slack))
    wait_for_text(slack, "D0ANA", "Closed, cleared: false")


def play_places(slack):
    """Look at the home, talk in the assistant's pane, run steps of a workflow."""
    slack.act("home", ANA, tab="home")
    home = slack.wait_for(lambda: slack.window(ANA)["home"], 60)
    assert home["blocks"][0]["text"]["text"] == "Welcome <@U0ANA>"
    slack.act("click", ANA, action_id="from_home")
    wait_for_text(slack, "D0ANA", "You pressed home")
    thread = slack.act("assistant", ANA, context={"channel_id": "C0GENERAL"})
    place = {"channel": thread["channel"], "thread_ts": thread["thread_ts"]}
    wait_for_text(slack, "D0ANA", "How can I help?")
    wait_until(lambda: slack.window(ANA)["prompts"], "the prompts")
    moved = {"context": {"channel_id": "C0OTHER"}, "thread_ts": thread["thread_ts"]}
    slack.act("assistant", ANA, **moved)
    wait_for_text(slack, "D0ANA", "Now you look at C0OTHER")
    slack.act("message", ANA, text="hm", **place)
    wait_for_text(slack, "D0ANA", "You look at C0OTHER and say hm")
    for inputs in ({"number": 21}, {}):
        slack.act("function", ANA, callback_id="double", inputs=inputs)

    def steps():
        return [one["status"] for one in slack.window(ANA)["executions"]]

    wait_until(lambda: steps() == ["succeeded", "failed"], "both steps")
    done, failed = slack.window(ANA)["executions"]
    assert done["outputs"] == {"number": 42}
    assert failed["error"] == "There is no number"


def refused_calls(slack):
    return [row for row in slack.get("traffic")["recent"] if row.get("ok") is False]


def play_everything(slack):
    play_messages(slack)
    play_forms(slack)
    play_places(slack)
    assert refused_calls(slack) == []


def test_a_message_and_a_form_of_an_app_in_javascript_work(slack_emulator, tmp_path):
    with socket_app(slack_emulator, tmp_path, NEWEST):
        say(slack_emulator, "hi", "hi, how are you?")
        form = {
            "view_id": open_form(slack_emulator),
            "values": {"words": "x", "place": "C0GENERAL"},
        }
        assert slack_emulator.act("submit", ANA, **form)["acked"]
        wait_for_text(slack_emulator, "general", "<@U0ANA> says x, , , 0, 09:00, kept")
        assert refused_calls(slack_emulator) == []


@pytest.mark.proof
@pytest.mark.parametrize("package", [NEWEST, BEFORE])
def test_every_listener_works_over_socket_mode(slack_emulator, tmp_path, package):
    with socket_app(slack_emulator, tmp_path, package):
        play_everything(slack_emulator)


@pytest.mark.proof
@pytest.mark.parametrize("package", [NEWEST, BEFORE])
def test_every_listener_works_over_http(tmp_path, package):
    with http_app(tmp_path, package, "http") as (slack, _):
        play_everything(slack)


@pytest.mark.proof
@pytest.mark.parametrize("package", [NEWEST, BEFORE])
def test_slacks_client_pages_retries_uploads_and_is_told_what_is_wrong(
    slack_emulator, tmp_path, package
):
    slack = slack_emulator
    names = "abcde"
    channels = [{"id": f"C0{name.upper()}", "name": name, "members": []} for name in names]
    slack.post("seed", {"channels": channels})
    with socket_app(slack, tmp_path, package):
        say(slack, "list 2", "pages: a+b | c+d | e+general")
        say(slack, "people 2", "3 people on 2 pages")
        # The first text is replaced at once.
        say(slack, "stages", "second")
        wait_until(lambda: any("second http" in text for text in texts(slack, "general")), "stages")
        say(slack, "file", "note.txt, 9 bytes")
        say(slack, "call no.such.method", "refused; slack_webapi_platform_error; unknown_method")
        say(
            slack,
            "call chat.postMessage",
            "refused; slack_webapi_platform_error; invalid_arguments; "
            "[ERROR] missing required field: channel",
        )
        # Told to wait a second, the client does, and the app never hears of it.
        slack.post("faults", {"per_second": 1, "retry_after": 1})
        asked = 0
        # On a busy machine so few may be more than a second apart.
        while not slack.get("traffic")["rejected"].get("chat.postMessage"):
            for _ in range(3):
                slack.act("message", ANA, channel="general", text="hello")
            asked += 3
            wait_until(
                lambda count=asked: texts(slack, "general").count("hello, how are you?") == count,
                "the answers after a wait",
            )
            assert asked < 100


@pytest.mark.proof
def test_requests_with_another_signature_are_refused(tmp_path):
    with http_app(tmp_path, NEWEST, "http", secret="another") as (slack, _):
        assert not slack.act("message", ANA, channel="general", text="hello")["acked"]
        assert texts(slack, "general") == ["hello"]


@pytest.mark.proof
@pytest.mark.parametrize("package", [NEWEST, BEFORE])
def test_teams_install_the_app_by_themselves(tmp_path, package):
    with http_app(tmp_path, package, "oauth") as (first, port):
        teams = {first.get("state")["team"]["id"]: first, SECOND: second_of(first)}
        for team, slack in teams.items():
            # An app that has no token of the team cannot answer there.
            slack.act("message", ANA, channel="general", text="hi")
            assert texts(slack, "general") == ["hi"]
            assert install(first, port, team).status_code == 200
            say(slack, "hello", "hello, how are you?")
        assert [len(texts(slack, "general")) for slack in teams.values()] == [3, 3]

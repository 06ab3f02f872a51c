"""An app as Bolt's own templates make one: every kind of listener, over Socket Mode.

It stands for the apps of other people, and knows nothing of the emulator.
"""

import re

from slack_bolt import App, Assistant
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

MANIFEST = {
    "features": {
        "bot_user": {"display_name": "Greeter"},
        "shortcuts": [
            {"name": "Greet", "type": "global", "callback_id": "greet", "description": "x"},
            {"name": "Keep", "type": "message", "callback_id": "keep", "description": "x"},
        ],
        "slash_commands": [{"command": "/greet", "description": "x"}],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "chat:write",
                "commands",
                "assistant:write",
                "im:history",
                "channels:history",
                "reactions:read",
                "app_mentions:read",
            ]
        }
    },
    "settings": {
        "event_subscriptions": {
            "bot_events": [
                "app_home_opened",
                "app_mention",
                "message.channels",
                "message.im",
                "reaction_added",
                "assistant_thread_started",
                "assistant_thread_context_changed",
                "function_executed",
            ]
        }
    },
}


def plain(text):
    return {"type": "plain_text", "text": text}


def section(text):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def field(block_id, element):
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element}


def form(title):
    """Return a modal with an element of many kinds."""
    options = [{"text": plain(word), "value": word} for word in ("red", "green")]
    button = {"type": "button", "action_id": "rename", "text": plain("Rename")}
    return {
        "type": "modal",
        "callback_id": "form",
        "notify_on_close": True,
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": [
            {**section("Fill this in"), "accessory": button},
            field("words", {"type": "plain_text_input", "action_id": "in", "multiline": True}),
            field(
                "place",
                {
                    "type": "conversations_select",
                    "action_id": "in",
                    "response_url_enabled": True,
                    "default_to_current_conversation": True,
                    "filter": {"include": ["public"]},
                },
            ),
            field("town", {"type": "external_select", "action_id": "town", "min_query_length": 1}),
            field("colours", {"type": "checkboxes", "action_id": "in", "options": options}),
            field("people", {"type": "multi_users_select", "action_id": "in"}),
            field("at", {"type": "timepicker", "action_id": "in", "initial_time": "09:00"}),
        ],
    }


def make_app(api_url, said, **options):
    """Return the app; ``said`` collects what its listeners have heard.

    ``options`` are Bolt's; without any it has a token of its own.
    """
    token = None if options.get("oauth_settings") else "xoxb-emulator"
    app = App(client=WebClient(token, base_url=api_url), **options)

    @app.message(re.compile("(hi|hello)"))
    def greet(context, say):
        say(f"{context['matches'][0]}, how are you?")

    @app.event("message")
    def other_message():
        said.append(("message",))

    @app.event("app_mention")
    def mention(event, say):
        say("You called?", thread_ts=event["ts"])

    @app.event("reaction_added")
    def reaction(event):
        said.append(("reaction", event["reaction"]))

    @app.command("/greet")
    def command(ack, command, respond):
        ack()
        respond(f"Hello {command['text']}")

    @app.shortcut("greet")
    def shortcut(ack, shortcut, client):
        ack()
        client.views_open(trigger_id=shortcut["trigger_id"], view=form("A form"))

    @app.message_shortcut("keep")
    def keep(ack, shortcut, respond):
        ack()
        respond(f"Kept: {shortcut['message']['text']}")

    @app.action("rename")
    def rename(ack, body, client):
        ack()
        view = body["view"]
        client.views_update(view_id=view["id"], hash=view["hash"], view=form("Another form"))

    @app.options("town")
    def towns(ack, payload):
        names = [name for name in ("Bath", "Bristol", "York") if payload["value"] in name]
        ack(options=[{"text": plain(name), "value": name} for name in names])

    @app.view("form")
    def submitted(ack, view, body, client, respond):
        values = view["state"]["values"]
        words = values["words"]["in"]["value"]
        if words == "bad":
            ack(response_action="errors", errors={"words": "Say something else"})
            return
        ack()
        said.append(("values", values))
        place = values["place"]["in"]["selected_conversation"]
        client.chat_postMessage(channel=place, text=f"<@{body['user']['id']}> says {words}")
        respond("Thank you", response_type="in_channel")

    @app.view_closed("form")
    def closed(ack, body):
        ack()
        said.append(("closed", body["is_cleared"]))

    @app.event("app_home_opened")
    def home(event, client):
        if event["tab"] == "home":
            view = {"type": "home", "blocks": [section(f"Welcome <@{event['user']}>")]}
            client.views_publish(user_id=event["user"], view=view)

    @app.function("double")
    def double(inputs, complete, fail):
        number = inputs.get("number")
        if number is None:
            fail("There is no number")
        else:
            complete({"number": number * 2})

    app.use(make_assistant(said))
    return app


def make_assistant(said):
    assistant = Assistant()

    @assistant.thread_started
    def started(say, set_suggested_prompts, get_thread_context):
        say("How can I help?")
        said.append(("context", get_thread_context().channel_id))
        set_suggested_prompts(prompts=["What is this?"])

    @assistant.thread_context_changed
    def changed(payload, save_thread_context):
        context = payload["assistant_thread"]["context"]
        save_thread_context(context)
        said.append(("moved", context["channel_id"]))

    @assistant.user_message
    def answer(payload, say, set_status, get_thread_context):
        set_status("is thinking…")
        say(f"You look at {get_thread_context().channel_id} and say {payload['text']}")

    return assistant


def connect(api_url, said):
    """Connect the app, and return what closes the connection."""
    handler = SocketModeHandler(make_app(api_url, said), "xapp-emulator")
    handler.connect()
    return handler

"""An app of Bolt's for asyncio, with the listeners that differ from the other one."""

import re

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.async_app import AsyncAssistant
from slack_sdk.web.async_client import AsyncWebClient

from tests.emulator.bolt_app import form, plain, section


def make_app(api_url):
    app = AsyncApp(client=AsyncWebClient("xoxb-emulator", base_url=api_url))
    app.use(make_assistant())

    @app.message(re.compile("(hi|hello)"))
    async def greet(context, say):
        await say(f"{context['matches'][0]}, how are you?")

    @app.message(re.compile("list"))
    async def pages(client, say):
        pages = []
        async for page in await client.conversations_list(limit=2):
            pages.append("+".join(channel["name"] for channel in page["channels"]))
        await say(" | ".join(pages))

    @app.command("/greet")
    async def command(ack, command, respond):
        await ack()
        await respond(f"Hello {command['text']}")

    @app.shortcut("greet")
    async def shortcut(ack, shortcut, client):
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=form("A form"))

    @app.action("rename")
    async def rename(ack, body, client):
        await ack()
        view = body["view"]
        await client.views_update(view_id=view["id"], hash=view["hash"], view=form("Another form"))

    @app.options("town")
    async def towns(ack):
        await ack(options=[{"text": plain("Bath"), "value": "Bath"}])

    @app.view("form")
    async def submitted(ack, view, respond):
        words = view["state"]["values"]["words"]["in"]["value"]
        if words == "bad":
            await ack(response_action="errors", errors={"words": "Say something else"})
            return
        await ack()
        await respond(f"Thank you for {words}", response_type="in_channel")

    @app.view_closed("form")
    async def closed(ack, body, client):
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text="Closed")

    @app.event("app_home_opened")
    async def home(event, client):
        view = {"type": "home", "blocks": [section("Welcome")]}
        await client.views_publish(user_id=event["user"], view=view)

    return app


def make_assistant():
    assistant = AsyncAssistant()

    @assistant.thread_started
    async def started(say):
        await say("How can I help?")

    @assistant.user_message
    async def answer(payload, say, set_status):
        await set_status("is thinking…")
        await say(f"You say {payload['text']}")

    return assistant


async def connect(api_url):
    """Connect the app, and return what closes the connection."""
    handler = AsyncSocketModeHandler(make_app(api_url), "xapp-emulator")
    await handler.connect_async()
    return handler

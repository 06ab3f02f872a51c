"""A test of a Slack app that has nothing to do with Countersign.

The fixture ``slack_emulator`` comes with the package; nothing needs to be imported for it.
"""

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient


def make_app(api_url):
    app = App(client=WebClient("xoxb-emulator", base_url=api_url))

    @app.message("hello")
    def greet(message, say):
        say(f"Hello, <@{message['user']}>!")

    return app


def test_the_app_greets_whoever_says_hello(slack_emulator):
    app = make_app(slack_emulator.api_url)
    handler = SocketModeHandler(app, slack_emulator.app_token)
    handler.connect()
    slack_emulator.wait_for_app()
    slack_emulator.act("message", "Ana", channel="general", text="hello")
    answer = slack_emulator.wait_for(lambda: slack_emulator.messages("general")[1:])
    assert answer[0]["text"] == "Hello, <@U0ANA>!"
    handler.close()

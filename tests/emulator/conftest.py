import pytest
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.conftest import PATIENT
from tests.waiting import wait_until

SCOPES = [
    "chat:write",
    "reactions:write",
    "reactions:read",
    "pins:write",
    "pins:read",
    "files:write",
    "files:read",
    "assistant:write",
    "channels:read",
    "channels:history",
    "users:read",
    "usergroups:read",
    "users:read.email",
    "channels:join",
    "emoji:read",
]
EVENTS = [
    "app_mention",
    "message.im",
    "app_home_opened",
    "reaction_added",
]
MANIFEST = {
    "oauth_config": {"scopes": {"bot": SCOPES}},
    "settings": {"event_subscriptions": {"bot_events": EVENTS}},
    "features": {"shortcuts": [], "slash_commands": [{"command": "/exceptions"}]},
}


@pytest.fixture
def slack_emulator(slack_emulator):
    """Return the workspace of the plugin, which waits for an app on a busy machine."""
    slack_emulator.post("faults", PATIENT)
    return slack_emulator


@pytest.fixture
def slack(emulator):
    """Return Slack's own client, on the emulator over a real socket."""
    client = WebClient("xoxb-x", base_url=f"{emulator.url}/api/", retry_handlers=[])
    client.emulator = emulator
    emulator.post("seed", {"manifest": MANIFEST})
    return client


@pytest.fixture
def connect(slack):
    """Open connections of the app, each with a list of its envelopes.

    Every envelope is acknowledged.
    """
    clients = []

    def connect_one():
        envelopes = []

        def receive(client, request):
            envelopes.append(request)
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id))

        web_client = WebClient("xapp-x", base_url=f"{slack.emulator.url}/api/")
        client = SocketModeClient("xapp-x", web_client=web_client)
        client.socket_mode_request_listeners.append(receive)
        client.connect()
        clients.append(client)
        wait_until(lambda: connection_count(slack) == len(clients), "the connection")
        return envelopes

    yield connect_one
    for client in clients:
        client.close()


@pytest.fixture
def envelopes(connect):
    """Open one connection and return the envelopes the app receives."""
    return connect()


def connection_count(slack):
    """Return how many connections the app has."""
    return slack.emulator.get("traffic")["connections"]

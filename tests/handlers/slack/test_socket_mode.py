"""Socket Mode: what arrives is acknowledged at once, over whichever connection there is."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.demo.people import ANA
from handlers.slack.socket_mode import SocketModeConnection
from tests.waiting import wait_until

PRESSES = 200
WORDS = "What happened, and what is proposed, with figures and names. " * 10


class Desk:
    """A Bolt app with one button, connected to the emulator."""

    def __init__(self, emulator) -> None:
        self.emulator = emulator
        self.handle = lambda ack: ack()
        client = WebClient("xoxb-emulator", base_url=f"{emulator.url}/api/")
        app = App(client=client, process_before_response=True, token_verification_enabled=False)
        app.action("go")(lambda ack: self.handle(ack))
        self.connection = SocketModeConnection(app, "xapp-emulator", f"{emulator.url}/api/")
        self.ts = client.chat_postMessage(channel="C0STOCK", text="x", blocks=card())["ts"]

    def press(self, _=None):
        place = {"as": ANA, "channel": "C0STOCK", "ts": self.ts, "action_id": "go"}
        return self.emulator.post("click", place)["acked"]

    def connections(self):
        return self.emulator.get("traffic")["connections"]


def card():
    button = {
        "type": "button",
        "action_id": "go",
        "text": {"type": "plain_text", "text": "Go"},
        "value": "x",
    }
    section = {"type": "section", "text": {"type": "mrkdwn", "text": WORDS}}
    return [*[section] * 8, {"type": "actions", "elements": [button]}]


@pytest.fixture
def desk(emulator):
    desk = Desk(emulator)
    desk.connection.open()
    wait_until(desk.connection.is_connected, "a connection")
    yield desk
    desk.connection.close()
    assert not desk.connection.is_connected()


def test_a_burst_of_presses_is_acknowledged_whole(desk):
    with ThreadPoolExecutor(PRESSES) as pool:
        assert list(pool.map(desk.press, range(PRESSES))) == [True] * PRESSES


def test_an_acknowledgement_does_not_wait_for_what_the_listener_does_next(desk):
    going_on, ended = threading.Event(), threading.Event()

    def handle(ack):
        ack()
        going_on.wait(60)
        ended.set()

    desk.handle = handle
    assert desk.press()
    assert not ended.is_set()
    going_on.set()
    assert ended.wait(60)


@pytest.mark.threat("A2")
@pytest.mark.parametrize("is_abrupt", [False, True])
def test_a_press_in_hand_is_acknowledged_over_the_next_connection(desk, is_abrupt):
    arrived, going_on = threading.Event(), threading.Event()

    def handle(ack):
        arrived.set()
        going_on.wait(60)
        ack()

    desk.handle = handle
    with ThreadPoolExecutor(1) as pool:
        press = pool.submit(desk.press)
        assert arrived.wait(60)
        desk.emulator.post("disconnect", {"abruptly": is_abrupt})
        going_on.set()
        assert press.result()
    wait_until(desk.connection.is_connected, "a new connection")
    desk.handle = lambda ack: ack()
    assert desk.press()


def test_what_is_in_hand_is_acknowledged_before_the_end(emulator):
    desk = Desk(emulator)
    desk.connection.open()
    wait_until(desk.connection.is_connected, "a connection")
    arrived = threading.Event()

    def handle(ack):
        arrived.set()
        time.sleep(0.3)
        ack()

    desk.handle = handle
    with ThreadPoolExecutor(1) as pool:
        press = pool.submit(desk.press)
        assert arrived.wait(60)
        desk.connection.close()
        assert press.result()
    wait_until(lambda: desk.connections() == 0, "the end of the connection")


def test_a_connection_is_tried_again_until_the_token_is_accepted(emulator):
    emulator.post("token", {"revoked": True})
    connection = SocketModeConnection(
        App(
            client=WebClient("xoxb-emulator", base_url=f"{emulator.url}/api/"),
            token_verification_enabled=False,
        ),
        "xapp-emulator",
        f"{emulator.url}/api/",
    )
    connection.open()
    time.sleep(0.3)
    assert not connection.is_connected()
    emulator.post("token", {"revoked": False})
    wait_until(connection.is_connected, "a connection")
    connection.close()

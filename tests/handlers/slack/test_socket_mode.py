"""Socket Mode: what arrives is acknowledged at once, over whichever connection there is."""

import json
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from slack_bolt import App, BoltResponse
from slack_sdk import WebClient
from websockets.sync.server import serve

from bot.demo.people import ANA
from bot.desk.decision_priority import DecisionPriority
from handlers.slack import socket_mode
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
        self.priority = DecisionPriority(max_wait=300)
        self.connection = SocketModeConnection(
            app, "xapp-emulator", f"{emulator.url}/api/", self.priority
        )
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


def test_background_work_waits_for_a_press_until_it_is_acknowledged(desk):
    rushes, going_on = [], threading.Event()

    def handle(ack):
        rushes.append(desk.priority.is_rush())
        ack()
        rushes.append(desk.priority.is_rush())
        going_on.wait(60)

    desk.handle = handle
    assert desk.press()
    wait_until(lambda: len(rushes) == 2, "what follows the acknowledgement")
    assert rushes == [True, False]
    going_on.set()


def test_a_press_is_acknowledged_by_its_write_and_no_thread_waits_for_it(desk):
    writes = [Future() for _ in range(PRESSES)]
    waiting = list(writes)
    desk.handle = lambda ack: ack.defer(waiting.pop(), pytest.fail)
    with ThreadPoolExecutor(PRESSES) as pool:
        presses = [pool.submit(desk.press) for _ in writes]
        # Far more of them than there are workers.
        wait_until(lambda: not waiting, "all presses in hand")
        assert not any(press.done() for press in presses)
        assert desk.priority.is_rush()
        for write in writes:
            write.set_result(None)
        assert all(press.result() for press in presses)
    wait_until(lambda: not desk.priority.is_rush(), "the end of the presses")


def test_a_press_whose_write_has_failed_is_decided_once_more(desk):
    write, order = Future(), []

    def handle(ack):
        def again():
            order.append("again")
            ack()

        ack.defer(write, again)
        # Not by what its listener returns.
        order.append("deferred")

    desk.handle = handle
    with ThreadPoolExecutor(1) as pool:
        press = pool.submit(desk.press)
        wait_until(lambda: order == ["deferred"], "a press in hand")
        write.set_exception(RuntimeError())
        assert press.result()
    assert order == ["deferred", "again"]
    wait_until(lambda: not desk.priority.is_rush(), "the end of the press")


@pytest.fixture
def patience(monkeypatch):
    """What the connection waits for may take long on a busy machine."""
    monkeypatch.setattr(socket_mode, "REPLACEMENT_TIMEOUT_SECONDS", 300.0)
    monkeypatch.setattr(socket_mode, "LAST_WRITES_TIMEOUT_SECONDS", 300.0)


def test_the_writer_never_waits_for_a_connection(desk, patience):
    write, arrived = Future(), threading.Event()

    def handle(ack):
        ack.defer(write, pytest.fail)
        arrived.set()

    desk.handle = handle
    with ThreadPoolExecutor(2) as pool:
        press = pool.submit(desk.press)
        assert arrived.wait(60)
        first = desk.connection._socket
        # As while a connection is replaced.
        desk.connection._use(None)
        try:
            # The writer goes on before there is another one.
            pool.submit(write.set_result, None).result(60)
        finally:
            desk.connection._use(first)
        assert press.result()


def test_writes_under_way_are_acknowledged_before_the_end(emulator, patience):
    desk = Desk(emulator)
    desk.connection.open()
    wait_until(desk.connection.is_connected, "a connection")
    write, arrived = Future(), threading.Event()

    def handle(ack):
        ack.defer(write, pytest.fail)
        arrived.set()

    desk.handle = handle
    with ThreadPoolExecutor(2) as pool:
        press = pool.submit(desk.press)
        assert arrived.wait(60)
        closing = pool.submit(desk.connection.close)
        time.sleep(0.2)
        assert not closing.done()
        write.set_result(None)
        assert press.result()
        closing.result(60)


def test_a_press_that_fails_holds_up_no_work(desk):
    arrived = threading.Event()

    def fail(ack):
        arrived.set()
        raise RuntimeError

    desk.handle = fail
    # Nobody waits for the acknowledgement that does not come.
    desk.emulator.post("faults", {"answer_within": 3})
    with ThreadPoolExecutor(1) as pool:
        pool.submit(desk.press)
        assert arrived.wait(60)
        wait_until(lambda: not desk.priority.is_rush(), "the end of the press")


@pytest.mark.threat("A2")
@pytest.mark.parametrize("is_abrupt", [False, True])
def test_a_press_in_hand_is_acknowledged_over_the_next_connection(desk, patience, is_abrupt):
    arrived, going_on = threading.Event(), threading.Event()

    def handle(ack):
        arrived.set()
        going_on.wait(60)
        ack()

    desk.handle = handle
    with ThreadPoolExecutor(1) as pool:
        press = pool.submit(desk.press)
        assert arrived.wait(60)
        first = desk.connection._socket
        desk.emulator.post("disconnect", {"abruptly": is_abrupt})
        wait_until(lambda: desk.connection._socket is not first, "the end of the connection")
        going_on.set()
        assert press.result()
    wait_until(desk.connection.is_connected, "a new connection")
    desk.handle = lambda ack: ack()
    assert desk.press()


@pytest.mark.parametrize("pause", [0, 0.2])
def test_what_is_in_hand_is_acknowledged_before_the_end(emulator, monkeypatch, pause):
    """Also what a worker has while the thread that gave it has not gone on."""
    desk = Desk(emulator)
    submit = desk.connection._workers.submit

    def submit_and_pause(*work):
        future = submit(*work)
        time.sleep(pause)
        return future

    monkeypatch.setattr(desk.connection._workers, "submit", submit_and_pause)
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


def test_a_connection_is_tried_again_until_slack_gives_one(emulator):
    emulator.post("faults", {"refuse": {"apps.connections.open": "internal_error"}})
    desk = Desk(emulator)
    desk.connection.open()
    wait_until(lambda: emulator.get("traffic")["calls"].get("apps.connections.open"), "a call")
    assert not desk.connection.is_connected()
    emulator.post("faults", {"refuse": {}})
    wait_until(desk.connection.is_connected, "a connection")
    assert desk.press()
    desk.connection.close()


def test_no_press_of_a_burst_is_lost_however_it_is_cut_into_pieces(monkeypatch):
    """The SDK's own client lost all of them: it recursed for each kilobyte."""
    count = 1_000
    acknowledged = set()
    is_done = threading.Event()

    def serve_burst(socket):
        for number in range(count):
            payload = {"type": "block_actions", "actions": [], "filler": "x" * 5_000}
            socket.send(json.dumps({"envelope_id": f"{number}", "payload": payload}))
        for text in socket:
            acknowledged.add(json.loads(text)["envelope_id"])
            if len(acknowledged) == count:
                is_done.set()

    app = App(
        client=WebClient("xoxb-test", base_url="http://127.0.0.1:9/api/"),
        process_before_response=True,
        token_verification_enabled=False,
    )
    monkeypatch.setattr(app, "dispatch", lambda request: BoltResponse(status=200))
    with serve(serve_burst, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        connection = SocketModeConnection(app, "xapp-test", "http://127.0.0.1:9/api/")
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        answer = SimpleNamespace(data={"url": url})
        monkeypatch.setattr(connection._client, "apps_connections_open", lambda **_: answer)
        connection.open()
        assert is_done.wait(60)
        connection.close()
        server.shutdown()
        thread.join()

"""Calls of the product's functions from signal to card, from press to resolved.

Both run in this process over SQLite and the real doors (HTTP intake, Slack's listeners, Slack's
client); only Slack itself and the system of record are stand-ins. A call is one start of a named
function: a resumed generator is no new call, and comprehensions and lambdas count with the
function around them.
"""

import argparse
import contextlib
import itertools
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from slack_bolt import BoltRequest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from starlette.testclient import TestClient

from bot.cases.lifecycle import State
from bot.cases.source import Format, Source
from bot.ports.outbox import LeasedMessage, Topic
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from handlers.cards import ids
from handlers.intake import app as intake_app
from handlers.intake.app import IntakeApi
from handlers.intake.authentication import Credentials, Sources
from handlers.slack import app as slack_app
from handlers.slack.chat import SlackChat
from handlers.slack.rate_limiter import RateLimiter
from tests.measures.structure import PRODUCT
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(f"{ROOT / room}/" for room in PRODUCT)
# The low bits of the argument of RESUME: zero at the start of a function, else after a yield.
RESUMED = 0x3
BOUNDS = {"signal to card": (500, 150), "press to resolved": (450, None)}
TOKEN = "t0ken"
SIGNAL = {
    "kind": "low_stock",
    "title": "Merlot is running low",
    "facts": {"product_id": 1},
}


class CallProfile:
    """Meets every start of a named function below some folders, in every thread."""

    def __init__(self, folders: tuple[str, ...] = FOLDERS) -> None:
        self.folders = folders

    @contextlib.contextmanager
    def install(self) -> Iterator[None]:
        """Profile this thread and all that start from now on."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def meet(self, code: CodeType) -> None:
        """Do something with a function that starts."""
        raise NotImplementedError

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if not code.co_filename.startswith(self.folders) or code.co_name.startswith("<"):
            return
        if not code.co_code[frame.f_lasti + 1] & RESUMED:
            self.meet(code)


class CallCounter(CallProfile):
    """Counts what starts while it is on."""

    def __init__(self, folders: tuple[str, ...] = FOLDERS) -> None:
        super().__init__(folders)
        self.calls: Counter[CodeType] = Counter()
        self._is_on = False

    @contextlib.contextmanager
    def count(self) -> Iterator[None]:
        """Count anew while the block runs."""
        self.calls.clear()
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    def meet(self, code: CodeType) -> None:
        """Count it."""
        if self._is_on:
            self.calls[code] += 1


@dataclass(frozen=True, kw_only=True)
class Way:
    """The calls of one way."""

    name: str
    calls: Counter[CodeType]

    @property
    def total(self) -> int:
        """All calls."""
        return self.calls.total()

    @property
    def functions(self) -> int:
        """Distinct functions."""
        return len(self.calls)

    @property
    def files(self) -> int:
        """Distinct files."""
        return len({code.co_filename for code in self.calls})

    @property
    def is_met(self) -> bool:
        """Tell whether the bounds hold."""
        calls, functions = BOUNDS[self.name]
        return self.total <= calls and (functions is None or self.functions <= functions)

    def busiest(self, count: int) -> list[str]:
        """Describe the functions that are called most."""
        return [
            f"{calls:>6}  {Path(code.co_filename).relative_to(ROOT)}:{code.co_firstlineno} "
            f"{code.co_qualname}"
            for code, calls in self.calls.most_common(count)
        ]


@contextlib.contextmanager
def stub_slack() -> Iterator[None]:
    """Let every client of Slack accept each call, without a network.

    Bolt makes copies of the client it is given, so a class of one's own is not enough.
    """
    numbers = itertools.count(1)

    def answer(self: WebClient, api_method: str, **_arguments: Any) -> SlackResponse:
        data = {
            "ok": True,
            "ts": f"1.{next(numbers)}",
            "channel": "C0STOCK",
            "messages": [],
            "team_id": "T1",
            "user_id": "UBOT",
            "bot_id": "B1",
            "url": "https://harbour.example/",
        }
        return SlackResponse(
            client=self,
            http_verb="POST",
            api_url=api_method,
            req_args={},
            headers={},
            status_code=200,
            data=data,
        )

    genuine = WebClient.api_call
    WebClient.api_call = answer  # type: ignore[method-assign]
    try:
        yield
    finally:
        WebClient.api_call = genuine  # type: ignore[method-assign]


@dataclass
class Inbox:
    """A worker pool of this process, whose messages wait until they are worked off.

    As in the product, a commit hands it what is due, under lease.
    """

    topics: tuple[Topic, ...] = (Topic.TRIAGE, Topic.CARD, Topic.EXECUTE)
    lease_for: float = 30.0
    messages: list[LeasedMessage] = field(default_factory=list)

    def has_room(self) -> bool:
        return True

    def accept(self, messages: Sequence[LeasedMessage], /) -> None:
        self.messages += messages

    def wake(self, at: datetime | None = None, /) -> None:
        """Leave what is not leased to the next claim."""


class Office:
    """The desk with its real doors, over one empty database."""

    def __init__(self, store: Store) -> None:
        self.inbox = Inbox()
        store.database.local_workers.append(self.inbox)
        slack = WebClient("xoxb-stub")
        chat = SlackChat(slack, RateLimiter(0, 1))
        self.world = World(store, chat=chat)
        sources = Sources(
            {"api": Source(name="api", format=Format.SIGNAL)}, {"api": Credentials((TOKEN,))}
        )
        api = IntakeApi(
            intake=self.world.desk.intake,
            sources=sources,
            find_problems=list,
        )
        self.http = TestClient(intake_app.build_app(api))
        self.slack = slack_app.build_app(slack, self.world.slack_services(chat))

    def receive(self, number: int) -> str:
        """Post one signal to the intake and return its case id."""
        answer = self.http.post(
            "/v1/signals",
            json={**SIGNAL, "key": f"k{number}", "subject": f"product:{number}"},
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        return str(answer.json()["case"])

    def approve_button(self, case_id: str) -> BoltRequest:
        """Build the press of the button on the case's card."""
        case = self.world.store.cases.case(case_id)
        card = self.world.store.cards.cards(case.id)[0]
        button = {
            "type": "button",
            "action_id": ids.APPROVE,
            "block_id": "b",
            "value": ids.token(case),
            "action_ts": "1.0",
        }
        body = {
            "type": "block_actions",
            "user": {"id": "UANA", "team_id": "T1"},
            "team": {"id": "T1"},
            "channel": {"id": case.channel},
            "trigger_id": "t",
            "message": {"ts": card.ts},
            "container": {"type": "message", "message_ts": card.ts, "channel_id": case.channel},
            "actions": [button],
        }
        return BoltRequest(body=body, mode="socket_mode")

    def press(self, button: BoltRequest) -> None:
        """Send a press to Slack's listeners."""
        answer = self.slack.dispatch(button)
        assert answer.status == 200, answer.body

    def ask(self, text: str) -> None:
        """Send a direct message to Slack's listeners."""
        event = {
            "type": "message",
            "channel_type": "im",
            "channel": "D0ANA",
            "user": "UANA",
            "team": "T1",
            "text": text,
            "ts": "9.1",
        }
        body = {
            "type": "event_callback",
            "team_id": "T1",
            "event_id": "Ev1",
            "event": event,
            "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        }
        answer = self.slack.dispatch(BoltRequest(body=body, mode="socket_mode"))
        assert answer.status == 200, answer.body

    def work(self, topic: Topic) -> None:
        """Work off the one message of this topic that was handed over."""
        [message] = [message for message in self.inbox.messages if message.topic is topic]
        self.inbox.messages.remove(message)
        self.world.lane.handle(message)

    def finish(self) -> None:
        """Work off everything else."""
        while self.inbox.messages:
            self.world.lane.handle(self.inbox.messages.pop(0))
        self.world.work()


def measure() -> list[Way]:
    """Go both ways twice and return the calls of the second time."""
    counter = CallCounter()
    with tempfile.TemporaryDirectory() as folder, stub_slack(), counter.install():
        database = Database(f"sqlite:///{folder}/countersign.db")
        with contextlib.closing(database):
            migrate(database)
            office = Office(Store.over(database))
            for number in (1, 2):
                ways = _go(office, counter, number)
    return ways


def _go(office: Office, counter: CallCounter, number: int) -> list[Way]:
    world = office.world
    with counter.count():
        case_id = office.receive(number)
        office.work(Topic.TRIAGE)
        office.work(Topic.CARD)
    signal = Way(name="signal to card", calls=counter.calls.copy())
    assert world.store.cards.cards(case_id), "no card was posted"
    office.finish()
    button = office.approve_button(case_id)
    with counter.count():
        office.press(button)
        office.work(Topic.EXECUTE)
    press = Way(name="press to resolved", calls=counter.calls.copy())
    assert world.store.cases.case(case_id).state is State.RESOLVED, "the case was not resolved"
    office.finish()
    return [signal, press]


def main(arguments: list[str]) -> int:
    """Print the calls of both ways and return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.measures calls", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="functions to show")
    parser.add_argument("--strict", action="store_true", help="fail when a bound is missed")
    options = parser.parse_args(arguments)
    ways = measure()
    if options.json:
        print(json.dumps([_as_plain(way, options.worst) for way in ways], indent=1))
    else:
        for way in ways:
            calls, functions = BOUNDS[way.name]
            limit = f"≤ {calls} calls" + (f", ≤ {functions} functions" if functions else "")
            mark = "✓" if way.is_met else "✗"
            print(
                f"{mark} {way.name:<18} {way.total:>5} calls {way.functions:>4} functions "
                f"{way.files:>3} files   {limit}"
            )
            print(*way.busiest(options.worst), sep="\n", end="\n" if options.worst else "")
    return 1 if options.strict and not all(way.is_met for way in ways) else 0


def _as_plain(way: Way, worst: int) -> dict[str, object]:
    return {
        "name": way.name,
        "calls": way.total,
        "functions": way.functions,
        "files": way.files,
        "is_met": way.is_met,
        "worst": way.busiest(worst),
    }

"""The sample company without its history: the real bot against the emulator, and its people."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import timedelta

from bot import wiring
from bot.clock import utc_now
from bot.demo import company
from bot.demo.people import TEAM
from bot.settings import load
from handlers.cards import ids
from tests.journeys.bots import sample_environment
from tests.waiting import wait_until


class MovedClock:
    """Real time, put forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self):
        return utc_now() + self.ahead

    def forward(self, **span) -> None:
        self.ahead += timedelta(**span)


class Harbour:
    """A running bot and the people around it."""

    def __init__(self, folder, emulator, **environment) -> None:
        self.folder = folder
        self.emulator = emulator
        self.clock = MovedClock()
        database = folder / "company.db"
        if not database.exists():
            company.write_database(database, utc_now().replace(tzinfo=None, microsecond=0))
        self.settings = load(sample_environment(folder, emulator.url, **environment))
        self.service = None
        self.open()

    def open(self) -> None:
        """Start the bot and wait until Slack is connected."""
        # The end of the connection before may not have come to Slack yet.
        self.until(lambda: not self.emulator.get("traffic")["connections"], "no connection")
        self.service = wiring.build_service(self.settings, clock=self.clock)
        self.service.start()
        self.until(lambda: self.emulator.get("traffic")["connections"] > 0, "a connection")

    def close(self) -> None:
        """Stop the bot, if it runs."""
        if self.service:
            self.service.stop()
            self.service = None

    @property
    def desk(self):
        return self.service.desk

    def countersign(self, *arguments):
        """Run a command of the program beside this bot, and return what it prints."""
        environment = {
            name: value for name, value in self.settings.environment.items() if name.isupper()
        }
        process = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            env={**environment, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    # People.

    def press(self, who, channel, ts, action_id, value=None):
        place = {"as": who, "channel": channel, "ts": ts}
        return self.emulator.post("click", {**place, "action_id": action_id, "value": value})

    def press_home(self, who, action_id, value):
        return self.emulator.post("click", {"as": who, "action_id": action_id, "value": value})

    def submit(self, who, **values):
        (view,) = self.window(who)["views"][-1:]
        return self.emulator.post("submit", {"as": who, "view_id": view["id"], "values": values})

    def say(self, who, channel, text, **more):
        return self.emulator.post("message", {"as": who, "channel": channel, "text": text, **more})

    def command(self, who, channel, text):
        command = {"as": who, "channel": channel, "command": "/exceptions", "text": text}
        return self.emulator.post("slash", command)

    def home(self, who):
        """Open the home of this person, and return its blocks."""
        self.emulator.post("home", {"as": who, "tab": "home"})
        self.until(lambda: self.window(who)["home"], "a home")
        return self.window(who)["home"]["blocks"]

    def window(self, who):
        """Return what this person has before them: messages, views, home."""
        return self.emulator.get(f"state?as={who}")

    def whispers(self, who):
        """Return the private answers to this person as text."""
        ephemerals = self.window(who)["ephemerals"]
        return [json.dumps(message["blocks"], ensure_ascii=False) for message in ephemerals]

    def direct(self, who):
        """Return the messages between the bot and this person."""
        try:
            return self.emulator.messages(f"D{who[1:]}")
        except urllib.error.HTTPError:
            # Nobody has written to them yet.
            return []

    # Cases.

    def signal(self, **body):
        """Send a signal over HTTP, and return its receipt."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.settings.port}/v1/signals",
            data=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": "Bearer sample-source-token",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def cases(self, kind=""):
        cases = self.desk.store.queries.newest(limit=10_000)
        return [case for case in cases if kind in {"", case.kind}]

    def the(self, kind):
        """Return the one case of this kind that has a card, as soon as there is one."""
        self.until(lambda: any(self.card(case) for case in self.cases(kind)), f"a card of {kind}")
        return next(case for case in self.cases(kind) if self.card(case))

    def settled(self):
        """Wait until the eight exceptions of today have their cards."""
        self.until(
            lambda: len(self.cases()) >= 8 and all(map(self.card, self.cases())), "eight cards"
        )

    def case(self, case):
        """Return the case as it is now."""
        return self.desk.store.cases.case(case.id)

    def card(self, case):
        """Return the message that is the case's live card; None when there is none."""
        cards = self.desk.store.cards.cards(case.id)
        if not cards or not cards[0].ts:
            return None
        messages = self.emulator.get(f"messages?channel={cards[0].channel}&ts={cards[0].ts}")
        return next(iter(messages), None)

    def cards_of(self, case):
        """Return the uid of every message that says it is a card of this case."""
        uids = []
        for message in self.emulator.messages(case.channel):
            metadata = message.get("metadata") or {}
            uid = metadata.get("event_payload", {}).get("uid", "")
            if uid.partition("/")[0] == case.id:
                uids.append(uid)
        return uids

    def approve(self, who, case):
        """Press as the case is now, not as it was read."""
        # When it has ended, others have decided it.
        return self.press_current(
            who, case, "case.approve", unless=lambda: self.case(case).is_terminal
        )

    def press_current(self, who, case, action_id, *, entry="", unless=lambda: False):
        """Press what the card says of the case as it is now.

        The case may change, and its card be drawn again, between a look and a press. ``entry`` is
        that of a menu.
        """
        answers = []

        def is_pressed():
            token, card = ids.token(self.case(case)), self.card(case)
            value = f"{entry} {token}" if entry else token
            answers.append(self.press(who, case.channel, card["ts"], action_id, value=value))
            return "acked" in answers[-1] or unless()

        self.until(is_pressed, f"{action_id} on the card of {case.id}")
        return answers[-1]

    until = staticmethod(wait_until)


def principal(user):
    return f"{TEAM}/{user}"


@contextmanager
def harbour(folder, emulator, **environment):
    town = Harbour(folder, emulator, **environment)
    try:
        yield town
    finally:
        town.close()

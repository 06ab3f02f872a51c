"""The sample company without its past: the real bot against the emulator, with people who press, ask and wait."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import timedelta

from bot import settings as configuration
from bot import wiring
from bot.clock import utc_now
from bot.sample import company
from bot.sample.demo import sample_environment
from bot.sample.people import TEAM
from handlers.cards import ids

PATIENCE = 60.0


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
        self.folder, self.emulator = folder, emulator
        self.clock = MovedClock()
        if not (folder / "company.db").exists():
            company.build(folder / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
        self.settings = configuration.load(sample_environment(folder, emulator.url, **environment))
        self.house = None
        self.open()

    def open(self) -> None:
        self.house = wiring.build(self.settings, clock=self.clock)
        self.house.open()
        self.until(lambda: self.emulator.get("traffic")["connections"] > 0, "a connection")

    def close(self) -> None:
        if self.house:
            self.house.close()
            self.house = None

    @property
    def desk(self):
        return self.house.desk

    def countersign(self, *arguments):
        """What a command of the program prints, run beside this bot with its settings."""
        environment = {
            name: value for name, value in self.settings.secrets.items() if name.isupper()
        }
        run = [sys.executable, "-m", "bot", *arguments]
        done = subprocess.run(
            run,
            env={**environment, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # --- people ---

    def press(self, who, channel, ts, action_id, value=None):
        return self.emulator.post(
            "click",
            {"as": who, "channel": channel, "ts": ts, "action_id": action_id, "value": value},
        )

    def press_home(self, who, action_id, value):
        return self.emulator.post("click", {"as": who, "action_id": action_id, "value": value})

    def submit(self, who, **values):
        (view,) = self.window(who)["views"][-1:]
        return self.emulator.post("submit", {"as": who, "view_id": view["id"], "values": values})

    def say(self, who, channel, text, **more):
        return self.emulator.post("message", {"as": who, "channel": channel, "text": text, **more})

    def command(self, who, channel, text):
        return self.emulator.post(
            "slash", {"as": who, "channel": channel, "command": "/exceptions", "text": text}
        )

    def home(self, who):
        """The home after it has been opened."""
        version = json.dumps(self.window(who)["home"])
        self.emulator.post("home", {"as": who, "tab": "home"})
        self.until(lambda: self.window(who)["home"] and (version == "null" or True), "a home")
        return self.window(who)["home"]["blocks"]

    def window(self, who):
        return self.emulator.get(f"state?as={who}")

    def whispers(self, who):
        return [
            json.dumps(one["blocks"], ensure_ascii=False) for one in self.window(who)["ephemerals"]
        ]

    def direct(self, who):
        return self.emulator.messages(f"D{who[1:]}")

    # --- cases ---

    def signal(self, **body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.settings.port}/v1/signals",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": "Bearer sample-source-token"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def cases(self, kind=""):
        found = self.desk.store.queries.newest(limit=10_000)
        return [case for case in found if kind in {"", case.kind}]

    def the(self, kind):
        """The one case of this kind, once its card stands."""
        self.until(lambda: any(self.card(case) for case in self.cases(kind)), f"a card of {kind}")
        return next(case for case in self.cases(kind) if self.card(case))

    def settled(self):
        """The eight troubles of today have their cards."""
        self.until(
            lambda: len(self.cases()) >= 8 and all(map(self.card, self.cases())), "eight cards"
        )

    def case(self, case):
        return self.desk.store.cases.case(case.id)

    def card(self, case):
        cards = self.desk.store.cards.cards(case.id)
        if not cards or not cards[0].ts:
            return None
        found = [
            one for one in self.emulator.messages(cards[0].channel) if one["ts"] == cards[0].ts
        ]
        return found[0] if found else None

    def cards_of(self, case):
        """Every message that says it is a card of this case."""
        messages = self.emulator.messages(case.channel)
        uids = [
            (one.get("metadata") or {}).get("event_payload", {}).get("uid", "") for one in messages
        ]
        return [uid for uid in uids if uid.partition("/")[0] == case.id]

    def approve(self, who, case):
        card = self.card(case)
        return self.press(who, case.channel, card["ts"], "case.approve", ids.token(case))

    @staticmethod
    def until(true, what, patience=PATIENCE):
        ends = time.monotonic() + patience
        while not true():
            assert time.monotonic() < ends, f"waited {patience:.0f} s for {what}"
            time.sleep(0.03)


def principal(user):
    return f"{TEAM}/{user}"


@contextmanager
def harbour(folder, emulator, **environment):
    running = Harbour(folder, emulator, **environment)
    try:
        yield running
    finally:
        running.close()

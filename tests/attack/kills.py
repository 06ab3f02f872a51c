"""Kill -9 at random moments, and sleep beyond the lease, while cases live: nothing lost, nothing twice, nothing stuck."""

import contextlib
import json
import signal
import threading
import time
from random import Random

from bot.cases.lifecycle import State
from bot.demo.people import ANA, OMAR, TEAM
from tests.attack.invariants import everyone_presses_on, examine
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import LEASE_SECONDS, Bot, Town, element_of, town

MIN_KILLS = 3
KINDS = ("restock", "restock", "issue", "mismatch", "bulk")
QUIET_SECONDS = 60.0
DEPOT_MOODS = ("", "", "slow", "late", "503 after", "cut after", "slow look", "late key")


def attack(plan: Plan) -> None:
    """Kill on both databases, half of the time each."""
    databases = plan.databases()
    for number, (name, postgres) in enumerate(databases, start=1):
        share = number / len(databases)
        kills = plan.begin(f"kill -9 on {name}", "A2 A3 C6 D2")
        folder = plan.folder / f"kills-{number}"
        with town(folder, bots=2 if postgres else 1, postgres=postgres) as running:
            _kill(plan, running, kills, share)
            if postgres:
                naps = plan.begin("a process that sleeps longer than its lease", "A3")
                _nap(plan, running, naps, share)
            running.depot.mode = ""
            everyone_presses_on(running, QUIET_SECONDS)
            examine(running, kills)
            _count(running, kills)


class Traffic:
    """Signals that keep coming and people who keep pressing; they remember what was acknowledged."""

    def __init__(self, running: Town, dice: Random, *, per_second: float = 6.0) -> None:
        self.town, self.dice, self.wait = running, dice, 1 / per_second
        self.stopping = threading.Event()
        self._pressed: set[str] = set()
        self._threads = [
            threading.Thread(target=loop, daemon=True) for loop in (self._send, self._press)
        ]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self) -> None:
        dice = Random(self.dice.random())
        while not self.stopping.wait(self.wait):
            kind, number = dice.choice(KINDS), self.town.number()
            for bot in dice.sample(range(len(self.town.bots)), len(self.town.bots)):
                # Whoever is not answered sends it again, to whichever process is up: as the intake asks for.
                with contextlib.suppress(OSError, ValueError):
                    self.town.signal(kind, number, bot=bot)
                    break

    def _press(self) -> None:
        dice = Random(self.dice.random())
        while not self.stopping.is_set():
            with contextlib.suppress(OSError, ValueError, KeyError, TimeoutError):
                for case in self.town.store.queries.newest(states=[State.PROPOSED], limit=30):
                    if self.stopping.is_set() or case.id in self._pressed:
                        continue
                    self._pressed.add(case.id)
                    self._decide(case.id, dice)
                for case in self.town.store.queries.newest(states=[State.RESOLVED], limit=5):
                    if dice.random() < 0.05:
                        self._undo(case.id)
            self.stopping.wait(0.1)

    def _decide(self, case_id: str, dice: Random) -> None:
        card = self.town.card(case_id)
        if card is None:
            self._pressed.discard(case_id)
            return
        luck = dice.random()
        if luck < 0.1:
            values = {"field.reason": "not_worth_it", "field.note": ""}
            self._told(case_id, ANA, "reject", self.town.decide(ANA, card, "case.reject", values))
        elif luck < 0.2 and element_of(card, "case.edit"):
            answer = self.town.decide(
                OMAR, card, "case.edit", {"field.parameter.quantity": str(dice.randint(7, 20))}
            )
            self._told(case_id, OMAR, "edit", answer)
        else:
            self.town.approve(case_id)

    def _undo(self, case_id: str) -> None:
        card = self.town.card(case_id)
        if card and element_of(card, "case.undo"):
            self._told(
                case_id,
                ANA,
                "undo",
                self.town.decide(ANA, card, "case.undo", {"field.note": "a mistake"}),
            )

    def _told(self, case_id: str, who: str, what: str, answer: dict) -> None:
        """Remember a decision that was taken; a form that shows an error has been answered with no."""
        if answer.get("acked") and "errors" not in json.dumps(answer.get("payload")):
            self.town.acknowledged.append((case_id, f"{TEAM}/{who}", what))


def _kill(plan: Plan, running: Town, tally: Tally, share: float) -> None:
    """Kill one process after another while there is traffic, and start it again at once."""
    reserve = plan.seconds * 0.18
    with Traffic(running, plan.dice):
        time.sleep(0.5)
        while tally.tries < MIN_KILLS or plan.left(share) > reserve:
            running.depot.mode = plan.dice.choice(DEPOT_MOODS)
            # A single process must have lived a little to have something in hand.
            time.sleep(
                plan.dice.uniform(0.05, 1.2)
                if len(running.bots) > 1
                else plan.dice.uniform(0.3, 3.0)
            )
            bot = plan.dice.choice(running.bots)
            bot.kill()
            tally.tried()
            if plan.dice.random() < 0.3:
                time.sleep(plan.dice.uniform(0, 1.0))
            bot.launch()
            if plan.dice.random() < 0.3:
                # Killed again while it starts, perhaps.
                continue
            if not _comes_up(bot, tally):
                return
        for bot in running.bots:
            _comes_up(bot, tally)


def _comes_up(bot: Bot, tally: Tally) -> bool:
    try:
        bot.wait()
    except RuntimeError as failure:
        tally.broke(f"a process that was killed does not come up again: {failure}")
        return False
    return True


def _nap(plan: Plan, running: Town, tally: Tally, share: float) -> None:
    """Stop a process in the middle of slow work until its lease has run out, and let it go on."""
    reserve = plan.seconds * 0.08
    while tally.tries < 1 or plan.left(share) > reserve:
        numbers = [running.number() for _ in range(4)]
        ids = [running.signal("issue", number) for number in numbers]
        for case_id in ids:
            running.wait_for_button(case_id, "case.approve")
        running.depot.mode = "slow"
        for case_id in ids:
            running.approve(case_id)
        bot = plan.dice.choice(running.bots)
        time.sleep(plan.dice.uniform(0.0, 0.7))
        bot.send(signal.SIGSTOP)
        running.depot.mode = plan.dice.choice(("slow", "slow look", "late key"))
        time.sleep(LEASE_SECONDS + plan.dice.uniform(0.0, 3.0))
        bot.send(signal.SIGCONT)
        tally.tried()
        time.sleep(1.5)
        running.depot.mode = ""


def _count(running: Town, tally: Tally) -> None:
    tally.figures["cases"] = f"{len(running.store.queries.newest(limit=100_000)):,}"
    tally.figures["signals acknowledged"] = f"{len(running.accepted):,}"
    tally.figures["presses acknowledged"] = f"{len(running.acknowledged):,}"

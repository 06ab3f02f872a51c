"""Presses from stale cards, forged buttons and people without authority, against the emulator and `countersign run`."""

import contextlib
import json
import sqlite3
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from bot.audit.replay import replay
from bot.cases.decide import record_entry
from bot.cases.entries import Parked, StepReported, StepState
from bot.cases.lifecycle import State
from bot.clock import utc_now
from bot.demo import company
from bot.demo.people import ANA, FINN, OMAR, TEAM
from bot.demo.processes import BotProcess, EmulatorProcess
from bot.ports.case_store import Change
from bot.settings import PACKAGED_LIBRARY
from bot.store.database import Database
from bot.store.store import Store
from knowledge.library import copy_library
from tests.conftest import PATIENT
from tests.journeys.bots import sample_environment
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
# For as long the databases may hang in these tests, and a lease is longer.
HANG_SECONDS = 180
LEASE_SECONDS = 240


class Shop:
    """A bot in a process of its own, its system of record, and the people who press."""

    def __init__(self, folder: Path, emulator: EmulatorProcess) -> None:
        self.folder, self.emulator = folder, emulator
        library = folder / "library"
        copy_library(PACKAGED_LIBRARY, library)
        # A deed may hang for longer than it does by default: these tests hold the database.
        systems = (PACKAGED_LIBRARY / "systems.yml").read_text()
        (library / "systems.yml").write_text(
            systems.replace("timeout: 2s", f"timeout: {HANG_SECONDS}s", 1)
        )
        company.write_database(folder / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
        self.stock()
        settings = {
            "COUNTERSIGN_LIBRARY_DIR": str(library),
            "COUNTERSIGN_LOG_LEVEL": "CRITICAL",
            "COUNTERSIGN_STORM_AFTER": "0",
            "COUNTERSIGN_LEASE_FOR": str(LEASE_SECONDS),
        }
        self.bot = BotProcess(sample_environment(folder, emulator.url, **settings))
        self.bot.start()
        self.store = Store.over(Database(f"sqlite:///{folder / 'countersign.db'}"))

    def stock(self) -> None:
        """Make a small order the right thing for every bin of these tests."""
        with contextlib.closing(sqlite3.connect(self.folder / "company.db")) as database, database:
            database.execute("UPDATE suppliers SET lead_days = 1")
            database.execute(
                "UPDATE products SET cost = 2, price = 9, margin = 0.1 WHERE id BETWEEN 31 AND 34"
            )
            database.execute(
                "UPDATE stock SET on_hand = 1, on_order = 0, expected_use = 7, next_peak_on = date('now', '+4 days')"
                " WHERE product_id BETWEEN 31 AND 34"
            )

    def close(self) -> None:
        self.bot.stop()
        self.store.database.close()

    def proposed(self, product: int):
        """The case of a bin that is low, once its card asks for a decision."""
        body = {
            "key": f"bin-{product}",
            "kind": "low_stock",
            "subject": f"bin:{product}",
            "title": f"Bin {product} is low",
            "facts": {"product_id": product},
        }
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Bearer sample-source-token",
        }
        request = urllib.request.Request(
            f"{self.bot.url}/v1/signals", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            case_id = json.load(answer)["case"]
        self.until(lambda: self.values(case_id, "case.reject"), f"the card of {case_id}")
        return self.store.cases.case(case_id)

    def card(self, case_id: str):
        cards = self.store.cards.cards(case_id)
        found = self.emulator.messages(cards[0].channel) if cards else []
        return next((message for message in found if message["ts"] == cards[0].ts), None)

    def values(self, case_id: str, action_id: str) -> list[str]:
        """What the card's buttons of this name carry; for a menu, what its entries do."""
        blocks = (self.card(case_id) or {}).get("blocks", [])
        elements = [e for block in blocks if block["type"] == "actions" for e in block["elements"]]
        return [
            value
            for element in elements
            if element["action_id"] == action_id
            for value in [
                element.get("value"),
                *(option["value"] for option in element.get("options", [])),
            ]
            if value
        ]

    def press(self, who: str, case, action_id: str, value=None, **forged):
        place = {"as": who, "channel": case.channel, "ts": self.card(case.id)["ts"]}
        return self.emulator.post(
            "click", {**place, "action_id": action_id, "value": value, **forged}
        )

    def press_menu(self, who: str, case, entry: str, **forged):
        """Choose the entry of the card's menu that begins so, as the card is now."""
        answers: list = []

        def is_pressed() -> bool:
            # The card may be drawn again between the look at it and the press.
            entries = self.values(case.id, "case.more")
            values = [one for one in entries if one.startswith(entry)]
            answers.extend(self.press(who, case, "case.more", one, **forged) for one in values[:1])
            return bool(answers) and "acked" in answers[-1]

        self.until(is_pressed, f"{entry} in the menu of {case.id}")
        return answers[-1]

    def forge(self, who: str, case, action_id: str, value: str):
        """Press a button that is not there, or not any more."""
        return self.press_menu(who, case, "", forged_action_id=action_id, forged_value=value)

    def choose(self, who: str, case, entry: str):
        """Choose this entry of the card's menu, and wait as ``ask`` does."""
        before = self.told(who)
        answer = self.press_menu(who, case, f"{entry} ")
        self.until(lambda: self.views(who) or self.told(who) != before, f"an answer to {entry}")
        return answer

    def ask(self, who: str, case, action_id: str):
        """Press, and wait for the form, or for why none opens."""
        before = self.told(who)
        answer = self.press(who, case, action_id)
        self.until(lambda: self.views(who) or self.told(who) != before, f"an answer to {action_id}")
        return answer

    def fill_in(self, who: str, **values) -> str:
        """Send in the form that has just opened, and close it; what it was refused with, or nothing."""
        views = self.views(who)
        if not views:
            # They were told at the press.
            return f"no form opened; {self.whispers(who)}"
        answer = self.emulator.post(
            "submit", {"as": who, "view_id": views[-1]["id"], "values": values}
        )
        if answer["payload"]:
            self.emulator.post("close", {"as": who, "view_id": views[-1]["id"]})
        return json.dumps(answer["payload"]) if answer["payload"] else ""

    def views(self, who: str) -> list:
        return self.emulator.get(f"state?as={who}")["views"]

    def told(self, who: str) -> list:
        return self.emulator.get(f"state?as={who}")["ephemerals"]

    def whispers(self, who: str) -> str:
        return json.dumps(self.told(who), ensure_ascii=False)

    def ordered(self, product: int) -> int:
        with contextlib.closing(sqlite3.connect(self.folder / "company.db")) as database:
            (ordered,) = database.execute(
                "SELECT on_order FROM stock WHERE product_id = ?", (product,)
            ).fetchone()
        return ordered

    @contextlib.contextmanager
    def hanging(self):
        """The system of record answers nobody who wants to change something."""
        with contextlib.closing(
            sqlite3.connect(self.folder / "company.db", isolation_level=None)
        ) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")

    def begun(self, case) -> None:
        """Approve it, and wait until its step is in doubt."""
        assert self.press(ANA, case, "case.approve")["acked"]
        self.until(lambda: self.store.cases.case(case.id).state is State.RUNNING, "the step")

    def names(self, case) -> list[str]:
        return [entry.body.name for entry in self.store.cases.entries(case.id)]

    until = staticmethod(wait_until)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    emulator = EmulatorProcess()
    try:
        emulator.wait()
        emulator.seed()
        emulator.post("faults", PATIENT)
        running = Shop(tmp_path_factory.mktemp("shop"), emulator)
        try:
            yield running
        finally:
            running.close()
    finally:
        emulator.close()


@pytest.mark.threat("A1")
def test_a_stale_press_while_a_step_is_in_doubt_leads_to_no_second_effect(shop):
    """ "Try again" and "Handled by hand", as an earlier release drew them, as they are drawn, and forged."""
    case = shop.proposed(31)
    before = shop.ordered(31)
    seen = f"{case.id}:{case.proposal.revision}:{case.proposal.plan.plan_hash[:32]}"
    values = [
        f"{case.id}:{case.proposal.revision}",
        f"{case.id}:0",
        f"{case.id}:0:{'0' * 32}:REFERRED",
    ]
    values += [f"{seen}:{state}" for state in ("REFERRED", "PARKED", "RUNNING", "PARKED:0@0")]
    with shop.hanging():
        shop.begun(case)
        for action_id in ("case.try_again", "case.resolve", "case.settle", "case.reject"):
            for value in values:
                assert shop.forge(ANA, case, action_id, value)["acked"]
                shop.fill_in(
                    ANA,
                    **{"field.note": "done", "field.landed": "no", "field.reason": "wrong_plan"},
                )
                assert shop.store.cases.case(case.id).state is State.RUNNING, (action_id, value)
    shop.until(lambda: shop.store.cases.case(case.id).state is State.RESOLVED, "the end")
    after = shop.store.cases.case(case.id)
    assert (after.proposal.revision, shop.names(case).count("step.started")) == (1, 1)
    assert shop.ordered(31) == before + after.proposal.plan.actions[0].parameters["quantity"]
    shop.until(
        lambda: "drawn by an earlier release" in shop.whispers(ANA), "the answer to the old button"
    )
    assert replay(shop.store.database).differences == ()


@pytest.mark.threat("A4")
def test_a_member_of_no_group_does_not_become_a_decider_by_handing_a_case_to_themself(shop):
    case = shop.proposed(32)
    assert shop.choose(FINN, case, "hand_over")["acked"]
    refusal = shop.fill_in(
        FINN, **{"field.to": FINN, "field.done": "counted", "field.remains": "the order"}
    )
    assert "Not done" in refusal
    assert (shop.store.cases.case(case.id).owner, shop.names(case)[-1]) == (
        "floor-managers",
        "attempt.refused",
    )


@pytest.mark.threat("A4")
def test_whom_a_case_was_handed_to_may_hand_it_on_and_decides_nothing(shop):
    case = shop.proposed(33)
    shop.choose(ANA, case, "hand_over")
    assert (
        shop.fill_in(
            ANA, **{"field.to": FINN, "field.done": "counted", "field.remains": "the order"}
        )
        == ""
    )
    before = shop.store.cases.case(case.id)
    assert before.owner == f"{TEAM}/{FINN}"
    tomorrow = int((utc_now() + timedelta(days=1)).timestamp())
    attempts = [
        ("case.reject", {"field.reason": "wrong_plan"}),
        ("case.edit", {"field.parameter.quantity": "9999"}),
        ("snooze", {"field.until": tomorrow, "field.note": "later"}),
    ]
    for name, values in attempts:
        pressed = shop.choose(FINN, case, name) if name == "snooze" else shop.ask(FINN, case, name)
        assert pressed["acked"]
        assert "Not done" in shop.fill_in(FINN, **values), name
    after = shop.store.cases.case(case.id)
    assert (after.state, after.proposal.revision, after.proposal.plan) == (
        State.PROPOSED,
        1,
        before.proposal.plan,
    )
    shop.choose(FINN, case, "hand_over")
    assert (
        shop.fill_in(
            FINN, **{"field.to": OMAR, "field.done": "counted", "field.remains": "the order"}
        )
        == ""
    )
    assert shop.store.cases.case(case.id).owner == f"{TEAM}/{OMAR}"


@pytest.mark.threat("A4")
def test_whom_a_parked_case_was_handed_to_does_not_say_what_happened(shop):
    case = shop.proposed(34)
    before = shop.ordered(34)
    with shop.hanging():
        shop.begun(case)
        running = shop.store.cases.case(case.id)
        unknown = record_entry(running, StepReported(0, StepState.UNKNOWN, "no answer"), utc_now())
        parked = record_entry(unknown.case, Parked(0, "nobody knows"), utc_now())
        decision = unknown.then(parked)
        shop.store.cases.commit(
            Change(before=running, entries=decision.entries, after=decision.case)
        )
    shop.until(lambda: shop.ordered(34) > before, "the effect")
    words = {"field.to": FINN, "field.done": "looked", "field.remains": "call them"}

    def hands_over() -> bool:
        # The card may be redrawn between the look at it and the press.
        shop.choose(ANA, case, "hand_over")
        return shop.fill_in(ANA, **words) == ""

    shop.until(hands_over, "the case to be handed over")
    shop.until(lambda: shop.values(case.id, "case.settle"), "a card that asks what happened")
    answer = {"field.landed": "no", "field.note": "trust me"}
    shop.ask(FINN, case, "case.settle")
    assert "Not done" in shop.fill_in(FINN, **answer)
    assert shop.store.cases.case(case.id).state is State.OUTCOME_UNKNOWN
    shop.ask(OMAR, case, "case.settle")
    assert (
        shop.fill_in(OMAR, **{**answer, "field.landed": "yes", "field.note": "it is on order"})
        == ""
    )
    shop.until(lambda: shop.store.cases.case(case.id).state is State.RESOLVED, "the end")
    assert shop.names(case).count("step.started") == 1
    assert replay(shop.store.database).differences == ()

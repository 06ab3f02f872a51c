"""The story: a morning at Harbour & Vine, told through Slack alone and checked against the system of record and the ledger.

The bot runs in a process of its own, because one of the chapters kills it.
"""

import json
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import settings as configuration
from bot.cases.case import Case
from bot.cases.errors import CountersignError
from bot.cases.lifecycle import State
from bot.sample import demo
from bot.sample.people import ANA, BEN, DEV, ELSIE, FINN, FLOOR, GUS, OMAR, OPS, SALES, STOCK
from bot.store.database import Database
from bot.store.shelf import Shelf
from bot.store.store import SqlStore
from handlers.cards import ids

PATIENCE = 30.0
CHANNELS = (FLOOR, STOCK, SALES, OPS)
Json = dict[str, Any]


class NotSo(CountersignError):
    """The story did not go as it must."""


def play(
    root: Path, prepared: demo.Prepared, told: Callable[[str], None] = lambda title: None
) -> Json:
    """Play every chapter in order. Returns what happened, for people and machines."""
    began = time.monotonic()
    with demo.apart(root, prepared, COUNTERSIGN_LOG_LEVEL="ERROR", COUNTERSIGN_LEASE_FOR="2") as (
        emulator,
        bot,
    ):
        story = Story(emulator, bot, root / "now")
        try:
            for title, chapter in story.chapters():
                told(title)
                story.tell(title, chapter)
        finally:
            story.store.database.close()
    chapters = story.told
    return {
        "ok": all(chapter["ok"] for chapter in chapters),
        "seconds": round(time.monotonic() - began, 1),
        **story.figures,
        "chapters": chapters,
    }


@dataclass
class Story:
    """The people, what they see and what they do."""

    emulator: demo.Emulator
    bot: demo.Bot
    folder: Path
    told: list[Json] = field(default_factory=list)
    figures: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = SqlStore(Database(f"sqlite:///{self.folder / 'countersign.db'}"))

    def chapters(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            (
                "Eight cards wait; a signal comes over HTTP, again, and once more: nine cards",
                self.nine_cards,
            ),
            (
                "A manager approves: the stock row changes once, the card says who and what came of it",
                self.approve,
            ),
            (
                "The wrong person presses: a private answer, and a line in the ledger",
                self.wrong_person,
            ),
            (
                "Two managers press approve and reject in the same instant: one wins, the other is told",
                self.race,
            ),
            ("A plan is edited: the old button is dead, the edited plan runs", self.edit),
            (
                "The evidence changes after the card was drawn: refused, and asked again on a new card",
                self.drift,
            ),
            (
                "The bot is killed while it works, and started again: nothing lost, nothing twice",
                self.kill,
            ),
            ("The card says how like cases ended, and the way to each", self.remembered),
            (
                "Two signals say nothing of their kind: one is recognised, a person names the other",
                self.named,
            ),
            (
                "Everything of a kind is paused: what is approved waits, goes on when resumed, and is taken back",
                self.paused,
            ),
            (
                "People ask: the answer is what was recorded, and nobody learns what they may not see",
                self.asked,
            ),
            ("The ledger proves it", self.proof),
        ]

    def tell(self, title: str, chapter: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            chapter()
        except (CountersignError, KeyError, IndexError, OSError) as wrong:
            self.told.append(
                {"title": title, "ok": False, "detail": f"{type(wrong).__name__}: {wrong}"}
            )
        else:
            self.told.append(
                {"title": title, "ok": True, "seconds": round(time.monotonic() - began, 2)}
            )

    # --- chapters ------------------------------------------------------------------------------------------------------

    def nine_cards(self) -> None:
        self._until(lambda: len(self._cards()) >= 8, "eight cards")
        body = {
            "key": "alert-4711",
            "kind": "service_alert",
            "subject": "SlowTill:quay-4",
            "title": "The till at the quay answers slowly",
            "facts": {"severity": "warning", "instance": "quay-4"},
        }
        first, again, more = (
            self._signal(body),
            self._signal(body),
            self._signal({**body, "key": "alert-4712"}),
        )
        outcomes = [answer["outcome"] for answer in (first, again, more)]
        _must(outcomes == ["opened", "duplicate", "counted"], f"{outcomes}")
        case = self._case("service_alert")
        _must(
            {answer["case"] for answer in (first, again, more)} == {case.id},
            "all belong to one case",
        )
        self._until(lambda: "seen 2 times" in json.dumps(self._card(case)), "the count on the card")
        _must(len(self._cards()) == 9, f"{len(self._cards())} cards, not nine")
        self.figures["cards"] = 9

    def approve(self) -> None:
        case = self._case("low_stock")
        product, quantity = case.signal.facts["product_id"], self._parameter(case, "quantity")
        before = self._record("SELECT on_order FROM stock WHERE product_id = ?", product)
        pressed = self._press(BEN, case, "case.approve")
        _must(pressed["acked"], "the press was not acknowledged")
        self._until(lambda: self._case("low_stock").state is State.RESOLVED, "resolved")
        _must(
            self._record("SELECT on_order FROM stock WHERE product_id = ?", product)
            == before + quantity,
            "the row changed once",
        )
        again = self._press_old(BEN, case, "case.approve")
        _must(again, "the second press is answered")
        self._until(
            lambda: (
                "Approved by" in json.dumps(self._card(case))
                and "Resolved" in json.dumps(self._card(case))
            ),
            "the card says so",
        )
        _must("Ben Okafor" in json.dumps(self._card(case)), "the card names who")
        self._until(lambda: len(self._replies(case)) > 0, "the thread tells")

    def wrong_person(self) -> None:
        case = self._case("booking_no_cover")
        self._press(FINN, case, "case.approve")
        self._until(
            lambda: "only @floor-managers may approve" in self._whispers(FINN), "a private answer"
        )
        _must("only @floor-managers" not in self._whispers(ANA), "which nobody else sees")
        refused = [
            entry for entry in self.store.entries(case.id) if entry.body.name == "attempt.refused"
        ]
        _must(len(refused) == 1 and refused[0].actor.endswith(FINN), "a line in the ledger")

    def race(self) -> None:
        case = self._case("booking_no_cover")
        self._press(OMAR, case, "case.reject")
        view = self.emulator.get(f"state?as={OMAR}")["views"][-1]
        values = {"field.reason": "already_handled", "field.note": "Finn swaps his shift"}
        with ThreadPoolExecutor(2) as both:
            approved = both.submit(self._press, ANA, case, "case.approve")
            rejected = both.submit(
                self.emulator.post, "submit", {"as": OMAR, "view_id": view["id"], "values": values}
            )
            form = rejected.result()["payload"]
            pressed = approved.result()
            gone = pressed.get("error") == "no_such_element"
            _must(
                pressed.get("acked") or gone,
                "the press was neither acknowledged nor was its button gone already",
            )
        self._until(
            lambda: self._case("booking_no_cover").state in {State.RESOLVED, State.REJECTED},
            "an end",
        )
        ended = self._case("booking_no_cover")
        names = [entry.body.name for entry in self.store.entries(case.id)]
        winners = names.count("plan.rejected") + names.count("plan.authorised")
        _must(winners == 1, f"{winners} decisions")
        if ended.state is State.RESOLVED:
            _must(form, "the other one is told in the form")
        elif not gone:
            self._until(
                lambda: "rejected by" in self._whispers(ANA), "the other one is told privately"
            )
        if form:
            self.emulator.post("close", {"as": OMAR, "view_id": view["id"]})

    def edit(self) -> None:
        case = self._case("lead_cold")
        self._press(DEV, case, "case.edit")
        view = self.emulator.get(f"state?as={DEV}")["views"][-1]
        answer = self.emulator.post(
            "submit",
            {"as": DEV, "view_id": view["id"], "values": {"field.parameter.due_on": "2031-03-04"}},
        )
        _must(answer["payload"] is None, f"the form was refused: {answer['payload']}")
        _must(self._press_old(BEN, case, "case.approve"), "the old button is dead")
        self._until(lambda: "newer plan" in self._whispers(BEN), "and says why")
        edited = self._case("lead_cold")
        _must(edited.revision == 2 and edited.state is State.PROPOSED, "a new revision waits")
        self._until(lambda: "2031-03-04" in json.dumps(self._card(edited)), "the card shows it")
        self._press(BEN, edited, "case.approve")
        self._until(lambda: self._case("lead_cold").state is State.RESOLVED, "resolved")
        due = self._record(
            "SELECT due_on FROM follow_ups WHERE lead_id = ?", case.signal.facts["lead_id"]
        )
        _must(due == "2031-03-04", f"the edited plan ran, not the old one: {due}")

    def drift(self) -> None:
        case = self._case("shipment_mismatch")
        old = self._card(case)
        self._change(
            "UPDATE shipments SET warehouse_status = 'three cases short' WHERE id = ?",
            case.signal.facts["shipment_id"],
        )
        self._press(BEN, case, "case.approve")
        self._until(lambda: self._case("shipment_mismatch").revision == 2, "a new revision")
        status = self._record(
            "SELECT status FROM shipments WHERE id = ?", case.signal.facts["shipment_id"]
        )
        _must(status == "open", "nothing was carried out")
        self._until(lambda: bool(self._card(self._case("shipment_mismatch"))), "a new card")
        self._until(lambda: not _buttons(self._message(old)), "the old card has no buttons")
        self._until(
            lambda: "three cases short" in json.dumps(self._card(self._case("shipment_mismatch"))),
            "the new one shows what changed",
        )

    def kill(self) -> None:
        case = self._case("service_note_open")
        self._press(OMAR, case, "case.approve")
        self.bot.kill()
        started_in = self.bot.start()
        self.figures["restart_seconds"] = round(started_in, 2)
        self._until(
            lambda: self._case("service_note_open").state is State.RESOLVED,
            "resolved after the restart",
        )
        started = [
            entry for entry in self.store.entries(case.id) if entry.body.name == "step.started"
        ]
        _must(len(started) == 1, f"the step was begun {len(started)} times")
        marks = self._record(
            "SELECT COUNT(*) FROM countersign_marks WHERE key = ?",
            self._case("service_note_open").steps[0].key,
        )
        _must(marks == 1, f"carried out {marks} times")
        self._until(
            lambda: (
                "case.approve" not in json.dumps(self._card(case))
                and "Resolved" in json.dumps(self._card(case))
            ),
            "the card says so",
        )

    def remembered(self) -> None:
        case = self._case("renewal_due")
        cited = case.recommendation.citations if case.recommendation else ()
        _must(len(cited) >= 5, f"{len(cited)} precedents cited")
        for citation in cited:
            real = self.store.case(citation.case_id)
            _must(
                real.kind == case.kind and real.is_terminal,
                f"{citation.case_id} is no ended case of this kind",
            )
        _must("like this: " in json.dumps(self._card(case)), "the card counts them")
        self._click(BEN, case, "case.more", f"precedents {ids.token(case)}")
        self._until(
            lambda: cited[0].case_id in self._whispers(BEN), "they are listed for the one who asks"
        )

    def named(self) -> None:
        told = "We have hardly any bottles of Barolo left for Saturday"
        known = self._signal({"key": "chat-1", "subject": "message:1", "title": told})["case"]
        strange = self._signal(
            {"key": "chat-2", "subject": "message:2", "title": "A parrot sits in the lobby"}
        )["case"]
        self._until(lambda: self.store.case(known).kind == "low_stock", "the first is recognised")
        self._until(
            lambda: self.store.case(strange).state is State.REFERRED,
            "the second waits for a person",
        )
        case = self.store.case(strange)
        self._until(
            lambda: "Something new" in json.dumps(self._card(case)), "its card asks what it is"
        )
        self._click(BEN, case, "case.another_kind", ids.token(case))
        view = self.emulator.get(f"state?as={BEN}")["views"][-1]
        values = {"field.kind": "low_stock"}
        answer = self.emulator.post("submit", {"as": BEN, "view_id": view["id"], "values": values})
        _must(answer["payload"] is None, f"the form was refused: {answer['payload']}")
        self._until(
            lambda: self.store.case(strange).kind == "low_stock", "it has the name that Ben gave it"
        )
        self._until(
            lambda: bool(self._card(self.store.case(strange))),
            "and a card where that kind is dealt with",
        )
        _must(self.store.case(strange).channel == STOCK, "in the channel of that kind")
        (label,) = Shelf(self.store).labels()
        _must(
            (label.kind, label.case_id) == ("low_stock", strange),
            "the answer is kept to learn from",
        )

    def paused(self) -> None:
        case = self._case("task_no_evidence")
        task = case.signal.facts["task_id"]
        before = self._record("SELECT status FROM tasks WHERE id = ?", task)
        told = self._command(ANA, FLOOR, "pause task no evidence because the checklist is wrong")
        _must("Paused" in told, told)
        self._until(
            lambda: "Paused: nothing runs" in json.dumps(self._card(case)), "the pause on the card"
        )
        self._press(ANA, case, "case.approve")
        self._until(lambda: self._case("task_no_evidence").state is State.APPROVED, "approved")
        time.sleep(0.7)
        _must(self._case("task_no_evidence").state is State.APPROVED, "and nothing runs")
        _must(
            "only the governance owners" in self._command(ANA, FLOOR, "resume task no evidence"),
            "Ana cannot resume it",
        )
        _must("Resumed" in self._command(ELSIE, FLOOR, "resume task no evidence"), "Elsie can")
        self._until(lambda: self._case("task_no_evidence").state is State.RESOLVED, "it goes on")
        self._until(lambda: "case.undo" in json.dumps(self._card(case)), "and can be taken back")
        self._press(OMAR, self._case("task_no_evidence"), "case.undo")
        view = self.emulator.get(f"state?as={OMAR}")["views"][-1]
        values = {"field.note": "the evidence was on paper"}
        self.emulator.post("submit", {"as": OMAR, "view_id": view["id"], "values": values})
        self._until(
            lambda: self._case("task_no_evidence").state is State.REFERRED,
            "taken back, with a person",
        )
        _must(
            self._record("SELECT status FROM tasks WHERE id = ?", task) == before,
            "the row is as it was",
        )

    def asked(self) -> None:
        case = self._case("task_no_evidence")
        why = self._answer(ANA, f"why was {case.id} taken back, and by whom?")
        _must("Omar Haddad took it back" in why and "the evidence was on paper" in why, why)
        _must(case.id in why and "/archives/" in why, "with the way to its card")
        hidden = self._answer(GUS, f"show {self._case('renewal_due').id}")
        nothing = self._answer(GUS, "show EX-99999")
        _must(
            "none that you may see" in hidden and "none that you may see" in nothing,
            f"{hidden} {nothing}",
        )

    def proof(self) -> None:
        environment = {**configuration.inherited("PATH", "HOME"), **self.bot.environment}
        asked = subprocess.run(
            [sys.executable, "-m", "bot", "ledger", "verify", "--json"],
            env=environment,
            capture_output=True,
            check=False,
        )
        found = json.loads(asked.stdout)
        _must(found["ok"] and found["entries"] == found["covered"], f"{found['findings'][:3]}")
        self.figures["ledger_entries"] = found["entries"]

    # --- seeing and doing ------------------------------------------------------------------------------------------------

    def _case(self, kind: str) -> Case:
        """Today's case of this kind."""
        return max(
            (case for case in self.store.cases(limit=40) if case.kind == kind),
            key=lambda case: case.opened_at,
        )

    def _messages(self) -> list[Json]:
        return [message for channel in CHANNELS for message in self.emulator.messages(channel)]

    def _cards(self) -> list[Json]:
        return [
            message
            for message in self._messages()
            if message.get("metadata", {}).get("event_type") == "exception_card"
        ]

    def _card(self, case: Case) -> Json:
        (live,) = [
            card
            for card in self._cards()
            if card["metadata"]["event_payload"]["uid"] == f"{case.id}/{case.generation}"
        ] or [{}]
        return live

    def _message(self, message: Json) -> Json:
        return next(one for one in self._messages() if one["ts"] == message["ts"])

    def _replies(self, case: Case) -> list[Json]:
        ts = self._card(case)["ts"]
        return [
            message
            for message in self.emulator.messages(case.channel)
            if message.get("thread_ts") == ts and message["ts"] != ts
        ]

    def _press(self, person: str, case: Case, action: str) -> Json:
        """Press as soon as the card is there with this revision's button."""
        self._until(
            lambda: ids.token(case) in json.dumps(self._card(case)), f"the button of {case.id}"
        )
        pressed: Json = self.emulator.post(
            "click",
            {
                "as": person,
                "channel": case.channel,
                "ts": self._card(case)["ts"],
                "action_id": action,
            },
        )
        return pressed

    def _click(self, person: str, case: Case, action: str, value: str) -> Json:
        """Press one of several elements, or an entry of a menu, named by its value."""
        place = {"as": person, "channel": case.channel, "ts": self._card(case)["ts"]}
        pressed: Json = self.emulator.post("click", {**place, "action_id": action, "value": value})
        _must(pressed.get("acked"), f"{action} was not acknowledged: {pressed}")
        return pressed

    def _press_old(self, person: str, case: Case, action: str) -> bool:
        """Press a button that was on the screen a moment ago; true when it is gone or answered, either being right."""
        pressed = self.emulator.post(
            "click",
            {
                "as": person,
                "channel": case.channel,
                "ts": self._card(case)["ts"],
                "action_id": action,
                "forged_value": ids.token(case),
            },
        )
        return pressed.get("error") == "no_such_element" or bool(pressed.get("acked"))

    def _command(self, person: str, channel: str, words: str) -> str:
        """What the slash command answers."""
        asked = {"as": person, "channel": channel, "command": "/exceptions", "text": words}
        return json.dumps(
            (self.emulator.post("slash", asked)["payload"] or {}).get("blocks"), ensure_ascii=False
        )

    def _answer(self, person: str, words: str) -> str:
        """Ask in a direct message, and wait for the reply."""
        channel = f"D{person[1:]}"
        self.emulator.post("home", {"as": person, "tab": "messages"})
        ts = self.emulator.post("message", {"as": person, "channel": channel, "text": words})["ts"]

        def replies() -> list[Json]:
            found = self.emulator.messages(channel)
            return [one for one in found if one.get("thread_ts") == ts and one.get("bot_id")]

        self._until(lambda: bool(replies()), f"an answer to {words!r}")
        return json.dumps(replies()[-1]["blocks"], ensure_ascii=False)

    def _whispers(self, person: str) -> str:
        return json.dumps(self.emulator.get(f"state?as={person}")["ephemerals"])

    def _signal(self, body: Json) -> Json:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.bot.environment['COUNTERSIGN_SOURCE_API_TOKEN']}",
        }
        request = urllib.request.Request(
            f"{self.bot.url}/v1/signals", json.dumps(body).encode(), headers
        )  # noqa: S310 (loopback)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                told: Json = json.load(answer)
        except urllib.error.HTTPError as refused:
            raise NotSo(refused.read().decode()) from None
        return told

    def _record(self, query: str, *values: Any) -> Any:
        with sqlite3.connect(self.folder / "company.db") as database:
            (value,) = database.execute(query, values).fetchone()
        database.close()
        return value

    def _change(self, statement: str, *values: Any) -> None:
        with sqlite3.connect(self.folder / "company.db") as database:
            database.execute(statement, values)
        database.close()

    @staticmethod
    def _parameter(case: Case, name: str) -> Any:
        return case.plan.actions[0].parameters[name] if case.plan else None

    @staticmethod
    def _until(true: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > ends:
                raise NotSo(f"waited {PATIENCE:.0f} s for: {what}")
            time.sleep(0.03)


def _buttons(message: Json) -> list[Json]:
    return [block for block in message.get("blocks", []) if block["type"] == "actions"]


def _must(true: object, detail: str) -> None:
    if not true:
        raise NotSo(detail)

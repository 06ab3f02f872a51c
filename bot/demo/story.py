"""The story: a morning at Harbour & Vine, told through Slack alone.

Each chapter is checked against the system of record and the ledger. The bot runs in a process of
its own, because one of the chapters kills it.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from bot.cases.case import Case
from bot.cases.errors import CountersignError
from bot.cases.lifecycle import State
from bot.clock import monotonic, utc_now
from bot.demo.company import GUEST_IN_LOG
from bot.demo.expectations import StoryFailed, polls, require
from bot.demo.launcher import SampleData, launch_demo_processes
from bot.demo.people import ANA, BEN, DEV, ELSIE, FINN, FLOOR, GUS, OMAR, STOCK
from bot.demo.processes import REQUEST_TIMEOUT_SECONDS, BotProcess
from bot.demo.records import CaseRecords, CompanyDatabase
from bot.demo.workspace import Json, SlackWorkspace, buttons_of, details_of
from bot.settings import inherit
from bot.store.database import Database
from bot.store.store import Store
from handlers.cards import ids

#: Long enough for a step that is not paused to run.
PAUSE_CHECK_SECONDS = 0.7
MIN_CITATIONS = 5
# As short as a busy machine allows: work that a killed bot held waits for the end of its lease, and
# a lease that ends while its worker waits for the processor leaves two cards until one is swept.
LEASE_SECONDS = "10"


def play(root: Path, data: SampleData, announce: Callable[[str], None]) -> Json:
    """Play every chapter in order and return a summary.

    ``announce`` is called with the title of each chapter before it is played.
    """
    started_at = monotonic()
    with launch_demo_processes(
        root, data, COUNTERSIGN_LOG_LEVEL="ERROR", COUNTERSIGN_LEASE_FOR=LEASE_SECONDS
    ) as (emulator, bot):
        folder = Path(bot.environment["COUNTERSIGN_DATA_DIR"])
        database = Database(f"sqlite:///{folder / 'countersign.db'}")
        with closing(database):
            store = Store.over(database)
            story = Story(
                slack=SlackWorkspace(emulator),
                bot=bot,
                source=SignalSource(bot),
                store=store,
                records=CaseRecords(store),
                company=CompanyDatabase(folder / "company.db"),
            )
            for title, chapter in story.chapters():
                announce(title)
                story.play_chapter(title, chapter)
    return {
        "ok": all(result["ok"] for result in story.results),
        "seconds": round(monotonic() - started_at, 1),
        **story.figures,
        "chapters": story.results,
    }


@dataclass(frozen=True)
class SignalSource:
    """A system that sends signals to the bot over HTTP."""

    bot: BotProcess

    def send(self, signal: Json) -> Json:
        """Send a signal and return its receipt."""
        return self._post(
            "signals",
            json.dumps(signal).encode(),
            content_type="application/json",
            token=self.bot.environment["COUNTERSIGN_SOURCE_API_TOKEN"],
        )

    def send_mail(self, sender: str, subject: str, text: str) -> Json:
        """Send a guest's mail on, and return its receipt."""
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = "complaints@harbour-vine.example"
        mail["Subject"] = subject
        mail["Date"] = format_datetime(utc_now())
        mail["Message-ID"] = make_msgid(domain="guest.example")
        mail.set_content(text)
        return self._post(
            "webhooks/guest_mail",
            mail.as_bytes(),
            content_type="message/rfc822",
            token=self.bot.environment["COUNTERSIGN_SOURCE_GUEST_MAIL_TOKEN"],
        )

    def _post(self, path: str, body: bytes, *, content_type: str, token: str) -> Json:
        request = urllib.request.Request(
            f"{self.bot.url}/v1/{path}",
            data=body,
            headers={"Content-Type": content_type, "Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
                receipt: Json = json.load(response)
        except urllib.error.HTTPError as error:
            raise StoryFailed(error.read().decode()) from None
        return receipt


@dataclass(kw_only=True)
class Story:
    """The chapters, and what came of those that were played."""

    slack: SlackWorkspace
    bot: BotProcess
    source: SignalSource
    store: Store
    records: CaseRecords
    company: CompanyDatabase
    results: list[Json] = field(default_factory=list)
    #: Counts and seconds for the summary, by name.
    figures: Json = field(default_factory=dict)

    def chapters(self) -> list[tuple[str, Callable[[], None]]]:
        """Return all chapters with their titles."""
        return [
            (
                "Eight cards and a promotion; a signal comes over HTTP, again, and once more: ten "
                "cards",
                self.send_signals,
            ),
            (
                "A case is done alone: one card, already folded; it is taken back, and such cases "
                "ask people again",
                self.run_alone,
            ),
            (
                "A manager approves: the stock row changes once, the card says who and what came "
                "of it",
                self.approve,
            ),
            (
                "The wrong person presses: a private answer, and a line in the ledger",
                self.refuse_wrong_person,
            ),
            (
                "Two managers press approve and reject in the same instant: one wins, the other "
                "is told",
                self.decide_twice,
            ),
            ("A plan is edited: the old button is dead, the edited plan runs", self.edit_plan),
            (
                "The evidence changes after the card was drawn: refused, and asked again on a new "
                "card",
                self.detect_drift,
            ),
            (
                "The bot is killed while it works, and started again: nothing lost, nothing twice",
                self.kill_bot,
            ),
            (
                "The card says how like cases ended, and the way to each",
                self.cite_precedents,
            ),
            (
                "Two signals say nothing of their kind: one is recognised, a person names the "
                "other",
                self.recognise_and_name,
            ),
            (
                "Everything of a kind is paused: what is approved waits, goes on when resumed, "
                "and is taken back",
                self.pause_and_take_back,
            ),
            (
                "People ask: the answer is what was recorded, and nobody learns what they may not "
                "see",
                self.answer_questions,
            ),
            (
                "Two guests write mails: one complaint is in no service log and becomes a case, "
                "the other is logged and does not",
                self.read_mails,
            ),
            ("The ledger proves it", self.verify_ledger),
        ]

    def play_chapter(self, title: str, chapter: Callable[[], None]) -> None:
        """Play one chapter and keep what came of it."""
        started_at = monotonic()
        result: Json = {"title": title, "ok": True}
        try:
            chapter()
        except (CountersignError, KeyError, IndexError, OSError) as failure:
            result["ok"] = False
            result["detail"] = f"{type(failure).__name__}: {failure}"
        else:
            result["seconds"] = round(monotonic() - started_at, 2)
        self.results.append(result)

    def send_signals(self) -> None:
        self.slack.wait_for_cards(9, expectation="eight cards, and that of a promotion")
        signal = {
            "key": "alert-4711",
            "kind": "service_alert",
            "subject": "SlowTill:quay-4",
            "title": "The till at the quay answers slowly",
            "facts": {"severity": "warning", "instance": "quay-4"},
        }
        first = self.source.send(signal)
        again = self.source.send(signal)
        another = self.source.send({**signal, "key": "alert-4712"})
        receipts = (first, again, another)
        outcomes = [receipt["outcome"] for receipt in receipts]
        require(outcomes == ["opened", "duplicate", "counted"], f"{outcomes}")
        case = self.records.case("service_alert")
        require({receipt["case"] for receipt in receipts} == {case.id}, "all belong to one case")
        self.slack.wait_for_card(case, "Reported 2 times", expectation="the count on the card")
        count = len(self.slack.cards())
        require(count == 10, f"{count} cards, not ten")
        self.figures["cards"] = count

    def run_alone(self) -> None:
        kind, action = "task_no_evidence", "house.reopen_task"
        case = self.records.wait_for_state(kind, State.RESOLVED, expectation="done")
        deciders = self.records.actors(case, "approval.given")
        require(case.was_auto_approved and not deciders, "nobody was asked")
        self.slack.wait_for_card(case, "Done alone", "case.undo", expectation="a folded card")
        require(not self.slack.shows(case, "case.approve"), "which asks for no approval")
        require(not self.slack.replies(case), "and is the only message")
        task = case.signal.facts["task_id"]
        status = "SELECT status FROM tasks WHERE id = ?"
        require(self.company.value(status, task) == "open", "the task is open again")
        self.slack.press(OMAR, case, "case.undo")
        self._submit(OMAR, {"field.note": "the photo is in the team chat"})
        self.records.wait_for_state(kind, State.REFERRED, expectation="taken back, with a person")
        require(self.company.value(status, task) == "complete", "the row is as it was")
        record = self.store.desk_controls.load().recorded_stage(kind, action)
        is_demoted = record is not None and record.is_demotion and record.on_case == case.id
        require(is_demoted, "such cases ask people from now on")

    def approve(self) -> None:
        case = self.records.case("low_stock")
        product = case.signal.facts["product_id"]
        quantity = (
            case.proposal.plan.actions[0].parameters["quantity"] if case.proposal.plan else None
        )
        on_order = "SELECT on_order FROM stock WHERE product_id = ?"
        before = self.company.value(on_order, product)
        response = self.slack.press(BEN, case, "case.approve")
        require(response["acked"], "the press was not acknowledged")
        self.records.wait_for_state("low_stock", State.RESOLVED, expectation="resolved")
        after = self.company.value(on_order, product)
        require(after == before + quantity, "the row changed once")
        is_answered = self.slack.press_stale(BEN, case, "case.approve")
        require(is_answered, "the second press is answered")
        self.slack.wait_for_card(case, "Approved by", "worked", expectation="the card says so")
        require(self.slack.shows(case, "Ben Okafor"), "the card names who")
        for _ in polls("the thread tells"):
            if self.slack.replies(case):
                break

    def refuse_wrong_person(self) -> None:
        case = self.records.case("booking_no_cover")
        refusal = "only @floor-managers may approve"
        self.slack.press(FINN, case, "case.approve")
        self.slack.wait_for_ephemeral(FINN, refusal, expectation="a private answer")
        require("only @floor-managers" not in self.slack.ephemerals(ANA), "which nobody else sees")
        actors = self.records.actors(case, "attempt.refused")
        require(len(actors) == 1 and actors[0].endswith(FINN), "a line in the ledger")

    def decide_twice(self) -> None:
        case = self.records.case("booking_no_cover")
        self.slack.press(OMAR, case, "case.reject")
        view_id = self.slack.open_form(OMAR)
        values = {"field.reason": "already_handled", "field.note": "Finn swaps his shift"}
        # The same instant, as near as two threads can have it: either may win.
        with ThreadPoolExecutor(2) as pool:
            approval = pool.submit(self.slack.press, ANA, case, action="case.approve")
            rejection = pool.submit(self.slack.submit, OMAR, view_id, values=values)
            form = rejection.result()
            response = approval.result()
        is_gone = response.get("error") == "no_such_element"
        require(
            response.get("acked") or is_gone,
            "the press was neither acknowledged nor was its button gone already",
        )
        final = self.records.wait_for_state(
            "booking_no_cover", State.RESOLVED, State.REJECTED, expectation="an end"
        )
        decisions = self.records.actors(case, "plan.rejected", "plan.authorised")
        require(len(decisions) == 1, f"{len(decisions)} decisions")
        if final.state is State.RESOLVED:
            require(form, "the other one is told in the form")
        elif not is_gone:
            self.slack.wait_for_ephemeral(
                ANA, "rejected by", expectation="the other one is told privately"
            )
        if form:
            self.slack.close_form(OMAR, view_id)

    def edit_plan(self) -> None:
        case = self.records.case("lead_cold")
        self.slack.press(DEV, case, "case.edit")
        preview = self.slack.submit(
            DEV, self.slack.open_form(DEV), {"field.parameter.due_on": "2031-03-04"}
        )
        require("2031" in str(preview), "what the edit would change is shown first")
        self._submit(DEV, {})
        require(self.slack.press_stale(BEN, case, "case.approve"), "the old button is dead")
        self.slack.wait_for_ephemeral(BEN, "newer plan", expectation="and says why")
        revision = self.records.case("lead_cold")
        is_proposed = revision.proposal.revision == 2 and revision.state is State.PROPOSED
        require(is_proposed, "a new revision waits")
        self.slack.wait_for_card(revision, "4 Mar 2031", expectation="the card shows it")
        self.slack.press(BEN, revision, "case.approve")
        self.records.wait_for_state("lead_cold", State.RESOLVED, expectation="resolved")
        due_on = self.company.value(
            "SELECT due_on FROM follow_ups WHERE lead_id = ?", case.signal.facts["lead_id"]
        )
        require(due_on == "2031-03-04", f"the edited plan ran, not the old one: {due_on}")

    def detect_drift(self) -> None:
        kind = "shipment_mismatch"
        case = self.records.case(kind)
        shipment = case.signal.facts["shipment_id"]
        old_ts = self.slack.card(case)["ts"]
        self.company.change(
            "UPDATE shipments SET warehouse_status = 'three cases short' WHERE id = ?", shipment
        )
        self.slack.press(BEN, case, "case.approve")
        self.records.wait_for_revision(kind, 2, expectation="a new revision")
        status = self.company.value("SELECT status FROM shipments WHERE id = ?", shipment)
        require(status == "open", "nothing was carried out")
        self._wait_for_card(kind, expectation="a new card")
        # A button of the old card would be pressed for evidence that is no longer true.
        for _ in polls("the old card has no buttons"):
            if not buttons_of(self.slack.message(old_ts)):
                break
        self._wait_for_card(kind, "three cases short", expectation="the new one shows what changed")

    def kill_bot(self) -> None:
        kind = "service_note_open"
        case_id = self.source.send(_signal_again(self.records.case(kind)))["case"]
        # Without waiting: it runs alone, and may be in any state.
        self.bot.kill()
        self.figures["restart_seconds"] = round(self.bot.start(), 2)
        case = self.records.wait_for_state(
            kind, State.RESOLVED, expectation="resolved after the restart"
        )
        require(case.id == case_id, "the case that was sent")
        starts = self.records.actors(case, "step.started")
        require(len(starts) == 1, f"the step was begun {len(starts)} times")
        effects = self.company.value(
            "SELECT COUNT(*) FROM countersign_marks WHERE key = ?", case.execution.steps[0].key
        )
        require(effects == 1, f"carried out {effects} times")
        for _ in polls("the card says so"):
            has_button = self.slack.shows(case, "case.approve")
            if self.slack.shows(case, "worked") and not has_button:
                break

    def cite_precedents(self) -> None:
        case = self._case_with_memory("renewal_due")
        recommendation = case.proposal.recommendation
        citations = recommendation.citations if recommendation else ()
        require(len(citations) >= MIN_CITATIONS, f"{len(citations)} precedents cited")
        for citation in citations:
            precedent = self.store.cases.case(citation.case_id)
            is_alike = precedent.kind == case.kind and precedent.is_terminal
            require(is_alike, f"{citation.case_id} is no ended case of this kind")
        count = f" of {len(citations)} like it worked"
        require(self.slack.shows(case, count), "the card counts them")
        require(citations[0].case_id in details_of(self.slack, BEN, case), "the details list them")

    def _case_with_memory(self, kind: str) -> Case:
        """Return a case of this kind that was recommended with memory.

        Memory may open after the first cards were drawn: then today's signal is sent again.
        """
        case = self.records.case(kind)
        for _ in polls("memory to be open"):
            if case.proposal.recommendation and not case.proposal.recommendation.memory:
                break
            case = self._send_again(case)
        return case

    def _send_again(self, case: Case) -> Case:
        """Send the signal again for another subject, and await its card."""
        case_id = self.source.send(_signal_again(case))["case"]
        for _ in polls(f"a card of {case_id}"):
            if self.slack.shows(self.store.cases.case(case_id), "case.more"):
                break
        return self.store.cases.case(case_id)

    def recognise_and_name(self) -> None:
        title = "We have hardly any bottles of Barolo left for Saturday"
        signal = {"key": "chat-1", "subject": "message:1", "title": title}
        first = self.source.send(signal)["case"]
        title = "A parrot sits in the lobby"
        signal = {"key": "chat-2", "subject": "message:2", "title": title}
        strange = self.source.send(signal)["case"]
        self.records.wait_for_kind(first, "low_stock", expectation="the first is recognised")
        case = self.records.wait_for_referral(strange, expectation="the second waits for a person")
        self.slack.wait_for_card(case, "Something new", expectation="its card asks what it is")
        self.slack.press_value(BEN, case, action="case.another_kind", value=ids.token(case))
        self._submit(BEN, {"field.kind": "low_stock"})
        self.records.wait_for_kind(
            strange, "low_stock", expectation="it has the name that Ben gave it"
        )
        for _ in polls("and a card where that kind is dealt with"):
            if self.slack.shows(self.store.cases.case(strange)):
                break
        require(self.store.cases.case(strange).channel == STOCK, "in the channel of that kind")
        (label,) = self.store.precedents.labels()
        is_labelled = (label.kind, label.case_id) == ("low_stock", strange)
        require(is_labelled, "the answer is kept to learn from")

    def pause_and_take_back(self) -> None:
        kind = "task_no_evidence"
        # Earlier one was taken back, so that people are asked about this one.
        case = self._send_again(self.records.case(kind))
        task = case.signal.facts["task_id"]
        status = "SELECT status FROM tasks WHERE id = ?"
        before = self.company.value(status, task)
        pause = "pause task no evidence because the checklist is wrong"
        _command(self.slack, ANA, pause, answer="Paused")
        self.slack.wait_for_card(case, "paused by", expectation="the pause on the card")
        self.slack.press(ANA, case, "case.approve")
        self.records.wait_for_state(kind, State.APPROVED, expectation="approved")
        time.sleep(PAUSE_CHECK_SECONDS)
        require(self.records.case(kind).state is State.APPROVED, "and nothing runs")
        resume = "resume task no evidence"
        _command(self.slack, ANA, resume, answer="only the governance owners")
        _command(self.slack, ELSIE, resume, answer="Resumed")
        self.records.wait_for_state(kind, State.RESOLVED, expectation="it goes on")
        self.slack.wait_for_card(case, "case.undo", expectation="and can be taken back")
        self.slack.press(OMAR, self.records.case(kind), "case.undo")
        self._submit(OMAR, {"field.note": "the evidence was on paper"})
        self.records.wait_for_state(kind, State.REFERRED, expectation="taken back, with a person")
        require(self.company.value(status, task) == before, "the row is as it was")

    def answer_questions(self) -> None:
        case = self.records.case("task_no_evidence")
        reason = self.slack.ask(ANA, f"why was {case.id} taken back, and by whom?")
        is_recorded = "Omar Haddad took it back" in reason and "on paper" in reason
        require(is_recorded, reason)
        require(case.id in reason and "/archives/" in reason, "with the way to its card")
        # A case that Gus may not see is answered for as one that does not exist.
        for case_id in (self.records.case("renewal_due").id, "EX-99999"):
            answer = self.slack.ask(GUS, f"show {case_id}")
            require("none that you may see" in answer, answer)

    def read_mails(self) -> None:
        guest, venue = self.company.row(
            "SELECT guest, venue_id FROM bookings WHERE starts_at < date('now')"
            " ORDER BY starts_at DESC LIMIT 1"
        )
        address = "a.guest@guest.example"
        old_receipt = self.source.send_mail(
            f"Ivo Kaur <{GUEST_IN_LOG}>",
            "Cold soup",
            "The soup was cold, and was replaced.",
        )
        require(old_receipt["outcome"] == "ignored", f"the log has it: {old_receipt}")
        new_receipt = self.source.send_mail(
            f"{guest} <{address}>", "[EXTERNAL] Warm wine", "The wine came warm and nobody cared."
        )
        require(new_receipt["outcome"] == "opened", f"what is not becomes a case: {new_receipt}")
        self._wait_for_card("guest_complaint", "Warm wine", expectation="its card")
        case = self.records.case("guest_complaint")
        require(case.id == new_receipt["case"], "of that mail alone")
        self.slack.press(ANA, case, "case.approve")
        self.records.wait_for_state("guest_complaint", State.RESOLVED, expectation="resolved")
        note = self.company.row("SELECT text, venue_id FROM service_notes WHERE guest = ?", address)
        require(note == ("Warm wine", venue), f"the service log has it now: {note}")

    def verify_ledger(self) -> None:
        verification = subprocess.run(
            [sys.executable, "-m", "bot", "ledger", "verify", "--json"],
            env={**inherit("PATH", "HOME"), **self.bot.environment},
            capture_output=True,
            check=False,
        )
        report = json.loads(verification.stdout)
        is_whole = report["ok"] and report["entries"] == report["covered"]
        require(is_whole, f"{report['findings'][:3]}")
        self.figures["ledger_entries"] = report["entries"]

    def _wait_for_card(self, kind: str, *texts: str, expectation: str) -> None:
        """Wait until the current case of this kind has such a card.

        The case is read again each time: a new generation has a new card.
        """
        for _ in polls(expectation):
            if self.slack.shows(self.records.case(kind), *texts):
                return

    def _submit(self, person: str, values: Json) -> None:
        """Submit the open form of this person, which must be accepted."""
        payload = self.slack.submit(person, self.slack.open_form(person), values)
        require(payload is None, f"the form was refused: {payload}")


def _command(slack: SlackWorkspace, person: str, text: str, *, answer: str) -> None:
    """Give a command whose answer must contain this text."""
    blocks = slack.command(person, FLOOR, text)
    require(answer in blocks, blocks)


def _signal_again(case: Case) -> Json:
    """Build the signal of a case for another subject."""
    return {
        "key": f"again {case.id}",
        "kind": case.kind,
        "subject": f"{case.signal.subject} {case.id}",
        "title": case.signal.title,
        "facts": dict(case.signal.facts),
    }

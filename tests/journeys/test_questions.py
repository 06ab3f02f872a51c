"""A morning of questions in Slack: each is typed, read, answered and drawn by the real bot.

What an answer must show is computed from the stored rows by the bench, never by the desk.
"""

import contextlib
import itertools
import json
from dataclasses import dataclass
from decimal import Decimal

import pytest

from bot import storage
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import RejectReason
from bot.cases.signal import UNRECOGNISED, Signal
from bot.demo import launcher
from bot.demo.people import ANA, BEN, CARLA, DEV, ELSIE, FINN, FLOOR, GUS, OMAR, TEAM
from bot.demo.training import train_on_precedents
from bot.preflight import open_library
from bot.settings import load
from handlers.cards import ids
from tests.bench.questions import figures
from tests.bench.questions.company import ZONE
from tests.bench.questions.oracle import Oracle
from tests.bench.questions.records import read_data
from tests.bench.questions.shown import CASE_ID, lines_of
from tests.conftest import PATIENT
from tests.journeys.bots import sample_environment
from tests.journeys.harbour import harbour, principal
from tests.world import request

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
OPEN = {"open": True}
BOT = "<@U0COUNTERSIGN>"
MAX_ROWS = 10


@dataclass(frozen=True)
class Reply:
    """An answer as it stands in Slack."""

    message: dict

    @property
    def text(self):
        return "\n".join([str(self.message.get("text", "")), *lines_of(self.message["blocks"])])

    @property
    def first(self):
        """The line that is the answer itself, streamed or drawn."""
        return self.text.strip().partition("\n")[0]

    @property
    def ids(self):
        return set(CASE_ID.findall(self.text))

    def button(self, action_id, case_id=""):
        """Return the value of the first such button."""
        for element in _elements(self.message["blocks"]):
            if element.get("action_id") == action_id and case_id in element.get("value", ""):
                return element["value"]
        return None


def is_answer(message):
    """Tell whether this is an answer from its first line to its last."""
    return (message.get("metadata") or {}).get("event_type") == "exception_answer"


def _elements(node):
    if isinstance(node, list):
        for one in node:
            yield from _elements(one)
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _elements(value)


@dataclass(frozen=True)
class Town:
    """The running company, and what is true of it."""

    running: object

    def ask(self, who, text, channel=None, **more):
        """Ask in the agent pane, or in a channel, and wait for the finished answer."""
        running = self.running
        channel = channel or f"D{who[1:]}"
        running.emulator.post("home", {"as": who, "tab": "messages"})
        question = running.say(who, channel, text, **more)
        thread = more.get("thread_ts") or question["ts"]

        def replies():
            # An answer that still grows is not marked as one yet.
            public = [
                one
                for one in running.emulator.messages(channel)
                if one.get("thread_ts") == thread and is_answer(one)
            ]
            # A private answer to a mention outside of threads stands in the channel.
            private = [
                one for one in self.whispers(who, channel) if one.get("thread_ts", thread) == thread
            ]
            return [one for one in [*public, *private] if one["ts"] > question["ts"]]

        running.until(replies, f"an answer to {text!r}")
        return Reply(replies()[-1])

    def whispers(self, who, channel):
        messages = self.running.window(who)["ephemerals"]
        return [one for one in messages if one.get("channel", channel) == channel]

    @property
    def truth(self):
        library = self.running.desk.library
        return Oracle(
            data=read_data(self.running.folder / "countersign.db"),
            now=self.running.clock(),
            zone=ZONE,
            kinds=frozenset(kind for kind, _ in library.titles()),
        )

    def found(self, where, who):
        return self.truth.select(where, f"{TEAM}/{who}")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Start one company for all questions, with the models trained."""
    from bot.demo.processes import EmulatorProcess

    folder = tmp_path_factory.mktemp("questions")
    emulator = EmulatorProcess()
    try:
        emulator.wait()
        emulator.seed()
        emulator.post("faults", PATIENT)
        _train(folder)
        with harbour(folder, emulator, COUNTERSIGN_STORM_AFTER="0") as running:
            running.settled()
            _fill(running)
            yield Town(running)
    finally:
        emulator.close()


def _train(folder):
    """Train as a bot does in its first minutes."""
    settings = load(sample_environment(folder, ""))
    store = storage.open_store(settings)
    with contextlib.closing(store.database):
        launcher.index_precedents(settings, store, open_library(settings))
    train_on_precedents(settings, open_library(settings))


def _fill(running):
    """Bring the morning into more states than that of waiting."""
    desk = running.desk
    receipt = desk.intake.receive(
        Signal(
            source="api",
            key="generator",
            kind=UNRECOGNISED,
            subject="generator",
            title="Generator hire from Quay Power",
            occurred_at=None,
            facts={"amount": 7260},
        ),
        b"",
    )
    desk.raising.raise_case(by=principal(FINN), title="The cellar door does not lock", key="door")
    running.until(lambda: len(running.cases()) >= 10, "ten cases")
    running.until(lambda: all(map(running.card, running.cases())), "ten cards")
    shipment = running.the("shipment_mismatch")
    desk.decisions.reject(
        request(shipment.id, principal(BEN), CardSnapshot.of(running.case(shipment))),
        reason=RejectReason.WRONG_FACTS,
        note="the second pallet was never counted",
    )
    stock = running.the("low_stock")
    for who in (ANA, BEN):
        running.approve(who, stock)
    running.until(lambda: running.case(stock).state.name == "RESOLVED", "an order")
    assert receipt.case_id


# --- lists ---------------------------------------------------------------------------------------

LISTS = [
    (FINN, "anything over 5k waiting?", {"open": True, "stake_min": 5000}),
    (ANA, "what waits on me", {"open": True, "waits_on": "me"}),
    (BEN, "what's on my desk?", {"open": True, "waits_on": "me"}),
    (CARLA, "open invoices", {"open": True, "kind": ["invoice_no_order"]}),
    (OMAR, "bookings that nobody covers", {"open": True, "kind": ["booking_no_cover"]}),
    (ELSIE, "which leads went cold", {"open": True, "kind": ["lead_cold"]}),
    (DEV, "contracts that roll over soon", {"open": True, "kind": ["renewal_due"]}),
    (ANA, "tasks without evidence", {"open": True, "kind": ["task_no_evidence"]}),
    (ELSIE, "what could you not recognise", {"open": True, "unrecognised": True}),
    (FINN, "what did I raise", {"raised_by": "me"}),
    (BEN, "what is overdue", {"open": True, "overdue": True}),
    (CARLA, "rejected today", {"decision": "rejected", "decided": {"from": "today"}}),
    (DEV, "anything below £300 and open", {"open": True, "stake_max": 300}),
    (OMAR, "what is older than a week", {"open": True, "age_min": "P7D"}),
    (ELSIE, "what waits on finance", {"open": True, "waits_on": "finance"}),
    (CARLA, "anything about quay power?", {"open": True, "text": "Quay Power"}),
    (BEN, "what came in overnight", {"opened": {"from": "overnight", "to": "overnight"}}),
    (DEV, "what came in today", {"opened": {"from": "today", "to": "today"}}),
    (FINN, "everything snoozed", {"snoozed": True}),
]


@pytest.mark.parametrize(("who", "text", "where"), LISTS, ids=[text for _, text, _ in LISTS])
def test_a_list_is_of_these_cases_and_no_others(town, who, text, where):
    reply = town.ask(who, text)
    found = town.found(where, who)
    if not found.certain:
        assert figures.says_none(reply.first)
        return
    assert reply.ids <= found.allowed
    if len(found.certain) <= MAX_ROWS:
        assert set(found.ids) <= reply.ids
    assert not figures.NONE.match(reply.first)


def test_what_is_over_five_thousand_is_never_none(town):
    """The question that this began with: £7,260 waited, and "none" was the answer."""
    reply = town.ask(CARLA, "anything over 5k waiting?")
    assert "7,260" in reply.text
    assert "None" not in reply.first


# --- figures -------------------------------------------------------------------------------------

COUNTS = [
    (ANA, "how many are open", OPEN),
    (OMAR, "how many were rejected today", {"decision": "rejected", "decided": {"from": "today"}}),
    (BEN, "number of open leads", {"open": True, "kind": ["lead_cold"]}),
    (ELSIE, "how many wait on ops leads", {"open": True, "waits_on": "ops-leads"}),
    (FINN, "how many came in today", {"opened": {"from": "today", "to": "today"}}),
]


@pytest.mark.parametrize(("who", "text", "where"), COUNTS, ids=[text for _, text, _ in COUNTS])
def test_a_count_is_that_of_the_cases(town, who, text, where):
    reply = town.ask(who, text)
    count = len(town.found(where, who).certain)
    assert count in figures.counts_in(reply.first) or (
        count == 0 and figures.says_none(reply.first)
    )


SUMS = [
    (CARLA, "how much is at stake in everything open", OPEN),
    (DEV, "total of the open leads", {"open": True, "kind": ["lead_cold"]}),
]


@pytest.mark.parametrize(("who", "text", "where"), SUMS, ids=[text for _, text, _ in SUMS])
def test_a_sum_is_that_of_the_stakes(town, who, text, where):
    reply = town.ask(who, text)
    total = town.truth.total(town.found(where, who).certain)
    assert any(abs(amount - total) < Decimal(1) for amount in figures.money_in(reply.text))


@pytest.mark.parametrize(
    ("text", "group_by"), [("how many are open per team", "team"), ("open cases by kind", "kind")]
)
def test_groups_have_their_figures(town, text, group_by):
    reply = town.ask(BEN, text)
    table = town.truth.groups(town.found(OPEN, BEN).certain, group_by)[0]
    rows = [line for line in reply.text.splitlines() if " | " in line]
    titles = dict(town.running.desk.library.titles())
    for key, (count, _) in table.items():
        title = titles.get(key, key)
        fitting = [row for row in rows if key in row or title in row]
        if key != UNRECOGNISED:
            assert any(count in figures.counts_in(row) for row in fitting), (key, count, rows)


def test_the_oldest_and_the_biggest_are_one_each(town):
    certain = town.found(OPEN, OMAR).certain
    for text, order in (("what is the biggest open one", "largest"), ("the oldest?", "oldest")):
        reply = town.ask(OMAR, text)
        best = town.truth.ordered(certain, order)[0]
        values = {town.truth.order_value(best, order)}
        chosen = [one for one in certain if one.id in reply.ids]
        assert len(chosen) == 1
        assert {town.truth.order_value(one, order) for one in chosen} == values


# --- one case ------------------------------------------------------------------------------------


def test_one_case_is_told_as_it_is_recorded(town):
    running = town.running
    rejected = running.the("shipment_mismatch")
    done = running.the("low_stock")
    why = town.ask(OMAR, f"why was {rejected.id} rejected")
    assert "the second pallet was never counted" in why.text
    assert "Ben Okafor" in town.ask(DEV, f"who rejected {rejected.id}").text
    (approver,) = {approval.name for approval in running.case(done).proposal.approvals}
    assert approver in town.ask(CARLA, f"who approved {done.id} and when did it run").text
    invoice = running.the("invoice_no_order")
    approvers = town.ask(FINN, f"who can approve {invoice.id}")
    assert "finance" in approvers.text or "Carla Ricci" in approvers.text
    state = town.ask(ELSIE, f"is {done.id} done?")
    assert "one" in state.text
    missing = town.ask(ELSIE, "what is EX-9999 about")
    assert "There is no such case" in missing.text


def test_the_thread_of_a_card_is_about_its_case(town):
    running = town.running
    case = running.the("booking_no_cover")
    card = running.card(case)
    reply = town.ask(ANA, f"{BOT} why didn't you just do it?", case.channel, thread_ts=card["ts"])
    assert case.proposal.verdict.reason.split(";")[0] in reply.text


def test_a_question_refers_to_the_one_before_it(town):
    first = town.ask(ELSIE, "open leads")
    leads = town.found({"open": True, "kind": ["lead_cold"]}, ELSIE)
    assert first.ids == set(leads.ids)
    thread = first.message["thread_ts"]
    total = town.truth.total(leads.certain)
    together = town.ask(ELSIE, "how much is that together", thread_ts=thread)
    assert any(abs(amount - total) < Decimal(1) for amount in figures.money_in(together.text))


# --- what the bot does not do --------------------------------------------------------------------


def test_words_get_a_button_and_decide_nothing(town):
    running = town.running
    case = running.the("booking_no_cover")
    before = running.case(case)
    reply = town.ask(OMAR, f"can you approve {case.id} for me")
    assert running.case(case) == before
    approvals = [
        element["action_id"]
        for element in _elements(reply.message["blocks"])
        if "approve" in str(element.get("action_id", ""))
    ]
    assert approvals


def test_what_is_no_question_about_cases_gets_a_short_line(town):
    assert not town.ask(FINN, "thanks!").ids
    weather = town.ask(FINN, "is it going to rain on saturday")
    assert not weather.ids
    assert "understand" in weather.text or "cannot" in weather.text or "only" in weather.text


def test_the_guest_is_told_of_the_floor_alone(town):
    reply = town.ask(GUS, f"{BOT} list every open invoice", FLOOR)
    invoices = town.found({"kind": ["invoice_no_order"]}, CARLA)
    assert not reply.ids & set(invoices.ids)


# --- how it is answered --------------------------------------------------------------------------


def test_the_first_line_is_streamed_before_the_rest(town):
    """In the agent pane the answer begins to stand there before it is drawn."""
    running = town.running
    calls = dict(running.emulator.get("traffic")["calls"])
    reply = town.ask(DEV, "how many are open?")
    after = running.emulator.get("traffic")["calls"]
    made = {name: after[name] - calls.get(name, 0) for name in after}
    assert made["chat.startStream"] == 1
    assert made["chat.appendStream"] >= 1
    assert made["chat.stopStream"] == 1
    assert reply.message["text"].startswith("**")


def test_not_what_i_meant_offers_other_readings_or_how_to_ask(town):
    running = town.running
    reply = town.ask(CARLA, "late invoices")
    value = reply.button(ids.REREAD)
    channel = f"D{CARLA[1:]}"
    before = len(running.whispers(CARLA))
    known = {message["ts"] for message in running.direct(CARLA)}
    running.press(CARLA, channel, reply.message["ts"], ids.REREAD, value)

    def told():
        new = [one for one in running.direct(CARLA) if one["ts"] not in known]
        return new or running.whispers(CARLA)[before:]

    running.until(told, "the other readings")
    text = json.dumps(told(), ensure_ascii=False)
    assert "What did you mean?" in text
    last = next(
        one
        for one in running.desk.store.question_log.questions(
            running.clock().replace(year=2000), only_unanswered=True
        )
        if one.text == "late invoices"
    )
    assert last.vote == "down"


def test_every_question_was_recorded_once(town):
    town.ask(FINN, "how many are open?")
    questions = town.running.desk.store.question_log.questions(
        town.running.clock().replace(year=2000), only_unanswered=False, limit=1_000
    )
    ids_of_questions = [question.id for question in questions]
    assert len(ids_of_questions) == len(set(ids_of_questions))
    assert list(itertools.islice(ids_of_questions, 1))

"""People at work in Slack, each test one story, against the real bot and the emulator over a real socket."""

import contextlib
import json
import re
import resource
import sqlite3
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.actor import Surface
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.lifecycle import TERMINAL, State
from bot.demo.people import ANA, BEN, CARLA, DEV, ELSIE, FINN, GUS, OMAR
from bot.desk.decision_path import Request
from bot.desk.digest import digest_message
from bot.desk.group_decisions import MAX_GROUP
from bot.desk.source_throttle import MAX_PER_SECOND
from bot.views.case_list import GroupAct
from handlers.cards import ids
from tests.conftest import PATIENT
from tests.journeys.harbour import harbour, principal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
MANY = 10_000
QUESTION_ID = re.compile(r"D\w+:\d+\.\d+")
MAX_GROWTH_KB = 64_000


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator) as running:
        yield running


def proven(town):
    """Whether the ledger explains every row; a pytest failure shows what it does not."""
    assert replay(town.desk.store.database).differences == ()
    return True


def buttons(blocks, action_id):
    return [
        e
        for block in blocks
        if block["type"] == "actions"
        for e in block["elements"]
        if e["action_id"] == action_id
    ]


def answer_to(town, who, text, channel=None, **more):
    """Ask between the two of us, and wait for the finished answer in the thread."""
    channel = channel or f"D{who[1:]}"
    town.emulator.post("home", {"as": who, "tab": "messages"})
    said = town.say(who, channel, text, **more)
    thread = more.get("thread_ts") or said["ts"]

    def replies():
        return [
            one
            for one in town.emulator.messages(channel)
            if one.get("thread_ts") == thread and one["ts"] > said["ts"] and is_answer(one)
        ]

    town.until(replies, f"an answer to {text!r}")
    return json.dumps(replies()[-1]["blocks"], ensure_ascii=False)


def is_answer(message):
    """Whether this is a finished answer: one that still grows is not marked as one yet."""
    return (message.get("metadata") or {}).get("event_type") == "exception_answer"


def conversation(town, channel):
    """The messages of a channel, without the replies in their threads.

    Nor a digest: after nine, that of the morning comes some time after the start.
    """
    messages = town.emulator.messages(channel)
    return [
        one
        for one in messages
        if one.get("thread_ts") in {None, one["ts"]}
        and (one.get("metadata") or {}).get("event_type") != "exception_digest"
    ]


def test_a_morning_of_questions(town):
    """Ana asks what waits, in the agent pane; a thumb says that it helped; in the thread of a card she asks why."""
    case = town.the("booking_no_cover")
    told = answer_to(town, ANA, "What waits on me?")
    assert case.id in told
    assert f"/archives/{case.channel}/p" in told
    assert "I did not understand that" in answer_to(town, ANA, "zeppelin flights to mars")
    # What waits on her is suggested first.
    prompts = [one["title"] for one in town.window(ANA)["prompts"]]
    assert (prompts[0], len(prompts)) == ("What waits on me?", 4)
    reply = [one for one in town.direct(ANA) if one.get("bot_id")][-1]
    (thumbs,) = [
        e for b in reply["blocks"] if b["type"] == "context_actions" for e in b["elements"]
    ]
    town.press(
        ANA, f"D{ANA[1:]}", reply["ts"], thumbs["action_id"], thumbs["negative_button"]["value"]
    )
    long_ago = town.clock() - timedelta(days=1)
    assert len(town.desk.store.question_log.questions(long_ago, only_unanswered=True)) == 1
    card = town.card(case)
    why = answer_to(
        town, ANA, "<@U0COUNTERSIGN> why didn't you just do it?", case.channel, thread_ts=card["ts"]
    )
    assert "low risk" in why


def test_the_question_from_the_wrong_channel(town):
    """Gus, a guest in one channel, asks about a case of another: he learns nothing, and others in his channel learn nothing either."""
    stock, floor = town.the("low_stock"), town.the("booking_no_cover")
    told = answer_to(town, GUS, f"show {stock.id}")
    assert "no such case, or none that you may see" in told
    other = answer_to(town, GUS, "show EX-999").replace("EX-999", stock.id)
    # The same to the letter, but for the id of the question in the buttons for feedback.
    assert re.sub(QUESTION_ID, "", other) == re.sub(QUESTION_ID, "", told)
    said = town.say(ANA, "C0FLOOR", f"<@U0COUNTERSIGN> show {stock.id}")
    town.until(lambda: any(stock.id in one for one in town.whispers(ANA)), "a private answer")
    assert not [
        one
        for one in town.emulator.messages("C0FLOOR")
        if one.get("thread_ts") == said["ts"] and one.get("bot_id")
    ]
    assert floor.id in answer_to(town, ANA, f"<@U0COUNTERSIGN> show {floor.id}", "C0FLOOR")


def test_nobody_is_spoken_to_uninvited(town):
    town.settled()
    before = len(conversation(town, "C0FLOOR"))
    town.say(ANA, "C0FLOOR", "what is open?")
    town.say(FINN, "C0FLOOR", "EX-1 looks odd")
    # Whoever is answered after them was asked after them.
    assert "case" in answer_to(town, OMAR, "What waits on me?")
    assert len(conversation(town, "C0FLOOR")) == before + 2


def test_the_command_says_what_it_can_and_why_it_could_not(town):
    case = town.the("low_stock")

    def told(who, text):
        answer = town.command(who, "C0STOCK", text)
        return json.dumps((answer["payload"] or {}).get("blocks"), ensure_ascii=False)

    assert "1 case" in told(ANA, "list about barolo") or "case" in told(ANA, "list")
    assert case.id in told(BEN, "mine")
    assert case.id in told(BEN, f"show {case.id}")
    assert "name the case" in told(BEN, "show me")
    assert "thirty days" in told(BEN, "report")
    assert "open cases" in told(BEN, "help")
    assert "say why" in told(BEN, "pause low stock")
    assert "kinds are:" in told(BEN, "pause the moon because")
    assert "Paused: low stock" in told(BEN, "pause low stock because the supplier is closed")
    town.until(lambda: "paused by" in json.dumps(town.card(case)), "the pause on the card")
    assert "only the governance owners" in told(BEN, "resume low stock")
    town.approve(BEN, case)
    town.until(lambda: waiting_for(town, "the supplier is closed"), "the step to wait")
    assert town.case(case).state is State.APPROVED
    assert "Resumed" in told(ELSIE, "resume low stock")
    town.until(lambda: town.case(case).state is State.RESOLVED, "what waited")
    assert proven(town)


def test_a_message_becomes_a_case_that_its_raiser_cannot_approve(town):
    """Finn turns somebody's words into a case; it is quoted and linked; somebody else decides."""
    town.the("low_stock")
    said = town.say(OMAR, "C0STOCK", "the Merlot *boxes* in the cellar are <!channel> wet")
    town.emulator.post(
        "shortcut",
        {
            "as": FINN,
            "callback_id": "exception_from_message",
            "channel": "C0STOCK",
            "ts": said["ts"],
        },
    )
    (view,) = town.window(FINN)["views"]
    fields = {
        b["element"]["action_id"]: b["element"].get("initial_value")
        for b in view["blocks"]
        if b["type"] == "input"
    }
    assert fields["field.title"] == "the Merlot *boxes* in the cellar are !channel wet"
    town.submit(FINN, **{"raise.kind": "not_sure", "field.title": "Wet boxes in the cellar"})
    town.until(
        lambda: any("was opened" in json.dumps(one) for one in town.direct(FINN)),
        "the word that it was opened",
    )
    (case,) = [case for case in town.cases() if case.signal.source == "slack"]
    assert case.signal.requester == principal(FINN)
    assert case.signal.facts["link"].endswith(f"/archives/C0STOCK/p{said['ts'].replace('.', '')}")
    again = town.emulator.post(
        "shortcut",
        {
            "as": FINN,
            "callback_id": "exception_from_message",
            "channel": "C0STOCK",
            "ts": said["ts"],
        },
    )
    assert again["acked"]
    town.submit(FINN, **{"raise.kind": "not_sure", "field.title": "Wet boxes in the cellar"})
    time.sleep(0.3)
    assert len([case for case in town.cases() if case.signal.source == "slack"]) == 1


def test_the_form_of_a_playbook_asks_for_what_it_looks_things_up_by(town):
    known = town.the("low_stock")
    town.emulator.post("shortcut", {"as": FINN, "callback_id": "create_exception"})
    (view,) = town.window(FINN)["views"]
    town.emulator.post(
        "change",
        {
            "as": FINN,
            "view_id": view["id"],
            "action_id": "raise.kind",
            "value": "low_stock",
            "values": {},
        },
    )
    (view,) = town.window(FINN)["views"]
    assert "field.parameter.product_id" in json.dumps(view["blocks"])
    refused = town.submit(
        FINN,
        **{
            "raise.kind": "low_stock",
            "field.title": "Gin is low",
            "field.parameter.product_id": None,
        },
    )
    assert "needs a value" in json.dumps(refused["payload"])
    product = str(known.signal.facts["product_id"])
    values = {
        "raise.kind": "low_stock",
        "field.title": "Counted by hand",
        "field.subject": "cellar 2",
        "field.parameter.product_id": product,
    }
    town.submit(FINN, **values)
    town.until(
        lambda: any(
            case.signal.title == "Counted by hand" and case.proposal.plan for case in town.cases()
        ),
        "a plan for it",
    )
    assert proven(town)


def test_the_approver_who_is_on_holiday(town):
    """Ben is away; his home suggests it; Dev stands in for one kind, decides it, and nothing else; the card names both."""
    town.emulator.post(
        "user",
        {
            "id": BEN,
            "profile": {
                "real_name": "Ben Okafor",
                "status_text": "On holiday",
                "status_emoji": ":palm_tree:",
            },
        },
    )
    stock, shipment = town.the("low_stock"), town.the("shipment_mismatch")
    town.until(lambda: "On holiday" in json.dumps(town.home(BEN)), "the suggestion")
    town.press_home(BEN, "home.delegate", "-")
    until = int((town.clock() + timedelta(days=3)).timestamp())
    town.submit(BEN, **{"field.to": GUS, "field.kind": "low_stock", "field.until": until})
    assert "guest" in json.dumps(
        town.emulator.post(
            "submit",
            {
                "as": BEN,
                "view_id": town.window(BEN)["views"][-1]["id"],
                "values": {"field.to": GUS, "field.kind": "low_stock", "field.until": until},
            },
        )["payload"]
    )
    town.submit(BEN, **{"field.to": DEV, "field.kind": "low_stock", "field.until": until})
    town.approve(DEV, shipment)
    town.until(lambda: any("only @ops-leads" in one for one in town.whispers(DEV)), "the refusal")
    town.approve(DEV, stock)
    town.until(lambda: town.case(stock).state is State.RESOLVED, "the order")
    town.until(
        lambda: "Dev Patel for Ben Okafor" in json.dumps(town.card(stock)), "both names on the card"
    )
    assert (town.case(shipment).state, proven(town)) == (State.PROPOSED, True)


def test_the_card_decided_in_two_places_at_once(town):
    """Ana presses on her home while Omar presses on the card: one wins, the other is told, both places show it."""
    case = town.the("booking_no_cover")
    town.home(ANA)

    def buttons_on_home():
        found = buttons(town.window(ANA)["home"]["blocks"], "case.approve")
        # "EX-1" begins the value of EX-10 too.
        return [one for one in found if one["value"].startswith(f"{case.id}:")]

    town.until(buttons_on_home, "her queue")
    (button,) = buttons_on_home()
    # He has it before him, whatever becomes of it meanwhile.
    card, token = town.card(case), ids.token(town.case(case))
    omars = {"as": OMAR, "action_id": ids.APPROVE, "value": token, "shown": card}
    place = {"channel": case.channel, "ts": card["ts"]}
    with ThreadPoolExecutor(2) as pool:
        pressed = [
            pool.submit(town.press_home, ANA, "case.approve", button["value"]),
            pool.submit(town.emulator.post, "click", {**place, **omars}),
        ]
        assert all(one.result()["acked"] for one in pressed)
    town.until(lambda: town.case(case).state is State.RESOLVED, "the end")
    assert len(town.case(case).proposal.approvals) == 1
    refused = town.case(case).activity.refusal_count
    assert refused == 1
    # After the acknowledgement.
    town.until(
        lambda: town.window(ANA)["views"] or any("Not done" in one for one in town.whispers(OMAR)),
        "a word to whoever was later",
    )
    town.until(lambda: not buttons_on_home(), "a home without the button")


def test_one_press_decisions_keep_working_one_after_the_other(town):
    """Ana clears her whole queue from her home without opening it again."""
    for kind in ("booking_no_cover", "service_note_open", "task_no_evidence"):
        town.the(kind)
    town.home(ANA)
    done = []
    town.until(
        lambda: len(buttons(town.window(ANA)["home"]["blocks"], "case.approve")) >= 3, "her queue"
    )
    while found := [
        b
        for b in buttons(town.window(ANA)["home"]["blocks"], "case.approve")
        if b["value"] not in done
    ]:
        assert town.press_home(ANA, "case.approve", found[0]["value"])["acked"]
        done.append(found[0]["value"])
        town.until(lambda: done[-1] not in json.dumps(town.window(ANA)["home"]), "the row to go")
    assert len(done) >= 3
    town.until(
        lambda: all(town.desk.store.cases.case(v.partition(":")[0]).is_terminal for v in done),
        "all of them done",
    )


def test_a_snoozed_case_is_woken_from_its_card(town):
    """Ana has put it off until tomorrow, and has time now after all."""
    case = town.the("task_no_evidence")
    seen = CardSnapshot.of(case)
    snooze = Request(case_id=case.id, by=principal(ANA), snapshot=seen, surface=Surface.SLACK)
    tomorrow = town.clock() + timedelta(days=1)
    town.desk.decisions.snooze(snooze, until=tomorrow, reason="the photo comes tomorrow")
    town.until(lambda: buttons(town.card(case)["blocks"], ids.WAKE), "the button to wake it")
    card = town.card(case)
    (wake,) = buttons(card["blocks"], ids.WAKE)
    assert town.press(ANA, case.channel, card["ts"], ids.WAKE, wake["value"])["acked"]
    town.until(lambda: town.case(case).state is State.PROPOSED, "the question again")
    town.until(lambda: buttons(town.card(case)["blocks"], ids.APPROVE), "its card")


def test_a_digest_acted_on_row_by_row(town):
    """Nine o'clock: one message in each channel with work; each row is decided there, and the others stay as they are."""
    cases = [
        town.the(kind) for kind in ("service_note_open", "task_no_evidence", "booking_no_cover")
    ]
    town.until(lambda: not town.desk.store.queries.newest(states=[State.OPEN]), "every plan")
    town.settled()
    local = town.desk.library.hours("C0FLOOR").local(town.clock())
    town.clock.forward(hours=(9 - local.hour) % 24, minutes=1 - local.minute)
    town.service.jobs[0].run()
    look = next(job for job in town.service.jobs if job.name == "digests")
    look.run()
    look.run()
    # A town opened after nine has the digest of its own morning in the channel as well.
    hours = town.desk.library.hours("C0FLOOR")
    due = hours.digest_time(hours.local(town.clock()).date())
    key = digest_message("C0FLOOR", due, town.clock()).key

    def digests():
        return [
            one
            for one in town.emulator.messages("C0FLOOR")
            if (one.get("metadata") or {}).get("event_payload") == {"uid": key}
        ]

    def rows_of_digest():
        found = [one for digest in digests() for one in buttons(digest["blocks"], "case.approve")]
        return {one["value"].partition(":")[0]: one["value"] for one in found}

    # Between nine and ten it is that of the start, in which the cases get their buttons later.
    town.until(lambda: len(rows_of_digest()) >= 2, "a digest with some cases to decide")
    (digest,) = digests()
    rows = rows_of_digest()
    for case_id, value in list(rows.items())[:2]:
        assert town.press(ANA, "C0FLOOR", digest["ts"], "case.approve", value)["acked"]
        town.until(
            lambda case_id=case_id: town.desk.store.cases.case(case_id).is_terminal,
            "the row to be done",
        )
        town.until(
            lambda value=value: value not in json.dumps(digests()[0]["blocks"]), "the row to say so"
        )
    left = {b["value"].partition(":")[0] for b in buttons(digests()[0]["blocks"], "case.approve")}
    # One that comes to a decision meanwhile gets its buttons too, after nine as before.
    assert left & set(rows) == set(rows) - set(list(rows)[:2])
    assert len(digests()) == 1
    assert {case.channel for case in cases} == {"C0FLOOR"}


def test_a_monday_of_eight_managers_and_a_hundred_and_twenty_cases(tmp_path, emulator):
    """Everyone works through what waits on them; nothing is dropped, nothing is decided twice."""
    # They are a day's work, not a storm: they only come all at once here.
    with harbour(
        tmp_path, emulator, COUNTERSIGN_SLACK_PER_SECOND="0", COUNTERSIGN_STORM_AFTER="0"
    ) as town:
        a_monday(town)


def a_monday(town):
    for kind in ("low_stock", "service_note_open", "task_no_evidence"):
        town.the(kind)
    facts = dict(town.cases("service_note_open")[0].signal.facts)
    for number in range(112):
        town.signal(
            key=f"monday-{number}",
            kind="service_note_open",
            subject=f"note:{number}",
            title=f"Note {number} was never closed",
            facts=facts,
        )
    town.until(
        lambda: (
            len(town.cases()) >= 120 and not any(case.state is State.OPEN for case in town.cases())
        ),
        "120 cases",
        300,
    )
    people = (ANA, BEN, CARLA, DEV, ELSIE, FINN, OMAR)

    busy = {State.OPEN, State.PROPOSED, State.APPROVED, State.RUNNING}
    ends = time.monotonic() + 400

    def work(who):
        while time.monotonic() < ends and town.desk.store.queries.newest(states=busy, limit=1):
            mine, _ = town.desk.conversation.queues.waiting_on(
                town.desk.conversation.questions.visibility.viewer(principal(who)), limit=20
            )
            mine = [case for case in mine if case.state is State.PROPOSED]
            if not mine:
                time.sleep(0.1)
                continue
            case = mine[hash(who) % len(mine)]
            card = town.card(case)
            if card is None:
                time.sleep(0.05)
                continue
            if buttons(card["blocks"], "case.approve"):
                town.press(who, case.channel, card["ts"], "case.approve", ids.token(case))
            else:
                town.press(
                    who, case.channel, card["ts"], "case.approve_with_reason", ids.token(case)
                )
                if town.window(who)["views"]:
                    town.submit(who, **{"field.note": "looked at the order"})

    with ThreadPoolExecutor(7) as pool:
        list(pool.map(work, people))
    assert not town.desk.store.queries.newest(states=busy)
    ended = [case for case in town.cases() if case.state in TERMINAL]
    assert len(ended) + len([case for case in town.cases() if case.state is State.REFERRED]) == len(
        town.cases()
    )
    assert sum(case.state is State.RESOLVED for case in ended) >= 8
    assert all(
        len({vote.person for vote in case.proposal.approvals}) == len(case.proposal.approvals)
        for case in town.cases()
    )
    assert proven(town)


def test_slack_is_down_for_six_hours_and_back(town):
    """One card for each open case, no doubles, within the rate that Slack allows; what ended meanwhile asks nobody."""
    first = town.the("low_stock")
    town.emulator.post("faults", {"down": True})
    for number in range(12):
        town.signal(
            key=f"down-{number}",
            kind="service_note_open",
            subject=f"note:{number}",
            title=f"Note {number}",
            facts={"note_id": 1},
        )
    town.until(
        lambda: not any(case.state is State.OPEN for case in town.cases()), "triage without Slack"
    )
    assert town.approve(BEN, first)["acked"]
    town.until(lambda: town.case(first).state is State.RESOLVED, "work without Slack")
    for _ in range(6):
        town.clock.forward(hours=1)
        time.sleep(0.2)
    urllib_delete(town)
    town.emulator.post("faults", {"per_second": 20, "retry_after": 1})
    town.clock.forward(minutes=10)
    live = [case for case in town.cases() if not case.is_terminal]
    town.until(lambda: all(town.cards_of(case) for case in live), "a card for every open case", 300)
    time.sleep(1)
    assert all(len(set(town.cards_of(case))) == len(town.cards_of(case)) for case in town.cases())
    town.until(
        lambda: "Approved by" in json.dumps(town.card(first)),
        "the card of what ended meanwhile",
    )
    told = town.emulator.get("traffic")
    assert sum(told["rejected"].values()) <= told["windows"]


def urllib_delete(town):
    import urllib.request

    with urllib.request.urlopen(
        urllib.request.Request(f"{town.emulator.url}/_ctl/faults", method="DELETE")
    ):
        pass


def looked_at(town, case):
    """When the desk looked at this case, if it has."""
    return next(
        (
            one.at
            for one in town.desk.store.cases.entries(case.id)
            if one.body.name == "evidence.gathered"
        ),
        None,
    )


def test_the_storm(town):
    """Ten thousand at once from one source: few messages, none lost; a quiet source does not wait behind them."""
    town.settled()
    before = sum(1 for _ in town.desk.store.queries.case_ids())
    facts = dict(town.cases("service_note_open")[0].signal.facts)
    base = town.desk.intake

    def loud(number):
        from bot.cases.signal import Signal

        base.receive(
            Signal(
                source="loud",
                key=f"k{number}",
                kind="service_note_open",
                subject=f"note:{number}",
                title=f"Note {number}",
                occurred_at=None,
                facts=facts,
            ),
            b"",
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(loud, range(MANY)))
    quiet = town.signal(
        key="quiet",
        kind="low_stock",
        subject="product:quiet",
        title="Gin is low",
        facts={"product_id": 1},
    )
    case = town.desk.store.cases.case(quiet["case"])
    town.until(lambda: town.card(case), "the card of the quiet source")
    # What was looked at before it, though it came later: no more than ten seconds of what one source may have.
    loud_ones = [one for one in town.cases() if one.signal.source == "loud"]
    ahead = [
        at
        for one in loud_ones
        if (at := looked_at(town, one)) and case.timers.opened_at < at < looked_at(town, case)
    ]
    assert len(ahead) <= 10 * MAX_PER_SECOND
    assert sum(1 for _ in town.desk.store.queries.case_ids()) == before + MANY + 1

    def shared():
        return [
            one
            for one in town.emulator.messages("C0FLOOR")
            if (one.get("metadata") or {}).get("event_type") == "exception_storm"
        ]

    town.until(
        lambda: shared() and "What matters most" in json.dumps(shared()[0]["blocks"]),
        "the shared card",
        300,
    )
    assert len(conversation(town, "C0FLOOR")) < 60
    place = {"as": ANA, "channel": "C0FLOOR", "ts": shared()[0]["ts"], "action_id": ids.APPROVE}
    values = []

    def is_pressed():
        # The cases that matter most may be others between the look and the press.
        found = buttons(shared()[0]["blocks"], ids.APPROVE)
        values.extend(one["value"] for one in found[:1])
        return found and town.emulator.post("click", {**place, "value": values[-1]}).get("acked")

    town.until(is_pressed, "a press on the shared card")
    pressed = values[-1].partition(":")[0]
    town.until(
        lambda: town.desk.store.cases.case(pressed).state not in {State.PROPOSED, State.OPEN},
        "the decision",
    )
    _read_and_clear_the_storm(town, shared()[0])


def _read_and_clear_the_storm(town, card):
    """Each page of the storm opens at once, and one form rejects as many cases as it names."""
    show_all = buttons(card["blocks"], ids.SHOW_ALL)[0]
    place = {"as": ANA, "channel": "C0FLOOR", "ts": card["ts"]}
    town.emulator.post("click", {**place, "action_id": ids.SHOW_ALL, "value": show_all["value"]})
    (view,) = town.window(ANA)["views"]
    pages = int(re.search(r"Page 1 of (\d+)", json.dumps(view))[1])
    assert pages > 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    last_page = town.desk.screens.case_lists.page(principal(ANA), show_all["value"], pages - 1)
    assert last_page.rows
    started_at = time.monotonic()
    group = town.desk.group_decisions.preview(principal(ANA), show_all["value"], GroupAct.REJECT)
    assert len(group.cases) == MAX_GROUP
    town.emulator.post("close", {"as": ANA, "view_id": view["id"]})
    town.emulator.post(
        "click", {**place, "action_id": ids.GROUP_REJECT, "value": show_all["value"]}
    )
    town.submit(
        ANA, **{"field.reason": "already_handled", "field.note": "one leak, which is mended"}
    )
    (view,) = town.window(ANA)["views"]
    assert f"{MAX_GROUP} of {MAX_GROUP} rejected." in json.dumps(view)
    print(f"{pages} pages; previewed and rejected in {time.monotonic() - started_at:.1f} s")
    # In kilobytes: a page and a group hold few of the ten thousand cases.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MAX_GROWTH_KB


def test_one_trouble_told_ten_thousand_times(town):
    """One card, an exact count, and never more than about an update a second of a message."""
    # The updates of the morning's other cards are not those of this one.
    town.settled()
    town.until(lambda: not town.desk.store.outbox.backlog().get("card ready"), "quiet cards")
    known = town.the("low_stock")
    before = town.emulator.get("traffic")["calls"].get("chat.update", 0)
    began = time.monotonic()

    def again(number):
        from dataclasses import replace

        town.desk.intake.receive(replace(known.signal, key=f"again-{number}"), b"")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(again, range(MANY)))
    town.until(
        lambda: "Reported 10,001 times" in json.dumps(town.card(known)), "the exact count", 300
    )
    took = time.monotonic() - began
    updates = town.emulator.get("traffic")["calls"]["chat.update"] - before
    # A call or a question shows the case too, and follows it at the same rate.
    messages = 1 + len(town.desk.store.live_lists.keys_with(known.id))
    assert updates <= messages * (took + 12)
    assert len(town.cards_of(known)) == 1


def test_the_bot_is_restarted_again_and_again_through_the_day(tmp_path, emulator):
    """Opened and closed at many hours of a day: reminders, hand-ons, digests and cards as if it had never been away."""
    with harbour(tmp_path, emulator, COUNTERSIGN_SLACK_PER_SECOND="0") as town:
        town.settled()
        clock = town.clock
        for _ in range(12):
            town.close()
            clock.forward(hours=2)
            town.clock = clock
            town.open()
            town.service.desk.upkeep.deadlines.process_due()
            next(job for job in town.service.jobs if job.name == "digests").run()
            time.sleep(0.3)
        town.until(
            lambda: (
                not town.desk.store.outbox.backlog().get("card ready")
                and not town.desk.store.outbox.backlog().get("note ready")
            ),
            "quiet",
        )
        for case in town.cases():
            assert len(set(town.cards_of(case))) == len(town.cards_of(case))
            names = [entry.body.name for entry in town.desk.store.cases.entries(case.id)]
            assert names.count("case.escalated") <= 1 + names.count("plan.drifted") + names.count(
                "case.reopened"
            )
        for channel in ("C0FLOOR", "C0STOCK", "C0SALES", "C0OPS"):
            keys = [
                (one.get("metadata") or {}).get("event_payload", {}).get("uid", "")
                for one in town.emulator.messages(channel)
            ]
            digests = [key for key in keys if key.startswith("digest:")]
            assert len(digests) == len(set(digests))
        assert proven(town)


# --- Slack at its worst ----------------------------------------------------------------------------------------------------


def fault(town, **wanted):
    town.emulator.post("faults", wanted)


@contextlib.contextmanager
def held_database(town):
    """Let nobody write to the bot's database."""
    path = town.desk.store.database.engine.url.database
    with contextlib.closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


def stock(town, number):
    """One more thing that runs low, told by a source."""
    return town.signal(
        key=f"worst-{number}",
        kind="low_stock",
        subject=f"bottle:{number}",
        title=f"Bottle {number} is running low",
    )["case"]


def test_slacks_own_rates_are_kept_and_nothing_is_lost(town):
    """Every method at the rate that Slack allows it: more cards than the burst, all stand, and what was refused was waited for."""
    town.settled()
    fault(town, tiers=True)
    ids = [stock(town, number) for number in range(16)]
    cases = [town.desk.store.cases.case(case_id) for case_id in ids]
    town.until(lambda: all(town.card(case) for case in cases), "a card each")
    assert all(len(town.cards_of(case)) == 1 for case in cases)
    told = town.emulator.get("traffic")
    assert sum(told["rejected"].values()) <= 6, told["rejected"]
    assert town.desk.store.outbox.parked_messages() == []
    assert proven(town)


def test_a_token_revoked_and_given_back_loses_nothing(town):
    """An admin revokes the app's token; for that while nothing is given up, the health check says why, and then all is told."""
    town.settled()
    town.emulator.post("token", {"revoked": True})
    town.emulator.post("disconnect", {"abruptly": True})
    town.until(
        lambda: any("no connection" in one for one in not_ready(town)),
        "the lost connection to be told",
    )
    case = town.desk.store.cases.case(stock(town, 1))
    town.until(lambda: "Slack: token_revoked" in not_ready(town), "the health check to say so")
    town.until(lambda: waiting_for(town, "token_revoked"), "the card to wait")
    assert town.desk.store.outbox.parked_messages() == []
    town.emulator.post("token", {"revoked": False})
    town.clock.forward(minutes=1)
    town.until(lambda: town.card(case), "the card")
    town.until(lambda: not_ready(town) == [], "all to be well")
    assert town.approve(ANA, town.the("booking_no_cover"))["acked"]


def waiting_for(town, error):
    with town.desk.store.database.read() as connection:
        rows = connection.execute(
            sa.text("SELECT error FROM outbox WHERE state = 'ready'")
        ).scalars()
        return any(error in row for row in rows)


def not_ready(town):
    return readiness(town)["problems"]


def readiness(town):
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{town.settings.port}/readyz", timeout=60
        ) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def test_an_archived_channel_parks_its_cards_for_a_person(town):
    """Its cards cannot stand anywhere: a person is told, opens the channel again, and lets everything go on with one command."""
    town.settled()
    town.emulator.post("channel", {"id": "C0STOCK", "is_archived": True})
    cases = [town.desk.store.cases.case(stock(town, number)) for number in range(3)]
    town.until(lambda: len(town.desk.store.outbox.parked_messages()) >= 3, "three parked cards")
    assert {row["error"] for row in town.desk.store.outbox.parked_messages()} == {
        "Slack refused: is_archived"
    }
    # Other work goes on, so the bot is ready all the same, and says what does not.
    health = readiness(town)
    assert (health["status"], health["problems"]) == ("ready", [])
    assert health["warnings"] == [
        "3 pieces of work are parked; `countersign doctor` says which, and why"
    ]
    town.emulator.post("channel", {"id": "C0STOCK", "is_archived": False})
    assert town.countersign("unpark", "--all").strip() == "3 will be retried."
    town.until(lambda: all(town.card(case) for case in cases), "their cards")


def test_a_connection_cut_in_the_middle_of_a_press_decides_once(town):
    """Slack never hears that it was heard, and the manager presses again: what was decided stands, and is carried out once."""
    case = town.the("booking_no_cover")
    card = town.card(case)
    fault(town, answer_within=3.0)
    # A press is acknowledged once it is durable: not while somebody else holds the database.
    with ThreadPoolExecutor(2) as hands, held_database(town):
        pressed = hands.submit(town.approve, ANA, case)
        town.until(lambda: town.emulator.get("traffic")["unanswered"], "the press to arrive")
        town.emulator.post("disconnect", {"abruptly": True})
        assert pressed.result()["acked"] is False
    fault(town, **PATIENT)
    town.until(lambda: town.emulator.get("traffic")["connections"] > 0, "a new connection")
    again = {"as": ANA, "action_id": "case.approve", "value": ids.token(case), "shown": card}
    pressed = town.emulator.post("click", {"channel": case.channel, "ts": card["ts"], **again})
    assert pressed["acked"]
    town.until(lambda: town.case(case).state is State.RESOLVED, "the cover")
    assert [entry.body.name for entry in town.desk.store.cases.entries(case.id)].count(
        "step.started"
    ) == 1
    assert proven(town)


def test_presses_that_overtake_each_other_have_one_winner(town):
    """Ana approves, Omar rejects a moment later, and his press arrives first."""
    case = town.the("booking_no_cover")
    fault(town, swap_next=1, swap_within=60)
    with ThreadPoolExecutor(2) as hands:
        first = hands.submit(town.approve, ANA, case)
        town.until(lambda: town.emulator.get("traffic")["kept_back"], "her press to be kept back")
        card = town.card(case)
        second = hands.submit(
            town.press, OMAR, case.channel, card["ts"], "case.reject", ids.token(case)
        )
        assert first.result()["acked"]
        assert second.result()["acked"]
    town.until(lambda: town.case(case).state is State.RESOLVED, "the cover")
    answer = town.submit(OMAR, **{"field.reason": "wrong_plan"})
    assert "too late to reject" in json.dumps(answer) or "is resolved" in json.dumps(answer)
    assert proven(town)


def test_a_form_that_opens_too_late_is_told_and_pressed_again(town):
    case = town.the("booking_no_cover")
    fault(town, refuse={"views.open": "expired_trigger_id"})
    card = town.card(case)
    press = (ANA, case.channel, card["ts"], "case.reject", ids.token(case))
    town.press(*press)
    town.until(
        lambda: any("expired_trigger_id" in one for one in town.whispers(ANA)), "a word about it"
    )
    fault(town, refuse={})
    town.press(*press)
    assert town.window(ANA)["views"]


def test_people_of_another_company_in_a_shared_channel_decide_nothing(town):
    """The channel is shared with a supplier: their people see the card, press, and are told that it is not theirs to decide."""
    supplier = {
        "id": "U0SUE",
        "name": "sue",
        "real_name": "Sue Supplier",
        "team_id": "T0SUPPLIER",
        "is_stranger": True,
    }
    town.emulator.post("seed", {"users": [supplier], "groups": [FLOOR_WITH_SUE]})
    case = town.the("booking_no_cover")
    town.emulator.post(
        "channel", {"id": case.channel, "is_shared": True, "members": [ANA, OMAR, "U0SUE"]}
    )
    town.approve("U0SUE", case)
    town.until(lambda: any("Not done" in one for one in town.whispers("U0SUE")), "a refusal")
    assert town.case(case).state is State.PROPOSED
    assert [entry.body.name for entry in town.desk.store.cases.entries(case.id)][
        -1
    ] == "attempt.refused"
    assert town.approve(ANA, case)["acked"]
    town.until(lambda: town.case(case).state is State.RESOLVED, "the cover")


FLOOR_WITH_SUE = {
    "id": "S0FLOOR",
    "handle": "floor-managers",
    "name": "Floor Managers",
    "users": [ANA, OMAR, "U0SUE"],
}

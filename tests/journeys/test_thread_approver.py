"""The thread approver: words said in the thread of a card, and the private question that decides."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import ApprovalGiven, HandedOver, Rejected, Snoozed
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, FINN, OMAR
from handlers.cards import ids
from tests.journeys.harbour import harbour, principal
from tests.world import request

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]
BOT = "<@U0COUNTERSIGN>"


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator) as running:
        yield running


def reply(town, who, case, text):
    return town.say(who, case.channel, text, thread_ts=town.card(case)["ts"])


def private(town, who, after=""):
    """The private messages to this person, the latest last."""
    return [one for one in town.window(who)["ephemerals"] if one["ts"] > after]


def answered(town, who, case, text):
    """Say something in the case's thread, and return the private answer."""
    said = reply(town, who, case, text)
    town.until(lambda: private(town, who, said["ts"]), f"an answer to {text!r}")
    return private(town, who, said["ts"])[-1]


def buttons(message):
    return [
        element
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def buttons_of_private(town, who):
    return [element for one in private(town, who) for element in buttons(one)]


def press(town, who, message):
    (button,) = buttons(message)
    return town.press(who, message["channel"], message["ts"], button["action_id"], button["value"])


def replies(town, case):
    card_ts = town.card(case)["ts"]
    messages = town.emulator.messages(case.channel)
    return [one for one in messages if one.get("thread_ts") == card_ts and one["ts"] != card_ts]


def bodies(town, case, kind):
    return [
        entry.body
        for entry in town.desk.store.cases.entries(case.id)
        if isinstance(entry.body, kind)
    ]


def test_a_case_is_approved_by_a_word_and_one_press(town):
    """The thread begins with the evidence; Ana says "approve", presses once, and the ledger names her."""
    case = town.the("booking_no_cover")
    town.until(lambda: replies(town, case), "the evidence")
    evidence = replies(town, case)[0]
    (table,) = [block for block in evidence["blocks"] if block["type"] == "table"]
    assert [cell["text"] for cell in table["rows"][0]] == ["Fact", "Value", "Source", "Read"]
    assert len(table["rows"]) > 1
    question = answered(town, ANA, case, "approve")
    assert question["thread_ts"] == town.card(case)["ts"]
    assert "Nothing has been done yet." in json.dumps(question["blocks"])
    assert town.case(case).state is State.PROPOSED
    assert press(town, ANA, question)["acked"]
    town.until(lambda: town.case(case).state is State.RESOLVED, "the cover")
    assert [body.approval.person for body in bodies(town, case, ApprovalGiven)] == [principal(ANA)]
    # No dead button is left.
    town.until(lambda: not buttons_of_private(town, ANA), "an answered question")
    # The evidence, Ana's words, and one note for the approval and its outcome.
    town.until(lambda: len(replies(town, case)) >= 3, "the note")
    notes = [json.dumps(one["blocks"], ensure_ascii=False) for one in replies(town, case)[2:]]
    assert "Ana Duarte approved" in notes[0]
    assert "Done" in notes[0]
    assert not any(code in note for note in notes for code in ("house.", "tier."))


def test_a_check_mark_asks_and_other_faces_do_not(town):
    case = town.the("booking_no_cover")
    place = {"as": ANA, "channel": case.channel, "ts": town.card(case)["ts"]}
    town.emulator.post("react", {**place, "name": "tada"})
    town.emulator.post("react", {**place, "name": "white_check_mark"})
    town.until(lambda: private(town, ANA), "a question")
    (question,) = private(town, ANA)
    assert "thread_ts" not in question
    assert press(town, ANA, question)["acked"]
    town.until(lambda: town.case(case).state is State.RESOLVED, "the cover")
    # In the thread, on the words of a colleague.
    other = town.the("low_stock")
    said = reply(town, OMAR, other, "looks fine to me")
    at = {"as": ANA, "channel": other.channel, "ts": said["ts"], "name": "heavy_check_mark"}
    town.emulator.post("react", at)
    town.until(lambda: len(private(town, ANA)) == 2, "a question in the thread")
    assert private(town, ANA)[-1]["thread_ts"] == town.card(other)["ts"]
    assert town.case(other).state is State.PROPOSED


def test_a_case_is_rejected_with_the_reason_that_was_said(town):
    case = town.the("low_stock")
    question = answered(town, ANA, case, f"{BOT} reject because we have a new supplier")
    assert press(town, ANA, question)["acked"]
    assert town.case(case).state is State.PROPOSED
    town.submit(ANA)
    town.until(lambda: town.case(case).state is State.REJECTED, "the rejection")
    (rejection,) = bodies(town, case, Rejected)
    assert (rejection.by_name, rejection.note) == ("Ana Duarte", "we have a new supplier")


def test_a_case_is_given_to_the_one_ben_or_to_one_of_two(town):
    case = town.the("low_stock")
    question = answered(town, ANA, case, "give it to Ben, he knows the supplier")
    assert press(town, ANA, question)["acked"]
    town.submit(ANA, **{"field.done": "counted"})
    town.until(lambda: bodies(town, case, HandedOver), "the hand-over")
    (hand_over,) = bodies(town, case, HandedOver)
    assert hand_over.to == principal(BEN)
    assert "he knows the supplier" in hand_over.note
    # The note about it calls Ben, with the buttons; they go when it is decided.
    town.until(lambda: any(map(buttons, replies(town, case))), "a note with buttons")
    (note,) = [one for one in replies(town, case) if buttons(one)]
    approve = next(one for one in buttons(note) if one["action_id"] == ids.APPROVE)
    town.press(BEN, case.channel, note["ts"], ids.APPROVE, approve["value"])
    town.until(lambda: town.case(case).state is State.RESOLVED, "the decision in the note")
    town.until(lambda: not any(map(buttons, replies(town, case))), "no dead button")
    # Another Ben joins.
    other_ben = {"id": "U0BEN2", "name": "bz", "real_name": "Ben Zola", "tz": "Europe/London"}
    town.emulator.post("seed", {"users": [other_ben]})
    town.service.desk.decisions.directory._records.forget()
    other = town.the("booking_no_cover")
    which = answered(town, ANA, other, "hand over to Ben")
    assert [one["text"]["text"] for one in buttons(which)] == [
        "Hand over to Ben Okafor…",
        "Hand over to Ben Zola…",
    ]


def test_a_case_rests_until_monday_on_the_clock_of_whoever_said_it(town):
    case = town.the("low_stock")
    question = answered(town, ANA, case, "snooze until Monday, the supplier is closed")
    assert press(town, ANA, question)["acked"]
    town.submit(ANA)
    town.until(lambda: bodies(town, case, Snoozed), "the rest")
    (snooze,) = bodies(town, case, Snoozed)
    local = snooze.until.astimezone(ZoneInfo("Europe/London"))
    assert local.weekday() == 0
    hours = town.desk.library.hours(case.channel)
    assert hours.next_opening(snooze.until) == snooze.until
    assert snooze.until - datetime.now(UTC) < timedelta(days=8)
    assert snooze.reason == "the supplier is closed"


def test_words_never_decide_and_are_never_met_with_silence(town):
    """Who may not is told why; what is unclear is answered; colleagues who talk to each other are left alone."""
    case = town.the("booking_no_cover")
    refusal = answered(town, FINN, case, "approve")
    assert buttons(refusal) == []
    assert "Nothing was done: only @floor-managers" in json.dumps(refusal["blocks"])
    unclear = answered(town, ANA, case, f"{BOT} hello there my friend")
    assert "In this thread you can say" in json.dumps(unclear["blocks"])
    half = answered(town, ANA, case, "approve, but only if he is on time")
    assert buttons(half) == []
    before = len(private(town, ANA))
    for text in (
        "don't approve",
        "I would not approve this",
        "> approve",
        "approve?",
        "<@U0OMAR> approve",
    ):
        reply(town, ANA, case, text)
    town.say(ANA, case.channel, "approve")
    question = answered(town, ANA, case, "snooze")
    assert len(private(town, ANA)) == before + 1
    assert buttons(question)
    assert town.case(case).state is State.PROPOSED


def test_a_message_delivered_twice_is_answered_once(town):
    case = town.the("booking_no_cover")
    town.emulator.post("faults", {"duplicate_next": 2})
    answered(town, ANA, case, f"{BOT} approve")
    answered(town, ANA, case, "snooze")
    assert len(private(town, ANA)) == 2


def test_a_press_after_the_plan_has_changed_decides_nothing(town):
    case = town.the("low_stock")
    question = answered(town, BEN, case, "approve")
    plan = town.case(case).proposal.plan
    quantity = int(str(plan.actions[0].parameters["quantity"]))
    town.desk.decisions.edit(
        request(case.id, principal(OMAR), CardSnapshot.of(town.case(case))),
        values={"quantity": quantity + 6},
    )
    press(town, BEN, question)
    town.until(lambda: "newer plan" in town.whispers(BEN)[-1], "a refusal")
    assert bodies(town, case, ApprovalGiven) == []

"""Direct messages: what they say about each subject, without markup from outside."""

from dataclasses import replace

import pytest

from bot.cases.calls import CallSubject
from bot.cases.case import StatusReason
from bot.cases.lifecycle import State
from bot.cases.notices import moment
from bot.views.calls import DirectCall, SlotCall, ThreadCall
from bot.views.progress import Progress, UsualTimes
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.call_message import (
    direct_call_blocks,
    direct_call_text,
    notice_blocks,
    notice_text,
    slot_call_blocks,
    slot_call_text,
    thread_call_blocks,
    thread_call_text,
)
from handlers.cards.case_card import notification_text
from tests.cases.making import NOW, action, plan, proposed, with_fields
from tests.handlers.cards.markup import ATTACKS, live_parts


def no_link(channel, ts):
    return ""


def direct(case, subject, *, is_pending=True):
    return DirectCall(
        key="call:EX-1:r1:T1/UBEN",
        person="T1/UBEN",
        subject=subject,
        row=CaseRow(case=case, channel="C0STOCK", ts="1.0"),
        is_pending=is_pending,
        progress=Progress(waits_for=("@floor-managers",), usual_times=UsualTimes(60.0, 300.0)),
    )


def with_plan(*actions):
    case = proposed()
    return replace(case, proposal=replace(case.proposal, plan=plan(actions=actions)))


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
@pytest.mark.parametrize("subject", CallSubject)
@pytest.mark.parametrize("is_pending", [True, False])
def test_nothing_from_outside_is_markup(text, subject, is_pending):
    case = with_plan(action(summary=text))
    case = replace(case, signal=replace(case.signal, title=text))
    call = direct(case, subject, is_pending=is_pending)
    assert live_parts(direct_call_blocks(call, no_link)) == []
    assert not set("<>") & set(direct_call_text(call))
    in_thread = ThreadCall(channel="C0STOCK", thread_ts="1.0", subject=subject, case=case)
    assert live_parts(thread_call_blocks(in_thread, [])) == []
    assert not set("<>") & set(thread_call_text(in_thread))


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_markup_in_the_message_of_a_slot(text):
    case = with_plan(action(summary=text))
    case = replace(case, signal=replace(case.signal, title=text))
    row = CaseRow(case=case, channel="C0STOCK", ts="", owner_name=text)
    slot = SlotCall(key="slot:T1/UBEN:1", person="T1/UBEN", rows=(row,), more=1)
    assert live_parts(slot_call_blocks(slot, no_link)) == []
    assert not set("<>") & set(slot_call_text(slot))


def request_line(case, **progress):
    call = replace(direct(case, CallSubject.REQUEST), progress=Progress(**progress))
    (block, *rows) = direct_call_blocks(call, no_link)
    runs = [run for part in block["elements"][1:] for run in part["elements"]]
    text = "".join(run.get("text", "…") for run in runs)
    return text, [button["action_id"] for row in rows for button in row["elements"]]


NUDGE_AND_RETRACT = [ids.NUDGE, ids.RETRACT]


def test_the_line_says_whom_it_waits_for_how_many_are_needed_and_how_long_it_takes():
    text, buttons = request_line(
        proposed(),
        waits_for=("Ana",),
        approvals_needed=2,
        approvals_missing=2,
        usual_times=UsualTimes(40 * 60.0, 119 * 60.0),
    )
    assert text == (
        "Waits for Ana, 2 of 2 approvals still needed; cases like it take 40 minutes, four in five"
        " under 2 hours. Decide by …."
    )
    assert buttons == NUDGE_AND_RETRACT


def test_without_enough_cases_there_is_no_number():
    text, _ = request_line(
        proposed(), waits_for=("@finance",), approvals_needed=1, approvals_missing=1
    )
    assert text == "Waits for @finance. Decide by …."


def test_the_line_counts_the_nudges_and_offers_the_next_in_time():
    asked_again = with_fields(proposed(), nudge_count=3)
    call = replace(
        direct(asked_again, CallSubject.REQUEST),
        progress=Progress(waits_for=("Ana",)),
        next_nudge_at=NOW,
    )
    block, row = direct_call_blocks(call, no_link)
    assert "Asked again 3 times" in str(block)
    assert "you may again from" in str(block)
    assert [button["action_id"] for button in row["elements"]] == [ids.RETRACT]


@pytest.mark.parametrize(
    ("changes", "line", "buttons"),
    [
        ({"state": State.OPEN}, "Being looked into.", [ids.RETRACT]),
        (
            {"state": State.SNOOZED, "snoozed_until": NOW},
            "Snoozed until ….",
            [ids.RETRACT],
        ),
        ({"state": State.APPROVED}, "Approved, begins soon.", [ids.RETRACT]),
        ({"state": State.RUNNING}, "Approved, being carried out.", []),
    ],
)
def test_the_line_of_every_other_state_is_a_sentence(changes, line, buttons):
    assert request_line(with_fields(proposed(), **changes)) == (line, buttons)


def test_to_withdraw_asks_before_it_ends_the_case():
    _, row = direct_call_blocks(direct(proposed(), CallSubject.REQUEST), no_link)
    nudge, withdraw = row["elements"]
    assert "confirm" not in nudge
    assert withdraw["confirm"]["title"]["text"] == "Withdraw EX-1?"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "Whoever raised this asks again; it still waits for you"),
        (2, "Whoever raised this has asked again twice; it still waits for you"),
        (5, "Whoever raised this has asked again 5 times; it still waits for you"),
    ],
)
def test_a_nudge_says_how_often_it_was_asked(count, words):
    case = with_fields(proposed(), nudge_count=count)
    assert words in str(direct_call_blocks(direct(case, CallSubject.NUDGE), no_link))


@pytest.mark.threat("A4")
def test_a_plan_that_policy_refuses_is_not_asked_for():
    refused = with_fields(with_plan(action(summary="Order 900")), state=State.REFERRED)
    refused = refused.with_reason(StatusReason(NOW, "countersign", "policy: far too much"))
    text = str(direct_call_blocks(direct(refused, CallSubject.PERSON), no_link))
    assert "Order 900" not in text
    assert "far too much" in text


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_message(state):
    case = with_fields(proposed(), state=state)
    for subject in CallSubject:
        assert direct_call_blocks(direct(case, subject), no_link)


@pytest.mark.parametrize(
    ("actions", "ask"),
    [
        ([action()], "Order 24 for £100.00?"),
        ([action(amount=None, summary="Assign Omar")], "Assign Omar?"),
        ([action(summary="Pay £100.00 to ACME")], "Pay £100.00 to ACME?"),
    ],
)
def test_the_lock_screen_shows_the_question_with_its_price_first(actions, ask):
    assert notification_text(with_plan(*actions)).startswith(ask)


def test_a_case_that_is_decided_is_told_by_its_state():
    assert "waiting" not in notification_text(with_fields(proposed(), state=State.REJECTED))


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_markup_in_a_notice(text):
    notice = f"{text} lets you decide until {moment(NOW)}.\n{text}"
    assert live_parts(notice_blocks(notice)) == []
    assert not set("<>") & set(notice_text(notice))


def test_the_moments_of_a_notice_are_dates_in_the_readers_zone():
    (block,) = notice_blocks(f"From {moment(NOW)} to {moment(NOW)}. Bye.\n\nEnd")
    first, empty, last = block["elements"]
    types = [run["type"] for run in first["elements"]]
    assert types == ["text", "date", "text", "date", "text"]
    assert first["elements"][0]["text"] == "From "
    assert empty["elements"][0]["text"] == " "
    assert last["elements"][0]["text"] == "End"
    assert notice_text(f"Until {moment(NOW)}.") == "Until 21 Nov 12:00 UTC."

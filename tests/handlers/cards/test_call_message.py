"""Direct messages: what they say about each subject, without markup from outside."""

from dataclasses import replace

import pytest

from bot.cases.calls import CallSubject
from bot.cases.lifecycle import State
from bot.views.calls import DirectCall, ThreadCall
from bot.views.progress import Progress, UsualTimes
from bot.views.rows import CaseRow
from handlers.cards.call_message import (
    direct_call_blocks,
    direct_call_text,
    thread_call_blocks,
    thread_call_text,
)
from handlers.cards.case_card import notification_text
from tests.cases.making import action, plan, proposed, with_fields
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

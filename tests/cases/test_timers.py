"""Time: what becomes due, when, and what it does to a case."""

from datetime import timedelta

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Expire, HandOver, Remind, Snooze, Wake, WakeEarly
from bot.cases.decide import decide
from bot.cases.entries import Escalated, Expired, Reminded, Woken, WokenEarly
from bot.cases.errors import MoveNotAllowed, Superseded
from bot.cases.evolve import evolve
from bot.cases.lifecycle import State
from bot.cases.sla import MIN_REMINDER_GAP
from tests.cases.making import (
    ANA,
    CASES,
    HOUR,
    NOW,
    SEEN,
    approved,
    caller,
    do,
    expired,
    opened,
    parked,
    proposed,
    referred,
    resolved,
    running,
    snoozed,
    unrecognised,
)

SECOND = timedelta(seconds=1)
LATE = NOW + 24 * HOUR


# --- a snooze -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "is_due"), [(-SECOND, False), (0 * HOUR, True), (HOUR, True)])
def test_a_snooze_ends_at_its_time_and_not_before(at, is_due):
    case = snoozed()
    now = NOW + HOUR + at
    if not is_due:
        with pytest.raises(MoveNotAllowed, match="EX-1 sleeps until"):
            decide(case, Wake(), now)
        return
    (entry,) = decide(case, Wake(), now).entries
    assert entry.body == Woken()
    after = do(case, Wake(), at=now)
    assert (after.state, after.timers.snoozed_until, after.activity.status_reason) == (
        State.OPEN,
        None,
        None,
    )
    assert after.generation == case.generation + 1


def test_a_person_ends_a_snooze_before_its_time():
    case = snoozed()
    (entry,) = decide(case, WakeEarly(caller(ANA), CardSnapshot.of(case)), NOW).entries
    assert (entry.body, str(entry.actor)) == (WokenEarly("Ana"), ANA.id)
    assert evolve(case, entry).state is State.OPEN
    assert do(case, WakeEarly(caller(ANA), CardSnapshot.of(case))).timers.snoozed_until is None


def test_a_card_of_before_the_snooze_wakes_nothing():
    with pytest.raises(Superseded):
        decide(snoozed(), WakeEarly(caller(ANA), SEEN), NOW)


@pytest.mark.parametrize("state", [state for state in CASES if state is not State.SNOOZED])
def test_nothing_else_is_woken(state):
    with pytest.raises(MoveNotAllowed):
        decide(CASES[state](), Wake(), LATE)


# --- escalation and expiry ------------------------------------------------------------------------

# When a case has until, by its state; None where time ends nothing.
UNTIL = {
    State.OPEN: NOW + HOUR,
    State.PROPOSED: NOW + HOUR,
    State.REFERRED: NOW + HOUR,
    State.SNOOZED: NOW + HOUR,
    State.APPROVED: NOW + HOUR,
    State.RUNNING: NOW + HOUR,
    State.OUTCOME_UNKNOWN: NOW + HOUR,
    State.RESOLVED: NOW + HOUR,
    State.REJECTED: NOW + HOUR,
    State.CLEARED: NOW + HOUR,
    State.WITHDRAWN: NOW + HOUR,
    State.EXPIRED: None,
}
ESCALATED = {State.PROPOSED, State.REFERRED}


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_a_case_is_escalated_only_while_it_waits_for_somebody(state):
    case = CASES[state]()
    if UNTIL[state] is None:
        with pytest.raises(MoveNotAllowed, match="EX-1 has until None"):
            decide(case, Expire("ops-leads"), LATE)
        return
    with pytest.raises(MoveNotAllowed, match="EX-1 has until 2"):
        decide(case, Expire("ops-leads"), UNTIL[state] - SECOND)
    if state in ESCALATED:
        assert do(case, Expire("ops-leads"), at=UNTIL[state]).owner == "ops-leads"
        return
    with pytest.raises(MoveNotAllowed, match=f"cannot escalate a case that {state.predicate}"):
        decide(case, Expire("ops-leads"), UNTIL[state])


def test_the_next_owner_has_as_long_as_policy_says_or_the_channel_is_open():
    case = proposed()
    (entry,) = decide(case, Expire("ops-leads"), LATE).entries
    assert entry.body == Escalated("ops-leads", LATE + 24 * HOUR, None)
    longer = Expire("ops-leads", remind_at=LATE + HOUR, expires_at=LATE + 70 * HOUR)
    (entry,) = decide(case, longer, LATE).entries
    assert entry.body == Escalated("ops-leads", LATE + 70 * HOUR, LATE + HOUR)


def test_without_a_plan_the_next_owner_has_the_time_of_the_playbook_and_the_case_never_ends():
    case = unrecognised()
    (entry,) = decide(case, Expire("ops-leads", decide_for=2 * HOUR), LATE).entries
    assert entry.body.expires_at == LATE + 2 * HOUR
    after = do(case, Expire("ops-leads"), at=LATE)
    assert (after.state, after.timers.is_escalated, after.proposal.expires_at) == (
        State.REFERRED,
        True,
        None,
    )
    with pytest.raises(MoveNotAllowed, match="EX-1 has until None"):
        decide(after, Expire("ops-leads"), LATE + 1000 * HOUR)


def test_an_escalation_gives_the_case_to_the_next_owner_with_fresh_reminders():
    case = do(proposed(), Remind(NOW + HOUR), at=NOW + HOUR / 2)
    case = do(case, Expire("ops-leads", remind_at=LATE + HOUR), at=LATE)
    assert (case.owner, case.team, case.timers.is_escalated) == ("ops-leads", "ops-leads", True)
    assert (case.timers.remind_at, case.timers.reminder_count) == (LATE + HOUR, 0)
    assert case.proposal.approvals == ()


def test_an_escalation_never_shortens_the_time_to_decide():
    case = proposed()
    soon = Expire("ops-leads", expires_at=NOW + 2 * HOUR)
    assert do(case, soon, at=NOW + HOUR).proposal.expires_at == case.proposal.expires_at


def test_a_plan_that_two_owners_left_alone_ends_unexecuted():
    case = do(proposed(), Expire("ops-leads"), at=LATE)
    until = case.proposal.expires_at
    with pytest.raises(MoveNotAllowed, match="EX-1 has until"):
        decide(case, Expire("ops-leads"), until - SECOND)
    (entry,) = decide(case, Expire("ops-leads"), until).entries
    assert entry.body == Expired()
    after = do(case, Expire("ops-leads"), at=until)
    assert (after.state, after.execution.steps, after.timers.decided_at) == (
        State.EXPIRED,
        (),
        None,
    )
    assert after.activity.status_reason.reason == "nobody decided in time; nothing was done"


# --- reminders ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_only_whoever_must_do_something_now_is_reminded(state):
    case = CASES[state]()
    is_waiting = state in {State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN}
    if is_waiting:
        (entry,) = decide(case, Remind(LATE + HOUR), LATE).entries
        assert entry.body == Reminded("floor-managers", LATE + HOUR)
        return
    with pytest.raises(MoveNotAllowed):
        decide(case, Remind(LATE + HOUR), LATE)


def test_a_reminder_comes_at_its_time_and_never_twice_within_minutes():
    case = proposed()
    at = case.timers.sla.remind_at
    with pytest.raises(MoveNotAllowed, match="EX-1 is reminded of at"):
        decide(case, Remind(at + HOUR), at - SECOND)
    after = do(case, Remind(at), at=at)
    assert (after.timers.reminder_count, after.timers.remind_at) == (1, at + MIN_REMINDER_GAP)
    with pytest.raises(MoveNotAllowed, match="is reminded of at"):
        decide(after, Remind(at + HOUR), at + MIN_REMINDER_GAP - SECOND)


def test_a_case_without_a_reminder_is_not_reminded_of():
    case = do(proposed(), Expire("ops-leads"), at=LATE)
    with pytest.raises(MoveNotAllowed, match="EX-1 is reminded of at None"):
        decide(case, Remind(LATE + HOUR), LATE)


def test_the_person_who_has_it_is_reminded():
    case = proposed()
    hand_over = HandOver(caller(ANA), SEEN, to="T1/UFINN", progress="counted", remains="the order")
    case = do(case, hand_over)
    (entry,) = decide(case, Remind(NOW + 2 * HOUR), NOW + HOUR).entries
    assert entry.body.to == "T1/UFINN"


# --- when time has something to do ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "due"),
    [
        (opened, None),
        (approved, None),
        (running, None),
        (resolved, None),
        (expired, None),
        (snoozed, HOUR),
        # Half of the time to decide: the first reminder.
        (proposed, HOUR / 2),
        (referred, HOUR / 2),
        (parked, HOUR),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_case_is_due_at_the_next_thing_that_time_does(make, due):
    assert make().timers.due_at == (NOW + due if due else None)


def test_after_the_reminder_the_escalation_is_due_and_then_the_end():
    case = proposed()
    case = do(case, Remind(NOW + 30 * HOUR), at=NOW + HOUR / 2)
    assert case.timers.due_at == case.timers.sla.decide_by
    case = do(case, Expire("ops-leads"), at=case.timers.due_at)
    assert case.timers.due_at == case.proposal.expires_at
    case = do(case, Expire("ops-leads"), at=case.timers.due_at)
    assert case.timers.due_at is None


@pytest.mark.parametrize("days", [0.001, 1, 30])
def test_a_snoozed_case_is_due_when_it_wakes(days):
    until = NOW + timedelta(days=days)
    case = do(proposed(), Snooze(caller(ANA), SEEN, until=until, reason="later"))
    assert (case.timers.due_at, CardSnapshot.of(case).state) == (until, State.SNOOZED)

"""Signals on a case: opened, counted, cleared, in conflict, and reopened."""

import pytest

from bot.cases.actor import Actor, Surface
from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, Clear, Open, Recur, Wake
from bot.cases.decide import decide, record_conflict
from bot.cases.entries import Cleared, Conflicted, MarkedClear, Opened, Recurred, Reopened
from bot.cases.errors import LedgerBroken, MoveNotAllowed
from bot.cases.evolve import evolve
from bot.cases.identity import Identities
from bot.cases.lifecycle import WAITING, State
from bot.cases.policy import PlaybookTerms
from bot.cases.verdict import require_governance
from tests.cases.making import (
    ANA,
    CASES,
    HOUR,
    NOW,
    OMAR,
    approved,
    caller,
    cleared,
    do,
    entry_after,
    opened,
    opening,
    proposed,
    resolved,
    running,
    signal,
    verdict,
)

AGAIN = signal(key="again")


# --- open -----------------------------------------------------------------------------------------


def test_a_case_begins_with_its_signal_its_owner_and_its_deadlines():
    (entry,) = decide(None, opening(), NOW).entries
    assert (entry.version, entry.revision, entry.surface) == (1, 0, Surface.INTAKE)
    assert entry.actor == Actor.from_source("api")
    case = opened()
    assert (case.state, case.version, case.proposal.revision, case.generation) == (
        State.OPEN,
        1,
        0,
        1,
    )
    assert (case.kind, case.signal.fingerprint) == ("low_stock", signal().fingerprint)
    assert (case.owner, case.team, case.channel) == ("floor-managers", "floor-managers", "C0STOCK")
    assert (
        case.activity.signal_count,
        case.activity.conflict_count,
        case.activity.refusal_count,
    ) == (1, 0, 0)
    assert case.timers.remind_at == case.timers.sla.remind_at == NOW + HOUR / 2


@pytest.mark.parametrize(
    ("requester", "people", "authors"),
    [
        (None, (), ()),
        ("", (), ()),
        (ANA.id, (ANA.id,), (ANA.id,)),
        # An account that is nobody's here raised it, and is a party to nothing.
        ("ana@elsewhere.example", (), ("ana@elsewhere.example",)),
    ],
)
def test_whoever_raised_it_is_its_author_and_as_a_person_a_party_to_it(requester, people, authors):
    case = opened(requester=requester)
    assert (case.activity.people, case.authors) == (people, authors)


@pytest.mark.parametrize("command", [Recur(AGAIN), Clear(AGAIN), Wake()])
def test_nothing_but_an_opening_begins_a_case(command):
    with pytest.raises(LedgerBroken, match="a case begins with its opening"):
        decide(None, command, NOW)


def test_a_case_is_opened_once():
    with pytest.raises(LedgerBroken, match="EX-1 is open already"):
        decide(opened(), opening(), NOW)


def test_a_ledger_that_begins_with_something_else_is_broken():
    case = opened()
    for entry in (entry_after(case, Recurred(AGAIN)), entry_after(case, opening_body())):
        with pytest.raises(LedgerBroken, match="EX-1 does not begin with its opening"):
            evolve(None, entry)


def opening_body() -> Opened:
    command: Open = opening()
    return Opened(
        signal=command.signal, owner=command.owner, channel=command.channel, sla=command.sla
    )


# --- count ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_a_signal_is_counted_in_every_state_and_moves_none(state):
    case = CASES[state]()
    decision = decide(case, Recur(AGAIN), NOW)
    (entry,) = decision.entries
    assert (entry.body, entry.surface) == (Recurred(AGAIN), Surface.INTAKE)
    assert (decision.case.state, decision.case.activity.signal_count) == (
        state,
        case.activity.signal_count + 1,
    )
    assert decision.case.proposal.approvals == case.proposal.approvals


def test_a_signal_that_comes_again_takes_back_the_all_clear():
    case = do(running(), Clear(signal(key="gone")))
    assert case.timers.cleared_at == NOW
    assert do(case, Recur(AGAIN)).timers.cleared_at is None


def test_the_same_account_is_one_requester_however_often_it_raises_it():
    case = opened(requester=ANA.id)
    case = do(case, *[Recur(signal(key=f"k{number}", requester=ANA.id)) for number in range(3)])
    assert case.authors == (ANA.id,)
    case = do(case, Recur(signal(key="of-omar", requester=OMAR.id)), at=NOW + HOUR)
    assert [(one.account, one.at) for one in case.requesters] == [
        (ANA.id, NOW),
        (OMAR.id, NOW + HOUR),
    ]
    assert case.authors_before(NOW) == (ANA.id,)


GOVERNED = require_governance(verdict(), PlaybookTerms(owners={"governance": "finance"}))
LINKED = Identities.of([[ANA.id, "staff:17"]])


@pytest.mark.parametrize(
    ("make", "requester", "state"),
    [
        (proposed, "stranger", State.OPEN),
        (proposed, None, State.PROPOSED),
        (proposed, OMAR.id, State.PROPOSED),
        (proposed, "staff:17", State.PROPOSED),
        (lambda: proposed(verdict=GOVERNED), "stranger", State.PROPOSED),
        # Nothing waits for a decision there, or it has been taken.
        (opened, "stranger", State.OPEN),
        (approved, "stranger", State.APPROVED),
        (running, "stranger", State.RUNNING),
    ],
)
def test_a_stranger_who_raises_it_too_brings_a_waiting_plan_back_to_triage(make, requester, state):
    case = make()
    again = Recur(signal(key="again", requester=requester), identities=LINKED)
    decision = decide(case, again, NOW)
    assert decision.case.state is state
    is_moved = state is not case.state
    assert [entry.body.name for entry in decision.entries] == (
        ["signal.recurred", "plan.drifted"] if is_moved else ["signal.recurred"]
    )


# --- clear ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_the_all_clear_ends_what_waits_and_is_noted_on_everything_else(state):
    case = CASES[state]()
    all_clear = signal(key="gone")
    (entry,) = decide(case, Clear(all_clear), NOW).entries
    after = do(case, Clear(all_clear))
    assert after.timers.cleared_at == NOW
    if state in WAITING:
        assert entry.body == Cleared(all_clear)
        assert (after.state, after.timers.snoozed_until) == (State.CLEARED, None)
        assert (after.activity.status_reason.reason, after.activity.status_reason.by) == (
            "it went away by itself",
            "source:api",
        )
        return
    assert entry.body == MarkedClear(all_clear)
    assert (after.state, after.execution.steps, after.activity.status_reason) == (
        state,
        case.execution.steps,
        case.activity.status_reason,
    )


# --- conflict -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_another_body_under_a_known_key_is_noted_and_changes_nothing(state):
    case = CASES[state]()
    decision = record_conflict(case, source="till", key="k", checksum="c" * 64, now=NOW)
    (entry,) = decision.entries
    assert entry.body == Conflicted("till", "k", "c" * 64)
    assert (entry.actor, entry.surface) == (Actor.from_source("till"), Surface.INTAKE)
    assert (decision.case.activity.conflict_count, decision.case.state) == (
        case.activity.conflict_count + 1,
        state,
    )


# --- reopen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [resolved, cleared])
def test_a_trouble_that_is_back_begins_again_on_a_new_card(make):
    case = make()
    decision = decide(case, Recur(AGAIN, reopen=True), NOW)
    assert [entry.body.name for entry in decision.entries] == ["signal.recurred", "case.reopened"]
    after = decision.case
    assert (after.state, after.generation) == (State.OPEN, case.generation + 1)
    assert after.activity.reopening_reason == "it came back: Merlot is running low"
    assert (after.proposal.approvals, after.execution.steps, after.execution.undo_approvals) == (
        (),
        (),
        (),
    )
    assert (after.activity.status_reason, after.execution.undo_until, after.timers.cleared_at) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "state",
    [state for state in CASES if state not in {State.RESOLVED, State.CLEARED}],
    ids=lambda state: state.name,
)
def test_nothing_else_is_reopened(state):
    with pytest.raises(MoveNotAllowed, match=f"cannot reopen a case that {state.predicate}"):
        decide(CASES[state](), Recur(AGAIN, reopen=True), NOW)


def test_a_reopened_case_forgets_who_was_to_take_it_back():
    case = resolved(factors=(ApprovalRequirement("floor-managers", 1),))
    assert case.execution.undo_until
    after = do(case, Reopened("still there"))
    assert (
        after.execution.undo_until,
        after.execution.is_undo_running,
        after.activity.reopening_reason,
    ) == (None, False, "still there")
    assert CardSnapshot.of(after).state is State.OPEN
    with pytest.raises(MoveNotAllowed):
        decide(after, Approve(caller(ANA), CardSnapshot.of(after)), NOW)

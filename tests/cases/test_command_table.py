"""Every command in every state: what it writes, or the sentence with which it is refused."""

from dataclasses import replace

import pytest

from bot.cases.actor import DESK, Actor, Surface
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    CallNovel,
    Claim,
    Clear,
    Command,
    Edit,
    Expire,
    HandOver,
    LookFirst,
    NameKind,
    Narrate,
    Nudge,
    PersonDecision,
    Recommend,
    Recur,
    Reject,
    Remind,
    Resolve,
    Retract,
    Settle,
    Snooze,
    StartUndo,
    TryAgain,
    Undo,
    Wake,
    WakeEarly,
    Withdraw,
)
from bot.cases.decide import DeskRecord, decide
from bot.cases.entries import (
    FieldChange,
    Gathered,
    Parked,
    Recognised,
    RejectReason,
    Reopened,
    StepReported,
    StepState,
    Stopped,
)
from bot.cases.errors import (
    BadRequest,
    LedgerBroken,
    MoveNotAllowed,
    NotEligible,
    Refusal,
    Superseded,
    TooLate,
)
from bot.cases.lifecycle import State
from bot.cases.recommendation import Recommendation, Words
from bot.cases.steps import drift
from tests.cases.making import (
    ANA,
    CASES,
    GROUPS,
    HOUR,
    NOW,
    OMAR,
    Finish,
    caller,
    opening,
    plan,
    recognition,
    signal,
    start_step,
    verdict,
    write,
)

BY_ANA = caller(ANA)
SLA = opening().sla
LATE = NOW + 24 * HOUR


def decisions(case: Case, by: Caller) -> dict[str, PersonDecision]:
    """One decision of each sort, well formed, on what the case shows now."""
    sight = CardSnapshot.of(case)
    new_plan = plan(revision=case.proposal.revision + 1, quantity=12)
    change = FieldChange("quantity", 24, 12)
    kind_fields = {"kind": "low_stock", "owner": "ops-leads", "channel": "C0STOCK", "sla": SLA}
    return {
        "approve": Approve(by, sight),
        "withdraw": Withdraw(by, sight),
        "reject": Reject(by, sight, RejectReason.WRONG_PLAN),
        "edit": Edit(by, sight, plan=new_plan, verdict=verdict(), changes=(change,)),
        "snooze": Snooze(by, sight, until=NOW + HOUR, reason="later"),
        "wake": WakeEarly(by, sight),
        "resolve": Resolve(by, sight, "called them"),
        "try again": TryAgain(by, sight),
        "settle": Settle(by, sight, has_landed=True, note="seen there"),
        "take back": Undo(by, sight, "wrong table"),
        "name": NameKind(by, sight, **kind_fields),
        "call new": CallNovel(by, sight),
        "claim": Claim(by, sight),
        "hand over": HandOver(by, sight, to=OMAR.id, progress="counted", remains="the order"),
        "ask again about": Nudge(by, sight),
        "withdraw a case": Retract(by, sight),
    }


# --- what people decide ---------------------------------------------------------------------------

# The first entry of each decision that a state takes.
WRITTEN = {
    State.OPEN: {"hand over": "case.handed_over"},
    State.PROPOSED: {
        "approve": "approval.given",
        "reject": "plan.rejected",
        "edit": "plan.edited",
        "snooze": "case.snoozed",
        "claim": "case.claimed",
        "hand over": "case.handed_over",
    },
    State.REFERRED: {
        "reject": "plan.rejected",
        "snooze": "case.snoozed",
        "resolve": "case.resolved",
        "try again": "case.retriage_asked",
        "claim": "case.claimed",
        "hand over": "case.handed_over",
    },
    State.SNOOZED: {"wake": "case.woken_early", "hand over": "case.handed_over"},
    State.APPROVED: {"withdraw": "approval.withdrawn", "hand over": "case.handed_over"},
    State.RUNNING: {"hand over": "case.handed_over"},
    State.OUTCOME_UNKNOWN: {
        "settle": "step.settled",
        "claim": "case.claimed",
        "hand over": "case.handed_over",
    },
    State.RESOLVED: {"take back": "undo.approved"},
    State.REJECTED: {},
    State.EXPIRED: {},
    State.CLEARED: {},
    State.WITHDRAWN: {},
}
# What a state says to every decision that it does not take.
TOO_LATE = {
    State.APPROVED: "EX-1 was approved by Ana and is approved; too late to {decision}",
    State.RUNNING: "EX-1 was approved by Ana and is being carried out; too late to {decision}",
    State.OUTCOME_UNKNOWN: "EX-1 was approved by Ana and has an unknown outcome; too late to {decision}",
    State.RESOLVED: "EX-1 is resolved since 21 Nov 12:00 UTC: worked",
    State.REJECTED: "EX-1 is rejected by Ana since 21 Nov 12:00 UTC: Same as another case",
    State.EXPIRED: (
        "EX-1 is expired since 23 Nov 12:00 UTC: nobody decided in time; nothing was done"
    ),
    State.CLEARED: ("EX-1 has cleared by itself since 21 Nov 12:00 UTC: it went away by itself"),
    State.WITHDRAWN: "EX-1 is withdrawn by Omar since 21 Nov 12:00 UTC: no longer needed",
}
HAS_A_KIND = "EX-1 is known as low stock; reject its plan if that is wrong"
# Ana has raised nothing.
IS_NOT_HERS = NotEligible, "only whoever raised this may do this"
# Where a decision or a state has a sentence of its own.
SENTENCES = {
    (State.OPEN, "withdraw a case"): IS_NOT_HERS,
    (State.PROPOSED, "withdraw a case"): IS_NOT_HERS,
    (State.REFERRED, "withdraw a case"): IS_NOT_HERS,
    (State.SNOOZED, "withdraw a case"): IS_NOT_HERS,
    (State.APPROVED, "withdraw a case"): IS_NOT_HERS,
    (State.PROPOSED, "ask again about"): IS_NOT_HERS,
    (State.REFERRED, "ask again about"): IS_NOT_HERS,
    (State.PROPOSED, "withdraw"): (NotEligible, "there is no approval of yours to withdraw"),
    (State.PROPOSED, "name"): (TooLate, HAS_A_KIND),
    (State.REFERRED, "name"): (TooLate, HAS_A_KIND),
    (State.REFERRED, "call new"): (TooLate, HAS_A_KIND),
    (State.RUNNING, "withdraw"): (
        TooLate,
        "EX-1 is being carried out: what has begun can only be undone, not withdrawn",
    ),
    (State.OUTCOME_UNKNOWN, "withdraw"): (
        TooLate,
        "EX-1 has an unknown outcome: what has begun can only be undone, not withdrawn",
    ),
}


def refusal_of(state: State, name: str) -> tuple[type[Refusal], str]:
    """The error and the sentence of a decision that a state does not take."""
    if (state, name) in SENTENCES:
        return SENTENCES[state, name]
    if name == "settle":
        return TooLate, f"EX-1 {state.predicate}; there is nothing in doubt"
    if name == "take back":
        return TooLate, f"EX-1 {state.predicate}; there is nothing that can be taken back"
    if state in TOO_LATE:
        return TooLate, TOO_LATE[state].format(decision=name)
    return MoveNotAllowed, f"cannot {name} a case that {state.predicate}"


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_every_decision_in_every_state_is_written_or_refused_in_words(state):
    case = CASES[state]()
    for name, command in decisions(case, BY_ANA).items():
        if name in WRITTEN[state]:
            entry = decide(case, command, NOW).entries[0]
            assert entry.body.name == WRITTEN[state][name], name
            assert (entry.actor, entry.surface) == (Actor.parse(ANA.id), Surface.SLACK)
            continue
        error, sentence = refusal_of(state, name)
        with pytest.raises(Refusal) as failure:
            decide(case, command, NOW)
        assert (type(failure.value), str(failure.value)) == (error, sentence), name


def test_the_table_has_every_state():
    assert CASES.keys() == WRITTEN.keys() == set(State) - {State.NEW}
    for state, make in CASES.items():
        assert make().state is state


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
@pytest.mark.parametrize(
    ("ahead", "error", "sentence"),
    [
        (-1, Superseded, "EX-1 has a newer plan"),
        (1, BadRequest, "EX-1 has no revision"),
    ],
)
def test_no_state_takes_a_decision_on_another_revision(state, ahead, error, sentence):
    case = CASES[state]()
    present = CardSnapshot.of(case)
    sight = replace(present, revision=present.revision + ahead)
    for name, command in decisions(case, BY_ANA).items():
        if name not in WRITTEN[state]:
            continue
        on_another = replace(command, snapshot=sight)
        with pytest.raises(error, match=sentence):
            decide(case, on_another, NOW)


# --- what the desk and time ask -------------------------------------------------------------------


def desk_commands(case: Case) -> dict[str, Command | DeskRecord | Finish]:
    """One of everything that no person asks of a case."""
    advice = Recommendation("house.order_stock", "because", "rule 1")
    proposal = plan(revision=case.proposal.revision + 1)
    begin = {"step": 0, "groups": GROUPS, "people": {}}
    finding = Recognised(
        recognition=recognition("low_stock"), owner="ops-leads", channel="C0STOCK", sla=SLA
    )
    return {
        "recur": Recur(signal(key="again")),
        "reopen": Recur(signal(key="again"), reopen=True),
        "clear": Clear(signal(key="gone")),
        "recognise": finding,
        "gather": Gathered(evidence=(), what="what", why="why", stake=None),
        "recommend": Recommend(advice, proposal, verdict()),
        "refer": Recommend(advice, None, None),
        "narrate": Narrate(Words("m1", "what", "why"), case.proposal.revision),
        "wake": Wake(),
        "expire": Expire("ops-leads"),
        "remind": Remind(LATE + HOUR),
        "look first": LookFirst(0),
        "start undo": StartUndo(**begin),
        "park": Parked(0, "nobody knows"),
        "drift": drift("it moved"),
        "stop": Stopped("given up"),
        "finish": Finish("done"),
        "reopened": Reopened("still there"),
    }


# The commands that each state takes; every other is refused. A step is in doubt where one runs.
TAKEN = {
    State.OPEN: "recur clear recognise gather recommend refer narrate",
    State.PROPOSED: "recur clear refer narrate expire remind drift",
    State.REFERRED: "recur clear narrate expire remind",
    State.SNOOZED: "recur clear narrate wake",
    State.APPROVED: "recur clear look_first drift",
    State.RUNNING: "recur clear start_undo park",
    State.OUTCOME_UNKNOWN: "recur clear remind",
    State.RESOLVED: "recur reopen clear reopened",
    State.REJECTED: "recur clear",
    State.EXPIRED: "recur clear",
    State.CLEARED: "recur reopen clear reopened",
    State.WITHDRAWN: "recur clear",
}


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_each_state_takes_these_commands_of_the_desk_and_no_others(state):
    case = CASES[state]()
    able = []
    for name, command in desk_commands(case).items():
        try:
            decision = write(case, command, LATE)
        except (Refusal, LedgerBroken) as refusal:
            assert str(refusal)
            continue
        able.append(name.replace(" ", "_"))
        assert decision.entries
        assert decision.case.version == case.version + len(decision.entries)
    assert able == TAKEN[state].split()


@pytest.mark.parametrize(
    ("name", "actor", "surface"),
    [
        ("recur", Actor.from_source("api"), Surface.INTAKE),
        ("clear", Actor.from_source("api"), Surface.INTAKE),
        ("refer", DESK, Surface.DESK),
        ("narrate", DESK, Surface.DESK),
        ("expire", DESK, Surface.SCHEDULER),
        ("remind", DESK, Surface.SCHEDULER),
        ("drift", DESK, Surface.DESK),
    ],
)
def test_the_ledger_names_who_asked_and_where(name, actor, surface):
    case = CASES[State.PROPOSED]()
    for entry in write(case, desk_commands(case)[name], LATE).entries:
        assert (entry.actor, entry.surface) == (actor, surface)


def test_a_step_that_begins_is_the_work_of_the_desk():
    case = CASES[State.APPROVED]()
    (entry,) = decide(case, start_step(case), NOW).entries
    assert (entry.actor, entry.surface) == (DESK, Surface.DESK)
    report = StepReported(0, StepState.LANDED, "")
    (entry,) = write(CASES[State.RUNNING](), report, NOW).entries
    assert (entry.actor, entry.surface) == (DESK, Surface.DESK)

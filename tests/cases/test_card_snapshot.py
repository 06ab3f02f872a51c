"""A decision counts only on what the person had before them, and no step in doubt is ever forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest

import bot.cases.commands as commands_module
from bot.audit.verifier import ENDS_DOUBT, check_trade
from bot.cases.actor import Actor
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import (
    CHANGES_COURSE,
    OFFERED,
    Approve,
    Clear,
    DecisionKind,
    Open,
    PersonDecision,
    Recommend,
    Recur,
    Reject,
    Resolve,
    Settle,
    Snooze,
    TryAgain,
    Undo,
    Wake,
    WakeEarly,
)
from bot.cases.decide import decide
from bot.cases.entries import (
    BODIES,
    Drifted,
    Entry,
    Parked,
    Rejected,
    RejectReason,
    Reopened,
    Resolution,
    Resolved,
    RetriageAsked,
    Settled,
    StepReported,
    StepState,
    Stopped,
    entry_plain,
)
from bot.cases.errors import DoubtDropped, MoveNotAllowed, Refusal, Superseded, TooLate
from bot.cases.evolve import evolve, fold
from bot.cases.execution import StepKind, next_step
from bot.cases.lifecycle import (
    FORMER_TRANSITIONS,
    TRANSITIONS,
    State,
    Transition,
    next_state,
    recorded_state,
)
from bot.cases.steps import drift
from tests.cases.making import (
    ANA,
    BEN,
    HOUR,
    NOW,
    Finish,
    action,
    approved,
    asker,
    fold_all,
    opened,
    proposed,
    start_step,
    with_fields,
    write,
)
from tests.cases.test_authority import CASES, commands
from tests.cases.test_authority import asker as asker_there

pytestmark = pytest.mark.threat("A1")
LATER = NOW + timedelta(minutes=5)
CARRYING_OUT = {State.RUNNING, State.OUTCOME_UNKNOWN}
APPROVER = asker_there(ANA)


def do(case, *moves, at=NOW):
    for move in moves:
        case = fold_all(case, write(case, move, at))
    return case


def running(*reports, **more):
    case = approved(**more)
    return do(case, start_step(case), *reports)


def parked(**more):
    return do(running(**more), Parked(0, "nobody knows"))


# --- what was seen ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_nothing_is_decided_on_another_revision_plan_or_doubt_than_that_of_the_case(state):
    case = CASES[state]()
    present = CardSnapshot.of(case)
    wrong = [
        replace(present, revision=present.revision - 1),
        replace(present, revision=present.revision + 1),
        replace(present, checksum="0" * 32),
        replace(present, checksum=""),
        replace(present, doubt="1@1"),
    ]
    for command in commands(case, APPROVER).values():
        for seen in wrong:
            if seen.doubt != present.doubt and command.decision not in CHANGES_COURSE:
                continue
            with pytest.raises(Refusal):
                decide(case, replace(command, snapshot=seen), NOW)


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
@pytest.mark.parametrize("other", CASES, ids=lambda state: state.name)
def test_what_changes_the_course_counts_only_in_the_state_that_was_seen(state, other):
    if state is other:
        return
    case = CASES[state]()
    seen = replace(CardSnapshot.of(case), state=other)
    for command in commands(case, APPROVER).values():
        if command.decision in CHANGES_COURSE:
            with pytest.raises((Superseded, TooLate, MoveNotAllowed)):
                decide(case, replace(command, snapshot=seen), NOW)


def test_the_words_say_what_has_become_of_it():
    case = proposed()
    seen = CardSnapshot.of(case)
    histories = {
        "approved by Ana": do(case, Approve(asker(ANA), seen)),
        "rejected by Ana": do(case, Reject(asker(ANA), seen, RejectReason.DUPLICATE)),
        "another plan than EX-1": with_fields(
            case, plan=replace(case.proposal.plan, playbook="another")
        ),
        "cannot reject a case that is snoozed": do(
            case, Snooze(asker(ANA), seen, until=NOW + HOUR, reason="later")
        ),
    }
    for words, now in histories.items():
        with pytest.raises(Refusal, match=words):
            decide(now, Reject(asker(ANA), seen, RejectReason.DUPLICATE), NOW)


@pytest.mark.threat("A5")
def test_a_yes_to_one_plan_is_none_to_another_of_the_same_number():
    """After a backup was restored EX-1, revision 1, may be another order: what was shown is what is approved."""
    shown = CardSnapshot.of(proposed())
    other = proposed(actions=(action(target="product:31"),))
    with pytest.raises(Superseded, match="another plan than EX-1"):
        decide(other, Approve(asker(ANA), shown), NOW)


@pytest.mark.threat("A5")
def test_a_case_without_a_plan_is_told_from_another_of_the_same_number():
    """Handled by hand was yesterday's EX-1, not the one that has its number now."""
    nothing = Recommend(proposed().proposal.recommendation, None, None)
    yesterday, today = (do(opened(key=key), nothing) for key in ("count-1", "count-2"))
    assert CardSnapshot.of(yesterday).revision == CardSnapshot.of(today).revision == 0
    with pytest.raises(Superseded, match="another case than EX-1"):
        decide(today, Resolve(asker(ANA), CardSnapshot.of(yesterday), "did it"), NOW)


def test_a_form_about_one_step_in_doubt_never_settles_another():
    two = {"actions": (action(), action())}
    first = parked(**two)
    shown = CardSnapshot.of(first)
    second = do(first, Settle(asker(ANA), shown, has_landed=True, note="there"), at=LATER)
    begins = replace(start_step(second), step=1)
    second = do(second, begins, Parked(1, "nobody knows"), at=LATER)
    assert (second.state, second.execution.step_in_doubt) == (State.OUTCOME_UNKNOWN, 1)
    with pytest.raises(Superseded):
        decide(second, Settle(asker(ANA), shown, has_landed=True, note="there"), LATER)


def test_a_form_about_the_doing_of_a_step_never_settles_its_undoing():
    """ "Did it happen?" asks of the order first, and of the cancelling later: the same step, another question."""
    first = parked()
    shown = CardSnapshot.of(first)
    landed = do(
        first,
        Settle(asker(ANA), shown, has_landed=True, note="there"),
        Finish("done", NOW + HOUR),
        at=LATER,
    )
    back = do(
        landed,
        Undo(asker(ANA), CardSnapshot.of(landed), "wrong"),
        StepReported(0, StepState.UNDOING, ""),
        at=LATER,
    )
    again = do(back, Parked(0, "nobody knows"), at=LATER)
    assert (again.execution.step_in_doubt, CardSnapshot.of(again).revision) == (
        first.execution.step_in_doubt,
        shown.revision,
    )
    with pytest.raises(Superseded):
        decide(again, Settle(asker(ANA), shown, has_landed=True, note="there"), LATER)


# --- people's arrows and the executor's ------------------------------------------------------------------------------------


def test_people_do_not_end_what_is_being_carried_out():
    """From a running plan a person may hand the case over; everything else is the executor's."""
    people = {
        Transition.HAND_OVER,
        Transition.VOTE,
        Transition.WITHDRAW,
        Transition.REJECT,
        Transition.EDIT,
        Transition.SNOOZE,
    }
    people |= {
        Transition.RESOLVE,
        Transition.RETRIAGE,
        Transition.SETTLE,
        Transition.UNDO,
        Transition.NAME,
    }
    assert {move for state, move in TRANSITIONS if state is State.RUNNING} & people == {
        Transition.HAND_OVER
    }
    assert {move for state, move in TRANSITIONS if state is State.OUTCOME_UNKNOWN} & people == {
        Transition.HAND_OVER,
        Transition.SETTLE,
    }
    for state in CARRYING_OUT:
        for decision in set(DecisionKind) - {
            DecisionKind.HAND_OVER,
            DecisionKind.CLAIM,
            DecisionKind.SETTLE,
        }:
            assert state not in OFFERED[decision], decision


def test_to_look_again_and_to_handle_by_hand_are_asked_only_of_a_case_that_needs_a_person():
    for name in ("retry", "resolve"):
        able = []
        for state, make in CASES.items():
            case = make()
            try:
                (entry,) = decide(case, commands(case, APPROVER)[name], NOW).entries
            except Refusal:
                continue
            able.append(state)
            assert (
                entry.body.name
                == {"retry": "case.retriage_asked", "resolve": "case.resolved"}[name]
            )
        assert able == [State.REFERRED]


def test_every_command_of_a_person_says_what_they_saw():
    for command in vars(commands_module).values():
        fields = getattr(command, "__dataclass_fields__", {})
        # An answer is to a question, which never changes, and not to a card.
        if command is commands_module.GiveAnswer:
            continue
        assert ("by" in fields) is ("snapshot" in fields), command
        assert "by" not in fields or issubclass(command, PersonDecision), command


def test_what_earlier_releases_let_people_do_is_read_and_never_written():
    for (state, move), target in FORMER_TRANSITIONS.items():
        assert recorded_state(state, move) is target
        with pytest.raises(MoveNotAllowed):
            next_state(state, move)
    with pytest.raises(MoveNotAllowed):
        recorded_state(State.RUNNING, Transition.REJECT)


# --- a step in doubt -------------------------------------------------------------------------------------------------------

DOUBTS = {
    "started": lambda: running(),
    "unknown": lambda: running(StepReported(0, StepState.UNKNOWN, "no answer")),
    "being undone": lambda: running(StepReported(0, StepState.UNDOING, "")),
    "parked": lambda: parked(),
}
DROPPING = {
    "drifted": Drifted(("it moved",), is_settled=True),
    "drifted by somebody": Drifted(("Ana asked to look again",)),
    "by hand": Resolved(resolution=Resolution.BY_HAND, note="did it", by_name="Ana"),
    "finished": Resolved(resolution=Resolution.WORKED, note="done"),
    "stopped": Stopped("given up"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("body", DROPPING.values(), ids=DROPPING)
def test_no_entry_forgets_a_step_in_doubt(doubt, body):
    case = DOUBTS[doubt]()
    actor = ANA.id if isinstance(body, Drifted) and not body.is_settled else "countersign"
    entry = Entry(
        case_id=case.id,
        version=case.version + 1,
        revision=case.proposal.revision,
        at=NOW,
        actor=Actor.parse(actor),
        surface="desk",
        body=body,
    )
    if (case.state, body.transition) in {**TRANSITIONS, **FORMER_TRANSITIONS}:
        with pytest.raises(DoubtDropped, match="nobody knows yet what came of step 1"):
            evolve(case, entry)
    else:
        with pytest.raises(MoveNotAllowed):
            evolve(case, entry)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_no_command_forgets_a_step_in_doubt(doubt):
    case = DOUBTS[doubt]()
    commanded = [
        drift("it moved"),
        Stopped("given up"),
        Finish("done"),
        Reopened("again"),
        TryAgain(asker(ANA), CardSnapshot.of(case)),
        Resolve(asker(ANA), CardSnapshot.of(case), "did it"),
        Reject(asker(ANA), CardSnapshot.of(case), RejectReason.DUPLICATE),
        Recur(opened().signal, reopen=True),
        Wake(),
        WakeEarly(asker(ANA), CardSnapshot.of(case)),
        replace(start_step(case), step=1),
    ]
    for command in commanded:
        with pytest.raises(Refusal):
            write(case, command, NOW)
    cleared = do(case, Clear(opened().signal))
    assert (cleared.state, cleared.execution.steps) == (case.state, case.execution.steps)


def test_a_step_that_did_not_happen_is_reported_before_it_is_asked_again():
    case = running(StepReported(0, StepState.ABSENT, "it moved"))
    assert next_step(case).next is StepKind.STOP
    again = do(case, drift("it moved"))
    assert (again.state, again.activity.drift_reasons) == (State.OPEN, ("it moved",))


def test_only_the_step_in_doubt_is_parked():
    with pytest.raises(MoveNotAllowed, match="not in doubt"):
        write(running(StepReported(0, StepState.LANDED, "")), Parked(0, "x"), NOW)


# --- ledgers of earlier releases ---------------------------------------------------------------------------------------------


def written(case, *bodies, actor=ANA.id):
    """The case after these entries, as an earlier release wrote them."""
    entries = []
    for ahead, body in enumerate(bodies, start=1):
        entries.append(
            Entry(
                case_id=case.id,
                version=case.version + ahead,
                revision=case.proposal.revision,
                at=NOW,
                actor=Actor.parse(actor),
                surface="slack",
                body=body,
            )
        )
    return fold_all(case, entries)


def test_what_dropped_nothing_in_doubt_still_folds():
    landed = running(StepReported(0, StepState.LANDED, ""), actions=(action(), action()))
    referred = do(running(StepReported(0, StepState.FAILED, "no")), Stopped("given up"))
    looked = Drifted(("Ana asked to look again",))
    by_hand = Resolved(resolution=Resolution.BY_HAND, note="did it", by_name="Ana")
    assert written(referred, looked).state is State.OPEN
    assert written(proposed(), looked).state is State.OPEN
    assert written(approved(), looked).state is State.OPEN
    assert written(landed, looked).state is State.OPEN
    assert written(landed, by_hand).state is State.RESOLVED
    asleep = do(
        proposed(),
        Snooze(asker(ANA), CardSnapshot.of(proposed()), until=NOW + HOUR, reason="later"),
    )
    assert written(asleep, Rejected(RejectReason.DUPLICATE, "", "Ana")).state is State.REJECTED


@pytest.mark.parametrize("doubt", ["started", "unknown"])
def test_an_executor_of_an_earlier_release_that_found_nothing_done_may_have_drifted(doubt):
    """It wrote no report that the step had not happened. A person who did the same is another matter."""
    case = DOUBTS[doubt]()
    moved = Drifted(("on_hand was 4, is 3",))
    assert written(case, moved, actor="countersign").state is State.OPEN
    with pytest.raises(DoubtDropped):
        written(case, moved, actor=ANA.id)
    with pytest.raises(DoubtDropped):
        written(case, replace(moved, is_settled=True), actor="countersign")


# --- the stand-alone verifier ------------------------------------------------------------------------------------------------


def findings(*histories):
    lines = []
    check_trade([entry_plain(entry) for entries in histories for entry in entries], lines)
    return lines


class History:
    """The ledger of a case, entry by entry; what decide refuses can be forged on top."""

    def __init__(self) -> None:
        self.entries = list(
            decide(
                None,
                Open(
                    case_id="EX-1",
                    signal=opened().signal,
                    owner="floor-managers",
                    channel="C0STOCK",
                    sla=opened().timers.sla,
                ),
                NOW,
            ).entries
        )
        case = proposed()
        offered = Recommend(case.proposal.recommendation, case.proposal.plan, case.proposal.verdict)
        self.move(offered).move(Approve(asker(ANA), CardSnapshot.of(proposed())))
        self.move(start_step(self.case))

    @property
    def case(self):
        return fold(self.entries)

    def move(self, *moves):
        for move in moves:
            self.entries += write(self.case, move, NOW).entries
        return self

    def forged(self, body, actor=ANA.id):
        last = self.entries[-1]
        return [
            *self.entries,
            Entry(
                case_id=last.case_id,
                version=last.version + 1,
                revision=last.revision,
                at=NOW,
                actor=Actor.parse(actor),
                surface="slack",
                body=body,
            ),
        ]


REPORTED = {
    "started": (),
    "unknown": (StepReported(0, StepState.UNKNOWN, "no answer"),),
    "parked": (Parked(0, "nobody knows"),),
    "being undone": (StepReported(0, StepState.LANDED, ""), StepReported(0, StepState.UNDOING, "")),
}


@pytest.mark.parametrize("doubt", REPORTED)
@pytest.mark.parametrize(
    "body",
    [*DROPPING.values(), Reopened("x"), RetriageAsked("Ana")],
    ids=lambda body: body.name,
)
def test_the_verifier_objects_when_a_step_in_doubt_is_forgotten(doubt, body):
    history = History().move(*REPORTED[doubt])
    assert findings(history.entries) == []
    assert findings(history.forged(body)) == [
        f"entry {len(history.entries) + 1}: EX-1: step 1 was forgotten while nobody knew of it"
    ]


def test_the_verifier_takes_a_report_and_a_persons_word_for_an_end_of_the_doubt():
    absent = History().move(StepReported(0, StepState.ABSENT, "it moved"), drift("it moved"))
    assert findings(absent.entries) == []
    history = History().move(Parked(0, "nobody knows"))
    history.move(
        Settle(asker(ANA), CardSnapshot.of(history.case), has_landed=True, note="there"),
        Finish("done"),
    )
    assert findings(history.entries) == []
    assert findings(history.forged(Settled(0, True, "there", "Ana"))) == [
        f"entry {len(history.entries) + 1}: EX-1: a person settled step 1, of which nothing was in doubt"
    ]


def test_the_verifier_reads_the_drifts_of_an_earlier_release_and_no_others():
    history = History()
    moved = Drifted(("it moved",))
    assert findings(history.forged(moved, actor="countersign")) == []
    assert len(findings(history.forged(moved, actor=BEN.id))) == 1
    assert len(findings(history.forged(replace(moved, is_settled=True), actor="countersign"))) == 1


def test_the_verifier_knows_every_entry_that_leaves_the_carrying_out_of_a_plan():
    """Only these may come while a step is in doubt; the desk's own entries are about no case."""
    about_the_desk = ("desk.", "delegation.", "glass.", "passkey.")
    stays = set()
    for name, body in BODIES.items():
        moves = (
            {Transition.RESOLVE, Transition.FINISH}
            if name == "case.resolved"
            else {body.usual_transition}
        )
        targets = {TRANSITIONS.get((state, move)) for state in CARRYING_OUT for move in moves} - {
            None
        }
        if targets and targets <= CARRYING_OUT:
            stays.add(name)
    assert {name for name in BODIES if not name.startswith(about_the_desk)} - stays == ENDS_DOUBT

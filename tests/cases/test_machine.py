"""Everything that can be asked of a case, interleaved at random: the invariants hold after every step."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.cases.approval import ApprovalRequirement, Person
from bot.cases.canonical import from_json, to_json, to_plain
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    CHANGES_COURSE,
    OFFERED,
    Approve,
    AskQuestion,
    CallNovel,
    Claim,
    Clear,
    Edit,
    Expire,
    GiveAnswer,
    HandOver,
    NameKind,
    Nudge,
    Open,
    Recommend,
    Recur,
    Reject,
    Remind,
    Resolve,
    Retract,
    Settle,
    Snooze,
    StartStep,
    StartUndo,
    TryAgain,
    Undo,
    Wake,
    WakeEarly,
    Withdraw,
)
from bot.cases.decide import decide, record_refusal
from bot.cases.entries import (
    Gathered,
    Parked,
    RejectReason,
    Reopened,
    StepReported,
    StepState,
    Stopped,
    entry_of,
    entry_plain,
)
from bot.cases.errors import Refusal, WorldMoved
from bot.cases.evidence import Evidence
from bot.cases.evolve import evolve, fold
from bot.cases.execution import StepKind, next_step
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import TERMINAL, TRANSITIONS, WAITING, State
from bot.cases.recommendation import Recommendation
from bot.cases.requester import NUDGE_INTERVAL
from bot.cases.steps import drift
from bot.cases.verdict import Ruling
from bot.ports.card_store import CardContext
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    GROUPS,
    NOW,
    OMAR,
    OWNERS,
    Finish,
    action,
    asker,
    opened,
    plan,
    signal,
    start_step,
    verdict,
    write,
)

FINN = Person("T1/UFINN", "Finn")
PEOPLE = st.sampled_from([ANA, BEN, CARLA, OMAR, FINN])
# How what a person decides on relates to what is: mostly it is what is.
SIGHTS = st.sampled_from(
    [
        "now",
        "now",
        "now",
        "a moment ago",
        "long ago",
        "revision before",
        "revision after",
        "other plan",
        "other state",
    ]
)
REPORTS = {"step.reported", "step.settled"}
IN_DOUBT = {
    StepState.STARTED,
    StepState.ACCEPTED,
    StepState.UNKNOWN,
    StepState.MISSING,
    StepState.UNDOING,
    StepState.UNDO_UNKNOWN,
    StepState.UNDO_MISSING,
}


class CaseMachine(RuleBasedStateMachine):
    """A case and its ledger, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.case = opened()
        self.entries = list(_opening())
        self.begun: list[tuple[int, int]] = []
        self.sights = [CardSnapshot.of(self.case)]
        self.folded: Case | None = None
        self.folded_entries = 0
        self.checked: Case | None = None

    def seen(self, sight: str) -> CardSnapshot:
        """What a card of now, of an earlier moment or of another case shows."""
        now = CardSnapshot.of(self.case)
        return {
            "now": now,
            "a moment ago": self.sights[-1],
            "long ago": self.sights[len(self.sights) // 2],
            "revision before": replace(now, revision=now.revision - 1),
            "revision after": replace(now, revision=now.revision + 1),
            "other plan": replace(now, checksum="0" * 32),
            "other state": replace(
                now, state=next(state for state in State if state is not now.state)
            ),
        }[sight]

    def decide_as(self, decision, person: Person, sight: str, **fields) -> bool:
        """Let a person decide on what they have before them; only on what is, does it count."""
        before, seen = self.case, self.seen(sight)
        counts = self.ask(decision(asker(person), seen, **fields), asker(person))
        if counts:
            present = CardSnapshot.of(before)
            assert (seen.revision, seen.checksum) == (present.revision, present.checksum)
            assert before.state in OFFERED[decision.decision]
            assert seen == present or decision.decision not in CHANGES_COURSE
            assert person is not FINN or before.owner == FINN.id
        return counts

    def ask(self, move, by=None) -> bool:
        before = self.case
        try:
            entries = write(self.case, move, self.now).entries
        except Refusal as refusal:
            if by is not None:
                self.write(
                    record_refusal(
                        self.case,
                        by,
                        attempt="attempt",
                        revision=self.case.proposal.revision,
                        refusal=refusal,
                        now=self.now,
                    ).entries
                )
            assert self.case.state is before.state
            return False
        except WorldMoved:
            return False
        self.write(entries)
        return True

    def write(self, entries) -> None:
        for entry in entries:
            before = self.case
            self.case = evolve(before, entry)
            assert TRANSITIONS[before.state, entry.body.transition] is self.case.state
            if entry.body.name not in REPORTS:
                self.must_keep_doubt(before)
            if CardSnapshot.of(before) != CardSnapshot.of(self.case):
                self.sights.append(CardSnapshot.of(before))
        self.entries.extend(entries)

    def must_keep_doubt(self, before: Case) -> None:
        """A step in doubt never vanishes: whatever else happens, it stands as it stood."""
        for index, step in enumerate(before.execution.steps):
            if step.state in IN_DOUBT:
                assert self.case.execution.steps[index] == step
                assert self.case.state in {State.RUNNING, State.OUTCOME_UNKNOWN}

    # --- what happens ---

    @rule(minutes=st.integers(1, 60 * 30))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(requester=st.sampled_from([None, None, OMAR.id, CARLA.id, "nobody's account"]))
    def recur(self, requester):
        before, reopen = self.case, self.case.state in {State.RESOLVED, State.CLEARED}
        assert self.ask(Recur(signal(key="again", requester=requester), reopen))
        assert requester is None or requester in self.case.authors
        assert set(before.requesters) <= set(self.case.requesters)

    @rule()
    def clear(self):
        assert self.ask(Clear(signal(key="gone")))

    @rule(fails=st.booleans())
    def evidence(self, fails):
        found = Evidence(
            name="stock.on_hand",
            label="On hand",
            value=None if fails else 4,
            source="house",
            read_at=self.now,
            failure="away" if fails else None,
        )
        self.ask(Gathered(evidence=(found,), what="what", why="why", stake=None))

    @rule(
        count=st.integers(1, 2),
        actions=st.integers(1, 2),
        ruling=st.sampled_from(list(Ruling)),
        reversible=st.booleans(),
    )
    def recommend(self, count, actions, ruling, reversible):
        proposal = plan(
            revision=self.case.proposal.revision + 1,
            actions=(action(reversible=reversible),) * actions,
            not_after=self.now + timedelta(days=3),
        )
        # Policy names nobody for a plan that it lets run alone.
        factors = (ApprovalRequirement("floor-managers", count),)
        if ruling is Ruling.AUTO_APPROVE:
            factors = ()
        found = verdict(ruling=ruling, factors=factors)
        self.ask(Recommend(Recommendation("a", "b", "c"), proposal, found))

    @rule(person=PEOPLE, sight=SIGHTS)
    def approve(self, person, sight):
        before = self.case
        if self.decide_as(Approve, person, sight):
            assert before.state is State.PROPOSED
            assert self.now < before.proposal.expires_at
            assert person.id not in before.authors

    @rule(person=PEOPLE, sight=SIGHTS)
    def reject(self, person, sight):
        self.decide_as(Reject, person, sight, reason=RejectReason.WRONG_PLAN)

    @rule(person=PEOPLE, sight=SIGHTS)
    def retract(self, person, sight):
        before = self.case
        if self.decide_as(Retract, person, sight):
            assert {one.account for one in before.requesters} == {person.id}
            assert before.state not in {State.RUNNING, State.OUTCOME_UNKNOWN}
            assert self.case.state is State.WITHDRAWN

    @rule(person=PEOPLE, sight=SIGHTS)
    def nudge(self, person, sight):
        before = self.case
        if self.decide_as(Nudge, person, sight):
            assert person.id in {one.account for one in before.requesters}
            assert self.case.state is before.state
            nudged_at = before.timers.nudged_at
            assert nudged_at is None or self.now - nudged_at >= NUDGE_INTERVAL

    @rule(person=PEOPLE, sight=SIGHTS)
    def withdraw(self, person, sight):
        before = self.case
        if self.decide_as(Withdraw, person, sight):
            assert person.id in {vote.person for vote in before.proposal.approvals}

    @rule(person=PEOPLE, sight=SIGHTS, quantity=st.integers(1, 9))
    def edit(self, person, sight, quantity):
        from bot.cases.entries import FieldChange

        proposal = plan(
            revision=self.case.proposal.revision + 1,
            quantity=quantity,
            not_after=self.now + timedelta(days=3),
        )
        if self.decide_as(
            Edit,
            person,
            sight,
            plan=proposal,
            verdict=verdict(),
            changes=(FieldChange("quantity", 0, quantity),),
        ):
            assert self.case.proposal.approvals == ()
            assert person.id in self.case.authors

    @rule(person=PEOPLE, sight=SIGHTS, to=PEOPLE)
    def hand_over(self, person, sight, to):
        if self.decide_as(
            HandOver, person, sight, to=to.id, progress="counted", remains="the order"
        ):
            assert person is not to

    @rule(person=PEOPLE, sight=SIGHTS, hours=st.integers(-1, 800))
    def snooze(self, person, sight, hours):
        until = self.now + timedelta(hours=hours)
        self.decide_as(Snooze, person, sight, until=until, reason="later")

    @rule(person=PEOPLE, sight=SIGHTS)
    def claim(self, person, sight):
        self.decide_as(Claim, person, sight)

    @rule(person=PEOPLE, sight=SIGHTS, to=PEOPLE, fact=st.sampled_from(["", "stock.on_hand"]))
    def ask_question(self, person, sight, to, fact):
        if self.decide_as(
            AskQuestion,
            person,
            sight,
            to=to.id,
            to_name=to.name,
            question=f"How many, {to.name}?",
            answer_type=AnswerType.NUMBER,
            fact=fact,
        ):
            assert person is not to

    @precondition(lambda self: self.case.activity.inquiries)
    @rule(person=PEOPLE, place=st.integers(0, 20), text=st.sampled_from(["12", "many"]))
    def answer_question(self, person, place, text):
        before = self.case
        inquiries = before.activity.inquiries
        inquiry = inquiries[place % len(inquiries)]
        answer = GiveAnswer(by=asker(person), inquiry=inquiry.number, text=text)
        if not self.ask(answer, asker(person)):
            return
        assert inquiry.is_unanswered
        assert (person.id, text) == (inquiry.to, "12")
        assert before.state in WAITING
        if inquiry.fact:
            assert self.case.proposal.approvals == ()
            assert self.case.state in {State.OPEN, State.SNOOZED}
            assert person.id in self.case.authors

    @precondition(
        lambda self: self.case.state is State.RESOLVED or self.case.execution.is_undo_running
    )
    @rule(person=PEOPLE, sight=SIGHTS)
    def take_back(self, person, sight):
        before = self.case
        if self.decide_as(Undo, person, sight, note="wrong table"):
            assert before.state is State.RESOLVED
            assert self.now < before.execution.undo_until
            votes = [vote.person for vote in self.case.execution.undo_approvals]
            assert votes == [*(vote.person for vote in before.execution.undo_approvals), person.id]
            is_alone = self.case.proposal.verdict.ruling is Ruling.AUTO_APPROVE
            assert is_alone or person.id not in before.authors
            assert self.case.execution.is_undo_running is (
                len(votes) >= self.case.undo_votes_needed
            )

    @rule(minutes=st.integers(1, 600))
    def remind(self, minutes):
        before = self.case
        if self.ask(Remind(self.now + timedelta(minutes=minutes))):
            assert before.timers.remind_at <= self.now < self.case.timers.remind_at

    @rule()
    def wake(self):
        self.ask(Wake())

    @rule(person=PEOPLE, sight=SIGHTS)
    def wake_early(self, person, sight):
        self.decide_as(WakeEarly, person, sight)

    @rule()
    def expire(self):
        self.ask(Expire("ops-leads"))

    @rule(person=PEOPLE, sight=SIGHTS)
    def by_hand(self, person, sight):
        self.decide_as(Resolve, person, sight, note="did it")

    @rule(person=PEOPLE, sight=SIGHTS)
    def try_again(self, person, sight):
        self.decide_as(TryAgain, person, sight)

    @rule(person=PEOPLE, sight=SIGHTS, landed=st.booleans())
    def settle(self, person, sight, landed):
        self.decide_as(Settle, person, sight, has_landed=landed, note="looked")

    @rule(person=PEOPLE, sight=SIGHTS)
    def name_kind(self, person, sight):
        self.decide_as(
            NameKind,
            person,
            sight,
            kind="low_stock",
            owner="floor-managers",
            channel="C0STOCK",
            sla=self.case.timers.sla,
        )

    @rule(person=PEOPLE, sight=SIGHTS)
    def call_novel(self, person, sight):
        self.decide_as(CallNovel, person, sight)

    @rule(
        move=st.sampled_from([drift("x"), Stopped("x"), Finish("x"), Reopened("x"), Parked(0, "x")])
    )
    def executor_out_of_turn(self, move):
        """Whatever a mistaken worker asks for, no step in doubt is dropped: ``write`` looks."""
        if self.case.execution.step_in_doubt is not None and not isinstance(move, Parked):
            assert not self.ask(move)

    @precondition(lambda self: self.case.state is State.RESOLVED)
    @rule()
    def reopen(self):
        assert self.ask(Reopened("still there"))

    @precondition(lambda self: next_step(self.case).next is not StepKind.NOTHING)
    @rule(
        outcome=st.sampled_from(
            [
                "lands",
                "fails",
                "unknown",
                "moved",
                "park",
                "accepted",
                "busy",
                "missing",
                "again",
                "drift",
            ]
        )
    )
    def execute(self, outcome):
        work = next_step(self.case)
        step = work.step
        if work.next is StepKind.START:
            snapshot = {"on_hand": 9} if outcome == "moved" else {"on_hand": 4}
            at = (self.case.proposal.revision, step)
            started = self.ask(
                StartStep(**{**_fields(start_step(self.case, precondition=snapshot)), "step": step})
            )
            if (
                started
                and self.case.state is State.RUNNING
                and len(self.case.execution.steps) == step + 1
            ):
                assert at not in self.begun
                self.begun.append(at)
        elif work.next is StepKind.VERIFY:
            reports = {
                "lands": StepState.LANDED,
                "fails": StepState.FAILED,
                "unknown": StepState.UNKNOWN,
                "moved": StepState.ABSENT,
                "drift": StepState.ABSENT,
                "accepted": StepState.ACCEPTED,
                "busy": StepState.DEFERRED,
                "missing": StepState.MISSING,
                "again": StepState.STARTED,
            }
            move = (
                Parked(step, "who knows")
                if outcome == "park"
                else StepReported(step, reports[outcome], "")
            )
            assert self.ask(move)
            if outcome == "drift" and step == 0 and not self.case.execution.is_undo_running:
                assert self.ask(drift("it moved"))
        elif work.next is StepKind.RETRY:
            assert self.ask(StepReported(step, StepState.STARTED, "again"))
        elif work.next is StepKind.UNDO and self.case.execution.is_undo_running:
            people = (
                {}
                if outcome == "moved"
                else {person.id: person for person in (ANA, BEN, CARLA, OMAR)}
            )
            is_begun = self.case.execution.is_undo_begun
            assert self.ask(
                StartUndo(step=step, groups=GROUPS, people=people, playbook_owners=OWNERS)
            )
            assert is_begun or self.case.execution.is_undo_running is bool(people)
        elif work.next is StepKind.UNDO:
            assert self.ask(StepReported(step, StepState.UNDOING, ""))
        elif work.next is StepKind.VERIFY_UNDO:
            reports = {
                "unknown": StepState.UNDO_UNKNOWN,
                "missing": StepState.UNDO_MISSING,
                "again": StepState.UNDOING,
            }
            move = (
                Parked(step, "who knows")
                if outcome == "park"
                else StepReported(step, reports.get(outcome, StepState.UNDONE), "")
            )
            assert self.ask(move)
        elif work.next is StepKind.STOP:
            assert self.ask(Stopped("no"))
        else:
            assert self.ask(Finish("done", self.now + timedelta(hours=1)))

    # --- what always holds ---

    @invariant()
    def the_case_is_the_fold_of_its_entries(self):
        # Each entry is folded once as it comes, and all of them at the end.
        for entry in self.entries[self.folded_entries :]:
            self.folded = evolve(self.folded, entry_of(entry_plain(entry)))
        if self.folded_entries == len(self.entries):
            # What was refused without an entry has left the very same case.
            assert self.case is self.checked
            return
        self.folded_entries, self.checked = len(self.entries), self.case
        assert to_plain(self.folded) == to_plain(self.case)
        assert from_json(Case, to_json(self.case)) == self.case
        _check_card(self.case)

    def teardown(self):
        again = fold(entry_of(entry_plain(entry)) for entry in self.entries)
        assert to_plain(again) == to_plain(self.case)

    @invariant()
    def versions_are_contiguous(self):
        assert [entry.version for entry in self.entries] == list(range(1, len(self.entries) + 1))

    @invariant()
    def nothing_is_approved_without_a_quorum_on_this_very_plan(self):
        if self.case.state in {State.APPROVED, State.RUNNING}:
            given = self.case.proposal.approvals
            assert {vote.digest for vote in given} == {self.case.proposal.plan.plan_hash}
            if self.case.proposal.verdict.ruling is Ruling.ASK:
                assert (
                    len({vote.person for vote in given})
                    >= self.case.proposal.verdict.approvals_needed
                )
                assert not any(vote.person in self.case.authors_before(vote.at) for vote in given)

    @invariant()
    def nothing_is_taken_back_without_as_many_yeses_as_it_needed(self):
        votes = self.case.execution.undo_approvals
        assert len({vote.person for vote in votes}) == len(votes)
        if self.case.execution.is_undo_running:
            assert len(votes) >= self.case.undo_votes_needed
            assert {vote.digest for vote in votes} == {self.case.proposal.plan.plan_hash}
        elif votes:
            assert self.case.state in {State.RESOLVED, State.REFERRED}

    @invariant()
    def at_most_one_terminal_decision_per_revision(self):
        decisions = [
            entry.revision
            for entry in self.entries
            if entry.body.name in {"plan.rejected", "case.expired", "case.retracted"}
        ]
        assert len(decisions) == len(set(decisions))

    @invariant()
    def a_terminal_case_asks_nobody_anything(self):
        if self.case.state in TERMINAL:
            assert not any(inquiry.is_unanswered for inquiry in self.case.activity.inquiries)

    @invariant()
    def a_terminal_case_asks_nothing_of_time(self):
        if self.case.state in TERMINAL:
            assert self.case.timers.due_at is None


def _check_card(case: Case) -> None:
    """The card can always be drawn."""
    from bot.emulator.blocks import validate
    from handlers.cards.case_card import case_card, notification_text

    for look in (CardContext(), CardContext(is_undoable=True)):
        assert validate(case_card(case, look)) == []
    assert notification_text(case)


def _opening():
    from tests.cases.making import HOUR, promise_sla

    return decide(
        None,
        Open(
            case_id="EX-1",
            signal=signal(),
            owner="floor-managers",
            channel="C0STOCK",
            sla=promise_sla(NOW, decide_for=HOUR, resolve_for=8 * HOUR),
        ),
        NOW,
    ).entries


def _fields(move) -> dict:
    return {name: getattr(move, name) for name in move.__dataclass_fields__}


class UndoMachine(RuleBasedStateMachine):
    """The same, from the moment on at which a plan is done and may be taken back."""

    ask, write = CaseMachine.ask, CaseMachine.write
    decide_as, seen = CaseMachine.decide_as, CaseMachine.seen
    must_keep_doubt = CaseMachine.must_keep_doubt

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.case = opened()
        self.entries = list(_opening())
        self.begun: list[tuple[int, int]] = []
        self.sights = [CardSnapshot.of(self.case)]
        self.folded: Case | None = None
        self.folded_entries = 0
        self.checked: Case | None = None

    @initialize(
        count=st.integers(1, 2),
        actions=st.integers(1, 2),
        ruling=st.sampled_from([Ruling.ASK, Ruling.AUTO_APPROVE]),
    )
    def carry_out(self, count, actions, ruling):
        factors = (ApprovalRequirement("floor-managers", count),) if ruling is Ruling.ASK else ()
        proposal = plan(actions=(action(),) * actions, not_after=self.now + timedelta(days=3))
        recommended = Recommend(
            Recommendation("a", "b", "c"), proposal, verdict(ruling=ruling, factors=factors)
        )
        assert self.ask(recommended)
        for person in (ANA, OMAR)[: len(factors) and count]:
            assert self.ask(Approve(asker(person), CardSnapshot.of(self.case)))
        for step in range(actions):
            assert self.ask(replace(start_step(self.case), step=step))
            assert self.ask(StepReported(step, StepState.LANDED, ""))
        assert self.ask(Finish("done", self.now + timedelta(hours=10)))

    time_passes, take_back = CaseMachine.time_passes, CaseMachine.take_back
    settle, execute = CaseMachine.settle, CaseMachine.execute
    the_case_is_the_fold_of_its_entries = CaseMachine.the_case_is_the_fold_of_its_entries
    versions_are_contiguous = CaseMachine.versions_are_contiguous
    as_many_yeses = CaseMachine.nothing_is_taken_back_without_as_many_yeses_as_it_needed
    teardown = CaseMachine.teardown


TestUndoMachine = UndoMachine.TestCase
TestUndoMachine.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestUndoMachine.pytestmark = [pytest.mark.threat("B7")]
TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestCaseMachine = pytest.mark.timeout(900)(TestCaseMachine)

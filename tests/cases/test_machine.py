"""Everything that can be asked of a case, interleaved at random: the invariants hold after every step."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.cases import moves as m
from bot.cases.approval import Factor
from bot.cases.canonical import from_json, to_json, to_plain
from bot.cases.case import Case, evolve, fold
from bot.cases.decide import decide, refused
from bot.cases.entry import RejectReason, StepState, entry_of, entry_plain
from bot.cases.errors import Refusal, WorldMoved
from bot.cases.evidence import Evidence
from bot.cases.execution import Next, next_work
from bot.cases.lifecycle import ARROWS, TERMINAL, State
from bot.cases.policy import Ruling
from tests.cases.making import ANA, BEN, CARLA, NOW, OMAR, action, asker, opened, plan, signal, start_step, verdict

PEOPLE = st.sampled_from([ANA, BEN, CARLA, OMAR])
REVISIONS = st.integers(-1, 1)


class CaseMachine(RuleBasedStateMachine):
    """A case and its ledger, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.case = opened()
        self.entries = list(_opening())
        self.begun: list[tuple[int, int]] = []
        self.effects: dict[tuple[int, int], int] = {}

    def ask(self, move, by=None) -> bool:
        before = self.case
        try:
            entries = decide(self.case, move, self.now)
        except Refusal as refusal:
            if by is not None:
                self.write(refused(self.case, by, "attempt", self.case.revision, refusal, self.now))
            assert self.case.state is before.state
            return False
        except WorldMoved:
            return False
        self.write(entries)
        return True

    def write(self, entries) -> None:
        for entry in entries:
            before = self.case.state
            self.case = evolve(self.case, entry)
            assert ARROWS[before, entry.body.move] is self.case.state
        self.entries.extend(entries)

    # --- what happens ---

    @rule(minutes=st.integers(1, 60 * 30))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule()
    def recur(self):
        reopen = self.case.state in {State.RESOLVED, State.CLEARED}
        assert self.ask(m.Recur(signal(key="again"), reopen))

    @rule()
    def clear(self):
        assert self.ask(m.Clear(signal(key="gone")))

    @rule(fails=st.booleans())
    def evidence(self, fails):
        found = Evidence("stock.on_hand", "On hand", None if fails else 4, "house", self.now, "away" if fails else None)
        self.ask(m.Gather((found,), "what", "why", None))

    @rule(
        count=st.integers(1, 2),
        actions=st.integers(1, 2),
        ruling=st.sampled_from(list(Ruling)),
        reversible=st.booleans(),
    )
    def recommend(self, count, actions, ruling, reversible):
        from bot.cases.recommendation import Recommendation

        proposal = plan(
            revision=self.case.revision + 1,
            actions=(action(reversible=reversible),) * actions,
            not_after=self.now + timedelta(days=3),
        )
        self.ask(
            m.Recommend(
                Recommendation("a", "b", "c"),
                proposal,
                verdict(ruling=ruling, factors=(Factor("floor-managers", count),)),
            )
        )

    @rule(person=PEOPLE, off=REVISIONS)
    def approve(self, person, off):
        before = self.case
        if self.ask(m.Approve(asker(person), self.case.revision + off), asker(person)):
            assert off == 0
            assert before.state is State.PROPOSED
            assert self.now < before.expires_at
            assert person.id not in before.authors

    @rule(person=PEOPLE, off=REVISIONS)
    def reject(self, person, off):
        if self.ask(m.Reject(asker(person), self.case.revision + off, RejectReason.WRONG_PLAN), asker(person)):
            assert off == 0

    @rule(person=PEOPLE)
    def withdraw(self, person):
        self.ask(m.Withdraw(asker(person), self.case.revision), asker(person))

    @rule(person=PEOPLE, quantity=st.integers(1, 9))
    def edit(self, person, quantity):
        from bot.cases.entry import Change

        proposal = plan(revision=self.case.revision + 1, quantity=quantity, not_after=self.now + timedelta(days=3))
        if self.ask(
            m.Edit(asker(person), self.case.revision, proposal, verdict(), (Change("quantity", 0, quantity),)),
            asker(person),
        ):
            assert self.case.approvals == ()
            assert person.id in self.case.authors

    @rule(person=PEOPLE, to=PEOPLE)
    def hand_over(self, person, to):
        self.ask(m.HandOver(asker(person), to.id, "counted", "the order"), asker(person))

    @rule(person=PEOPLE, hours=st.integers(-1, 800))
    def snooze(self, person, hours):
        self.ask(m.Snooze(asker(person), self.now + timedelta(hours=hours), "later"), asker(person))

    @rule(person=PEOPLE)
    def claim(self, person):
        self.ask(m.Claim(asker(person)), asker(person))

    @rule(person=PEOPLE)
    def take_back(self, person):
        before = self.case
        if self.ask(m.Undo(asker(person), "wrong table"), asker(person)):
            assert before.state is State.RESOLVED
            assert self.now < before.undo_until

    @rule(minutes=st.integers(1, 600))
    def remind(self, minutes):
        before = self.case
        if self.ask(m.Remind(self.now + timedelta(minutes=minutes))):
            assert before.remind_at <= self.now < self.case.remind_at

    @rule()
    def wake(self):
        self.ask(m.Wake())

    @rule()
    def expire(self):
        self.ask(m.Expire("ops-leads"))

    @rule(person=PEOPLE)
    def by_hand(self, person):
        self.ask(m.Resolve(asker(person), "did it"), asker(person))

    @rule(person=PEOPLE)
    def try_again(self, person):
        self.ask(m.TryAgain(asker(person)), asker(person))

    @rule(person=PEOPLE, landed=st.booleans())
    def settle(self, person, landed):
        self.ask(m.Settle(asker(person), landed, "looked"), asker(person))

    @precondition(lambda self: self.case.state is State.RESOLVED)
    @rule()
    def reopen(self):
        assert self.ask(m.Reopen("still there"))

    @precondition(lambda self: next_work(self.case).next is not Next.NOTHING)
    @rule(
        outcome=st.sampled_from(
            ["lands", "fails", "unknown", "moved", "park", "accepted", "busy", "missing", "again", "drift"]
        )
    )
    def execute(self, outcome):
        work = next_work(self.case)
        step = work.step
        if work.next is Next.START:
            snapshot = {"on_hand": 9} if outcome == "moved" else {"on_hand": 4}
            at = (self.case.revision, step)
            started = self.ask(m.StartStep(**{**_fields(start_step(self.case, precondition=snapshot)), "step": step}))
            if started and self.case.state is State.RUNNING and len(self.case.steps) == step + 1:
                assert at not in self.begun
                self.begun.append(at)
        elif work.next is Next.VERIFY:
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
            move = m.Park(step, "who knows") if outcome == "park" else m.ReportStep(step, reports[outcome], "")
            assert self.ask(move)
            if outcome == "drift" and step == 0 and not self.case.undoing:
                assert self.ask(m.Drift(("it moved",)))
        elif work.next is Next.RETRY:
            assert self.ask(m.ReportStep(step, StepState.STARTED, "again"))
        elif work.next is Next.UNDO:
            assert self.ask(m.ReportStep(step, StepState.UNDOING, ""))
        elif work.next is Next.VERIFY_UNDO:
            reports = {
                "unknown": StepState.UNDO_UNKNOWN,
                "missing": StepState.UNDO_MISSING,
                "again": StepState.UNDOING,
            }
            move = (
                m.Park(step, "who knows")
                if outcome == "park"
                else m.ReportStep(step, reports.get(outcome, StepState.UNDONE), "")
            )
            assert self.ask(move)
        elif work.next is Next.STOP:
            assert self.ask(m.Stop("no"))
        else:
            assert self.ask(m.Finish("done", self.now + timedelta(hours=1)))

    # --- what always holds ---

    @invariant()
    def the_case_is_the_fold_of_its_entries(self):
        again = fold(entry_of(entry_plain(entry)) for entry in self.entries)
        assert to_plain(again) == to_plain(self.case)
        assert from_json(Case, to_json(self.case)) == self.case

    @invariant()
    def versions_are_contiguous(self):
        assert [entry.version for entry in self.entries] == list(range(1, len(self.entries) + 1))

    @invariant()
    def nothing_is_approved_without_a_quorum_on_this_very_plan(self):
        if self.case.state in {State.APPROVED, State.RUNNING}:
            given = self.case.approvals
            assert {vote.digest for vote in given} == {self.case.plan.digest}
            if self.case.verdict.ruling is Ruling.ASK:
                assert len({vote.person for vote in given}) >= self.case.verdict.approvals_needed
                assert not {vote.person for vote in given} & set(self.case.authors)

    @invariant()
    def at_most_one_terminal_decision_per_revision(self):
        decisions = [entry.revision for entry in self.entries if entry.body.name in {"plan.rejected", "case.expired"}]
        assert len(decisions) == len(set(decisions))

    @invariant()
    def a_terminal_case_asks_nothing_of_time(self):
        if self.case.state in TERMINAL:
            assert self.case.due_at is None

    @invariant()
    def the_card_can_always_be_drawn(self):
        from bot.emulator.blocks import validate
        from handlers.cards.case_card import case_card, notification

        assert validate(case_card(self.case)) == []
        assert notification(self.case)


def _opening():
    from tests.cases.making import HOUR, promised

    return decide(
        None,
        m.Open("EX-1", signal(), "floor-managers", "C0STOCK", promised(NOW, decide_for=HOUR, resolve_for=8 * HOUR)),
        NOW,
    )


def _fields(move) -> dict:
    return {name: getattr(move, name) for name in move.__dataclass_fields__}


TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=250, stateful_step_count=60, deadline=None)
TestCaseMachine = pytest.mark.timeout(200)(TestCaseMachine)

"""Carry out exactly what was approved, one step at a time, and never twice.

Before a step everything is checked again: digest, policy, the approvers, the precondition. The intent is committed before the
effect; after a crash or a lost answer the effect is looked for before anything is repeated. What cannot be found out is parked
for a person.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases import moves as m
from bot.cases.approval import Person
from bot.cases.canonical import Scalar
from bot.cases.case import Case, evolve
from bot.cases.decide import NOW_FOR_REAL, decide, what_moved
from bot.cases.entry import Entry, StepStarted, StepState, UndoLapsed
from bot.cases.errors import ConnectorFailed, LedgerBroken, NotEligible, OutcomeUnknown, Paused, WorldMoved
from bot.cases.execution import Next, account, next_work
from bot.cases.plan import Action, Idempotency, Plan
from bot.cases.policy import RiskTier, over_budget
from bot.cases.standing import BEHIND, Standing, must_not_be_paused
from bot.desk.outgoing import change
from bot.desk.proposal import Proposals
from bot.desk.switchboard import Switchboard
from bot.ports import Clock, Connector, Directory, Landing, Library, Store, Systems, UsageOn, Work

MOST_LOOKS = 5
# A resumed desk hastens what waits; this is for whoever missed that.
LOOK_AGAIN_WHEN_PAUSED = timedelta(minutes=1)
LOOK_AGAIN_AFTER = timedelta(seconds=2)
# What asks or changes an outside system; the rest only writes down how it ended.
TOUCHING = frozenset({Next.START, Next.VERIFY, Next.UNDO, Next.VERIFY_UNDO})
WAS_DRY_RUN = "a dry run, nothing was changed"
BEGUN_FOR_REAL = "it was begun for real, and goes on when the program runs live again"


@dataclass(frozen=True)
class Executor:
    store: Store
    library: Library
    systems: Systems
    directory: Directory
    proposals: Proposals
    switchboard: Switchboard
    clock: Clock

    def run(self, work: Work) -> None:
        """Handle one outbox row: do the next thing this plan needs, and ask to be called again until there is none."""
        if self.store.standing().is_behind:
            # Nothing of a restored backup is touched before it is acknowledged, not even to look.
            self.store.retry(work, self.clock() + LOOK_AGAIN_WHEN_PAUSED, BEHIND, certain=True, counts=False)
            return
        case = self.store.case(work.case_id)
        todo = next_work(case)
        if case.revision != work.payload.get("revision") or todo.next is Next.NOTHING:
            self.store.finish(work)
            return
        if todo.next in TOUCHING and case.steps and case.plan and not case.plan.is_of(self.proposals.mode):
            self._set_aside(case, case.plan, work)
            return
        steps = {
            Next.START: self._start,
            Next.VERIFY: self._verify,
            Next.UNDO: self._undo,
            Next.VERIFY_UNDO: self._verify_undo,
            Next.STOP: self._stop,
            Next.FINISH: self._finish,
        }
        steps[todo.next](case, todo.step, work)

    def _set_aside(self, case: Case, plan: Plan, work: Work) -> None:
        """Leave alone what was begun in another mode.

        What a dry run did is not there; what was done for real can be neither seen nor taken back
        from a dry run, so it waits. A plan of which nothing has begun is asked about again.
        """
        now = self.clock()
        if not plan.is_dry_run:
            wait = now + LOOK_AGAIN_WHEN_PAUSED
            self.store.retry(work, wait, BEGUN_FOR_REAL, certain=True, counts=False)
            return
        entries: tuple[Entry, ...] = ()
        after = case
        for report in _unmade(case):
            entries = (*entries, *decide(after, report, now))
            after = evolve(after, entries[-1])
        over = m.Stop(_why_stopped(after)) if case.undoing else m.Drift((NOW_FOR_REAL,))
        self._write_all(case, (*entries, *decide(after, over, now)), work)

    def _stop(self, case: Case, step: int, work: Work) -> None:
        self._write(case, m.Stop(_why_stopped(case)), work)

    def _finish(self, case: Case, step: int, work: Work) -> None:
        self._write(case, _finish(case, self.clock()), work)

    # --- doing ---------------------------------------------------------------------------------------------------------

    def _start(self, case: Case, step: int, work: Work) -> None:
        action, connector = self._action(case, step)
        now = self.clock()
        if self._may_be_done(case):
            after = self._begun(case, step, decide(case, m.LookFirst(step), now), work)
            if after:
                self._verify(after, step, work)
            return
        try:
            entries = decide(case, self._facts(case, step, action, connector, now), now)
        except WorldMoved as moved:
            if step == 0:
                self._write(case, m.Drift((str(moved),)), work)
            else:
                # An earlier step has landed: this one counts as failed, and what landed is taken back.
                self._back_out(case, step, str(moved), work, now)
            return
        if not isinstance(entries[0].body, StepStarted):
            self._write_all(case, entries, work)
            return
        after = self._begun(case, step, entries, work)
        if after:
            self._execute(after, step, action, connector, work)

    def _may_be_done(self, case: Case) -> bool:
        """Whether this plan is older than the last restored backup: a later ledger, now lost, may have carried it out."""
        restored_at = self.store.standing().restored_at
        if restored_at is None or case.opened_at > restored_at:
            return False
        planned = [entry.at for entry in self.store.entries(case.id) if entry.revision == case.revision]
        return not planned or planned[0] <= restored_at

    def _begun(
        self, case: Case, step: int, entries: tuple[Entry, ...], work: Work, *, undoing: bool = False
    ) -> Case | None:
        """Write that an effect begins, if kill switch and budget allow it in that very transaction; otherwise it waits."""

        def guard(standing: Standing, usage_on: UsageOn) -> None:
            must_not_be_paused(standing, case.kind, case.plan)
            if undoing or case.plan is None:
                return
            usage = usage_on(f"{entries[-1].at:%Y-%m-%d}", plan=case.plan, step=step)
            spent = over_budget(case.plan, step, self.library.policy(), usage)
            if spent:
                raise Paused(f"the budget of the day is used up: {spent}")

        written = change(case, entries, self.library.playbook(case.kind))
        try:
            return self.store.commit(replace(written, guard=guard))
        except Paused as paused:
            self.store.retry(work, self.clock() + LOOK_AGAIN_WHEN_PAUSED, str(paused), certain=True, counts=False)
            return None

    def _facts(self, case: Case, step: int, action: Action, connector: Connector, now: datetime) -> m.StartStep:
        """Everything that must still be so, read now. For high risk nothing is taken from memory."""
        if case.plan is None or case.verdict is None:
            raise LedgerBroken(f"{case.id} is approved without a plan")
        fresh = case.verdict.tier is RiskTier.HIGH
        emergency = self.library.policy().emergency
        alone = emergency.group if emergency and any(given.emergency for given in case.approvals) else ""
        playbook = self.library.playbook(case.kind)
        verdict = self.proposals.verdict(case.plan, playbook, now, step=step)
        # Whoever raised it after the last yes takes nothing back.
        authors = case.authors_before(max((given.at for given in case.approvals), default=now))
        verdict = self.proposals.known(verdict, authors, playbook)
        handles = {factor.group for factor in (*case.verdict.factors, *verdict.factors)} | ({alone} - {""})
        groups = self.directory.groups(sorted(handles), fresh=fresh)
        people = self._people([name for given in case.approvals for name in (given.person, given.principal)], fresh)
        snapshot, standing = _precondition(connector, action), self.store.standing()
        return m.StartStep(
            step,
            case.plan.digest,
            verdict,
            groups,
            people,
            snapshot,
            delegations=standing.delegations,
            emergency_group=alone,
            passkeys=standing.passkeys,
            identities=self.library.identities(),
            mode=self.proposals.mode,
        )

    def _people(self, principals: Sequence[str], fresh: bool) -> dict[str, Person]:
        found = {}
        for principal in principals:
            with contextlib.suppress(NotEligible):
                found[principal] = self.directory.person(principal, fresh=fresh)
        return found

    def _back_out(self, case: Case, step: int, reason: str, work: Work, now: datetime) -> None:
        """A step that was never begun has no record to fail, so the last one that landed is marked for undoing."""
        landed = max(index for index, record in enumerate(case.steps) if record.state is StepState.LANDED)
        why = f"step {step + 1} was not begun: {reason}"
        if case.action(landed).reversible:
            entries = decide(case, m.ReportStep(landed, StepState.UNDOING, why), now)
            self._write_all(case, entries, work, again_at=now)
        else:
            self._write(case, m.Stop(f"{why}. {account(case)}"), work)

    def _execute(self, case: Case, step: int, action: Action, connector: Connector, work: Work) -> None:
        key = case.steps[step].key
        try:
            detail = connector.execute(action, key)
            landing = connector.verify(action, key) if action.idempotency is not Idempotency.NONE else Landing.LANDED
        except OutcomeUnknown as doubt:
            self._report(case, step, StepState.UNKNOWN, str(doubt), work, again_in=LOOK_AGAIN_AFTER)
        except WorldMoved as moved:
            self._moved(case, step, str(moved), work)
        except ConnectorFailed as failure:
            self._report(case, step, StepState.FAILED, str(failure), work)
        else:
            self._landed(case, step, landing, detail, work)

    def _landed(self, case: Case, step: int, landing: Landing, detail: str, work: Work) -> None:
        if landing is Landing.LANDED:
            self._report(case, step, StepState.LANDED, detail, work)
        elif landing is Landing.ABSENT:
            self._report(case, step, StepState.FAILED, "reported as done, but it is not there", work)
        else:
            self._report(
                case, step, StepState.UNKNOWN, "reported as done, not yet visible", work, again_in=LOOK_AGAIN_AFTER
            )

    def _moved(self, case: Case, step: int, reason: str, work: Work) -> None:
        """The world moved between the check and the act, and the connector refused: nothing changed."""
        if step == 0:
            self._drift_absent(case, step, [reason], work)
        else:
            self._report(case, step, StepState.FAILED, reason, work)

    def _drift_absent(self, case: Case, step: int, reasons: Sequence[str], work: Work) -> None:
        """Report that the step did not happen, and only then ask again: no step is left in doubt."""
        now = self.clock()
        absent = decide(case, m.ReportStep(step, StepState.ABSENT, "; ".join(reasons)[:500]), now)
        drift = decide(evolve(case, absent[0]), m.Drift(tuple(reasons)), now)
        self._write_all(case, (*absent, *drift), work)

    # --- finding out ---------------------------------------------------------------------------------------------------

    def _verify(self, case: Case, step: int, work: Work) -> None:
        action, connector = self._action(case, step)
        landing = _look(connector, action, case.steps[step].key)
        if landing is Landing.LANDED:
            self._report(case, step, StepState.LANDED, "found done", work)
        elif landing is Landing.UNKNOWN:
            self._look_again(case, step, work, f"{action.summary}: {action.system} does not say whether it happened")
        elif action.idempotency is Idempotency.NONE:
            self._park(case, step, work, f"{action.summary}: not found, and this action is never repeated by itself")
        else:
            self._do_again(case, step, action, connector, work)

    def _do_again(self, case: Case, step: int, action: Action, connector: Connector, work: Work) -> None:
        """It surely did not happen: do it, if it may still be done."""
        now = self.clock()
        try:
            reasons = what_moved(case, self._facts(case, step, action, connector, now), now)
        except WorldMoved as moved:
            reasons = [str(moved)]
        if not reasons:
            again = decide(case, m.ReportStep(step, StepState.STARTED, "it had not happened; doing it again"), now)
            after = self._begun(case, step, again, work)
            if after:
                self._execute(after, step, action, connector, work)
        elif step == 0:
            self._drift_absent(case, step, reasons, work)
        else:
            self._report(case, step, StepState.FAILED, "; ".join(reasons), work)

    def _look_again(self, case: Case, step: int, work: Work, reason: str) -> None:
        if work.attempts + 1 >= MOST_LOOKS:
            self._park(case, step, work, reason)
        else:
            wait = LOOK_AGAIN_AFTER * 2**work.attempts
            self.store.retry(work, self.clock() + wait, reason, certain=False)

    def _park(self, case: Case, step: int, work: Work, reason: str) -> None:
        self._write(case, m.Park(step, f"{reason}. Please look there and say what happened"), work)

    # --- undoing -------------------------------------------------------------------------------------------------------

    def _undo(self, case: Case, step: int, work: Work) -> None:
        now = self.clock()
        move: m.Move = m.ReportStep(step, StepState.UNDOING, "")
        if case.undoing and not case.is_undo_begun:
            move = self._undo_facts(case, step, now)
        begins = decide(case, move, now)
        if isinstance(begins[0].body, UndoLapsed):
            self._write_all(case, begins, work)
            return
        after = self._begun(case, step, begins, work, undoing=True)
        if after and self._may_be_done(case):
            self._verify_undo(after, step, work)
        elif after:
            self._take_back(after, step, work)

    def _undo_facts(self, case: Case, step: int, now: datetime) -> m.StartUndo:
        """Read who wants it taken back, as they are now; for high risk nothing from memory."""
        fresh = case.verdict is not None and case.verdict.tier is RiskTier.HIGH
        factors = case.verdict.factors if case.verdict else ()
        owners = self.library.playbook(case.kind).owners.handles
        groups = {*(factor.group for factor in factors), *owners}
        standing = self.store.standing()
        names = {name for given in case.undo_approvals for name in (given.person, given.principal)}
        used = [one for one in standing.delegations if one.taker in names]
        names |= {one.giver for one in used if one.holds(case.kind, now)}
        return m.StartUndo(
            step=step,
            groups=self.directory.groups(sorted(groups), fresh=fresh),
            people=self._people(sorted(names), fresh),
            delegations=standing.delegations,
            passkeys=standing.passkeys,
            identities=self.library.identities(),
            playbook_owners=owners,
        )

    def _take_back(self, case: Case, step: int, work: Work) -> None:
        action, connector = self._action(case, step)
        key = case.steps[step].key
        try:
            detail = connector.undo(action, key, undo_key(key))
        except OutcomeUnknown as doubt:
            self.store.retry(work, self.clock() + LOOK_AGAIN_AFTER, str(doubt), certain=False)
        except ConnectorFailed as failure:
            self._look_again(case, step, work, f"{action.summary} could not be undone: {failure}")
        else:
            self._report(case, step, StepState.UNDONE, detail, work)

    def _verify_undo(self, case: Case, step: int, work: Work) -> None:
        action, connector = self._action(case, step)
        landing = _look(connector, action, undo_key(case.steps[step].key))
        if landing is Landing.LANDED:
            self._report(case, step, StepState.UNDONE, "found undone", work)
        elif landing is Landing.ABSENT:
            self._take_back(case, step, work)
        else:
            self._look_again(case, step, work, f"{action.system} does not say whether {action.summary} was undone")

    # --- writing -------------------------------------------------------------------------------------------------------

    def _action(self, case: Case, step: int) -> tuple[Action, Connector]:
        action = case.action(step)
        return action, self.systems[action.system]

    def _report(
        self, case: Case, step: int, state: StepState, detail: str, work: Work, *, again_in: timedelta = timedelta(0)
    ) -> None:
        """Write how the step went; when that ends the plan, its ending goes into the same commit."""
        now = self.clock()
        entries = decide(case, m.ReportStep(step, state, detail[:500]), now)
        after = evolve(case, entries[0])
        todo = next_work(after).next
        if todo is Next.FINISH:
            entries = (*entries, *decide(after, _finish(after, now), now))
        elif todo is Next.STOP:
            entries = (*entries, *decide(after, m.Stop(_why_stopped(after)), now))
        over = todo in {Next.FINISH, Next.STOP}
        self._write_all(case, entries, work, again_at=None if over else now + again_in)
        if state is StepState.FAILED:
            self.switchboard.watch(case.action(step).name)

    def _write(self, case: Case, move: m.Move, work: Work) -> None:
        self._write_all(case, decide(case, move, self.clock()), work)

    def _write_all(
        self,
        case: Case,
        entries: tuple[Entry, ...],
        done: Work | None,
        *,
        again_at: datetime | None = None,
    ) -> Case:
        written = change(case, entries, self.library.playbook(case.kind))
        return self.store.commit(written, done=done, again_at=again_at)


def _unmade(case: Case) -> list[m.ReportStep]:
    """Report what is left of a dry run that is over: nothing was done."""
    reports = []
    for step, record in enumerate(case.steps):
        if record.state in {StepState.STARTED, StepState.UNKNOWN}:
            reports.append(m.ReportStep(step, StepState.FAILED, WAS_DRY_RUN))
        elif record.state is StepState.UNDOING or (case.undoing and record.state is StepState.LANDED):
            reports.append(m.ReportStep(step, StepState.UNDONE, WAS_DRY_RUN))
    return reports


def _finish(case: Case, now: datetime) -> m.Finish:
    window = case.plan.undo_for if case.plan else timedelta(0)
    return m.Finish(account(case), now + window if window else None)


def _why_stopped(case: Case) -> str:
    if case.undoing and case.ending:
        return f"taken back by {case.ending.by}: {case.ending.note}. {account(case)}"
    return f"the plan could not be carried out. {account(case)}"


def undo_key(key: str) -> str:
    """The idempotency key of taking back what was done under ``key``."""
    return f"undo:{key}"


def _precondition(connector: Connector, action: Action) -> Mapping[str, Scalar]:
    """The snapshot as it is now. What it was taken of may be gone: that too is a world that moved; a system that is away is not."""
    try:
        return connector.precondition(action)
    except ConnectorFailed as failure:
        if failure.retryable:
            raise
        raise WorldMoved(str(failure)) from None


def _look(connector: Connector, action: Action, key: str) -> Landing:
    try:
        return connector.verify(action, key)
    except ConnectorFailed:
        return Landing.UNKNOWN

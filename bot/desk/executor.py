"""Carry out exactly what was approved, one step at a time, and never twice.

Before a step everything is checked again: digest, policy, the approvers, the precondition. The intent is committed before the
effect, and an effect is begun only while the lease of that commit holds. Only the deed itself may say that it failed. After a
crash or a lost answer the effect is looked for, more than once, and not before the earlier attempt is surely over. What cannot
be found out is parked for a person.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases import commands as m
from bot.cases.approval import Person
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.controls import BEHIND, DeskControls, must_not_be_paused
from bot.cases.decide import Decision, DeskRecord, decide, record_entry
from bot.cases.entries import (
    Entry,
    Parked,
    Resolved,
    StepReported,
    StepStarted,
    StepState,
    Stopped,
    UndoLapsed,
)
from bot.cases.errors import (
    Conflict,
    ConnectorFailed,
    DeskPaused,
    LedgerBroken,
    NotEligible,
    OutcomeUnknown,
    WorldMoved,
)
from bot.cases.execution import DOING, UNDOING, StepKind, is_backing_out, next_step, step_summary
from bot.cases.plan import Action, Idempotency, Plan
from bot.cases.policy import RiskTier, find_exceeded_limit
from bot.cases.steps import NOW_FOR_REAL, drift, find_drift, finish
from bot.clock import boottime, time_limit
from bot.desk.controls import Controls
from bot.desk.effects import change
from bot.desk.proposal import Proposals
from bot.ports.case_store import CaseStore, UsageOn
from bot.ports.clock import Clock
from bot.ports.connector import Connector, EffectStatus, Systems
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox

log = logging.getLogger(__name__)

MOST_LOOKS = 5
# What a system has accepted it may show late: it is looked for during some minutes.
MAX_LOOKS_AFTER_SUCCESS = 9
# How often one step is begun, with the same key, before a person is asked.
MAX_TRIES = 5
MAX_REREADS = 20
# A resumed desk hastens what waits; this is for whoever missed that.
LOOK_AGAIN_WHEN_PAUSED = timedelta(minutes=1)
LOOK_AGAIN_AFTER = timedelta(seconds=2)
UNEXPECTED = "it ended in a way that was not expected"
# What asks or changes an outside system; the rest only writes down how it ended.
TOUCHING = frozenset(
    {StepKind.START, StepKind.RETRY, StepKind.VERIFY, StepKind.UNDO, StepKind.VERIFY_UNDO}
)
WAS_DRY_RUN = "a dry run, nothing was changed"
BEGUN_FOR_REAL = "it was begun for real, and goes on when the program runs live again"
MAY_BE_DONE = "a backup was restored: it is looked for before it is done"


@dataclass(frozen=True, slots=True)
class _Side:
    """The states of doing a step, or of taking it back."""

    begun: StepState
    unknown: StepState
    missing: StepState
    done: StepState
    detail: str


_DOING = _Side(
    StepState.STARTED, StepState.UNKNOWN, StepState.MISSING, StepState.LANDED, "found done"
)
_TAKING_BACK = _Side(
    StepState.UNDOING,
    StepState.UNDO_UNKNOWN,
    StepState.UNDO_MISSING,
    StepState.UNDONE,
    "found undone",
)


@dataclass(frozen=True)
class Executor:
    """``lease_for``: how long after its intent an effect may be begun. ``stopwatch`` counts seconds, sleep included."""

    cases: CaseStore
    outbox: Outbox
    desk_controls: DeskControlsStore
    library: Library
    systems: Systems
    directory: Directory
    proposals: Proposals
    switchboard: Controls
    clock: Clock
    lease_for: timedelta = timedelta(seconds=30)
    stopwatch: Callable[[], float] = boottime

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: do the next thing this plan needs, and ask to be called again until there is none."""
        if self.desk_controls.load().is_behind:
            # Nothing of a restored backup is touched before it is acknowledged, not even to look.
            self.outbox.retry(
                work, self.clock() + LOOK_AGAIN_WHEN_PAUSED, BEHIND, certain=True, counts=False
            )
            return
        case = self.cases.case(work.case_id)
        todo = next_step(case)
        if case.revision != work.payload.get("revision") or todo.next is StepKind.NOTHING:
            self.outbox.finish(work)
            return
        if (
            todo.next in TOUCHING
            and case.steps
            and case.plan
            and not case.plan.is_of(self.proposals.mode)
        ):
            self._set_aside(case, case.plan, work)
            return
        steps = {
            StepKind.START: self._start,
            StepKind.RETRY: self._do_again,
            StepKind.VERIFY: self._verify,
            StepKind.UNDO: self._undo,
            StepKind.VERIFY_UNDO: self._verify_undo,
            StepKind.STOP: self._stop,
            StepKind.FINISH: self._finish,
        }
        steps[todo.next](case, todo.step, work)

    def _set_aside(self, case: Case, plan: Plan, work: LeasedMessage) -> None:
        """Leave alone what was begun in another mode.

        What a dry run did is not there; what was done for real can be neither seen nor taken back
        from a dry run, so it waits. A plan of which nothing has begun is asked about again.
        """
        now = self.clock()
        if not plan.is_dry_run:
            wait = now + LOOK_AGAIN_WHEN_PAUSED
            self.outbox.retry(work, wait, BEGUN_FOR_REAL, certain=True, counts=False)
            return
        decision = Decision((), case)
        for report in _unmade(case):
            decision = decision.then(record_entry(decision.case, report, now))
        after = decision.case
        over = Stopped(_why_stopped(after)) if case.undoing else drift(NOW_FOR_REAL)
        self._write_all(case, decision.then(record_entry(after, over, now)), work)

    def _stop(self, case: Case, step: int, work: LeasedMessage) -> None:
        self._write(case, Stopped(_why_stopped(case)), work)

    def _finish(self, case: Case, step: int, work: LeasedMessage) -> None:
        self._write(case, _finish(case, self.clock()), work)

    # --- doing ---------------------------------------------------------------------------------------------------------

    def _start(self, case: Case, step: int, work: LeasedMessage) -> None:
        if self._may_be_done(case):
            self._look_first(case, step, work)
            return
        action, connector = self._action(case, step)
        now = self.clock()
        try:
            facts = self._facts(case, step, action, connector, now)
            # The lease counts from here: reading the facts may have taken a while.
            began, now = self.stopwatch(), self.clock()
            decision = decide(case, facts, now)
        except WorldMoved as moved:
            if step == 0:
                self._write(case, drift(str(moved)), work)
            else:
                # An earlier step has landed: this one counts as not done, and what landed is taken back.
                self._back_out(case, step, str(moved), work)
            return
        if not isinstance(decision.entries[0].body, StepStarted):
            self._write_all(case, decision, work)
            return
        after = self._begun(case, step, decision, work)
        if after:
            self._execute(after, step, began, work)

    def _look_first(self, case: Case, step: int, work: LeasedMessage) -> None:
        """Begin with a look what a later ledger, now lost, may have carried out already."""
        begins = decide(case, m.LookFirst(step), self.clock())
        after = self._begun(case, step, self._in_doubt(step, _DOING, begins), work)
        if after:
            self._verify(after, step, work)

    def _in_doubt(self, step: int, side: "_Side", begins: Decision) -> Decision:
        """Add to the beginning that nobody knows whether it has happened."""
        doubt = StepReported(step, side.unknown, MAY_BE_DONE)
        return begins.then(record_entry(begins.case, doubt, self.clock()))

    def _may_be_done(self, case: Case) -> bool:
        """Whether this plan is older than the last restored backup: a later ledger, now lost, may have carried it out."""
        restored_at = self.desk_controls.load().restored_at
        if restored_at is None or case.opened_at > restored_at:
            return False
        planned = [
            entry.at for entry in self.cases.entries(case.id) if entry.revision == case.revision
        ]
        return not planned or planned[0] <= restored_at

    def _begun(
        self,
        case: Case,
        step: int,
        decision: Decision,
        work: LeasedMessage,
        *,
        undoing: bool = False,
    ) -> Case | None:
        """Write that an effect begins, if kill switch and budget allow it in that very transaction; otherwise it waits.

        The same transaction makes sure that the lease still holds: one that was taken over begins nothing.
        """

        def guard(standing: DeskControls, usage_on: UsageOn) -> None:
            must_not_be_paused(standing, case.kind, case.plan)
            if undoing or case.plan is None:
                return
            usage = usage_on(f"{decision.entries[-1].at:%Y-%m-%d}", plan=case.plan, step=step)
            spent = find_exceeded_limit(case.plan, step, self.library.policy(), usage)
            if spent:
                raise DeskPaused(f"the budget of the day is used up: {spent}")

        written = change(case, decision, self.library.playbook(case.kind))
        try:
            return self.cases.commit(
                replace(written, guard=guard),
                renew=work,
                renew_until=decision.entries[-1].at + self.lease_for,
            )
        except DeskPaused as paused:
            self.outbox.retry(
                work, self.clock() + LOOK_AGAIN_WHEN_PAUSED, str(paused), certain=True, counts=False
            )
            return None

    def _facts(
        self, case: Case, step: int, action: Action, connector: Connector, now: datetime
    ) -> m.StartStep:
        """Everything that must still be so, read now. For high risk nothing is taken from memory."""
        if case.plan is None or case.verdict is None:
            raise LedgerBroken(f"{case.id} is approved without a plan")
        fresh = case.verdict.tier is RiskTier.HIGH
        emergency = self.library.policy().emergency
        alone = (
            emergency.group
            if emergency and any(given.emergency for given in case.approvals)
            else ""
        )
        playbook = self.library.playbook(case.kind)
        verdict = self.proposals.verdict(case.plan, playbook, now, step=step)
        # Whoever raised it after the last yes takes nothing back.
        authors = case.authors_before(max((given.at for given in case.approvals), default=now))
        verdict = self.proposals.govern_strangers(verdict, authors, playbook)
        handles = {factor.group for factor in (*case.verdict.factors, *verdict.factors)} | (
            {alone} - {""}
        )
        groups = self.directory.groups(sorted(handles), fresh=fresh)
        people = self._people(
            [name for given in case.approvals for name in (given.person, given.principal)], fresh
        )
        snapshot, standing = _precondition(connector, action), self.desk_controls.load()
        return m.StartStep(
            step=step,
            plan_hash=case.plan.plan_hash,
            verdict=verdict,
            groups=groups,
            people=people,
            precondition=snapshot,
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

    def _back_out(self, case: Case, step: int, reason: str, work: LeasedMessage) -> None:
        """A step that was never begun has no record to fail, so the last one that landed is taken back at once."""
        landed = max(
            index for index, record in enumerate(case.steps) if record.state is StepState.LANDED
        )
        why = f"step {step + 1} was not begun: {reason}"
        if case.action(landed).reversible:
            self._undo(case, landed, work, why)
        else:
            self._write(case, Stopped(f"{why}. {step_summary(case)}"), work)

    def _execute(self, case: Case, step: int, began: float, work: LeasedMessage) -> None:
        """Do it, and say how that went. A failure is what the deed itself says; every other doubt is looked into later."""
        if self._is_too_late(began, work):
            return
        action, connector = self._action(case, step)
        key = case.steps[step].key
        try:
            with time_limit(self._ends(began, connector)):
                detail = connector.execute(action, key)
        except OutcomeUnknown as doubt:
            self._report(case, step, StepState.UNKNOWN, str(doubt), work, again_in=LOOK_AGAIN_AFTER)
        except WorldMoved as moved:
            self._moved(case, step, [str(moved)], work)
        except ConnectorFailed as failure:
            self._refused(case, step, failure, work)
        except Exception:
            # Whatever it was, it came from the middle of a deed.
            log.exception("step %d of %s ended unexpectedly; it is looked for", step + 1, case.id)
            self._report(case, step, StepState.UNKNOWN, UNEXPECTED, work, again_in=LOOK_AGAIN_AFTER)
        else:
            self._accepted(case, step, detail, work)

    def _accepted(self, case: Case, step: int, detail: str, work: LeasedMessage) -> None:
        """The system says that it is done. Seeing it there makes it so; not seeing it never makes it undone."""
        action, connector = self._action(case, step)
        is_seen = action.idempotency is Idempotency.NONE or (
            _look(connector, action, case.steps[step].key) is EffectStatus.LANDED
        )
        if is_seen:
            self._report(case, step, StepState.LANDED, detail, work)
        else:
            self._report(case, step, StepState.ACCEPTED, detail, work, again_in=LOOK_AGAIN_AFTER)

    def _refused(
        self, case: Case, step: int, failure: ConnectorFailed, work: LeasedMessage
    ) -> None:
        """Nothing happened, for certain. What may pass is tried again with the same key, a few times."""
        may_pass = failure.retryable and case.action(step).idempotency is not Idempotency.NONE
        tries = self._tries(case, step, _DOING) if may_pass else MAX_TRIES
        if tries < MAX_TRIES:
            wait = LOOK_AGAIN_AFTER * 2 ** (tries - 1)
            self._report(case, step, StepState.DEFERRED, str(failure), work, again_in=wait)
        else:
            self._report(case, step, StepState.FAILED, str(failure), work)

    def _moved(self, case: Case, step: int, reasons: Sequence[str], work: LeasedMessage) -> None:
        """The world is not as it was approved. Where an earlier attempt may have moved it, look once more."""
        action, connector = self._action(case, step)
        is_again = (
            case.steps[step].state is not StepState.STARTED or self._tries(case, step, _DOING) > 1
        )
        landing = (
            _look(connector, action, case.steps[step].key) if is_again else EffectStatus.ABSENT
        )
        if landing is EffectStatus.LANDED:
            self._report(case, step, StepState.LANDED, _DOING.detail, work)
        elif landing is EffectStatus.ABSENT:
            self._did_not_happen(case, step, reasons, work)
        else:
            self._report(
                case, step, StepState.UNKNOWN, "; ".join(reasons), work, again_in=LOOK_AGAIN_AFTER
            )

    def _did_not_happen(
        self, case: Case, step: int, reasons: Sequence[str], work: LeasedMessage
    ) -> None:
        """It surely did not happen, and is no longer right: asked again at the first step, later ones back out."""
        drift_reasons = tuple(reasons) if step == 0 and not is_backing_out(case) else ()
        self._report(
            case, step, StepState.ABSENT, "; ".join(reasons), work, drift_reasons=drift_reasons
        )

    def _do_again(self, case: Case, step: int, work: LeasedMessage) -> None:
        """It surely did not happen: do it, if it may still be done."""
        action, connector = self._action(case, step)
        now = self.clock()
        try:
            facts = self._facts(case, step, action, connector, now)
            began, now = self.stopwatch(), self.clock()
            reasons = find_drift(case, facts, now)
        except WorldMoved as moved:
            reasons = [str(moved)]
        except ConnectorFailed as failure:
            self._cannot_tell(case, step, str(failure), work)
            return
        if reasons:
            self._moved(case, step, reasons, work)
            return
        restarted = StepReported(step, StepState.STARTED, "it had not happened; doing it again")
        again = record_entry(case, restarted, now)
        after = self._begun(case, step, again, work)
        if after:
            self._execute(after, step, began, work)

    def _cannot_tell(self, case: Case, step: int, reason: str, work: LeasedMessage) -> None:
        """The system does not say whether the step may still be done: wait, and in the end leave it undone."""
        if case.steps[step].state is StepState.DEFERRED and work.attempts + 1 >= MOST_LOOKS:
            self._did_not_happen(case, step, [reason], work)
        else:
            self._look_again(case, step, work, reason)

    # --- finding out ---------------------------------------------------------------------------------------------------

    def _verify(self, case: Case, step: int, work: LeasedMessage) -> None:
        self._find_out(case, step, _DOING, work)

    def _verify_undo(self, case: Case, step: int, work: LeasedMessage) -> None:
        self._find_out(case, step, _TAKING_BACK, work)

    def _find_out(self, case: Case, step: int, side: _Side, work: LeasedMessage) -> None:
        """Look for what may have happened. Nothing is repeated, dropped or failed on the word of one look."""
        action, connector = self._action(case, step)
        record = case.steps[step]
        landing = _look(connector, action, record.key if side is _DOING else undo_key(record.key))
        if landing is EffectStatus.LANDED:
            self._report(case, step, side.done, side.detail, work)
        elif record.state is side.begun:
            self._wait_for_the_other(case, step, side, work)
        elif record.state is StepState.ACCEPTED:
            reason = (
                f"{action.summary}: {action.system} accepted it, but it is not to be seen there"
            )
            self._look_again(case, step, work, reason, most=MAX_LOOKS_AFTER_SUCCESS)
        elif landing is EffectStatus.UNKNOWN:
            done = "it happened" if side is _DOING else "it was undone"
            self._look_again(
                case, step, work, f"{action.summary}: {action.system} does not say whether {done}"
            )
        elif record.state is side.unknown:
            detail = "looked for once, to be looked for again"
            self._report(case, step, side.missing, detail, work, again_in=_second_look(connector))
        elif self.clock() < record.at + _second_look(connector):
            self.outbox.retry(
                work, record.at + _second_look(connector), "too early", certain=False, counts=False
            )
        else:
            self._surely_absent(case, step, side, work)

    def _wait_for_the_other(self, case: Case, step: int, side: _Side, work: LeasedMessage) -> None:
        """Whoever began this may still be at it: only after that time its outcome is in doubt."""
        _, connector = self._action(case, step)
        ends = case.steps[step].at + self.lease_for + connector.timeout
        if self.clock() <= ends:
            again_at = ends + timedelta(milliseconds=1)
            self.outbox.retry(
                work, again_at, "another worker may be at it", certain=False, counts=False
            )
        else:
            self._report(case, step, side.unknown, "whoever began it has not reported back", work)

    def _surely_absent(self, case: Case, step: int, side: _Side, work: LeasedMessage) -> None:
        """Two looks found nothing, and nobody is at it any more."""
        action = case.action(step)
        if side is _DOING and is_backing_out(case):
            self._did_not_happen(case, step, ["it is not done any more"], work)
        elif action.idempotency is Idempotency.NONE:
            self._park(
                case,
                step,
                work,
                f"{action.summary}: not found, and this action is never repeated by itself",
            )
        elif self._tries(case, step, side) >= MAX_TRIES:
            self._park(
                case, step, work, f"{action.summary}: tried {MAX_TRIES} times, without an answer"
            )
        elif side is _DOING:
            self._do_again(case, step, work)
        else:
            self._undo(case, step, work)

    def _tries(self, case: Case, step: int, side: _Side) -> int:
        """How often this step of this revision was begun."""
        return sum(
            entry.revision == case.revision and _begins(entry, step, side)
            for entry in self.cases.entries(case.id)
        )

    def _look_again(
        self, case: Case, step: int, work: LeasedMessage, reason: str, *, most: int = MOST_LOOKS
    ) -> None:
        if work.attempts + 1 >= most:
            self._park(case, step, work, reason)
        else:
            wait = LOOK_AGAIN_AFTER * 2**work.attempts
            self.outbox.retry(work, self.clock() + wait, reason, certain=False)

    def _park(self, case: Case, step: int, work: LeasedMessage, reason: str) -> None:
        self._write(case, Parked(step, f"{reason}. Please look there and say what happened"), work)

    # --- undoing -------------------------------------------------------------------------------------------------------

    def _undo(self, case: Case, step: int, work: LeasedMessage, why: str = "") -> None:
        now = self.clock()
        facts = None
        if case.undoing and not case.is_undo_begun:
            facts = self._undo_facts(case, step, now)
        began, now = self.stopwatch(), self.clock()
        if facts is None:
            begins = record_entry(case, StepReported(step, StepState.UNDOING, why[:500]), now)
        else:
            begins = decide(case, facts, now)
        if isinstance(begins.entries[0].body, UndoLapsed):
            self._write_all(case, begins, work)
            return
        is_first = case.steps[step].state is StepState.LANDED
        if is_first and self._may_be_done(case):
            begins = self._in_doubt(step, _TAKING_BACK, begins)
            after = self._begun(case, step, begins, work, undoing=True)
            if after:
                self._verify_undo(after, step, work)
            return
        after = self._begun(case, step, begins, work, undoing=True)
        if after:
            self._take_back(after, step, began, work)

    def _undo_facts(self, case: Case, step: int, now: datetime) -> m.StartUndo:
        """Read who wants it taken back, as they are now; for high risk nothing from memory."""
        fresh = case.verdict is not None and case.verdict.tier is RiskTier.HIGH
        factors = case.verdict.factors if case.verdict else ()
        owners = self.library.playbook(case.kind).owners.handles
        groups = {*(factor.group for factor in factors), *owners}
        standing = self.desk_controls.load()
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

    def _take_back(self, case: Case, step: int, began: float, work: LeasedMessage) -> None:
        """Undo it, as carefully as it was done: what is refused goes to a person, every doubt is looked into."""
        if self._is_too_late(began, work):
            return
        action, connector = self._action(case, step)
        key = case.steps[step].key
        try:
            with time_limit(self._ends(began, connector)):
                detail = connector.undo(action, key, undo_key(key))
        except ConnectorFailed as failure:
            if failure.retryable or isinstance(failure, OutcomeUnknown):
                self._report(
                    case,
                    step,
                    StepState.UNDO_UNKNOWN,
                    str(failure),
                    work,
                    again_in=LOOK_AGAIN_AFTER,
                )
            else:
                self._park(case, step, work, f"{action.summary} could not be undone: {failure}")
        except Exception:
            # Whatever it was, it came from the middle of an undoing.
            log.exception(
                "undoing step %d of %s ended unexpectedly; it is looked for", step + 1, case.id
            )
            self._report(
                case, step, StepState.UNDO_UNKNOWN, UNEXPECTED, work, again_in=LOOK_AGAIN_AFTER
            )
        else:
            self._report(case, step, StepState.UNDONE, detail, work)

    # --- leases --------------------------------------------------------------------------------------------------------

    def _is_too_late(self, began: float, work: LeasedMessage) -> bool:
        """Stand back when this process stood still between intent and effect: another may have taken over."""
        if self.stopwatch() - began <= self.lease_for.total_seconds():
            return False
        self.outbox.retry(work, self.clock(), "not begun in time", certain=False, counts=False)
        return True

    def _ends(self, began: float, connector: Connector) -> float:
        """When an attempt that began then is over, whatever happens: another worker counts on it."""
        return began + (self.lease_for + connector.timeout).total_seconds()

    # --- writing -------------------------------------------------------------------------------------------------------

    def _action(self, case: Case, step: int) -> tuple[Action, Connector]:
        action = case.action(step)
        return action, self.systems[action.system]

    def _report(
        self,
        case: Case,
        step: int,
        state: StepState,
        detail: str,
        work: LeasedMessage,
        *,
        again_in: timedelta = timedelta(0),
        drift_reasons: tuple[str, ...] = (),
    ) -> None:
        """Write how the step went; when that ends the plan, its ending goes into the same commit.

        What is known of the step is not lost because something else was written about the case meanwhile.
        """
        for _ in range(MAX_REREADS):
            report = StepReported(step, state, detail[:500])
            decision, is_over = self._reported(case, report, drift_reasons)
            try:
                again_at = None if is_over else decision.entries[0].at + again_in
                self._write_all(case, decision, work, again_at=again_at)
                break
            except Conflict:
                fresh = self.cases.case(case.id)
                if (fresh.revision, fresh.state, fresh.steps) != (
                    case.revision,
                    case.state,
                    case.steps,
                ):
                    raise
                case = fresh
        if state is StepState.FAILED:
            self.switchboard.trip_circuit_breaker(case.action(step).name)

    def _reported(
        self, case: Case, report: StepReported, drift_reasons: tuple[str, ...]
    ) -> tuple[Decision, bool]:
        """The report with whatever follows from it at once, and whether that is the end of the plan."""
        now = self.clock()
        decision = record_entry(case, report, now)
        after = decision.case
        todo = next_step(after).next
        if drift_reasons:
            return decision.then(record_entry(after, drift(*drift_reasons), now)), True
        if todo is StepKind.FINISH:
            return decision.then(record_entry(after, _finish(after, now), now)), True
        if todo is StepKind.STOP:
            return decision.then(record_entry(after, Stopped(_why_stopped(after)), now)), True
        return decision, False

    def _write(self, case: Case, body: DeskRecord, work: LeasedMessage) -> None:
        self._write_all(case, record_entry(case, body, self.clock()), work)

    def _write_all(
        self,
        case: Case,
        decision: Decision,
        done: LeasedMessage | None,
        *,
        again_at: datetime | None = None,
    ) -> Case:
        written = change(case, decision, self.library.playbook(case.kind))
        return self.cases.commit(written, finish=done, retry_at=again_at)


def _unmade(case: Case) -> list[StepReported]:
    """Report what is left of a dry run that is over: nothing was done."""
    reports = []
    for step, record in enumerate(case.steps):
        if record.state in DOING or record.state is StepState.DEFERRED:
            reports.append(StepReported(step, StepState.ABSENT, WAS_DRY_RUN))
        elif record.state in UNDOING or (case.undoing and record.state is StepState.LANDED):
            reports.append(StepReported(step, StepState.UNDONE, WAS_DRY_RUN))
    return reports


def _finish(case: Case, now: datetime) -> Resolved:
    window = case.plan.undo_for if case.plan else timedelta(0)
    return finish(case, step_summary(case), now + window if window else None)


def _why_stopped(case: Case) -> str:
    if case.undoing and case.ending:
        return f"taken back by {case.ending.by}: {case.ending.note}. {step_summary(case)}"
    return f"the plan could not be carried out. {step_summary(case)}"


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


def _look(connector: Connector, action: Action, key: str) -> EffectStatus:
    """Look for the effect. A look that fails, in whatever way, has seen nothing: neither that it is there nor that it is not."""
    try:
        return connector.verify(action, key)
    except ConnectorFailed:
        return EffectStatus.UNKNOWN
    except Exception:
        log.exception("looking for an effect at %s ended unexpectedly", action.system)
        return EffectStatus.UNKNOWN


def _second_look(connector: Connector) -> timedelta:
    """How long after the first look that found nothing: the system may be at a request that it had just taken in."""
    return max(LOOK_AGAIN_AFTER, connector.timeout)


def _begins(entry: Entry, step: int, side: _Side) -> bool:
    body = entry.body
    if isinstance(body, StepReported):
        return body.step == step and body.state is side.begun
    return isinstance(body, StepStarted) and body.step == step and side is _DOING

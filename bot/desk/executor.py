"""Carry out exactly what was approved, one step at a time, and never twice.

Before a step everything is checked again: digest, policy, the approvers, the precondition. The intent is committed before the
effect; after a crash or a lost answer the effect is looked for before anything is repeated. What cannot be found out is parked
for a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases import moves as m
from bot.cases.canonical import Scalar
from bot.cases.case import Case, evolve
from bot.cases.decide import decide, what_moved
from bot.cases.entry import Entry, StepStarted, StepState
from bot.cases.errors import ConnectorFailed, LedgerBroken, NotEligible, OutcomeUnknown, WorldMoved
from bot.cases.execution import Next, account, next_work
from bot.cases.plan import Action, Idempotency
from bot.cases.policy import RiskTier
from bot.desk.outgoing import change
from bot.desk.proposal import Proposals
from bot.ports import Clock, Connector, Directory, Landing, Library, Store, Systems, Work

MOST_LOOKS = 5
LOOK_AGAIN_AFTER = timedelta(seconds=2)


@dataclass(frozen=True)
class Executor:
    store: Store
    library: Library
    systems: Systems
    directory: Directory
    proposals: Proposals
    clock: Clock

    def run(self, work: Work) -> None:
        """Handle one outbox row: do the next thing this plan needs, and ask to be called again until there is none."""
        case = self.store.case(work.case_id)
        todo = next_work(case)
        if case.revision != work.payload.get("revision") or todo.next is Next.NOTHING:
            self.store.finish(work)
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

    def _stop(self, case: Case, step: int, work: Work) -> None:
        self._write(case, m.Stop(f"the plan could not be carried out. {account(case)}"), work)

    def _finish(self, case: Case, step: int, work: Work) -> None:
        self._write(case, m.Finish(account(case)), work)

    # --- doing ---------------------------------------------------------------------------------------------------------

    def _start(self, case: Case, step: int, work: Work) -> None:
        action, connector = self._action(case, step)
        now = self.clock()
        try:
            entries = decide(case, self._facts(case, step, action, connector, now), now)
        except WorldMoved as moved:
            if step == 0:
                self._write(case, m.Drift((str(moved),)), work)
            else:
                # An earlier step has landed: this one counts as failed, and what landed is taken back.
                self._back_out(case, step, str(moved), work, now)
            return
        started = isinstance(entries[0].body, StepStarted)
        after = self._write_all(case, entries, None if started else work)
        if started:
            self._execute(after, step, action, connector, work)

    def _facts(self, case: Case, step: int, action: Action, connector: Connector, now: datetime) -> m.StartStep:
        """Everything that must still be so, read now. For high risk nothing is taken from memory."""
        if case.plan is None or case.verdict is None:
            raise LedgerBroken(f"{case.id} is approved without a plan")
        fresh = case.verdict.tier is RiskTier.HIGH
        groups = self.directory.groups(sorted({factor.group for factor in case.verdict.factors}), fresh=fresh)
        people = {}
        for given in case.approvals:
            try:
                people[given.person] = self.directory.person(given.person, fresh=fresh)
            except NotEligible:
                continue
        verdict = self.proposals.verdict(case.plan, self.library.playbook(case.kind), now)
        return m.StartStep(step, case.plan.digest, verdict, groups, people, _precondition(connector, action))

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
            self._write(case, m.Drift((reason,)), work)
        else:
            self._report(case, step, StepState.FAILED, reason, work)

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
            self._execute(case, step, action, connector, work)
        elif step == 0:
            self._write(case, m.Drift(tuple(reasons)), work)
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
        after = self._write_all(case, decide(case, m.ReportStep(step, StepState.UNDOING, ""), now), None)
        self._take_back(after, step, work)

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
            entries = (*entries, *decide(after, m.Finish(account(after)), now))
        elif todo is Next.STOP:
            entries = (*entries, *decide(after, m.Stop(f"the plan could not be carried out. {account(after)}"), now))
        over = todo in {Next.FINISH, Next.STOP}
        self._write_all(case, entries, work, again_at=None if over else now + again_in)

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

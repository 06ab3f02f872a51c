"""Read what must still hold before a step begins."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cases import commands
from bot.cases.approval import Person
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.errors import ConnectorFailed, LedgerBroken, NotEligible, WorldMoved
from bot.cases.plan import Action, Plan
from bot.cases.policy import RiskTier
from bot.cases.verdict import Verdict
from bot.desk.proposal import Proposals
from bot.desk.step_work import StepWork
from bot.ports.case_store import CaseStore
from bot.ports.connector import Connector, Systems
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library


@dataclass(frozen=True, kw_only=True)
class StepChecks:
    """Gather the facts that a step is judged by."""

    cases: CaseStore
    desk_controls: DeskControlsStore
    library: Library
    systems: Systems
    directory: Directory
    proposals: Proposals

    def start_facts(self, work: StepWork, now: datetime) -> commands.StartStep:
        """Read what must hold for this step to begin.

        Raises:
            WorldMoved: the target of the action is not there any more.
            ConnectorFailed: the system cannot be read now.
        """
        case = work.case
        if case.proposal.plan is None or case.proposal.verdict is None:
            raise LedgerBroken(f"{case.id} is approved without a plan")
        # For high risk nothing is taken from a cache.
        fresh = case.proposal.verdict.tier is RiskTier.HIGH
        controls = work.controls or self.desk_controls.load()
        verdict = self._current_verdict(
            case,
            case.proposal.plan,
            step=work.step,
            now=now,
            controls=controls,
        )
        emergency_group = self._emergency_group(case, controls)
        factors = (*case.proposal.verdict.factors, *verdict.factors)
        handles = {factor.group for factor in factors}
        if emergency_group:
            handles.add(emergency_group)
        principals = []
        for approval in case.proposal.approvals:
            # Of policy no directory knows anything, and Slack would be asked in vain.
            if not approval.is_by_policy:
                principals += [approval.person, approval.principal]
        groups = self.directory.groups(sorted(handles), fresh=fresh)
        people = self._people(principals, fresh=fresh)
        action = work.action
        precondition = _read_precondition(self.systems[action.system], action)
        return commands.StartStep(
            step=work.step,
            plan_hash=case.proposal.plan.plan_hash,
            verdict=verdict,
            groups=groups,
            people=people,
            precondition=precondition,
            delegations=controls.delegations,
            emergency_group=emergency_group,
            passkeys=controls.passkeys,
            identities=self.library.identities(),
            mode=self.proposals.mode,
        )

    def undo_facts(self, work: StepWork, now: datetime) -> commands.StartUndo:
        """Read the people who asked for the undo, as they are now."""
        case = work.case
        verdict = case.undo_verdict
        fresh = verdict is not None and verdict.tier is RiskTier.HIGH
        owners = self.library.playbook(case.kind).owners.handles
        handles = set(owners)
        if verdict is not None:
            handles.update(factor.group for factor in verdict.factors)
        controls = self.desk_controls.load()
        principals = set()
        for approval in case.execution.undo_approvals:
            principals |= {approval.person, approval.principal}
        delegations = [one for one in controls.delegations if one.taker in principals]
        principals |= {one.giver for one in delegations if one.holds(case.kind, now)}
        return commands.StartUndo(
            step=work.step,
            groups=self.directory.groups(sorted(handles), fresh=fresh),
            people=self._people(sorted(principals), fresh=fresh),
            delegations=controls.delegations,
            passkeys=controls.passkeys,
            identities=self.library.identities(),
            playbook_owners=owners,
        )

    def may_be_done(self, work: StepWork) -> bool:
        """Tell whether this plan is older than the last restored backup.

        A later ledger, now lost, may have carried it out already.
        """
        case = work.case
        restored_at = (work.controls or self.desk_controls.load()).restored_at
        if restored_at is None or case.timers.opened_at > restored_at:
            return False
        for entry in self.cases.entries(case.id):
            if entry.revision == case.proposal.revision:
                return entry.at <= restored_at
        return True

    def _current_verdict(
        self,
        case: Case,
        plan: Plan,
        *,
        step: int,
        now: datetime,
        controls: DeskControls,
    ) -> Verdict:
        """Ask policy again, as if the plan were proposed now."""
        playbook = self.library.playbook(case.kind)
        verdict = self.proposals.verdict(
            plan,
            case,
            case.assessment.evidence,
            now=now,
            step=step,
            controls=controls,
        )
        # Whoever raised the case after the last approval revokes nothing.
        last_approval_at = max((approval.at for approval in case.proposal.approvals), default=now)
        authors = case.authors_before(last_approval_at)
        return self.proposals.govern_strangers(verdict, authors, playbook)

    def _emergency_group(self, case: Case, controls: DeskControls) -> str:
        """Return the group that may break the glass, if one did."""
        emergency = self.proposals.rules.emergency(controls)
        if emergency and any(approval.emergency for approval in case.proposal.approvals):
            return emergency.group
        return ""

    def _people(self, principals: Sequence[str], *, fresh: bool) -> dict[str, Person]:
        """Look up these people; whoever is gone is left out."""
        people = {}
        for principal in principals:
            with contextlib.suppress(NotEligible):
                people[principal] = self.directory.person(principal, fresh=fresh)
        return people


def _read_precondition(connector: Connector, action: Action) -> ScalarMapping:
    """Take the snapshot of the precondition again.

    Raises:
        WorldMoved: its target is gone. A system that is away is no such thing.
    """
    try:
        return connector.precondition(action)
    except ConnectorFailed as failure:
        if failure.retryable:
            raise
        raise WorldMoved(str(failure)) from None

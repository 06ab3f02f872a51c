"""Approvals of the next few plans like one."""

from dataclasses import dataclass, replace

from bot.cases.case import Case
from bot.cases.commands import Approve, DecisionKind
from bot.cases.control_commands import GiveGrant
from bot.cases.control_decisions import decide_controls
from bot.cases.decide import Decision, decide, must_be_current
from bot.cases.entries import ApprovalGiven, Authorised
from bot.cases.errors import NotEligible, Refusal
from bot.cases.grant import DEFAULT_GRANT_COUNT, MAX_GRANT_TIME, Grant
from bot.cases.granting import GrantTerms, make_grant, must_be_grantable, suggested_amount
from bot.cases.plan import Plan
from bot.desk.decision_path import DecisionPath, Request
from bot.desk.effects import card_message, change
from bot.desk.retry import retry_on_conflict
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library

NOT_ALONE = "nobody can approve this alone, so nobody can approve the next ones"


@dataclass(frozen=True, kw_only=True)
class Grants:
    """Give grants with the approval that they go with."""

    path: DecisionPath
    desk_controls: DeskControlsStore
    library: Library
    clock: Clock

    def suggest(self, case: Case) -> GrantTerms:
        """Return what the form suggests.

        Raises:
            NotEligible: such a plan is always decided one by one.
        """
        plan = self._must_be_grantable(case)
        policy, now = self.library.policy(), self.clock()
        closing = self.library.hours(case.channel).next_closing(now)
        return GrantTerms(
            count=DEFAULT_GRANT_COUNT,
            amount=suggested_amount(plan, policy),
            until=min(closing, now + MAX_GRANT_TIME),
        )

    def give(self, request: Request, terms: GrantTerms) -> Grant:
        """Approve the plan, and the next few like it, in one commit.

        Raises:
            Refusal: an expected no; it is recorded, and nothing is approved.
        """

        def attempt() -> Grant:
            case = self.path.cases.case(request.case_id)
            controls = self.desk_controls.load()
            caller = self.path.identify(
                case, request, DecisionKind.APPROVE, fresh=True, controls=controls
            )
            try:
                must_be_current(case, DecisionKind.APPROVE, request.snapshot)
                self._must_be_grantable(case)
                decision = decide(case, Approve(caller, request.snapshot), self.clock())
                grant = self._grant(case, decision, terms)
                command = GiveGrant(caller, grant)
                control_decision = decide_controls(controls, command, self.clock())
            except Refusal as refusal:
                self.path.record_refusal(
                    request.case_id,
                    caller,
                    decision=DecisionKind.APPROVE,
                    revision=request.snapshot.revision,
                    refusal=refusal,
                )
                raise
            grant = control_decision.controls.grants[-1]
            outcome = change(case, decision, self.library.playbook(case.kind))
            # When its time is over the meter goes: there is never a dead button.
            end = replace(card_message(case.id, grant.until), key=f"card:{case.id}:grant")
            self.path.cases.commit(
                replace(
                    outcome, messages=(*outcome.messages, end), control_decision=control_decision
                ),
                urgent=True,
            )
            return grant

        with self.path.priority:
            return retry_on_conflict(attempt)

    def _must_be_grantable(self, case: Case) -> Plan:
        """Return the plan of a case, unless its like is decided one by one."""
        plan, verdict = case.proposal.plan, case.proposal.verdict
        if plan is None or verdict is None:
            raise NotEligible("there is no plan to approve")
        must_be_grantable(plan, verdict, self.library.policy())
        return plan

    def _grant(self, case: Case, decision: Decision, terms: GrantTerms) -> Grant:
        """Make the grant of whoever has just approved alone."""
        bodies = [entry.body for entry in decision.entries]
        votes = [body.approval for body in bodies if isinstance(body, ApprovalGiven)]
        if len(votes) != 1 or not any(isinstance(body, Authorised) for body in bodies):
            raise NotEligible(NOT_ALONE)
        plan = case.proposal.plan
        playbook = self.library.playbook(case.kind)
        if plan is None or plan.playbook_digest != playbook.checksum:
            raise NotEligible("the playbook has changed since; approve this one alone")
        offer = playbook.offer(plan.actions[0].name)
        return make_grant(
            case,
            votes[0],
            terms,
            policy=self.library.policy(),
            editable=offer.edit if offer else (),
        )

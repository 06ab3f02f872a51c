"""Make the plan of a program's request, or refuse it.

Nothing is recommended: the plan is what the program asked for. Its words are shown in quotation
marks, and no model reads them. What cannot be approved ends at once, so that the program can go on.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.cases import commands
from bot.cases.case import Case
from bot.cases.decide import Decision, decide, record_entry
from bot.cases.entries import Gathered, Rejected, RejectReason
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.plan import Action, Money, Proposer
from bot.cases.program import Program, program_of_source
from bot.cases.program_request import (
    ProgramRequest,
    cap_expiry,
    quotation,
    request_evidence,
    request_words,
)
from bot.cases.recommendation import Recommendation
from bot.cases.sla import Sla
from bot.cases.verdict import Ruling
from bot.desk.proposal import Proposals
from bot.ports.library import Library

MAX_NOTE = 300
BASIS = "a program asks for it"
POLICY = "policy"
DESK_NAME = "Countersign"


@dataclass(frozen=True, kw_only=True)
class RequestTriage:
    """Puts requests of programs before those who decide."""

    library: Library
    proposals: Proposals

    def look_at(
        self, case: Case, request: ProgramRequest, *, now: datetime, sla: Sla | None
    ) -> Decision:
        """Return what to write about this open request; write nothing."""
        program = self.library.programs.get(program_of_source(case.signal.source))
        if program is None:
            return _refuse(case, "programs.yml has no such program any more", now=now, sla=sla)
        evidence = request_evidence(case, request, program, now=now)
        try:
            action = self._prepare(case, program, request)
        except ConnectorFailed as failure:
            gathering = _gather(case, request, program, evidence, action=None, now=now)
            refusal = _defer if failure.retryable else _refuse
            return gathering.then(refusal(gathering.case, str(failure), now=now, sla=sla))
        gathering = _gather(case, request, program, evidence, action=action, now=now)
        reason = self._find_excess(action, program, request)
        if reason:
            return gathering.then(_refuse(gathering.case, reason, now=now, sla=sla))
        proposal = self._propose(gathering.case, action, evidence, now=now, sla=sla)
        return gathering.then(proposal)

    def _prepare(self, case: Case, program: Program, request: ProgramRequest) -> Action:
        name = program.plan_action(request.action)
        return self.proposals.prepare_for(case)(name, request.arguments)

    def _find_excess(self, action: Action, program: Program, request: ProgramRequest) -> str:
        """Say which limit the amount passes; empty for none."""
        terms = program.actions.get(request.action)
        if terms is None:
            return f"{program.title} may not ask for this any more"
        limits = [limit for limit in (terms.per_request, request.limit) if limit is not None]
        if action.amount is None or not limits:
            return ""
        policy = self.library.policy()
        amount = policy.convert(action.amount.amount, action.amount.currency)
        return excess(amount, min(limits), policy.currency)

    def _propose(
        self,
        case: Case,
        action: Action,
        evidence: tuple[Evidence, ...],
        *,
        now: datetime,
        sla: Sla | None,
    ) -> Decision:
        plan, verdict = self.proposals.propose(
            case, actions=(action,), evidence=evidence, proposer=Proposer.PROGRAM, now=now
        )
        if verdict.ruling is Ruling.AUTO_APPROVE:
            # Only what a playbook proposes runs alone; policy has no other way to let it.
            return _refuse(case, "a program's request never runs alone", now=now, sla=sla)
        hours = self.library.hours(case.channel)
        expires_at = cap_expiry(case, hours.next_opening(now + verdict.expires_for))
        recommendation = Recommendation(
            action=action.name,
            reason=case.assessment.why,
            basis=BASIS,
            editable=tuple(action.parameters),
        )
        command = commands.Recommend(recommendation, plan, verdict, sla=sla, expires_at=expires_at)
        decision = decide(case, command, now)
        if verdict.ruling is not Ruling.REFUSE:
            return decision
        return decision.then(_reject(decision.case, verdict.reason, by_name=POLICY, now=now))


def excess(amount: Decimal | None, limit: Decimal, currency: str) -> str:
    """Say that an amount passes a limit; empty where it does not."""
    if amount is None:
        return "the amount is in a currency without a rate"
    if amount <= limit:
        return ""
    sums = f"{Money(amount, currency)} is more than the {Money(limit, currency)}"
    return f"{sums} that it may ask for"


def _gather(
    case: Case,
    request: ProgramRequest,
    program: Program,
    evidence: tuple[Evidence, ...],
    *,
    action: Action | None,
    now: datetime,
) -> Decision:
    body = Gathered(
        evidence=evidence,
        what=f"{program.title} says: {quotation(request.summary)}",
        why=request_words(request, program),
        stake=action.amount if action else request.amount,
    )
    return record_entry(case, body, now)


def _defer(case: Case, reason: str, *, now: datetime, sla: Sla | None) -> Decision:
    """Put the request before its owner, who can try again."""
    instruction = f"This could not be looked at: {reason[:MAX_NOTE]}. Try again later"
    recommendation = Recommendation("", "", BASIS, blocked=instruction)
    return decide(case, commands.Recommend(recommendation, None, None, sla=sla), now)


def _refuse(case: Case, reason: str, *, now: datetime, sla: Sla | None) -> Decision:
    """End a request of which there can be no plan."""
    recommendation = Recommendation("", "", BASIS, blocked=reason[:MAX_NOTE])
    referral = decide(case, commands.Recommend(recommendation, None, None, sla=sla), now)
    return referral.then(_reject(referral.case, reason, by_name=DESK_NAME, now=now))


def _reject(case: Case, reason: str, *, by_name: str, now: datetime) -> Decision:
    body = Rejected(reason=RejectReason.NOT_ALLOWED, note=reason[:MAX_NOTE], by_name=by_name)
    return record_entry(case, body, now)

"""Decisions of people, all on one path.

A decision that carries more than a name has a method of its own.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial

from bot.cases.actor import Surface
from bot.cases.approval import is_colleague
from bot.cases.authority import ineligibility
from bot.cases.caller import Caller
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    Command,
    CorrectPractice,
    DecisionKind,
    HandOver,
    NameKind,
    PlainDecision,
    Reject,
    ReportMistake,
    Resolve,
    ReviewWrong,
    Settle,
    Snooze,
    Undo,
)
from bot.cases.control_commands import BreakGlass
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.decide import decide, must_be_current
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest, NotEligible, Refusal, Superseded
from bot.cases.grant import Grant
from bot.cases.granting import GrantTerms
from bot.cases.missing_approvals import MissingApprovals
from bot.cases.signal import UNRECOGNISED
from bot.cases.sla import promise_sla
from bot.cases.votes import must_be_able_to_approve
from bot.desk.callers import Callers
from bot.desk.decision_path import DecisionPath, Request
from bot.desk.decision_priority import DecisionPriority
from bot.desk.effects import change
from bot.desk.grants import Grants
from bot.desk.missing_approvals import find_missing_approvals
from bot.desk.plan_edits import PlanEdits
from bot.desk.proposal import Proposals
from bot.desk.retry import retry_on_conflict
from bot.desk.step_ups import StepUps
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.details_openings import DetailsOpenings, NoDetailsOpenings
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.press_store import PressStore

OUTDATED_CARD = "this card was drawn by an earlier release; it has been drawn again, press there"


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Everything that a person can decide about a case.

    Every method returns the case after it, and raises a ``Refusal`` that is safe to show.
    """

    cases: CaseStore
    presses: PressStore
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    proposals: Proposals
    clock: Clock
    #: Records that somebody looked at what a card leaves out, and never who.
    details_openings: DetailsOpenings = field(default_factory=NoDetailsOpenings)
    priority: DecisionPriority = field(default_factory=DecisionPriority)

    @cached_property
    def callers(self) -> Callers:
        """Read who asks."""
        return Callers(
            desk_controls=self.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    @cached_property
    def path(self) -> DecisionPath:
        """Take the one path of all decisions."""
        return DecisionPath(
            cases=self.cases,
            presses=self.presses,
            desk_controls=self.desk_controls,
            library=self.library,
            callers=self.callers,
            clock=self.clock,
            priority=self.priority,
            rules=self.proposals.rules,
        )

    @cached_property
    def step_ups(self) -> StepUps:
        """Approve with a passkey."""
        return StepUps(self.path, self.proposals.mode)

    @cached_property
    def grants(self) -> Grants:
        """Approve the next plans like one."""
        return Grants(
            path=self.path,
            desk_controls=self.desk_controls,
            versions=self.proposals.versions,
            library=self.library,
            clock=self.clock,
        )

    @cached_property
    def edits(self) -> PlanEdits:
        """Edit plans."""
        return PlanEdits(
            path=self.path,
            library=self.library,
            proposals=self.proposals,
            clock=self.clock,
        )

    # --- looking before deciding ---------------------------------------------------------------

    def current(self, request: Request, decision: DecisionKind) -> Case:
        """Read the case for a form about this decision.

        Whoever the form would refuse in any case is told before they fill it in.
        """
        state = request.state or self.presses.state(request.case_id)
        case = state.case
        try:
            must_be_current(case, decision, request.snapshot)
        except Refusal as refusal:
            self.path.refuse(request, decision, refusal)
            raise
        caller = self.path.identify(case, request, decision, controls=state.controls)
        try:
            self._must_be_able(case, decision, request=request, by=caller, controls=state.controls)
        except Refusal as refusal:
            self.path.record_refusal(
                request.case_id,
                caller,
                decision=decision,
                revision=request.snapshot.revision,
                refusal=refusal,
            )
            raise
        return case

    def _must_be_able(
        self,
        case: Case,
        decision: DecisionKind,
        *,
        request: Request,
        by: Caller,
        controls: DeskControls,
    ) -> None:
        reason = ineligibility(case, decision, by)
        if reason:
            raise NotEligible(reason)
        # A practice case counts nobody's approval.
        if decision is DecisionKind.APPROVE and case.probe is None:
            must_be_able_to_approve(
                case,
                by,
                snapshot=request.snapshot,
                passkeys=controls.passkeys,
                now=self.clock(),
            )

    def missing_approvals(self, case: Case) -> MissingApprovals | None:
        """Find whose approval the case still needs."""
        return find_missing_approvals(case, self.directory, self.library)

    def refuse_outdated(
        self, case_id: str, *, by: str, decision: DecisionKind, surface: Surface
    ) -> Superseded:
        """Record a press on a card of an earlier release.

        It returns the refusal to raise.

        Such a button does not say which plan and state were seen, so nothing is decided by it.
        """
        refusal = Superseded(OUTDATED_CARD)
        self.path.record_refusal(
            case_id,
            Caller.by_account(by, surface),
            decision=decision,
            revision=self.cases.case(case_id).proposal.revision,
            refusal=refusal,
        )
        return refusal

    def decide(self, request: Request, command: type[PlainDecision]) -> Case:
        """Take a decision that says nothing but who takes it."""
        return self.path.decide(command.decision, request, command)

    def submit(self, request: Request, command: type[PlainDecision]) -> Future[Case]:
        """Take such a decision without waiting until it is durable.

        The future fails with ``Conflict`` when somebody else wrote first.
        """
        return self.path.submit(command.decision, request, command)

    # --- the plan ------------------------------------------------------------------------------

    def approve(self, request: Request, note: str = "") -> Case:
        """Approve the plan.

        With the last approval that it needs, it is carried out.
        """
        return self.path.decide(DecisionKind.APPROVE, request, partial(Approve, note=note))

    def submit_approval(self, request: Request) -> Future[Case]:
        """Approve the plan without waiting until it is durable.

        The future fails with ``Conflict`` when somebody else wrote first.
        """
        return self.path.submit(DecisionKind.APPROVE, request, Approve)

    def approve_next(self, request: Request, terms: GrantTerms) -> Grant:
        """Approve the plan, and the next few like it.

        Both are one commit, or neither.
        """
        return self.grants.give(request, terms)

    def reject(self, request: Request, reason: RejectReason, note: str = "") -> Case:
        """Decide that the plan is not carried out."""
        command = partial(Reject, reason=reason, note=note)
        return self.path.decide(DecisionKind.REJECT, request, command)

    def edit(self, request: Request, values: ScalarMapping) -> Case:
        """Replace the plan by one with other parameters.

        The playbook says which may be edited.
        """
        return self.edits.save(request, values)

    def undo(self, request: Request, note: str) -> Case:
        """Approve the undo; with the last approval that it needs, it begins."""
        command = partial(Undo, note=note, mode=self.proposals.mode)
        return self.path.decide(DecisionKind.UNDO, request, command)

    def break_glass(self, request: Request, reason: str) -> Case:
        """Approve a plan alone in an emergency.

        Somebody else must review it afterwards.
        """

        def attempt() -> Case:
            case, controls, now = (
                self.cases.case(request.case_id),
                self.desk_controls.load(),
                self.clock(),
            )
            emergency = self.proposals.rules.emergency(controls)
            group = emergency.group if emergency else ""
            review_for = emergency.review_for if emergency else timedelta(0)
            caller = self.path.identify(case, request, DecisionKind.EMERGENCY, fresh=True)
            approval = Approve(caller, request.snapshot, reason, emergency=True)
            emergency_command = BreakGlass(
                by=caller,
                case_id=case.id,
                revision=request.snapshot.revision,
                reason=reason,
                group=group,
                groups=self.directory.groups([group] if group else [], fresh=True),
                review_for=review_for,
            )
            try:
                decision = decide(case, approval, now)
                control_decision = decide_controls(controls, emergency_command, now)
            except Refusal as refusal:
                self.path.record_refusal(
                    request.case_id,
                    caller,
                    decision=DecisionKind.EMERGENCY,
                    revision=request.snapshot.revision,
                    refusal=refusal,
                )
                raise
            commit = replace(
                change(case, decision, self.library.playbook(case.kind)),
                control_decision=control_decision,
            )
            return self.cases.commit(commit, urgent=True)

        return retry_on_conflict(attempt)

    # --- the case ------------------------------------------------------------------------------

    def hand_over(self, request: Request, *, to: str, progress: str, remains: str) -> Case:
        """Give the case to another owner.

        An empty ``to`` means the playbook's next owner.
        """

        def command(case: Case, caller: Caller) -> Command:
            if to and not is_colleague(self.directory.person(to)):
                raise BadRequest("choose a member of this workspace", field="to")
            return HandOver(
                caller,
                request.snapshot,
                to=to or self.library.playbook(case.kind).owners.next_owner,
                progress=progress,
                remains=remains,
            )

        return self.path.decide_on_case(DecisionKind.HAND_OVER, request, command)

    def snooze(self, request: Request, *, until: datetime, reason: str) -> Case:
        """Let the case rest until a time."""
        command = partial(Snooze, until=until, reason=reason)
        return self.path.decide(DecisionKind.SNOOZE, request, command)

    def resolve(self, request: Request, note: str) -> Case:
        """Say that the case was handled by hand, and how."""
        return self.path.decide(DecisionKind.RESOLVE, request, partial(Resolve, note=note))

    def report_mistake(self, request: Request, text: str) -> Case:
        """Say that what the bot did was a mistake.

        What it did alone asks people from then on.
        """
        command = partial(ReportMistake, text=text)
        return self.path.decide(DecisionKind.REPORT_MISTAKE, request, command)

    def settle(self, request: Request, *, has_landed: bool, note: str) -> Case:
        """Report the outcome of a step in doubt.

        The person has looked in the outside system.
        """
        command = partial(Settle, has_landed=has_landed, note=note)
        return self.path.decide(DecisionKind.SETTLE, request, command)

    def correct_practice(self, request: Request, *, is_same_action: bool, note: str) -> Case:
        """Say what people did instead of what was recommended."""
        command = partial(CorrectPractice, is_same_action=is_same_action, note=note)
        return self.path.decide(DecisionKind.CONFIRM_PRACTICE, request, command)

    def review_wrong(self, request: Request, note: str) -> Case:
        """Say that what ran alone was wrong, and why."""
        return self.path.decide(DecisionKind.REVIEW, request, partial(ReviewWrong, note=note))

    def name_kind(self, request: Request, kind: str) -> Case:
        """Name the kind of a case that was not recognised, or wrongly.

        It goes to that kind's owner and playbook.
        """

        def command(case: Case, caller: Caller) -> Command:
            playbook = self.library.playbook(kind)
            recognition = case.classification.recognition
            # Of no known kind is what was taken for one; the others have “Something new”.
            is_taken_back = recognition is not None and bool(recognition.kind)
            if playbook.kind != kind or (kind == UNRECOGNISED and not is_taken_back):
                raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")
            sla = promise_sla(
                case.timers.opened_at,
                decide_for=playbook.measure.decide_for,
                resolve_for=playbook.measure.resolve_for,
                hours=self.library.hours(playbook.channel),
            )
            return NameKind(
                caller,
                request.snapshot,
                kind=kind,
                owner=playbook.owners.business,
                channel=playbook.channel,
                sla=sla,
            )

        return self.path.decide_on_case(DecisionKind.NAME_KIND, request, command)

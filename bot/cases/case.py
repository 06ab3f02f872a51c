"""A case: the fold of its ledger entries.

``evolve`` applies one entry; nothing else changes a case.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.cases.actor import CaseId, is_person
from bot.cases.approval import Approval, ApprovalRequirement
from bot.cases.canonical import ScalarMapping
from bot.cases.entries import IN_DOUBT, UNDO_BEGUN, FieldChange, StepState
from bot.cases.errors import LedgerBroken
from bot.cases.evidence import Evidence
from bot.cases.inquiry import Inquiry
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.passkey import StepUp
from bot.cases.plan import Action, Money, Plan
from bot.cases.plan_tree import resolve_inputs
from bot.cases.policy import Stage
from bot.cases.practice import PracticeSource
from bot.cases.probe import Probe
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.review import RunReview, is_sampled
from bot.cases.signal import Signal
from bot.cases.sla import Sla
from bot.cases.verdict import SHADOW_RULE, Verdict, stricter
from bot.cases.version_record import VersionComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The progress of one action of the current plan."""

    state: StepState
    #: The idempotency key.
    key: str
    detail: str
    at: datetime
    #: The parameters that earlier steps told.
    inputs: ScalarMapping = field(default_factory=dict)
    #: What the action told about its effect.
    facts: ScalarMapping = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneStep:
    """A step of an earlier plan that has landed and stands."""

    #: What conditions call it.
    name: str
    #: As it was carried out.
    action: Action
    key: str
    at: datetime
    facts: ScalarMapping = field(default_factory=dict)
    #: The verdict on its plan, without its grounds; None in cases of earlier releases.
    verdict: Verdict | None = None

    def may_be_undone(self, at: datetime) -> bool:
        """Tell whether it declares an undo whose time has not passed."""
        return self.action.reversible and at < self.at + self.action.undo_for

    def is_same_as(self, action: Action) -> bool:
        """Tell whether an action would do the same again."""
        return (self.action.name, self.action.target) == (action.name, action.target)


@dataclass(frozen=True, slots=True)
class Requester:
    """An account that raised the trouble, and when it did so first."""

    account: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusReason:
    """The reason for the state: when, by whom, why."""

    at: datetime
    by: str
    reason: str
    note: str = ""


class LastDecision(StrEnum):
    """The last decision on a case."""

    #: By people, or by policy where it alone is named.
    APPROVED = "approved"
    REJECTED = "rejected"
    BY_HAND = "by_hand"
    EDITED = "edited"
    HANDED_OVER = "handed_over"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """The decision in force: how, when and by whom."""

    type: LastDecision
    at: datetime
    #: The accounts that made it, or ``POLICY_ALONE``.
    by: tuple[str, ...]

    @property
    def is_by_policy(self) -> bool:
        """Tell whether policy decided, and nobody was asked."""
        return self.by == POLICY_ALONE


#: Policy let the plan run, and nobody was asked.
POLICY_ALONE = ("policy",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """The kind of the signal, and who found it."""

    recognition: Recognition | None = None
    #: Much is at stake and no kind fits.
    is_urgent: bool = False
    #: The person who named the kind, or called it novel.
    named_by: str = ""
    is_novel: bool = False
    #: It is practice, with a known answer. None for every case of the business.
    probe: Probe | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The evidence, and the sentences that the playbook makes of it."""

    evidence: tuple[Evidence, ...] = ()
    what: str = ""
    why: str = ""
    stake: Money | None = None
    #: The checksum of what the playbook decided that judged it; empty in earlier releases.
    playbook_version: str = ""
    #: That version was on trial, under which nothing runs alone.
    is_on_trial: bool = False
    #: What a version that is tried would have said.
    comparison: VersionComparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The plan that awaits approval, and the decisions on it."""

    #: Counts the plans: what an approval binds.
    revision: int = 0
    recommendation: Recommendation | None = None
    plan: Plan | None = None
    verdict: Verdict | None = None
    #: The accounts that edited the plan.
    editors: tuple[str, ...] = ()
    #: The last edit.
    changes: tuple[FieldChange, ...] = ()
    #: A model's words about this revision.
    words: Words | None = None
    approvals: tuple[Approval, ...] = ()
    #: Approvals that wait for a signature.
    step_ups: tuple[StepUp, ...] = ()
    #: The end of the time to approve.
    expires_at: datetime | None = None

    @property
    def factors(self) -> tuple[ApprovalRequirement, ...]:
        """Return the approvals that the verdict requires; none without a verdict."""
        return self.verdict.factors if self.verdict else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """The progress of the plan, and of the undo."""

    steps: tuple[Step, ...] = ()
    undo_until: datetime | None = None
    #: The plan is being undone.
    is_undo_running: bool = False
    undo_approvals: tuple[Approval, ...] = ()
    #: What earlier plans of this case have done before something unforeseen ended them.
    earlier_steps: tuple[DoneStep, ...] = ()
    #: Those of them that an undo takes back too. Their numbers follow those of the plan's steps.
    earlier_undone: tuple[DoneStep, ...] = ()

    @property
    def has_landed(self) -> bool:
        """Tell whether a step of this plan has landed."""
        return any(step.state is StepState.LANDED for step in self.steps)

    @property
    def step_in_doubt(self) -> int | None:
        """Return the first step whose outcome is not known."""
        for index, step in enumerate(self.steps):
            if step.state in IN_DOUBT:
                return index
        return None

    @property
    def is_undo_begun(self) -> bool:
        """Tell whether a step is being undone or has been."""
        return any(step.state in UNDO_BEGUN for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """The times at which things happened to the case or are due."""

    opened_at: datetime
    changed_at: datetime
    sla: Sla
    #: The first decision.
    decided_at: datetime | None = None
    #: The all-clear of the source.
    cleared_at: datetime | None = None
    snoozed_until: datetime | None = None
    remind_at: datetime | None = None
    #: How often the present owner was reminded.
    reminder_count: int = 0
    is_escalated: bool = False
    #: When whoever raised it last asked again.
    nudged_at: datetime | None = None
    #: When time itself next has something to do with this case.
    due_at: datetime | None = None


class BadOutcome(StrEnum):
    """The ways in which a carried out plan turns out wrong."""

    #: People took it back.
    UNDONE = "taken back"
    #: The trouble came back, and the case was opened again.
    REOPENED = "opened again"
    #: People put it right by hand, in another way.
    CORRECTED = "corrected by hand"
    #: It was reported as done, and a person found that it was not.
    UNVERIFIED = "not done after all"
    #: A person reported a mistake.
    COMPLAINT = "reported as a mistake"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDecision:
    """A decision on a proposed plan, and how it turned out.

    ``bot.cases.agreement`` says what makes one, and what it tells of the playbook.
    """

    revision: int
    #: The kind whose playbook proposed it.
    kind: str
    #: The names of its actions, once each.
    actions: tuple[str, ...]
    at: datetime
    #: Approved, rejected or handled by hand.
    decision: LastDecision
    #: The stage under which it was decided.
    stage: Stage
    #: Policy let it run, and nobody was asked.
    is_alone: bool = False
    #: It shows whether people want what the playbook proposes.
    is_comparable: bool = False
    #: It would be comparable if it were known what people did instead.
    is_silent: bool = False
    action_agrees: bool = False
    parameters_agree: bool = False
    bad_outcome: BadOutcome | None = None
    bad_reason: str = ""
    bad_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """The comparison of what people did by hand with a plan."""

    #: The revision of the plan.
    revision: int
    at: datetime
    action_agrees: bool
    parameters_agree: bool
    source: PracticeSource
    detail: str
    by_name: str = ""

    @property
    def agrees(self) -> bool:
        """Tell whether people did exactly what was recommended."""
        return self.action_agrees and self.parameters_agree


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The history of the case in figures, reasons and people."""

    #: The reason for the state.
    status_reason: StatusReason | None = None
    #: The decision in force; ``bot.cases.last_decision`` says what ends one.
    last_decision: DecisionRecord | None = None
    #: The reasons why the last plan was not carried out.
    drift_reasons: tuple[str, ...] = ()
    reopening_reason: str = ""
    signal_count: int = 1
    #: Signals under a known key with another body.
    conflict_count: int = 0
    #: Attempts that were refused.
    refusal_count: int = 0
    #: How often whoever raised it asked again.
    nudge_count: int = 0
    #: Others who raised the trouble after the first.
    later_requesters: tuple[Requester, ...] = ()
    #: Everybody who raised it, owned it or acted on it: they may see it wherever they are.
    people: tuple[str, ...] = ()
    #: Questions about the case, in the order in which they were asked.
    inquiries: tuple[Inquiry, ...] = ()
    #: Decisions on what the playbook proposed, in the order in which they were made.
    plan_decisions: tuple[PlanDecision, ...] = ()
    #: What people did by hand, as far as it is known.
    practice: Practice | None = None
    #: Whether the last run alone was right, as one in so many is asked.
    review: RunReview | None = None

    @property
    def has_bad_outcome(self) -> bool:
        """Tell whether the last decided plan turned out wrong."""
        return any(one.bad_outcome is not None for one in self.plan_decisions[-1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that is known of a case."""

    id: CaseId
    state: State
    #: Counts the entries: the compare-and-set token.
    version: int
    #: Counts the cards; the newest shows the case.
    generation: int
    kind: str
    #: The signal that opened it.
    signal: Signal
    #: A person, or the handle of a group.
    owner: str
    #: The group that it belongs to, whoever of it has taken it on.
    team: str
    channel: str
    timers: Timers
    classification: Classification = Classification()
    assessment: Assessment = Assessment()
    proposal: Proposal = Proposal()
    execution: Execution = Execution()
    activity: Activity = Activity()

    @property
    def is_terminal(self) -> bool:
        """Tell whether the case has ended."""
        return self.state in TERMINAL

    @property
    def was_auto_approved(self) -> bool:
        """Tell whether policy let the plan run without an approval."""
        return any(approval.is_by_policy for approval in self.proposal.approvals)

    @property
    def grant_id(self) -> str:
        """Return the grant that approved the plan; empty for none."""
        grants = [approval.grant for approval in self.proposal.approvals if approval.grant]
        return grants[0] if grants else ""

    @property
    def standing_rule_id(self) -> str:
        """Return the standing rule that the plan ran by; empty for none."""
        verdict = self.proposal.verdict
        if not self.was_auto_approved or verdict is None or verdict.inputs is None:
            return ""
        return verdict.inputs.standing_rule

    @property
    def is_in_shadow(self) -> bool:
        """Tell whether the plan is recommended, and never carried out."""
        verdict = self.proposal.verdict
        return verdict is not None and verdict.rule == SHADOW_RULE

    @property
    def is_review_due(self) -> bool:
        """Tell whether somebody is asked if this run alone was right."""
        review = self.activity.review
        if review is None or review.verdict is not None or self.state is not State.RESOLVED:
            return False
        if self.activity.has_bad_outcome:
            # Somebody has said already that it was wrong.
            return False
        return self.was_auto_approved and is_sampled(self.id, review.one_in)

    @property
    def probe(self) -> Probe | None:
        """Return what the case practises; None for every case of the business."""
        return self.classification.probe

    @property
    def shown_source(self) -> str:
        """Return the system that reported it.

        Of a probe it is that of the past case.
        """
        return self.probe.source if self.probe else self.signal.source

    @property
    def ended_at(self) -> datetime | None:
        """Return when the case ended, if it has."""
        if not self.is_terminal:
            return None
        reason = self.activity.status_reason
        return reason.at if reason else self.timers.changed_at

    @property
    def waits_on(self) -> tuple[str, ...]:
        """List the groups and people who must do something now."""
        verdict = self.proposal.verdict
        if self.state is State.PROPOSED and verdict:
            return self._waits_on_approvers(verdict)
        if self.state not in {State.REFERRED, State.OUTCOME_UNKNOWN}:
            return ()
        # A person who was given it may not be one who may decide it; somebody of the group is.
        if is_person(self.owner) and self.team:
            return (self.owner, self.team)
        return (self.owner,)

    def _waits_on_approvers(self, verdict: Verdict) -> tuple[str, ...]:
        names = [factor.group for factor in verdict.factors]
        if is_person(self.owner):
            names.append(self.owner)
        return tuple(dict.fromkeys(names))

    def with_reason(self, reason: StatusReason | None) -> "Case":
        """Return the case with this reason for its state."""
        if reason == self.activity.status_reason:
            return self
        return replace(self, activity=replace(self.activity, status_reason=reason))

    def with_decision(self, at: datetime) -> "Case":
        """Return the case with the time of its first decision kept."""
        decided_at = self.timers.decided_at or at
        return replace(self, timers=replace(self.timers, decided_at=decided_at))

    @property
    def authors(self) -> tuple[str, ...]:
        """List everybody who raised, edited, answered for or gains from the plan.

        They may not approve it.
        """
        return self._authors(self.requesters)

    def authors_before(self, at: datetime) -> tuple[str, ...]:
        """List the authors at that time.

        Raising the trouble later invalidates no approval.
        """
        return self._authors(one for one in self.requesters if one.at <= at)

    @property
    def requesters(self) -> tuple[Requester, ...]:
        """List everybody who raised the trouble, once each."""
        accounts = [self.signal.requester, *self.signal.principals]
        first = [Requester(one, self.timers.opened_at) for one in accounts if one]
        return (*first, *self.activity.later_requesters)

    def _authors(self, requesters: Iterable[Requester]) -> tuple[str, ...]:
        accounts: list[str | None] = [requester.account for requester in requesters]
        plan = self.proposal.plan
        if plan:
            accounts += [plan.requester, plan.beneficiary]
        accounts += self.proposal.editors
        for inquiry in self.activity.inquiries:
            # A plan may rest on this answer, as it rests on an edit.
            if inquiry.fact and inquiry.answer:
                accounts.append(inquiry.answer.by)
        return tuple(dict.fromkeys(account for account in accounts if account))

    @property
    def undo_votes_needed(self) -> int:
        """Count the people who must approve an undo.

        It takes as many as the plan did.
        """
        verdict = self.undo_verdict
        return max(1, verdict.approvals_needed) if verdict else 0

    @property
    def undo_verdict(self) -> Verdict | None:
        """Return the verdict that the approvals of an undo must satisfy.

        Whoever was needed for what earlier plans have done is needed for its undo too.
        """
        verdict = self.proposal.verdict
        if verdict is None:
            return None
        steps = self.execution.earlier_steps
        return stricter(verdict, [one.verdict for one in steps if one.verdict])

    @property
    def approver_groups(self) -> tuple[str, ...]:
        """List the groups that the plan, or its undo, needs."""
        verdict = self.undo_verdict
        return tuple(factor.group for factor in verdict.factors) if verdict else ()

    def action(self, step: int) -> Action:
        """Return the action of a step, with what earlier steps told it.

        Raises:
            LedgerBroken: the case has no plan.
            Unforeseen: the step cannot begin, because an earlier one told nothing that fits.
        """
        plan = self.proposal.plan
        if plan is None:
            raise LedgerBroken(f"{self.id} has no plan")
        earlier = self.earlier_step(step)
        if earlier is not None:
            return earlier.action
        action = plan.actions[step]
        inputs = self.inputs(step)
        return replace(action, parameters={**action.parameters, **inputs}) if inputs else action

    def earlier_step(self, step: int) -> DoneStep | None:
        """Return the earlier step that an undo takes back by this number."""
        count = len(self.proposal.plan.actions) if self.proposal.plan else 0
        earlier_undone = self.execution.earlier_undone
        return earlier_undone[step - count] if 0 <= step - count < len(earlier_undone) else None

    def inputs(self, step: int) -> ScalarMapping:
        """Return the parameters of a step that earlier ones told.

        Raises:
            LedgerBroken: the case has no plan.
            Unforeseen: the step cannot begin, because an earlier one told nothing that fits.
        """
        if self.proposal.plan is None:
            raise LedgerBroken(f"{self.id} has no plan")
        steps = self.execution.steps
        if step < len(steps):
            return steps[step].inputs
        return resolve_inputs(self.proposal.plan, steps, step)

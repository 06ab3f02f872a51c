"""Evaluation: what people decided, held against what the desk says today.

Each time the desk looked at a case is one trial: what it knew then, what it said, and what people
made of it. A case that people corrected in any way is a test case of this team.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.cases.approval import ApprovalRequirement
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.entries import (
    Authorised,
    Body,
    Edited,
    Entry,
    Gathered,
    MistakeReported,
    Named,
    Novel,
    PracticeObserved,
    Recognised,
    Recommended,
    Referred,
    Rejected,
    Reopened,
    Resolution,
    Resolved,
    ReviewGiven,
    StageChanged,
    UndoAsked,
    VersionAdopted,
    VersionEnded,
)
from bot.cases.evidence import Evidence
from bot.cases.evolve import evolve
from bot.cases.inquiry import is_answer
from bot.cases.plan import Action, Branch, Plan
from bot.cases.policy import RiskTier, Stage
from bot.cases.recommendation import Recommendation
from bot.cases.review import ReviewVerdict
from bot.cases.signal import UNRECOGNISED
from bot.cases.verdict import Ruling

#: The author of what no person did, in entries.
DESK_NAME = "Countersign"

# --- what the desk says ---------------------------------------------------------------------------


class Course(StrEnum):
    """The way of a case after the desk has looked at it."""

    ALONE = "runs alone"
    ASK = "asks people"
    REFUSED = "refused by policy"
    NO_PLAN = "a person finds a plan"


_COURSES = {
    Ruling.AUTO_APPROVE: Course.ALONE,
    Ruling.ASK: Course.ASK,
    Ruling.REFUSE: Course.REFUSED,
}


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """An action of a plan with its parameters."""

    action: str
    parameters: Mapping[str, Scalar]
    #: When it runs, where the plan is a tree; empty for always.
    condition: str = ""

    def __str__(self) -> str:
        # The ledger has them in the order of their names, a playbook in its own.
        values = ", ".join(f"{name} {value}" for name, value in sorted(self.parameters.items()))
        return f"{self.action}({values}){self.condition and f' {self.condition}'}"


Steps = tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The desk's view of a case: kind, plan and policy's verdict."""

    kind: str
    steps: Steps = ()
    course: Course
    #: None without a plan.
    tier: RiskTier | None = None
    approvers: tuple[ApprovalRequirement, ...] = ()
    step_up: bool = False
    #: The rule of policy; empty without a plan.
    rule: str = ""
    #: Why policy rules so, or why there is no plan.
    reason: str = ""


def judgement_of(case: Case) -> Judgement:
    """Read from a case what the desk has just made of it."""
    proposal = case.proposal
    verdict, recommendation = proposal.verdict, proposal.recommendation
    if proposal.plan is None or verdict is None:
        reason = recommendation.blocked if recommendation else ""
        return Judgement(kind=case.kind, course=Course.NO_PLAN, reason=reason)
    return Judgement(
        kind=case.kind,
        steps=steps_of(proposal.plan),
        course=_COURSES[verdict.ruling],
        tier=verdict.tier,
        approvers=verdict.factors,
        step_up=verdict.step_up,
        rule=verdict.rule,
        reason=verdict.reason,
    )


def steps_of(plan: Plan) -> Steps:
    """List the steps of a plan."""
    conditions = [_condition_of(branch) for branch in plan.branches]
    if not conditions:
        conditions = [""] * len(plan.actions)
    return tuple(
        PlannedStep(action.name, dict(action.parameters), condition)
        for action, condition in zip(plan.actions, conditions, strict=True)
    )


def _condition_of(branch: Branch) -> str:
    """Say when a step of a tree runs, and on which facts."""
    parts = []
    if branch.after is not None:
        parts.append(f"step {branch.after + 1} {branch.cause.value}")
    if branch.when:
        parts.append(branch.when)
    text = f"if {' and '.join(parts)}" if parts else ""
    inputs = [f"{name} from {one.fact}" for name, one in sorted(branch.inputs.items())]
    return " with ".join(filter(None, [text, ", ".join(inputs)]))


# --- trials ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One time at which the desk looked at a case."""

    #: Counts the trials of its case, from 1.
    number: int
    at: datetime
    #: The open case as the desk found it.
    before: Case
    #: The answers of systems, as they were read.
    evidence: tuple[Evidence, ...]
    #: The case as the desk left it.
    after: Case
    #: What followed, until the desk looked again.
    sequel: tuple[Entry, ...] = ()
    #: Every action that was prepared for the case, those of this trial first.
    actions: tuple[Action, ...] = ()

    @property
    def case_id(self) -> str:
        return self.before.id


def trials_of(entries: Iterable[Entry]) -> list[Trial]:
    """Find every time at which the desk looked at one case.

    Times at which it could look nothing up are left out: there is nothing to play.

    Raises:
        LedgerBroken: the entries do not follow on each other.
    """
    trials: list[Trial] = []
    sequel: list[Entry] = []
    case: Case | None = None
    before: Case | None = None
    gathering: Entry | None = None
    for entry in entries:
        is_first = isinstance(entry.body, Recognised) or (
            isinstance(entry.body, Gathered) and not _continues(gathering, entry)
        )
        if is_first and case is not None:
            before = case
        if isinstance(entry.body, Recognised | Gathered):
            gathering = entry
        case = evolve(case, entry)
        if before and isinstance(entry.body, Recommended | Referred | Authorised) and gathering:
            _close(trials, sequel)
            sequel = []
            trials.append(_trial(len(trials) + 1, before, after=case, gathering=gathering))
            before = gathering = None
        else:
            sequel.append(entry)
    _close(trials, sequel)
    return _with_all_actions(trials)


def _continues(earlier: Entry | None, entry: Entry) -> bool:
    """Tell whether recognition began this trial."""
    return earlier is not None and isinstance(earlier.body, Recognised)


def _close(trials: list[Trial], sequel: Sequence[Entry]) -> None:
    if trials:
        trials[-1] = replace(trials[-1], sequel=tuple(sequel))


def _trial(number: int, before: Case, *, after: Case, gathering: Entry) -> Trial:
    body = gathering.body
    evidence = body.evidence if isinstance(body, Gathered) else ()
    return Trial(
        number=number,
        at=gathering.at,
        before=before,
        evidence=tuple(fact for fact in evidence if not is_answer(fact)),
        after=after,
    )


def _with_all_actions(trials: Sequence[Trial]) -> list[Trial]:
    """Give every trial all actions that were ever prepared for the case."""
    action_lists = [_prepared_in(trial) for trial in trials]
    every = [action for actions in action_lists for action in actions]
    return [
        replace(trial, actions=(*own, *every))
        for trial, own in zip(trials, action_lists, strict=True)
    ]


def _prepared_in(trial: Trial) -> list[Action]:
    plans = [trial.after.proposal.plan]
    plans += [getattr(entry.body, "plan", None) for entry in trial.sequel]
    return [action for plan in plans if plan for action in plan.actions]


# --- what people decided --------------------------------------------------------------------------


class EvaluationReason(StrEnum):
    """A reason for which a case is one of the evaluation set."""

    REJECTED = "rejected"
    EDITED = "edited"
    UNDONE = "taken back"
    REOPENED = "opened again"
    UNRECOGNISED = "not recognised"
    BY_HAND = "handled by hand"
    MISTAKE = "reported as a mistake"
    REVIEW = "reviewed as wrong"
    PRACTICE = "done otherwise by hand"
    #: It brought about that something does not run alone any more, or that a version went back.
    DEMOTED = "ended that it runs alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The final decision of people on one trial; empty where nobody decided."""

    #: The kind that people named or acted on; "unrecognised" for none; None where nobody said.
    kind: str | None = None
    #: The plan that they let run, as they edited it.
    approved_steps: Steps | None = None
    #: Plans that they refused, took back or had to open again.
    refused_steps: tuple[Steps, ...] = ()
    #: They found no use for a plan.
    is_by_hand: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody decided anything."""
        return self == Expectation()


@dataclass(slots=True, kw_only=True)
class _Aftermath:
    """The trial in the light of the entries after it."""

    plan: Plan | None
    #: People or policy let the plan run.
    is_authorised: bool
    kind: str | None = None
    approved_plan: Plan | None = None
    refused_plans: list[Plan] = field(default_factory=list)
    is_by_hand: bool = False

    def add(self, body: Body) -> None:
        match body:
            case Edited(plan=plan):
                self.plan = plan
            case Authorised(plan=None):
                self.approved_plan = self.plan
                self.is_authorised = True
            case Rejected() | UndoAsked() | MistakeReported():
                self._refuse()
            case ReviewGiven(verdict=verdict):
                self._compare(is_right=verdict is ReviewVerdict.RIGHT)
            case PracticeObserved():
                # By hand, people did what the desk had only recommended, or did not.
                self._compare(is_right=body.action_agrees and body.parameters_agree)
            # What had cleared by itself says nothing of the plan.
            case Reopened() if self.is_authorised:
                self._refuse()
            case Resolved(resolution=Resolution.BY_HAND):
                self.is_by_hand = True
            case Named(kind=kind):
                self.kind = kind
            case Novel():
                self.kind = UNRECOGNISED
            case _:
                pass

    def _compare(self, *, is_right: bool) -> None:
        if is_right:
            self.approved_plan = self.plan
        else:
            self._refuse()

    def _refuse(self) -> None:
        self.approved_plan = None
        if self.plan and self.plan not in self.refused_plans:
            self.refused_plans.append(self.plan)


def expectations_of(trials: Sequence[Trial]) -> list[Expectation]:
    """Say for each trial of a case what people finally decided."""
    expectations = [_expectation_of(trial) for trial in trials]
    # Whoever named the kind later said what it had been all along.
    kind: str | None = None
    for place in range(len(trials) - 1, -1, -1):
        kind = kind if expectations[place].kind is None else expectations[place].kind
        if kind is not None and expectations[place].kind is None:
            expectations[place] = replace(expectations[place], kind=kind)
    return expectations


def _expectation_of(trial: Trial) -> Expectation:
    proposal = trial.after.proposal
    is_alone = judgement_of(trial.after).course is Course.ALONE
    aftermath = _Aftermath(plan=proposal.plan, is_authorised=is_alone)
    for entry in trial.sequel:
        aftermath.add(entry.body)
    if aftermath.kind is None and aftermath.approved_plan and _was_recognised(trial):
        # Nobody approves the plan of another kind.
        aftermath.kind = trial.after.kind
    return Expectation(
        kind=aftermath.kind,
        approved_steps=steps_of(aftermath.approved_plan) if aftermath.approved_plan else None,
        refused_steps=tuple(steps_of(plan) for plan in aftermath.refused_plans),
        is_by_hand=aftermath.is_by_hand,
    )


def _was_recognised(trial: Trial) -> bool:
    recognition = trial.after.classification.recognition
    return recognition is not None and bool(recognition.kind)


def reasons_for_evaluation(entries: Iterable[Entry]) -> tuple[EvaluationReason, ...]:
    """List why a case belongs to the evaluation set, if it does.

    By its entries alone: an edit before the desk looked again counts, too.
    """
    reasons: list[EvaluationReason] = []
    for entry in entries:
        reasons += _reasons_of(entry.body)
        reasons += _reasons_in_hindsight(entry.body)
    return tuple(dict.fromkeys(reasons))


def _reasons_of(body: Body) -> tuple[EvaluationReason, ...]:
    match body:
        case Rejected():
            return (EvaluationReason.REJECTED,)
        case Edited():
            return (EvaluationReason.EDITED,)
        case UndoAsked():
            return (EvaluationReason.UNDONE,)
        case Reopened():
            return (EvaluationReason.REOPENED,)
        case Recognised(recognition=recognition) if recognition.abstains:
            return (EvaluationReason.UNRECOGNISED,)
        case Named() | Novel():
            return (EvaluationReason.UNRECOGNISED,)
        case Resolved(resolution=Resolution.BY_HAND):
            return (EvaluationReason.BY_HAND,)
        case _:
            return ()


def _reasons_in_hindsight(body: Body) -> tuple[EvaluationReason, ...]:
    match body:
        case MistakeReported():
            return (EvaluationReason.MISTAKE,)
        case ReviewGiven(verdict=ReviewVerdict.WRONG):
            return (EvaluationReason.REVIEW,)
        case PracticeObserved() if not (body.action_agrees and body.parameters_agree):
            return (EvaluationReason.PRACTICE,)
        case _:
            return ()


def demoted_by(entries: Iterable[Entry]) -> frozenset[str]:
    """List the cases that ended a stage or a version.

    ``entries`` are those of the desk.
    """
    cases = set()
    for entry in entries:
        match entry.body:
            case StageChanged(before=Stage.AUTONOMOUS, stage=stage, on_case=case_id):
                if stage is not Stage.AUTONOMOUS and case_id:
                    cases.add(case_id)
            case VersionEnded(by_name=name, on_case=case_id) if name == DESK_NAME and case_id:
                cases.add(case_id)
            case VersionAdopted(former_version=version, on_case=case_id, key="") if (
                version and case_id
            ):
                cases.add(case_id)
            case _:
                pass
    return frozenset(cases)


def agrees(judgement: Judgement, expected: Expectation) -> bool | None:
    """Tell whether the desk says what people decided; None where nobody decided."""
    checks = []
    if expected.kind is not None:
        checks.append(judgement.kind == expected.kind)
    if expected.approved_steps is not None:
        checks.append(judgement.steps == expected.approved_steps)
    if expected.refused_steps:
        checks.append(judgement.steps not in expected.refused_steps)
    if expected.is_by_hand and expected.approved_steps is None:
        checks.append(not judgement.steps)
    return all(checks) if checks else None


# --- side by side ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the desk says otherwise today."""

    name: str
    before: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialComparison:
    """A trial as it was, and as it would be today."""

    case_id: str
    trial: int
    at: datetime
    title: str
    before: Judgement
    now: Judgement
    expected: Expectation
    reasons: tuple[EvaluationReason, ...] = ()
    #: Look-ups and actions that nobody had made then, so that their answers are not known.
    unknown_names: tuple[str, ...] = ()
    #: Look-ups that ask otherwise today; their answers are those to the earlier query.
    changed_names: tuple[str, ...] = ()
    #: Look-ups that were answered from the record.
    lookups: int = 0
    #: For precedents and confidence, which are shown and not compared.
    recommended_then: Recommendation | None = None
    recommended_now: Recommendation | None = None

    @property
    def is_known(self) -> bool:
        """Tell whether every answer is one to the query of today."""
        return not self.unknown_names and not self.changed_names

    @property
    def agreed_then(self) -> bool | None:
        """Tell whether the desk said then what people decided."""
        return agrees(self.before, self.expected)

    @property
    def agrees_now(self) -> bool | None:
        """Tell whether it says so today."""
        return agrees(self.now, self.expected)

    @property
    def is_newly_alone(self) -> bool:
        """Tell whether something would run alone that did not."""
        return self.now.course is Course.ALONE and (
            self.before.course is not Course.ALONE or self.now.steps != self.before.steps
        )

    @property
    def is_regression(self) -> bool:
        """Tell whether people would have to correct more than then.

        Something that runs alone although people decided otherwise is one, too.
        """
        if self.agreed_then is True and self.agrees_now is False:
            return True
        return self.is_newly_alone and self.agrees_now is False

    @property
    def is_improvement(self) -> bool:
        """Tell whether the desk says today what people had to tell it."""
        return self.agreed_then is False and self.agrees_now is True

    @property
    def differences(self) -> tuple[Difference, ...]:
        """List what differs; nothing where the desk says the same."""
        pairs = {
            "kind": (self.before.kind, self.now.kind),
            "plan": (_steps_text(self.before.steps), _steps_text(self.now.steps)),
            "course": (self.before.course.value, self.now.course.value),
            "approvers": (_approvers_text(self.before), _approvers_text(self.now)),
            "risk": (_tier_text(self.before.tier), _tier_text(self.now.tier)),
        }
        return tuple(
            Difference(name, before, now) for name, (before, now) in pairs.items() if before != now
        )


def _steps_text(steps: Steps) -> str:
    return "; ".join(map(str, steps)) or "none"


def _approvers_text(judgement: Judgement) -> str:
    names = [f"{factor.count} of @{factor.group}" for factor in judgement.approvers]
    text = " and ".join(names) or "nobody"
    return f"{text}, with a passkey" if judgement.step_up else text


def _tier_text(tier: RiskTier | None) -> str:
    return tier.name.lower() if tier else "none"

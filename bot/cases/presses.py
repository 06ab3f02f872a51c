"""The decided plans of a case, from which rules are distilled."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.cases.agreement import DecisionScore, score_of
from bot.cases.case import Case, LastDecision, PlanDecision
from bot.cases.case_facts import case_facts
from bot.cases.distillation import Press
from bot.cases.entries import Edited, Entry
from bot.cases.evolve import evolve
from bot.cases.plan import Plan
from bot.cases.policy import Stage
from bot.cases.standing_rule import figures_of, identities_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedPlan:
    """A plan of a playbook, and whether people wanted it."""

    press: Press
    plan: Plan
    at: datetime
    #: A person approved it as it was proposed, and nothing turned out wrong.
    is_yes: bool
    #: People decided otherwise, or it turned out wrong.
    is_no: bool
    #: It turned out wrong after it was carried out.
    is_bad: bool = False


def decided_plans(entries: Iterable[Entry]) -> list[DecidedPlan]:
    """List the plans of a case that people decided about, in order."""
    case: Case | None = None
    plans: dict[int, tuple[Plan, Press]] = {}
    decisions: list[DecidedPlan] = []
    for entry in entries:
        before, case = case, evolve(case, entry)
        if isinstance(entry.body, Edited) and before is not None and before.proposal.plan:
            plan, press = plans[before.proposal.revision]
            # Whatever became of the edited plan, the one before it was not wanted.
            edit = DecidedPlan(press=press, plan=plan, at=entry.at, is_yes=False, is_no=True)
            decisions.append(edit)
        _add_plan(plans, case)
    if case is not None:
        decisions += _plans_with_scores(case, plans)
    return decisions


def _add_plan(plans: dict[int, tuple[Plan, Press]], case: Case) -> None:
    """Keep each plan with the facts that it was made from."""
    plan = case.proposal.plan
    if plan is None or plan.revision in plans:
        return
    press = Press(
        case_id=str(case.id),
        revision=plan.revision,
        figures=figures_of(plan, case_facts(case, case.assessment.evidence)),
        identities=identities_of(plan),
    )
    plans[plan.revision] = (plan, press)


def _plans_with_scores(case: Case, plans: dict[int, tuple[Plan, Press]]) -> Iterator[DecidedPlan]:
    by_revision = {one.revision: one for one in case.activity.plan_decisions}
    for revision, score in {one.revision: one for one in score_of(case)}.items():
        if revision not in plans:
            continue
        plan, press = plans[revision]
        decision = by_revision.get(revision)
        yield DecidedPlan(
            press=press,
            plan=plan,
            at=score.decided_at,
            is_yes=_is_yes(score, decision),
            is_no=_is_no(score, decision),
            is_bad=score.bad_outcome is not None,
        )


def _is_yes(score: DecisionScore, decision: PlanDecision | None) -> bool:
    """Tell whether a person approved it unedited, and it went well."""
    if decision is None or decision.decision is not LastDecision.APPROVED:
        return False
    is_wanted = score.is_comparable and score.agrees and not score.is_alone
    return is_wanted and score.stage is Stage.SUPERVISED and score.bad_outcome is None


def _is_no(score: DecisionScore, decision: PlanDecision | None) -> bool:
    """Tell whether people did otherwise, or it turned out wrong."""
    if score.bad_outcome is not None:
        return True
    if decision is not None and decision.decision is LastDecision.APPROVED:
        return False
    if decision is not None and decision.is_silent and not score.is_comparable:
        return False
    return not score.agrees

"""Plans, their reasons and the verdicts on them, in lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from bot.cases.approval import ApprovalRequirement
from bot.cases.canonical import Scalar
from bot.cases.plan import Action, Plan
from bot.cases.recommendation import Recommendation
from bot.cases.verdict import Ruling, Verdict
from bot.views.content_lines import ContentLine, content_lines, moment, money_text, value_text
from bot.views.entry_names import EntryNames
from bot.views.labels import Labels, as_words, start_upper

RULINGS = {
    Ruling.AUTO_APPROVE: "may run alone",
    Ruling.ASK: "must be approved",
    Ruling.REFUSE: "refused",
}


@dataclass(frozen=True, kw_only=True)
class PlanContent:
    """Writes the lines of a plan, its reasons and its verdict."""

    labels: Labels = field(default_factory=Labels)
    names: EntryNames = field(default_factory=EntryNames)

    def plan_lines(self, plan: Plan) -> Iterator[ContentLine]:
        for number, action in enumerate(plan.actions, start=1):
            yield ContentLine(f"Step {number}", action.summary)
            yield from self._action(action)
        if len(plan.actions) > 1 and plan.amount:
            yield ContentLine("It moves", money_text(plan.amount))
        yield ContentLine("Proposed by", f"the {plan.proposer.value}")
        if plan.is_dry_run:
            yield ContentLine("Dry run", "nothing is changed")
        yield ContentLine("May begin until", moment(plan.not_after))

    def _action(self, action: Action) -> Iterator[ContentLine]:
        system = self.labels.system(action.system)
        yield ContentLine("Target", f"{_target(action.target)}, {system}")
        for name, value in action.parameters.items():
            label = start_upper(self.labels.parameter(action.name, name))
            yield ContentLine(label, value_text(value))
        yield ContentLine("It would", action.preview)
        if action.amount:
            yield ContentLine("It moves", money_text(action.amount))
        yield ContentLine("Undo", _undo_terms(action))
        if action.precondition:
            state = [f"{as_words(name)} {value_text(one)}" for name, one in _snapshot_of(action)]
            yield ContentLine("Only while", ", ".join(state))

    def reason_lines(self, recommendation: Recommendation) -> Iterator[ContentLine]:
        confidence = "" if recommendation.confidence is None else f"{recommendation.confidence} %"
        yield from content_lines(
            Reason=recommendation.reason,
            Blocked=recommendation.blocked,
            Basis=recommendation.basis,
            Confidence=confidence,
            Promise=recommendation.promise,
            Precedents=recommendation.precedents,
            Memory=recommendation.memory,
        )
        for one in recommendation.alternatives:
            yield ContentLine(f"Not “{self.labels.action(one.action)}”", one.why_not)
        for citation in recommendation.citations:
            title = f"{citation.case_id or 'imported'}: {citation.title}"
            yield ContentLine("Like case", f"{title} ({citation.ended}, {moment(citation.at)})")

    def verdict_lines(self, verdict: Verdict) -> Iterator[ContentLine]:
        rule = as_words(verdict.rule.replace(".", " "))
        risk = f"{verdict.tier.name.lower()} risk"
        text = f"{RULINGS[verdict.ruling]}, {risk}: {verdict.reason} (rule: {rule})"
        yield ContentLine("Policy", text)
        if verdict.factors:
            yield ContentLine("Needs", self._approvers(verdict.factors))
        if verdict.step_up:
            yield ContentLine("Signature", "each approval needs a passkey")

    def _approvers(self, factors: Iterable[ApprovalRequirement]) -> str:
        return " and ".join(f"{one.count} of {self.names.account(one.group)}" for one in factors)


def plan_summary(plan: Plan) -> str:
    return "; ".join(action.summary for action in plan.actions)


def _undo_terms(action: Action) -> str:
    if not action.reversible:
        return "it cannot be undone"
    minutes = action.undo_for // timedelta(minutes=1)
    return f"it can be taken back for {minutes} minutes" if minutes else "it can be undone"


def _snapshot_of(action: Action) -> list[tuple[str, Scalar]]:
    return sorted(action.precondition.items())


def _target(target: str) -> str:
    kind, _, name = target.partition(":")
    return f"{as_words(kind)} {name}" if name else target

"""A back-test: past plans, judged again under another policy.

Each case counts with its first plan, as it was proposed, by today's terms of its playbook. What
would have run alone is counted as carried out then; what people would decide is carried out when
it was in fact. So the limits of each policy fill up as they would have.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.circumstances import Circumstances
from bot.cases.entries import Entry, StepStarted
from bot.cases.evolve import evolve
from bot.cases.judgement import judge
from bot.cases.plan import Action, Money, Plan
from bot.cases.policy import PlaybookTerms, Policy, RiskTier, Stage
from bot.cases.recent_actions import PastAction, RecentActions
from bot.cases.standing_rule import StandingRule
from bot.cases.usage import NOTHING
from bot.cases.verdict import Ruling, Verdict, require_governance

OPENED = "case.opened"
STARTED = "step.started"
#: Entries that may carry a plan.
PLANS = frozenset({"plan.recommended", "plan.authorised", "plan.edited", "case.referred"})
#: Entries that say that the first plan was not right, and how.
MISSES: Mapping[str, str] = {
    "plan.rejected": "rejected",
    "plan.edited": "edited",
    "plan.undo_asked": "undone",
    "case.reopened": "reopened",
    "plan.stopped": "stopped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Ask today's files about a past case."""

    terms: Callable[[str], PlaybookTerms]
    #: The time by the clock of a channel.
    local: Callable[[str, datetime], datetime]
    #: Tell whether one of these accounts is nobody's that is known.
    has_stranger: Callable[[Iterable[str]], bool]
    #: The stage of a plan of a kind by what was recorded; None for that of its terms.
    stage: Callable[[str, Plan, Stage], Stage] | None = None
    #: The standing rule within whose bounds a plan of a case was.
    standing_rule: Callable[[Case, Plan], StandingRule | None] | None = None

    def terms_of(self, kind: str, plan: Plan) -> PlaybookTerms:
        """Return the terms of a kind, at the stage of this plan."""
        terms = self.terms(kind)
        if self.stage is None:
            return terms
        return replace(terms, stage=self.stage(kind, plan, terms.stage))

    def rule_of(self, case: Case, plan: Plan) -> StandingRule | None:
        """Return the standing rule that covers a plan of a case."""
        return self.standing_rule(case, plan) if self.standing_rule else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A ruling of one policy on the first plan of a case."""

    ruling: Ruling
    tier: RiskTier
    rule: str
    reason: str
    #: The approvers, such as "2 finance".
    approvers: tuple[str, ...]

    @property
    def outcome(self) -> tuple[Ruling, RiskTier, tuple[str, ...]]:
        """Return what people would notice, without the reason."""
        return self.ruling, self.tier, self.approvers

    @classmethod
    def of(cls, verdict: Verdict) -> "Judged":
        """Keep of a verdict what a back-test compares."""
        return cls(
            ruling=verdict.ruling,
            tier=verdict.tier,
            rule=verdict.rule,
            reason=verdict.reason,
            approvers=tuple(f"{one.count} {one.group}" for one in verdict.factors),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCase:
    """A past case under both policies, with its outcome."""

    case_id: str
    kind: str
    before: Judged
    after: Judged
    #: How the first plan turned out to be wrong; empty where it did not.
    misses: tuple[str, ...]

    @property
    def is_wrong(self) -> bool:
        return bool(self.misses)


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """All past cases under both policies, in the order of their plans."""

    cases: tuple[PastCase, ...]

    def count(self, ruling: Ruling, *, after: bool = True) -> int:
        """Count the cases with this ruling.

        That is under the new policy, or under today's where not ``after``.
        """
        return sum(_side(case, after).ruling is ruling for case in self.cases)

    def wrong_alone(self, *, after: bool = True) -> tuple[str, ...]:
        """List the cases that would run alone, and whose plan was wrong."""
        return tuple(
            case.case_id
            for case in self.cases
            if case.is_wrong and _side(case, after).ruling is Ruling.AUTO_APPROVE
        )

    @property
    def is_worse(self) -> bool:
        """Tell whether more cases would run alone and be wrong than today."""
        return len(self.wrong_alone()) > len(self.wrong_alone(after=False))

    def by_kind(self) -> dict[str, Counter[tuple[Ruling, Ruling]]]:
        """Count the pairs of rulings, before and after, for each kind."""
        kinds: dict[str, Counter[tuple[Ruling, Ruling]]] = {}
        for case in self.cases:
            pair = (case.before.ruling, case.after.ruling)
            kinds.setdefault(case.kind, Counter())[pair] += 1
        return kinds

    def differences(self) -> Iterator[PastCase]:
        """Yield the cases whose ruling, risk or approvers would be others."""
        for case in self.cases:
            if case.before.outcome != case.after.outcome:
                yield case


def _side(case: PastCase, after: bool) -> Judged:
    return case.after if after else case.before


@dataclass(slots=True)
class _Side:
    """One policy, with the actions that it would have let happen."""

    policy: Policy
    recent: RecentActions


@dataclass(slots=True, kw_only=True)
class _Record:
    """Keep a case until its first plan, and then little of it."""

    case: Case | None = None
    kind: str = ""
    is_tested: bool = False
    before: Judged | None = None
    after: Judged | None = None
    misses: dict[str, None] = field(default_factory=dict)
    #: The present plan, by whose steps the case fills up limits.
    plan: Plan | None = None
    steps: set[tuple[int, int]] = field(default_factory=set)


class Backtest:
    """Judge the first plans of past cases again, entry by entry."""

    def __init__(
        self,
        *,
        today: Policy,
        proposal: Policy,
        surroundings: Surroundings,
        since: datetime | None = None,
    ) -> None:
        """Judge plans of ``since`` or later.

        Those before it only fill up limits.
        """
        self._before = _Side(today, RecentActions(today.windows))
        self._after = _Side(proposal, RecentActions(proposal.windows))
        self._surroundings = surroundings
        self._since = since
        self._records: dict[str, _Record] = {}

    def needs(self, case_id: str, type: str) -> bool:
        """Tell whether an entry must be read.

        Most lines of a ledger say nothing about plans.
        """
        record = self._records.get(case_id)
        if record is None:
            return type == OPENED
        return record.case is not None or type in PLANS or type in MISSES or type == STARTED

    def add(self, entry: Entry, type: str) -> None:
        """Take the next entry of the ledger."""
        record = self._records.get(entry.case_id)
        if record is None:
            record = self._records[entry.case_id] = _Record()
        if record.before is not None and type in MISSES:
            record.misses[MISSES[type]] = None
        if record.case is not None or record.before is None:
            record.case = evolve(record.case, entry)
        plan = getattr(entry.body, "plan", None)
        if plan is not None:
            record.plan = plan
        if plan is not None and record.case is not None:
            self._judge(record, case=record.case, plan=plan, at=entry.at)
            record.case = None
        match entry.body:
            case StepStarted(step=step):
                self._carry_out(record, entry, step)
            case _:
                pass

    def result(self) -> BacktestResult:
        """Return the cases with a plan that were read so far."""
        return BacktestResult(tuple(self._past_cases()))

    def _past_cases(self) -> Iterator[PastCase]:
        for case_id, record in self._records.items():
            if record.is_tested and record.before and record.after:
                yield PastCase(
                    case_id=case_id,
                    kind=record.kind,
                    before=record.before,
                    after=record.after,
                    misses=tuple(record.misses),
                )

    def _judge(self, record: _Record, *, case: Case, plan: Plan, at: datetime) -> None:
        record.kind = case.kind
        record.is_tested = self._since is None or at >= self._since
        record.before = self._rule(self._before, case=case, plan=plan, at=at)
        record.after = self._rule(self._after, case=case, plan=plan, at=at)

    def _rule(self, side: _Side, *, case: Case, plan: Plan, at: datetime) -> Judged:
        policy, terms = side.policy, self._surroundings.terms_of(case.kind, plan)
        verdict = judge(
            plan,
            terms,
            policy,
            side.recent.usage(plan, at),
            circumstances=Circumstances(
                kind=case.kind,
                local_at=self._surroundings.local(case.channel, at),
                source=case.signal.source,
                channel=case.channel,
                stake=case.assessment.stake,
                facts=case_facts(case, case.assessment.evidence) if policy.rules else {},
            ),
            standing_rule=self._surroundings.rule_of(case, plan),
        )
        accounts = [plan.requester, plan.beneficiary, *(one.account for one in case.requesters)]
        if self._surroundings.has_stranger([account for account in accounts if account]):
            verdict = require_governance(verdict, terms)
        if verdict.ruling is Ruling.AUTO_APPROVE:
            side.recent.add(_past_action(plan, action, at) for action in plan.actions)
        return Judged.of(verdict)

    def _carry_out(self, record: _Record, entry: Entry, step: int) -> None:
        """Count a step that people let begin, once for each plan."""
        key = (entry.revision, step)
        if record.plan is None or key in record.steps or step >= len(record.plan.actions):
            return
        record.steps.add(key)
        action = _past_action(record.plan, record.plan.actions[step], entry.at)
        for ruling, side in ((record.before, self._before), (record.after, self._after)):
            # What ran alone was counted with its plan, and what is refused never runs.
            if ruling is not None and ruling.ruling is Ruling.ASK:
                side.recent.add([action])


def _past_action(plan: Plan, action: Action, at: datetime) -> PastAction:
    money = action.amount or Money(NOTHING, "")
    return PastAction(
        at=at,
        name=action.name,
        target=action.target,
        requester=plan.requester or "",
        currency=money.currency,
        amount=money.amount,
    )


def summary_plain(result: BacktestResult) -> dict[str, Any]:
    """Return the figures as JSON types, for machines and for cards."""
    sides = {}
    for name, after in (("today", False), ("proposal", True)):
        sides[name] = {
            "alone": result.count(Ruling.AUTO_APPROVE, after=after),
            "ask": result.count(Ruling.ASK, after=after),
            "refuse": result.count(Ruling.REFUSE, after=after),
            "wrong_alone": list(result.wrong_alone(after=after)),
        }
    return {"cases": len(result.cases), **sides, "is_worse": result.is_worse}

"""Autonomy: what may run alone, and what it must show first.

A stage is recorded by kind and action. The playbook's own stage is where a kind starts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import comb, exp, fsum, lgamma, log, log1p

from bot.cases.agreement import DecisionScore, is_scored_alike, score_of
from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.case import Case
from bot.cases.control_commands import TakeStageBack
from bot.cases.controls import STAGE_ORDER, DeskControls, RecordedStage
from bot.cases.entries import StageEvidence
from bot.cases.errors import NoLongerAlone
from bot.cases.plan import Plan
from bot.cases.policy import PlaybookTerms, Policy, Stage
from bot.cases.usage import Usage

PERCENT = 100
PERMILLE = 1000
#: Halves an interval below the precision of a float.
BISECTIONS = 55
MAX_CASES_IN_REASON = 3
BUDGET_SPENT = "what may run alone today has run already"


def may_depend_on_record(plan: Plan, terms: PlaybookTerms, policy: Policy) -> bool:
    """Tell whether the recorded stage can change the verdict on a plan.

    Where policy lets an action never run alone, ``supervised`` and ``autonomous`` are the same.
    """
    return terms.stage is not Stage.SUPERVISED or all(
        action.name in policy.actions and policy.actions[action.name].alone
        for action in plan.actions
    )


def may_begin_alone(kind: str, usage: Usage, rule: AutonomyRule) -> bool:
    """Tell whether one more plan of this kind may begin alone today."""
    return usage.alone_times(kind) < rule.alone_per_day


def must_still_run_alone(
    plan: Plan, controls: DeskControls, *, initial: Stage, has_rule: bool = False
) -> None:
    """Refuse to begin alone under a stage that was taken back.

    It is called in the transaction that begins the step. ``has_rule``: a standing rule stands in
    for the stage, and not for that of shadow.

    Raises:
        NoLongerAlone: people decide about such plans now.
    """
    lowest = Stage.SUPERVISED if has_rule else Stage.AUTONOMOUS
    stage = controls.stage_of_plan(plan.playbook, plan, initial)
    if STAGE_ORDER.index(stage) < STAGE_ORDER.index(lowest):
        raise NoLongerAlone("such plans are put before people now")


# --- the gate ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The figures of an action's record, and what is missing."""

    rule: AutonomyRule
    #: Comparable decisions, and those that the bot would have made alike.
    decisions: int
    agreements: int
    #: With the confidence of the rule the true share of agreement is not below this.
    lower_bound: float
    #: The chance of so large a fall from the earlier to the recent half, were there no drift.
    drift_chance: float
    #: Cases in which people decided otherwise, and cases that turned out wrong.
    misses: tuple[str, ...]
    bad_cases: tuple[str, ...]
    #: Sentences for people; none when the gate is open.
    reasons: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether nothing is missing."""
        return not self.reasons

    @property
    def evidence(self) -> StageEvidence:
        """Return the figures as the ledger keeps them."""
        return StageEvidence(
            decisions=self.decisions,
            agreements=self.agreements,
            lower_bound_permille=int(self.lower_bound * PERMILLE),
            confidence_percent=round(self.rule.confidence * PERCENT),
            window_days=self.rule.window.days,
            misses=self.misses,
            bad_cases=self.bad_cases,
        )


def judge_record(
    scores: Sequence[DecisionScore],
    rule: AutonomyRule,
    *,
    now: datetime,
    since: datetime | None = None,
    obstacles: Sequence[str] = (),
) -> Gate:
    """Say what the scores of one action show, and what is missing.

    ``since``: what was decided before counts no more, because a stage was taken back then.
    ``obstacles``: sentences about what no record can make good.
    """
    begins_at = now - rule.window
    recent = [score for score in scores if score.decided_at >= begins_at]
    comparable = [
        score
        for score in recent
        if score.is_comparable and (since is None or score.decided_at > since)
    ]
    agreements = sum(score.agrees for score in comparable)
    lower_bound = clopper_pearson_lower(agreements, len(comparable), rule.confidence)
    bad_cases = _cases_of(score for score in recent if score.bad_outcome is not None)
    drift_chance = fall_chance([score.agrees for score in comparable])
    reasons = [
        *obstacles,
        *_lacking_decisions(len(comparable), lower_bound, rule),
        *_troubles(bad_cases, drift_chance, rule),
    ]
    return Gate(
        rule=rule,
        decisions=len(comparable),
        agreements=agreements,
        lower_bound=lower_bound,
        drift_chance=drift_chance,
        misses=_cases_of(score for score in comparable if not score.agrees),
        bad_cases=bad_cases,
        reasons=tuple(reasons),
    )


def _lacking_decisions(count: int, lower_bound: float, rule: AutonomyRule) -> Iterator[str]:
    if count < rule.decisions:
        missing = rule.decisions - count
        noun = "decision" if missing == 1 else "decisions"
        yield f"{missing:,} more comparable {noun} of people, {rule.decisions:,} in all"
    elif lower_bound < rule.agreement:
        bound, target = percent_below(lower_bound), round(rule.agreement * PERCENT)
        yield f"people must agree more: surely {bound} % by now, and {target} % are needed"


def _troubles(bad_cases: Sequence[str], drift_chance: float, rule: AutonomyRule) -> Iterator[str]:
    if bad_cases:
        names = ", ".join(bad_cases[:MAX_CASES_IN_REASON])
        yield f"{rule.window.days} days in which nothing turns out wrong (last: {names})"
    if drift_chance < rule.drift:
        yield "people agreed less of late than before"


def _cases_of(scores: Iterable[DecisionScore]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(score.case_id for score in scores))


def percent_below(share: float) -> int:
    """Return a share in per cent, rounded down."""
    return int(share * PERCENT)


def clopper_pearson_lower(successes: int, trials: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a share."""
    if not successes:
        return 0.0
    # By bisection: SciPy's inverse would cost every bot 27 MB and a fifth of a second.
    low, high = 0.0, successes / trials
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _chance_of_at_least(successes, trials, middle) < 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def _chance_of_at_least(successes: int, trials: int, share: float) -> float:
    """Return the upper tail of the binomial distribution."""
    logs = (
        lgamma(trials + 1)
        - lgamma(count + 1)
        - lgamma(trials - count + 1)
        + count * log(share)
        + (trials - count) * log1p(-share)
        for count in range(successes, trials + 1)
    )
    return fsum(map(exp, logs))


def fall_chance(agreements: Sequence[bool]) -> float:
    """Return how likely chance alone lets agreement fall so far.

    It is Fisher's exact test, one-sided, on the earlier and the recent half.
    """
    middle = len(agreements) // 2
    earlier, recent = agreements[:middle], agreements[middle:]
    total, hits = len(agreements), sum(agreements)
    ways = comb(total, hits)
    tail = sum(
        comb(len(recent), count) * comb(len(earlier), hits - count)
        for count in range(sum(recent) + 1)
        if 0 <= hits - count <= len(earlier)
    )
    return tail / ways


# --- stages -----------------------------------------------------------------------------------


def next_stage(stage: Stage) -> Stage | None:
    """Return the stage to earn next; None for the widest."""
    index = STAGE_ORDER.index(stage) + 1
    return STAGE_ORDER[index] if index < len(STAGE_ORDER) else None


def obstacles_to(stage: Stage, action: str, policy: Policy) -> tuple[str, ...]:
    """Say what keeps an action from a stage, whatever its record."""
    limit = policy.actions.get(action)
    if limit is None:
        return ("policy does not list it",)
    if stage is Stage.AUTONOMOUS and not limit.alone:
        return ("policy lets it never run alone",)
    return ()


def standing_since(record: RecordedStage | None) -> datetime | None:
    """Return when the record began anew; None for never."""
    return record.at if record and record.is_demotion else None


def gate_to(
    stage: Stage,
    *,
    kind: str,
    action: str,
    controls: DeskControls,
    scores: Sequence[DecisionScore],
    policy: Policy,
    now: datetime,
) -> Gate:
    """Judge whether an action of a kind has earned this stage."""
    return judge_record(
        scores,
        policy.autonomy,
        now=now,
        since=standing_since(controls.recorded_stage(kind, action)),
        obstacles=obstacles_to(stage, action, policy),
    )


# --- outcomes ---------------------------------------------------------------------------------


def demotions_after(before: Case | None, after: Case) -> tuple[TakeStageBack, ...]:
    """List the stages that a bad outcome takes back."""
    if before is None:
        return ()
    return tuple(
        TakeStageBack(
            kind=score.kind,
            action=score.action,
            reason=_demotion_reason(score),
            on_case=score.case_id,
            is_alone=score.is_alone and score.stage is Stage.AUTONOMOUS,
        )
        for score in bad_outcomes_after(before, after)
        if score.is_alone or score.is_comparable
    )


def bad_outcomes_after(before: Case, after: Case) -> tuple[DecisionScore, ...]:
    """List the decisions that turned out wrong between these two versions."""
    if is_scored_alike(before, after):
        return ()
    earlier = {_score_key(score) for score in score_of(before) if score.bad_outcome}
    return tuple(
        score for score in score_of(after) if score.bad_outcome and _score_key(score) not in earlier
    )


def _score_key(score: DecisionScore) -> tuple[int, str]:
    return score.revision, score.action


def _demotion_reason(score: DecisionScore) -> str:
    return f"{score.case_id} was {score.bad_outcome}: {score.bad_reason}".rstrip(": ")

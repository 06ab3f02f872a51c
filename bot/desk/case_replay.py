"""Replay: look at a case again, over what was known then.

The desk's own triage does it, with today's playbooks, policy and models. Only the systems, the
clock and the usage are those of then, and nothing is written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.cases.canonical import from_plain, to_plain
from bot.cases.case import Case
from bot.cases.controls import DeskControls, RecordedStage
from bot.cases.entries import Entry, entry_of, entry_plain
from bot.cases.evaluation import (
    Course,
    EvaluationReason,
    Expectation,
    Judgement,
    Trial,
    TrialComparison,
    expectations_of,
    judgement_of,
    reasons_for_evaluation,
    trials_of,
)
from bot.cases.evidence import Evidence
from bot.cases.plan import Action
from bot.cases.playbook import Playbook
from bot.cases.policy import Stage
from bot.cases.recommendation import Recommendation
from bot.cases.standing_rule import StandingRule
from bot.cases.usage import Usage
from bot.desk.null_store import NullOutbox, PastUsage, RecordedCases, RecordedControls
from bot.desk.proposal import Proposals
from bot.desk.triage import FAILURES, Triage
from bot.ports.connector import Systems
from bot.ports.language import Planner
from bot.ports.library import Library
from bot.ports.recommender import Prepare, Recogniser, Recommender

SystemsOf = Callable[[Trial, Playbook], Systems]
"""Return the systems as they answered in this trial to the look-ups of this playbook."""
RulesBefore = Callable[[Trial], tuple[StandingRule, ...]]
"""Return the standing rules that were in force when the desk looked."""
UsageBefore = Callable[[Trial], Usage]
"""Return what had been carried out when the desk looked, of what policy limits."""
FORMAT = "countersign-replay/1"


class BoundedMemory(Protocol):
    """The memory of the recommender, as it was then."""

    def leave_out(self, case_id: str) -> None:
        """Find no precedent of this case from now on."""


@dataclass
class FrozenClock:
    """A clock that stands at the time of the trial."""

    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCase:
    """A case with all that is needed to look at it again."""

    id: str
    entries: tuple[Entry, ...]
    trials: tuple[Trial, ...]
    #: For each trial.
    expectations: tuple[Expectation, ...]
    usages: tuple[Usage, ...]
    reasons: tuple[EvaluationReason, ...]
    #: The standing rules of then, for each trial; empty where there were none at all.
    standing_rules: tuple[tuple[StandingRule, ...], ...] = ()

    def rules_of(self, index: int) -> tuple[StandingRule, ...]:
        """Return the standing rules of a trial."""
        return self.standing_rules[index] if self.standing_rules else ()

    def to_plain(self) -> dict[str, Any]:
        """Convert to JSON types, as one line of a file."""
        return {
            "format": FORMAT,
            "case": self.id,
            "reasons": [reason.value for reason in self.reasons],
            "expected": [to_plain(expected) for expected in self.expectations],
            "usage": [to_plain(usage) for usage in self.usages],
            "standing_rules": [to_plain(list(rules)) for rules in self.standing_rules],
            "entries": [entry_plain(entry) for entry in self.entries],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "RecordedCase":
        """Read what ``to_plain`` wrote.

        Raises:
            KeyError: a field is missing.
            ValueError: it is of another format, or does not fit together.
        """
        if plain["format"] != FORMAT:
            raise ValueError(f"format {plain['format']!r} is not {FORMAT!r}")
        entries = tuple(entry_of(entry) for entry in plain["entries"])
        trials = tuple(trials_of(entries))
        expectations = tuple(from_plain(Expectation, one) for one in plain["expected"])
        usages = tuple(from_plain(Usage, one) for one in plain["usage"])
        if not len(trials) == len(expectations) == len(usages):
            raise ValueError(f"{plain['case']} has {len(trials)} trials, and not as many answers")
        return cls(
            id=plain["case"],
            entries=entries,
            trials=trials,
            expectations=expectations,
            usages=usages,
            reasons=tuple(EvaluationReason(reason) for reason in plain["reasons"]),
            standing_rules=tuple(
                from_plain(tuple[StandingRule, ...], rules)
                for rules in plain.get("standing_rules", ())
            ),
        )


def record_case(
    entries: Sequence[Entry],
    usage_before: UsageBefore,
    *,
    is_demotion: bool = False,
    rules_before: RulesBefore = lambda trial: (),
) -> RecordedCase:
    """Take from the ledger what a replay of a case needs.

    ``is_demotion``: it brought about that something does not run alone any more.
    """
    trials = trials_of(entries)
    rules = tuple(rules_before(trial) for trial in trials)
    reasons = reasons_for_evaluation(entries)
    if is_demotion:
        reasons = (*reasons, EvaluationReason.DEMOTED)
    return RecordedCase(
        id=entries[0].case_id,
        entries=tuple(entries),
        trials=tuple(trials),
        expectations=tuple(expectations_of(trials)),
        usages=tuple(usage_before(trial) for trial in trials),
        reasons=reasons,
        standing_rules=rules if any(rules) else (),
    )


@dataclass(frozen=True, kw_only=True)
class CaseReplay:
    """Looks at recorded cases with the rules of today."""

    library: Library
    recommender: Recommender
    recogniser: Recogniser
    systems_of: SystemsOf
    #: The one that the recommender reads.
    clock: FrozenClock
    #: The memory of then; None without one.
    memory: BoundedMemory | None = None
    #: Counts for how many trials a chat model would be asked for a plan; None without one.
    planner: Planner | None = None
    mode: str = ""
    #: By kind, the look-ups that ask otherwise than those in use.
    changed_lookups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _outbox: NullOutbox = field(default_factory=NullOutbox)

    def compare(
        self, recorded_case: RecordedCase, usage_before: PastUsage | None = None
    ) -> list[TrialComparison]:
        """Play every trial of a case, beside what was said then.

        ``usage_before`` sums usage for the plan of today. Without it that of the plan of then
        counts, as it was recorded.
        """
        comparisons = []
        trials = enumerate(
            zip(recorded_case.trials, recorded_case.expectations, recorded_case.usages, strict=True)
        )
        for index, (trial, expected, usage) in trials:
            cases = RecordedCases(trial.before, usage, usage_before)
            now, unknown_names, recommendation = self.play(
                trial, cases, recorded_case.rules_of(index)
            )
            comparisons.append(
                TrialComparison(
                    case_id=recorded_case.id,
                    trial=trial.number,
                    at=trial.at,
                    title=trial.before.signal.title,
                    before=judgement_of(trial.after),
                    now=now,
                    expected=expected,
                    reasons=recorded_case.reasons,
                    unknown_names=unknown_names,
                    changed_names=self._changed_lookups(trial, now.kind),
                    lookups=len({fact.name.partition(".")[0] for fact in trial.evidence}),
                    recommended_then=trial.after.proposal.recommendation,
                    recommended_now=recommendation,
                )
            )
        return comparisons

    def play(
        self, trial: Trial, cases: RecordedCases, rules: tuple[StandingRule, ...] = ()
    ) -> tuple[Judgement, tuple[str, ...], Recommendation | None]:
        """Say what the desk would make of the case today.

        Also which look-ups failed that had not failed then, and the whole recommendation.
        """
        self.clock.at = trial.at
        if self.memory is not None:
            # Whatever came of the case itself, nobody knew.
            self.memory.leave_out(trial.case_id)
        try:
            case = self._triage(trial, cases, rules).look_at(trial.before, trial.at).case
        except FAILURES as failure:
            judgement = Judgement(
                kind=trial.before.kind, course=Course.NO_PLAN, reason=str(failure)
            )
            return judgement, (), None
        return judgement_of(case), _newly_failed(trial, case), case.proposal.recommendation

    def _changed_lookups(self, trial: Trial, kind: str) -> tuple[str, ...]:
        """Name the look-ups of a trial that ask otherwise today."""
        names = {fact.name.partition(".")[0] for fact in trial.evidence}
        return tuple(name for name in self.changed_lookups.get(kind, ()) if name in names)

    def _triage(
        self, trial: Trial, cases: RecordedCases, rules: tuple[StandingRule, ...]
    ) -> Triage:
        systems = self.systems_of(trial, self.library.playbook(trial.after.kind))
        proposals = Proposals(
            cases=cases,
            desk_controls=RecordedControls(_controls_of(trial, rules)),
            library=self.library,
            systems=systems,
            mode=self.mode,
        )
        return Triage(
            cases=cases,
            outbox=self._outbox,
            library=self.library,
            systems=systems,
            recommender=_LapseOfThen(self.recommender, trial.after.proposal.recommendation),
            recogniser=self.recogniser,
            proposals=proposals,
            clock=self.clock,
            planner=self.planner,
        )


@dataclass(frozen=True)
class _LapseOfThen:
    """Recommends as today, with the lapse of then.

    The recommender of a replay reads no answers of people: those that came later were not known.
    What they had said by then is in the ledger.
    """

    recommender: Recommender
    recommended_then: Recommendation | None

    def recommend(
        self, case: Case, playbook: Playbook, evidence: Sequence[Evidence], prepare: Prepare
    ) -> tuple[Recommendation, tuple[Action, ...]]:
        """Recommend, and doubt what was in doubt then."""
        recommendation, actions = self.recommender.recommend(
            case, playbook, evidence, prepare=prepare
        )
        then = self.recommended_then
        if then is None or then.lapsed_percent is None or then.action != recommendation.action:
            return recommendation, actions
        recommendation = replace(
            recommendation,
            promise=then.promise,
            promised_percent=None,
            lapsed_percent=then.lapsed_percent,
        )
        return recommendation, actions


def _controls_of(trial: Trial, rules: tuple[StandingRule, ...]) -> DeskControls:
    """Return what had earned to run alone by then.

    Of everything else today's playbook says the stage.
    """
    plan, verdict = trial.after.proposal.plan, trial.after.proposal.verdict
    if plan is None or verdict is None or verdict.inputs is None:
        return DeskControls(standing_rules=rules)
    if verdict.inputs.stage is not Stage.AUTONOMOUS:
        return DeskControls(standing_rules=rules)
    stages = [
        RecordedStage(
            kind=plan.playbook,
            action=name,
            stage=Stage.AUTONOMOUS,
            at=trial.at,
            by="",
            by_name="",
            reason="",
        )
        for name in dict.fromkeys(action.name for action in plan.actions)
    ]
    return DeskControls(stages=tuple(stages), standing_rules=rules)


def _newly_failed(trial: Trial, case: Case) -> tuple[str, ...]:
    """Name the look-ups that fail today and had not failed then."""
    failed_then = {fact.name for fact in trial.evidence if fact.failure is not None}
    failed_now = [fact.name for fact in case.assessment.evidence if fact.failure is not None]
    return tuple(name for name in failed_now if name not in failed_then)

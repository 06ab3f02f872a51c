"""Figures over comparisons: how often the desk agrees with people."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.cases.evaluation import Course, TrialComparison


@dataclass(slots=True, kw_only=True)
class EvaluationSummary:
    """The figures of the comparisons so far."""

    #: Times at which the desk looked at a case.
    trials: int = 0
    #: Of them, those on which people decided something.
    decided_count: int = 0
    different: int = 0
    agreed_before: int = 0
    agreed_now: int = 0
    regressions: int = 0
    improvements: int = 0
    newly_alone: int = 0
    #: Trials by what became of them then, and what would today.
    courses_before: Counter[Course] = field(default_factory=Counter)
    courses_now: Counter[Course] = field(default_factory=Counter)
    #: Trials that would take another course, by the course of today.
    moves: Counter[Course] = field(default_factory=Counter)
    #: Look-ups that were answered from the record.
    lookups: int = 0
    #: Trials by kind, and those that rest on answers which are not known.
    trials_by_kind: Counter[str] = field(default_factory=Counter)
    unknown_by_kind: Counter[str] = field(default_factory=Counter)

    def add(self, comparison: TrialComparison) -> None:
        """Count one more comparison."""
        before, now = comparison.before.course, comparison.now.course
        self.trials += 1
        self.decided_count += comparison.agrees_now is not None
        self.different += bool(comparison.differences)
        self.agreed_before += comparison.agreed_then is True
        self.agreed_now += comparison.agrees_now is True
        self.regressions += comparison.is_regression
        self.improvements += comparison.is_improvement
        self.newly_alone += comparison.is_newly_alone
        self.courses_before[before] += 1
        self.courses_now[now] += 1
        self.lookups += comparison.lookups
        self.trials_by_kind[comparison.now.kind] += 1
        if not comparison.is_known:
            self.unknown_by_kind[comparison.now.kind] += 1
        if before is not now:
            self.moves[now] += 1

    def to_plain(self) -> dict[str, Any]:
        """Convert to JSON types."""
        courses = {course.name.lower(): self.courses_now[course] for course in Course}
        earlier = {course.name.lower(): self.courses_before[course] for course in Course}
        return {
            "trials": self.trials,
            "decided": self.decided_count,
            "different": self.different,
            "agreed_before": self.agreed_before,
            "agreed_now": self.agreed_now,
            "regressions": self.regressions,
            "improvements": self.improvements,
            "newly_alone": self.newly_alone,
            "lookups": self.lookups,
            "not_known": dict(self.unknown_by_kind),
            "courses_before": earlier,
            "courses_now": courses,
        }

    def sentences(self) -> list[str]:
        """Say the figures in words, the most important first."""
        lines = [f"{self.different} of {self.trials} would differ."]
        for course in Course:
            if self.moves[course]:
                lines.append(f"{self.moves[course]} of {self.trials} {MOVES[course]}.")
        if self.decided_count:
            lines.append(
                f"People decided on {self.decided_count}: the desk agreed on {self.agreed_before}, "
                f"and would agree on {self.agreed_now}."
            )
        lines.append(f"Worse: {self.regressions}. Better: {self.improvements}.")
        return lines

    def unknown_sentences(self, title_of: Callable[[str], str]) -> list[str]:
        """Say of how many trials of each kind nothing is known."""
        return [
            f"{title_of(kind)}: not known for {count} of {self.trials_by_kind[kind]}, because it"
            " asks systems what nobody had asked then, or otherwise."
            for kind, count in sorted(self.unknown_by_kind.items())
        ]


#: What is said of trials that would take this course, and took another one.
MOVES = {
    Course.ALONE: "would now run alone",
    Course.ASK: "would now go to people",
    Course.REFUSED: "would now be refused by policy",
    Course.NO_PLAN: "would now need a person to find a plan",
}

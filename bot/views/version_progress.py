"""The progress of a version of a playbook, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.canonical import Scalar
from bot.cases.case import Case, LastDecision
from bot.cases.version_record import (
    KindVersions,
    VersionComparison,
    VersionPhase,
    WaitingVersion,
)
from bot.cases.version_rule import VersionRule

#: Cases that the details of a card list, and that the card itself names.
MAX_LINES = 8
MAX_EXAMPLES = 2
MAX_CASES = 500
#: What stands before a difference; what a plan does needs no name.
_NAMES = {"plan": "", "course": "", "kind": "", "approvers": "approvers: ", "risk": "risk: "}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionProgress:
    """The cases that a version was compared on, and judged."""

    kind: str
    version: WaitingVersion
    rule: VersionRule
    #: All on which it was held against the version in force.
    compared_cases: tuple[Case, ...] = ()

    @property
    def differing(self) -> tuple[Case, ...]:
        """List the cases of which it did not say the same."""
        return tuple(case for case in self.compared_cases if _comparison(case).differs)

    @property
    def failures(self) -> tuple[Case, ...]:
        """List the cases that it could not judge."""
        return tuple(case for case in self.compared_cases if _comparison(case).failure)

    @property
    def on_trial(self) -> tuple[Case, ...]:
        """List the cases that it judged."""
        return tuple(case for case in self.compared_cases if _comparison(case).is_on_trial)

    @property
    def ended_cases(self) -> tuple[Case, ...]:
        """List the cases that it judged and that have ended."""
        return tuple(case for case in self.on_trial if case.is_terminal)

    @property
    def may_begin_trial(self) -> bool:
        """Tell whether it may judge some of the cases from now on."""
        is_in_shadow = self.version.phase is VersionPhase.SHADOW
        return is_in_shadow and self.rule.has_trial(self.kind) and self._has_seen_enough

    @property
    def is_ready(self) -> bool:
        """Tell whether people can be asked to let it be in force."""
        if not self._has_seen_enough:
            return False
        return not self.rule.has_trial(self.kind) or len(self.ended_cases) >= self.rule.trial

    @property
    def _has_seen_enough(self) -> bool:
        return len(self.compared_cases) >= self.rule.shadow and not self.failures

    @property
    def missing(self) -> str:
        """Say what is missing before people are asked; empty for nothing."""
        if self.failures:
            return f"it could not judge {_names(self.failures)}; correct the file"
        count = len(self.compared_cases)
        if count < self.rule.shadow:
            return f"it has been compared on {count:,} of {self.rule.shadow:,} cases"
        if not self.is_ready:
            return (
                f"{len(self.ended_cases):,} of {self.rule.trial:,} cases that it judged have ended"
            )
        return ""

    @property
    def missing_count(self) -> int:
        """Return how many cases at least are missing for the next step."""
        missing_in_shadow = self.rule.shadow - len(self.compared_cases)
        if missing_in_shadow > 0 or self.version.phase is VersionPhase.SHADOW:
            return max(missing_in_shadow, 0)
        return max(self.rule.trial - len(self.ended_cases), 0)

    @property
    def sentence(self) -> str:
        """Say how far it has come, in one line."""
        differing = f"{len(self.differing):,} judged otherwise"
        if self.failures:
            return f"in shadow: it could not judge {_names(self.failures)}; correct the file"
        if self.is_ready:
            return f"before the governance owners: {len(self.compared_cases):,} cases, {differing}"
        if self.version.phase is VersionPhase.TRIAL:
            return (
                f"on trial: {len(self.ended_cases):,} of {self.rule.trial:,} cases have ended,"
                f" {differing}"
            )
        return f"in shadow: {len(self.compared_cases):,} of {self.rule.shadow:,} cases, {differing}"

    @property
    def compared_text(self) -> str:
        """Say on how many cases both versions were held against each other."""
        alike = len(self.compared_cases) - len(self.differing)
        return f"{_count(self.compared_cases)}: {alike:,} alike, {len(self.differing):,} otherwise"

    @property
    def trial_text(self) -> str:
        """Say what people decided on the cases that it judged."""
        if not self.on_trial:
            return "no case, by the rule of policy"
        decisions: dict[str, int] = {}
        for case in self.on_trial:
            words = decision_words(case)
            decisions[words] = decisions.get(words, 0) + 1
        parts = [f"{count:,} {words}" for words, count in decisions.items()]
        return f"{_count(self.on_trial)}: {', '.join(parts)}"

    @property
    def lines(self) -> list[str]:
        """Say what it said otherwise, a case a line, the latest first."""
        return [_line(case) for case in reversed(self.differing)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    """The report of a version for the governance owners."""

    progress: VersionProgress
    #: The parts of the playbook that differ.
    changes: tuple[str, ...]
    kind_title: str

    @property
    def missing(self) -> str:
        """Say what is missing for it to be in force."""
        return self.progress.missing

    @property
    def watch(self) -> timedelta:
        """Return how long a bad outcome brings the version before back."""
        return self.progress.rule.watch

    @property
    def _summary(self) -> str:
        """Say in how many cases it said something else."""
        total, count = len(self.progress.compared_cases), len(self.progress.differing)
        if not count:
            return f"Judged alike in all {total:,} cases"
        return f"Judged otherwise in {count:,} of {total:,} cases"

    def row(self) -> dict[str, Scalar]:
        """Return it as a look-up answers."""
        progress = self.progress
        lines = progress.lines
        return {
            "changes": ", ".join(self.changes),
            "compared": progress.compared_text,
            "on_trial": progress.trial_text,
            "examples": ", ".join(lines[:MAX_EXAMPLES]) or "no other plan",
            "return": f"the version before is back at once, for {self.watch.days} days",
            "is_ready": progress.is_ready,
            "missing": progress.missing,
            "summary": self._summary,
            "outcomes": f"The new version judged {progress.trial_text}",
            **{f"case_{number}": line for number, line in enumerate(lines[:MAX_LINES], start=1)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """The version of a kind in force, and how another one does."""

    kind: str
    kind_title: str
    versions: KindVersions
    #: None where nothing is tried.
    progress: VersionProgress | None = None
    #: The version of the files of this process.
    file_version: str = ""

    @property
    def is_file_in_force(self) -> bool:
        """Tell whether the file judges the cases of its kind."""
        return self.file_version in {"", self.versions.in_force.checksum}

    @property
    def sentence(self) -> str:
        """Say why the file is not in force; empty where it is."""
        title = f"“{self.kind_title}”"
        if self.progress is not None:
            return f"The new version of {title} is {self.progress.sentence}"
        if self.is_file_in_force:
            return ""
        if self.file_version in self.versions.past_candidates:
            case = f" ({self.versions.ended_on})" if self.versions.ended_on else ""
            return (
                f"The new version of {title} is not in force: {self.versions.end_reason}{case};"
                " edit the file to try another one"
            )
        return f"The new version of {title} is not in force: it is tried from the next start on"

    @property
    def is_problem(self) -> bool:
        """Tell whether somebody must do something before anything goes on."""
        if self.progress is not None:
            return bool(self.progress.failures)
        return not self.is_file_in_force


def decision_words(case: Case) -> str:
    """Say what became of the plan of a case."""
    decisions = case.activity.plan_decisions
    bad = next((one.bad_outcome for one in decisions if one.bad_outcome), None)
    if bad is not None:
        return str(bad)
    if not decisions:
        return "ended without a decision" if case.is_terminal else "not decided yet"
    last = decisions[-1]
    if last.decision is LastDecision.APPROVED and not last.parameters_agree:
        return "edited and approved"
    return last.decision.value.replace("_", " ")


def _line(case: Case) -> str:
    comparison = _comparison(case)
    if comparison.failure:
        return f"{case.id}: the new version could not judge it ({comparison.failure})"
    parts = [
        f"{_NAMES.get(one.name, '')}{one.in_force} → {_second(one.in_force, one.candidate)}"
        for one in comparison.differences
    ]
    version = "new" if comparison.is_on_trial else "old"
    return f"{case.id} {'; '.join(parts)} ({version} one {decision_words(case)})"


def _second(first: str, second: str) -> str:
    """Leave out the name that both values have: "quantity 6 → 12"."""
    name, _, _ = first.rpartition(" ")
    is_one_value = name and "," not in first and second.rpartition(" ")[0] == name
    return second.removeprefix(f"{name} ") if is_one_value else second


def _comparison(case: Case) -> VersionComparison:
    """Return the comparison of a case that has one."""
    comparison = case.assessment.comparison
    if comparison is None:
        raise ValueError(f"{case.id} was not compared")
    return comparison


def _names(cases: Sequence[Case]) -> str:
    return ", ".join(str(case.id) for case in cases[:3])


def _count(cases: Sequence[Case]) -> str:
    return f"{len(cases):,} case{'' if len(cases) == 1 else 's'}"

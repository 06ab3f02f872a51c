"""Compare two versions of a playbook on a live case.

Both look at the case as it was, over the same answers of systems, by the desk's own triage. Nothing
is carried out, and whatever fails is written down as a disagreement.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.cases.case import Case
from bot.cases.decide import record_entry
from bot.cases.entries import VersionCompared
from bot.cases.errors import MoveNotAllowed
from bot.cases.evaluation import (
    Expectation,
    Trial,
    TrialComparison,
    judgement_of,
    trials_of,
)
from bot.cases.plan import Action, Plan
from bot.cases.playbook import Playbook
from bot.cases.version_record import VersionComparison, VersionDifference
from bot.desk.answered_systems import AnsweredSystems, common_lookups
from bot.desk.effects import change
from bot.desk.proposal import Proposals
from bot.desk.triage import Triage
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage
from bot.views.content_lines import value_text

log = logging.getLogger(__name__)

MAX_TEXT = 300
#: Whatever a version that nobody has approved may raise; none of it is the case's.
FAILURES = (Exception,)


@dataclass(frozen=True)
class LibraryWithVersion:
    """The library, with one playbook in another version."""

    library: Library
    version: Playbook

    def playbook(self, kind: str) -> Playbook:
        """Return the playbook of a kind, or the version."""
        playbook = self.library.playbook(kind)
        return self.version if playbook.kind == self.version.kind else playbook

    def __getattr__(self, name: str) -> Any:
        # All else is the library's.
        return getattr(self.library, name)


@dataclass(frozen=True, kw_only=True)
class VersionComparisons:
    """Compares the versions of a playbook on live cases."""

    triage: Triage
    #: Looks whether a version has come further by this comparison.
    advance: Callable[[str], object]
    clock: Clock

    def run(self, message: LeasedMessage) -> None:
        """Compare both versions on a case, and write what differs."""
        triage, now = self.triage, self.clock()
        entries = triage.cases.entries(message.case_id)
        trials = trials_of(entries)
        playbooks = (
            triage.proposals.versions.of_kind(trials[-1].after.kind, now) if trials else None
        )
        if playbooks is None or playbooks.candidate is None:
            triage.outbox.finish(message)
            return
        comparison = self.compare(trials[-1], playbooks.in_force, playbooks.candidate, now=now)
        case = triage.cases.case(message.case_id)
        try:
            decision = record_entry(case, VersionCompared(comparison), now)
        except MoveNotAllowed:
            # It is looked at anew, and compared again after that.
            triage.outbox.finish(message)
            return
        playbook = triage.library.playbook(case.kind)
        triage.cases.commit(change(case, decision, playbook), finish=message)
        self.advance(playbook.kind)

    def compare(
        self, trial: Trial, in_force: Playbook, candidate: Playbook, *, now: datetime
    ) -> VersionComparison:
        """Say what differs between the two versions on one case."""
        comparison = VersionComparison(
            version=candidate.version,
            at=now,
            on_revision=trial.after.proposal.revision,
            is_on_trial=trial.after.assessment.playbook_version == candidate.version,
        )
        judge = candidate if comparison.is_on_trial else in_force
        try:
            before = self._look_at(trial, in_force, judge)
            after = self._look_at(trial, candidate, judge)
        except FAILURES as failure:
            log.info("%s: a version that is tried could not judge it", trial.case_id, exc_info=True)
            return replace(comparison, failure=_shorten(str(failure) or type(failure).__name__))
        return replace(comparison, differences=self._differences(trial, before, after))

    def _look_at(self, trial: Trial, playbook: Playbook, judge: Playbook) -> Case:
        """Look at the case of a trial by this version.

        ``judge`` judged it then, and has asked for what it needs.
        """
        live, library = self.triage, LibraryWithVersion(self.triage.library, playbook)
        systems = AnsweredSystems(
            systems=live.systems,
            evidence=trial.evidence,
            lookups=common_lookups(judge, playbook),
            actions=trial.actions,
        )
        proposals = Proposals(
            cases=live.cases,
            desk_controls=live.proposals.desk_controls,
            library=library,
            systems=systems,
            mode=live.proposals.mode,
            is_by_files=True,
        )
        triage = replace(live, library=library, systems=systems, proposals=proposals, planner=None)
        before = _without_trial(trial.before)
        return triage.look_at(before, trial.at).case

    def _differences(
        self, trial: Trial, before: Case, after: Case
    ) -> tuple[VersionDifference, ...]:
        """List in the words of people what differs."""
        comparison = TrialComparison(
            case_id=trial.case_id,
            trial=trial.number,
            at=trial.at,
            title="",
            before=judgement_of(before),
            now=judgement_of(after),
            expected=Expectation(),
        )
        differences = []
        for one in comparison.differences:
            old, new = one.before, one.now
            if one.name == "plan":
                old, new = self._plan_words(before.proposal.plan, after.proposal.plan)
            differences.append(VersionDifference(one.name, _shorten(old), _shorten(new)))
        return tuple(differences)

    def _plan_words(self, before: Plan | None, after: Plan | None) -> tuple[str, str]:
        """Say how two plans differ."""
        if before and after and len(before.actions) == len(after.actions):
            pairs = list(zip(before.actions, after.actions, strict=True))
            if all(old.name == new.name for old, new in pairs):
                values = [value for old, new in pairs for value in self._values(old, new)]
                if values:
                    olds, news = zip(*values, strict=True)
                    return ", ".join(olds), ", ".join(news)
        return _summary(before), _summary(after)

    def _values(self, old: Action, new: Action) -> Iterator[tuple[str, str]]:
        labels = self.triage.library.labels()
        for name in old.parameters:
            one, other = old.parameters[name], new.parameters.get(name)
            if one != other:
                title = labels.parameter(old.name, name).lower()
                yield f"{title} {value_text(one)}", f"{title} {value_text(other)}"


def _summary(plan: Plan | None) -> str:
    """Say what a plan does; "no plan" for none."""
    return "; ".join(action.summary for action in plan.actions) if plan else "no plan"


def _without_trial(case: Case) -> Case:
    """Return the case as any version finds it."""
    assessment = replace(case.assessment, is_on_trial=False, comparison=None)
    return replace(case, assessment=assessment)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"

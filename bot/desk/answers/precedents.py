"""Answers about how cases like one were handled before."""

from collections import Counter
from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.desk.answers.asker import Asker
from bot.desk.answers.case_file import CaseFile, CaseFiles, Statement
from bot.desk.answers.decisions import describe_last_decision
from bot.desk.case_texts import as_sentence, count_noun
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.memory import Memory

#: A person or policy decided these; those that went away by themselves teach nothing.
DECIDED_STATES = (State.RESOLVED, State.REJECTED)
MAX_SEARCHED = 50
MAX_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class CasePrecedents:
    """Find decided cases of the same kind that the asker may see."""

    queries: CaseQueries
    memory: Memory
    files: CaseFiles

    def describe(self, file: CaseFile) -> Statement:
        """Say how the likest case was handled, and how often each way."""
        title = file.labels.kind(file.case.kind)
        decided_cases = self._find_decided(file)
        if not decided_cases:
            text = f"I find no decided case of the kind “{title}” before {file.id}."
            return Statement(text=text)
        cases = self._likest_first(file, decided_cases)[:MAX_SHOWN]
        facts = [self._describe(case, file.asker) for case in cases]
        counts = _describe_counts(decided_cases)
        text = f"Last time: {facts[0]}"
        return Statement(
            text=text,
            facts=(*facts[1:], counts),
            cases=tuple(cases),
        )

    def _find_decided(self, file: CaseFile) -> list[Case]:
        """Return the latest decided cases of the kind, the latest first."""
        filter = CaseFilter(
            viewer=file.asker.viewer,
            kind=file.case.kind,
            states=DECIDED_STATES,
            is_over=True,
        )
        cases = self.queries.find(filter, MAX_SEARCHED)
        return [case for case in cases if case.id != file.id]

    def _likest_first(self, file: CaseFile, cases: list[Case]) -> list[Case]:
        """Put the same subject first, then a like meaning; else the latest."""
        words = f"{file.case.signal.title}\n{file.case.assessment.what}"
        related_ids = self.memory.find_related(words, file.asker.viewer.channels, file.now)

        def distance(case: Case) -> int:
            if case.signal.fingerprint == file.case.signal.fingerprint:
                return 0
            if case.id in related_ids:
                return 1 + related_ids.index(case.id)
            return 1 + len(related_ids)

        # Sorting is stable: among equals the latest stays first.
        return sorted(cases, key=distance)

    def _describe(self, case: Case, asker: Asker) -> str:
        statement = describe_last_decision(self.files.open(case, asker))
        # Who else approved and when it began is told of the case itself.
        outcome = statement.facts[-1:] if case.state is State.RESOLVED else ()
        sentences = [as_sentence(case.signal.title), statement.text, *outcome]
        return " ".join(sentences)


def _describe_counts(cases: list[Case]) -> str:
    if len(cases) == 1:
        return "That is the only decided case of this kind that you may see."
    counts = Counter(_way(case) for case in cases)
    parts = [f"{count} {way}" for way, count in counts.most_common()]
    return f"Of the last {count_noun(len(cases), 'decided case')} of this kind: {', '.join(parts)}."


def _way(case: Case) -> str:
    if case.state is State.REJECTED:
        return "rejected"
    if case.was_auto_approved:
        return "run by policy"
    return "approved" if case.proposal.approvals and case.execution.steps else "handled by hand"

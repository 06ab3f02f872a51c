"""Answers about one case, and about one point of several cases."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.desk.answers.approvers import Approvers
from bot.desk.answers.asker import Asker
from bot.desk.answers.case_file import CaseFile, CaseFiles, Statement
from bot.desk.answers.decisions import (
    decider_names,
    describe_changes,
    describe_drift,
    describe_ending,
    describe_escalation,
    describe_last_decision,
    describe_typed_decision,
    describe_verdict,
    explain_last_decision,
    find_decision,
)
from bot.desk.answers.plan_facts import (
    describe_confidence,
    describe_consequence,
    describe_evidence,
    describe_execution,
    describe_outcome,
    describe_plan,
    describe_recognition,
    describe_recommendation,
)
from bot.desk.answers.precedents import CasePrecedents
from bot.desk.answers.status import describe_status
from bot.desk.answers.times import (
    describe_due,
    describe_duration,
    describe_expiry,
    describe_opening,
    describe_snooze,
    describe_undo,
    describe_waiting_time,
)
from bot.desk.answers.trail import describe_trail
from bot.desk.answers.wording import case_count
from bot.desk.case_texts import describe_state, join_words
from bot.desk.eligibility import Eligibility
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.answers import MAX_ROWS, Answer
from bot.views.labels import mid_sentence, start_upper
from bot.views.query import About, Ask, LastDecision, Query
from bot.views.rows import CaseRow

#: So many cases are told one by one; further ones are only listed.
MAX_TOLD = MAX_ROWS
#: A case goes on after these.
NOT_FINAL = frozenset(
    {LastDecision.EDITED, LastDecision.HANDED_OVER, LastDecision.TAKEN_BACK},
)


@dataclass(frozen=True, kw_only=True)
class CaseFactsAnswers:
    """Answer from what is recorded of a case. Nothing is inferred."""

    files: CaseFiles
    approvers: Approvers
    precedents: CasePrecedents
    card_store: CardStore
    directory: Directory
    eligibility: Eligibility
    library: Library

    def answer(self, query: Query, case: Case, asker: Asker) -> Answer:
        """Answer a question about one case that the asker may see."""
        statement = self._state(query, self.files.open(case, asker))
        cases = [case, *statement.cases]
        return Answer(
            text=statement.text,
            facts=statement.facts,
            rows=self._rows(cases, asker),
            total=len(cases),
        )

    def summarise(
        self, query: Query, cases: Sequence[Case], asker: Asker, *, total: int = 0
    ) -> Answer:
        """Answer one point of several cases, with a line for each.

        ``total``: how many there are in all, where ``cases`` are the first of more.
        """
        total = max(total, len(cases))
        if total == 1:
            return self.answer(query, cases[0], asker)
        # A file reads a ledger: only what is said of all the cases needs all of them.
        is_about_all = query.ask is Ask.WHO
        files = [
            self.files.open(case, asker) for case in cases[: None if is_about_all else MAX_TOLD]
        ]
        lines = [_as_line(file, self._state(query, file)) for file in files[:MAX_TOLD]]
        return Answer(
            text=_head(query, cases, files, total=total),
            facts=tuple(lines),
            rows=self._rows(cases[:MAX_ROWS], asker),
            total=total,
        )

    def _rows(self, cases: Sequence[Case], asker: Asker) -> tuple[CaseRow, ...]:
        """Show the cases with what the asker may do about each."""
        labels = self.library.labels()
        rows = with_cards(self.card_store, self.directory, cases, labels=labels)
        return self.eligibility.mark(rows, asker.person)

    def _state(self, query: Query, file: CaseFile) -> Statement:
        """State the point of the case that is asked about."""
        about = query.about or _usual_point(query.ask)
        if query.ask is Ask.HOW_LONG:
            return _state_duration(query, file)
        if about is About.APPROVER and query.ask in {Ask.WHY, Ask.EXPLAIN_DECISION}:
            return self.approvers.explain(file)
        if about is About.DECISION:
            return _state_last_decision(query, file)
        statement = (
            _state_decision(about, file)
            or _state_time(about, file)
            or _state_plan(about, file)
            or self._state_people(about, file)
        )
        return statement or describe_status(file)

    def _state_people(self, about: About | None, file: CaseFile) -> Statement | None:
        match about:
            case About.APPROVER:
                return self.approvers.describe(file)
            case About.OWNER:
                return self.approvers.describe_owner(file)
            case About.PRECEDENTS:
                return self.precedents.describe(file)
            case About.TRAIL:
                return describe_trail(file)
            case _:
                return None


def _usual_point(ask: Ask) -> About | None:
    """Return what a question is about that does not say so."""
    match ask:
        case Ask.WHO | Ask.WHY | Ask.WHEN:
            return About.DECISION
        case Ask.EXPLAIN_DECISION:
            return About.VERDICT
        case Ask.WHO_MAY_APPROVE:
            return About.APPROVER
        case _:
            return None


def _state_duration(query: Query, file: CaseFile) -> Statement:
    if query.about in {About.DECISION, About.APPROVER}:
        return describe_waiting_time(file)
    if query.about in {About.UNDO, About.SNOOZE, About.DUE, About.EXPIRY}:
        return _state_time(query.about, file) or describe_opening(file)
    return describe_duration(file, query.measure)


def _state_last_decision(query: Query, file: CaseFile) -> Statement:
    """State the decision in force, or the last of the type meant."""
    if query.condition.decision in NOT_FINAL:
        return describe_typed_decision(file, query.condition.decision)
    if query.ask is Ask.WHY:
        return explain_last_decision(file)
    return describe_last_decision(file)


def _state_decision(about: About | None, file: CaseFile) -> Statement | None:
    match about:
        case About.VERDICT:
            return describe_verdict(file)
        case About.ENDING:
            return describe_ending(file)
        case About.ESCALATION:
            return describe_escalation(file)
        case About.DRIFT:
            return describe_drift(file)
        case About.CHANGES:
            return describe_changes(file)
        case _:
            return None


def _state_time(about: About | None, file: CaseFile) -> Statement | None:
    match about:
        case About.OPENING:
            return describe_opening(file)
        case About.DUE:
            return describe_due(file)
        case About.EXPIRY:
            return describe_expiry(file)
        case About.UNDO:
            return describe_undo(file)
        case About.SNOOZE:
            return describe_snooze(file)
        case _:
            return None


def _state_plan(about: About | None, file: CaseFile) -> Statement | None:
    match about:
        case About.EVIDENCE:
            return describe_evidence(file)
        case About.PLAN:
            return describe_plan(file)
        case About.CONSEQUENCE:
            return describe_consequence(file)
        case About.RECOMMENDATION:
            return describe_recommendation(file)
        case About.CONFIDENCE:
            return describe_confidence(file)
        case About.RECOGNITION:
            return describe_recognition(file)
        case About.EXECUTION:
            return describe_execution(file)
        case About.OUTCOME:
            return describe_outcome(file)
        case _:
            return None


def _as_line(file: CaseFile, statement: Statement) -> str:
    """Say it in one line that names the case."""
    if file.id in statement.text:
        return statement.text
    return f"{file.id}: {statement.text}"


def _head(query: Query, cases: Sequence[Case], files: Sequence[CaseFile], *, total: int) -> str:
    """Name the people of several cases, or count the cases."""
    count = start_upper(case_count(total))
    part = f"Of the first {len(files):,} of {total:,} cases: " if len(files) < total else ""
    if query.ask is Ask.WHO and query.about in {None, About.DECISION}:
        names = _count_deciders(files, query.condition.decision)
        if names:
            return f"{part}{join_words(names)}."
    if query.ask is Ask.WHO and query.about is About.OWNER:
        owners = dict.fromkeys(file.names.owner(file.case.owner) for file in files)
        return f"{part}{join_words(list(owners))}."
    if query.ask is Ask.WHY and query.about in {None, About.DECISION}:
        reasons = _count_reasons(cases)
        if reasons:
            return f"{part}{start_upper(join_words(reasons))}."
    states = dict.fromkeys(describe_state(case).partition(" ")[2] for case in cases)
    if query.ask is Ask.STATUS and len(states) == 1 and len(cases) == total:
        return f"{count}; each {next(iter(states))}."
    return f"{count}:"


def _count_reasons(cases: Sequence[Case]) -> list[str]:
    """List the reasons of rejections, the most frequent first.

    Each stands with its number of cases.
    """
    counts: Counter[str] = Counter()
    for case in cases:
        reason = case.activity.status_reason
        if case.state is State.REJECTED and reason:
            counts[mid_sentence(str(reason.reason))] += 1
    return [f"{reason} ({count})" for reason, count in counts.most_common()]


def _count_deciders(files: Sequence[CaseFile], type: LastDecision | None) -> list[str]:
    """Name whoever decided these cases, with how many each decided."""
    counts: dict[str, int] = {}
    for file in files:
        decision = find_decision(file.entries, type)
        names = decider_names(file, decision) if decision else ()
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    ranking = sorted(counts, key=lambda name: (-counts[name], name))
    return [f"{name} ({counts[name]})" for name in ranking]

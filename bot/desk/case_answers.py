"""Answers about cases, from queries and from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.cases.hours import ALWAYS
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.policy import Ruling, Verdict
from bot.desk.case_texts import describe_state
from bot.desk.history_texts import describe_decision
from bot.desk.queues import JUST_NOW, Queues
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.memory import Memory
from bot.views.answers import EXAMPLES, Answer, AnswerLine
from bot.views.labels import start_upper
from bot.views.questions import Durations, Intent, Question, StatusFilter
from bot.views.thread_orders import describe_orders

MAX_LINES = 10
MAX_EXAMPLES = 3
MAX_RELATED = 3
MAX_DECISIONS = 4
MAX_WORDS = 8
MIN_WORD_LENGTH = 4
RECENTLY = timedelta(days=7)
NONE_VISIBLE = "None that you may see."
SIMILAR = "None in these words. What was decided in cases that mean something like it:"
NOT_UNDERSTOOD = "I did not understand that."
ENDED_STATES = {
    StatusFilter.RESOLVED: (State.RESOLVED,),
    StatusFilter.REJECTED: (State.REJECTED,),
    StatusFilter.EXPIRED: (State.EXPIRED,),
    StatusFilter.CLEARED: (State.CLEARED,),
    StatusFilter.ENDED: tuple(sorted(TERMINAL)),
}


@dataclass(frozen=True, kw_only=True)
class CaseAnswers:
    """Answer a parsed question, or find the cases closest to a text."""

    cases: CaseStore
    queries: CaseQueries
    card_store: CardStore
    desk_controls: DeskControlsStore
    library: Library
    memory: Memory
    visibility: Visibility
    queues: Queues
    clock: Clock

    def answer(self, question: Question, viewer: Viewer) -> Answer:
        """Answer as this viewer may know it."""
        try:
            return self._dispatch(question, viewer)
        except NoSuchCase as failure:
            return Answer(reading=question.describe(), text=str(failure))

    def _dispatch(self, question: Question, viewer: Viewer) -> Answer:
        match question.intent:
            case Intent.LIST:
                return self._list(question, viewer)
            case Intent.COUNT:
                return self._count(question, viewer)
            case Intent.MINE:
                return self._list_waiting(question, viewer)
            case Intent.SHOW | Intent.WHY | Intent.WHY_ASKED:
                return self._explain_case(question, viewer)
            case Intent.HANDLED:
                return self._list_automatic(question, viewer)
            case Intent.PAUSED:
                return self._list_pauses(question)
            case Intent.HELP:
                text = "You can ask things like:"
                return Answer(reading=question.describe(), text=text, examples=EXAMPLES)
            case _:
                assert_never(question.intent)

    def _list(self, question: Question, viewer: Viewer) -> Answer:
        filter = self._filter(question, viewer)
        cases = self.queries.find(filter, MAX_LINES)
        count = self.queries.count(filter)
        reading = self._describe(question)
        # Only when no case has these words, their meaning is searched for.
        if count:
            return self.with_lines(
                Answer(reading=reading, text=f"{_case_count(count)}."), cases, count
            )
        similar: list[Case] = []
        if question.words:
            similar = self._similar(" ".join(question.words), viewer)
        text = SIMILAR if similar else NONE_VISIBLE
        return self.with_lines(Answer(reading=reading, text=text), similar, len(similar))

    def _count(self, question: Question, viewer: Viewer) -> Answer:
        filter = self._filter(question, viewer)
        durations = self.queries.durations(filter)
        text = f"{_case_count(durations.cases)}."
        max_lines = MAX_LINES
        if question.how_long:
            text += _describe_durations(durations)
            max_lines = MAX_EXAMPLES
        cases = self.queries.find(filter, max_lines)
        return self.with_lines(
            Answer(reading=self._describe(question), text=text), cases, durations.cases
        )

    def _list_waiting(self, question: Question, viewer: Viewer) -> Answer:
        cases, count = self.queues.waiting_on(viewer)
        text = "Nothing waits on you."
        if cases:
            verb = "waits" if count == 1 else "wait"
            text = f"{_case_count(count)} {verb} on you."
        return self.with_lines(
            Answer(reading=question.describe(), text=text), cases[:MAX_LINES], count
        )

    def _explain_case(self, question: Question, viewer: Viewer) -> Answer:
        case = self.visibility.find_case(question.case_id, viewer)
        if question.intent is Intent.SHOW:
            subject = case.assessment.what or case.signal.title
            text = f"{describe_state(case)}. {subject} {case.assessment.why}".strip()
        elif question.intent is Intent.WHY:
            text = self._describe_decisions(case)
        else:
            text = self._describe_ruling(case)
        return self.with_lines(Answer(reading=question.describe(), text=text), [case], 1)

    def _describe_decisions(self, case: Case) -> str:
        """Say what people and policy decided, as it was recorded."""
        text = " ".join(self.decisions(case)[-MAX_DECISIONS:])
        return text or f"{describe_state(case)}; nobody has decided anything yet."

    def decisions(self, case: Case) -> list[str]:
        """Return the recorded decisions of a case as sentences, the oldest first."""
        sentences = [describe_decision(entry, ALWAYS) for entry in self.cases.entries(case.id)]
        return [sentence for sentence in sentences if sentence]

    def _describe_ruling(self, case: Case) -> str:
        """Say why the case was put before a person, or was not."""
        verdict = case.proposal.verdict
        if verdict is None:
            reason = (
                case.activity.status_reason.reason
                if case.activity.status_reason
                else "no plan was found"
            )
            return f"There was nothing to do by itself: {reason}."
        if verdict.ruling is Ruling.AUTO_APPROVE:
            return f"It was done without asking: {verdict.reason}."
        if verdict.ruling is Ruling.REFUSE:
            return f"Policy does not allow it: {verdict.reason}."
        stage = self.library.playbook(case.kind).terms.stage
        return f"{_describe_requirement(verdict)}; and this kind is {stage}."

    def _list_automatic(self, question: Question, viewer: Viewer) -> Answer:
        span = question.span
        if span:
            end_span = (span.since, span.until)
            name = span.name
        else:
            now = self.clock()
            end_span = (now - RECENTLY, now + JUST_NOW)
            name = "in the last seven days"
        cases = self.queues.handled_automatically(viewer, end_span)
        text = f"Nothing was handled without anybody, {name}."
        if cases:
            text = f"{_case_count(len(cases))} without anybody, {name}."
        return self.with_lines(
            Answer(reading=question.describe(), text=text), cases[:MAX_LINES], len(cases)
        )

    def _list_pauses(self, question: Question) -> Answer:
        pauses = self.desk_controls.load().holds
        text = " ".join(f"{pause.description}." for pause in pauses)
        return Answer(reading=question.describe(), text=text or "Nothing is paused.")

    def find_closest(self, text: str, viewer: Viewer) -> Answer:
        """Answer an unclear question with the cases closest to its words."""
        words = sorted(
            _search_words(text),
            key=len,
            reverse=True,
        )
        cases = self.queries.closest(words[:MAX_WORDS], viewer, MAX_EXAMPLES)
        ids = {case.id for case in cases}
        cases += [case for case in self._similar(text, viewer) if case.id not in ids]
        reply = f"{NOT_UNDERSTOOD} The closest cases:" if cases else NOT_UNDERSTOOD
        return self.with_lines(Answer(text=reply, examples=EXAMPLES), cases, len(cases))

    def explain_thread(self) -> Answer:
        """Say what can be said in the thread of a case."""
        return Answer(text=f"{NOT_UNDERSTOOD} {describe_orders()}", examples=EXAMPLES)

    def _similar(self, text: str, viewer: Viewer) -> list[Case]:
        """Find decided cases of a similar meaning, by memory."""
        related_ids = self.memory.find_related(text, viewer.channels, self.clock())[:MAX_RELATED]
        # Memory may be behind: whether a case is visible is read from the store.
        cases = self.queries.by_id(related_ids)
        similar = []
        for case_id in related_ids:
            case = cases.get(case_id)
            if case is not None and case.channel in viewer.channels:
                similar.append(case)
        return similar

    def _filter(self, question: Question, viewer: Viewer) -> CaseFilter:
        span = (question.span.since, question.span.until) if question.span else None
        filter = CaseFilter(
            viewer=viewer,
            kind=question.kind,
            words=question.words,
        )
        if question.status in ENDED_STATES:
            states = ENDED_STATES[question.status]
            return replace(
                filter,
                states=states,
                ended_between=span,
                is_over=True,
            )
        is_any = question.status is StatusFilter.ANY or question.intent is Intent.COUNT
        filter = replace(
            filter,
            opened_between=span,
            is_any=is_any,
        )
        if question.status is StatusFilter.OPEN and question.intent is Intent.LIST:
            return replace(filter, is_any=False)
        if question.status is StatusFilter.SNOOZED:
            return replace(filter, states=(State.SNOOZED,))
        if question.status is StatusFilter.LATE:
            return replace(
                filter,
                late_at=self.clock(),
                is_any=False,
            )
        if question.status is StatusFilter.UNRECOGNISED:
            known_kinds = tuple(kind for kind, _ in self.library.titles())
            return replace(filter, is_unrecognised=True, known_kinds=known_kinds)
        return filter

    def _describe(self, question: Question) -> str:
        title = self.library.playbook(question.kind).title if question.kind else ""
        return question.describe(title)

    def with_lines(
        self,
        answer: Answer,
        cases: Sequence[Case],
        count: int,
    ) -> Answer:
        """List these cases under the answer, with their cards.

        ``count``: how many there are in all.
        """
        cards = self.card_store.newest([case.id for case in cases])
        lines = []
        for case in cases:
            line = AnswerLine(
                case_id=case.id,
                title=case.signal.title,
                state=case.state,
                detail=_detail(case),
                channel=case.channel,
                ts=cards[case.id].ts if case.id in cards else "",
            )
            lines.append(line)
        return replace(
            answer,
            lines=tuple(lines),
            more=max(0, count - len(lines)),
        )


def _describe_requirement(verdict: Verdict) -> str:
    approvals = "approvals" if verdict.approvals_needed > 1 else "approval"
    return (
        f"Because {verdict.reason}: that is {verdict.tier.name.lower()} risk, "
        f"which policy lets nobody do without {verdict.approvals_needed} {approvals}"
    )


def _detail(case: Case) -> str:
    stake = f"{case.assessment.stake}, " if case.assessment.stake else ""
    if case.is_terminal:
        return (
            f"{stake}{case.activity.status_reason.reason}"
            if case.activity.status_reason
            else stake.rstrip(", ")
        )
    # A person as owner is not named in a list.
    owner = "" if "/" in case.owner else f"@{case.owner}, "
    return f"{stake}{owner}decide by {case.timers.sla.decide_by:%d %b %H:%M} UTC"


def _case_count(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"


def _describe_durations(durations: Durations) -> str:
    parts = []
    if durations.to_decision is not None:
        parts.append(f"half were decided within {describe_seconds(durations.to_decision)}")
    if durations.to_end is not None:
        parts.append(f"half had ended within {describe_seconds(durations.to_end)}")
    if not parts:
        return " None of them has been decided yet."
    return f" {start_upper(', '.join(parts))}."


def describe_seconds(seconds: float) -> str:
    """Say a span of time in its largest unit that fits twice."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            decimals = 0 if unit == "minutes" else 1
            return f"{seconds / size:.{decimals}f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} seconds"


def _search_words(text: str) -> list[str]:
    """Return the longer words of a text, each once."""
    words = {word.strip(".,;:!?\"'“”()") for word in text.casefold().split()}
    return sorted(word for word in words if len(word) >= MIN_WORD_LENGTH)

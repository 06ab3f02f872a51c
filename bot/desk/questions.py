"""People ask. Counts and names come from queries, "why" from what was recorded; nobody learns of a case they may not see."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases import entries as e
from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.cases.policy import Ruling
from bot.cases.question import EXAMPLES, Answer, Durations, Intent, Line, Question, StatusFilter
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.language import Assistant, QuestionParser
from bot.ports.library import Library
from bot.ports.memory import Memory
from bot.ports.outbox import LeasedMessage, Outbox
from bot.ports.question_log import PostedQuestion, QuestionLog

MOST_LINES, MOST_ALIKE = 10, 3
ANY_OPEN = CaseFilter()
NOBODY = ""
# What has ended this very moment has ended.
JUST_NOW = timedelta(seconds=1)
NONE_SEEN = "None that you may see."
NOT_THERE = "There is no such case, or none that you may see."
ENDED = {
    StatusFilter.RESOLVED: (State.RESOLVED,),
    StatusFilter.REJECTED: (State.REJECTED,),
    StatusFilter.EXPIRED: (State.EXPIRED,),
    StatusFilter.CLEARED: (State.CLEARED,),
    StatusFilter.ENDED: (State.RESOLVED, State.REJECTED, State.EXPIRED, State.CLEARED),
}


@dataclass(frozen=True)
class Questions:
    cases: CaseStore
    queries: CaseQueries
    card_store: CardStore
    question_log: QuestionLog
    desk_controls: DeskControlsStore
    outbox: Outbox
    library: Library
    directory: Directory
    grammar: QuestionParser
    chat: Chat
    clock: Clock
    memory: Memory
    talker: Assistant | None = None

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: answer where it was asked."""
        placed = PostedQuestion(**work.payload)
        growing = (
            self.chat.start_answer(placed) if self.talker and work.uncertain_attempts <= 1 else ""
        )

        def tell(step: str) -> None:
            if growing:
                self.chat.post_progress(placed, growing, step)

        answer = self.answer(
            placed.text, by=placed.person, case_id=placed.case_id, channel=placed.channel, tell=tell
        )
        if not placed.is_direct:
            answer = replace(answer, is_public=self._is_known_to_all(answer, placed))
        self.question_log.record_reading(placed.id, answer.understood)
        self.chat.answer(placed, answer, look_first=work.uncertain_attempts > 1, stream_ts=growing)
        self.outbox.finish(work)

    def answer(
        self,
        text: str,
        *,
        by: str,
        case_id: str = "",
        channel: str = "",
        tell: Callable[[str], None] = lambda step: None,
    ) -> Answer:
        """The answer to this person. ``case_id``: the case in whose thread it was asked; ``tell`` hears what a model looks at."""
        hours, sight = self.library.hours(channel), self.sight(by)
        question = self.grammar.understand(text, self.clock(), hours, case_id)
        if self.talker is not None and (question is None or question.intent is not Intent.HELP):
            told = self._told(text, sight, hours, case_id, tell)
            if told is not None:
                return told
        return self._understood(text, question, sight)

    def _understood(self, text: str, question: Question | None, sight: Viewer) -> Answer:
        return self._of(question, sight) if question else self._closest(text, sight)

    def _is_known_to_all(self, answer: Answer, placed: PostedQuestion) -> bool:
        """Whether everyone in the channel, asking the same, would be answered the same.

        Asked once more through the eyes of nobody in particular, who see the cases of this channel and are party to none: a number that
        counts anything else is another number then.
        """
        if answer.told or not answer.lines:
            return False
        question = self.grammar.understand(
            placed.text, self.clock(), self.library.hours(placed.channel), placed.case_id
        )
        everyone = Viewer(NOBODY, frozenset({placed.channel}))
        return self._understood(placed.text, question, everyone) == answer

    def asked(self, question: Question, *, by: str) -> Answer:
        """The answer to a question that needs no understanding."""
        return self._of(question, self.sight(by))

    def sight(self, by: str) -> Viewer:
        """What this person may see now."""
        return Viewer(
            by,
            frozenset(
                name for name in self.library.channels() if by in self.directory.members_of(name)
            ),
        )

    def visible(self, case_id: str, sight: Viewer) -> Case:
        """The case, if these eyes may see it; otherwise the same as for one that does not exist."""
        try:
            case = self.cases.case(case_id)
        except NoSuchCase:
            raise NoSuchCase(NOT_THERE) from None
        if case.channel not in sight.channels and not self.queries.is_party(sight.person, case_id):
            raise NoSuchCase(NOT_THERE)
        return case

    # --- each kind of question -----------------------------------------------------------------------------------------

    def _of(self, question: Question, sight: Viewer) -> Answer:
        kinds: dict[Intent, Callable[[Question, Viewer], Answer]] = {
            Intent.LIST: self._list,
            Intent.COUNT: self._count,
            Intent.MINE: self._mine,
            Intent.SHOW: self._show,
            Intent.WHY: self._why,
            Intent.WHY_ASKED: self._why_asked,
            Intent.HANDLED: self._handled,
            Intent.PAUSED: self._paused,
            Intent.HELP: lambda asked, eyes: Answer(
                asked.said(), "You can ask things like:", examples=EXAMPLES
            ),
        }
        try:
            return kinds[question.intent](question, sight)
        except NoSuchCase as nothing:
            return Answer(question.said(), str(nothing))

    def _list(self, question: Question, sight: Viewer) -> Answer:
        wanted = self._wanted(question, sight)
        found, many = self.queries.find(wanted, MOST_LINES), self.queries.count(wanted)
        if many or not question.words:
            text = f"{_cases(many)}." if many else NONE_SEEN
            return self._with_lines(Answer(self._said(question), text), found, many)
        alike = self._alike(" ".join(question.words), sight)
        text = (
            "None in these words. What was decided in cases that mean something like it:"
            if alike
            else NONE_SEEN
        )
        return self._with_lines(Answer(self._said(question), text), alike, len(alike))

    def _count(self, question: Question, sight: Viewer) -> Answer:
        wanted = self._wanted(question, sight)
        took = self.queries.durations(wanted)
        found = self.queries.find(wanted, 3 if question.how_long else MOST_LINES)
        text = (
            f"{_cases(took.cases)}.{_took(took)}" if question.how_long else f"{_cases(took.cases)}."
        )
        return self._with_lines(Answer(self._said(question), text), found, took.cases)

    def _mine(self, question: Question, sight: Viewer) -> Answer:
        found, many = self.waiting_on(sight)
        wait = "waits" if many == 1 else "wait"
        text = f"{_cases(many)} {wait} on you." if found else "Nothing waits on you."
        return self._with_lines(Answer(question.said(), text), found[:MOST_LINES], many)

    def waiting_on(
        self, sight: Viewer, among: CaseFilter = ANY_OPEN, *, limit: int = 40
    ) -> tuple[list[Case], int]:
        """What waits on this person: they may decide it and have not, or it is theirs; what matters most first, and how many in all."""
        groups = self.directory.groups(self.library.deciders())
        mine = [handle for handle, people in groups.items() if sight.person in people]
        given = self.desk_controls.load().delegations
        now = self.clock()
        for one in given:
            if one.taker == sight.person and one.begins_at <= now < one.ends_at:
                mine += [handle for handle, people in groups.items() if one.giver in people]
        wanted = replace(among, viewer=sight, waits_on=(sight.person, *sorted(set(mine))))
        found = self.queries.find(wanted, limit)
        identities = self.library.identities()
        open_ones = [case for case in found if not _has_voted(case, sight.person)]
        theirs = [
            case for case in open_ones if sight.person not in identities.accounts(case.authors)
        ]
        # Beyond what was looked at, the few that they raised or have voted on are counted too.
        more = self.queries.count(wanted) - len(found) if len(found) == limit else 0
        return theirs, len(theirs) + more

    def _show(self, question: Question, sight: Viewer) -> Answer:
        case = self.visible(question.case_id, sight)
        what = case.what or case.signal.title
        text = f"{case.id} is {case.state}. {what} {case.why}".strip()
        return self._with_lines(Answer(question.said(), text), [case], 1)

    def _why(self, question: Question, sight: Viewer) -> Answer:
        """What people and policy said, as it was recorded; nothing is made up."""
        case = self.visible(question.case_id, sight)
        said = [line for entry in self.cases.entries(case.id) if (line := _recorded(entry))]
        text = " ".join(said[-4:]) or f"{case.id} is {case.state}; nobody has decided anything yet."
        return self._with_lines(Answer(question.said(), text), [case], 1)

    def _why_asked(self, question: Question, sight: Viewer) -> Answer:
        case = self.visible(question.case_id, sight)
        verdict = case.verdict
        if verdict is None:
            why = case.ending.reason if case.ending else "no plan was found"
            text = f"There was nothing to do by itself: {why}."
        elif verdict.ruling is Ruling.ALONE:
            text = f"It was done without asking: {verdict.reason} ({verdict.rule})."
        elif verdict.ruling is Ruling.REFUSE:
            text = f"Policy does not allow it: {verdict.reason} ({verdict.rule})."
        else:
            stage = self.library.playbook(case.kind).terms.stage
            text = (
                f"Because {verdict.reason}: that is {verdict.tier.name.lower()} risk ({verdict.rule}), which policy lets "
                f"nobody do without {verdict.approvals_needed} approval{'s' if verdict.approvals_needed > 1 else ''}; "
                f"and this kind is {stage}."
            )
        return self._with_lines(Answer(question.said(), text), [case], 1)

    def _handled(self, question: Question, sight: Viewer) -> Answer:
        span = question.span
        since = (
            (span.since, span.until)
            if span
            else (self.clock() - timedelta(days=7), self.clock() + JUST_NOW)
        )
        found = self.handled_alone(sight, since)
        name = span.name if span else "in the last seven days"
        text = (
            f"{_cases(len(found))} without anybody, {name}."
            if found
            else f"Nothing was handled without anybody, {name}."
        )
        return self._with_lines(Answer(question.said(), text), found[:MOST_LINES], len(found))

    def handled_alone(
        self, sight: Viewer, ended: tuple[datetime, datetime], *, kind: str = ""
    ) -> list[Case]:
        """What policy let run, or what went away, without a person."""
        states = (State.RESOLVED, State.CLEARED)
        found = self.queries.find(
            CaseFilter(viewer=sight, states=states, ended_between=ended, is_over=True, kind=kind),
            60,
        )
        return [
            case
            for case in found
            if case.state is State.CLEARED
            or any(given.person.startswith("policy:") for given in case.approvals)
        ]

    def _paused(self, question: Question, sight: Viewer) -> Answer:
        pauses = self.desk_controls.load().holds
        lines = [f"{pause.said}." for pause in pauses]
        return Answer(question.said(), " ".join(lines) or "Nothing is paused.")

    # --- when nothing is understood, and with a model --------------------------------------------------------------------

    def _closest(self, text: str, sight: Viewer) -> Answer:
        words = sorted({word for word in _words(text) if len(word) > 3}, key=len, reverse=True)[:8]
        found = self.queries.closest(words, sight, 3)
        known = {case.id for case in found}
        found += [case for case in self._alike(text, sight) if case.id not in known]
        said = (
            "I did not understand that. The closest cases:"
            if found
            else "I did not understand that."
        )
        return self._with_lines(Answer("", said, examples=EXAMPLES), found, len(found))

    def _alike(self, text: str, sight: Viewer) -> list[Case]:
        """Decided cases that mean something like this, by memory; read afresh, and only those that these eyes may see."""
        related = self.memory.related(text, sight.channels, self.clock())[:MOST_ALIKE]
        cases = self.queries.by_id(related)
        return [
            cases[case_id]
            for case_id in related
            if case_id in cases and cases[case_id].channel in sight.channels
        ]

    def _told(
        self, text: str, sight: Viewer, hours: Hours, case_id: str, tell: Callable[[str], None]
    ) -> Answer | None:
        """A model's words over the same queries. The cases that it was shown are named below them, from our own record."""
        if self.talker is None:
            return None
        tools = RecordingTools(self, sight, hours)
        about = f"{text}\n(asked in the thread of {case_id})" if case_id else text
        told = self.talker.answer(about, tools, tell)
        if told is None:
            return None
        cases = list(self.queries.by_id(tools.seen[:MOST_LINES]).values())
        answer = Answer(
            "answered by the model from the cases below", "", told=told, model=self.talker.name
        )
        return self._with_lines(answer, cases, len(tools.seen))

    # --- inside ----------------------------------------------------------------------------------------------------------

    def _wanted(self, question: Question, sight: Viewer) -> CaseFilter:
        span = (question.span.since, question.span.until) if question.span else None
        wanted = CaseFilter(viewer=sight, kind=question.kind, words=question.words)
        if question.status in ENDED:
            return replace(wanted, states=ENDED[question.status], ended_between=span, is_over=True)
        wanted = replace(
            wanted,
            opened_between=span,
            is_any=question.status is StatusFilter.ANY or question.intent is Intent.COUNT,
        )
        if question.status is StatusFilter.OPEN and question.intent is Intent.LIST:
            return replace(wanted, is_any=False)
        if question.status is StatusFilter.SNOOZED:
            return replace(wanted, states=(State.SNOOZED,))
        if question.status is StatusFilter.LATE:
            return replace(wanted, late_at=self.clock(), is_any=False)
        return replace(wanted, is_unrecognised=question.status is StatusFilter.UNRECOGNISED)

    def _said(self, question: Question) -> str:
        return question.said(self.library.playbook(question.kind).title if question.kind else "")

    def _with_lines(self, answer: Answer, cases: Sequence[Case], many: int) -> Answer:
        cards = self.card_store.newest([case.id for case in cases])
        lines = tuple(
            Line(
                case.id,
                case.signal.title,
                case.state,
                _detail(case),
                case.channel,
                cards[case.id].ts if case.id in cards else "",
            )
            for case in cases
        )
        return replace(answer, lines=lines, more=max(0, many - len(lines)))


class RecordingTools:
    """The tools of a model: the same queries, through the asker's eyes. It keeps what was shown."""

    def __init__(self, questions: Questions, sight: Viewer, hours: Hours) -> None:
        self._questions = questions
        self._sight = sight
        self._hours = hours
        self.seen: list[str] = []

    def search(self, question: str) -> str:
        asked = self._questions.grammar.understand(question, self._questions.clock(), self._hours)
        if asked is None or asked.intent is Intent.HELP:
            return json.dumps({"not understood": question, "examples": EXAMPLES})
        answer = self._questions._of(asked, self._sight)
        self._keep(line.case_id for line in answer.lines)
        cases = [
            {"case": line.case_id, "title": line.title, "state": line.state, "detail": line.detail}
            for line in answer.lines
        ]
        return json.dumps(
            {
                "understood": answer.understood,
                "answer": answer.text,
                "cases": cases,
                "more": answer.more,
            }
        )

    def show(self, case_id: str) -> str:
        try:
            case = self._questions.visible(case_id.strip().upper(), self._sight)
        except NoSuchCase as nothing:
            return json.dumps({"error": str(nothing)})
        self._keep([case.id])
        facts = {
            fact.label: fact.value if fact.failure is None else f"failed: {fact.failure}"
            for fact in case.evidence
            if fact.label
        }
        said = [
            line for entry in self._questions.cases.entries(case.id) if (line := _recorded(entry))
        ]
        plan = [action.summary for action in case.plan.actions] if case.plan else []
        about = {
            "case": case.id,
            "title": case.signal.title,
            "state": case.state,
            "what": case.what,
            "why": case.why,
        }
        return json.dumps(
            {**about, "evidence": facts, "plan": plan, "owner": case.owner, "recorded": said[-8:]},
            default=str,
        )

    def _keep(self, ids: object) -> None:
        self.seen += [case_id for case_id in ids if case_id not in self.seen]  # type: ignore[attr-defined]


def _recorded(entry: e.Entry) -> str:
    """What somebody decided, from the ledger, as a sentence; empty for what nobody decided."""
    body, at = entry.body, f"{entry.at:%d %b %H:%M} UTC"
    if isinstance(body, e.Rejected):
        note = f" (“{body.note}”)" if body.note else ""
        return f"{body.by_name} rejected it on {at}: {body.reason.description.lower()}{note}."
    if isinstance(body, e.ApprovalGiven):
        behalf = f" for {body.approval.behalf_name}" if body.approval.behalf_of else ""
        return f"{body.approval.name} approved it{behalf} on {at}{f': “{body.approval.note}”' if body.approval.note else ''}."
    if isinstance(body, e.Authorised) and body.by and body.by[0].startswith("policy:"):
        return f"Policy let it run by itself on {at}."
    if isinstance(body, e.Edited):
        changes = ", ".join(
            f"{change.field} {change.before} → {change.after}" for change in body.changes
        )
        return f"{body.by_name} edited the plan on {at}: {changes}."
    if isinstance(body, e.Resolved):
        return (
            f"{body.by_name} handled it by hand on {at}: {body.note}."
            if body.by_name
            else f"It worked on {at}."
        )
    return _recorded_otherwise(body, at)


def _recorded_otherwise(body: e.Body, at: str) -> str:
    sentences: dict[type, Callable[..., str]] = {
        e.Referred: lambda b: f"It needed a person from {at}: {b.reason}.",
        e.Drifted: lambda b: f"It was asked again on {at}: {'; '.join(b.reasons)}.",
        e.RetriageAsked: lambda b: f"{b.by_name} asked on {at} to look again.",
        e.Expired: lambda b: f"Nobody decided in time; it was closed unexecuted on {at}.",
        e.Escalated: lambda b: f"Nobody had decided by {at}, so it went to {b.to}.",
        e.HandedOver: lambda b: f"{b.by_name} handed it over on {at}: {b.note}.",
        e.Snoozed: lambda b: f"{b.by_name} snoozed it on {at}: {b.reason}.",
        e.UndoApproved: lambda b: (
            f"{b.approval.name} said on {at} that it is taken back: {b.approval.note}."
        ),
        e.UndoAsked: lambda b: f"{b.by_name} took it back on {at}: {b.note}.",
        e.UndoLapsed: lambda b: f"It was not taken back on {at}: {b.reason}.",
        e.Stopped: lambda b: f"It was given up on {at}: {b.reason}.",
        e.Cleared: lambda b: f"The source said on {at} that it was over.",
        e.Reopened: lambda b: f"It was opened again on {at}: {b.reason}.",
    }
    tell = sentences.get(type(body))
    return tell(body) if tell else ""


def _has_voted(case: Case, person: str) -> bool:
    return any(person in {given.person, given.principal} for given in case.approvals)


def _detail(case: Case) -> str:
    stake = f"{case.stake}, " if case.stake else ""
    if case.is_terminal:
        return f"{stake}{case.ending.reason}" if case.ending else stake.rstrip(", ")
    owner = "" if "/" in case.owner else f"@{case.owner}, "
    return f"{stake}{owner}decide by {case.sla.decide_by:%d %b %H:%M} UTC"


def _cases(many: int) -> str:
    return "1 case" if many == 1 else f"{many:,} cases"


def _took(took: Durations) -> str:
    parts = []
    if took.decided is not None:
        parts.append(f"half were decided within {spoken(took.decided)}")
    if took.ended is not None:
        parts.append(f"half had ended within {spoken(took.ended)}")
    return f" {', '.join(parts).capitalize()}." if parts else " None of them has been decided yet."


def spoken(seconds: float) -> str:
    """A span as people say it."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{0 if unit == 'minutes' else 1}f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} seconds"


def _words(text: str) -> list[str]:
    return [word.strip(".,;:!?\"'“”()") for word in text.casefold().split()]

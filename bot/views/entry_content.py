"""What an entry of the ledger says, in words: a sentence, and the facts under it.

The trail in Slack, the command line and the file for an auditor show the same words. Nothing of an
entry that people could have seen or decided on is left out; hashes and keys are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from bot.cases import entries as bodies
from bot.cases.actor import Actor, ActorKind
from bot.cases.approval import Approval, ApprovalRequirement, people_of
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.entries import Body, Entry
from bot.cases.evidence import Evidence
from bot.cases.evolve import evolve
from bot.cases.passkey import Purpose
from bot.cases.plan import Action, Money, Plan
from bot.cases.policy import Ruling, Verdict
from bot.cases.recommendation import Recommendation
from bot.cases.signal import Signal
from bot.cases.sla import Sla
from bot.views.labels import Labels, as_words, start_upper

NO_LABELS = Labels()
#: An account that no entry names.
SOMEBODY = "a colleague"
RULINGS = {
    Ruling.AUTO_APPROVE: "may run alone",
    Ruling.ASK: "must be approved",
    Ruling.REFUSE: "refused",
}


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One thing that an entry says, under its label."""

    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


@dataclass(frozen=True, slots=True)
class EntryContent:
    """An entry in words."""

    #: A sentence without its full stop.
    sentence: str
    lines: tuple[ContentLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailItem:
    """One entry of a trail, with the case as this entry left it."""

    entry: Entry
    case: Case
    content: EntryContent
    #: The person or part of the program that wrote it.
    author: str


@dataclass(frozen=True, kw_only=True)
class EntryWords:
    """Puts entries of one case into words."""

    labels: Labels = NO_LABELS
    #: The names of people by account.
    names: Mapping[str, str] = field(default_factory=dict)

    def author(self, entry: Entry) -> str:
        """Name the author of an entry."""
        actor = entry.actor
        match actor.kind:
            case ActorKind.PERSON | ActorKind.GROUP:
                return self.account(actor.id)
            case ActorKind.SOURCE:
                return self.labels.system(actor.id)
            case ActorKind.OPERATOR:
                return f"{actor.id}, at the command line"
            case ActorKind.POLICY:
                return "policy"
            case ActorKind.DESK:
                return "Countersign"
            case _:
                assert_never(actor.kind)

    def account(self, text: str) -> str:
        """Name a person or group."""
        if people_of(text):
            return ", ".join(self._person(user_id) for user_id in people_of(text))
        actor = Actor.parse(text)
        if actor.kind is ActorKind.PERSON:
            return self.names.get(text, SOMEBODY)
        if actor.kind is ActorKind.GROUP:
            return f"@{text}"
        return as_words(actor.id)

    def _person(self, user_id: str) -> str:
        for account, name in self.names.items():
            if account.endswith(f"/{user_id}"):
                return name
        return SOMEBODY

    def content(self, entry: Entry, before: Case | None) -> EntryContent:
        """Put an entry into words. ``before`` is the case that it found."""
        content = self._content(entry.body, before)
        if not self.labels.channels:
            return content
        lines = [ContentLine(line.label, self._with_channels(line.text)) for line in content.lines]
        return EntryContent(self._with_channels(content.sentence), tuple(lines))

    def _with_channels(self, text: str) -> str:
        """Write channels by their names."""
        for channel, title in self.labels.channels.items():
            if channel in text:
                text = text.replace(channel, f"#{title}")
        return text

    def _content(self, body: Body, before: Case | None) -> EntryContent:
        if isinstance(body, bodies.Opened | bodies.SignalBody):
            return self._signal_entry(body)
        if isinstance(body, bodies.TriageBody):
            return self._triage_entry(body)
        if isinstance(body, bodies.VoteBody):
            return self._vote_entry(body)
        if isinstance(body, bodies.HandlingBody):
            return self._handling_entry(body)
        if isinstance(body, bodies.InquiryBody):
            return self._inquiry_entry(body)
        if isinstance(body, bodies.RequesterBody | bodies.TimerBody):
            return self._timer_entry(body)
        if isinstance(body, bodies.StepBody):
            return self._step_entry(body, before)
        if isinstance(body, bodies.UndoBody):
            return self._undo_entry(body)
        # An entry about the whole desk is in no case's trail.
        return EntryContent(start_upper(as_words(body.name.replace(".", " "))))

    # --- signals ----------------------------------------------------------------------------------

    def _signal_entry(self, body: bodies.Opened | bodies.SignalBody) -> EntryContent:
        match body:
            case bodies.Opened(signal=signal):
                lines = [*self._signal(signal), ContentLine("Owner", self.account(body.owner))]
                return EntryContent(f"Opened: {signal.title}", (*lines, *_deadlines(body.sla)))
            case bodies.Recurred(signal=signal):
                sentence = f"Reported again by {self.labels.system(signal.source)}: {signal.title}"
                return EntryContent(sentence, self._signal(signal))
            case bodies.Cleared(signal=signal):
                return EntryContent("The source said that it is over", self._all_clear(signal))
            case bodies.MarkedClear(signal=signal):
                sentence = "The source said that it is over, after the decision"
                return EntryContent(sentence, self._all_clear(signal))
            case bodies.Conflicted():
                source = self.labels.system(body.source)
                return EntryContent(f"{source} sent another text under the same key")
            case bodies.Reopened():
                return EntryContent(f"Opened again: {body.reason}")
            case _:
                assert_never(body)

    def _all_clear(self, signal: Signal) -> tuple[ContentLine, ...]:
        return (*_lines(Message=signal.title), *self._signal(signal))

    def _signal(self, signal: Signal) -> tuple[ContentLine, ...]:
        lines = [ContentLine("Source", self.labels.system(signal.source))]
        if signal.occurred_at:
            lines.append(ContentLine("Happened", moment(signal.occurred_at)))
        if signal.requester:
            lines.append(ContentLine("Raised by", self.account(signal.requester)))
        for name, value in signal.facts.items():
            lines.append(ContentLine(start_upper(as_words(name)), value_text(value)))
        return tuple(lines)

    # --- triage -----------------------------------------------------------------------------------

    def _triage_entry(self, body: bodies.TriageBody) -> EntryContent:
        match body:
            case bodies.Recognised():
                return self._recognition(body)
            case bodies.Named():
                lines = (ContentLine("Owner", self.account(body.owner)), *_deadlines(body.sla))
                return EntryContent(f"{body.by_name} said: {self.labels.kind(body.kind)}", lines)
            case bodies.Novel():
                return EntryContent(f"{body.by_name} said that it is something new")
            case bodies.Narrated(words=words):
                lines = _lines(What=words.what, Why=words.why, Suggestion=words.suggestion)
                return EntryContent("A language model put it into words", lines)
            case bodies.Gathered():
                return self._evidence(body)
            case bodies.Recommended():
                return self._recommended(body)
            case bodies.Referred():
                return self._referred(body)
            case bodies.Authorised():
                return self._authorised(body)
            case _:
                assert_never(body)

    def _recognition(self, body: bodies.Recognised) -> EntryContent:
        recognition = body.recognition
        lines = [ContentLine(one.title, f"{one.confidence} %") for one in recognition.guesses]
        lines += [ContentLine("Basis", recognition.basis), *_deadlines(body.sla)]
        lines.append(ContentLine("Owner", self.account(body.owner)))
        if body.is_urgent:
            lines.append(ContentLine("Urgent", "much is at stake, and no kind fits"))
        if recognition.abstains:
            return EntryContent("No known kind was recognised", tuple(lines))
        kind = self.labels.kind(recognition.kind)
        return EntryContent(f"Recognised as {kind}, {recognition.confidence} % sure", tuple(lines))

    def _evidence(self, body: bodies.Gathered) -> EntryContent:
        failures = sum(fact.failure is not None for fact in body.evidence)
        sentence = f"Looked up: {_count(len(body.evidence) - failures, 'fact')}"
        if failures:
            sentence += f", and {_count(failures, 'look-up')} failed"
        lines = [self._fact(fact) for fact in body.evidence]
        stake = str(body.stake) if body.stake else ""
        summary = {"What happened": body.what, "Why it matters": body.why, "At stake": stake}
        return EntryContent(sentence, (*_lines(**summary), *lines))

    def _fact(self, fact: Evidence) -> ContentLine:
        label = fact.label or start_upper(as_words(fact.name.replace(".", " ")))
        text = value_text(fact.value)
        if fact.failure is not None:
            text = f"could not be read: {fact.failure}"
        source = self.labels.system(fact.source)
        return ContentLine(label, f"{text} — {source}, read {moment(fact.read_at)}")

    def _recommended(self, body: bodies.Recommended) -> EntryContent:
        lines = [
            *self._plan(body.plan),
            *self._reasons(body.recommendation),
            *self._verdict(body.verdict),
            ContentLine("To approve until", moment(body.expires_at)),
            *_deadlines(body.sla),
        ]
        return EntryContent(f"Recommended: {_summaries(body.plan)}", tuple(lines))

    def _referred(self, body: bodies.Referred) -> EntryContent:
        lines = [*self._reasons(body.recommendation)]
        if body.plan:
            lines = [*self._plan(body.plan), *lines]
        if body.verdict:
            lines += self._verdict(body.verdict)
        return EntryContent(f"A person is needed: {body.reason}", tuple(lines))

    def _authorised(self, body: bodies.Authorised) -> EntryContent:
        lines = [
            *(self._plan(body.plan) if body.plan else ()),
            *(self._reasons(body.recommendation) if body.recommendation else ()),
            *(self._verdict(body.verdict) if body.verdict else ()),
        ]
        if body.plan:
            sentence = f"Policy lets it run alone: {_summaries(body.plan)}"
            return EntryContent(sentence, tuple(lines))
        people = ", ".join(self.account(person) for person in body.by)
        lines = [*_lines(**{"Approved by": people}), *lines]
        return EntryContent("The approvals are complete", tuple(lines))

    def _plan(self, plan: Plan) -> Iterator[ContentLine]:
        for number, action in enumerate(plan.actions, start=1):
            yield ContentLine(f"Step {number}", action.summary)
            yield from self._action(action)
        if len(plan.actions) > 1 and plan.amount:
            yield ContentLine("It moves", money_text(plan.amount))
        yield ContentLine("Proposed by", f"the {plan.proposer.value}")
        if plan.is_dry_run:
            yield ContentLine("Dry run", "nothing is changed")
        yield ContentLine("May begin until", moment(plan.not_after))

    def _action(self, action: Action) -> Iterator[ContentLine]:
        system = self.labels.system(action.system)
        yield ContentLine("Target", f"{_target(action.target)}, {system}")
        for name, value in action.parameters.items():
            label = start_upper(self.labels.parameter(action.name, name))
            yield ContentLine(label, value_text(value))
        yield ContentLine("It would", action.preview)
        if action.amount:
            yield ContentLine("It moves", money_text(action.amount))
        yield ContentLine("Undo", _undo_terms(action))
        if action.precondition:
            state = [f"{as_words(name)} {value_text(one)}" for name, one in _sorted(action)]
            yield ContentLine("Only while", ", ".join(state))

    def _reasons(self, recommendation: Recommendation) -> Iterator[ContentLine]:
        confidence = "" if recommendation.confidence is None else f"{recommendation.confidence} %"
        yield from _lines(
            Reason=recommendation.reason,
            Blocked=recommendation.blocked,
            Basis=recommendation.basis,
            Confidence=confidence,
            Promise=recommendation.promise,
            Precedents=recommendation.precedents,
            Memory=recommendation.memory,
        )
        for one in recommendation.alternatives:
            yield ContentLine(f"Not “{self.labels.action(one.action)}”", one.why_not)
        for cited in recommendation.citations:
            title = f"{cited.case_id or 'imported'}: {cited.title}"
            yield ContentLine("Like case", f"{title} ({cited.ended}, {moment(cited.at)})")

    def _verdict(self, verdict: Verdict) -> Iterator[ContentLine]:
        rule = as_words(verdict.rule.replace(".", " "))
        risk = f"{verdict.tier.name.lower()} risk"
        text = f"{RULINGS[verdict.ruling]}, {risk}: {verdict.reason} (rule: {rule})"
        yield ContentLine("Policy", text)
        if verdict.factors:
            yield ContentLine("Needs", self._approvers(verdict.factors))
        if verdict.step_up:
            yield ContentLine("Signature", "each approval needs a passkey")

    def _approvers(self, factors: Iterable[ApprovalRequirement]) -> str:
        return " and ".join(f"{one.count} of {self.account(one.group)}" for one in factors)

    # --- people -----------------------------------------------------------------------------------

    def _vote_entry(self, body: bodies.VoteBody) -> EntryContent:
        match body:
            case bodies.StepUpAsked():
                aim = "take it back" if body.purpose is Purpose.UNDO else "approve"
                lines = _lines(Note=body.note, Until=moment(body.until))
                return EntryContent(f"{body.by_name} wants to {aim}, and has yet to sign", lines)
            case bodies.ApprovalGiven(approval=approval):
                return EntryContent(f"{_voter(approval)} approved", _vote(approval))
            case bodies.Withdrawn():
                return EntryContent(f"{self.account(body.person)} withdrew their approval")
            case _:
                assert_never(body)

    def _handling_entry(self, body: bodies.HandlingBody) -> EntryContent:
        match body:
            case bodies.Rejected():
                sentence = f"{body.by_name} rejected it: {body.reason.description.lower()}"
                return EntryContent(sentence, _lines(Note=body.note))
            case bodies.Edited():
                return self._edit(body)
            case bodies.HandedOver():
                sentence = f"{body.by_name} handed it over to {self.account(body.to)}"
                return EntryContent(sentence, _lines(Note=body.note))
            case bodies.Claimed():
                return EntryContent(f"{body.by_name} took it on")
            case bodies.Snoozed():
                sentence = f"{body.by_name} let it rest until {moment(body.until)}"
                return EntryContent(sentence, _lines(Reason=body.reason))
            case bodies.WokenEarly():
                return EntryContent(f"{body.by_name} ended the snooze")
            case bodies.RetriageAsked():
                return EntryContent(f"{body.by_name} asked to look again")
            case bodies.Resolved():
                return _resolution(body)
            case bodies.AttemptRefused():
                attempt = as_words(body.attempt)
                lines = (ContentLine("Reason", body.reason),)
                return EntryContent(f"An attempt to {attempt} was refused", lines)
            case _:
                assert_never(body)

    def _edit(self, body: bodies.Edited) -> EntryContent:
        action = body.plan.actions[0].name if body.plan.actions else ""
        changes = [
            f"{self.labels.parameter(action, one.field)} {one.before} → {one.after}"
            for one in body.changes
        ]
        lines = (
            *self._plan(body.plan),
            *self._verdict(body.verdict),
            ContentLine("To approve until", moment(body.expires_at)),
        )
        return EntryContent(f"{body.by_name} edited the plan: {', '.join(changes)}", lines)

    def _inquiry_entry(self, body: bodies.InquiryBody) -> EntryContent:
        match body:
            case bodies.InquiryOpened():
                lines = _lines(
                    Question=body.question,
                    Choices=", ".join(body.options),
                    About=as_words(body.fact.replace(".", " ")),
                )
                return EntryContent(f"{body.by_name} asked {body.to_name}", lines)
            case bodies.InquiryAnswered():
                lines = (ContentLine("Answer", value_text(body.value)),)
                return EntryContent(f"{body.by_name} answered", lines)
            case _:
                assert_never(body)

    def _timer_entry(self, body: bodies.RequesterBody | bodies.TimerBody) -> EntryContent:
        match body:
            case bodies.Nudged():
                return EntryContent(f"{body.by_name} asked again for a decision")
            case bodies.Retracted():
                return EntryContent(f"{body.by_name} took the case back; nothing was done")
            case bodies.Woken():
                return EntryContent("The snooze was over")
            case bodies.Escalated():
                lines = (ContentLine("To decide until", moment(body.expires_at)),)
                sentence = f"Nobody decided in time; it went to {self.account(body.to)}"
                return EntryContent(sentence, lines)
            case bodies.Reminded():
                return EntryContent(f"{self.account(body.to)} was reminded")
            case bodies.Expired():
                return EntryContent("Nobody decided in time; it was closed, and nothing was done")
            case _:
                assert_never(body)

    # --- execution --------------------------------------------------------------------------------

    def _step_entry(self, body: bodies.StepBody, before: Case | None) -> EntryContent:
        match body:
            case bodies.StepStarted(step=step):
                return EntryContent(f"Step {step + 1} began: {_step_summary(before, step)}")
            case bodies.StepReported(step=step, state=state):
                return EntryContent(f"Step {step + 1}: {state}", _lines(Report=body.detail))
            case bodies.Drifted():
                lines = tuple(ContentLine("Reason", reason) for reason in body.reasons)
                return EntryContent("Stopped, and asked again", lines)
            case bodies.Stopped():
                return EntryContent(f"Given up: {body.reason}")
            case bodies.Parked(step=step):
                sentence = f"The outcome of step {step + 1} is not known: {body.reason}"
                return EntryContent(sentence)
            case bodies.Settled(step=step):
                outcome = "happened" if body.landed else "did not happen"
                sentence = f"{body.by_name} looked: step {step + 1} {outcome}"
                return EntryContent(sentence, _lines(Note=body.note))
            case _:
                assert_never(body)

    def _undo_entry(self, body: bodies.UndoBody) -> EntryContent:
        match body:
            case bodies.UndoApproved(approval=approval):
                return EntryContent(f"{_voter(approval)} wants it taken back", _vote(approval))
            case bodies.UndoAsked():
                people = ", ".join(self.account(person) for person in body.by) or body.by_name
                lines = _lines(**{"Decided by": people, "Note": body.note})
                return EntryContent("It is being taken back", lines)
            case bodies.UndoLapsed():
                return EntryContent(f"It was not taken back: {body.reason}")
            case _:
                assert_never(body)


def trail(entries: Iterable[Entry], labels: Labels = NO_LABELS) -> Iterator[TrailItem]:
    """Put the entries of one case into words, each with the case after it.

    Raises:
        LedgerBroken: an entry does not follow the one before.
    """
    entries = list(entries)
    words = EntryWords(labels=labels, names=names_in(entries))
    case: Case | None = None
    for entry in entries:
        before = case
        case = evolve(before, entry)
        content = words.content(entry, before)
        yield TrailItem(entry=entry, case=case, content=content, author=words.author(entry))


def names_in(entries: Iterable[Entry]) -> dict[str, str]:
    """Find the names of people by account, as the entries say them."""
    names: dict[str, str] = {}
    for entry in entries:
        body = entry.body
        approval: Any = getattr(body, "approval", None)
        if isinstance(approval, Approval):
            names[approval.person] = approval.name
            names |= {approval.behalf_of: approval.behalf_name} if approval.behalf_of else {}
        name = getattr(body, "by_name", "")
        if name and entry.actor.is_person:
            names.setdefault(entry.actor.id, name)
        if isinstance(body, bodies.InquiryOpened):
            names.setdefault(body.to, body.to_name)
    return names


# --- values ---------------------------------------------------------------------------------------


def moment(at: datetime) -> str:
    """Write a time in UTC: "21 Nov 2026 12:00 UTC"."""
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def value_text(value: Scalar) -> str:
    """Write a value as people read it."""
    match value:
        case None:
            return "none"
        case True:
            return "yes"
        case False:
            return "no"
        case float():
            return f"{value:,.2f}".removesuffix(".00")
        case _:
            return str(value)


def money_text(money: Money) -> str:
    """Write an amount with its sign before the currency."""
    return f"−{Money(-money.amount, money.currency)}" if money.amount < 0 else str(money)


def _lines(**texts: str) -> tuple[ContentLine, ...]:
    """Make a line of each text that is not empty."""
    return tuple(ContentLine(label, text) for label, text in texts.items() if text)


def _deadlines(sla: Sla | None) -> tuple[ContentLine, ...]:
    if sla is None:
        return ()
    return (
        ContentLine("Decide by", moment(sla.decide_by)),
        ContentLine("Resolve by", moment(sla.resolve_by)),
    )


def _resolution(body: bodies.Resolved) -> EntryContent:
    if body.resolution is bodies.Resolution.BY_HAND:
        return EntryContent(f"{body.by_name} handled it by hand", _lines(Note=body.note))
    until = moment(body.undo_until) if body.undo_until else ""
    lines = _lines(**{"Note": body.note, "May be taken back until": until})
    return EntryContent("It worked", lines)


def _voter(approval: Approval) -> str:
    behalf = f" for {approval.behalf_name}" if approval.behalf_of else ""
    emergency = ", alone in an emergency," if approval.emergency else ""
    return f"{approval.name}{behalf}{emergency}"


def _vote(approval: Approval) -> tuple[ContentLine, ...]:
    signature = "signed with their passkey" if approval.assertion else ""
    return _lines(Note=approval.note, Signature=signature)


def _summaries(plan: Plan) -> str:
    return "; ".join(action.summary for action in plan.actions)


def _step_summary(case: Case | None, step: int) -> str:
    plan = case.proposal.plan if case else None
    # The plan may be another one by now.
    if plan is None or not 0 <= step < len(plan.actions):
        return "a step of an earlier plan"
    return plan.actions[step].summary


def _target(target: str) -> str:
    kind, _, name = target.partition(":")
    return f"{as_words(kind)} {name}" if name else target


def _undo_terms(action: Action) -> str:
    if not action.reversible:
        return "it cannot be undone"
    minutes = action.undo_for // timedelta(minutes=1)
    return f"it can be taken back for {minutes} minutes" if minutes else "it can be undone"


def _sorted(action: Action) -> list[tuple[str, Scalar]]:
    return sorted(action.precondition.items())


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

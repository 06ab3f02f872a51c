"""Entries of the ledger in words, with all that they say.

The trail in Slack, the command line and the file for an auditor show the same words. Nothing of an
entry that people could have seen or decided on is left out; hashes and keys are.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from bot.cases import entries as bodies
from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.desk_kinds import is_standing_rule_kind
from bot.cases.entries import Body, Entry
from bot.cases.evidence import Evidence
from bot.cases.evolve import evolve
from bot.cases.grant import giving_case
from bot.cases.limits import describe_window
from bot.cases.passkey import Purpose
from bot.cases.program import Program, program_of_source
from bot.cases.program_request import ProgramRequest, request_of
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.standing_rule_playbook import DRAFT_FACT
from bot.cases.version_record import VersionComparison, short_version
from bot.views.content_lines import (
    ContentLine,
    content_lines,
    deadline_lines,
    moment,
    value_text,
)
from bot.views.entry_names import EntryNames, names_in
from bot.views.labels import Labels, as_words, start_upper
from bot.views.plan_content import PlanContent, plan_summary
from bot.views.practice_words import practice_words

NO_LABELS = Labels()


@dataclass(frozen=True, slots=True)
class EntryContent:
    """An entry in words."""

    #: A sentence without its full stop.
    sentence: str
    lines: tuple[ContentLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailItem:
    """One entry of a trail, and the case after it."""

    entry: Entry
    case: Case
    content: EntryContent
    #: The person or part of the program that wrote it.
    author: str


@dataclass(frozen=True, kw_only=True)
class EntryWords:
    """Puts entries of one case into words."""

    labels: Labels = NO_LABELS
    names: EntryNames = field(default_factory=EntryNames)

    @property
    def plans(self) -> PlanContent:
        """Return what writes the lines of plans."""
        return PlanContent(labels=self.labels, names=self.names)

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
            return self._undo_entry(body, before)
        if isinstance(body, bodies.HindsightBody | bodies.OutcomeBody | bodies.ProbeBody):
            return _hindsight(body)
        # An entry about the whole desk is in no case's trail.
        return EntryContent(start_upper(as_words(body.name.replace(".", " "))))

    # --- signals ----------------------------------------------------------------------------------

    def _signal_entry(self, body: bodies.Opened | bodies.SignalBody) -> EntryContent:
        match body:
            case bodies.Opened(signal=signal):
                owner = ContentLine("Owner", self.names.account(body.owner))
                if body.probe:
                    # Whoever is to decide it may read this.
                    signal = replace(signal, source=body.probe.source)
                lines = (*self._signal(signal), owner, *deadline_lines(body.sla))
                return EntryContent(f"Opened: {signal.title}", lines)
            case bodies.Recurred(signal=signal):
                sentence = f"Reported again by {self.labels.system(signal.source)}: {signal.title}"
                return EntryContent(sentence, self._signal(signal))
            case bodies.Cleared(signal=signal):
                return EntryContent(
                    "The source said that it is over", self._signal(signal, signal.title)
                )
            case bodies.MarkedClear(signal=signal):
                sentence = "The source said that it is over, after the decision"
                return EntryContent(sentence, self._signal(signal, signal.title))
            case bodies.Conflicted():
                source = self.labels.system(body.source)
                return EntryContent(f"{source} sent another text under the same key")
            case bodies.Reopened():
                return EntryContent(f"Opened again: {body.reason}")
            case _:
                assert_never(body)

    def _signal(self, signal: Signal, message: str = "") -> tuple[ContentLine, ...]:
        lines = [*content_lines(Message=message)]
        lines.append(ContentLine("Source", self.labels.system(signal.source)))
        if signal.occurred_at:
            lines.append(ContentLine("Happened", moment(signal.occurred_at)))
        if signal.requester:
            lines.append(ContentLine("Raised by", self.names.account(signal.requester)))
        for account in signal.principals:
            lines.append(ContentLine("On behalf of", self.names.account(account)))
        request = request_of(signal)
        if request is not None:
            return (*lines, *self._request(request, signal))
        for name, value in signal.facts.items():
            if name == DRAFT_FACT and is_standing_rule_kind(signal.kind):
                # The plan and the evidence say in words what the draft says in code.
                continue
            lines.append(ContentLine(start_upper(as_words(name)), value_text(value)))
        return tuple(lines)

    def _request(self, request: ProgramRequest, signal: Signal) -> Iterator[ContentLine]:
        """Say what a program asks for.

        Its evidence stands in an entry of its own.
        """
        program = program_of_source(signal.source)
        action = Program(name=program, title=program).plan_action(request.action)
        yield ContentLine("Asks for", self.labels.action(action))
        for name, value in request.arguments.items():
            label = start_upper(self.labels.parameter(action, name))
            yield ContentLine(label, value_text(value))
        if request.amount is not None:
            yield ContentLine("Amount", str(request.amount))
        if not request.reversible:
            yield ContentLine("Undo", "it says that this cannot be undone")
        for group in request.approvers:
            yield ContentLine("Wants approved by", self.names.account(group))
        if request.expires_for is not None:
            span = describe_window(request.expires_for).removeprefix("in ")
            yield ContentLine("Waits for", span)
        if request.expires_at is not None:
            yield ContentLine("Waits until", moment(request.expires_at))

    # --- triage -----------------------------------------------------------------------------------

    def _triage_entry(self, body: bodies.TriageBody) -> EntryContent:
        match body:
            case bodies.Recognised():
                return self._recognition(body)
            case bodies.Named():
                lines = (
                    ContentLine("Owner", self.names.account(body.owner)),
                    *deadline_lines(body.sla),
                )
                return EntryContent(self._naming(body), lines)
            case bodies.Novel():
                return EntryContent(f"{body.by_name} said that it is something new")
            case bodies.Narrated(words=words):
                lines = content_lines(What=words.what, Why=words.why, Suggestion=words.suggestion)
                return EntryContent("A language model put it into words", lines)
            case bodies.Gathered():
                return self._evidence(body)
            case bodies.VersionCompared(comparison=comparison):
                return _comparison(comparison)
            case bodies.Recommended():
                return self._recommendation_entry(body)
            case bodies.Referred():
                return self._referral_entry(body)
            case bodies.Authorised():
                return self._authorisation_entry(body)
            case _:
                assert_never(body)

    def _naming(self, body: bodies.Named) -> str:
        if body.kind == UNRECOGNISED:
            return f"{body.by_name} said that it is something new"
        return f"{body.by_name} said: {self.labels.kind(body.kind)}"

    def _recognition(self, body: bodies.Recognised) -> EntryContent:
        recognition = body.recognition
        lines = [ContentLine(one.title, f"{one.confidence} %") for one in recognition.guesses]
        lines += [ContentLine("Basis", recognition.basis), *deadline_lines(body.sla)]
        lines.append(ContentLine("Owner", self.names.account(body.owner)))
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
        stake = str(body.stake) if body.stake else ""
        summary = {"What happened": body.what, "Why it matters": body.why, "At stake": stake}
        lines = (
            *content_lines(**summary),
            *self._fact_lines(body.evidence),
            *content_lines(Playbook=_version_text(body)),
        )
        return EntryContent(sentence, lines)

    def _fact_lines(self, evidence: Iterable[Evidence]) -> Iterator[ContentLine]:
        """Write facts below their source and the time of reading."""
        origin = ""
        for fact in evidence:
            source = f"{self.labels.system(fact.source)}, {moment(fact.read_at)}"
            if source != origin:
                yield ContentLine("Read from", source)
                origin = source
            text = value_text(fact.value)
            if fact.failure is not None:
                text = f"could not be read: {fact.failure}"
            name = fact.label or as_words(fact.name.replace(".", " "))
            yield ContentLine(start_upper(name), text)

    def _recommendation_entry(self, body: bodies.Recommended) -> EntryContent:
        lines = [
            *self.plans.plan_lines(body.plan),
            *self.plans.reason_lines(body.recommendation),
            *self.plans.verdict_lines(body.verdict),
            ContentLine("To approve until", moment(body.expires_at)),
            *deadline_lines(body.sla),
        ]
        return EntryContent(f"Recommended: {plan_summary(body.plan)}", tuple(lines))

    def _referral_entry(self, body: bodies.Referred) -> EntryContent:
        lines = [*self.plans.reason_lines(body.recommendation)]
        if body.plan:
            lines = [*self.plans.plan_lines(body.plan), *lines]
        if body.verdict:
            lines += self.plans.verdict_lines(body.verdict)
        return EntryContent(f"A person is needed: {body.reason}", tuple(lines))

    def _authorisation_entry(self, body: bodies.Authorised) -> EntryContent:
        lines: list[ContentLine] = []
        sentence = "The approvals are complete"
        if body.plan:
            sentence = f"Policy lets it run alone: {plan_summary(body.plan)}"
            lines += self.plans.plan_lines(body.plan)
        else:
            people = ", ".join(self.names.account(person) for person in body.by)
            lines += content_lines(**{"Approved by": people})
        if body.recommendation:
            lines += self.plans.reason_lines(body.recommendation)
        if body.verdict:
            lines += self.plans.verdict_lines(body.verdict)
        return EntryContent(sentence, tuple(lines))

    # --- people -----------------------------------------------------------------------------------

    def _vote_entry(self, body: bodies.VoteBody) -> EntryContent:
        match body:
            case bodies.StepUpAsked():
                aim = "take it back" if body.purpose is Purpose.UNDO else "approve"
                lines = content_lines(Note=body.note, Until=moment(body.until))
                return EntryContent(f"{body.by_name} wants to {aim}, and has yet to sign", lines)
            case bodies.ApprovalGiven(approval=approval):
                return EntryContent(f"{_voter(approval)} approved", _vote(approval))
            case bodies.Withdrawn():
                return EntryContent(f"{self.names.account(body.person)} withdrew their approval")
            case _:
                assert_never(body)

    def _handling_entry(self, body: bodies.HandlingBody) -> EntryContent:
        match body:
            case bodies.Rejected():
                sentence = f"{body.by_name} rejected it: {body.reason.description.lower()}"
                return EntryContent(sentence, content_lines(Note=body.note))
            case bodies.Edited():
                return self._edit(body)
            case bodies.HandedOver():
                sentence = f"{body.by_name} handed it over to {self.names.account(body.to)}"
                return EntryContent(sentence, content_lines(Note=body.note))
            case bodies.Claimed():
                return EntryContent(f"{body.by_name} took it on")
            case bodies.Snoozed():
                sentence = f"{body.by_name} let it rest until {moment(body.until)}"
                return EntryContent(sentence, content_lines(Reason=body.reason))
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
            *self.plans.plan_lines(body.plan),
            *self.plans.verdict_lines(body.verdict),
            ContentLine("To approve until", moment(body.expires_at)),
        )
        return EntryContent(f"{body.by_name} edited the plan: {', '.join(changes)}", lines)

    def _inquiry_entry(self, body: bodies.InquiryBody) -> EntryContent:
        match body:
            case bodies.InquiryOpened():
                lines = content_lines(
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
                sentence = f"Nobody decided in time; it went to {self.names.account(body.to)}"
                return EntryContent(sentence, lines)
            case bodies.Reminded():
                return EntryContent(f"{self.names.account(body.to)} was reminded")
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
                earlier = before.earlier_step(step) if before else None
                name = earlier.action.summary if earlier else f"Step {step + 1}"
                return EntryContent(f"{name}: {state}", content_lines(Report=body.detail))
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
                return EntryContent(sentence, content_lines(Note=body.note))
            case _:
                assert_never(body)

    def _undo_entry(self, body: bodies.UndoBody, before: Case | None) -> EntryContent:
        match body:
            case bodies.UndoApproved(approval=approval):
                return EntryContent(f"{_voter(approval)} wants it taken back", _vote(approval))
            case bodies.UndoAsked():
                people = ", ".join(self.names.account(person) for person in body.by) or body.by_name
                lines = content_lines(
                    **{
                        "Decided by": people,
                        "Note": body.note,
                        "Done by earlier plans": _earlier_summaries(before, body.earlier_keys),
                    }
                )
                return EntryContent("It is being taken back", lines)
            case bodies.UndoLapsed():
                return EntryContent(f"It was not taken back: {body.reason}")
            case _:
                assert_never(body)


def trail(entries: Iterable[Entry], labels: Labels = NO_LABELS) -> Iterator[TrailItem]:
    """Put the entries of one case into words.

    Raises:
        LedgerBroken: an entry does not follow the one before.
    """
    entries = list(entries)
    names = EntryNames(labels=labels, people=names_in(entries))
    words = EntryWords(labels=labels, names=names)
    case: Case | None = None
    for entry in entries:
        before = case
        case = evolve(before, entry)
        content = words.content(entry, before)
        yield TrailItem(entry=entry, case=case, content=content, author=names.author(entry))


# --- values ---------------------------------------------------------------------------------------


def _version_text(body: bodies.Gathered) -> str:
    """Name the version of the playbook that judges the case."""
    if not body.playbook_version:
        return ""
    text = f"version {short_version(body.playbook_version)}"
    return f"{text}, which is on trial" if body.is_on_trial else text


def _comparison(comparison: VersionComparison) -> EntryContent:
    """Say how a version that is tried judges the case."""
    subject = f"Version {short_version(comparison.version)}, which is tried"
    if comparison.failure:
        return EntryContent(
            f"{subject}, could not judge the case", content_lines(Reason=comparison.failure)
        )
    if not comparison.differences:
        return EntryContent(f"{subject}, says the same as the one in force")
    lines = [
        ContentLine(start_upper(one.name), f"{one.in_force} → {one.candidate}")
        for one in comparison.differences
    ]
    return EntryContent(f"{subject}, judges the case otherwise", tuple(lines))


def _resolution(body: bodies.Resolved) -> EntryContent:
    if body.resolution is bodies.Resolution.BY_HAND:
        return EntryContent(f"{body.by_name} handled it by hand", content_lines(Note=body.note))
    until = moment(body.undo_until) if body.undo_until else ""
    lines = content_lines(**{"Note": body.note, "May be taken back until": until})
    return EntryContent("It worked", lines)


def _hindsight(body: bodies.HindsightBody | bodies.OutcomeBody | bodies.ProbeBody) -> EntryContent:
    match body:
        case bodies.PracticeObserved():
            return EntryContent(practice_words(body), _detail(body))
        case bodies.ReviewGiven():
            sentence = f"{body.by_name} reviewed it: {body.verdict.value}"
            return EntryContent(sentence, content_lines(Note=body.note))
        case bodies.MistakeReported():
            sentence = f"{body.by_name} reported a mistake"
            return EntryContent(sentence, content_lines(Report=body.text))
        case bodies.ProbeAnswered():
            return EntryContent(f"It was a practice case, {body.answer.value}; nothing was done")
        case _:
            assert_never(body)


def _detail(body: bodies.PracticeObserved) -> tuple[ContentLine, ...]:
    return content_lines(Detail=body.detail)


def _voter(approval: Approval) -> str:
    behalf = f" for {approval.behalf_name}" if approval.behalf_of else ""
    emergency = ", alone in an emergency," if approval.emergency else ""
    advance = f", in advance with {giving_case(approval.grant)}," if approval.grant else ""
    return f"{approval.name}{behalf}{emergency}{advance}"


def _vote(approval: Approval) -> tuple[ContentLine, ...]:
    signature = "signed with their passkey" if approval.assertion else ""
    return content_lines(Note=approval.note, Signature=signature)


def _step_summary(case: Case | None, step: int) -> str:
    plan = case.proposal.plan if case else None
    # The plan may be another one by now.
    if plan is None or not 0 <= step < len(plan.actions):
        return "a step of an earlier plan"
    return plan.actions[step].summary


def _earlier_summaries(case: Case | None, keys: Collection[str]) -> str:
    """List the steps of earlier plans that have these keys."""
    steps = case.execution.earlier_steps if case else ()
    return "; ".join(step.action.summary for step in steps if step.key in keys)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

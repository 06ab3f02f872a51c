"""Notes in the thread of a card: a sentence an entry."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, assert_never

from bot.cases import entries as entries
from bot.cases.actor import is_person
from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.entries import Body, Entry
from bot.cases.grant import giving_case
from bot.cases.lifecycle import State
from bot.cases.passkey import Purpose
from bot.cases.plan import Plan
from bot.cases.recommendation import Citation
from bot.cases.review import ReviewVerdict
from bot.cases.signal import UNRECOGNISED
from bot.views.labels import Labels, as_words, start_upper
from bot.views.plan_words import reason_words, step_labels
from bot.views.rows import CaseRow
from bot.views.thread_notes import ThreadNote
from handlers.cards.card_buttons import button_row
from handlers.cards.case_words import case_wording
from handlers.cards.hindsight import describe_practice
from handlers.cards.inquiry_message import describe_answer, file_links
from handlers.cards.plan_section import STEP_LABELS, describe_step_facts
from handlers.cards.question import ask
from handlers.cards.rows import Permalink, row_buttons
from handlers.cards.text import (
    Json,
    clean,
    date_run,
    escape_mrkdwn,
    paragraph,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, as_sentence, is_row_count

# Apart from the blocks of cards: a press here is no press on a copy of the card.
BLOCK_NAME = "note"
MAX_DETAIL = 600
NO_LABELS = Labels()

# The entries that have sentences of their own, in groups that fit on a screen.
ApprovalEntry = (
    entries.StepUpAsked
    | entries.ApprovalGiven
    | entries.Withdrawn
    | entries.Authorised
    | entries.Rejected
    | entries.Edited
)
HandlingEntry = (
    entries.HandedOver
    | entries.Claimed
    | entries.Snoozed
    | entries.WokenEarly
    | entries.Nudged
    | entries.Retracted
)
HindsightEntry = entries.PracticeObserved | entries.ReviewGiven
DeadlineEntry = entries.Reminded | entries.Escalated | entries.Expired
ExecutionEntry = (
    entries.StepReported
    | entries.Drifted
    | entries.Stopped
    | entries.Parked
    | entries.Settled
    | entries.Resolved
)
UndoEntry = (
    entries.UndoApproved
    | entries.UndoAsked
    | entries.UndoLapsed
    | entries.Reopened
    | entries.MistakeReported
)
SignalEntry = (
    entries.Named
    | entries.Novel
    | entries.RetriageAsked
    | entries.InquiryOpened
    | entries.InquiryAnswered
    | entries.Cleared
    | entries.MarkedClear
    | entries.AttemptRefused
)


class NoteLine(NamedTuple):
    """A sentence about an entry: a head in bold, and the detail."""

    head: str
    detail: str = ""
    #: A date at the end of the detail.
    date: datetime | None = None

    def __str__(self) -> str:
        date = f"{self.date:%d %b %H:%M} UTC" if self.date else ""
        return " ".join(part for part in (self.head, self.detail, date) if part)


def note_blocks(note: ThreadNote, permalink: Permalink, mention: Json | None = None) -> list[Json]:
    """Build a note, with buttons where somebody is asked to decide.

    ``mention`` is the run that notifies a person or group.
    """
    paragraphs = []
    for entry in note.entries:
        line = _clean_line(describe_entry(entry.body, note.case, note.labels))
        paragraphs.append(paragraph(*_runs(line), text_run(", "), _time_run(entry.at)))
    paragraphs += file_links(note.case, note.entries)
    if mention:
        paragraphs.append(paragraph(mention))
    if not note.has_buttons:
        return [rich_text(*paragraphs)]
    # Nobody approves what they have not read here.
    question = paragraph(text_run(_question(note)))
    row = CaseRow(case=note.case, channel=note.channel, ts=note.thread_ts)
    buttons = button_row(BLOCK_NAME, note.case, row_buttons(row, permalink))
    return [rich_text(*paragraphs, question), *buttons]


def note_text(note: ThreadNote) -> str:
    """Write the notification line of a note."""
    lines = []
    for entry in note.entries:
        line = _clean_line(describe_entry(entry.body, note.case, note.labels))
        lines.append(as_sentence(str(line)))
    return escape_mrkdwn(" ".join(lines), 300)


def trail_lines(
    case: Case, trail_entries: Sequence[Entry], labels: Labels = NO_LABELS
) -> list[str]:
    """Write the history of a case: every entry, refused attempts included."""
    lines = []
    for entry in trail_entries:
        line = str(describe_entry(entry.body, case, labels))
        lines.append(f"{entry.at:%d %b %H:%M:%S}  {clean(line, 160)}")
    return lines


def _clean_line(line: NoteLine) -> NoteLine:
    head = clean(line.head, 200)
    detail = clean(line.detail, 700)
    return NoteLine(head, detail, line.date)


def _runs(line: NoteLine) -> list[Json]:
    """Build a sentence without its full stop: the time follows."""
    if line.date:
        detail = text_run(f"{_prefix(' ', line.detail)} ")
        return [text_run(line.head, bold=True), detail, date_run(line.date)]
    if line.detail:
        detail = text_run(f" {line.detail.removesuffix('.')}")
        return [text_run(line.head, bold=True), detail]
    return [text_run(line.head.removesuffix("."), bold=True)]


def _time_run(at: datetime) -> Json:
    """Build a time of day, in the reader's time zone."""
    return {**date_run(at), "format": "{time}", "fallback": f"{at:%H:%M} UTC"}


def _question(note: ThreadNote) -> str:
    """Write what a yes here approves, or what the case is about."""
    case = note.case
    wording = case_wording(case, note.labels)
    if case.state is State.PROPOSED and case.proposal.plan:
        return str(ask(case.proposal.plan, wording))
    return wording.prose(case.signal.title, 200)


def precedent_items(case: Case, links: Mapping[str, str], labels: Labels) -> list[list[Json]]:
    """Build one item for each precedent, linked to its card."""
    recommendation = case.proposal.recommendation
    items = []
    for citation in recommendation.citations if recommendation else ():
        url = links.get(citation.case_id, "")
        items.append(_precedent(citation, url, labels))
    return items


def _precedent(citation: Citation, url: str, labels: Labels) -> list[Json]:
    case_id = citation.case_id or "imported"
    name = text_run(case_id, bold=True)
    if url:
        name = {"type": "link", "url": url, "text": case_id}
    history = f"  {citation.title} — {_describe_ending(citation, labels)}"
    return [name, text_run(clean(history, 400))]


def _describe_ending(citation: Citation, labels: Labels) -> str:
    action = labels.action(citation.action) if citation.action else "no action"
    ending = f"{action}, {citation.ended}"
    if citation.by:
        ending += f" by {', '.join(citation.by)}"
    ending += f" on {citation.at:%d %b %Y}"
    if citation.reason:
        ending += f": {citation.reason}"
    if citation.is_stale:
        ending += " (older than a year)"
    if citation.is_flagged:
        ending += " (its text gives orders: not counted)"
    return ending


def describe_entry(body: Body, case: Case, labels: Labels = NO_LABELS) -> NoteLine:
    """Describe an entry in a sentence, or by its name."""
    if isinstance(body, ApprovalEntry):
        return _describe_approval_entry(body, case, labels)
    if isinstance(body, HandlingEntry):
        return _describe_handling(body)
    if isinstance(body, HindsightEntry):
        return _describe_hindsight(body)
    if isinstance(body, DeadlineEntry):
        return _describe_deadline(body, case)
    if isinstance(body, ExecutionEntry):
        return _describe_execution(body, case, case_wording(case, labels))
    if isinstance(body, UndoEntry):
        return _describe_undo(body, case)
    if isinstance(body, SignalEntry):
        return _describe_signal_entry(body, case, labels)
    return NoteLine(start_upper(as_words(body.name.replace(".", " "))))


def _describe_approval_entry(body: ApprovalEntry, case: Case, labels: Labels) -> NoteLine:
    match body:
        case entries.StepUpAsked():
            aim = "take it back" if body.purpose is Purpose.UNDO else "approve"
            return NoteLine(f"{body.by_name} wants to {aim};", "their passkey has not signed yet")
        case entries.ApprovalGiven():
            return _describe_approval(body.approval)
        case entries.Withdrawn():
            return NoteLine("An approval was withdrawn.")
        case entries.Authorised():
            return _describe_authorisation(body)
        case entries.Rejected():
            note = _prefix(" — ", _quote(body.note))
            return NoteLine(f"{body.by_name} rejected it:", f"{body.reason.description}{note}")
        case entries.Edited():
            return _describe_edit(body, case, labels)
        case _:
            assert_never(body)


def _describe_approval(approval: Approval) -> NoteLine:
    note = _quote(approval.note)
    if approval.emergency:
        return NoteLine(
            f"EMERGENCY: {approval.name} let this through ALONE.",
            f"{note} Somebody else must look at it afterwards",
        )
    if approval.grant:
        case_id = giving_case(approval.grant)
        return NoteLine(f"{approval.name} approved this in advance, with {case_id}.")
    head = f"{approval.name} approved{_behalf(approval)}{_signature(approval)}"
    return NoteLine(f"{head}:", note) if note else NoteLine(f"{head}.")


def _behalf(approval: Approval) -> str:
    if not approval.behalf_of:
        return ""
    return f" for {approval.behalf_name}"


def _signature(approval: Approval) -> str:
    if approval.assertion is None:
        return ""
    return ", signed with their passkey"


def _describe_authorisation(body: entries.Authorised) -> NoteLine:
    if body.by and body.by[0].startswith("policy:"):
        return NoteLine("Policy lets this run by itself.")
    return NoteLine("The approvals are complete.", "The plan is being carried out")


def _describe_edit(body: entries.Edited, case: Case, labels: Labels) -> NoteLine:
    plan = case.proposal.plan
    action = plan.actions[0].name if plan else ""
    changes = []
    for change in body.changes:
        title = labels.parameter(action, change.field)
        changes.append(f"{title} {change.before} → {change.after}")
    effect = "Earlier approvals no longer count"
    return NoteLine(f"{body.by_name} edited the plan:", f"{', '.join(changes)}. {effect}")


def _describe_handling(body: HandlingEntry) -> NoteLine:
    match body:
        case entries.HandedOver():
            # As ``bot.cases.handling`` writes it: "Done: … Open: …".
            note = body.note.removeprefix("Done: ").replace(" Open: ", "; still open: ", 1)
            return NoteLine(f"{body.by_name} handed it over{_to(body.to)}:", note)
        case entries.Claimed():
            return NoteLine(f"{body.by_name} is on it.")
        case entries.Snoozed():
            if not body.reason:
                return NoteLine(f"{body.by_name} lets it rest", "until", body.until)
            reason = f"{_quote(body.reason)}, until"
            return NoteLine(f"{body.by_name} lets it rest:", reason, body.until)
        case entries.WokenEarly():
            return NoteLine(f"{body.by_name} ended the snooze.")
        case entries.Nudged():
            return NoteLine(f"{body.by_name} asked again for a decision.")
        case entries.Retracted():
            return NoteLine(f"{body.by_name} took the case back.", "Nothing was done")
        case _:
            assert_never(body)


def _describe_hindsight(body: HindsightEntry) -> NoteLine:
    match body:
        case entries.PracticeObserved():
            return NoteLine(*describe_practice(body))
        case entries.ReviewGiven(verdict=ReviewVerdict.RIGHT):
            return NoteLine(f"{body.by_name} has looked:", "it was right")
        case entries.ReviewGiven():
            return NoteLine(f"{body.by_name} has looked: it was wrong.", _quote(body.note))
        case _:
            assert_never(body)


def _describe_deadline(body: DeadlineEntry, case: Case) -> NoteLine:
    match body:
        case entries.Reminded():
            return _describe_reminder(case)
        case entries.Escalated():
            if is_person(body.to):
                return NoteLine("Nobody decided in time.", "Somebody else has it now")
            return NoteLine("Nobody decided in time.", f"It is with @{body.to} now")
        case entries.Expired():
            effect = "The case is closed; nothing was done"
            return NoteLine("Nobody decided in time.", effect)
        case _:
            assert_never(body)


def _to(owner: str) -> str:
    """Name the new owner; a person is mentioned below instead."""
    return "" if is_person(owner) else f" to @{owner}"


def _describe_reminder(case: Case) -> NoteLine:
    """Describe what the owner is reminded of, and the deadline."""
    if case.state is State.OUTCOME_UNKNOWN:
        text = "somebody must look in the outside system and say what happened"
        return NoteLine("Still waiting:", text)
    deadline = case.timers.sla.decide_by
    relation = "overdue since" if case.timers.changed_at >= deadline else "due by"
    return NoteLine("Still waiting:", f"a decision is {relation}", deadline)


def _describe_execution(body: ExecutionEntry, case: Case, wording: Wording) -> NoteLine:
    match body:
        case entries.StepReported():
            return _describe_step(body, case, wording)
        case entries.Drifted():
            reasons = "; ".join(body.reasons)
            return NoteLine("Stopped and asked again:", wording.prose(reasons, MAX_DETAIL))
        case entries.Stopped():
            return NoteLine("Given up:", wording.prose(body.reason, MAX_DETAIL))
        case entries.Parked():
            return NoteLine("Outcome unknown:", wording.prose(body.reason, MAX_DETAIL))
        case entries.Settled():
            outcome = "did" if body.landed else "did not"
            return NoteLine(f"{body.by_name} has looked: it {outcome} happen.", body.note)
        case entries.Resolved():
            if body.resolution is entries.Resolution.BY_HAND:
                return NoteLine(f"{body.by_name} handled it by hand:", body.note)
            return NoteLine("Done:", wording.prose(body.note, MAX_DETAIL))
        case _:
            assert_never(body)


def _describe_step(body: entries.StepReported, case: Case, wording: Wording) -> NoteLine:
    summary = "a step of an earlier plan"
    plan = case.proposal.plan
    earlier = case.earlier_step(body.step)
    if plan and body.step < len(plan.actions):
        summary = wording.prose(plan.actions[body.step].summary, MAX_DETAIL)
    elif earlier:
        summary = wording.prose(earlier.action.summary, MAX_DETAIL)
    answer = describe_step_facts(case, body.step, wording) if body.facts else ""
    if answer:
        summary += f" ({answer})"
    elif body.detail and not is_row_count(body.detail):
        summary += f" ({wording.prose(body.detail, MAX_DETAIL)})"
    if plan and plan.branches and body.step < len(plan.branches):
        return _describe_tree_step(body, plan, summary=summary, wording=wording)
    if earlier or (plan and len(plan.actions) == 1):
        return NoteLine(f"{start_upper(STEP_LABELS[body.state])}:", summary)
    return NoteLine(f"Step {body.step + 1} {STEP_LABELS[body.state]}:", summary)


def _describe_tree_step(
    body: entries.StepReported, plan: Plan, *, summary: str, wording: Wording
) -> NoteLine:
    """Say which turn the plan took, and why."""
    head = f"Step {step_labels(plan)[body.step]} {STEP_LABELS[body.state]}"
    reason = reason_words(plan, body.step, wording.system)
    return NoteLine(f"{head}, {reason}:" if reason else f"{head}:", summary)


def _describe_undo(body: UndoEntry, case: Case) -> NoteLine:
    match body:
        case entries.UndoApproved():
            return _describe_undo_vote(body.approval, votes_needed=case.undo_votes_needed)
        case entries.UndoAsked():
            # Releases before undo votes wrote no voters: the one who asked is named here.
            if not body.by:
                return NoteLine(f"{body.by_name} takes it back:", body.note)
            return NoteLine("It is being taken back.")
        case entries.UndoLapsed():
            return NoteLine("Not taken back:", f"{body.reason}. What was done stands")
        case entries.Reopened():
            return NoteLine("Opened again:", body.reason)
        case entries.MistakeReported():
            return NoteLine(f"{body.by_name} says that this was a mistake:", f"“{body.text}”")
        case _:
            assert_never(body)


def _describe_undo_vote(vote: Approval, *, votes_needed: int) -> NoteLine:
    behalf, signature = _behalf(vote), _signature(vote)
    detail = f"“{vote.note}”"
    if votes_needed > 1:
        detail += f". It takes {votes_needed} people to take it back"
    return NoteLine(f"{vote.name} says{behalf} that it is taken back{signature}:", detail)


def _describe_signal_entry(body: SignalEntry, case: Case, labels: Labels) -> NoteLine:
    match body:
        case entries.Named() if body.kind != UNRECOGNISED:
            return NoteLine(f"{body.by_name} says what it is:", labels.kind(body.kind))
        case entries.Named() | entries.Novel():
            return NoteLine(f"{body.by_name} says that it is something new.")
        case entries.RetriageAsked():
            return NoteLine(f"{body.by_name} asked to look again.")
        case entries.InquiryOpened():
            return NoteLine(f"{body.by_name} asked {body.to_name}:", _quote(body.question))
        case entries.InquiryAnswered():
            return NoteLine(f"{body.by_name} answered", describe_answer(case, body))
        case entries.Cleared():
            return NoteLine("The source says it is over.", "Closed; nothing was done")
        case entries.MarkedClear():
            return NoteLine("The source says it is over.")
        case entries.AttemptRefused():
            return NoteLine(f"Refused: {body.attempt}", f"({body.reason})")
        case _:
            assert_never(body)


def _quote(text: str) -> str:
    """Put text in quotation marks; nothing for no text."""
    return f"“{text}”" if text else ""


def _prefix(prefix: str, text: str) -> str:
    """Put a prefix before text; nothing for no text."""
    return f"{prefix}{text}" if text else ""

"""Notes in the thread of a card, one line an entry."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, assert_never

from bot.cases import entries as entries
from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.entries import Body, Entry
from bot.cases.lifecycle import State
from bot.cases.passkey import Purpose
from bot.cases.recommendation import Citation
from bot.views.labels import Labels, as_words, start_upper
from handlers.cards.inquiry_message import describe_answer, file_links
from handlers.cards.plan_section import STEP_LABELS
from handlers.cards.text import (
    Json,
    clean,
    escape_mrkdwn,
    paragraph,
    rich_text,
    text_run,
)
from handlers.cards.wording import as_sentence, is_row_count

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
    | entries.Reminded
    | entries.Snoozed
    | entries.WokenEarly
    | entries.Escalated
    | entries.Expired
    | entries.Nudged
    | entries.Retracted
)
ExecutionEntry = (
    entries.StepReported
    | entries.Drifted
    | entries.Stopped
    | entries.Parked
    | entries.Settled
    | entries.Resolved
)
UndoEntry = entries.UndoApproved | entries.UndoAsked | entries.UndoLapsed | entries.Reopened
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
    """A line about an entry: a head in bold, and the detail."""

    head: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.head} {self.detail}".strip()


def note_blocks(
    case: Case, note_entries: Sequence[Entry], mention: Json | None = None
) -> list[Json]:
    """Build the note about these entries.

    ``mention`` is the run that notifies a person or group.
    """
    paragraphs = []
    for line in note_lines(case, note_entries):
        head = text_run(line.head, bold=True)
        detail = text_run(_prefix(" ", line.detail))
        paragraphs.append(paragraph(head, detail))
    paragraphs += file_links(case, note_entries)
    if mention:
        paragraphs.append(paragraph(mention))
    return [rich_text(*paragraphs)]


def note_text(case: Case, note_entries: Sequence[Entry]) -> str:
    """Write the notification line of a note."""
    lines = [str(line) for line in note_lines(case, note_entries)]
    *earlier_lines, last_line = lines or [""]
    return escape_mrkdwn(" ".join([*map(as_sentence, earlier_lines), last_line]), 300)


def note_lines(case: Case, note_entries: Sequence[Entry]) -> list[NoteLine]:
    """Write one line an entry."""
    lines = []
    for entry in note_entries:
        line = describe_entry(entry.body, case)
        lines.append(NoteLine(clean(line.head, 200), clean(line.detail, 700)))
    return lines


def trail_lines(case: Case, trail_entries: Sequence[Entry]) -> list[str]:
    """Write the history of a case: every entry, refused attempts included."""
    lines = []
    for entry in trail_entries:
        head, detail = describe_entry(entry.body, case)
        lines.append(f"{entry.at:%d %b %H:%M:%S}  {clean(f'{head} {detail}', 160)}")
    return lines


def precedent_items(case: Case, links: Mapping[str, str], labels: Labels) -> list[list[Json]]:
    """Build one item for each precedent, with a link to its card where it has one."""
    recommendation = case.proposal.recommendation
    items = []
    for citation in recommendation.citations if recommendation else ():
        items.append(_precedent(citation, links.get(citation.case_id, ""), labels))
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


def describe_entry(body: Body, case: Case) -> NoteLine:
    """Describe an entry in a sentence, or by its name."""
    if isinstance(body, ApprovalEntry):
        return _describe_approval_entry(body)
    if isinstance(body, HandlingEntry):
        return _describe_handling(body, case)
    if isinstance(body, ExecutionEntry):
        return _describe_execution(body, case)
    if isinstance(body, UndoEntry):
        return _describe_undo(body, case)
    if isinstance(body, SignalEntry):
        return _describe_signal_entry(body, case)
    return NoteLine(start_upper(as_words(body.name.replace(".", " "))))


def _describe_approval_entry(body: ApprovalEntry) -> NoteLine:
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
            return _describe_edit(body)
        case _:
            assert_never(body)


def _describe_approval(approval: Approval) -> NoteLine:
    note = _quote(approval.note)
    if approval.emergency:
        return NoteLine(
            f"EMERGENCY: {approval.name} let this through ALONE.",
            f"{note} Somebody else must look at it afterwards",
        )
    behalf, signature = _behalf(approval), _signature(approval)
    return NoteLine(f"{approval.name} approved{behalf}{signature}.", note)


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


def _describe_edit(body: entries.Edited) -> NoteLine:
    changes = [
        f"{as_words(change.field)} {change.before} → {change.after}" for change in body.changes
    ]
    effect = "Earlier approvals no longer count"
    return NoteLine(f"{body.by_name} edited the plan:", f"{', '.join(changes)}. {effect}")


def _describe_handling(body: HandlingEntry, case: Case) -> NoteLine:
    match body:
        case entries.HandedOver():
            return NoteLine(f"{body.by_name} handed it over:", body.note)
        case entries.Claimed():
            return NoteLine(f"{body.by_name} is on it.")
        case entries.Reminded():
            return NoteLine("Still waiting:", _describe_request(case))
        case entries.Snoozed():
            until = f"{body.until:%d %b %H:%M} UTC"
            return NoteLine(f"{body.by_name} snoozed it until {until}:", body.reason)
        case entries.WokenEarly():
            return NoteLine(f"{body.by_name} ended the snooze.")
        case entries.Escalated():
            return NoteLine("Nobody decided in time.", f"It is with {body.to} now")
        case entries.Expired():
            effect = "The case is closed; nothing was done"
            return NoteLine("Nobody decided in time.", effect)
        case entries.Nudged():
            return NoteLine(f"{body.by_name} asked again for a decision.")
        case entries.Retracted():
            return NoteLine(f"{body.by_name} took the case back.", "Nothing was done")
        case _:
            assert_never(body)


def _describe_request(case: Case) -> str:
    """Describe what the owner is reminded of, and the deadline."""
    if case.state is State.OUTCOME_UNKNOWN:
        return "somebody must look in the outside system and say what happened"
    deadline = case.timers.sla.decide_by
    relation = "overdue since" if case.timers.changed_at >= deadline else "due by"
    return f"a decision is {relation} {deadline:%d %b %H:%M} UTC"


def _describe_execution(body: ExecutionEntry, case: Case) -> NoteLine:
    match body:
        case entries.StepReported():
            return _describe_step(body, case)
        case entries.Drifted():
            return NoteLine("Stopped and asked again:", "; ".join(body.reasons))
        case entries.Stopped():
            return NoteLine("Given up:", body.reason)
        case entries.Parked():
            return NoteLine("Outcome unknown:", body.reason)
        case entries.Settled():
            outcome = "did" if body.landed else "did not"
            return NoteLine(f"{body.by_name} has looked: it {outcome} happen.", body.note)
        case entries.Resolved():
            if body.resolution is entries.Resolution.BY_HAND:
                return NoteLine(f"{body.by_name} handled it by hand:", body.note)
            return NoteLine("Done:", body.note)
        case _:
            assert_never(body)


def _describe_step(body: entries.StepReported, case: Case) -> NoteLine:
    summary = "a step of an earlier plan"
    if case.proposal.plan and body.step < len(case.proposal.plan.actions):
        summary = case.proposal.plan.actions[body.step].summary
    if body.detail and not is_row_count(body.detail):
        summary += f" ({body.detail})"
    if case.proposal.plan and len(case.proposal.plan.actions) == 1:
        return NoteLine(f"{start_upper(STEP_LABELS[body.state])}:", summary)
    return NoteLine(f"Step {body.step + 1} {STEP_LABELS[body.state]}:", summary)


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
        case _:
            assert_never(body)


def _describe_undo_vote(vote: Approval, *, votes_needed: int) -> NoteLine:
    behalf, signature = _behalf(vote), _signature(vote)
    detail = f"“{vote.note}”"
    if votes_needed > 1:
        detail += f". It takes {votes_needed} people to take it back"
    return NoteLine(f"{vote.name} says{behalf} that it is taken back{signature}:", detail)


def _describe_signal_entry(body: SignalEntry, case: Case) -> NoteLine:
    match body:
        case entries.Named():
            return NoteLine(f"{body.by_name} says what it is:", body.kind.replace("_", " "))
        case entries.Novel():
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

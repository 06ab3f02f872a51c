"""Put what was decided about a case into sentences, from the ledger."""

from datetime import datetime

from bot.cases import entries
from bot.cases.approval import Approval
from bot.cases.entries import Entry
from bot.cases.grant import giving_case
from bot.cases.hours import Hours
from bot.cases.review import ReviewVerdict
from bot.desk.case_texts import as_sentence, local_time
from bot.views.practice_words import practice_words


def describe_decision(entry: Entry, hours: Hours, now: datetime | None = None) -> str:
    """Say what was decided and when, on the clock of these hours.

    Empty for an entry that records no decision.
    """
    at = local_time(entry.at, hours, now)
    body = entry.body
    text = (
        _describe_vote(body, at)
        or _describe_handling(body, at)
        or _describe_end(body, at)
        or _describe_hindsight(body, at)
    )
    # What people and systems said may have its own full stop.
    return text.removesuffix("..") + "." if text.endswith("..") else text


def _describe_vote(body: entries.Body, at: str) -> str:
    """Describe what people, or policy in their place, said about a plan."""
    match body:
        case entries.Rejected():
            note = f" (“{body.note}”)" if body.note else ""
            reason = body.reason.description.lower()
            return f"{body.by_name} rejected it on {at}: {reason}{note}."
        case entries.ApprovalGiven(approval=approval):
            return _describe_approval(approval, at)
        case entries.Authorised() if body.by and body.by[0].startswith("policy:"):
            return f"Policy let it run by itself on {at}."
        case entries.Edited():
            changes = [f"{one.field} {one.before} → {one.after}" for one in body.changes]
            return f"{body.by_name} edited the plan on {at}: {', '.join(changes)}."
        case entries.UndoApproved():
            name, note = body.approval.name, body.approval.note
            return f"{name} said on {at} that it is taken back: {note}."
        case entries.UndoAsked():
            return f"{body.by_name} took it back on {at}: {body.note}."
        case _:
            return ""


def _describe_approval(approval: Approval, at: str) -> str:
    behalf = f" for {approval.behalf_name}" if approval.behalf_of else ""
    note = f": “{approval.note}”" if approval.note else ""
    advance = f", in advance with {giving_case(approval.grant)}" if approval.grant else ""
    return as_sentence(f"{approval.name} approved it{behalf} on {at}{advance}{note}")


def _describe_handling(body: entries.Body, at: str) -> str:
    """Describe who the case went to, and why it was asked again."""
    match body:
        case entries.Referred():
            return f"It needed a person from {at}: {body.reason}."
        case entries.Drifted():
            return f"It was asked again on {at}: {'; '.join(body.reasons)}."
        case entries.RetriageAsked():
            return f"{body.by_name} asked on {at} to look again."
        case entries.Escalated():
            return f"Nobody had decided by {at}, so it went to {body.to}."
        case entries.HandedOver():
            return f"{body.by_name} handed it over on {at}: {body.note}."
        case entries.Snoozed():
            return f"{body.by_name} snoozed it on {at}: {body.reason}."
        case entries.WokenEarly():
            return f"{body.by_name} ended the snooze on {at}."
        case entries.InquiryOpened():
            return f"{body.by_name} asked {body.to_name} on {at}: “{body.question}”"
        case entries.InquiryAnswered():
            return f"{body.by_name} answered on {at}: {body.value}."
        case _:
            return ""


def _describe_end(body: entries.Body, at: str) -> str:
    """Describe how the case ended, or began again."""
    match body:
        case entries.Resolved(by_name=""):
            return f"It worked on {at}."
        case entries.Resolved():
            return f"{body.by_name} handled it by hand on {at}: {body.note}."
        case entries.Expired():
            return f"Nobody decided in time; it was closed unexecuted on {at}."
        case entries.UndoLapsed():
            return f"It was not taken back on {at}: {body.reason}."
        case entries.Stopped():
            return f"It was given up on {at}: {body.reason}."
        case entries.Cleared():
            return f"The source said on {at} that it was over."
        case entries.ProbeAnswered():
            return f"It ended on {at}: it was a practice case, and nothing was done."
        case entries.Reopened():
            return f"It was opened again on {at}: {body.reason}."
        case _:
            return ""


def _describe_hindsight(body: entries.Body, at: str) -> str:
    """Describe what people said about it afterwards."""
    match body:
        case entries.PracticeObserved():
            return f"{practice_words(body, at)}."
        case entries.ReviewGiven():
            outcome = "right" if body.verdict is ReviewVerdict.RIGHT else f"wrong: {body.note}"
            return f"{body.by_name} said on {at} that what ran alone was {outcome}."
        case entries.MistakeReported():
            return f"{body.by_name} said on {at} that it was a mistake: {body.text}."
        case _:
            return ""

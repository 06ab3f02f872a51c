"""What is said in the thread of a card when something happens: one line an entry, who and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.cases import entries as e
from bot.cases.case import Case
from bot.cases.entries import Body, Entry
from bot.cases.lifecycle import State
from bot.cases.passkey import Purpose
from bot.cases.recommendation import Citation
from handlers.cards.text import Json, bullets, clean, escaped, paragraph, rich, say


def note_blocks(case: Case, entries: Sequence[Entry], call: Json | None = None) -> list[Json]:
    """The message for these entries, as rich text: outside words in it are only words. ``call`` names who must hear it."""
    lines = [
        paragraph(say(head, bold=True), say(f" {rest}" if rest else ""))
        for head, rest in note_lines(case, entries)
    ]
    return [rich(*lines, *([paragraph(call)] if call else []))]


def note_text(case: Case, entries: Sequence[Entry]) -> str:
    """The same for the notification."""
    return escaped(
        ". ".join(f"{head} {rest}".strip() for head, rest in note_lines(case, entries)), 300
    )


def note_lines(case: Case, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Head and rest of each line."""
    return [
        (clean(head, 200), clean(rest, 700))
        for head, rest in (LINES[type(entry.body)](entry.body, case) for entry in entries)
    ]


def trail_lines(case: Case, entries: Sequence[Entry]) -> list[str]:
    """The trail of a case for one person's eyes: every entry, refused attempts included."""
    lines = []
    for entry in entries:
        head, rest = LINES.get(type(entry.body), _other)(entry.body, case)
        lines.append(f"{entry.at:%d %b %H:%M:%S}  {clean(f'{head} {rest}', 160)}")
    return lines


def precedent_blocks(case: Case, links: Mapping[str, str]) -> list[Json]:
    """The cases a recommendation stands on, for one person's eyes: what, what was done, by whom, how it ended; and the way to each."""
    cited = case.recommendation.citations if case.recommendation else ()
    head = paragraph(say(f"What {case.id} stands on, the most alike first", bold=True))
    return [
        rich(
            head,
            bullets(_precedent(citation, links.get(citation.case_id, "")) for citation in cited),
        )
    ]


def _precedent(citation: Citation, link: str) -> list[Json]:
    name = citation.case_id or "imported"
    shown = {"type": "link", "url": link, "text": name} if link else say(name, bold=True)
    marks = " (older than a year)" if citation.is_stale else ""
    marks += " (its text gives orders: not counted)" if citation.is_flagged else ""
    by = f" by {', '.join(citation.by)}" if citation.by else ""
    reason = f": {citation.reason}" if citation.reason else ""
    ended = f"{citation.action or 'no action'}, {citation.ended}{by} on {citation.at:%d %b %Y}{reason}{marks}"
    return [shown, say(clean(f"  {citation.title} — {ended}", 400))]


def _other(body: Body, case: Case) -> tuple[str, str]:
    return body.name.replace(".", " ").replace("_", " ").capitalize(), ""


def _authorised(body: e.Authorised, case: Case) -> tuple[str, str]:
    if body.by and body.by[0].startswith("policy:"):
        return "Policy lets this run by itself.", f"Plan {body.digest[:12]}"
    return "The approvals are complete.", f"Carrying out plan {body.digest[:12]}"


def _step(body: e.StepReported, case: Case) -> tuple[str, str]:
    plan = case.plan
    name = (
        plan.actions[body.step].summary
        if plan and body.step < len(plan.actions)
        else "a step of an earlier plan"
    )
    return (
        f"Step {body.step + 1} {body.state}:",
        f"{name}{f' ({body.detail})' if body.detail else ''}",
    )


def _rejected(body: e.Rejected, case: Case) -> tuple[str, str]:
    return (
        f"{body.by_name} rejected it:",
        f"{body.reason.description}{f' — “{body.note}”' if body.note else ''}",
    )


def _edited(body: e.Edited, case: Case) -> tuple[str, str]:
    changes = ", ".join(
        f"{change.field} {change.before} → {change.after}" for change in body.changes
    )
    return (
        f"{body.by_name} edited the plan:",
        f"{changes}. It is revision {body.plan.revision} now; earlier approvals no longer count",
    )


def _approval(body: e.ApprovalGiven, case: Case) -> tuple[str, str]:
    given = body.approval
    said = f"“{given.note}”" if given.note else ""
    if given.emergency:
        return (
            f"EMERGENCY: {given.name} let this through ALONE.",
            f"{said} Somebody else must look at it afterwards",
        )
    behalf = f" for {given.behalf_name}" if given.behalf_of else ""
    signed = ", signed with their passkey" if given.assertion else ""
    return f"{given.name} approved{behalf}{signed}.", said


def _step_up(body: e.StepUpAsked, case: Case) -> tuple[str, str]:
    wish = "take it back" if body.purpose is Purpose.UNDO else "approve"
    return f"{body.by_name} wants to {wish};", "their passkey has not signed yet"


def _undo_vote(body: e.UndoApproved, case: Case) -> tuple[str, str]:
    """Who says so and why; what it still waits for stands on the card."""
    vote = body.approval
    behalf = f" for {vote.behalf_name}" if vote.behalf_of else ""
    signed = ", signed with their passkey" if vote.assertion else ""
    needed = case.undo_votes_needed
    needs = f". It takes {needed} people to take it back" if needed > 1 else ""
    return f"{vote.name} says{behalf} that it is taken back{signed}:", f"“{vote.note}”{needs}"


def _undo(body: e.UndoAsked, case: Case) -> tuple[str, str]:
    """Whoever said so and why has been told of with their yes; earlier releases had none."""
    if body.by:
        return "It is being taken back.", ""
    return f"{body.by_name} takes it back:", body.note


def _settled(body: e.Settled, case: Case) -> tuple[str, str]:
    return f"{body.by_name} has looked: it {'did' if body.landed else 'did not'} happen.", body.note


def _wanted(case: Case) -> str:
    """What the reminded person is asked for, and until when."""
    if case.state is State.OUTCOME_UNKNOWN:
        return "somebody must look in the outside system and say what happened"
    late = case.changed_at >= case.sla.decide_by
    return f"a decision is {'overdue since' if late else 'due by'} {case.sla.decide_by:%d %b %H:%M} UTC"


def _resolved(body: e.Resolved, case: Case) -> tuple[str, str]:
    if body.resolution is e.Resolution.BY_HAND:
        return f"{body.by_name} handled it by hand:", body.note
    return "Done:", body.note


LINES: dict[type[Body], Callable[[Any, Case], tuple[str, str]]] = {
    e.StepUpAsked: _step_up,
    e.ApprovalGiven: _approval,
    e.Withdrawn: lambda body, case: ("An approval was withdrawn.", ""),
    e.Authorised: _authorised,
    e.Rejected: _rejected,
    e.Edited: _edited,
    e.HandedOver: lambda body, case: (f"{body.by_name} handed it over:", body.note),
    e.Claimed: lambda body, case: (f"{body.by_name} is on it.", ""),
    e.Reminded: lambda body, case: ("Still waiting:", _wanted(case)),
    e.UndoApproved: _undo_vote,
    e.UndoAsked: _undo,
    e.UndoLapsed: lambda body, case: ("Not taken back:", f"{body.reason}. What was done stands"),
    e.Snoozed: lambda body, case: (
        f"{body.by_name} snoozed it until {body.until:%d %b %H:%M} UTC:",
        body.reason,
    ),
    e.Escalated: lambda body, case: ("Nobody decided in time.", f"It is with {body.to} now"),
    e.Expired: lambda body, case: (
        "Nobody decided in time.",
        "The case is closed; nothing was done",
    ),
    e.StepReported: _step,
    e.Drifted: lambda body, case: ("Stopped and asked again:", "; ".join(body.reasons)),
    e.RetriageAsked: lambda body, case: (f"{body.by_name} asked to look again.", ""),
    e.Stopped: lambda body, case: ("Given up:", body.reason),
    e.Parked: lambda body, case: ("Outcome unknown:", body.reason),
    e.Settled: _settled,
    e.Resolved: _resolved,
    e.Reopened: lambda body, case: ("Opened again:", body.reason),
    e.Named: lambda body, case: (f"{body.by_name} says what it is:", body.kind.replace("_", " ")),
    e.Novel: lambda body, case: (f"{body.by_name} says that it is something new.", ""),
    e.Cleared: lambda body, case: ("The source says it is over.", "Closed; nothing was done"),
    e.MarkedClear: lambda body, case: ("The source says it is over.", ""),
    e.AttemptRefused: lambda body, case: (f"Refused: {body.attempt}", f"({body.reason})"),
}

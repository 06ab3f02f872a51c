"""A card on which nothing is to be decided: what was done, by whom, when, what came of it."""

from bot.cases.case import Case, StatusReason
from bot.cases.entries import Resolution, StepState
from bot.cases.lifecycle import State
from bot.ports.card_store import CardContext
from bot.views.labels import start_upper
from handlers.cards.blocks import context_block, label_paragraph
from handlers.cards.card_buttons import button_row, card_buttons
from handlers.cards.case_words import (
    approver_name,
    case_wording,
    describe_approvals,
    headline,
)
from handlers.cards.plan_section import STEP_LABELS
from handlers.cards.question import describe_steps
from handlers.cards.text import (
    Json,
    clean,
    describe_approvers,
    mrkdwn_date,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, is_row_count

ICONS = {
    State.NEW: "⏳",
    State.OPEN: "⏳",
    State.SNOOZED: "💤",
    State.APPROVED: "✅",
    State.RUNNING: "⚙️",
    State.RESOLVED: "✅",
    State.REJECTED: "⛔",
    State.EXPIRED: "⌛",
    State.CLEARED: "🌬",
    State.WITHDRAWN: "↩️",
}
MAX_HEAD = 300
MAX_STORY = 500


def folded_card(case: Case, card_context: CardContext) -> list[Json]:
    """Build two lines and the buttons that still do something."""
    wording = case_wording(case, card_context.labels)
    icon = ICONS.get(case.state, "")
    head = text_run(f"{icon} {_head(case, wording)}", bold=True)
    blocks = [rich_text(paragraph(head)), context_block(*_story(case, wording))]
    if card_context.pause_reason:
        pause = ":double_vertical_bar: *Paused: nothing runs.*"
        blocks.append(context_block(pause, plain_text(card_context.pause_reason, 200)))
    if card_context.is_undoable:
        blocks += _undo_votes(case)
    buttons = card_buttons(case, is_undoable=card_context.is_undoable)
    return [*blocks, *button_row("case", case, buttons)]


def _head(case: Case, wording: Wording) -> str:
    """Say what the case is about: the plan where one was carried out, else the thing."""
    plan = case.proposal.plan
    is_carried_out = case.state in {State.APPROVED, State.RUNNING, State.RESOLVED}
    if plan is None or not is_carried_out or _is_by_hand(case):
        return headline(case, wording, MAX_HEAD)
    summary = clean(describe_steps(plan, wording), MAX_HEAD)
    verb = "Done: " if case.state is State.RESOLVED else ""
    return f"{case.id} · {verb}{summary}"


def _is_by_hand(case: Case) -> bool:
    reason = case.activity.status_reason
    return bool(reason) and reason is not None and reason.reason == Resolution.BY_HAND


def _story(case: Case, wording: Wording) -> list[str | Json]:
    """Build who decided, what came of it, and when."""
    words = " · ".join(filter(None, _story_parts(case, wording)))
    at = case.timers.changed_at
    reason = case.activity.status_reason
    if case.state is State.SNOOZED and case.timers.snoozed_until:
        return [plain_text(words, MAX_STORY), f"until {mrkdwn_date(case.timers.snoozed_until)}"]
    if case.is_terminal and reason:
        at = reason.at
    return [plain_text(words, MAX_STORY), mrkdwn_date(at)]


def _story_parts(case: Case, wording: Wording) -> list[str]:
    approvals = describe_approvals(case)
    parts = [f"Approved by {approvals}"] if approvals else []
    reason = case.activity.status_reason
    match case.state:
        case State.NEW | State.OPEN:
            return ["Looking into it"]
        case State.SNOOZED:
            return [_ending("Snoozed", reason)]
        case State.REJECTED:
            return [_ending("Rejected", reason)]
        case State.EXPIRED:
            return ["Nobody decided in time; nothing was done"]
        case State.CLEARED:
            return ["It went away by itself; nothing was done"]
        case State.WITHDRAWN:
            return [_ending("Withdrawn", reason)]
        case State.APPROVED:
            return [*parts, "about to be carried out"]
        case State.RUNNING:
            return [*parts, *_progress(case, wording)]
        case _:
            return [*parts, *_outcome(case, reason, wording)]


def _outcome(case: Case, reason: StatusReason | None, wording: Wording) -> list[str]:
    """Say what came of the plan, or who handled it by hand."""
    if case.proposal.plan and case.proposal.plan.is_dry_run and not _is_by_hand(case):
        return ["Dry run: nothing was changed"]
    if reason is None:
        return []
    if reason.reason == Resolution.WORKED:
        return ["worked"]
    if _is_by_hand(case):
        return [_ending("Handled by hand", reason)]
    return [start_upper(wording.prose(reason.reason, MAX_STORY))]


def _ending(verb: str, reason: StatusReason | None) -> str:
    """Say who ended or put off the case, and why: "Rejected by Ana: The plan is wrong"."""
    if reason is None:
        return verb
    text = f"{verb} by {clean(reason.by, 60)}" if _is_by_a_person(reason) else verb
    if reason.reason and reason.reason != Resolution.BY_HAND:
        text += f": {clean(reason.reason, 300)}"
    if reason.note:
        text += f" — “{clean(reason.note, 300)}”"
    return text


def _is_by_a_person(reason: StatusReason) -> bool:
    if not reason.by or reason.by == "countersign":
        return False
    return not reason.by.startswith("source:")


def _progress(case: Case, wording: Wording) -> list[str]:
    """Say how far the plan, or its undo, has come."""
    verb = "being undone" if case.execution.is_undo_running else "being carried out"
    steps = case.execution.steps
    if not steps:
        return [verb]
    step = steps[-1]
    text = f"{verb}: {STEP_LABELS[step.state]}"
    is_telling = step.state not in {StepState.LANDED, StepState.UNDONE}
    if step.detail and is_telling and not is_row_count(step.detail):
        text += f" ({wording.prose(step.detail, 150)})"
    return [text]


def _undo_votes(case: Case) -> list[Json]:
    """Build who wants the plan undone, and how many more must agree."""
    votes, verdict = case.execution.undo_approvals, case.proposal.verdict
    if case.state is not State.RESOLVED or not votes:
        return []
    if verdict is None or case.execution.undo_until is None:
        return []
    voters = []
    for vote in votes:
        voters.append(f"{approver_name(vote)} — “{clean(vote.note, 200)}”")
    label = f"{len(votes)} of {case.undo_votes_needed} say take it back: "
    approvers = describe_approvers(verdict.factors)
    until = mrkdwn_date(case.execution.undo_until)
    rule = f"It takes {approvers} to say so, until {until}; after that it stays as it is"
    return [rich_text(label_paragraph(label, ", ".join(voters))), context_block(rule)]

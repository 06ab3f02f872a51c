"""A card without a decision to make, folded to two lines.

They say what was done, by whom, when, and with what result.
"""

from datetime import datetime
from typing import NamedTuple

from bot.cases.case import Case, StatusReason
from bot.cases.entries import Resolution, StepState
from bot.cases.lifecycle import State
from bot.cases.standing_rule import deciding_case
from bot.ports.card_store import CardContext
from bot.views.labels import mid_sentence
from handlers.cards.blocks import context_block, label_paragraph
from handlers.cards.card_buttons import button_row, card_buttons
from handlers.cards.case_words import approver_name, case_wording, owner_mention
from handlers.cards.grant_form import grant_blocks
from handlers.cards.hindsight import hindsight_blocks
from handlers.cards.plan_section import STEP_LABELS
from handlers.cards.probe_card import probe_card
from handlers.cards.question import describe_done, describe_plan
from handlers.cards.text import (
    Json,
    clean,
    date_run,
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
PAUSED_ICON = "⏸️"
# No tick: nothing was done.
DRY_RUN_ICON = "🧪"
MAX_HEAD = 300
MAX_STATUS = 400
MAX_REASON = 200


class StatusLine(NamedTuple):
    """The second line: a decision, its time, and its result."""

    decision: str
    at: datetime
    result: str = ""


def folded_card(case: Case, card_context: CardContext) -> list[Json]:
    """Build two lines and the buttons that still do something."""
    wording = case_wording(case, card_context.labels)
    if case.probe is not None:
        return probe_card(case, case.probe, wording)
    icon = _icon(case, card_context)
    head = text_run(f"{icon} {_head(case, wording)}", bold=True)
    status = paragraph(*_status_runs(case, wording, card_context))
    # One block of rich text: there a date stands in the line, and no text is read as markup.
    blocks = [rich_text(paragraph(head), status), *_holder(case, card_context)]
    if card_context.is_undoable:
        blocks += [*_earlier_steps(case, wording), *_undo_votes(case)]
    blocks += hindsight_blocks(case, wording)
    if card_context.grant_meter:
        blocks += grant_blocks(card_context.grant_meter)
    buttons = card_buttons(case, is_undoable=card_context.is_undoable)
    return [*blocks, *button_row("case", case, buttons)]


def _icon(case: Case, card_context: CardContext) -> str:
    if card_context.pause_reason:
        return PAUSED_ICON
    plan = case.proposal.plan
    if case.state is State.RESOLVED and plan and plan.is_dry_run:
        return DRY_RUN_ICON
    return ICONS.get(case.state, "")


def _head(case: Case, wording: Wording) -> str:
    """Describe the plan where one was carried out, else the exception."""
    plan = case.proposal.plan
    is_carried_out = case.state in {State.APPROVED, State.RUNNING, State.RESOLVED}
    if plan is None or not is_carried_out or _is_by_hand(case):
        return wording.prose(case.signal.title, MAX_HEAD)
    if case.state is State.RESOLVED and not plan.is_dry_run:
        text = describe_done(case, plan, wording)
    elif case.execution.is_undo_running:
        text = f"Take back: {describe_plan(plan, wording)}"
    else:
        text = describe_plan(plan, wording)
    return clean(text, MAX_HEAD)


def _is_by_hand(case: Case) -> bool:
    reason = case.activity.status_reason
    return bool(reason) and reason is not None and reason.reason == Resolution.BY_HAND


def _status_runs(case: Case, wording: Wording, card_context: CardContext) -> list[Json]:
    """Build the second line: id, decision, time and result."""
    status = _status_line(case, wording)
    decision = clean(f"{case.id} · {status.decision}", MAX_STATUS)
    runs = [text_run(f"{decision} "), date_run(status.at)]
    result = status.result
    if card_context.pause_reason:
        result = wording.reason(card_context.pause_reason, MAX_REASON)
    if result:
        runs.append(text_run(f" · {clean(result, MAX_STATUS)}"))
    return runs


def _status_line(case: Case, wording: Wording) -> StatusLine:
    """Find who ended, put off or approved the case."""
    at = case.timers.changed_at
    reason = case.activity.status_reason
    if case.is_terminal and reason:
        at = reason.at
    match case.state:
        case State.NEW | State.OPEN:
            return StatusLine("Being looked into since", at)
        case State.SNOOZED:
            until = case.timers.snoozed_until or at
            words = f"“{clean(reason.reason, MAX_REASON)}”" if reason and reason.reason else ""
            return StatusLine(f"{_by('Snoozed', reason)} until", until, words)
        case State.REJECTED:
            return StatusLine(f"{_by('Rejected', reason)},", at, _describe_reason(reason))
        case State.EXPIRED:
            return StatusLine("Nobody decided in time,", at, "nothing was done")
        case State.CLEARED:
            # Where the bot only recommends, people may well have done something.
            result = "" if case.is_in_shadow else "nothing was done"
            return StatusLine("Went away by itself,", at, result)
        case State.RESOLVED if _is_by_hand(case):
            return StatusLine(f"{_by('Handled by hand', reason)},", at, _describe_reason(reason))
        case State.WITHDRAWN:
            return StatusLine(f"{_by('Withdrawn', reason)},", at, "nothing was done")
        case _:
            return _plan_status(case, at, wording)


def _plan_status(case: Case, at: datetime, wording: Wording) -> StatusLine:
    """Say who approved the plan, and how far it has come."""
    votes = case.proposal.approvals
    result = " · ".join(_result(case, wording))
    if not votes:
        return StatusLine("Since", at, result)
    if case.standing_rule_id:
        rule_case = deciding_case(case.standing_rule_id)
        return StatusLine(f"Done alone, by the standing rule of {rule_case},", votes[-1].at, result)
    if case.was_auto_approved:
        return StatusLine("Done alone, within policy's limits,", votes[-1].at, result)
    names = ", ".join(map(approver_name, votes))
    return StatusLine(f"Approved by {names},", votes[-1].at, result)


def _result(case: Case, wording: Wording) -> list[str]:
    """Say what came of the plan so far."""
    if case.state is State.APPROVED:
        return ["about to be carried out"]
    if case.state is State.RUNNING:
        return _progress(case, wording)
    reason = case.activity.status_reason
    if case.proposal.plan and case.proposal.plan.is_dry_run:
        return ["Dry run: nothing was changed"]
    if reason is None:
        return []
    return [wording.reason(reason.reason, MAX_REASON)]


def _by(verb: str, reason: StatusReason | None) -> str:
    """Say who did it, where a person did: "Rejected by Ana"."""
    if reason is None or not _is_by_a_person(reason):
        return verb
    return f"{verb} by {clean(reason.by, 60)}"


def _describe_reason(reason: StatusReason | None) -> str:
    """Write reason and note: "the plan is wrong: “closed on Mondays”"."""
    if reason is None:
        return ""
    is_said = reason.reason != Resolution.BY_HAND
    parts = [mid_sentence(clean(reason.reason, MAX_REASON))] if is_said else []
    if reason.note:
        parts.append(f"“{clean(reason.note, MAX_REASON)}”")
    return ": ".join(filter(None, parts))


def _is_by_a_person(reason: StatusReason) -> bool:
    if not reason.by or reason.by == "countersign":
        return False
    return not reason.by.startswith("source:")


def _holder(case: Case, card_context: CardContext) -> list[Json]:
    """Name the case's owner and the person who handed it over."""
    if case.is_terminal or not card_context.handed_over_by:
        return []
    giver = clean(card_context.handed_over_by, 60)
    return [
        context_block(f"With {owner_mention(case)},", plain_text(f"handed over by {giver}", 120))
    ]


def _progress(case: Case, wording: Wording) -> list[str]:
    """Say how far the plan, or its undo, has come."""
    verb = "being undone" if case.execution.is_undo_running else "being carried out"
    steps = case.execution.steps
    if not steps:
        return [verb]
    step = steps[-1]
    if step.state is StepState.STARTED:
        return [verb]
    text = f"{verb}: {STEP_LABELS[step.state]}"
    is_telling = step.state not in {StepState.LANDED, StepState.UNDONE}
    if step.detail and is_telling and not is_row_count(step.detail):
        text += f" ({wording.reason(step.detail, 150)})"
    return [text]


def _earlier_steps(case: Case, wording: Wording) -> list[Json]:
    """Name what earlier plans have done: an undo is about that too."""
    if case.state is not State.RESOLVED or not case.execution.earlier_steps:
        return []
    summaries = "; ".join(one.action.summary for one in case.execution.earlier_steps)
    text = wording.prose(f"Done before, by an earlier plan: {mid_sentence(summaries)}", MAX_STATUS)
    return [context_block(plain_text(f"{text}. Taking it back is about both.", 2 * MAX_STATUS))]


def _undo_votes(case: Case) -> list[Json]:
    """Build who wants the plan undone, and how many more must agree."""
    votes, verdict = case.execution.undo_approvals, case.undo_verdict
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

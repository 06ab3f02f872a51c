"""The steps of a plan: what each does or has done."""

from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.plan import Action
from bot.desk.case_texts import describe_span
from handlers.cards.text import Json, text_run
from handlers.cards.wording import Wording, is_row_count, money_text

MAX_SUMMARY = 1_000
STEP_LABELS = {
    StepState.STARTED: "running",
    StepState.ACCEPTED: "accepted, not visible there yet",
    StepState.LANDED: "done",
    StepState.FAILED: "failed",
    StepState.ABSENT: "did not happen",
    StepState.DEFERRED: "waiting to be tried again",
    StepState.UNKNOWN: "outcome unknown",
    StepState.MISSING: "not found there yet, looked for again",
    StepState.UNDOING: "being undone",
    StepState.UNDO_UNKNOWN: "being undone, outcome unknown",
    StepState.UNDO_MISSING: "being undone, not found there yet",
    StepState.UNDONE: "undone",
}


def step_items(case: Case, wording: Wording) -> list[list[Json]]:
    """Build each step: its summary, then its progress or its effects."""
    plan = case.proposal.plan
    items = []
    for index, action in enumerate(plan.actions if plan else ()):
        summary = text_run(wording.prose(action.summary, MAX_SUMMARY), bold=True)
        is_started = index < len(case.execution.steps)
        status = _progress(case, index, wording) if is_started else _preview(action, wording)
        items.append([summary, text_run(f"  {status}")])
    return items


def _progress(case: Case, index: int, wording: Wording) -> str:
    step = case.execution.steps[index]
    label = STEP_LABELS[step.state]
    if not step.detail or is_row_count(step.detail):
        return label
    return f"{label} ({wording.reason(step.detail, 150)})"


def _preview(action: Action, wording: Wording) -> str:
    amount = f"{money_text(action.amount)}, " if action.amount else ""
    preview = wording.prose(action.preview, 500)
    return f"{amount}{_undo_terms(action)}. Dry run: {preview}"


def _undo_terms(action: Action) -> str:
    if not action.reversible:
        return "CANNOT be undone"
    if action.undo_for < timedelta(minutes=1):
        return "can be undone"
    return f"can be taken back for {describe_span(action.undo_for)}"

"""The steps of a plan: what each does or has done."""

from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.lifecycle import State
from bot.cases.plan import Action, Plan
from bot.cases.program import is_own_action
from bot.desk.case_texts import describe_span
from bot.views.labels import as_words
from bot.views.plan_words import plan_items
from handlers.cards.text import Json, text_run
from handlers.cards.wording import Wording, is_row_count, money_text

MAX_SUMMARY = 1_000
#: Of an action that a program carries out itself.
HANDED_BACK = "{} does this now, and reports what came of it"
STEP_LABELS = {
    StepState.STARTED: "running",
    StepState.ACCEPTED: "accepted, not visible there yet",
    StepState.LANDED: "done",
    StepState.FAILED: "failed",
    StepState.REFUSED: "refused",
    StepState.SKIPPED: "not needed",
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
    if plan is None:
        return []
    summaries = plan_items(plan, lambda text: wording.prose(text, MAX_SUMMARY), wording.system)
    items = []
    for index, words in enumerate(summaries):
        summary = text_run(words, bold=True)
        items.append([summary, text_run(f"  {_status(case, plan, index=index, wording=wording)}")])
    return items


def _status(case: Case, plan: Plan, *, index: int, wording: Wording) -> str:
    if index < len(case.execution.steps):
        return _progress(case, index, wording)
    if plan.branches and case.state is State.RESOLVED and case.execution.steps:
        return STEP_LABELS[StepState.SKIPPED]
    return _preview(plan.actions[index], wording)


def _progress(case: Case, index: int, wording: Wording) -> str:
    step = case.execution.steps[index]
    label = STEP_LABELS[step.state]
    if step.state is StepState.ACCEPTED and is_own_action(case.action(index).name):
        return HANDED_BACK.format(wording.system(case.action(index).system))
    answer = describe_step_facts(case, index, wording)
    if answer:
        return f"{label} ({answer})"
    if not step.detail or is_row_count(step.detail):
        return label
    return f"{label} ({wording.reason(step.detail, 150)})"


def describe_step_facts(case: Case, index: int, wording: Wording) -> str:
    """Write what a step of a tree told: "answer: held"."""
    plan = case.proposal.plan
    if plan is None or not plan.branches or index >= len(case.execution.steps):
        return ""
    facts = case.execution.steps[index].facts
    words = [f"{as_words(name)}: {value}" for name, value in sorted(facts.items())]
    return wording.prose(", ".join(words), 200)


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

"""The plan on a card: its steps from the bytes that will run, then reason and basis."""

from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entry import StepState
from bot.cases.lifecycle import State
from bot.cases.plan import Action
from bot.cases.recommendation import Recommendation
from handlers.cards.blocks import context_block, labelled
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)

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


def plan_section(case: Case) -> list[Json]:
    """Build the plan; without one, only the precedents of the recommendation."""
    recommendation = case.recommendation
    if case.plan is None:
        return [context_block(*_precedents(recommendation))] if recommendation else []
    blocks = [rich_text(*_plan(case))]
    if recommendation:
        blocks.append(rich_text(*_reasons(recommendation)))
        precedents = _precedents(recommendation)
        blocks.append(context_block(*precedents, _confidence(recommendation)))
    return blocks


def _plan(case: Case) -> list[Json]:
    plan = case.plan
    if plan is None:
        return []
    parts = [paragraph(text_run(_title(case), bold=True))]
    if plan.is_dry_run:
        effect = "nothing was changed" if case.is_terminal else "nothing will be changed"
        parts.append(paragraph(text_run(f"Dry run: {effect}", bold=True)))
    steps = [_step(case, index, action) for index, action in enumerate(plan.actions)]
    parts.append(bullets(steps, ordered=True))
    if case.changes:
        parts.append(labelled("Edited: ", _describe_changes(case)))
    return parts


def _title(case: Case) -> str:
    is_open = case.state in {State.PROPOSED, State.OPEN}
    title = "Recommended plan" if is_open else "Plan"
    if case.revision > 1:
        return f"{title} (revision {case.revision})"
    return title


def _describe_changes(case: Case) -> str:
    changes = [f"{change.field} {change.before} → {change.after}" for change in case.changes]
    return clean(", ".join(changes), 400)


def _step(case: Case, index: int, action: Action) -> list[Json]:
    """Build a step's summary, then its progress or what it would do."""
    summary = text_run(clean(action.summary, 200), bold=True)
    is_started = index < len(case.steps)
    status = _step_progress(case, index) if is_started else _step_preview(action)
    return [summary, text_run(f"  {status}")]


def _step_progress(case: Case, index: int) -> str:
    step = case.steps[index]
    label = STEP_LABELS[step.state]
    if not step.detail:
        return label
    return f"{label} ({clean(step.detail, 150)})"


def _step_preview(action: Action) -> str:
    amount = f"{action.amount}, " if action.amount else ""
    return f"{amount}{_undo_terms(action)}. Dry run: {clean(action.preview, 250)}"


def _undo_terms(action: Action) -> str:
    if not action.reversible:
        return "CANNOT be undone"
    minutes = action.undo_for // timedelta(minutes=1)
    return f"can be taken back for {minutes} minutes" if minutes else "can be undone"


def _reasons(recommendation: Recommendation) -> list[Json]:
    parts = [labelled("Why this  ", clean(recommendation.reason, 300))]
    alternatives = "; ".join(
        f"{alternative.action}: {alternative.why_not}"
        for alternative in recommendation.alternatives
    )
    if alternatives:
        parts.append(labelled("Also considered  ", clean(alternatives, 300)))
    return parts


def _precedents(recommendation: Recommendation) -> list[str | Json]:
    """Build how similar cases ended, and how many of them are old or suspect."""
    if recommendation.memory:
        return [plain_text(f"Precedents: not available: {recommendation.memory}", 220)]
    stale = sum(citation.is_stale for citation in recommendation.citations)
    flagged = sum(citation.is_flagged for citation in recommendation.citations)
    marks = []
    if stale:
        marks.append(f"{stale} older than a year")
    if flagged:
        marks.append(f":warning: {flagged} with text that gives orders, not counted")
    tally = recommendation.precedents or "none found"
    return [plain_text(f"Precedents: {tally}", 220), "  ·  ".join(marks)]


def _confidence(recommendation: Recommendation) -> Json:
    """Build the confidence, its basis, and the guarantee that was certified for it."""
    parts = []
    if recommendation.confidence is not None:
        parts.append(f"Confidence {recommendation.confidence} %")
    parts.append(f"Basis: {clean(recommendation.basis, 400)}")
    if recommendation.promise:
        parts.append(clean(recommendation.promise, 200))
    return plain_text(" · ".join(parts), 700)

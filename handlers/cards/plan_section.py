"""The plan on a card: steps, reason, precedents and confidence."""

from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.lifecycle import State
from bot.cases.plan import Action, Plan
from bot.cases.recommendation import Recommendation
from handlers.cards.blocks import context_block, label_paragraph
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
    recommendation = case.proposal.recommendation
    if case.proposal.plan is None:
        if recommendation is None:
            return []
        return [context_block(*_precedents(recommendation))]
    blocks = [rich_text(*_plan(case, case.proposal.plan))]
    if recommendation:
        blocks.append(rich_text(*_reasons(recommendation)))
        precedents = _precedents(recommendation)
        blocks.append(context_block(*precedents, _confidence(recommendation)))
    return blocks


def _plan(case: Case, plan: Plan) -> list[Json]:
    parts = [paragraph(text_run(_title(case), bold=True))]
    if plan.is_dry_run:
        # Before the steps, so that nobody takes them for the real thing.
        effect = "nothing was changed" if case.is_terminal else "nothing will be changed"
        parts.append(paragraph(text_run(f"Dry run: {effect}", bold=True)))
    steps = [_step(case, index, action) for index, action in enumerate(plan.actions)]
    parts.append(bullets(steps, is_numbered=True))
    if case.proposal.changes:
        parts.append(label_paragraph("Edited: ", _describe_changes(case)))
    return parts


def _title(case: Case) -> str:
    title = "Plan"
    if case.state in {State.PROPOSED, State.OPEN}:
        title = "Recommended plan"
    if case.proposal.revision > 1:
        title += f" (revision {case.proposal.revision})"
    return title


def _describe_changes(case: Case) -> str:
    changes = [
        f"{change.field} {change.before} → {change.after}" for change in case.proposal.changes
    ]
    return clean(", ".join(changes), 400)


def _step(case: Case, index: int, action: Action) -> list[Json]:
    """Build a step's summary, then its progress or what it would do."""
    summary = text_run(clean(action.summary, 200), bold=True)
    is_started = index < len(case.execution.steps)
    status = _step_progress(case, index) if is_started else _step_preview(action)
    return [summary, text_run(f"  {status}")]


def _step_progress(case: Case, index: int) -> str:
    step = case.execution.steps[index]
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
    if not minutes:
        return "can be undone"
    return f"can be taken back for {minutes} minutes"


def _reasons(recommendation: Recommendation) -> list[Json]:
    parts = [label_paragraph("Why this  ", clean(recommendation.reason, 300))]
    alternatives = "; ".join(
        f"{alternative.action}: {alternative.why_not}"
        for alternative in recommendation.alternatives
    )
    if alternatives:
        parts.append(label_paragraph("Also considered  ", clean(alternatives, 300)))
    return parts


def _precedents(recommendation: Recommendation) -> list[str | Json]:
    """Build how similar cases ended, and how reliable they are."""
    if recommendation.memory:
        return [plain_text(f"Precedents: not available: {recommendation.memory}", 220)]
    stale_count = sum(citation.is_stale for citation in recommendation.citations)
    flagged_count = sum(citation.is_flagged for citation in recommendation.citations)
    marks = []
    if stale_count:
        marks.append(f"{stale_count} older than a year")
    if flagged_count:
        marks.append(f":warning: {flagged_count} with text that gives orders, not counted")
    tally = recommendation.precedents or "none found"
    return [plain_text(f"Precedents: {tally}", 220), "  ·  ".join(marks)]


def _confidence(recommendation: Recommendation) -> Json:
    """Build the confidence, its basis and its guarantee."""
    parts = []
    if recommendation.confidence is not None:
        parts.append(f"Confidence {recommendation.confidence} %")
    parts.append(f"Basis: {clean(recommendation.basis, 400)}")
    if recommendation.promise:
        parts.append(clean(recommendation.promise, 200))
    return plain_text(" · ".join(parts), 700)

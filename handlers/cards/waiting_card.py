"""A card that waits for a person.

It has the event, the question, the buttons and two context lines.
"""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.cases.missing_facts import left_out_facts
from bot.cases.plan import Proposer
from bot.cases.recommendation import Citation
from bot.cases.verdict import Ruling
from bot.ports.card_store import CardContext
from bot.views.labels import mid_sentence, start_upper
from handlers.cards.blocks import context_block, header_block
from handlers.cards.card_buttons import button_row, card_buttons, kind_buttons
from handlers.cards.case_words import (
    case_wording,
    headline,
)
from handlers.cards.context_lines import context_blocks
from handlers.cards.facts import failure_sentences, stale_sentences
from handlers.cards.hindsight import shadow_question
from handlers.cards.question import ask
from handlers.cards.report import report_line
from handlers.cards.text import (
    Json,
    clean,
    count_words,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, as_sentence, money_text, plural

MAX_SENTENCE = 300
MAX_REASON = 300
MAX_NOBODY = 400
SUGGESTED_BY_MODEL = "Suggested by a model, not by your playbooks. Check it with care."
# Without the labels of buttons. Three more of sixty are for the line that mentions people.
MAX_WORDS = 57


def waiting_card(case: Case, card_context: CardContext) -> list[Json]:
    """Build the card of a case that waits for a person."""
    wording = case_wording(case, card_context.labels)
    blocks = [header_block(_header(case, wording))]
    if card_context.pause_reason:
        pause_reason = start_upper(wording.reason(card_context.pause_reason, 200))
        pause = plain_text(f"⏸ {pause_reason}", 220)
        blocks.append(context_block(pause))
    if card_context.why_nobody:
        reason = clean(card_context.why_nobody, MAX_NOBODY)
        blocks.append(context_block(plain_text(f"⚠ Nobody can approve this: {reason}", MAX_NOBODY)))
    warnings = _warnings(case, wording, card_context)
    blocks.append(rich_text(*_paragraphs(case, wording, card_context), *warnings))
    context = context_blocks(
        case,
        wording,
        card_context,
        words_left=MAX_WORDS - count_words(blocks),
        is_doubtful=bool(warnings),
    )
    buttons = card_buttons(case, is_undoable=card_context.is_undoable, labels=card_context.labels)
    return [
        *blocks,
        *button_row("kind", case, kind_buttons(case)),
        *button_row("case", case, buttons),
        *context,
    ]


def _header(case: Case, wording: Wording) -> str:
    text = headline(case, wording, 110)
    stake = case.assessment.stake
    if stake and stake.amount:
        text += f" · {money_text(stake)}"
    return text


def _paragraphs(case: Case, wording: Wording, card_context: CardContext) -> list[Json]:
    """Build what happened, and the question."""
    parts = report_line(case, card_context.requester_name)
    # Of what nobody has named yet, the report says more than the playbook.
    is_said = _is_unrecognised(case) or bool(left_out_facts(case))
    happening = "" if parts and is_said else _what_happened(case, wording)
    sentences = [happening, *_history(case, wording, card_context)]
    parts += [paragraph(text_run(sentence)) for sentence in sentences if sentence]
    question, consequence = _question(case, wording)
    runs = [text_run(question, bold=True)]
    if case.state is State.PROPOSED and is_of_model(case):
        parts.append(paragraph(text_run(SUGGESTED_BY_MODEL, italic=True)))
    if consequence:
        runs.append(text_run(f" {consequence}"))
    parts.append(paragraph(*runs))
    return parts


def _what_happened(case: Case, wording: Wording) -> str:
    """Say in one sentence what happened and why it matters."""
    text = case.assessment.why or case.assessment.what
    sentence = as_sentence(wording.prose(text, MAX_SENTENCE))
    if case.activity.signal_count > 1:
        sentence += f" Reported {case.activity.signal_count:,} times."
    return sentence.strip()


def _history(case: Case, wording: Wording, card_context: CardContext) -> list[str]:
    """Tell readers of an earlier card what has changed since."""
    sentences = []
    if case.activity.drift_reasons:
        reasons = wording.reason("; ".join(case.activity.drift_reasons), MAX_REASON)
        sentences.append(as_sentence(f"Asked again: {reasons}"))
    if case.execution.earlier_steps and case.state is not State.OUTCOME_UNKNOWN:
        summaries = "; ".join(one.action.summary for one in case.execution.earlier_steps)
        sentences.append(
            as_sentence(wording.prose(f"Done already: {mid_sentence(summaries)}", 300))
        )
    if case.activity.reopening_reason:
        reason = clean(case.activity.reopening_reason, MAX_REASON)
        sentences.append(as_sentence(f"Opened again: {reason}"))
    if case.proposal.changes:
        sentences.append(_describe_edit(case, wording, card_context.edited_by))
    return sentences


def _describe_edit(case: Case, wording: Wording, editor: str) -> str:
    plan = case.proposal.plan
    action = plan.actions[0].name if plan else ""
    changes = []
    for change in case.proposal.changes:
        label = mid_sentence(wording.labels.parameter(action, change.field))
        changes.append(f"{label} {change.before} → {change.after}")
    label = f"Edited by {clean(editor, 60)}" if editor else "Edited"
    return as_sentence(wording.prose(f"{label}: {', '.join(changes)}", 400))


def is_of_model(case: Case) -> bool:
    """Tell whether a model suggested the plan."""
    plan = case.proposal.plan
    return plan is not None and plan.proposer is Proposer.MODEL


def _question(case: Case, wording: Wording) -> tuple[str, str]:
    """Write the question and, after it, its consequence."""
    if case.state is State.PROPOSED and case.proposal.plan:
        question = ask(case.proposal.plan, wording)
        return question.text, question.consequence
    if case.state is State.OUTCOME_UNKNOWN:
        return _question_of_doubt(case, wording)
    if case.is_in_shadow:
        return shadow_question(case, wording)
    if _is_unrecognised(case):
        return "What is it?", "Your answer is learned from."
    missing = left_out_facts(case)
    if missing:
        return "Which one?", f"Nobody said the {clean(missing, 120)}."
    return "What is to be done?", _why_no_plan(case, wording)


def question_text(case: Case, wording: Wording) -> str:
    """Write the question with its consequence, for messages beside the card."""
    question, consequence = _question(case, wording)
    return f"{question} {consequence}".strip()


def _question_of_doubt(case: Case, wording: Wording) -> tuple[str, str]:
    """Say what to look at, and where."""
    reason = case.activity.status_reason
    detail = wording.sentence(reason.reason, MAX_REASON) if reason else ""
    step = case.execution.step_in_doubt
    if step is None or case.proposal.plan is None:
        return "Did it happen?", detail
    action = case.action(step)
    summary = wording.prose(action.summary, MAX_SENTENCE)
    system = wording.system(action.system)
    target = wording.target(action.target, 120)
    return f"Did this happen: {summary}?", f"Look at {target} ({system}). {detail}".strip()


def _why_no_plan(case: Case, wording: Wording) -> str:
    recommendation, verdict = case.proposal.recommendation, case.proposal.verdict
    if verdict and verdict.ruling is Ruling.REFUSE:
        reason = wording.reason(verdict.reason, MAX_REASON)
        return as_sentence(f"Policy refuses the plan: {reason}")
    if recommendation and recommendation.alternatives and not recommendation.action:
        reasons = []
        for alternative in recommendation.alternatives:
            reasons.append(wording.sentence(alternative.why_not, 200))
        return clean(f"No plan fits. {' '.join(reasons)}", MAX_REASON)
    status = case.activity.status_reason
    if status is None:
        return ""
    return wording.sentence(status.reason, MAX_REASON)


def _is_unrecognised(case: Case) -> bool:
    recognition = case.classification.recognition
    if recognition is None or case.classification.named_by or case.classification.is_novel:
        return False
    return not recognition.kind


def _warnings(case: Case, wording: Wording, card_context: CardContext) -> list[Json]:
    """Say what contradicts the question, or is missing for an answer."""
    warnings = [*failure_sentences(case, wording), *stale_sentences(case, card_context.stale_facts)]
    conflict_count = case.activity.conflict_count
    if conflict_count:
        verb = "contradicts" if conflict_count == 1 else "contradict"
        warnings.append(f"⚠ {plural(conflict_count, 'later report')} {verb} this.")
    if case.signal.is_guessed:
        source = wording.system(case.shown_source)
        warnings.append(f"⚠ Nobody has described what {source} sends: this is a guess.")
    if case.timers.cleared_at:
        warnings.append("⚠ The source says it is over.")
    flagged_count = sum(citation.is_flagged for citation in _citations(case))
    if flagged_count:
        # A text that gives orders may try to sway whoever reads it.
        verb = "gives" if flagged_count == 1 else "give"
        warnings.append(f"⚠ {plural(flagged_count, 'case')} like it {verb} orders: not counted.")
    if case.classification.is_urgent and _is_unrecognised(case):
        warnings.append("⚠ Much is at stake, and nothing like it is known.")
    return [paragraph(text_run(warning)) for warning in warnings]


def _citations(case: Case) -> Sequence[Citation]:
    recommendation = case.proposal.recommendation
    return recommendation.citations if recommendation else ()

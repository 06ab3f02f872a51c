"""A card that waits for a person: the event, the question, the buttons, two context lines."""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.cases.missing_facts import left_out_facts
from bot.cases.policy import RiskTier, Ruling, Verdict
from bot.cases.precedent import CaseOutcome
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Citation
from bot.ports.card_store import CardContext
from bot.views.labels import as_words, start_upper
from handlers.cards.blocks import context_block, header_block
from handlers.cards.card_buttons import button_row, card_buttons, kind_buttons
from handlers.cards.case_words import (
    case_wording,
    describe_approvals,
    headline,
    owner_mention,
)
from handlers.cards.facts import evidence_line, failure_sentences
from handlers.cards.question import ask
from handlers.cards.report import report_line
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
from handlers.cards.wording import Wording, as_sentence, money_text, plural

MAX_SENTENCE = 300
MAX_REASON = 300
WAITING_STATES = frozenset({State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN})


def waiting_card(case: Case, card_context: CardContext) -> list[Json]:
    """Build the card of a case that a person must do something about."""
    wording = case_wording(case, card_context.labels)
    blocks = [header_block(_header(case, wording))]
    if card_context.pause_reason:
        pause = ":double_vertical_bar: *Paused: nothing runs.*"
        blocks.append(context_block(pause, plain_text(card_context.pause_reason, 200)))
    blocks.append(rich_text(*_paragraphs(case, wording, card_context)))
    blocks += button_row("kind", case, kind_buttons(case))
    blocks += button_row("case", case, card_buttons(case, is_undoable=card_context.is_undoable))
    evidence = evidence_line(case, wording)
    # Where the outcome is in doubt, only the outside system has evidence.
    if evidence and case.state is not State.OUTCOME_UNKNOWN:
        blocks.append(context_block(*evidence))
    blocks.append(context_block(*_responsibility(case)))
    return blocks


def _header(case: Case, wording: Wording) -> str:
    text = headline(case, wording, 110)
    stake = case.assessment.stake
    if stake and stake.amount:
        text += f" · {money_text(stake)}"
    return text


def _paragraphs(case: Case, wording: Wording, card_context: CardContext) -> list[Json]:
    """Build what happened, the question, and what stands against a quick answer."""
    parts = report_line(case, card_context.requester_name)
    # Of what nobody has named yet, the report says more than the playbook.
    is_said = _is_unrecognised(case) or bool(left_out_facts(case))
    happening = "" if parts and is_said else _what_happened(case, wording)
    sentences = [happening, *_history(case, wording)]
    parts += [paragraph(text_run(sentence)) for sentence in sentences if sentence]
    question, consequence = _question(case, wording)
    runs = [text_run(question, bold=True)]
    if consequence:
        runs.append(text_run(f" {consequence}"))
    parts.append(paragraph(*runs))
    parts += [paragraph(text_run(warning)) for warning in _warnings(case)]
    return parts


def _what_happened(case: Case, wording: Wording) -> str:
    """Say in one sentence what happened and why it matters."""
    text = case.assessment.why or case.assessment.what
    return as_sentence(wording.prose(text, MAX_SENTENCE))


def _history(case: Case, wording: Wording) -> list[str]:
    """Say what a person must know who has seen an earlier card of the case."""
    sentences = []
    if case.activity.drift_reasons:
        reasons = clean(as_words("; ".join(case.activity.drift_reasons)), MAX_REASON)
        sentences.append(as_sentence(f"Asked again: {reasons}"))
    if case.activity.reopening_reason:
        reason = clean(case.activity.reopening_reason, MAX_REASON)
        sentences.append(as_sentence(f"Opened again: {reason}"))
    if case.proposal.changes:
        sentences.append(_describe_edit(case, wording))
    return sentences


def _describe_edit(case: Case, wording: Wording) -> str:
    plan = case.proposal.plan
    action = plan.actions[0].name if plan else ""
    changes = [
        f"{wording.labels.parameter(action, change.field)} {change.before} → {change.after}"
        for change in case.proposal.changes
    ]
    text = wording.prose(f"Edited: {', '.join(changes)}", 400)
    return as_sentence(text)


def _question(case: Case, wording: Wording) -> tuple[str, str]:
    """Write the question and, after it, its consequence."""
    if case.state is State.PROPOSED and case.proposal.plan:
        question = ask(case.proposal.plan, wording)
        return question.text, question.consequence
    if case.state is State.OUTCOME_UNKNOWN:
        return _question_of_doubt(case, wording)
    if _is_unrecognised(case):
        return "What is it?", "Your answer is learned from."
    missing = left_out_facts(case)
    if missing:
        return "Which one?", f"Nobody said the {clean(missing, 120)}."
    return "What is to be done?", _why_no_plan(case, wording)


def _question_of_doubt(case: Case, wording: Wording) -> tuple[str, str]:
    """Say what to look at, and where."""
    reason = case.activity.status_reason
    detail = as_sentence(start_upper(clean(reason.reason, MAX_REASON))) if reason else ""
    step = case.execution.step_in_doubt
    if step is None or case.proposal.plan is None:
        return "Did it happen?", detail
    action = case.proposal.plan.actions[step]
    summary = wording.prose(action.summary, MAX_SENTENCE)
    system = clean(wording.labels.system(action.system), 60)
    target = wording.target(action.target, 120)
    return f"Did this happen: {summary}?", f"Look at {target} ({system}). {detail}".strip()


def _why_no_plan(case: Case, wording: Wording) -> str:
    recommendation, verdict = case.proposal.recommendation, case.proposal.verdict
    if verdict and verdict.ruling is Ruling.REFUSE:
        reason = wording.prose(verdict.reason, MAX_REASON)
        return as_sentence(f"Policy refuses the plan: {reason}")
    if recommendation and recommendation.alternatives and not recommendation.action:
        reasons = [
            as_sentence(start_upper(wording.prose(alternative.why_not, 200)))
            for alternative in recommendation.alternatives
        ]
        return clean(f"No plan fits. {' '.join(reasons)}", MAX_REASON)
    status = case.activity.status_reason
    if status is None:
        return ""
    return as_sentence(start_upper(wording.prose(status.reason, MAX_REASON)))


def _is_unrecognised(case: Case) -> bool:
    recognition = case.classification.recognition
    if recognition is None or case.classification.named_by or case.classification.is_novel:
        return False
    return not recognition.kind


def _warnings(case: Case) -> list[str]:
    """Say what contradicts the question, or is missing for an answer."""
    warnings = failure_sentences(case)
    conflict_count = case.activity.conflict_count
    if conflict_count:
        verb = "contradicts" if conflict_count == 1 else "contradict"
        warnings.append(f"⚠ {plural(conflict_count, 'later report')} {verb} this.")
    if case.timers.cleared_at:
        warnings.append("⚠ The source says that it is over.")
    flagged_count = sum(citation.is_flagged for citation in _citations(case))
    if flagged_count:
        # A text that gives orders may try to sway whoever reads it.
        verb = "gives" if flagged_count == 1 else "give"
        warnings.append(f"⚠ {plural(flagged_count, 'case')} like it {verb} orders: not counted.")
    if case.classification.is_urgent and _is_unrecognised(case):
        warnings.append("⚠ Much is at stake, and nothing like it is known.")
    return warnings


def _citations(case: Case) -> Sequence[Citation]:
    recommendation = case.proposal.recommendation
    return recommendation.citations if recommendation else ()


# --- context ----------------------------------------------------------------------------------


def _responsibility(case: Case) -> list[str | Json]:
    """Build one line: how like cases ended, what was taken for what, who decides by when."""
    parts: list[str | Json] = []
    statement = " · ".join(filter(None, [_precedents(case), _kind(case), _count(case)]))
    if statement:
        parts.append(plain_text(statement, 300))
    approvals = describe_approvals(case)
    if approvals and case.state is State.PROPOSED:
        parts.append(plain_text(f"Approved by {approvals}", 400))
    parts.append(_who_decides(case))
    return parts


def _precedents(case: Case) -> str:
    """Say in one statement of one set how cases like it ended."""
    recommendation = case.proposal.recommendation
    if recommendation is None or case.state is not State.PROPOSED:
        return ""
    # With facts missing or contradicted, how others ended is no help for a quick answer.
    if _warnings(case):
        return ""
    if recommendation.memory:
        return "Cases like it are not available now"
    citations = [citation for citation in recommendation.citations if not citation.is_flagged]
    if not citations:
        return ""
    successes = 0
    for citation in citations:
        is_same_action = citation.action == recommendation.action
        if is_same_action and citation.ended == CaseOutcome.WORKED:
            successes += 1
    return f"{successes} of {len(citations)} like it worked"


def _count(case: Case) -> str:
    """Count the reports of a case that was reported more than once."""
    count = case.activity.signal_count
    return f"Reported {count:,} times" if count > 1 else ""


def _kind(case: Case) -> str:
    """Say for which kind an unnamed signal was taken, and by whom."""
    recognition = case.classification.recognition
    if recognition is None:
        return ""
    named_by = clean(case.classification.named_by, 60)
    if case.classification.is_novel:
        return f"{named_by} says that it is something new"
    if named_by:
        return f"{named_by} said what it is"
    if recognition.kind:
        return _guess(recognition)
    return ""


def _guess(recognition: Recognition) -> str:
    title = recognition.kind.replace("_", " ")
    for guess in recognition.guesses:
        if guess.kind == recognition.kind:
            title = guess.title
            break
    return f"Taken for “{clean(title, 120)}”, {recognition.confidence} % sure"


def _who_decides(case: Case) -> str:
    """Say in mrkdwn who decides, and by when."""
    verdict = case.proposal.verdict
    deadline = mrkdwn_date(case.timers.sla.decide_by)
    if case.state is not State.PROPOSED or verdict is None:
        return f"*With* {owner_mention(case)}, due by {deadline}"
    label = "High risk" if verdict.tier is RiskTier.HIGH else "Decides"
    parts = [f"*{label}:* {_name_approvers(verdict)} by {deadline}"]
    if case.proposal.approvals:
        parts.append(_count_approvals(case, verdict))
    if verdict.step_up:
        parts.append("each with their passkey")
    expires_at = case.proposal.expires_at
    if expires_at and case.timers.is_escalated:
        parts.append(f"the question expires {mrkdwn_date(expires_at)}")
    return ", ".join(parts)


def _name_approvers(verdict: Verdict) -> str:
    """Name in mrkdwn who may approve; groups of which one is enough without a count."""
    approvers = describe_approvers(verdict.factors)
    is_one_of_each = all(factor.count == 1 for factor in verdict.factors)
    # With commas it is a list of people, of whom one is enough.
    if is_one_of_each and "," not in approvers:
        return approvers.replace("one of ", "")
    return approvers


def _count_approvals(case: Case, verdict: Verdict) -> str:
    """Count the approvals.

    There may be enough of them, and still none from a group that is required.
    """
    count = len(case.proposal.approvals)
    if count < verdict.approvals_needed:
        return f"{count} of {verdict.approvals_needed} given"
    return f"{count} given, but not yet a person of its own for each"

"""The card of a case: description, evidence, plan and responsibility."""

import re
from collections.abc import Iterable

from bot.cases.approval import Approval
from bot.cases.case import Case, StatusReason
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import State
from bot.cases.policy import Ruling, Verdict
from bot.cases.recognition import Recognition
from bot.ports.card_store import CardContext
from handlers.cards.blocks import (
    context_block,
    header_block,
    label_paragraph,
)
from handlers.cards.card_buttons import button_row, card_buttons, kind_buttons
from handlers.cards.plan_section import plan_section
from handlers.cards.text import (
    Json,
    clean,
    describe_approvers,
    escape_mrkdwn,
    mrkdwn_date,
    paragraph,
    plain_text,
    quote,
    rich_text,
    safe_handle,
    text_run,
)

# Facts beyond these are in the ledger.
FACT_COLUMNS = ("Fact", "Value", "Source", "Read")
MAX_FACTS = 12
MAX_REASON = 300
# A principal with the id of a Slack user: "T1/U1".
PERSON = re.compile(r"[A-Z0-9]+/[UW][A-Z0-9]+")
DEFAULT_CONTEXT = CardContext()
STATE_LABELS = {
    State.OPEN: ":hourglass_flowing_sand: Looking into it",
    State.PROPOSED: ":large_yellow_circle: Waiting for a decision",
    State.REFERRED: ":bust_in_silhouette: Needs a person",
    State.SNOOZED: ":zzz: Snoozed",
    State.APPROVED: ":white_check_mark: Approved, about to be carried out",
    State.RUNNING: ":gear: Being carried out",
    State.OUTCOME_UNKNOWN: ":question: Outcome unknown: somebody must look",
    State.RESOLVED: ":white_check_mark: Resolved",
    State.REJECTED: ":no_entry: Rejected",
    State.EXPIRED: ":hourglass: Expired, nothing was done",
    State.CLEARED: ":wind_blowing_face: Cleared by itself, nothing was done",
}


def case_card(case: Case, card_context: CardContext = DEFAULT_CONTEXT) -> list[Json]:
    """Build the blocks of a case's card.

    ``card_context`` is what the case itself does not say: a pause, and whether undo is possible.
    """
    blocks = [header_block(_headline(case)), context_block(_status_line(case))]
    if card_context.pause_reason:
        pause = ":double_vertical_bar: *Paused: nothing runs.*"
        blocks.append(context_block(pause, plain_text(card_context.pause_reason, 400)))
    blocks += _decision(case)
    if card_context.is_undoable:
        blocks += _undo_votes(case)
    blocks += _description(case)
    blocks += _recognition(case)
    blocks += _evidence(case)
    blocks += plan_section(case)
    blocks += _model_text(case)
    blocks.append(context_block(*_responsibility(case)))
    blocks += button_row("kind", case, kind_buttons(case))
    buttons = card_buttons(case, is_undoable=card_context.is_undoable)
    blocks += button_row("case", case, buttons)
    return blocks


def notification_text(case: Case) -> str:
    """Write the notification line: the ask with its price, or the state."""
    if case.state is State.PROPOSED and case.proposal.plan:
        return escape_mrkdwn(f"{ask_text(case)} {case.id}: {case.signal.title}", 250)
    return escape_mrkdwn(f"{case.id}: {case.signal.title} — {case.state}", 250)


def ask_text(case: Case) -> str:
    """Write the question that an approval answers, with its price."""
    plan = case.proposal.plan
    if plan is None or not plan.actions:
        return ""
    first, *others = [clean(action.summary, 100) for action in plan.actions]
    ask = first[:1].upper() + first[1:]
    if others:
        ask += f" and {others[0]}" if len(others) == 1 else f" and {len(others)} more steps"
    if plan.amount and str(plan.amount) not in ask:
        ask += f" for {plan.amount}"
    return f"{ask}?"


def superseded_card(case: Case) -> list[Json]:
    """Build what replaces an older card: the reason, and no buttons."""
    notice = ":arrows_counterclockwise: Replaced by a newer card in this channel"
    reason = clean(_reason_for_new_card(case), 500)
    return [
        header_block(_headline(case)),
        context_block(notice),
        rich_text(label_paragraph("Why  ", reason)),
    ]


def _reason_for_new_card(case: Case) -> str:
    kind = case.kind.replace("_", " ")
    naming = (
        f"{case.classification.named_by} says what it is: {kind}"
        if case.classification.named_by
        else ""
    )
    return (
        "; ".join(case.activity.drift_reasons)
        or case.activity.reopening_reason
        or naming
        or "it came up again"
    )


def _headline(case: Case) -> str:
    headline = f"{case.id} · {clean(case.signal.title, 110)}"
    if case.assessment.stake:
        headline += f" · {case.assessment.stake}"
    return headline


def _status_line(case: Case) -> str:
    parts = [f"*{STATE_LABELS[case.state]}*"]
    if case.state is State.SNOOZED and case.timers.snoozed_until:
        parts.append(f"until {mrkdwn_date(case.timers.snoozed_until)}")
    if case.state is State.PROPOSED and case.proposal.expires_at:
        parts.append(f"decide by {mrkdwn_date(case.proposal.expires_at)}")
    if case.proposal.verdict and case.state in {State.PROPOSED, State.APPROVED}:
        parts.append(f"{case.proposal.verdict.tier.name.lower()} risk")
    if case.activity.signal_count > 1:
        parts.append(f"seen {case.activity.signal_count:,} times")
    if case.timers.cleared_at and case.state is not State.CLEARED:
        parts.append("the source says it has cleared")
    if case.activity.conflict_count:
        parts.append(
            f":warning: {case.activity.conflict_count} contradictory deliveries kept aside"
        )
    return "  ·  ".join(parts)


def _decision(case: Case) -> list[Json]:
    """Build who decided, when and why; a person looks for that first."""
    paragraphs = []
    if case.proposal.approvals:
        paragraphs.append(label_paragraph("Approved by ", _describe_approvals(case)))
    if case.activity.status_reason:
        paragraphs += _ending(case, case.activity.status_reason)
    if case.activity.drift_reasons and not case.is_terminal:
        reasons = clean("; ".join(case.activity.drift_reasons), 500)
        paragraphs.append(label_paragraph("Asked again because ", reasons))
    if case.activity.reopening_reason and not case.is_terminal:
        paragraphs.append(
            label_paragraph("Opened again: ", clean(case.activity.reopening_reason, 300))
        )
    if not paragraphs:
        return []
    return [rich_text(*paragraphs)]


def _describe_approvals(case: Case) -> str:
    names = ", ".join(map(_approver, case.proposal.approvals))
    notes = ""
    for approval in case.proposal.approvals:
        if approval.note:
            notes += f" — “{clean(approval.note, 200)}”"
    return names + notes


def _ending(case: Case, ending: StatusReason) -> list[Json]:
    if case.state is State.PROPOSED:
        return []
    if case.state is State.REJECTED:
        return [_rejection(ending)]
    reason = clean(ending.reason, 700).capitalize()
    detail = ""
    if _is_by_a_person(ending):
        detail += f" ({clean(ending.by, 60)})"
    if ending.note:
        detail += f" — {clean(ending.note, 500)}"
    return [label_paragraph(reason, detail)]


def _rejection(ending: StatusReason) -> Json:
    reason = ending.reason
    if ending.note:
        reason += f" — “{clean(ending.note, 300)}”"
    return label_paragraph(f"Rejected by {clean(ending.by, 60)}: ", reason)


def _is_by_a_person(ending: StatusReason) -> bool:
    if not ending.by or ending.by == "countersign":
        return False
    return not ending.by.startswith("source:")


def _approver(approval: Approval) -> str:
    if approval.person.startswith("policy:"):
        return "policy, by itself"
    name = clean(approval.name, 60)
    if approval.behalf_of:
        name += f" for {clean(approval.behalf_name, 60)}"
    if approval.emergency:
        name += ", ALONE in an emergency"
    return name


def _undo_votes(case: Case) -> list[Json]:
    """Build who wants the plan undone, and how many more must agree."""
    votes, verdict = case.execution.undo_approvals, case.proposal.verdict
    if case.state is not State.RESOLVED or not votes:
        return []
    if verdict is None or case.execution.undo_until is None:
        return []
    voters = []
    for vote in votes:
        voters.append(f"{_approver(vote)} — “{clean(vote.note, 200)}”")
    label = f"{len(votes)} of {case.undo_votes_needed} say take it back: "
    approvers = describe_approvers(verdict.factors)
    until = mrkdwn_date(case.execution.undo_until)
    rule = f"It takes {approvers} to say so, until {until}; after that it stays as it is"
    return [rich_text(label_paragraph(label, ", ".join(voters))), context_block(rule)]


def _description(case: Case) -> list[Json]:
    """Build what happened, as the source says, and why it matters."""
    source = clean(case.signal.source, 40)
    title = text_run(f"What happened, according to {source}", bold=True)
    what = clean(case.assessment.what or case.signal.title, 900, lines=6) or "(no words)"
    blocks = [rich_text(paragraph(title), quote(what))]
    if case.assessment.why:
        why = clean(case.assessment.why, 600, lines=3)
        blocks.append(rich_text(label_paragraph("Why it matters  ", why)))
    return blocks


def _evidence(case: Case) -> list[Json]:
    """Build the facts as a table, failed look-ups included."""
    # A fact without a label is used by the playbook, but not shown.
    facts = [fact for fact in case.assessment.evidence if fact.label]
    if not facts:
        return []
    rows = [_table_row(FACT_COLUMNS)]
    rows += map(_fact_row, facts[:MAX_FACTS])
    blocks: list[Json] = [{"type": "table", "rows": rows}]
    more = len(facts) - MAX_FACTS
    if more > 0:
        blocks.append(context_block(f"{more} more facts are in the ledger"))
    return blocks


def _fact_row(fact: Evidence) -> list[Json]:
    time_text = f"{fact.read_at:%H:%M} UTC"
    return _table_row([clean(fact.label, 60), _fact_value(fact), clean(fact.source, 30), time_text])


def _table_row(texts: Iterable[str]) -> list[Json]:
    # Slack accepts no empty cell.
    return [{"type": "raw_text", "text": text or "-"} for text in texts]


def _fact_value(fact: Evidence) -> str:
    if fact.failure is not None:
        return f"could not be read: {clean(fact.failure, 140)}"
    if fact.value is None:
        return "none"
    if fact.value is True:
        return "yes"
    if fact.value is False:
        return "no"
    if isinstance(fact.value, float):
        return f"{fact.value:,.2f}".removesuffix(".00")
    return clean(str(fact.value), 160)


def _recognition(case: Case) -> list[Json]:
    """Build which kind an unnamed signal was taken for."""
    recognition = case.classification.recognition
    if recognition is None:
        return []
    if case.classification.named_by:
        text = f"🏷 {clean(case.classification.named_by, 60)} says that it {_describe_kind(case)}"
        return [context_block(plain_text(text, 300))]
    if recognition.kind:
        return [context_block(plain_text(f"🏷 {_describe_guess(recognition)}", 450))]
    urgent = ""
    if case.classification.is_urgent:
        urgent = (
            ":small_red_triangle: *Nothing like it is known, and much is at stake: asked first.*"
        )
    basis = clean(recognition.basis, 200)
    text = f"🏷 Not recognised ({basis}). Your answer below is learned from."
    return [context_block(urgent, plain_text(text, 300))]


def _describe_kind(case: Case) -> str:
    if case.classification.is_novel:
        return "is something new"
    return f"is “{clean(case.kind.replace('_', ' '), 200)}”"


def _describe_guess(recognition: Recognition) -> str:
    title = recognition.kind
    for guess in recognition.guesses:
        if guess.kind == recognition.kind:
            title = guess.title
            break
    basis = clean(recognition.basis, 200)
    return f"Taken for “{clean(title, 200)}”, {recognition.confidence} % sure ({basis})"


def _model_text(case: Case) -> list[Json]:
    """Quote a model's text under a label, below everything that counts."""
    words = case.proposal.words
    if words is None or case.is_terminal:
        return []
    lines = [clean(words.what, 400), clean(words.why, 400)]
    if words.suggestion:
        lines.append(f"It would change: {clean(words.suggestion, 300)}")
    model = clean(words.model, 60)
    label = f"In other words, written by the model {model} and not checked"
    return [rich_text(paragraph(text_run(label, italic=True)), quote("\n".join(lines)))]


def _responsibility(case: Case) -> list[str | Json]:
    """Build the owner, who may approve, and the policy's reason.

    A reason quotes the plan, and so what a source has sent: it is never read as markup.
    """
    opening_date = mrkdwn_date(case.timers.opened_at)
    lines: list[str | Json] = [f"*Owner* {_owner_mention(case)}  ·  *Opened* {opening_date}"]
    verdict = case.proposal.verdict
    if verdict is None:
        return lines
    reason = f"{clean(verdict.reason, MAX_REASON)} ({verdict.rule})"
    if case.state is State.PROPOSED:
        lines.append(f"*May approve* {_approval_terms(case, verdict)}")
        lines.append(plain_text(f"Policy: {reason}", 2 * MAX_REASON))
    elif verdict.ruling is Ruling.REFUSE:
        lines.append(plain_text(f"Policy refuses: {reason}", 2 * MAX_REASON))
    return lines


def _owner_mention(case: Case) -> str:
    if PERSON.fullmatch(case.owner):
        user_id = case.owner.rpartition("/")[2]
        return f"<@{user_id}>"
    return f"@{safe_handle(case.owner)}"


def _approval_terms(case: Case, verdict: Verdict) -> str:
    terms = describe_approvers(verdict.factors)
    if case.proposal.approvals:
        terms += f" ({_count_approvals(case, verdict)})"
    if verdict.step_up:
        terms += ", each with their passkey"
    return terms


def _count_approvals(case: Case, verdict: Verdict) -> str:
    """Count the approvals.

    There may be enough of them, and still none from a group that is required.
    """
    count = len(case.proposal.approvals)
    if count < verdict.approvals_needed:
        return f"{count} of {verdict.approvals_needed} given"
    return f"{count} given, but not yet a person of its own for each"

"""The form that edits a plan, and its preview.

The preview shows before and after, price and risk, and objections.
"""

import re
from collections.abc import Sequence
from datetime import date

from bot.cases.case import Case
from bot.cases.edits import EditField, EditForm, EditPreview, describe_bounds
from bot.cases.plan import Plan
from bot.cases.verdict import Verdict
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.blocks import context_block, date_input, input_block, text_input
from handlers.cards.case_words import case_wording
from handlers.cards.forms import case_form
from handlers.cards.question import ask
from handlers.cards.text import Json, describe_approvers, paragraph, rich_text, text_run
from handlers.cards.wording import Wording, as_sentence, money_text

RULE = "Policy judges the new plan again, and somebody else must approve it."
MAX_INPUT = 500
MAX_VALUE = 600
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def edit_form(case: Case, form: EditForm, labels: Labels) -> Json:
    """Build the form of the parameters that the playbook lets people edit."""
    limit = ""
    if form.max_amount:
        limit = f" At most {money_text(form.max_amount)} may be moved at once."
    rule = rich_text(paragraph(text_run(f"{RULE}{limit}")))
    return case_form(
        case,
        callback_id=ids.EDIT_FORM,
        title="Edit the plan",
        submit="See the change",
        blocks=[rule, *_inputs(case, form.fields, labels)],
    )


def edit_preview_form(
    preview: EditPreview, fields: Sequence[EditField], labels: Labels, *, fingerprint: str
) -> Json:
    """Build the form with the changes that an unsaved edit makes.

    ``fingerprint`` is of the values that are previewed: others are previewed again.
    """
    case = preview.before
    view = case_form(
        case,
        callback_id=ids.EDIT_FORM,
        title="Edit the plan",
        submit="Save",
        blocks=[*_preview_blocks(preview, labels), *_inputs(case, fields, labels)],
    )
    return {**view, "private_metadata": f"{view['private_metadata']} {fingerprint}"}


def _preview_blocks(preview: EditPreview, labels: Labels) -> list[Json]:
    wording = case_wording(preview.after, labels)
    before, after = preview.before.proposal, preview.after.proposal
    parts = [_line(*change) for change in _changes(preview, wording)]
    if before.plan and after.plan:
        parts += _price(before.plan, after.plan)
        question = ask(after.plan, wording)
        parts.append(paragraph(text_run(question.text, bold=True)))
        parts.append(paragraph(text_run(question.consequence)))
    for contradiction in preview.contradictions:
        text = as_sentence(f"⚠ {wording.prose(contradiction, 300)}")
        parts.append(paragraph(text_run(text, bold=True)))
    blocks = [rich_text(*parts)]
    if before.verdict and after.verdict:
        blocks.append(context_block(_risk(before.verdict, after.verdict)))
    return blocks


def _changes(preview: EditPreview, wording: Wording) -> list[tuple[str, str, str]]:
    """List label, value before and value after of each parameter that changes."""
    plan = preview.after.proposal.plan
    action = plan.actions[0].name if plan else ""
    changes = []
    for change in preview.after.proposal.changes:
        label = wording.parameter_label(action, change.field)
        before = wording.prose(str(change.before), MAX_VALUE)
        after = wording.prose(str(change.after), MAX_VALUE)
        changes.append((label, before, after))
    return changes


def _line(label: str, before: str, after: str) -> Json:
    return paragraph(text_run(f"{label}  ", bold=True), text_run(f"{before} → {after}"))


def _price(before: Plan, after: Plan) -> list[Json]:
    if before.amount is None or after.amount is None:
        return []
    return [_line("Price", money_text(before.amount), money_text(after.amount))]


def _risk(before: Verdict, after: Verdict) -> str:
    """Say in mrkdwn what becomes of risk and approvers."""
    risks = [verdict.tier.name.lower() for verdict in (before, after)]
    risk = f"*Risk:* {risks[0]}" if risks[0] == risks[1] else f"*Risk:* {risks[0]} → {risks[1]}"
    return f"{risk}. *Needs* {describe_approvers(after.factors)}. {RULE}"


def _inputs(case: Case, fields: Sequence[EditField], labels: Labels) -> list[Json]:
    plan = case.proposal.plan
    if plan is None:
        return []
    wording = Wording(labels=labels)
    action = plan.actions[0]
    blocks = []
    for field in fields:
        label = wording.parameter_label(action.name, field.name)
        hint = _hint(field, action.parameters.get(field.name))
        blocks.append(input_block(f"parameter:{field.name}", label, _input(field), hint=hint))
    return blocks


def _input(field: EditField) -> Json:
    action_id = f"{ids.PARAMETER}{field.name}"
    value = str(field.value)
    if is_day(value):
        return date_input(action_id, initial_date=value)
    # Slack accepts no longer initial value than the field may have.
    return text_input(action_id, max_length=MAX_INPUT, initial_value=value[:MAX_INPUT])


def _hint(field: EditField, value: object) -> str:
    """Describe the values that a field takes, and its value now.

    For instance "A whole number from 1 to 600. The plan says 30."
    """
    kind = "A text"
    if is_day(str(field.value)):
        kind = "A day"
    elif isinstance(value, int):
        kind = "A whole number"
    text = as_sentence(f"{kind} {describe_bounds(field)}".strip())
    if kind == "A text":
        return text
    return f"{text} The plan says {Wording().prose(str(value), 60)}."


def is_day(text: str) -> bool:
    """Tell whether this is a day as ISO 8601 writes it."""
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True

"""The modal forms, one for each decision.

A form carries the case's token and nothing else; the rest is looked up when it is submitted.
"""

from collections.abc import Iterable
from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import RejectReason
from bot.cases.passkey import STEP_UP_LIFETIME, Purpose
from bot.cases.plan import Action
from bot.views.labels import as_words, start_upper
from handlers.cards import ids
from handlers.cards.blocks import (
    MAX_OPTIONS,
    MAX_TITLE_LENGTH,
    context_block,
    form,
    input_block,
    modal,
    option,
    static_select,
    text_input,
)
from handlers.cards.question import describe_consequence
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    describe_approvers,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, money_text

MAX_NOTE_LENGTH = 1000
# As much as a window can show: a person must see in full what the approval is for.
MAX_TARGET_LENGTH = 2_000
MAX_SUMMARY_LENGTH = 2_000
# Title, verb and button label of the form that leads to the passkey page.
STEP_UP_TEXTS = {
    Purpose.APPROVE: ("Approve", "approved", "Approve with my passkey"),
    Purpose.UNDO: ("Take back", "taken back", "Take it back with my passkey"),
}


def approve_form(case: Case) -> Json:
    """Build the form that repeats the plan and asks for a reason."""
    parts = []
    steps = []
    plan = case.proposal.plan
    if plan:
        if plan.amount:
            amount = text_run(money_text(plan.amount), bold=True)
            parts.append(paragraph(text_run("Amount  ", bold=True), amount))
        consequence = describe_consequence(plan)
        parts.append(paragraph(text_run(consequence, bold=not plan.undo_for)))
        steps = [_step_with_target(action) for action in plan.actions]
    return _case_form(
        case,
        callback_id=ids.APPROVE_FORM,
        title="Approve",
        submit="Approve",
        blocks=[
            rich_text(*parts, bullets(steps)),
            *_approvers(case),
            _note("Why is this right?", "It is written next to your name."),
        ],
    )


def _approvers(case: Case) -> list[Json]:
    """Say whose approvals the plan needs, and how many it has."""
    verdict = case.proposal.verdict
    if verdict is None:
        return []
    approvals = len(case.proposal.approvals)
    approvers = describe_approvers(verdict.factors)
    return [context_block(f"Needs {approvers}. {approvals} of {verdict.approvals_needed} given")]


def _step_with_target(action: Action) -> list[Json]:
    target = Wording().target(action.target, MAX_TARGET_LENGTH)
    summary = Wording().prose(action.summary, MAX_SUMMARY_LENGTH)
    return [text_run(summary, bold=True), text_run(f"  Target: {target}")]


def step_up_form(case: Case, link: str, purpose: Purpose = Purpose.APPROVE) -> Json:
    """Build the window that leads to the passkey page."""
    minutes = STEP_UP_LIFETIME // timedelta(minutes=1)
    title, verb, label = STEP_UP_TEXTS[purpose]
    explanation = (
        f"One more step. What moves this much is {verb} with your passkey, on a page outside Slack."
    )
    terms = (
        f"The link is yours alone, works once and for {minutes} minutes. Nothing is {verb} before."
    )
    link_button = {
        "type": "button",
        "action_id": ids.STEP_UP,
        "text": plain_text(label),
        "url": link,
    }
    return modal(
        f"{title} {case.id}",
        [
            rich_text(paragraph(text_run(explanation))),
            {"type": "actions", "elements": [link_button]},
            context_block(terms),
        ],
        close="Close",
    )


def reject_form(case: Case) -> Json:
    """Build the form that asks why, from a list and in words."""
    options = [option(reason.description, reason.value) for reason in RejectReason]
    reasons = static_select(ids.REASON, options, placeholder="Choose a reason")
    return _case_form(
        case,
        callback_id=ids.REJECT_FORM,
        title="Reject",
        submit="Reject",
        blocks=[
            input_block("reason", "Why?", reasons),
            _note("In your words", "Needed for “Something else”.", optional=True),
        ],
    )


def edit_form(case: Case, editable: Iterable[str]) -> Json:
    """Build the form of the parameters that the playbook lets people edit."""
    parameters = case.proposal.plan.actions[0].parameters if case.proposal.plan else {}
    warning = (
        "A new revision is made and judged by policy again. You cannot approve what you edited."
    )
    blocks = [rich_text(paragraph(text_run(warning)))]
    for name in editable:
        if name in parameters:
            value = str(parameters[name])
            field = _parameter_input(name, max_length=500, initial_value=value)
            blocks.append(input_block(f"parameter:{name}", _parameter_label(name), field))
    return _case_form(
        case,
        callback_id=ids.EDIT_FORM,
        title="Edit the plan",
        submit="Save",
        blocks=blocks,
    )


def resolve_form(case: Case) -> Json:
    """Build the form that closes a case as handled by hand."""
    return _case_form(
        case,
        callback_id=ids.RESOLVE_FORM,
        title="Handled by hand",
        submit="Close the case",
        blocks=[_note("What was done?", "It becomes part of the record.")],
    )


def settle_form(case: Case) -> Json:
    """Build the form that records the outcome of a step in doubt."""
    reason = clean(case.activity.status_reason.reason, 500) if case.activity.status_reason else ""
    options = [option("Yes, it happened", "yes"), option("No, it did not", "no")]
    outcome = {"type": "radio_buttons", "action_id": ids.LANDED, "options": options}
    return _case_form(
        case,
        callback_id=ids.SETTLE_FORM,
        title="What happened?",
        submit="Say so",
        blocks=[
            rich_text(paragraph(text_run(reason or case.id))),
            input_block("landed", "Did it happen?", outcome),
            _note("What did you see, and where?"),
        ],
    )


def undo_form(case: Case) -> Json:
    """Build the form that lists the steps to undo."""
    actions = case.proposal.plan.actions if case.proposal.plan else ()
    steps = [[text_run(clean(action.summary, 200))] for action in actions]
    effect = (
        "This is taken back in the outside system, last step first. The case then needs a person."
    )
    parts = [bullets(steps), paragraph(text_run(effect))]
    votes_needed = case.undo_votes_needed
    if votes_needed > 1:
        votes = len(case.execution.undo_approvals)
        rule = f"It needs {votes_needed} people, as the plan did; {votes} of them so far."
        parts.append(paragraph(text_run(rule)))
    return _case_form(
        case,
        callback_id=ids.UNDO_FORM,
        title="Take back",
        submit="Take it back",
        blocks=[rich_text(*parts), _note("Why?")],
    )


def hand_over_form(case: Case, next_owner: str) -> Json:
    """Build the form that hands a case over.

    ``next_owner`` is the group that gets it when nobody is chosen.
    """
    rule = "Whoever takes it over may hand it on. Deciding stays with those who may decide it now."
    hint = f"Leave it empty for @{next_owner}, whom the playbook asks next."
    person = _person_select("Choose a person")
    return _case_form(
        case,
        callback_id=ids.HAND_OVER_FORM,
        title="Hand over",
        submit="Hand over",
        blocks=[
            rich_text(paragraph(text_run(rule))),
            input_block("to", "To", person, hint=hint, optional=True),
            _half_note("done", "What is done?", ids.DONE),
            _half_note("remains", "What is open?", ids.REMAINS),
        ],
    )


def snooze_form(case: Case) -> Json:
    """Build the form that asks until when, and why."""
    return _case_form(
        case,
        callback_id=ids.SNOOZE_FORM,
        title="Snooze",
        submit="Snooze",
        blocks=[_until(), _note("Why not now?")],
    )


def kind_form(case: Case, kinds: Iterable[tuple[str, str]]) -> Json:
    """Build the form that names the kind of an unrecognised case.

    ``kinds`` are names and titles.
    """
    options = [option(title, kind) for kind, title in kinds]
    select = static_select(ids.KIND, options[:MAX_OPTIONS], placeholder="Choose a kind")
    return _case_form(
        case,
        callback_id=ids.KIND_FORM,
        title="What is it?",
        submit="That is it",
        blocks=[input_block("kind", "Kind", select)],
    )


def notice(words: str) -> Json:
    """Build a window that only shows a text."""
    text = clean(words, 2_000, lines=30)
    return modal("Countersign", [rich_text(paragraph(text_run(text)))], close="Close")


def delegate_form(kinds: Iterable[tuple[str, str]]) -> Json:
    """Build the form that asks who stands in, and until when.

    ``kinds`` are names and titles.
    """
    rule = (
        "They decide where you may, and the record names you both."
        " They cannot pass it on, nor approve what either of you raised."
    )
    options = [option("Every kind", "every")]
    options += [option(title, kind) for kind, title in kinds]
    options = options[:MAX_OPTIONS]
    kind_select = static_select(ids.KIND, options, initial_option=options[0])
    return form(
        ids.DELEGATE_FORM,
        private_metadata="",
        title="Stand in for me",
        submit="Let them",
        blocks=[
            rich_text(paragraph(text_run(rule))),
            input_block("to", "Who", _person_select("Who stands in?")),
            input_block("kind", "For", kind_select),
            _until(),
        ],
    )


def _case_form(
    case: Case, *, callback_id: str, title: str, submit: str, blocks: list[Json]
) -> Json:
    has_room = len(title) + len(case.id) < MAX_TITLE_LENGTH
    return form(
        callback_id,
        private_metadata=ids.token(case),
        title=f"{title} {case.id}" if has_room else title,
        submit=submit,
        blocks=blocks,
    )


def _parameter_input(name: str, *, max_length: int, initial_value: str | None = None) -> Json:
    action_id = f"{ids.PARAMETER}{name}"
    return text_input(action_id, max_length=max_length, initial_value=initial_value)


def _parameter_label(name: str) -> str:
    return start_upper(as_words(name))


def _note(label: str, hint: str = "", *, optional: bool = False) -> Json:
    field = text_input(ids.NOTE, max_length=MAX_NOTE_LENGTH, multiline=True)
    return input_block("note", label, field, hint=hint, optional=optional)


def _half_note(block_id: str, label: str, action_id: str) -> Json:
    """Build one of two fields that become a single note."""
    field = text_input(action_id, max_length=MAX_NOTE_LENGTH // 2, multiline=True)
    return input_block(block_id, label, field)


def _person_select(placeholder: str) -> Json:
    return {
        "type": "users_select",
        "action_id": ids.TO,
        "placeholder": plain_text(placeholder),
    }


def _until() -> Json:
    picker = {"type": "datetimepicker", "action_id": ids.UNTIL}
    return input_block("until", "Until", picker)

"""The modal forms, one for each decision.

A form carries the case's token and nothing else; the rest is looked up when it is submitted.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.entries import RejectReason
from bot.cases.missing_approvals import MissingApprovals
from bot.cases.passkey import STEP_UP_LIFETIME, Purpose
from bot.cases.plan import Action, Plan
from bot.cases.signal import UNRECOGNISED
from bot.cases.undo import UndoScope, undo_scope
from bot.views.labels import Labels, start_upper
from bot.views.plan_words import plan_items
from handlers.cards import ids
from handlers.cards.blocks import (
    MAX_OPTIONS,
    MAX_TITLE_LENGTH,
    context_block,
    form,
    input_block,
    label_paragraph,
    modal,
    option,
    selected_option,
    static_select,
    text_input,
)
from handlers.cards.case_words import case_wording, describe_target
from handlers.cards.question import describe_consequence, describe_plan
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    describe_approvers,
    describe_missing,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, as_sentence, money_text

MAX_NOTE_LENGTH = 1000
# As much as a window can show: a person must see in full what the approval is for.
MAX_TARGET_LENGTH = 2_000
MAX_SUMMARY_LENGTH = 2_000
NO_LABELS = Labels()
#: Stands below the kinds, where recognition took something new for one of them.
SOMETHING_NEW = (UNRECOGNISED, "Something new")
# Title, verb and button label of the form that leads to the passkey page.
STEP_UP_TEXTS = {
    Purpose.APPROVE: ("Approve", "approved", "Approve with my passkey"),
    Purpose.UNDO: ("Take back", "taken back", "Take it back with my passkey"),
}


def approve_form(
    case: Case,
    labels: Labels = NO_LABELS,
    missing: MissingApprovals | None = None,
    *,
    note: str = "",
) -> Json:
    """Build the form that repeats the plan and asks for a reason.

    ``missing`` is whose approval is missing after others were given. ``note``: the reason that was
    given already.
    """
    wording = case_wording(case, labels)
    parts = []
    steps = []
    plan = case.proposal.plan
    if plan:
        parts = [*_approved_effect(plan), *_consequence(plan, wording)]
        summaries = plan_items(
            plan, lambda text: wording.prose(text, MAX_SUMMARY_LENGTH), wording.system
        )
        steps = [
            _step_with_target(case, action, summary, wording=wording)
            for action, summary in zip(plan.actions, summaries, strict=True)
        ]
    return case_form(
        case,
        callback_id=ids.APPROVE_FORM,
        title="Approve",
        submit="Approve",
        blocks=[
            rich_text(*parts, bullets(steps)),
            *_approvers(case, missing),
            _note("Why is this right?", "It is written next to your name.", initial_value=note),
        ],
    )


def _approved_effect(plan: Plan) -> list[Json]:
    """Say what the approval moves, in words."""
    if not plan.amount:
        return []
    verb = "It would move" if plan.is_dry_run else "It moves"
    return [paragraph(text_run(f"{verb} {money_text(plan.amount)}.", bold=True))]


def _consequence(plan: Plan, wording: Wording) -> list[Json]:
    """Say whether the plan can be undone.

    Where only some steps can, name those that cannot.
    """
    parts = [paragraph(text_run(describe_consequence(plan), bold=not plan.undo_for))]
    irreversible = [action for action in plan.actions if not action.reversible]
    if irreversible and len(irreversible) < len(plan.actions) and not plan.is_dry_run:
        summaries = [wording.prose(action.summary, MAX_SUMMARY_LENGTH) for action in irreversible]
        parts.append(paragraph(text_run(f"It stays done: {'; '.join(summaries)}.", bold=True)))
    return parts


def _approvers(case: Case, missing: MissingApprovals | None) -> list[Json]:
    """Say whose approvals the plan needs, and which are missing."""
    verdict = case.proposal.verdict
    if verdict is None:
        return []
    approvals = len(case.proposal.approvals)
    risk = f"{start_upper(verdict.tier.name.lower())} risk. "
    if missing:
        count = f"{approvals} of {verdict.approvals_needed} given."
        return [context_block(f"{risk}{count} *Still needed:* {describe_missing(missing)}")]
    approvers = describe_approvers(verdict.factors)
    text = f"{risk}Needs {approvers}. {approvals} of {verdict.approvals_needed} given"
    return [context_block(text)]


def _step_with_target(case: Case, action: Action, summary: str, *, wording: Wording) -> list[Json]:
    target = describe_target(case, action, wording, limit=MAX_TARGET_LENGTH)
    system = wording.system(action.system)
    return [text_run(summary, bold=True), text_run(f"  For: {target} ({system})")]


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


def reject_form(case: Case, note: str = "") -> Json:
    """Build the form that asks why, from a list and in words.

    ``note``: the reason that was given already, in words.
    """
    options = [option(reason.description, reason.value) for reason in RejectReason]
    in_words = selected_option(options, RejectReason.OTHER) if note else None
    reasons = static_select(
        ids.REASON, options, initial_option=in_words, placeholder="Choose a reason"
    )
    return case_form(
        case,
        callback_id=ids.REJECT_FORM,
        title="Reject",
        submit="Reject",
        blocks=[
            input_block("reason", "Why?", reasons),
            _note(
                "In your words",
                "Needed for “Something else”.",
                optional=True,
                initial_value=note,
            ),
        ],
    )


def resolve_form(case: Case) -> Json:
    """Build the form that closes a case as handled by hand."""
    return case_form(
        case,
        callback_id=ids.RESOLVE_FORM,
        title="Handled by hand",
        submit="Close the case",
        blocks=[_note("What was done?", "It becomes part of the record.")],
    )


def settle_form(case: Case, labels: Labels = NO_LABELS) -> Json:
    """Build the form that records the outcome of a step in doubt."""
    status = case.activity.status_reason
    reason = ""
    if status:
        reason = as_sentence(start_upper(case_wording(case, labels).reason(status.reason, 500)))
    options = [option("Yes, it happened", "yes"), option("No, it did not", "no")]
    outcome = {"type": "radio_buttons", "action_id": ids.LANDED, "options": options}
    return case_form(
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


def practice_form(case: Case, labels: Labels = NO_LABELS) -> Json:
    """Build the form that records what people did instead of the plan."""
    plan = case.proposal.plan
    recommendation = describe_plan(plan, case_wording(case, labels)) if plan else ""
    options = [
        option("The same, with other values", "same"),
        option("Something else, or nothing", "else"),
    ]
    choice = {"type": "radio_buttons", "action_id": ids.PRACTICE, "options": options}
    return case_form(
        case,
        callback_id=ids.PRACTICE_FORM,
        title="What was done?",
        submit="Say so",
        blocks=[
            rich_text(label_paragraph("Recommended  ", clean(recommendation, MAX_SUMMARY_LENGTH))),
            input_block("practice", "What was done by hand?", choice),
            _note("In your words", "It is compared with the recommendation."),
        ],
    )


def review_form(case: Case) -> Json:
    """Build the form that says why something done alone was wrong."""
    effect = "Such cases are put before people again, and this one is learned from."
    return case_form(
        case,
        callback_id=ids.REVIEW_FORM,
        title="It was wrong",
        submit="Say so",
        blocks=[rich_text(paragraph(text_run(effect))), _note("What was wrong?")],
    )


def undo_form(case: Case, labels: Labels = NO_LABELS, at: datetime | None = None) -> Json:
    """Build the form that lists what is undone and what stays."""
    effect = (
        "This is taken back in the outside system, last step first. The case then needs a person."
    )
    scope = undo_scope(case, at or case.timers.changed_at)
    wording = case_wording(case, labels)
    steps = _summaries(scope.actions(case), wording)
    parts = [bullets(steps), paragraph(text_run(effect))]
    if scope.remaining:
        stays = "This stays, because it cannot be taken back, or not any more:"
        parts += [paragraph(text_run(stays)), bullets(_summaries(scope.remaining, wording))]
    votes_needed = case.undo_votes_needed
    if votes_needed > 1:
        votes = len(case.execution.undo_approvals)
        rule = (
            f"It needs {votes_needed} people, as {_needed_by(scope)} did; {votes} of them so far."
        )
        parts.append(paragraph(text_run(rule)))
    return case_form(
        case,
        callback_id=ids.UNDO_FORM,
        title="Take back",
        submit="Take it back",
        blocks=[rich_text(*parts), _note("Why?")],
    )


def _summaries(actions: Iterable[Action], wording: Wording) -> list[list[Json]]:
    return [[text_run(wording.prose(action.summary, MAX_SUMMARY_LENGTH))] for action in actions]


def _needed_by(scope: UndoScope) -> str:
    return "its plans together" if scope.earlier else "the plan"


def mistake_form(case: Case) -> Json:
    """Build the form that reports a mistake of the bot."""
    effect = "Nothing is taken back by this. From now on the bot asks before it does the like."
    return case_form(
        case,
        callback_id=ids.MISTAKE_FORM,
        title="Report a mistake",
        submit="Report it",
        blocks=[
            rich_text(paragraph(text_run(effect))),
            _note("What was wrong?", "It becomes part of the record."),
        ],
    )


def hand_over_form(case: Case, next_owner: str, *, to: str = "", remains: str = "") -> Json:
    """Build the form that hands a case over.

    ``next_owner`` is the group that gets it when nobody is chosen. ``to`` is the user id of whom
    was chosen already, and ``remains`` what was said about it.
    """
    rule = "Whoever takes it over may hand it on. Deciding stays with those who may decide it now."
    hint = f"Leave it empty for @{next_owner}, whom the playbook asks next."
    person = _person_select("Choose a person", initial_user=to)
    return case_form(
        case,
        callback_id=ids.HAND_OVER_FORM,
        title="Hand over",
        submit="Hand over",
        blocks=[
            rich_text(paragraph(text_run(rule))),
            input_block("to", "To", person, hint=hint, optional=True),
            _half_note("done", "What is done?", ids.DONE),
            _half_note("remains", "What is open?", ids.REMAINS, initial_value=remains),
        ],
    )


def snooze_form(case: Case, until: int | None = None, note: str = "") -> Json:
    """Build the form that asks until when, and why.

    ``until``: the Unix time that was said already. ``note``: the reason.
    """
    return case_form(
        case,
        callback_id=ids.SNOOZE_FORM,
        title="Snooze",
        submit="Snooze",
        blocks=[until_block(until), _note("Why not now?", initial_value=note)],
    )


def kind_form(case: Case, kinds: Iterable[tuple[str, str]]) -> Json:
    """Build the form that names the kind of a case.

    ``kinds`` are names and titles.
    """
    options = [option(title, kind) for kind, title in kinds]
    select = static_select(ids.KIND, options[:MAX_OPTIONS], placeholder="Choose a kind")
    return case_form(
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


def delegate_form(
    kinds: Iterable[tuple[str, str]],
    *,
    to: str = "",
    kind: str = "",
    until: int | None = None,
) -> Json:
    """Build the form that asks who stands in, and until when.

    ``kinds`` are names and titles. ``to`` is the user id, ``kind`` the kind and ``until`` the Unix
    time that were said already.
    """
    rule = (
        "They decide where you may, and the record names you both."
        " They cannot pass it on, nor approve what either of you raised."
    )
    options = [option("Every kind", "every")]
    options += [option(title, kind) for kind, title in kinds]
    options = options[:MAX_OPTIONS]
    initial_option = selected_option(options, kind)
    kind_select = static_select(ids.KIND, options, initial_option=initial_option)
    return form(
        ids.DELEGATE_FORM,
        private_metadata="",
        title="Stand in for me",
        submit="Let them",
        blocks=[
            rich_text(paragraph(text_run(rule))),
            input_block("to", "Who", _person_select("Who stands in?", initial_user=to)),
            input_block("kind", "For", kind_select),
            until_block(until),
        ],
    )


def case_form(case: Case, *, callback_id: str, title: str, submit: str, blocks: list[Json]) -> Json:
    """Build a form about a case.

    It carries the token of the case as it was when the form was opened.
    """
    has_room = len(title) + len(case.id) < MAX_TITLE_LENGTH
    return form(
        callback_id,
        private_metadata=ids.token(case),
        title=f"{title} {case.id}" if has_room else title,
        submit=submit,
        blocks=blocks,
    )


def _note(label: str, hint: str = "", *, optional: bool = False, initial_value: str = "") -> Json:
    field = text_input(
        ids.NOTE,
        max_length=MAX_NOTE_LENGTH,
        multiline=True,
        initial_value=initial_value or None,
    )
    return input_block("note", label, field, hint=hint, optional=optional)


def _half_note(block_id: str, label: str, action_id: str, *, initial_value: str = "") -> Json:
    """Build one of two fields that become a single note."""
    field = text_input(
        action_id,
        max_length=MAX_NOTE_LENGTH // 2,
        multiline=True,
        initial_value=initial_value or None,
    )
    return input_block(block_id, label, field)


def _person_select(placeholder: str, *, initial_user: str = "") -> Json:
    element = {
        "type": "users_select",
        "action_id": ids.TO,
        "placeholder": plain_text(placeholder),
    }
    if initial_user:
        element["initial_user"] = initial_user
    return element


def until_block(at: int | None = None) -> Json:
    """Build the field that asks until when."""
    picker: Json = {"type": "datetimepicker", "action_id": ids.UNTIL}
    if at is not None:
        picker["initial_date_time"] = at
    return input_block("until", "Until", picker)

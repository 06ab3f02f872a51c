"""The modals: each a form for one decision. What they carry is the case's token; everything else is looked up on submit."""

from collections.abc import Iterable

from bot.cases.case import Case
from bot.cases.entries import RejectReason
from bot.cases.passkey import STEP_UP_LIFETIME, Purpose
from handlers.cards import ids
from handlers.cards.text import Json, bullets, clean, context, paragraph, plain, rich, say

LONGEST_NOTE = 1000
# Whole, as far as a window can show it: what is approved is not cut where it says on what.
MAX_TARGET = 2_000


def approve_form(case: Case) -> Json:
    """For high risk: target and amount once more, and a reason in words."""
    plan = case.plan
    steps = (
        [
            [
                say(clean(action.summary, 200), bold=True),
                say(
                    f"  {clean(action.target, MAX_TARGET)}. {'Can' if action.reversible else 'CANNOT'} be undone"
                ),
            ]
            for action in plan.actions
        ]
        if plan
        else []
    )
    amount = (
        [paragraph(say("Amount  ", bold=True), say(str(plan.amount), bold=True))]
        if plan and plan.amount
        else []
    )
    rehearsal = (
        [paragraph(say("Dry run: nothing will be changed", bold=True))]
        if plan and plan.is_dry_run
        else []
    )
    return _form(
        case,
        ids.APPROVE_FORM,
        "Approve",
        "Approve",
        rich(*rehearsal, *amount, bullets(steps)),
        _note("Why is this right?", "It is written next to your name."),
    )


# What the form says that leads out of Slack: its title, what it is about, and its button.
OUTSIDE = {
    Purpose.APPROVE: ("Approve", "approved", "Approve with my passkey"),
    Purpose.UNDO: ("Take back", "taken back", "Take it back with my passkey"),
}


def step_up_form(case: Case, link: str, purpose: Purpose = Purpose.APPROVE) -> Json:
    """Shown in place of the form once the reason is written: the other half is done outside Slack."""
    minutes = int(STEP_UP_LIFETIME.total_seconds() // 60)
    title, done, label = OUTSIDE[purpose]
    words = f"One more step. What moves this much is {done} with your passkey, on a page"
    button = {"type": "button", "action_id": ids.STEP_UP, "text": plain(label), "url": link}
    return {
        "type": "modal",
        "title": plain(f"{title} {case.id}", 24),
        "close": plain("Close", 24),
        "blocks": [
            rich(paragraph(say(f"{words} outside Slack."))),
            {"type": "actions", "elements": [button]},
            context(
                f"The link is yours alone, works once and for {minutes} minutes. Nothing is {done} before."
            ),
        ],
    }


def reject_form(case: Case) -> Json:
    options = [
        {"text": plain(reason.description), "value": reason.value} for reason in RejectReason
    ]
    choice = {
        "type": "static_select",
        "action_id": ids.REASON,
        "options": options,
        "placeholder": plain("Choose a reason"),
    }
    return _form(
        case,
        ids.REJECT_FORM,
        "Reject",
        "Reject",
        _input("reason", "Why?", choice),
        _note("In your words", "Needed for “Something else”.", optional=True),
    )


def edit_form(case: Case, editable: Iterable[str]) -> Json:
    """Only the fields that the playbook lets people edit, filled with what the plan says now."""
    parameters = case.plan.actions[0].parameters if case.plan else {}
    fields = [
        _input(
            f"parameter:{name}",
            name.replace("_", " ").capitalize(),
            {
                "type": "plain_text_input",
                "action_id": f"{ids.PARAMETER}{name}",
                "initial_value": str(parameters[name]),
                "max_length": 500,
            },
        )
        for name in editable
        if name in parameters
    ]
    words = "A new revision is made and judged by policy again. You cannot approve what you edited."
    return _form(case, ids.EDIT_FORM, "Edit the plan", "Save", rich(paragraph(say(words))), *fields)


def resolve_form(case: Case) -> Json:
    return _form(
        case,
        ids.RESOLVE_FORM,
        "Handled by hand",
        "Close the case",
        _note("What was done?", "It becomes part of the record."),
    )


def settle_form(case: Case) -> Json:
    options = [
        {"text": plain("Yes, it happened"), "value": "yes"},
        {"text": plain("No, it did not"), "value": "no"},
    ]
    choice = {"type": "radio_buttons", "action_id": ids.LANDED, "options": options}
    reason = clean(case.ending.reason, 500) if case.ending else ""
    return _form(
        case,
        ids.SETTLE_FORM,
        "What happened?",
        "Say so",
        rich(paragraph(say(reason or case.id))),
        _input("landed", "Did it happen?", choice),
        _note("What did you see, and where?", ""),
    )


def undo_form(case: Case) -> Json:
    """What will be taken back, and how many must say so."""
    steps = [[say(clean(action.summary, 200))] for action in case.plan.actions] if case.plan else []
    first = (
        "This is taken back in the outside system, last step first. The case then needs a person."
    )
    words = [paragraph(say(first))]
    needed = case.undo_votes_needed
    if needed > 1:
        votes = (
            f"It needs {needed} people, as the plan did; {len(case.undo_approvals)} of them so far."
        )
        words.append(paragraph(say(votes)))
    body = rich(bullets(steps), *words)
    return _form(case, ids.UNDO_FORM, "Take back", "Take it back", body, _note("Why?", ""))


def hand_over_form(case: Case, next_owner: str) -> Json:
    """To a person, or left empty: to the group that the playbook names."""
    person = {"type": "users_select", "action_id": ids.TO, "placeholder": plain("Choose a person")}
    hint = f"Leave it empty for @{next_owner}, whom the playbook asks next."
    return _form(
        case,
        ids.HAND_OVER_FORM,
        "Hand over",
        "Hand over",
        rich(
            paragraph(
                say(
                    "Whoever takes it over may hand it on. Deciding stays with those who may decide it now."
                )
            )
        ),
        _input("to", "To", person, hint=hint, optional=True),
        _words("done", "What is done?", ids.DONE),
        _words("remains", "What is open?", ids.REMAINS),
    )


def snooze_form(case: Case) -> Json:
    moment = {"type": "datetimepicker", "action_id": ids.UNTIL}
    return _form(
        case,
        ids.SNOOZE_FORM,
        "Snooze",
        "Snooze",
        _input("until", "Until", moment),
        _note("Why not now?", ""),
    )


def notice(words: str) -> Json:
    """A window that only says something."""
    body = [rich(paragraph(say(clean(words, 2_000, lines=30))))]
    return {
        "type": "modal",
        "title": plain("Countersign", 24),
        "close": plain("Close", 24),
        "blocks": body,
    }


def delegate_form(kinds: Iterable[tuple[str, str]]) -> Json:
    """Who stands in, for what, until when."""
    person = {"type": "users_select", "action_id": ids.TO, "placeholder": plain("Who stands in?")}
    options = [_option("Every kind", "every"), *(_option(title, kind) for kind, title in kinds)][
        :100
    ]
    choice = {
        "type": "static_select",
        "action_id": ids.KIND,
        "options": options,
        "initial_option": options[0],
    }
    words = "They decide where you may, and the record names you both. They cannot pass it on, nor approve what either of you raised."
    return {
        "type": "modal",
        "callback_id": ids.DELEGATE_FORM,
        "private_metadata": "",
        "title": plain("Stand in for me", 24),
        "submit": plain("Let them", 24),
        "close": plain("Cancel", 24),
        "blocks": [
            rich(paragraph(say(words))),
            _input("to", "Who", person),
            _input("kind", "For", choice),
            _input("until", "Until", {"type": "datetimepicker", "action_id": ids.UNTIL}),
        ],
    }


def raise_form(
    kinds: Iterable[tuple[str, str]], kind: str, facts: Iterable[str], place: str, words: str
) -> Json:
    """What happened, in a person's words; and the facts that the playbook of the chosen kind looks things up by."""
    options = [
        _option("I am not sure", "not_sure"),
        *(_option(title, name) for name, title in kinds),
    ][:100]
    chosen = next((option for option in options if option["value"] == kind), options[0])
    choice = {
        "type": "static_select",
        "action_id": ids.RAISE_KIND,
        "options": options,
        "initial_option": chosen,
    }
    title = {"type": "plain_text_input", "action_id": ids.TITLE, "max_length": 150}
    about = {"type": "plain_text_input", "action_id": ids.SUBJECT, "max_length": 150}
    told = {
        "type": "plain_text_input",
        "action_id": ids.NOTE,
        "multiline": True,
        "max_length": 2_000,
    }
    first = clean(words, 140)
    asked = [
        _input(
            name,
            name.replace("_", " ").capitalize(),
            {"type": "plain_text_input", "action_id": f"{ids.PARAMETER}{name}", "max_length": 200},
        )
        for name in facts
    ]
    return {
        "type": "modal",
        "callback_id": ids.RAISE_FORM,
        "private_metadata": place,
        "title": plain("Raise an exception", 24),
        "submit": plain("Raise it", 24),
        "close": plain("Cancel", 24),
        "blocks": [
            {**_input("kind", "What sort of thing is it?", choice), "dispatch_action": True},
            _input(
                "title", "What happened?", {**title, "initial_value": first} if first else title
            ),
            _input(
                "subject",
                "What is it about?",
                about,
                hint="A table, a customer, an order.",
                optional=True,
            ),
            *asked,
            _input(
                "note",
                "Anything else?",
                {**told, "initial_value": words[:2_000]} if words else told,
                optional=True,
            ),
        ],
    }


def _option(title: str, value: str) -> Json:
    return {"text": plain(title), "value": value}


def kind_form(case: Case, kinds: Iterable[tuple[str, str]]) -> Json:
    """Every kind there is a playbook for."""
    options = [{"text": plain(title), "value": kind} for kind, title in kinds][:100]
    choice = {
        "type": "static_select",
        "action_id": ids.KIND,
        "options": options,
        "placeholder": plain("Choose a kind"),
    }
    return _form(case, ids.KIND_FORM, "What is it?", "That is it", _input("kind", "Kind", choice))


def _form(case: Case, callback_id: str, title: str, submit: str, *blocks: Json) -> Json:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": ids.token(case),
        "title": plain(f"{title} {case.id}" if len(title) + len(case.id) < 24 else title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "blocks": list(blocks),
    }


def _words(block_id: str, label: str, action_id: str) -> Json:
    box = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": True,
        "max_length": LONGEST_NOTE // 2,
    }
    return _input(block_id, label, box)


def _note(label: str, hint: str, *, optional: bool = False) -> Json:
    box = {
        "type": "plain_text_input",
        "action_id": ids.NOTE,
        "multiline": True,
        "max_length": LONGEST_NOTE,
    }
    return _input("note", label, box, hint=hint, optional=optional)


def _input(
    block_id: str, label: str, element: Json, *, hint: str = "", optional: bool = False
) -> Json:
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 200),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": plain(hint, 200)} if hint else block

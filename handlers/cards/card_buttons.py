"""The buttons of a case. Each state offers only those that work."""

from collections.abc import Sequence
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.commands import OFFERED, DecisionKind
from bot.cases.granting import may_be_offered
from bot.cases.kind_origin import KindSource, origin_of
from bot.cases.lifecycle import State
from bot.cases.plan import Plan
from bot.cases.policy import RiskTier
from bot.cases.recognition import Recognition
from bot.views.labels import Labels
from bot.views.plan_words import plan_items
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button, option
from handlers.cards.case_words import case_wording, describe_target
from handlers.cards.hindsight import practice_buttons, review_buttons
from handlers.cards.question import ask
from handlers.cards.text import Json, clean, plain_text, stored_length
from handlers.cards.wording import Wording, money_text

# A guess that is less likely than this is noise on a card.
MIN_CONFIDENCE_PERCENT = 10
# Slack's limits: options of an overflow menu, characters of a confirmation dialog.
MAX_OVERFLOW_OPTIONS = 5
MAX_CONFIRM = 300
NO_LABELS = Labels()
# Far above the dialog's limit: a target is shown whole, or the form is used.
MAX_TARGET_LENGTH = 10_000
KIND_ACTION_IDS = (ids.NAME_FIRST, ids.NAME_SECOND, ids.NAME_THIRD)


def card_buttons(case: Case, *, is_undoable: bool, labels: Labels = NO_LABELS) -> list[Json]:
    """Build the buttons below a card."""
    token = ids.token(case)
    details = _details_button(token)
    match case.state:
        case State.PROPOSED:
            return _proposed_buttons(case, token, labels)
        case State.REFERRED:
            return _referred_buttons(case, token)
        case State.OUTCOME_UNKNOWN:
            settle = button("I have looked…", ids.SETTLE, token, style="primary")
            claim = _claim_button(case, token)
            return [settle, *claim, details, _overflow_menu(case, token)]
        case State.RESOLVED:
            undo = [button("Undo…", ids.UNDO, token)] if is_undoable else []
            answers = [*practice_buttons(case, token), *review_buttons(case, token)]
            # A review asks for the same in its own words.
            mistake = [] if answers else _mistake_button(case, token)
            return [*answers, *undo, *mistake, details]
        case State.CLEARED:
            return [*practice_buttons(case, token), details]
        case State.REJECTED | State.EXPIRED | State.WITHDRAWN:
            return [details]
        case State.SNOOZED:
            wake = button("Wake now", ids.WAKE, token)
            return [wake, details, _overflow_menu(case, token)]
        case State.NEW | State.OPEN | State.APPROVED | State.RUNNING:
            return [details, _overflow_menu(case, token)]
        case _:
            assert_never(case.state)


def button_row(name: str, case: Case, buttons: Sequence[Json]) -> list[Json]:
    """Build the block of a case's buttons; nothing for no buttons."""
    # Slack accepts no empty row.
    if not buttons:
        return []
    # Buttons of the same case stand in one message under different names.
    return [actions_block(f"{name}:{ids.token(case)}", buttons)]


def decision_buttons(case: Case, labels: Labels = NO_LABELS) -> list[Json]:
    """Build the buttons of a row; the others are on the card."""
    if case.state is not State.PROPOSED:
        return []
    token = ids.token(case)
    return [_approve_button(case, token, labels), button("Reject…", ids.REJECT, token)]


def kind_buttons(case: Case) -> list[Json]:
    """Build buttons for the likeliest kinds of an unrecognised case."""
    recognition = case.classification.recognition
    if case.state is not State.REFERRED or recognition is None:
        return []
    if recognition.kind or case.classification.named_by:
        return []
    token = ids.token(case)
    return [
        *_guess_buttons(recognition, token),
        button("Another kind…", ids.ANOTHER_KIND, token),
        button("Something new", ids.NOVEL, token),
    ]


def _guess_buttons(recognition: Recognition, token: str) -> list[Json]:
    likely_guesses = []
    for guess in recognition.guesses:
        if guess.confidence >= MIN_CONFIDENCE_PERCENT:
            likely_guesses.append(guess)
    buttons = []
    # Not strict: there may be fewer guesses than buttons, or more.
    for action_id, guess in zip(KIND_ACTION_IDS, likely_guesses, strict=False):
        kind = clean(guess.title, 50)
        label = f"{kind} ({guess.confidence} %)"
        buttons.append(button(label, action_id, f"{guess.kind} {token}"))
    return buttons


def confirmation_text(case: Case, plan: Plan, wording: Wording) -> str | None:
    """Write amount and target in full, then as many steps as fit.

    None when amount and target alone exceed the dialog.
    """
    head = _amount_and_targets(case, plan, wording)
    steps = plan_items(plan, lambda text: wording.prose(text, 80), wording.system)
    for count in range(len(steps), -1, -1):
        text = f"{head} {_list_steps(steps, count)}."
        if stored_length(text) <= MAX_CONFIRM:
            return text
    return None


def _proposed_buttons(case: Case, token: str, labels: Labels) -> list[Json]:
    buttons = [_approve_button(case, token, labels)]
    if case.proposal.recommendation and case.proposal.recommendation.editable:
        buttons.append(button("Edit…", ids.EDIT, token))
    buttons.append(button("Reject…", ids.REJECT, token))
    buttons.append(_details_button(token))
    buttons.append(_overflow_menu(case, token))
    return buttons


def _referred_buttons(case: Case, token: str) -> list[Json]:
    by_hand = practice_buttons(case, token)
    if not by_hand:
        by_hand = [button("Handled by hand…", ids.RESOLVE, token)]
    # Slack shows few buttons in a row on a phone.
    again = [] if len(by_hand) > 1 else [button("Try again", ids.TRY_AGAIN, token)]
    return [
        *by_hand,
        *_claim_button(case, token),
        *again,
        button("Reject…", ids.REJECT, token),
        _details_button(token),
        _overflow_menu(case, token),
    ]


def _details_button(token: str) -> Json:
    return button("Details", ids.DETAILS, token)


def _claim_button(case: Case, token: str) -> list[Json]:
    """Build the claim button, unless a person owns the case already."""
    if is_person(case.owner):
        return []
    return [button("I'm on it", ids.CLAIM, token)]


def _mistake_button(case: Case, token: str) -> list[Json]:
    """Build the button that reports a mistake of what ran alone."""
    if not case.was_auto_approved or case.activity.has_bad_outcome:
        return []
    return [button("Report a mistake…", ids.REPORT_MISTAKE, token)]


def _approve_button(case: Case, token: str, labels: Labels) -> Json:
    """Build the approve button: the higher the risk, the more it asks."""
    # Without a verdict nothing is known of the risk.
    tier = case.proposal.verdict.tier if case.proposal.verdict else RiskTier.HIGH
    if tier is RiskTier.HIGH:
        # No colour that nudges, and a form that asks for a reason.
        return button("Approve…", ids.APPROVE_WITH_REASON, token)
    approve = button("Approve", ids.APPROVE, token, style="primary")
    if case.proposal.plan is None:
        return approve
    wording = case_wording(case, labels)
    is_complete = ask(case.proposal.plan, wording).is_complete
    if tier is RiskTier.LOW and is_complete:
        return approve
    text = confirmation_text(case, case.proposal.plan, wording)
    if text is None or not is_complete:
        # Too long for a dialog; the form has room for all of it.
        return button("Approve…", ids.APPROVE_WITH_REASON, token, style="primary")
    return {**approve, "confirm": _confirmation_dialog(case, text)}


def _confirmation_dialog(case: Case, text: str) -> Json:
    return {
        "title": plain_text(f"Approve {case.id}?", 100),
        "text": plain_text(text, MAX_CONFIRM),
        "confirm": plain_text("Approve", 30),
        "deny": plain_text("Not yet", 30),
    }


def _amount_and_targets(case: Case, plan: Plan, wording: Wording) -> str:
    targets = [
        describe_target(case, action, wording, limit=MAX_TARGET_LENGTH) for action in plan.actions
    ]
    # A dictionary, unlike a set, keeps the order of the steps.
    text = f"For: {', '.join(dict.fromkeys(targets))}."
    if plan.amount:
        text = f"Amount: {money_text(plan.amount)}. {text}"
    return text


def _list_steps(steps: list[str], count: int) -> str:
    """List the first ``count`` steps and the number of the others."""
    more = len(steps) - count
    if not more:
        return "; ".join(steps)
    if not count:
        return f"{more} steps"
    return "; ".join([*steps[:count], f"and {more} more"])


def _overflow_menu(case: Case, token: str) -> Json:
    """Build the menu of rarer choices.

    The value of an option is the choice and the token.
    """
    options = []
    for choice, label in _overflow_choices(case):
        options.append(option(label, f"{choice} {token}"))
    return {"type": "overflow", "action_id": ids.MORE, "options": options}


def _is_taken_for_a_kind(case: Case) -> bool:
    """Tell whether a person may say that recognition named a wrong kind."""
    origin = origin_of(case.classification)
    is_recognised = origin.source is KindSource.RECOGNITION and bool(origin.recognised_kind)
    return is_recognised and case.state in OFFERED[DecisionKind.NAME_KIND]


def _overflow_choices(case: Case) -> list[tuple[str, str]]:
    choices = [(ids.HAND_OVER, "Hand over…")]
    if case.state in {State.PROPOSED, State.REFERRED}:
        choices.append((ids.SNOOZE, "Snooze…"))
        choices.append((ids.ASK, "Ask a question…"))
    if case.proposal.approvals and case.state in {State.PROPOSED, State.APPROVED}:
        choices.append((ids.WITHDRAW, "Withdraw my approval"))
    if case.state is State.PROPOSED and may_be_offered(case):
        choices.insert(0, (ids.APPROVE_NEXT, "Approve and the next like it…"))
    if _is_taken_for_a_kind(case):
        choices.append((ids.NOT_THIS_KIND, "Another kind…"))
    # Of a case that nobody has decided on, Details say as much.
    if len(choices) < MAX_OVERFLOW_OPTIONS:
        choices.append((ids.TRAIL, "Trail"))
    # Other states have a claim button beside the menu; here it takes the last free place.
    has_room = len(choices) < MAX_OVERFLOW_OPTIONS
    if case.state is State.PROPOSED and not is_person(case.owner) and has_room:
        choices.insert(0, (ids.CLAIM_IT, "I'm on it"))
    return choices

"""The private answer to an order: a question with one button."""

from datetime import datetime
from typing import assert_never

from bot.cases.approval import Person
from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.views.thread_orders import Confirmation, OrderKind
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button
from handlers.cards.card_buttons import decision_buttons
from handlers.cards.case_words import case_wording
from handlers.cards.question import ask
from handlers.cards.text import (
    Json,
    clean,
    date_run,
    escape_mrkdwn,
    paragraph,
    rich_text,
    text_run,
)

BLOCK_NAME = "order"
#: More people of one name than this are chosen in the form.
MAX_PEOPLE = 4
NOTHING_YET = "Nothing has been done yet."


def confirmation_blocks(confirmation: Confirmation) -> list[Json]:
    """Build the answer."""
    if confirmation.refusal:
        return [rich_text(paragraph(text_run(confirmation.refusal)))]
    case = confirmation.case
    sentences = [paragraph(*_question(confirmation)), paragraph(text_run(NOTHING_YET))]
    blocks = [rich_text(*sentences)]
    # One row each: Slack accepts no action id twice in one row.
    for index, element in enumerate(_buttons(confirmation)):
        blocks.append(actions_block(f"{BLOCK_NAME}:{index}:{ids.token(case)}", [element]))
    return blocks


def confirmation_text(confirmation: Confirmation) -> str:
    """Write the notification line."""
    if confirmation.refusal:
        return escape_mrkdwn(confirmation.refusal, 300)
    return escape_mrkdwn(f"{confirmation.case.id}: {confirmation.order.kind}?", 300)


def _question(confirmation: Confirmation) -> list[Json]:
    case = confirmation.case
    match confirmation.order.kind:
        case OrderKind.APPROVE:
            return [text_run(_approval_question(confirmation), bold=True)]
        case OrderKind.REJECT:
            return [text_run(f"Reject {case.id}, {_title(case)}?", bold=True)]
        case OrderKind.HAND_OVER:
            return [text_run(_hand_over_question(confirmation), bold=True)]
        case OrderKind.SNOOZE:
            return _snooze_question(confirmation)
        case OrderKind.UNCLEAR:
            return []
        case _:
            assert_never(confirmation.order.kind)


def _approval_question(confirmation: Confirmation) -> str:
    """Write what will run, exactly as the card asks it."""
    case = confirmation.case
    if case.proposal.plan is None:
        return f"Approve {case.id}?"
    return str(ask(case.proposal.plan, case_wording(case, confirmation.labels)))


def _hand_over_question(confirmation: Confirmation) -> str:
    case, people = confirmation.case, confirmation.people
    name = clean(confirmation.order.to_name, 60)
    if len(people) == 1:
        return f"Hand {case.id} over to {_name(people[0])}?"
    if people:
        return f"Which {name} do you mean? {case.id} is handed over to one of them."
    if name:
        return f"Nobody here is called “{name}”. Choose who gets {case.id}."
    return f"Choose who gets {case.id}."


def _snooze_question(confirmation: Confirmation) -> list[Json]:
    case = confirmation.case
    if confirmation.until:
        start = text_run(f"Let {case.id} rest until ", bold=True)
        return [start, date_run(confirmation.until), text_run("?", bold=True)]
    if confirmation.order.until:
        words = clean(confirmation.order.until, 60)
        return [text_run(f"“{words}” is no time that I understand. Choose one.", bold=True)]
    return [text_run(f"Choose until when {case.id} rests.", bold=True)]


def _buttons(confirmation: Confirmation) -> list[Json]:
    token = ids.token(confirmation.case)
    note = clean(confirmation.order.note, 400)
    match confirmation.order.kind:
        case OrderKind.APPROVE:
            return [_approve_button(confirmation.case, note, token)]
        case OrderKind.REJECT:
            return [button("Reject…", ids.ORDER_REJECT, f"{note} {token}", style="danger")]
        case OrderKind.HAND_OVER:
            return _hand_over_buttons(confirmation, note, token)
        case OrderKind.SNOOZE:
            time = _unix_time(confirmation.until)
            return [button("Snooze…", ids.ORDER_SNOOZE, f"{time} {note} {token}")]
        case OrderKind.UNCLEAR:
            return []
        case _:
            assert_never(confirmation.order.kind)


def _approve_button(case: Case, note: str, token: str) -> Json:
    """Build the card's own button, or one with the reason."""
    if note:
        return button("Approve…", ids.ORDER_APPROVE, f"{note} {token}")
    approve = decision_buttons(case)[0] if case.state is State.PROPOSED else {}
    # This message asks already: no dialog after it.
    return {name: value for name, value in approve.items() if name != "confirm"}


def _hand_over_buttons(confirmation: Confirmation, note: str, token: str) -> list[Json]:
    people = confirmation.people
    if not people or len(people) > MAX_PEOPLE:
        return [button("Hand over…", ids.ORDER_HAND_OVER, f"- {note} {token}")]
    buttons = []
    for person in people:
        user_id = person.id.rpartition("/")[2]
        label = f"Hand over to {_name(person)}…"
        buttons.append(button(label, ids.ORDER_HAND_OVER, f"{user_id} {note} {token}"))
    return buttons


def _unix_time(at: datetime | None) -> str:
    return str(int(at.timestamp())) if at else "-"


def _name(person: Person) -> str:
    return clean(person.name, 50)


def _title(case: Case) -> str:
    return clean(case.signal.title, 120)

"""The controls that an answer offers. The press decides, never the words."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.views.answers import Offer
from bot.views.query import Act
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button, confirmation
from handlers.cards.card_buttons import decision_buttons
from handlers.cards.rows import Permalink, row_title
from handlers.cards.text import Json, clean, paragraph, rich_text
from handlers.cards.thread_confirmation import confirmation_blocks

# More would push the rest of the answer out of sight.
MAX_OFFERS = 5
MAX_NAME = 50
# Below Slack's limit for the value of a button, with room for what stands before it.
MAX_NOTE_LENGTH = 1_500
#: Stands for a part of a value that was not said.
NOTHING = "-"
EVERYTHING = "everything"
KIND_SCOPE = "kind:"


def offer_blocks(offers: Sequence[Offer], permalink: Permalink) -> list[Json]:
    """Build the controls, each with the case that it is about."""
    blocks: list[Json] = []
    for place, offer in enumerate(offers[:MAX_OFFERS]):
        if offer.confirmation is not None:
            blocks += _subject(offer, permalink)
            blocks += confirmation_blocks(offer.confirmation)
            continue
        element = _button(offer)
        if element is not None:
            blocks += _subject(offer, permalink)
            blocks.append(actions_block(f"offer:{place}:{_block_name(offer)}", [element]))
    return blocks


def _subject(offer: Offer, permalink: Permalink) -> list[Json]:
    """Name the case that an offer is about."""
    if offer.row is None:
        return []
    return [rich_text(paragraph(*row_title(offer.row, permalink)))]


def _block_name(offer: Offer) -> str:
    if offer.row is None:
        return str(offer.act)
    return ids.token(offer.row.case)


def _button(offer: Offer) -> Json | None:
    """Build the button of an offer; None where there is none now."""
    match offer.act:
        case Act.PAUSE:
            return _pause_button(offer)
        case Act.RESUME:
            return _resume_button(offer)
        case Act.STAND_IN:
            return button("Let somebody stand in…", ids.OFFER_STAND_IN, _stand_in_value(offer))
        case Act.RAISE:
            note = clean(offer.note, MAX_NOTE_LENGTH, lines=10)
            return button("Raise an exception…", ids.OFFER_RAISE, f"raise {note}")
        case Act.REMIND:
            return _reminder_button(offer)
        case (
            Act.APPROVE
            | Act.REJECT
            | Act.EDIT
            | Act.SNOOZE
            | Act.HAND_OVER
            | Act.CLAIM
            | Act.TAKE_BACK
        ):
            return _case_button(offer.act, offer.row.case) if offer.row else None
        case _:
            assert_never(offer.act)


def _case_button(act: Act, case: Case) -> Json | None:
    """Build the button that the card of the case has for this."""
    token = ids.token(case)
    match act:
        case Act.HAND_OVER:
            return button("Hand over…", ids.MORE, f"{ids.HAND_OVER} {token}")
        case Act.SNOOZE:
            return button("Snooze…", ids.MORE, f"{ids.SNOOZE} {token}")
        case Act.EDIT:
            return button("Edit…", ids.EDIT, token)
        case Act.CLAIM:
            return button("I'm on it", ids.CLAIM, token)
        case Act.TAKE_BACK:
            return _take_back_button(case, token)
        case _:
            return _decision_button(act, case)


def _decision_button(act: Act, case: Case) -> Json | None:
    """Build the button that approves or rejects; None where there is none."""
    for element in decision_buttons(case):
        is_rejection = element["action_id"] == ids.REJECT
        if is_rejection is (act is Act.REJECT):
            return element
    return None


def _take_back_button(case: Case, token: str) -> Json:
    """Build the button that undoes the plan, or withdraws the approval."""
    if case.state is State.RESOLVED:
        return button("Take back…", ids.UNDO, token)
    return button("Withdraw my approval", ids.MORE, f"{ids.WITHDRAW} {token}")


def _pause_button(offer: Offer) -> Json:
    scope = offer.scope or EVERYTHING
    note = clean(offer.note, MAX_NOTE_LENGTH)
    return button("Pause…", ids.OFFER_PAUSE, f"{scope} {note}".strip(), style="danger")


def _resume_button(offer: Offer) -> Json:
    dialog = confirmation(
        "Resume?", "What waits for this pause continues at once.", confirm="Resume"
    )
    resume = button("Resume…", ids.OFFER_RESUME, f"resume {offer.scope}".strip())
    return {**resume, "confirm": dialog}


def _stand_in_value(offer: Offer) -> str:
    """Write who stands in, until when and for which kind."""
    user_id = offer.person.id.rpartition("/")[2] if offer.person else NOTHING
    kind = offer.scope.removeprefix(KIND_SCOPE) or NOTHING
    return f"{user_id} {_unix_time(offer.until)} {kind}"


def _reminder_button(offer: Offer) -> Json | None:
    """Build the button that reminds a person."""
    if offer.person is None:
        return None
    case_id = offer.row.case.id if offer.row else NOTHING
    label = f"Remind {clean(offer.person.name, MAX_NAME)}"
    return button(label, ids.OFFER_REMINDER, f"{offer.person.id} {case_id}")


def _unix_time(at: datetime | None) -> str:
    if at is None:
        return NOTHING
    return str(int(at.timestamp()))

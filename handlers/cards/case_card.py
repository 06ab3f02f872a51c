"""The card of a case: open with a question, or folded."""

from bot.cases.case import Case
from bot.cases.lifecycle import WAITING_ON_PEOPLE, State
from bot.ports.card_store import CardContext
from handlers.cards.blocks import (
    context_block,
    header_block,
    label_paragraph,
)
from handlers.cards.case_words import case_wording, headline
from handlers.cards.folded_card import folded_card
from handlers.cards.question import ask
from handlers.cards.text import Json, escape_mrkdwn, rich_text
from handlers.cards.waiting_card import waiting_card

DEFAULT_CONTEXT = CardContext()
MAX_NOTIFICATION = 250


def case_card(case: Case, card_context: CardContext = DEFAULT_CONTEXT) -> list[Json]:
    """Build the blocks of a case's card.

    ``card_context`` is what the case itself does not say: a pause, whether undo is possible, and
    the titles of what it names.
    """
    if case.state in WAITING_ON_PEOPLE:
        return waiting_card(case, card_context)
    return folded_card(case, card_context)


def notification_text(case: Case, card_context: CardContext = DEFAULT_CONTEXT) -> str:
    """Write the notification line: the question while the card waits."""
    wording = case_wording(case, card_context.labels)
    if case.state is State.PROPOSED and case.proposal.plan:
        text = f"{ask(case.proposal.plan, wording)} ({case.id})"
    else:
        text = f"{case.id}: {wording.prose(case.signal.title, 200)} — {case.state}"
    return escape_mrkdwn(text, MAX_NOTIFICATION)


def superseded_card(case: Case) -> list[Json]:
    """Build what replaces an older card: the reason, and no buttons."""
    notice = "Replaced by a newer card in this channel"
    wording = case_wording(case, DEFAULT_CONTEXT.labels)
    reason = wording.reason(_reason_for_new_card(case), 500)
    return [
        header_block(headline(case, wording, 110)),
        context_block(notice),
        rich_text(label_paragraph("Why  ", reason)),
    ]


def _reason_for_new_card(case: Case) -> str:
    named_by = case.classification.named_by
    return (
        "; ".join(case.activity.drift_reasons)
        or case.activity.reopening_reason
        or (f"{named_by} said what it is" if named_by else "")
        or "it came up again"
    )

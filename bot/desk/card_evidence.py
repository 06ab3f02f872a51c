"""The evidence of a new card, posted right after it."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from bot.cases.errors import ChatFailed, RateLimited
from bot.desk.backlog import Backlog
from bot.desk.message_cleanup import SETTLE_FOR
from bot.desk.thread_notes import (
    ThreadNotes,
    evidence_message,
    has_evidence,
    next_evidence_time,
)
from bot.ports.card_store import CardRef, CardState
from bot.ports.clock import Clock
from bot.ports.outbox import OutboxMessage, Topic

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CardEvidence:
    """Post the evidence of a card, or request it for later."""

    notes: ThreadNotes
    clock: Clock
    #: The cards of this process that wait for a thread.
    backlog: Backlog = field(default_factory=Backlog)
    #: How long Slack may take to show a message.
    settle_for: timedelta = SETTLE_FOR

    def request(self, state: CardState, card: CardRef) -> list[OutboxMessage]:
        """Request the evidence for the thread of a new card."""
        if not has_evidence(state.case, card):
            return []
        return [evidence_message(state.case, card, self.clock())]

    def post(self, state: CardState, card: CardRef, *, look_first: bool) -> list[OutboxMessage]:
        """Post the evidence. Return the request for what could not be posted.

        The message of the card stands for both until they are recorded: whoever takes it over
        looks for both.
        """
        case, now = state.case, self.clock()
        if not has_evidence(case, card):
            return []
        if state.has_due_cards or self.backlog.has(Topic.CARD):
            # Cards go first: the evidence is read by whoever scrolls.
            return [evidence_message(case, card, next_evidence_time(now))]
        try:
            self.notes.post_evidence(case, card, look_first=look_first)
        except RateLimited as failure:
            return [evidence_message(case, card, now + timedelta(seconds=failure.seconds))]
        except ChatFailed as failure:
            log.info("the evidence of %s is tried again: %s", case.id, failure)
        except Exception:
            # The card stands whatever becomes of its evidence.
            log.exception("the evidence of %s failed", case.id)
        else:
            return []
        return [evidence_message(case, card, now + self.settle_for, is_doubtful=True)]

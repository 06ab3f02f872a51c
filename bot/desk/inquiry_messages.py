"""Messages with a question, in which it is answered.

Such a message is a list of one case: it is recorded as lists are, and follows its case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.inquiries import find_inquiry, is_pending
from bot.cases.inquiry import Inquiry
from bot.desk.effects import INQUIRY_PREFIX, inquiry_message
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat, PostedMessage
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox
from bot.views.inquiries import InquiryMessage


@dataclass(frozen=True, kw_only=True)
class InquiryMessages:
    """Send questions, and keep their messages true."""

    cases: CaseStore
    card_store: CardStore
    #: Records where the messages stand, and what each shows.
    live_lists: LiveLists
    outbox: Outbox
    directory: Directory
    chat: Chat
    clock: Clock

    def run(self, message: LeasedMessage) -> None:
        """Send a question, or update its message."""
        case = self.cases.case_of(message)
        inquiry = find_inquiry(case, int(message.payload["inquiry"]))
        if inquiry is not None:
            self._draw(message, case, inquiry)
        self.outbox.finish(message)

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Update the messages with questions about a case that has changed."""
        now = self.clock()
        messages = []
        for key in live_list_keys:
            if key.startswith(INQUIRY_PREFIX):
                number = int(key.rpartition(":")[2])
                messages.append(inquiry_message(case.id, number, now))
        self.outbox.enqueue(messages)

    def _draw(self, message: LeasedMessage, case: Case, inquiry: Inquiry) -> None:
        (row,) = with_cards(self.card_store, self.directory, [case])
        view = InquiryMessage(
            key=message.key,
            inquiry=inquiry,
            row=row,
            is_pending=is_pending(case, inquiry),
        )
        live_list = self.live_lists.get(message.key)
        look_first = message.uncertain_attempts > 1
        if live_list is None and view.status != "pending" and not look_first:
            # Decided before it could be asked: nobody is bothered.
            return
        if live_list and list(live_list.sections) == [view.status]:
            return
        reference = None
        if live_list:
            reference = PostedMessage(message.key, live_list.place, live_list.ts)
        self._record(view, self.chat.draw_message(view, reference, look_first=look_first))

    def _record(self, view: InquiryMessage, reference: PostedMessage) -> None:
        """Record where the message stands, so that it follows its case."""
        # An answer is the end of it.
        case_ids = () if view.inquiry.answer else (view.row.case.id,)
        live_list = LiveList(
            key=view.key,
            place=reference.channel,
            ts=reference.ts,
            sections={view.status: case_ids},
            shown_at=self.clock(),
        )
        if self.live_lists.save(live_list, cases=[view.row.case]):
            self.follow(view.row.case, [view.key])

"""Answer orders in words in the thread of a case.

Words never decide. The answer is private: a question with the button that decides, or the reason
why there is none. The button carries the plan that was current when the words were said.
"""

from dataclasses import asdict, dataclass, replace

from bot.desk.confirmations import Confirmations, describe_snapshot
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.question_log import QuestionLog, QuestionRecord
from bot.views.thread_orders import PostedOrder


@dataclass(frozen=True, kw_only=True)
class ThreadOrders:
    """Record orders, and answer each once."""

    cases: CaseStore
    confirmations: Confirmations
    question_log: QuestionLog
    outbox: Outbox
    chat: Chat
    clock: Clock

    def receive(self, posted_order: PostedOrder) -> None:
        """Record an order and the request to answer it.

        Slack may deliver a message twice: the id makes both one order.
        """
        now = self.clock()
        case = self.cases.case(posted_order.case_id)
        posted_order = replace(posted_order, snapshot=describe_snapshot(case))
        record = QuestionRecord(
            id=posted_order.id,
            asked_at=now,
            person=posted_order.person,
            text=posted_order.text,
        )
        message = OutboxMessage(
            topic=Topic.ORDER,
            key=f"order:{posted_order.case_id}:{posted_order.id}",
            case_id=posted_order.case_id,
            run_at=now,
            payload=asdict(posted_order),
        )
        self.question_log.record(record, message)

    def run(self, message: LeasedMessage) -> None:
        """Answer an order, to the person alone."""
        posted_order = PostedOrder.parse(message.payload)
        case = self.cases.case(posted_order.case_id)
        confirmation = self.confirmations.confirm(
            case,
            posted_order.order,
            posted_order.person,
            snapshot=posted_order.snapshot,
        )
        if confirmation:
            self.chat.confirm(posted_order, confirmation)
        self.question_log.record_reading(posted_order.id, f"{posted_order.order.kind} {case.id}")
        self.outbox.finish(message)

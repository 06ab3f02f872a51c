"""The use cases behind what people say to the bot, beside decisions."""

from dataclasses import dataclass

from bot.desk.case_progress import CaseProgress
from bot.desk.inquiries import Inquiries
from bot.desk.questions import Questions
from bot.desk.queues import Queues
from bot.desk.reminders import Reminders
from bot.desk.thread_orders import ThreadOrders


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Answers questions, reads orders in words, and asks colleagues."""

    questions: Questions
    thread_orders: ThreadOrders
    inquiries: Inquiries
    #: Which cases wait on whom.
    queues: Queues
    #: How a case stands, for whoever raised it.
    progress: CaseProgress
    reminders: Reminders

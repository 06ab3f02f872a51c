"""Questions to the bot, and whether the answers helped."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.ports.outbox import OutboxMessage
from bot.views.query import Query, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRecord:
    """A question as the log keeps it."""

    id: str
    asked_at: datetime
    person: str
    text: str
    #: How it was read; empty when it was not understood.
    reading: str = ""
    #: "up", "down" or empty.
    vote: str = ""
    #: The conversation in which it was put.
    conversation: str = ""
    #: Words that were left aside.
    left_aside: tuple[str, ...] = ()
    #: The reading that the person chose instead; None when they chose none.
    choice: Query | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedQuestion:
    """A question and where it was posted."""

    id: str
    #: The principal, "T…/U…".
    person: str
    #: The user id in Slack.
    user: str
    text: str
    channel: str
    #: The message under which the answer goes.
    thread: str
    #: Posted in the direct messages between the person and the bot.
    is_direct: bool
    #: The case in whose thread it was posted.
    case_id: str = ""
    #: Names the conversation: what is asked in it may refer to what was asked before.
    conversation: str = ""
    #: It was posted in a thread. A private answer to any other stands in the channel.
    is_in_thread: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredQuestion:
    """The answer to a question, for what is asked next."""

    #: The reading in words; empty when it was not understood.
    reading: str
    #: None when it was not understood.
    query: Query | None
    case_ids: tuple[str, ...] = ()
    #: Other queries that were offered, in the order of ``Answer.choices``.
    alternatives: tuple[Query, ...] = ()
    left_aside: tuple[str, ...] = ()


class QuestionLog(Protocol):
    """Record questions, how they were read, and votes on the answers."""

    def record(self, question: QuestionRecord, message: OutboxMessage | None) -> bool:
        """Record a question once and request its answer.

        Tell whether it was new.
        """

    def record_reading(self, question_id: str, reading: str) -> None:
        """Record how the question was read; empty when it was not understood."""

    def record_answer(self, question_id: str, answer: AnsweredQuestion) -> None:
        """Record how a question was answered."""

    def find_answer(self, question_id: str, person: str) -> AnsweredQuestion | None:
        """Return how a question of this person was answered.

        None when they put no such question.
        """

    def last_turn(self, person: str, conversation: str, since: datetime) -> Turn | None:
        """Return the person's last question in this conversation that was understood."""

    def record_choice(self, question_id: str, person: str, choice: int) -> Query | None:
        """Record which of the alternatives was meant, and return it.

        None when the person did not put the question, or was offered no such reading.
        """

    def record_vote(self, question_id: str, person: str, vote: str) -> bool:
        """Record whether the answer helped.

        Tell whether the person had put the question.
        """

    def questions(
        self, since: datetime, *, only_unanswered: bool, limit: int = 100
    ) -> list[QuestionRecord]:
        """Return questions since then, the latest first.

        ``only_unanswered``: only those that were not understood, or whose answer did not help.
        """

"""Questions to the bot, as Slack delivers them."""

from dataclasses import dataclass

from bot.desk.questions import Questions
from bot.ports.card_store import CardStore
from bot.ports.clock import Clock
from bot.ports.question_log import PostedQuestion, QuestionLog, QuestionRecord
from handlers.cards.text import Json, JsonMapping
from handlers.slack.chat import SlackChat
from handlers.slack.message_text import plain_text
from handlers.slack.question_limit import TOO_MANY, Admission, QuestionLimit
from handlers.slack.thread_events import ThreadListeners, is_spoken


@dataclass(frozen=True, kw_only=True)
class QuestionListeners:
    """Hand questions and orders to the desk; the outbox brings the answers."""

    questions: Questions
    question_log: QuestionLog
    card_store: CardStore
    chat: SlackChat
    clock: Clock
    limit: QuestionLimit
    threads: ThreadListeners

    def on_mention(self, event: Json, body: Json) -> None:
        """Take an order in a thread, or a question."""
        if not is_spoken(event):
            return
        if not self.threads.on_message(event, author_id(event, body)):
            self._receive(self._parse(event, body, is_direct=False))

    def on_message(self, event: Json, body: Json) -> None:
        """Take a direct question, or an order in a thread.

        Slack sends a mention in a channel twice, as a message and as a mention: an order has the
        same id in both, and a question is left to the second.
        """
        if not is_spoken(event):
            return
        if event.get("channel_type") == "im":
            self._receive(self._parse(event, body, is_direct=True))
        else:
            self.threads.on_message(event, author_id(event, body))

    def on_reaction(self, event: Json, body: Json) -> None:
        """Take a ✅ for the word "approve"."""
        if event.get("user"):
            self.threads.on_reaction(event, author_id(event, body))

    def _receive(self, question: PostedQuestion) -> None:
        """Have a question answered, unless the person asks too many."""
        admission = self.limit.admit(question.person)
        if admission is Admission.ANSWER:
            self.questions.receive(question)
            return
        self._record_unanswered(question)
        if admission is Admission.NOTIFY:
            self.chat.send_ephemeral(
                question.channel,
                question.user,
                TOO_MANY,
                thread_ts=question.thread if question.is_direct else "",
            )

    def _record_unanswered(self, question: PostedQuestion) -> None:
        record = QuestionRecord(
            id=question.id,
            asked_at=self.clock(),
            person=question.person,
            text=question.text,
            conversation=question.conversation,
        )
        self.question_log.record(record, None)

    def _parse(
        self,
        event: JsonMapping,
        body: JsonMapping,
        *,
        is_direct: bool,
    ) -> PostedQuestion:
        channel = str(event["channel"])
        ts = str(event["ts"])
        # A question outside a thread begins one.
        thread_ts = str(event.get("thread_ts") or ts)
        return PostedQuestion(
            id=f"{channel}:{ts}",
            person=author_id(event, body),
            user=str(event["user"]),
            text=plain_text(str(event.get("text", ""))),
            channel=channel,
            thread=thread_ts,
            is_direct=is_direct,
            case_id=self.card_store.case_at(channel, thread_ts),
            conversation=name_conversation(channel, thread_ts, is_direct=is_direct),
            is_in_thread=bool(event.get("thread_ts")),
        )


def name_conversation(channel: str, thread_ts: str, *, is_direct: bool) -> str:
    """Name the conversation of a message.

    In a channel it is the thread. In direct messages it is all of them: the answer to a question
    begins a thread, and people ask on in the thread or beside it.
    """
    if is_direct:
        return channel
    return f"{channel}:{thread_ts}"


def author_id(event: JsonMapping, body: JsonMapping) -> str:
    """Return the principal of an event's author.

    The team is their own, not that of the channel.
    """
    team = event.get("user_team") or event.get("team") or body.get("team_id")
    return f"{team}/{event['user']}"

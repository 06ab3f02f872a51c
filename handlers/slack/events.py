"""Questions to the bot, orders in threads, and visits."""

from dataclasses import asdict, dataclass

from slack_bolt import Ack, App

from bot.desk.app_home import AppHome
from bot.ports.card_store import CardStore
from bot.ports.clock import Clock
from bot.ports.outbox import OutboxMessage, Topic
from bot.ports.question_log import PostedQuestion, QuestionLog, QuestionRecord
from bot.views.answers import EXAMPLES
from handlers.cards import ids
from handlers.cards.text import Json, JsonMapping
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import person_id
from handlers.slack.message_text import plain_text
from handlers.slack.services import SlackServices
from handlers.slack.thread_events import ThreadListeners, is_spoken

THANKS = {
    "up": "Thank you.",
    "down": "Thank you. Your feedback is recorded for review.",
}


def register(app: App, services: SlackServices) -> None:
    """Listen for messages, feedback and visits."""
    questions = QuestionListeners(
        question_log=services.question_log,
        card_store=services.card_store,
        chat=services.chat,
        clock=services.clock,
        threads=ThreadListeners(
            thread_orders=services.conversation.thread_orders,
            card_store=services.card_store,
            chat=services.chat,
        ),
    )
    app.event("app_mention")(questions.on_mention)
    app.event("message")(questions.on_message)
    app.event("reaction_added")(questions.on_reaction)
    app.action(ids.FEEDBACK)(questions.on_feedback)
    visits = VisitListeners(services.app_home, services.chat)
    app.event("app_home_opened")(visits.on_opened)


@dataclass(frozen=True, kw_only=True)
class QuestionListeners:
    """Record questions; the answers come from the outbox."""

    question_log: QuestionLog
    card_store: CardStore
    chat: SlackChat
    clock: Clock
    threads: ThreadListeners

    def on_mention(self, event: Json, body: Json) -> None:
        """Take an order in a thread, or record a question."""
        if not is_spoken(event):
            return
        if not self.threads.on_message(event, author_id(event, body)):
            self._record(event, body, is_direct=False)

    def on_message(self, event: Json, body: Json) -> None:
        """Record a direct question, or take an order in a thread.

        Slack sends a mention in a channel twice, as a message and as a mention: an order has the
        same id in both, and a question is left to the second.
        """
        if not is_spoken(event):
            return
        if event.get("channel_type") == "im":
            self._record(event, body, is_direct=True)
        else:
            self.threads.on_message(event, author_id(event, body))

    def on_reaction(self, event: Json, body: Json) -> None:
        """Take a ✅ for the word "approve"."""
        if event.get("user"):
            self.threads.on_reaction(event, author_id(event, body))

    def on_feedback(self, body: Json, ack: Ack) -> None:
        """Record a thumb under an answer, from the person who asked."""
        value = str(body["actions"][0].get("value", ""))
        vote, _, question_id = value.partition(" ")
        person = person_id(body)
        is_recorded = vote in THANKS and self.question_log.record_vote(question_id, person, vote)
        ack()
        channel = str((body.get("channel") or {}).get("id", ""))
        if is_recorded and channel:
            self.chat.send_ephemeral(channel, str(body["user"]["id"]), THANKS[vote])

    def _record(
        self,
        event: JsonMapping,
        body: JsonMapping,
        *,
        is_direct: bool,
    ) -> None:
        """Record a question and the order to answer it, in one transaction.

        Slack may deliver a message twice: the id makes both one question.
        """
        question = self._parse(event, body, is_direct=is_direct)
        now = self.clock()
        record = QuestionRecord(
            id=question.id,
            asked_at=now,
            person=question.person,
            text=question.text,
        )
        message = OutboxMessage(
            topic=Topic.ANSWER,
            key=f"answer:{question.id}",
            case_id=question.case_id,
            run_at=now,
            payload=asdict(question),
        )
        self.question_log.record(record, message)

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
        )


@dataclass(frozen=True)
class VisitListeners:
    """Prepare the tabs of the app when somebody opens them."""

    app_home: AppHome
    chat: SlackChat

    def on_opened(self, event: Json, body: Json) -> None:
        """Draw the App Home, or suggest questions in the agent pane."""
        if event.get("tab") == "messages":
            self.chat.suggest_prompts(str(event.get("channel", "")), EXAMPLES)
        else:
            self.app_home.show(author_id(event, body))


def author_id(event: JsonMapping, body: JsonMapping) -> str:
    """Return the principal of an event's author.

    The team is their own, not that of the channel.
    """
    team = event.get("user_team") or event.get("team") or body.get("team_id")
    return f"{team}/{event['user']}"

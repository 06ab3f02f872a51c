"""The buttons under answers: thumbs, other readings, and questions to review."""

import http.client
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slack_bolt import Ack, App, Respond

from bot.cases.errors import ChatFailed, Refusal
from bot.desk.question_review import QuestionReviews
from bot.desk.questions import Questions
from bot.ports.question_log import PostedQuestion, QuestionLog
from bot.views.answers import EXAMPLES, Answer
from handlers.cards import ids
from handlers.cards.answer_blocks import (
    answer_blocks,
    answer_text,
    choice_blocks,
    example_list,
)
from handlers.cards.answer_table import without_tables
from handlers.cards.blocks import heading
from handlers.cards.forms import notice
from handlers.cards.question_list import question_list_modal
from handlers.cards.text import Json, JsonMapping
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import person_id
from handlers.slack.listeners import error_text
from handlers.slack.services import SlackServices
from handlers.slack.slash_command import is_asked_by_command

log = logging.getLogger(__name__)
THANKS = {
    "up": "Thank you.",
    "down": "Thank you. Your feedback is recorded for review.",
}
WHICH_ONE = "What did you mean? Choose one, and I answer that."
ASK_DIFFERENTLY = (
    "I read it in no other way. Your question is kept for review. These words I understand, for"
    " example:"
)
NOT_YOURS = "Only the person who asked can choose another reading. Ask it yourself, and I answer."
NOT_YOUR_VOTE = "Only the person who asked can say whether this answer helped."
MAX_EXAMPLES = 3
#: The place of no reading.
NO_READING = -1


def register(app: App, services: SlackServices) -> None:
    """Give each button its listener."""
    buttons = QuestionButtons(
        questions=services.conversation.questions,
        question_log=services.questions.log,
        reviews=services.questions.reviews,
        chat=services.chat,
    )
    app.action(ids.FEEDBACK)(buttons.on_feedback)
    app.action(ids.REREAD)(buttons.on_reread)
    app.action(ids.CHOOSE_READING)(buttons.on_choice)
    app.action(ids.REVIEW_QUESTIONS)(buttons.on_review)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Press:
    """A press under an answer, and where the answer stands."""

    person: str
    user: str
    channel: str
    #: The message under which the answer stands; empty outside of threads.
    thread_ts: str
    value: str

    @classmethod
    def parse(cls, body: JsonMapping) -> "_Press":
        """Read the payload ``block_actions``."""
        container = body.get("container") or {}
        message = body.get("message") or {}
        thread_ts = container.get("thread_ts") or message.get("thread_ts")
        return cls(
            person=person_id(body),
            user=str(body["user"]["id"]),
            channel=str((body.get("channel") or {}).get("id", "")),
            thread_ts=str(thread_ts or ""),
            value=str(body["actions"][0].get("value", "")),
        )


@dataclass(frozen=True, slots=True)
class _Reply:
    """A private answer to a press."""

    text: str
    blocks: Sequence[Json] = ()


@dataclass(frozen=True, kw_only=True)
class QuestionButtons:
    """One method for each button."""

    questions: Questions
    question_log: QuestionLog
    reviews: QuestionReviews
    chat: SlackChat

    def on_feedback(self, body: Json, ack: Ack, respond: Respond) -> None:
        """Record a thumb under an answer, from the person who asked."""
        press = _Press.parse(body)
        vote, _, question_id = press.value.partition(" ")
        if vote not in THANKS:
            ack()
            return
        is_recorded = self.question_log.record_vote(question_id, press.person, vote)
        ack()
        reply = _Reply(NOT_YOUR_VOTE)
        if is_recorded:
            reply = _Reply(THANKS[vote])
        self._tell(press, reply, question_id=question_id, respond=respond)

    def on_reread(self, body: Json, ack: Ack, respond: Respond) -> None:
        """Offer the other readings of a question to whoever asked it."""
        press = _Press.parse(body)
        reply = self._reread(press.value, press.person)
        ack()
        self._tell(press, reply, question_id=press.value, respond=respond)

    def _reread(self, question_id: str, person: str) -> _Reply:
        record = self.question_log.find_answer(question_id, person)
        if record is None:
            return _Reply(NOT_YOURS)
        # The answer was to another question than the one that was meant.
        self.question_log.record_vote(question_id, person, "down")
        choices = self.questions.choices(question_id, by=person)
        if choices:
            return _Reply(WHICH_ONE, (heading(WHICH_ONE), *choice_blocks(choices, question_id)))
        examples = example_list(EXAMPLES[:MAX_EXAMPLES])
        return _Reply(ASK_DIFFERENTLY, (heading(ASK_DIFFERENTLY), examples))

    def on_choice(self, body: Json, ack: Ack, respond: Respond) -> None:
        """Answer the reading that the person chose, where the question was answered."""
        press = _Press.parse(body)
        place, _, question_id = press.value.partition(" ")
        number = int(place) if len(place) == 1 and place.isdecimal() else NO_READING
        try:
            answer = self.questions.answer_choice(question_id, number, by=press.person)
        except (Refusal, ChatFailed) as error:
            ack()
            reply = _Reply(error_text(error, "press"))
            self._tell(press, reply, question_id=question_id, respond=respond)
            return
        ack()
        if is_asked_by_command(question_id):
            _respond(respond, self._draw(answer, question_id))
        else:
            self.chat.answer(_posted_question(press, question_id), answer, look_first=False)

    def on_review(self, body: Json, ack: Ack) -> None:
        """List the questions of a channel that were not answered well."""
        press = _Press.parse(body)
        place, _, since = press.value.rpartition(" ")

        def build() -> Json:
            return question_list_modal(self.reviews.questions(place, since, by=press.person))

        self.chat.open_modal(str(body["trigger_id"]), _view(build))
        ack()

    def _draw(self, answer: Answer, question_id: str) -> _Reply:
        blocks = answer_blocks(answer, self.chat.permalink, question_id)
        return _Reply(answer_text(answer), without_tables(blocks))

    def _tell(
        self,
        press: _Press,
        reply: _Reply,
        *,
        question_id: str,
        respond: Respond,
    ) -> None:
        """Answer the presser alone, beside the answer."""
        if is_asked_by_command(question_id):
            _respond(respond, reply)
        elif press.channel:
            self.chat.send_ephemeral(
                press.channel,
                press.user,
                reply.text,
                reply.blocks,
                thread_ts=press.thread_ts,
            )


def _respond(respond: Respond, reply: _Reply) -> None:
    """Answer below a command, in channels that we are not in too."""
    try:
        respond(
            text=reply.text,
            blocks=list(reply.blocks) or None,
            response_type="ephemeral",
            replace_original=False,
        )
    except (OSError, http.client.HTTPException, ValueError) as failure:
        log.warning("could not answer a press under a command: %s", type(failure).__name__)


def _view(build: Callable[[], Json]) -> Json:
    """Build a window, or one that says why there is none."""
    try:
        return build()
    except (Refusal, ChatFailed) as error:
        return notice(error_text(error, "press"))


def _posted_question(press: _Press, question_id: str) -> PostedQuestion:
    """Describe the question that is answered once more."""
    is_direct = press.channel.startswith("D")
    thread_ts = press.thread_ts or question_id.rpartition(":")[2]
    return PostedQuestion(
        id=question_id,
        person=press.person,
        user=press.user,
        text="",
        channel=press.channel,
        thread=thread_ts,
        is_direct=is_direct,
        is_in_thread=bool(press.thread_ts),
    )

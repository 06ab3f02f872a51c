"""The buttons under answers: thumbs, other readings, and questions to review."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slack_bolt import Ack, App

from bot.cases.errors import ChatFailed, Refusal
from bot.desk.question_review import QuestionReviews
from bot.desk.questions import Questions
from bot.ports.question_log import PostedQuestion, QuestionLog
from bot.views.answers import EXAMPLES
from handlers.cards import ids
from handlers.cards.answer_blocks import choice_blocks, example_list
from handlers.cards.blocks import heading
from handlers.cards.forms import notice
from handlers.cards.question_list import question_list_modal
from handlers.cards.text import Json, JsonMapping
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import person_id
from handlers.slack.listeners import error_text
from handlers.slack.services import SlackServices

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
        question_log=services.question_log,
        reviews=services.question_reviews,
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


@dataclass(frozen=True, kw_only=True)
class QuestionButtons:
    """One method for each button."""

    questions: Questions
    question_log: QuestionLog
    reviews: QuestionReviews
    chat: SlackChat

    def on_feedback(self, body: Json, ack: Ack) -> None:
        """Record a thumb under an answer, from the person who asked."""
        press = _Press.parse(body)
        vote, _, question_id = press.value.partition(" ")
        if vote not in THANKS:
            ack()
            return
        is_recorded = self.question_log.record_vote(question_id, press.person, vote)
        ack()
        self._tell(press, THANKS[vote] if is_recorded else NOT_YOUR_VOTE)

    def on_reread(self, body: Json, ack: Ack) -> None:
        """Offer the other readings of a question to whoever asked it."""
        press = _Press.parse(body)
        question_id = press.value
        record = self.question_log.find_answer(question_id, press.person)
        if record is None:
            ack()
            self._tell(press, NOT_YOURS)
            return
        # The answer was to another question than the one that was meant.
        self.question_log.record_vote(question_id, press.person, "down")
        choices = self.questions.choices(question_id, by=press.person)
        ack()
        if choices:
            blocks = [heading(WHICH_ONE), *choice_blocks(choices, question_id)]
            self._tell(press, WHICH_ONE, blocks)
        else:
            blocks = [heading(ASK_DIFFERENTLY), example_list(EXAMPLES[:MAX_EXAMPLES])]
            self._tell(press, ASK_DIFFERENTLY, blocks)

    def on_choice(self, body: Json, ack: Ack) -> None:
        """Answer the reading that the person chose, where the question was answered."""
        press = _Press.parse(body)
        place, _, question_id = press.value.partition(" ")
        number = int(place) if place.isdecimal() else NO_READING
        try:
            answer = self.questions.answer_choice(question_id, number, by=press.person)
        except (Refusal, ChatFailed) as error:
            ack()
            self._tell(press, error_text(error, "press"))
            return
        ack()
        self.chat.answer(_posted_question(press, question_id), answer, look_first=False)

    def on_review(self, body: Json, ack: Ack) -> None:
        """List the questions of a channel that were not answered well."""
        press = _Press.parse(body)
        place, _, since = press.value.rpartition(" ")

        def build() -> Json:
            return question_list_modal(self.reviews.questions(place, since, by=press.person))

        self.chat.open_modal(str(body["trigger_id"]), _view(build))
        ack()

    def _tell(self, press: _Press, text: str, blocks: Sequence[Json] = ()) -> None:
        """Answer the presser alone, beside the answer."""
        if press.channel:
            self.chat.send_ephemeral(
                press.channel,
                press.user,
                text,
                blocks,
                thread_ts=press.thread_ts,
            )


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

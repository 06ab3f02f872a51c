"""Sends answers, in direct messages as a message that grows."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from bot.cases.errors import ChatFailed, ChatUnknown, RateLimited
from bot.ports.question_log import PostedQuestion
from bot.views.answers import Answer
from bot.views.labels import mid_sentence
from handlers.cards.answer_blocks import answer_blocks, answer_text, first_line
from handlers.cards.answer_table import without_tables
from handlers.cards.text import Json, JsonMapping, escape_mrkdwn
from handlers.slack.api import response_data, slack_errors
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import BLOCK_ERRORS, Sender, message_bucket

MAX_STATUS = 100
#: Says that a status is shown, and the answer may grow in place of it.
STATUS = "status"
MAX_THREAD_MESSAGES = 200
LOOKING = "is looking…"
# A growing message takes text as Markdown. Text is sent so only if Markdown, and Slack's search for
# links and names, find nothing in it.
_PLAIN_SENTENCE = re.compile(
    # No item of a numbered list, and no entity.
    r"(?!\d+[.)] )[A-Za-z0-9£€$](?:[A-Za-z0-9 £€$%,;:.“”’'()–—-]|(?<= )&(?= ))*",
    re.ASCII,
)
_LOOKS_LIKE_MARKUP = re.compile(r"\.[A-Za-z]|:\w+:|--")


class AnswerSender(Sender):
    """Answers questions where they were asked."""

    def start_answer(self, question: PostedQuestion) -> str:
        """Show that we are looking; return ``STATUS`` if that is shown.

        In a channel nothing is shown before it is known who may see the answer.
        """
        is_shown = question.is_direct and self._show_status(question, LOOKING)
        return STATUS if is_shown else ""

    def post_progress(self, question: PostedQuestion, stream_ts: str, words: str) -> None:
        """Show the step that we are at; a failure is ignored."""
        if stream_ts:
            self._show_status(question, f"is {mid_sentence(escape_mrkdwn(words, MAX_STATUS))}…")

    def _show_status(self, question: PostedQuestion, status: str) -> bool:
        """Show a status beside our name, which ends with our next message."""
        try:
            self.api.post(
                "assistant.threads.setStatus",
                channel_id=question.channel,
                thread_ts=question.thread,
                status=status,
            )
        except ChatFailed:
            # The answer is posted whole instead.
            return False
        return True

    def answer(
        self,
        question: PostedQuestion,
        answer: Answer,
        *,
        look_first: bool,
        stream_ts: str = "",
    ) -> None:
        """Answer once, in the growing message or in one of its own.

        Everybody sees it in a direct conversation, and where all may see every case in it.
        """
        if stream_ts and not look_first and self._stream_answer(question, answer):
            return
        content = self._answer_content(question, answer)
        is_public = question.is_direct or answer.is_all_in(question.channel)
        # Slack shows no private message in a thread that nobody has written in yet.
        if is_public or question.is_in_thread:
            content["thread_ts"] = question.thread
        if is_public:
            self._post_once(question, content, look_first=look_first)
        else:
            self._send_with_tables(
                "chat.postEphemeral",
                question.channel,
                user=question.user,
                **content,
            )
        if look_first and question.is_direct:
            self._delete_unfinished_streams(question)

    def _answer_content(self, question: PostedQuestion, answer: Answer) -> Json:
        return {
            "text": answer_text(answer),
            "blocks": answer_blocks(answer, self.permalink, question.id),
        }

    def _post_once(
        self,
        question: PostedQuestion,
        content: JsonMapping,
        *,
        look_first: bool,
    ) -> None:
        query = MessageQuery(
            kind=MessageKind.ANSWER,
            uid=question.id,
            recipient=question.channel,
            thread_ts=question.thread,
        )
        if look_first and self.search.find_first(query):
            return
        options = message_options(MessageKind.ANSWER, question.id)
        self._send_with_tables(
            "chat.postMessage",
            question.channel,
            **content,
            **options,
        )

    def _stream_answer(self, question: PostedQuestion, answer: Answer) -> bool:
        """Answer in a message that grows: its first line, then the rest.

        Returns False when the answer must be posted whole.
        """
        try:
            response = self.api.post_to(
                "chat.startStream", question.channel, thread_ts=question.thread
            )
        except ChatUnknown:
            raise
        except ChatFailed:
            # Streams are scarcer than messages: the answer is posted whole.
            return False
        stream_ts = str(response["ts"])
        options = message_options(MessageKind.ANSWER, question.id)
        has_line = self._stream_first_line(question, stream_ts, first_line(answer))
        blocks = answer_blocks(answer, self.permalink, question.id, has_first_line=not has_line)
        try:
            self._send_with_tables(
                "chat.stopStream",
                question.channel,
                bucket=message_bucket(question.channel, stream_ts),
                ts=stream_ts,
                blocks=blocks,
                metadata=options["metadata"],
            )
        except (ChatUnknown, RateLimited):
            raise
        except ChatFailed:
            # Slack closes a stream after five minutes; the message itself can still be edited.
            content = self._answer_content(question, answer)
            return self._overwrite_stream(question, stream_ts, {**content, **options})
        return True

    def _stream_first_line(self, question: PostedQuestion, stream_ts: str, text: str) -> bool:
        """Show the first line ahead of the rest, where that is safe.

        Tell whether it is shown.
        """
        if not is_plain_sentence(text):
            return False
        try:
            self.api.post_to(
                "chat.appendStream",
                question.channel,
                bucket=message_bucket(question.channel, stream_ts),
                ts=stream_ts,
                chunks=[{"type": "markdown_text", "text": f"**{text}**"}],
            )
        except ChatUnknown:
            raise
        except ChatFailed:
            return False
        return True

    def _overwrite_stream(
        self,
        question: PostedQuestion,
        stream_ts: str,
        content: JsonMapping,
    ) -> bool:
        try:
            self._send_with_tables(
                "chat.update",
                question.channel,
                ts=stream_ts,
                **content,
            )
        except ChatFailed:
            return False
        return True

    def _send_with_tables(self, method: str, channel: str, **arguments: Any) -> None:
        """Send tables and charts, or text where Slack refuses them."""
        text_blocks = without_tables(arguments["blocks"])
        try:
            self.api.post_to(method, channel, **arguments)
        except ChatFailed as failure:
            if failure.error not in BLOCK_ERRORS or text_blocks == arguments["blocks"]:
                raise
            arguments["blocks"] = text_blocks
            self.api.post_to(method, channel, **arguments)

    def _delete_unfinished_streams(self, question: PostedQuestion) -> None:
        """Delete the messages that interrupted attempts at this question left."""
        channel = self.api.channel_id(question.channel)
        question_ts = question.id.rpartition(":")[2]
        with slack_errors():
            response = self.api.client.conversations_replies(
                channel=channel,
                ts=question.thread,
                include_all_metadata=True,
                limit=MAX_THREAD_MESSAGES,
            )
        thread = response_data(response)
        for ts in self._unfinished_after(question_ts, thread["messages"]):
            with contextlib.suppress(ChatFailed):
                self.api.post_to("chat.delete", channel, ts=ts)

    def _unfinished_after(self, question_ts: str, messages: list[JsonMapping]) -> Iterator[str]:
        """Find our messages without metadata between this question and the next one."""
        latest_question = ""
        for message in sorted(messages, key=_timestamp):
            if not message.get("bot_id"):
                latest_question = message["ts"]
            elif latest_question == question_ts and self._is_unfinished(message):
                yield message["ts"]

    def _is_unfinished(self, message: JsonMapping) -> bool:
        # The metadata comes with the last part of a stream.
        is_ours = message["bot_id"] == self.api.identity()["bot_id"]
        return is_ours and not message.get("metadata")


def is_plain_sentence(text: str) -> bool:
    """Tell whether a text has nothing in it that Markdown reads."""
    has_markup = bool(_LOOKS_LIKE_MARKUP.search(text))
    return bool(_PLAIN_SENTENCE.fullmatch(text)) and not has_markup


def _timestamp(message: JsonMapping) -> float:
    return float(message["ts"])

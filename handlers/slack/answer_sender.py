"""Sends answers, in direct messages as a message that grows."""

import contextlib
from collections.abc import Iterator

from bot.cases.errors import ChatFailed, ChatUnknown, RateLimited
from bot.ports.question_log import PostedQuestion
from bot.views.answers import Answer
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.text import Json, JsonMapping, clean
from handlers.slack.api import response_data, slack_errors
from handlers.slack.message_metadata import MessageKind, message_options
from handlers.slack.message_search import MessageQuery
from handlers.slack.sender import Sender

MAX_STEP_TITLE = 150
MAX_THREAD_MESSAGES = 200


class AnswerSender(Sender):
    """Answers questions where they were asked."""

    def start_answer(self, question: PostedQuestion) -> str:
        """Start a message that grows; return its ``ts``, or "".

        In a channel nothing is shown before it is known who may see the answer.
        """
        if not question.is_direct:
            return ""
        try:
            response = self.api.post_to(
                "chat.startStream", question.channel, thread_ts=question.thread
            )
        except ChatFailed:
            # The answer is posted whole instead.
            return ""
        return str(response["ts"])

    def post_progress(
        self,
        question: PostedQuestion,
        stream_ts: str,
        words: str,
    ) -> None:
        """Add a step to the growing message; a failure is ignored."""
        task = {
            "type": "task_update",
            "id": f"{len(words)}{words[:40]}",
            "title": clean(words, MAX_STEP_TITLE),
            "status": "complete",
        }
        with contextlib.suppress(ChatFailed):
            self.api.post_to(
                "chat.appendStream",
                question.channel,
                ts=stream_ts,
                chunks=[task],
            )

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
        content: Json = {
            "text": answer_text(answer),
            "blocks": answer_blocks(answer, self.permalink, question.id),
        }
        if stream_ts and self._finish_stream(question, stream_ts, content):
            return
        content["thread_ts"] = question.thread
        if question.is_direct or answer.is_all_in(question.channel):
            self._post_once(question, content, look_first=look_first)
        else:
            self.api.post_to(
                "chat.postEphemeral",
                question.channel,
                user=question.user,
                **content,
            )
        if look_first and question.is_direct:
            self._delete_unfinished_streams(question)

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
        self.api.post_to(
            "chat.postMessage",
            question.channel,
            **content,
            **options,
        )

    def _finish_stream(
        self,
        question: PostedQuestion,
        stream_ts: str,
        content: JsonMapping,
    ) -> bool:
        """End the growing message with the answer.

        Returns False when the answer must be posted instead.
        """
        options = message_options(MessageKind.ANSWER, question.id)
        try:
            self.api.post_to(
                "chat.stopStream",
                question.channel,
                ts=stream_ts,
                blocks=content["blocks"],
                metadata=options["metadata"],
            )
        except (ChatUnknown, RateLimited):
            raise
        except ChatFailed:
            # Slack closes a stream after five minutes; the message itself can still be edited.
            return self._overwrite_stream(
                question,
                stream_ts,
                {**content, **options},
            )
        return True

    def _overwrite_stream(
        self,
        question: PostedQuestion,
        stream_ts: str,
        content: JsonMapping,
    ) -> bool:
        try:
            self.api.post_to(
                "chat.update",
                question.channel,
                ts=stream_ts,
                **content,
            )
        except ChatFailed:
            return False
        return True

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


def _timestamp(message: JsonMapping) -> float:
    return float(message["ts"])

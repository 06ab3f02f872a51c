"""Answer what people ask, in Slack and by command.

Counts and names come from queries, reasons from what was recorded. Nobody learns of a case that
they may not see.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.cases.hours import Hours
from bot.desk.case_answers import MAX_LINES, CaseAnswers
from bot.desk.case_tools import ViewerTools
from bot.desk.report import report
from bot.desk.visibility import Visibility
from bot.ports.case_queries import Viewer
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.language import Assistant, QuestionParser
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox
from bot.ports.question_log import PostedQuestion, QuestionLog
from bot.views.answers import Answer
from bot.views.questions import Intent, Question

NOBODY = ""
BY_MODEL = "answered by the model from the cases below"


def _ignore_progress(step: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Understand a question by grammar or model, and answer it."""

    answers: CaseAnswers
    visibility: Visibility
    question_log: QuestionLog
    outbox: Outbox
    library: Library
    parser: QuestionParser
    chat: Chat
    clock: Clock
    assistant: Assistant | None = None

    def run(self, message: LeasedMessage) -> None:
        """Answer a posted question where it was asked."""
        question = PostedQuestion(**message.payload)
        # A retry may find a half-streamed answer, so it posts a whole one.
        is_first_attempt = message.uncertain_attempts <= 1
        stream_ts = ""
        if self.assistant and is_first_attempt:
            stream_ts = self.chat.start_answer(question)

        def show_progress(step: str) -> None:
            if stream_ts:
                self.chat.post_progress(question, stream_ts, step)

        answer = self.answer(
            question.text,
            by=question.person,
            case_id=question.case_id,
            channel=question.channel,
            on_progress=show_progress,
        )
        if not question.is_direct:
            answer = replace(answer, is_public=self._is_same_for_all(answer, question))
        self.question_log.record_reading(question.id, answer.reading)
        self.chat.answer(
            question,
            answer,
            look_first=not is_first_attempt,
            stream_ts=stream_ts,
        )
        self.outbox.finish(message)

    def report(self, *, by: str) -> Answer:
        """Report the last thirty days, over what this person may see."""
        return report(
            queries=self.answers.queries,
            library=self.library,
            viewer=self.visibility.viewer(by),
            now=self.clock(),
        )

    def answer(
        self,
        text: str,
        *,
        by: str,
        case_id: str = "",
        channel: str = "",
        on_progress: Callable[[str], None] = _ignore_progress,
    ) -> Answer:
        """Answer this person.

        ``case_id``: the case in whose thread the question was posted. ``on_progress`` is called
        with each step of a model.
        """
        hours = self.library.hours(channel)
        viewer = self.visibility.viewer(by)
        question = self.parser.understand(text, self.clock(), hours, case_id=case_id)
        if question is None or question.intent is not Intent.HELP:
            context = f"{text}\n(asked in the thread of {case_id})" if case_id else text
            answer = self._ask_model(
                context,
                viewer=viewer,
                hours=hours,
                on_progress=on_progress,
            )
            if answer is not None:
                return answer
        return self._answer_without_model(text, question, viewer, case_id=case_id)

    def answer_question(self, question: Question, *, by: str) -> Answer:
        """Answer a question that needs no understanding."""
        return self.answers.answer(question, self.visibility.viewer(by))

    def _answer_without_model(
        self,
        text: str,
        question: Question | None,
        viewer: Viewer,
        *,
        case_id: str,
    ) -> Answer:
        if question is None and case_id:
            return self.answers.explain_thread()
        if question is None:
            return self.answers.find_closest(text, viewer)
        return self.answers.answer(question, viewer)

    def _is_same_for_all(self, answer: Answer, posted_question: PostedQuestion) -> bool:
        """Tell whether everyone in the channel would get this answer."""
        if answer.model_text or not answer.lines:
            return False
        channel = posted_question.channel
        question = self.parser.understand(
            posted_question.text,
            self.clock(),
            self.library.hours(channel),
            case_id=posted_question.case_id,
        )
        # Nobody in particular sees the cases of this channel and is a party to none, so that a
        # number which counts anything else comes out differently.
        everyone = Viewer(NOBODY, frozenset({channel}))
        public_answer = self._answer_without_model(
            posted_question.text, question, everyone, case_id=posted_question.case_id
        )
        return public_answer == answer

    def _ask_model(
        self,
        text: str,
        *,
        viewer: Viewer,
        hours: Hours,
        on_progress: Callable[[str], None],
    ) -> Answer | None:
        """Let a model answer from the same queries; None without an answer."""
        if self.assistant is None:
            return None
        tools = ViewerTools(
            answers=self.answers,
            parser=self.parser,
            viewer=viewer,
            hours=hours,
        )
        model_answer = self.assistant.answer(text, tools, on_progress)
        if model_answer is None:
            return None
        # The cases below the answer come from our own record of what the model was shown.
        cases = self.answers.queries.by_id(tools.case_ids[:MAX_LINES])
        answer = Answer(
            reading=BY_MODEL,
            text="",
            model_text=model_answer,
            model=self.assistant.name,
        )
        return self.answers.with_lines(answer, list(cases.values()), len(tools.case_ids))

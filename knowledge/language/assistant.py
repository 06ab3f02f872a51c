"""A chat model that answers questions with tools.

The tools are the desk's own queries, for reading only, and show what the person who asks may see.
The model has few calls, little time and a daily limit. An answer with a figure that no tool
returned is dropped, and the grammar answers instead. The text is untrusted and is shown as the
model's words.
"""

from bot import metrics
from bot.ports.clock import Clock
from bot.ports.language import CaseTools
from knowledge.language.answer_check import is_grounded
from knowledge.language.chat_model import (
    Agent,
    ChatLimits,
    LimitedCalls,
    NoAnswer,
    Progress,
    open_chat_model,
)

MAX_TOKENS = 500
MAX_QUESTION_LENGTH = 2_000
MAX_ANSWER_LENGTH = 1_500


class ModelAssistant:
    """Answers questions with a chat model."""

    def __init__(
        self,
        name: str,
        agent: Agent,
        clock: Clock,
        limits: ChatLimits,
    ) -> None:
        self.name = name
        self._agent = agent
        self._calls = LimitedCalls(clock, limits, "assistant")

    def answer(
        self,
        text: str,
        tools: CaseTools,
        on_progress: Progress,
    ) -> str | None:
        """Answer a question, or return None, and count the outcome."""
        outcome = "shown"
        answer = None
        try:
            answer = self._answer(text, tools, on_progress)
        except NoAnswer as reason:
            outcome = reason.outcome
        metrics.TALKS.labels(outcome).inc()
        return answer

    def _answer(self, text: str, tools: CaseTools, on_progress: Progress) -> str:
        recorder = RecordingTools(tools)
        question = text[:MAX_QUESTION_LENGTH]

        def ask() -> str:
            return self._agent(question, recorder, on_progress)

        reply = self._calls.run(ask)
        answer = str(reply or "").strip()
        if not answer or len(answer) > MAX_ANSWER_LENGTH:
            raise NoAnswer("malformed")
        if not is_grounded(answer, f"{text}\n{recorder.transcript}"):
            raise NoAnswer("inventive")
        return answer


class RecordingTools:
    """Tools that record their results, as the sources of an answer."""

    def __init__(self, tools: CaseTools) -> None:
        self._tools = tools
        self.transcript = ""

    def search(self, question: str) -> str:
        """Find and count cases with a question in plain English."""
        return self._record(self._tools.search(question))

    def show(self, case_id: str) -> str:
        """Return everything known about one case."""
        return self._record(self._tools.show(case_id))

    def _record(self, result: str) -> str:
        self.transcript += f"\n{result}"
        return result


def open_assistant(
    name: str,
    url: str,
    clock: Clock,
    limits: ChatLimits,
) -> ModelAssistant:
    """Open an assistant over a chat model that can call tools.

    ``url`` is that of a server of one's own; empty for the provider's.

    Raises:
        BadRequest: there is no such model, or its package is not installed.
    """
    # LangChain's agents take seconds to import, and most desks have no model.
    from knowledge.language.agent import build_agent

    model = open_chat_model(
        name,
        url,
        timeout_seconds=limits.timeout_seconds,
        max_tokens=MAX_TOKENS,
    )
    return ModelAssistant(
        name=name,
        agent=build_agent(model),
        clock=clock,
        limits=limits,
    )

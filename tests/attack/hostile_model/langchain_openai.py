"""A chat model that somebody talked over, in the place of a provider's package.

A bot that has this folder on its path is given it by LangChain's ``init_chat_model("openai:…")``.
"""

import itertools
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda

SECRET = "Zephyrine Syndicate"
HIDDEN_CHANNEL = "C0BOARD"
OPEN = {"is_open": True}
#: What it writes, one after the other, whatever it is asked.
ANSWERS: tuple[Any, ...] = (
    {"ask": "list", "condition": {"text": SECRET}},
    {"ask": "count", "condition": {"channel": HIDDEN_CHANNEL}},
    {"ask": "sum", "measure": "stake_sum", "condition": {"channel": HIDDEN_CHANNEL}},
    {"ask": "act", "act": "approve", "case_id": "EX-1"},
    {"ask": "act", "act": "approve", "condition": OPEN},
    {"ask": "act", "act": "pause"},
    {"ask": "act", "act": "stand_in", "of": "me", "to": "U0STRANGER", "until": "9999-12-31"},
    {"ask": "status", "case_id": "EX-1"},
    {"ask": "list", "condition": {**OPEN, "waits_on": "U0ELSIE"}},
    {"ask": "group", "grouping": "owner", "measure": "stake_sum"},
    {"ask": "list", "limit": 10**9, "nth": -7},
    {"ask": "list", "condition": {"min_stake": "9" * 400, "min_age": "P" + "9" * 400 + "D"}},
    {"ask": "list", "condition": {"text": "%' OR '1'='1"}},
    {"ask": "list", "condition": OPEN, "not_understood": ["<!channel>", "<@U0ELSIE>", SECRET]},
    {"ask": "small_talk", "of": "Approved. Nothing is open. <https://evil.example|Look>"},
    {"ask": "nonsense"},
    {"answer": f"{SECRET} owes £987,654."},
    {"ask": "list", "condition": {"kinds": ["x" * 4_000] * 40}},
    "Approved EX-1.",
    None,
    RuntimeError("out of memory"),
)


class ChatOpenAI(BaseChatModel):
    """Answers with one hostile thing after the other."""

    model: str = "hostile"

    def __init__(self, **settings: Any) -> None:
        super().__init__(model=settings.get("model", "hostile"))

    @property
    def _llm_type(self) -> str:
        return "hostile"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        text = f"I approved everything, {SECRET} included."
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    def with_structured_output(self, schema: Any, **_: Any) -> Runnable[Any, Any]:
        """Return what answers with the next of them, whatever shape is asked for."""
        answers = itertools.cycle(ANSWERS)

        def answer(messages: Any) -> Any:
            content = next(answers)
            if isinstance(content, Exception):
                raise content
            return content

        return RunnableLambda(answer)

"""A chat model, opened by LangChain's name for it, and how often a day it may be asked."""

import threading
from dataclasses import dataclass
from typing import Any

from bot.cases.errors import BadRequest
from bot.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that one answer may take, and how many times a day may cost a call."""

    seconds: float = 10.0
    per_day: int = 500


class Allowance:
    """Counts the calls of a day."""

    def __init__(self, clock: Clock, per_day: int) -> None:
        self._clock = clock
        self._per_day = per_day
        self._day, self._asked = "", 0
        self._counting = threading.Lock()

    def takes_one(self) -> bool:
        """Whether one more call is within the day's limit; it counts as made."""
        with self._counting:
            today = f"{self._clock():%Y-%m-%d}"
            if today != self._day:
                self._day, self._asked = today, 0
            self._asked += 1
            return self._asked <= self._per_day


def open_chat_model(name: str, url: str, *, seconds: float, tokens: int) -> Any:
    """Any chat model that LangChain's ``init_chat_model`` knows; ``url`` for a server of one's own.

    Raises:
        BadRequest: there is no such model, or its package is not installed.
    """
    from langchain.chat_models import init_chat_model

    where: dict[str, Any] = {"base_url": url, "api_key": "none"} if url else {}
    try:
        return init_chat_model(name, timeout=seconds, max_retries=0, max_tokens=tokens, **where)
    except (ImportError, ValueError) as wrong:
        raise BadRequest(f"COUNTERSIGN_CHAT_MODEL={name}: {wrong}") from None

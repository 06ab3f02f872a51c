"""A chat model by LangChain's name, and the limits of its calls."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from bot.cases.errors import BadRequest
from bot.ports.clock import Clock

log = logging.getLogger(__name__)
THREADS = 4
#: After so many failures in a row the model is left alone for a while.
MAX_FAILURES = 3
REST = timedelta(minutes=1)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """The limits of time and cost."""

    timeout_seconds: float = 10.0
    calls_per_day: int = 500


class NoAnswer(Exception):
    """The chat model gave no usable answer.

    ``outcome`` names the reason for the metrics.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class DailyLimit:
    """Counts the calls of a day."""

    def __init__(self, clock: Clock, calls_per_day: int) -> None:
        self._clock = clock
        self._calls_per_day = calls_per_day
        self._day = ""
        self._calls = 0
        self._lock = threading.Lock()

    def try_call(self) -> bool:
        """Count a call, and return whether it is allowed."""
        with self._lock:
            today = f"{self._clock():%Y-%m-%d}"
            if today != self._day:
                self._day = today
                self._calls = 0
            self._calls += 1
            return self._calls <= self._calls_per_day


class Rest:
    """Spares people the wait for a model that does not answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._until: datetime | None = None
        self._lock = threading.Lock()

    def is_due(self) -> bool:
        """Tell whether the model is left alone for now."""
        with self._lock:
            return self._until is not None and self._clock() < self._until

    def count(self, *, is_answered: bool) -> None:
        """Count a call.

        The last of a few failures in a row begins a rest.
        """
        with self._lock:
            self._failures = 0 if is_answered else self._failures + 1
            is_over = self._failures < MAX_FAILURES
            self._until = None if is_over else self._clock() + REST


class LimitedCalls:
    """Runs calls of a chat model in threads, within the limits."""

    def __init__(self, clock: Clock, limits: ChatLimits, thread_name: str) -> None:
        self._timeout_seconds = limits.timeout_seconds
        self._daily_limit = DailyLimit(clock, limits.calls_per_day)
        self._rest = Rest(clock)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix=thread_name)

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call and return its result.

        Raises:
            NoAnswer: the model rests after failures, is over the daily limit or not in time, or
                failed.
        """
        if self._rest.is_due():
            raise NoAnswer("resting")
        if not self._daily_limit.try_call():
            raise NoAnswer("over the daily limit")
        future = self._executor.submit(call, *args, **kwargs)
        is_answered = False
        try:
            result = future.result(timeout=self._timeout_seconds)
            is_answered = True
            return result
        except NoAnswer:
            # It answered, and what it said is of no use.
            is_answered = True
            raise
        except FutureTimeoutError:
            future.cancel()
            raise NoAnswer("not in time") from None
        # Whatever the library of a provider raises, the desk works without the model.
        except Exception as failure:
            log.warning("the chat model failed: %s", type(failure).__name__)
            raise NoAnswer("failed") from None
        finally:
            self._rest.count(is_answered=is_answered)


def open_chat_model(
    name: str,
    url: str,
    *,
    timeout_seconds: float,
    max_tokens: int,
) -> Any:
    """Open a chat model that LangChain's ``init_chat_model`` knows.

    ``url`` is that of a server of one's own; empty for the provider's.

    Raises:
        BadRequest: there is no such model, or its package is not installed.
    """
    from langchain.chat_models import init_chat_model

    server: dict[str, Any] = {}
    if url:
        server = {"base_url": url, "api_key": "none"}
    try:
        # Retries would cost more time than an answer may take.
        return init_chat_model(
            name,
            timeout=timeout_seconds,
            max_retries=0,
            max_tokens=max_tokens,
            **server,
        )
    except (ImportError, ValueError) as error:
        raise BadRequest(f"COUNTERSIGN_CHAT_MODEL={name}: {error}") from None

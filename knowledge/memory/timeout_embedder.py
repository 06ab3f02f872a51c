"""The embedder of cards whose kind needs the model.

It has a vector in time, or none."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

from bot.cases.errors import MemoryUnavailable
from bot.clock import monotonic
from knowledge.memory.embedder import Embedder
from knowledge.memory.vectors import Vectors

log = logging.getLogger(__name__)
THREADS = 2
# After one slow answer the next cards do not wait at all, for so long.
SLOW_BACKOFF_SECONDS = 10.0


class TimeoutEmbedder:
    """Waits for another embedder, but never longer than ``timeout`` seconds.

    A late answer is left to the cache of that embedder, if it has one.
    """

    def __init__(self, inner: Embedder, timeout: float) -> None:
        self.identity = inner.identity
        self.is_semantic = inner.is_semantic
        self._inner = inner
        self._timeout = timeout
        self._slow_until = 0.0
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="embedder")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1.

        Raises:
            MemoryUnavailable: there is no answer in time, or the embedder fails.
        """
        if monotonic() < self._slow_until:
            raise MemoryUnavailable("the model was slow a moment ago")
        answer = self._executor.submit(self._inner.embed, texts)
        try:
            return answer.result(self._timeout)
        except FutureTimeoutError:
            self._slow_until = monotonic() + SLOW_BACKOFF_SECONDS
            log.warning("the model does not answer in time: plans are in the playbook's order")
            raise MemoryUnavailable("the model does not answer in time") from None
        except Exception:
            log.exception("the model fails: plans are in the playbook's order")
            raise MemoryUnavailable("the model fails") from None

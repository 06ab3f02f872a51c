"""Optimistic concurrency: read, decide and write again when somebody else wrote first."""

from collections.abc import Callable
from typing import TypeVar

from bot.cases.errors import Conflict

MAX_ATTEMPTS = 20
T = TypeVar("T")


def retry_on_conflict(attempt: Callable[[], T]) -> T:
    """Call until nobody else has written between its reading and its writing.

    Raises:
        Conflict: that did not happen within ``MAX_ATTEMPTS``.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            return attempt()
        except Conflict:
            continue
    raise Conflict("the case keeps changing; try again")

"""The context of log lines: the case, the request, the job.

It goes with the thread or the task that works on it, and a formatter adds it to every line that is
logged meanwhile, also those of libraries.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_FIELDS: ContextVar[Mapping[str, str]] = ContextVar("log_context")
_NOTHING: Mapping[str, str] = {}


@contextmanager
def log_context(**fields: str) -> Iterator[None]:
    """Add these fields to what is logged inside, without empty ones."""
    outer = _FIELDS.get(_NOTHING)
    token = _FIELDS.set({**outer, **{name: text for name, text in fields.items() if text}})
    try:
        yield
    finally:
        _FIELDS.reset(token)


def current_fields() -> Mapping[str, str]:
    """Return the fields of the thread or task that asks, outermost first."""
    return _FIELDS.get(_NOTHING)

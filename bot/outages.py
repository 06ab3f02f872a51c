"""Logs that survive an outage: each cause once, then one line a minute with a count, and one when it is over.

A filter on the handlers, so that every logger is under it, libraries included. What a database said of rows is left out of every line:
servers quote values in their errors ("Key (email)=(…) already exists").
"""

import logging
import threading
import traceback
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

EVERY_SECONDS = 60.0
MAX_CAUSES = 1_000
DATABASE = "the database"
Schedule = Callable[[float, Callable[[], None]], object]


def said(failure: BaseException) -> str:
    """Say what failed without any value: the class, and the server's code where a database has one."""
    if not isinstance(failure, SQLAlchemyError):
        return f"{type(failure).__name__}: {failure}"
    cause = getattr(failure, "orig", None)
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    inner = f" from {type(cause).__name__}" if cause is not None else ""
    return f"{type(failure).__name__}{inner}{f' ({code})' if code else ''}"


def install() -> None:
    """Put every handler of the root logger under the filter."""
    outages = Outages()
    for handler in logging.getLogger().handlers:
        handler.addFilter(outages)


def _later(seconds: float, report: Callable[[], None]) -> object:
    timer = threading.Timer(seconds, report)
    timer.daemon = True
    timer.start()
    return timer


@dataclass
class _Cause:
    """What is going on under one cause."""

    logger: str
    level: int
    words: str
    #: How often since the last line about it, and in all.
    unsaid: int = 0
    total: int = 1
    last: float = 0.0
    guard: threading.Lock = field(default_factory=threading.Lock)


class Outages(logging.Filter):
    """Lets the first record of a cause through, counts the rest, and reports them once every ``every`` seconds."""

    def __init__(self, every: float = EVERY_SECONDS, schedule: Schedule = _later) -> None:
        super().__init__()
        self._every = every
        self._schedule = schedule
        self._causes: MutableMapping[Hashable, _Cause] = {}
        self._guard = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or getattr(record, "is_report", False):
            return True
        failures = (
            list(_chain(record.exc_info[1])) if record.exc_info and record.exc_info[1] else []
        )
        _without_values(record, failures)
        key = _cause_of(record, failures)
        with self._guard:
            known = self._causes.get(key)
            if known is None:
                if len(self._causes) >= MAX_CAUSES:
                    return True
                self._causes[key] = _Cause(
                    record.name, record.levelno, _words(key, record), last=record.created
                )
        if known is None:
            self._schedule(self._every, lambda: self._report(key))
            return True
        with known.guard:
            known.unsaid += 1
            known.total += 1
            known.last = record.created
        if getattr(record, "reference", ""):
            # Somebody was given this number: it must be found again, but not with everything behind it.
            record.exc_info, record.exc_text = None, None
            return True
        return False

    def _report(self, key: Hashable) -> None:
        """Say how often it happened since the last line; that it is over when it did not."""
        cause = self._causes[key]
        with cause.guard:
            unsaid, cause.unsaid = cause.unsaid, 0
        if unsaid:
            self._say(
                cause, f"{cause.words}: {unsaid:,} more times in the last {self._every:.0f} s"
            )
            self._schedule(self._every, lambda: self._report(key))
            return
        with self._guard:
            del self._causes[key]
        if cause.total > 1:
            last = f"{datetime.fromtimestamp(cause.last, UTC):%H:%M:%S} UTC"
            self._say(
                cause, f"{cause.words}: over, {cause.total:,} times in all, the last at {last}"
            )

    @staticmethod
    def _say(cause: _Cause, words: str) -> None:
        logging.getLogger(cause.logger).log(cause.level, "%s", words, extra={"is_report": True})


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    """The failure and what it came from."""
    seen: set[int] = set()
    while failure is not None and id(failure) not in seen:
        seen.add(id(failure))
        yield failure
        failure = failure.__cause__ or failure.__context__


def _is_outage(failure: BaseException) -> bool:
    """Whether the database could not be reached or used, as opposed to having refused a statement."""
    if not isinstance(failure, DBAPIError):
        return False
    # SQLite calls a wrong statement operational as well; its own code for that is this one.
    is_statement = getattr(failure.orig, "sqlite_errorname", "") == "SQLITE_ERROR"
    is_away = isinstance(failure, OperationalError | InterfaceError) and not is_statement
    return is_away or failure.connection_invalidated


def _cause_of(record: logging.LogRecord, failures: list[BaseException]) -> Hashable:
    """One cause for a database that is away, whoever meets it; otherwise the same line of the same logger."""
    if any(map(_is_outage, failures)):
        return DATABASE
    if failures:
        return record.name, str(record.msg), type(failures[0]).__name__
    return record.name, record.getMessage()


def _words(key: Hashable, record: logging.LogRecord) -> str:
    return f"{DATABASE} cannot be used" if key == DATABASE else record.getMessage()[:200]


def _without_values(record: logging.LogRecord, failures: list[BaseException]) -> None:
    """Leave class, code and place of a database's errors, and nothing that it quoted."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            said(one) if isinstance(one, SQLAlchemyError) else one for one in record.args
        )
    databases = [one for one in failures if isinstance(one, SQLAlchemyError)]
    if not databases:
        return
    message = record.getMessage()
    for failure in failures:
        # A library may have put the error into its own sentence already.
        text = str(failure)
        message = (
            message.replace(text, said(failure) if failure in databases else type(failure).__name__)
            if text
            else message
        )
    record.msg, record.args = f"{message}: {said(databases[0])}", None
    record.exc_info = None
    record.exc_text = None if any(map(_is_outage, failures)) else _places(failures[0])


def _places(failure: BaseException) -> str:
    """Where it happened: the lines of code, without the words of the error."""
    frames = traceback.format_list(traceback.extract_tb(failure.__traceback__))
    return "Traceback (most recent call last):\n" + "".join(frames).rstrip()

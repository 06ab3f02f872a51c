"""Logs that stay short during an outage.

Each cause is logged once, then one line a minute with a count, and one line when it is over. The
filter stands on the handlers, so that every logger is under it, also those of libraries. Values
that a database quotes in its errors ("Key (email)=(…) already exists") are left out of every line.
"""

import logging
import threading
import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

REPORT_INTERVAL_SECONDS = 60.0
#: More causes than these are logged unfiltered.
MAX_CAUSES = 1_000
MAX_MESSAGE_LENGTH = 200
DATABASE = "the database"
Schedule = Callable[[float, Callable[[], None]], object]


def describe_failure(failure: BaseException) -> str:
    """Describe a failure, a database's by its code instead of its message."""
    if not isinstance(failure, SQLAlchemyError):
        return f"{type(failure).__name__}: {failure}"
    cause = getattr(failure, "orig", None)
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    description = type(failure).__name__
    if cause is not None:
        description += f" from {type(cause).__name__}"
    if code:
        description += f" ({code})"
    return description


def install_filter() -> None:
    """Put every handler of the root logger under one filter."""
    outages = OutageFilter()
    for handler in logging.getLogger().handlers:
        handler.addFilter(outages)


def _start_timer(seconds: float, action: Callable[[], None]) -> object:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


@dataclass(kw_only=True)
class _Cause:
    """The records of one cause since the first of them."""

    logger: str
    level: int
    message: str
    #: How many were dropped since the last line about the cause.
    drop_count: int = 0
    total: int = 1
    #: Seconds since 1970, of the last record.
    last_at: float = 0.0
    guard: threading.Lock = field(default_factory=threading.Lock)


class OutageFilter(logging.Filter):
    """Pass the first record of a cause, and count the others.

    The count is logged at intervals.
    """

    def __init__(
        self, interval: float = REPORT_INTERVAL_SECONDS, schedule: Schedule = _start_timer
    ) -> None:
        """Use ``schedule`` to call a function after some seconds."""
        super().__init__()
        self._interval = interval
        self._schedule = schedule
        self._causes: dict[Hashable, _Cause] = {}
        self._guard = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether this record is logged now."""
        if record.levelno < logging.WARNING or getattr(record, "is_report", False):
            return True
        failures = _failures_of(record)
        _remove_values(record, failures)
        key = _cause_key(record, failures)
        with self._guard:
            cause = self._causes.get(key)
            if cause is None:
                return self._begin(key, record)
        with cause.guard:
            cause.drop_count += 1
            cause.total += 1
            cause.last_at = record.created
        if getattr(record, "reference", ""):
            # Somebody was given this number: it must be found again, but without the traceback.
            record.exc_info = None
            record.exc_text = None
            return True
        return False

    def _begin(self, key: Hashable, record: logging.LogRecord) -> bool:
        """Keep the first record of a cause in mind, and log it."""
        if len(self._causes) < MAX_CAUSES:
            self._causes[key] = _Cause(
                logger=record.name,
                level=record.levelno,
                message=_summary(key, record),
                last_at=record.created,
            )
            self._schedule(self._interval, partial(self._report, key))
        return True

    def _report(self, key: Hashable) -> None:
        """Log the count since the last line, or that it is over."""
        cause = self._causes[key]
        with cause.guard:
            count = cause.drop_count
            cause.drop_count = 0
        if count:
            _log(cause, f"{count:,} more times in the last {self._interval:.0f} s")
            self._schedule(self._interval, partial(self._report, key))
            return
        with self._guard:
            del self._causes[key]
        if cause.total > 1:
            last_at = f"{datetime.fromtimestamp(cause.last_at, UTC):%H:%M:%S} UTC"
            _log(cause, f"over, {cause.total:,} times in all, the last at {last_at}")


def _log(cause: _Cause, report: str) -> None:
    logger = logging.getLogger(cause.logger)
    logger.log(cause.level, "%s: %s", cause.message, report, extra={"is_report": True})


def _failures_of(record: logging.LogRecord) -> list[BaseException]:
    """Return the record's exception with its causes; often none."""
    if not record.exc_info or record.exc_info[1] is None:
        return []
    return list(_chain(record.exc_info[1]))


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    """Yield the failure and its causes, which may form a circle."""
    ids: set[int] = set()
    while failure is not None and id(failure) not in ids:
        ids.add(id(failure))
        yield failure
        failure = failure.__cause__ or failure.__context__


def _is_outage(failure: BaseException) -> bool:
    """Say whether the database was away, not just refusing a statement."""
    if not isinstance(failure, DBAPIError):
        return False
    # SQLite calls a wrong statement operational as well; its own code for that is this one.
    is_statement = getattr(failure.orig, "sqlite_errorname", "") == "SQLITE_ERROR"
    is_away = isinstance(failure, OperationalError | InterfaceError) and not is_statement
    return is_away or failure.connection_invalidated


def _cause_key(record: logging.LogRecord, failures: Sequence[BaseException]) -> Hashable:
    """Return one key for all outages of the database, else the line's."""
    if any(map(_is_outage, failures)):
        return DATABASE
    if failures:
        return record.name, str(record.msg), type(failures[0]).__name__
    return record.name, record.getMessage()


def _summary(key: Hashable, record: logging.LogRecord) -> str:
    if key == DATABASE:
        return f"{DATABASE} cannot be used"
    return record.getMessage()[:MAX_MESSAGE_LENGTH]


def _remove_values(record: logging.LogRecord, failures: Sequence[BaseException]) -> None:
    """Remove everything that a database quotes from the record.

    Class, code and place of the error stay.
    """
    if isinstance(record.args, tuple):
        record.args = tuple(map(_without_values, record.args))
    database_failures = [one for one in failures if isinstance(one, SQLAlchemyError)]
    if not database_failures:
        return
    message = record.getMessage()
    for failure in failures:
        # A library may have put the error into its own sentence already.
        text = str(failure)
        if text:
            message = message.replace(text, _short_name(failure))
    record.msg = f"{message}: {describe_failure(database_failures[0])}"
    record.args = None
    record.exc_info = None
    is_outage = any(map(_is_outage, failures))
    record.exc_text = None if is_outage else _traceback_lines(failures[0])


def _without_values(argument: object) -> object:
    if isinstance(argument, SQLAlchemyError):
        return describe_failure(argument)
    return argument


def _short_name(failure: BaseException) -> str:
    if isinstance(failure, SQLAlchemyError):
        return describe_failure(failure)
    return type(failure).__name__


def _traceback_lines(failure: BaseException) -> str:
    """Return where it happened: the lines of code, without the message."""
    frames = traceback.format_list(traceback.extract_tb(failure.__traceback__))
    return "Traceback (most recent call last):\n" + "".join(frames).rstrip()

"""The log of a process that runs for long.

A level says who has to do something. INFO: nobody; the bot starts, stops, or takes work over.
WARNING: nobody yet; the bot has met something, and tries again or does without. ERROR: somebody has
to look; the line says where, and ``countersign doctor`` says more. CRITICAL: the ledger does not
prove what it should.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

from bot import outages
from bot.lazy_module import LazyModule
from bot.log_context import current_fields
from bot.settings import LogFormat

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
#: They log every job, request and migration at INFO.
TALKATIVE_LIBRARIES = ("apscheduler", "httpx", "alembic")
json_log = LazyModule("pythonjsonlogger.orjson")


def configure_logging(level: str, format: LogFormat = LogFormat.TEXT) -> None:
    """Log to standard error, each cause of an outage once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_formatter() if format is LogFormat.JSON else TextFormatter(FORMAT))
    logging.basicConfig(level=level, handlers=[handler])
    for library in TALKATIVE_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    # The SDK logs whole requests with a traceback when one fails. The outbox and `doctor` say
    # which requests failed.
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    outages.install_filter()


class TextFormatter(logging.Formatter):
    """Lines for people, with what each is about at its end."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its traceback."""
        about = " ".join(f"{name}={text}" for name, text in current_fields().items())
        line = super().formatMessage(record)
        if not about:
            return line
        return f"{line} [{about}]"


def _json_formatter() -> logging.Formatter:
    """Build the formatter of one JSON object a line.

    It is for a collector of logs.
    """

    class JsonFormatter(json_log.OrjsonFormatter):  # type: ignore[misc, name-defined]
        """Add the time in UTC, and what the line is about."""

        def add_fields(
            self,
            log_data: dict[str, Any],
            record: logging.LogRecord,
            message_dict: dict[str, Any],
        ) -> None:
            log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat()
            log_data["level"] = record.levelname
            log_data["logger"] = record.name
            super().add_fields(log_data, record, message_dict)
            log_data.update(current_fields())

    formatter: logging.Formatter = JsonFormatter("%(message)s")
    return formatter

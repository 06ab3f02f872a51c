"""The log of a process that runs for long."""

import logging
import sys

from bot import outages

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
#: They log every job, request and migration at INFO.
TALKATIVE_LIBRARIES = ("apscheduler", "httpx", "alembic")


def configure_logging(level: str) -> None:
    """Log to standard error, each cause of an outage once."""
    logging.basicConfig(level=level, format=FORMAT, stream=sys.stderr)
    for library in TALKATIVE_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    # The SDK logs whole requests with a traceback when one fails. The outbox and `doctor` say
    # which requests failed.
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    outages.install_filter()

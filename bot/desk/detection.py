"""Parameters and rows of the queries that detect exceptions."""

from datetime import datetime

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.text import bounded_key, storable

MAX_SUBJECT = 500


def detection_parameters(now: datetime) -> dict[str, Scalar]:
    """Return the parameters of every detection query.

    ``:now`` is text that sorts, in UTC.
    """
    return {"now": f"{now:%Y-%m-%d %H:%M:%S}"}


def subject_of(row: ScalarMapping) -> str:
    """Name the subject of a detected row."""
    # Bounded, because it becomes part of a key that a database indexes.
    return bounded_key(storable(str(row.get("subject"))), MAX_SUBJECT)

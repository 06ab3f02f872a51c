"""Reviews: a sample of runs alone, for the business owner."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.actor import CaseId


class ReviewVerdict(StrEnum):
    """The answer to "Was this right?". The values stand in the ledger."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStep:
    """A share of cases to review, below a count of runs."""

    below: int
    one_in: int


#: Every case at first, fewer as evidence grows, and never none.
REVIEW_STEPS = (ReviewStep(below=10, one_in=1), ReviewStep(below=50, one_in=5))
MAX_ONE_IN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReview:
    """The question whether a run alone was right, and its answer."""

    #: One case in so many was looked at when this one ended.
    one_in: int
    #: None while nobody has answered.
    verdict: ReviewVerdict | None = None
    note: str = ""
    by_name: str = ""
    at: datetime | None = None


def review_one_in(clean_runs: int) -> int:
    """Return how many cases share one review after these runs."""
    for step in REVIEW_STEPS:
        if clean_runs < step.below:
            return step.one_in
    return MAX_ONE_IN


def is_sampled(case_id: CaseId, one_in: int) -> bool:
    """Tell whether this case is of the sample.

    The id alone decides, so that an auditor finds the same sample, and nobody can steer it.
    """
    if one_in < 1:
        return False
    checksum = hashlib.sha256(case_id.encode()).digest()
    return int.from_bytes(checksum[:8], "big") % one_in == 0

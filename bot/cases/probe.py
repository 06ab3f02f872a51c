"""Probes: past cases with a known answer, shown again as practice."""

from dataclasses import dataclass
from enum import StrEnum


class ProbeAnswer(StrEnum):
    """The outcome of a probe. The values stand in the ledger."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EDITED = "edited"
    #: Somebody was asked, it was handed over, or put off.
    LOOKED_INTO = "looked into"
    #: Nobody decided it in time.
    NONE = "not answered"

    @property
    def is_noticed(self) -> bool:
        """Tell whether the plan was not simply approved."""
        return self in {ProbeAnswer.REJECTED, ProbeAnswer.EDITED, ProbeAnswer.LOOKED_INTO}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The past case of a probe.

    The right answer is to refuse its plan.
    """

    of_case: str
    #: The queue that it is put before.
    group: str
    #: The system that reported the past case, as its card showed.
    source: str
    #: Why the plan was refused, in words.
    reason: str
    #: None until it is decided, or its time is over.
    answer: ProbeAnswer | None = None

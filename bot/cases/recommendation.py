"""A recommendation: the one plan the desk suggests, why, how sure it is and on what basis, and what else it considered."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alternative:
    action: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A precedent that the recommendation stands on. ``case_id`` is empty for one that was imported.

    ``is_flagged``: its words try to give orders; it is shown, and counts for nothing.
    """

    id: str
    case_id: str
    title: str
    action: str
    ended: str
    reason: str
    by: tuple[str, ...]
    at: datetime
    is_stale: bool = False
    is_flagged: bool = False


@dataclass(frozen=True, slots=True)
class Recommendation:
    """``action`` is empty when nothing fits and a person must decide what to do.

    ``editable`` names the parameters that the playbook lets people change, so that the card offers no button that does nothing.
    ``confidence`` is the calibrated probability, in per cent, that a person will approve it as it stands and it works; None when
    there is too little to say. ``promise`` says whether that has been certified. ``precedents`` is the tally in words, and
    ``memory`` why there is none when memory could not be asked.
    """

    action: str
    reason: str
    basis: str
    alternatives: tuple[Alternative, ...] = ()
    blocked: str = ""
    editable: tuple[str, ...] = ()
    precedents: str = ""
    citations: tuple[Citation, ...] = ()
    confidence: int | None = None
    promise: str = ""
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What a model wrote about a case: shown in a labelled block, and nowhere else. ``suggestion`` has passed the playbook's own checks."""

    model: str
    what: str
    why: str
    suggestion: str = ""

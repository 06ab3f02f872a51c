"""Recommendations: the action that the desk suggests, and its basis."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alternative:
    """An action that was considered and not recommended."""

    action: str
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A precedent that a recommendation is based on."""

    id: str
    #: Empty for an imported precedent.
    case_id: str
    title: str
    action: str
    #: The outcome.
    ended: str
    reason: str
    by: tuple[str, ...]
    at: datetime
    is_stale: bool = False
    #: Its text looks like prompt injection: it is shown, and counts for nothing.
    is_flagged: bool = False


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An action with its reason, or the reason why there is none."""

    #: Empty when nothing fits and a person must decide what to do.
    action: str
    reason: str
    basis: str
    _: KW_ONLY
    alternatives: tuple[Alternative, ...] = ()
    #: Why nothing fits.
    blocked: str = ""
    #: The parameters that the playbook lets people edit.
    editable: tuple[str, ...] = ()
    #: The outcomes of similar cases, in words.
    precedents: str = ""
    citations: tuple[Citation, ...] = ()
    #: The calibrated probability, in per cent, that a person approves it unedited and it works.
    #: None when there is too little data.
    confidence: int | None = None
    #: The same as the model estimated it, before it was corrected by what people confirmed lately.
    model_confidence: int | None = None
    #: What has been certified of the confidence.
    promise: str = ""
    #: How many of a hundred such recommendations are promised to be right; None without a promise.
    promised_percent: int | None = None
    #: What would have been promised, and is not kept at present: a person is asked.
    lapsed_percent: int | None = None
    #: Nothing like it was decided before: only its words and facts speak for the action.
    is_unlike_past: bool = False
    #: Why there are no precedents, when memory could not be asked.
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A model's text about a case.

    It is shown in a labelled block and nowhere else.
    """

    model: str
    what: str
    why: str
    #: Checked against the playbook.
    suggestion: str = ""

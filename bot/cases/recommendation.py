"""A recommendation: the one plan the desk suggests, why, how sure it is and on what basis, and what else it considered."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alternative:
    action: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """``action`` is empty when nothing fits and a person must decide what to do.

    ``editable`` names the parameters that the playbook lets people change, so that the card offers no button that does nothing.
    """

    action: str
    reason: str
    basis: str
    alternatives: tuple[Alternative, ...] = ()
    blocked: str = ""
    editable: tuple[str, ...] = ()

"""The outcome of a question, and how it comes about."""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How good an answer is."""

    RIGHT = "right"
    #: Something is missing, or too much, and the answer does not say so.
    HALF = "half"
    #: The answer says what it did not understand.
    ADMITS = "admits"
    USELESS = "useless"
    FALSE = "false"
    #: No case fits its placeholders.
    SKIPPED = "skipped"


#: What an answer must not do makes it false.
FALSE_KINDS = frozenset(
    {"false_none", "hidden", "unfiltered", "invents", "wrong_time", "obeys", "acts"}
)
#: These are false whatever the question expects.
ALWAYS_FALSE = frozenset({"false_none", "hidden", "acts"})


@dataclass(frozen=True, kw_only=True)
class Grade:
    """The outcome, with what was missed."""

    outcome: Outcome
    #: What must hold and does not, in words, by its name.
    missing: dict[str, str] = field(default_factory=dict)
    #: What must not hold and does.
    broken: dict[str, str] = field(default_factory=dict)


def decide_outcome(
    missing: dict[str, str],
    broken: dict[str, str],
    *,
    must_count: int,
    is_admitted: bool,
    has_overlap: bool,
) -> Grade:
    """Weigh what is missing and what is broken."""
    if broken.keys() & FALSE_KINDS:
        outcome = Outcome.FALSE
    elif not missing and not broken:
        outcome = Outcome.RIGHT
    elif is_admitted:
        outcome = Outcome.ADMITS
    elif has_overlap or len(missing) < must_count:
        outcome = Outcome.HALF
    else:
        outcome = Outcome.USELESS
    return Grade(outcome=outcome, missing=missing, broken=broken)

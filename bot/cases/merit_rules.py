"""The rules of recognition: which verified behaviour earns points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.cases.constraints import Name, OptionalChannelId, Span
from bot.cases.expressions import Expression

#: Empty where nothing is posted.

#: The summary of a month comes after this, and before the next one ends.
MAX_STANDING = timedelta(days=14)


class Merit(StrEnum):
    """The behaviour that may be recognised.

    None of it is an approval, or how fast one was given.
    """

    #: A case was handed on with a note, and whoever took it brought it to its end.
    HAND_OVER = "hand_over"
    #: Whoever had a case brought it to its end.
    RESOLUTION = "resolution"
    #: Somebody answered, looked in a system or reviewed an emergency in time.
    CHECK = "check"
    #: A system of record reports that somebody has completed a training.
    TRAINING = "training"
    #: Others approved what somebody referred.
    REFERRAL = "referral"
    #: What the bot had proposed or recognised was corrected, and the correction worked.
    CORRECTION = "correction"


#: Of these a case is no proof, unless the rule says of which kind it is.
NEEDS_KINDS = frozenset({Merit.TRAINING, Merit.REFERRAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeritRule:
    """The rule of one merit."""

    points: Annotated[int, Field(ge=1, le=10)] = 1
    #: The kinds whose cases count; empty for all of them.
    kinds: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    #: Finds the account of the person in the signal, for training and referrals; empty for
    #: whoever raised the case.
    person: Expression = ""
    #: The time that a check has. Reviews of emergencies have their own.
    within: Span = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeritCaps:
    """Caps on what counts, so that repetition gains nothing."""

    #: Awards of one person on one day.
    per_day: Annotated[int, Field(ge=1, le=100)] = 5
    #: Of these, awards of one sort for cases of one kind.
    same_per_day: Annotated[int, Field(ge=1, le=100)] = 2
    #: Awards between the same two people in one month, whoever of them gets the points.
    pair_per_month: Annotated[int, Field(ge=1, le=100)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MeritRules:
    """The file ``recognition.yml``. Without rules there is no recognition."""

    #: The channel that the summary of a month goes to; empty for none.
    channel: OptionalChannelId = ""
    #: How long an outcome must have stood before it counts.
    stands_for: Annotated[Span, Field(le=MAX_STANDING)] = timedelta(days=3)
    merits: Mapping[Merit, MeritRule] = field(default_factory=dict)
    caps: MeritCaps = field(default_factory=MeritCaps)

    def __post_init__(self) -> None:
        for merit in NEEDS_KINDS & self.merits.keys():
            if not self.merits[merit].kinds:
                raise ValueError(f"{merit} needs kinds: no case proves it by itself")

    @property
    def is_on(self) -> bool:
        """Tell whether anything is recognised."""
        return bool(self.merits)

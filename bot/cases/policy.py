"""Policy: the page ``policy.yml``, with its limits, risk tiers and approvers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import InitErrorDetails

from bot.cases.approvers import Approvers
from bot.cases.canonical import canonical_hash, to_plain
from bot.cases.constraints import (
    NOT_IN_FILE,
    Amount,
    Currency,
    Handle,
    Span,
    Times,
    not_below,
)


class RiskTier(IntEnum):
    LOW = 1
    MEDIUM = 2
    HIGH = 3


TIER_NAMES = tuple(tier.name.lower() for tier in RiskTier)


class Stage(StrEnum):
    """The autonomy of a kind."""

    #: Recommends, and carries nothing out.
    SHADOW = "shadow"
    #: Acts when people have approved.
    SUPERVISED = "supervised"
    #: Acts alone inside the limits.
    AUTONOMOUS = "autonomous"


@dataclass(frozen=True, slots=True)
class TierRule:
    """The approvers of one risk tier, and how long they have."""

    factors: Annotated[Approvers, Field(validation_alias="approvers", min_length=1)]
    expires_for: Annotated[Span, Field(validation_alias="expires")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLimit:
    """The limits of one action; None is no limit.

    An action without an entry may not run at all.
    """

    per_plan: Amount | None = None
    amount_per_day: Annotated[Amount | None, not_below("per_plan")] = None
    times_per_day: Times | None = None
    times_per_target_per_day: Times | None = None
    #: May run without an approval in a kind that is autonomous.
    alone: bool = False


@dataclass(frozen=True, slots=True)
class _UnlimitedMark:
    is_unlimited: Annotated[bool, Field(validation_alias="unlimited")] = False


_UNLIMITED_MARK = TypeAdapter(_UnlimitedMark)
_LIMIT_NAMES = ("per_plan", "amount_per_day", "times_per_day", "times_per_target_per_day")


def _check_limits(entry: Any) -> Any:
    """Require a limit or ``unlimited: true``, so that none is forgotten."""
    if not isinstance(entry, dict):
        return entry
    is_unlimited = _UNLIMITED_MARK.validate_python(entry).is_unlimited
    has_limit = any(entry.get(name) is not None for name in _LIMIT_NAMES)
    if not has_limit and not is_unlimited:
        names = f"{', '.join(_LIMIT_NAMES[:-1])} or {_LIMIT_NAMES[-1]}"
        raise ValueError(f"needs at least one limit ({names}), or unlimited: true")
    if has_limit and is_unlimited:
        raise ValueError("unlimited goes without limits")
    # No field of the limit itself: the checksum of every policy would be another one.
    return {name: value for name, value in entry.items() if name != "unlimited"}


def _check_tier_names(tiers: Mapping[str, TierRule]) -> Mapping[str, TierRule]:
    """Require exactly one entry for each tier."""
    errors = [
        InitErrorDetails(type="missing", loc=(name,), input=tiers)
        for name in TIER_NAMES
        if name not in tiers
    ]
    errors += [
        InitErrorDetails(type="extra_forbidden", loc=(name,), input=tiers)
        for name in tiers
        if name not in TIER_NAMES
    ]
    if errors:
        raise ValidationError.from_exception_data("tiers", errors)
    return tiers


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    """The group that may approve a plan alone when it cannot wait."""

    group: Handle
    #: How soon somebody else must look at it.
    review_for: Span


# Without slots, because the cached checksum needs a place.
@dataclass(frozen=True, kw_only=True)
class Policy:
    """The file ``policy.yml``."""

    currency: Currency
    #: A plan that moves more is of medium risk.
    medium_above: Amount
    #: A plan that moves more is of high risk.
    high_above: Annotated[Amount, not_below("medium_above")]
    tiers: Annotated[Mapping[str, TierRule], AfterValidator(_check_tier_names)]
    actions: Mapping[str, Annotated[ActionLimit, BeforeValidator(_check_limits)]]
    #: How many actions a plan may have.
    largest_scope: Annotated[int, Field(ge=1, le=20)] = 5
    emergency: EmergencyRule | None = None
    #: A plan that moves more is approved outside Slack, with a passkey; None for none.
    step_up_above: Annotated[
        Amount | None, not_below("high_above", "; only high risk asks for a passkey")
    ] = None

    @cached_property
    def checksum(self) -> str:
        """Return the SHA-256 of the RFC 8785 form.

        Plans and verdicts name it.
        """
        return canonical_hash(to_plain(self))


@dataclass(frozen=True, slots=True)
class PlaybookTerms:
    """The additions of a playbook to policy: approvers, or a shorter time."""

    factors: Annotated[Approvers, Field(validation_alias="approvers")] = ()
    expires_for: Annotated[Span | None, Field(validation_alias="expires")] = None
    stage: Stage = Stage.SUPERVISED
    #: The groups of the playbook by role, which approvers may name.
    owners: Annotated[Mapping[str, str], NOT_IN_FILE] = field(default_factory=dict)

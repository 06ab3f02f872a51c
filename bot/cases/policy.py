"""Policy: the page ``policy.yml``, with its limits, risk tiers and approvers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
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

from bot.cases.alone_hours import AloneHours
from bot.cases.approvers import Approvers
from bot.cases.autonomy_rule import AutonomyRule
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
from bot.cases.group_lists import PeopleList
from bot.cases.parameter_limits import ParameterLimit
from bot.cases.plan import CENT
from bot.cases.policy_rules import PolicyRule
from bot.cases.program import SYSTEM_PREFIX
from bot.cases.retention import Retention
from bot.cases.standing_rule_terms import StandingRuleTerms
from bot.cases.usage import DAY
from bot.cases.version_rule import VersionRule

#: The actions of the desk on itself begin so; no system of a file may have its name.
OWN_ACTIONS = "desk."
#: How many different windows a policy may have: each is a bound of one statement.
MAX_WINDOWS = 4
MAX_WINDOW = timedelta(days=92)
MAX_RULES = 100
_WINDOW_LIMIT_NAMES = (
    "amount",
    "times",
    "amount_per_target",
    "times_per_target",
    "amount_per_requester",
    "times_per_requester",
)


def _check_window(window: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= window <= MAX_WINDOW:
        raise ValueError(f"must be at least 1m and at most {MAX_WINDOW.days}d")
    return window


#: How far back a limit looks, from now.
Window = Annotated[Span, AfterValidator(_check_window)]
#: One unit of another currency in that of policy.
Rate = Annotated[Decimal, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


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

    #: Who must say yes. Each entry must be met.
    factors: Annotated[Approvers, Field(validation_alias="approvers", min_length=1)]
    #: How long a proposed plan may be approved.
    expires_for: Annotated[Span, Field(validation_alias="expires")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLimit:
    """Limits over a window that ends now; None is no limit."""

    #: How far back it looks.
    window: Window
    #: The largest amount in all.
    amount: Amount | None = None
    #: How often in all.
    times: Times | None = None
    #: The largest amount that goes to one target.
    amount_per_target: Amount | None = None
    #: How often for one target.
    times_per_target: Times | None = None
    #: What one person may have raised. A plan that no person raised has no requester.
    amount_per_requester: Amount | None = None
    #: How often one person may have raised it.
    times_per_requester: Times | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in _WINDOW_LIMIT_NAMES):
            names = ", ".join(_WINDOW_LIMIT_NAMES)
            raise ValueError(f"needs at least one limit ({names})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLimit:
    """The limits of one action; None is no limit.

    An action without an entry may not run at all. A day is the 24 hours that end now. Amounts are
    in the currency of policy.
    """

    #: The largest amount that one plan may move.
    per_plan: Amount | None = None
    #: The largest amount within 24 hours.
    amount_per_day: Annotated[Amount | None, not_below("per_plan")] = None
    #: How often within 24 hours.
    times_per_day: Times | None = None
    #: How often for one target within 24 hours.
    times_per_target_per_day: Times | None = None
    #: May run without an approval in a kind that is autonomous.
    alone: bool = False
    #: Limits over other windows, and for each target and requester.
    over: Annotated[tuple[WindowLimit, ...], Field(max_length=MAX_WINDOWS)] = ()
    #: The bounds of parameters by name.
    parameters: Mapping[str, ParameterLimit] = field(default_factory=dict)

    @property
    def has_money_limit(self) -> bool:
        """Tell whether the amount must be known to judge the action."""
        amounts = [self.per_plan, self.amount_per_day]
        for limit in self.over:
            amounts += [limit.amount, limit.amount_per_target, limit.amount_per_requester]
        return any(amount is not None for amount in amounts)


@dataclass(frozen=True, slots=True)
class _UnlimitedMark:
    is_unlimited: Annotated[bool, Field(validation_alias="unlimited")] = False


_UNLIMITED_MARK = TypeAdapter(_UnlimitedMark)
LIMIT_NAMES = ("per_plan", "amount_per_day", "times_per_day", "times_per_target_per_day", "over")


def _check_limits(entry: Any) -> Any:
    """Require a limit or ``unlimited: true``, so that none is forgotten."""
    if not isinstance(entry, dict):
        return entry
    is_unlimited = _UNLIMITED_MARK.validate_python(entry).is_unlimited
    has_limit = any(entry.get(name) is not None for name in LIMIT_NAMES)
    if not has_limit and not is_unlimited:
        names = f"{', '.join(LIMIT_NAMES[:-1])} or {LIMIT_NAMES[-1]}"
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

    #: The handle of a Slack user group.
    group: Handle
    #: How soon somebody else must look at it.
    review_for: Span


# Without slots, because the cached values need a place.
@dataclass(frozen=True, kw_only=True)
class Policy:
    """The file ``policy.yml``."""

    #: The currency of every amount in this file.
    currency: Currency
    #: A plan that moves more is of medium risk.
    medium_above: Amount
    #: A plan that moves more is of high risk.
    high_above: Annotated[Amount, not_below("medium_above")]
    #: The approvers of each risk tier, and how long they have.
    tiers: Annotated[Mapping[str, TierRule], AfterValidator(_check_tier_names)]
    #: The limits of each action. An action that is not here may not run at all.
    actions: Mapping[str, Annotated[ActionLimit, BeforeValidator(_check_limits)]]
    #: How many actions a plan may have.
    largest_scope: Annotated[int, Field(ge=1, le=20)] = 5
    #: Who may approve alone when it cannot wait. Left out: nobody.
    emergency: EmergencyRule | None = None
    #: A plan that moves more is approved outside Slack, with a passkey; None for none.
    step_up_above: Annotated[
        Amount | None, not_below("high_above", "; only high risk asks for a passkey")
    ] = None
    #: What one unit of another currency is worth. A plan in a currency without a rate is refused.
    currencies: Mapping[Currency, Rate] = field(default_factory=dict)
    #: What went to one target or requester in this time counts with the plan for its risk, so that
    #: one large action is not split into small ones. None: each plan counts alone.
    window: Window | None = None
    #: When plans may run alone; None for always.
    hours: AloneHours | None = None
    #: Actions and kinds that never run alone, whatever else says so.
    never_alone: tuple[str, ...] = ()
    #: Conditions that make policy stricter for some plans.
    rules: Annotated[tuple[PolicyRule, ...], Field(max_length=MAX_RULES)] = ()
    #: What an action must show before it may run alone.
    autonomy: AutonomyRule = field(default_factory=AutonomyRule)
    #: When a rule is distilled from approvals, and when it ends.
    standing_rules: StandingRuleTerms = field(default_factory=StandingRuleTerms)
    #: How a changed playbook is tried; None: it is in force at once.
    versions: VersionRule | None = None
    #: The people of groups, by Slack id or e-mail. Such a list takes the place of the user group.
    groups: Mapping[Handle, PeopleList] = field(default_factory=dict)
    #: How long data are kept. Left out: for ever.
    retention: Retention = field(default_factory=Retention)

    @cached_property
    def checksum(self) -> str:
        """Return the SHA-256 of the RFC 8785 form.

        Plans and verdicts name it.
        """
        plain = to_plain(self)
        # A field of a later release is left out where it says nothing, so that an upgrade alone
        # changes no policy.
        _drop_empty(plain, _LATER_FIELDS)
        for limit in plain["actions"].values():
            _drop_empty(limit, ("over", "parameters"))
        for rule in plain.get("rules", ()):
            # Where a rule stands in the file is no part of it.
            del rule["line"]
        # Of a file that says nothing of it, the checksum is that of earlier releases.
        if self.autonomy == AutonomyRule():
            del plain["autonomy"]
        if self.standing_rules == StandingRuleTerms():
            del plain["standing_rules"]
        if self.retention == Retention():
            del plain["retention"]
        # What the desk does to itself is in no file, and no part of what people wrote.
        # The limits of programs' own actions stand in programs.yml, and are recorded with that.
        own_prefixes = (OWN_ACTIONS, SYSTEM_PREFIX)
        for name in [name for name in self.actions if name.startswith(own_prefixes)]:
            del plain["actions"][name]
        return canonical_hash(plain)

    @cached_property
    def windows(self) -> tuple[timedelta, ...]:
        """List the windows that its limits look back, the shortest first."""
        windows = {self.recent_window, DAY}
        for limit in self.actions.values():
            windows.update(one.window for one in limit.over)
        return tuple(sorted(windows))

    @property
    def recent_window(self) -> timedelta:
        """Return how far back one target or requester is looked at."""
        return self.window or DAY

    @property
    def shortest_case_term(self) -> timedelta:
        """Return how far back anything looks at what cases were about."""
        spans = [MAX_WINDOW, self.autonomy.window, self.standing_rules.expires]
        if self.versions:
            spans.append(self.versions.watch)
        return max(spans)

    def convert(self, amount: Decimal, currency: str) -> Decimal | None:
        """Return an amount in the currency of policy; None without a rate."""
        # Rows of earlier releases have no currency: there was one alone.
        if currency in {"", self.currency}:
            return amount
        rate = self.currencies.get(currency)
        if rate is None:
            return None
        # To the next cent, so that rounding never brings a plan below a limit.
        return (amount * rate).quantize(CENT, ROUND_CEILING)

    def is_never_alone(self, kind: str, actions: Iterable[str]) -> bool:
        """Tell whether a plan of this kind and actions never runs alone."""
        return not self._never_alone_names.isdisjoint({kind, *actions})

    @cached_property
    def _never_alone_names(self) -> frozenset[str]:
        return frozenset(self.never_alone)

    def __post_init__(self) -> None:
        if self.currency in self.currencies:
            raise ValueError(f"currencies: {self.currency} is the currency of policy itself")
        if len(self.windows) > MAX_WINDOWS:
            raise ValueError(f"at most {MAX_WINDOWS} different windows, with 24h and window")


_LATER_FIELDS = ("currencies", "window", "hours", "never_alone", "rules", "versions", "groups")


def _drop_empty(plain: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if not plain[name]:
            del plain[name]


def _check_initial_stage(stage: Stage) -> Stage:
    """Refuse a file that gives what is earned."""
    if stage is Stage.AUTONOMOUS:
        raise ValueError(
            "is where a kind starts, shadow or supervised: an action earns to run alone by what"
            " people decide about it, and the governance owner lets it"
        )
    return stage


@dataclass(frozen=True, slots=True)
class PlaybookTerms:
    """The additions of a playbook to policy: approvers, or a shorter time."""

    #: Approvers in addition to those of policy.
    factors: Annotated[Approvers, Field(validation_alias="approvers")] = ()
    #: How long a proposed plan may be approved, where that is shorter than in policy.
    expires_for: Annotated[Span | None, Field(validation_alias="expires")] = None
    #: Where the kind starts. ``DeskControls`` has what its actions have earned since.
    stage: Annotated[Stage, AfterValidator(_check_initial_stage)] = Stage.SUPERVISED
    #: The groups of the playbook by role, which approvers may name.
    owners: Annotated[Mapping[str, str], NOT_IN_FILE] = field(default_factory=dict)

"""Policy as a page that people read: one table for each part."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.cases.approval import OWNER, people_of
from bot.cases.limits import describe_window
from bot.cases.parameter_limits import ParameterLimit
from bot.cases.plan import Money
from bot.cases.policy import ActionLimit, Policy, TierRule, WindowLimit
from bot.cases.retention import DataKind, Retention
from bot.cases.version_rule import VersionRule
from bot.views.labels import Labels

GROUPS = "Groups"
#: The limits of a window, with how each is told.
_AMOUNTS = (
    ("amount", ""),
    ("amount_per_target", " to one target"),
    ("amount_per_requester", " by one person"),
)
_TIMES = (
    ("times", ""),
    ("times_per_target", " for one target"),
    ("times_per_requester", " by one person"),
)


@dataclass(frozen=True, slots=True)
class PolicyPart:
    """One table of the page."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def policy_page(policy: Policy, labels: Labels) -> list[PolicyPart]:
    """Return the parts of the page that say something."""
    parts = [
        PolicyPart("Risk and approvers", ("Risk", "When", "Approvers", "Time"), _tiers(policy)),
        PolicyPart(GROUPS, ("Group", "People"), _groups(policy)),
        PolicyPart("Actions", ("Action", "Alone", "Limits"), _actions(policy, labels)),
        PolicyPart("Rules", ("#", "When", "Then", "Because"), _rules(policy)),
        PolicyPart("Always", ("What", "Value"), tuple(_always(policy, labels))),
    ]
    return [part for part in parts if part.rows]


def _tiers(policy: Policy) -> tuple[tuple[str, ...], ...]:
    medium, high = (_money(policy.medium_above, policy), _money(policy.high_above, policy))
    conditions = {
        "low": f"up to {medium}, and it can be undone",
        "medium": f"over {medium}, several changes, or it cannot be undone",
        "high": f"over {high}, or over {medium} and it cannot be undone",
    }
    return tuple(
        (name, when, _approvers(policy.tiers[name]), _span(policy.tiers[name]))
        for name, when in conditions.items()
    )


def _groups(policy: Policy) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (f"@{group}", ", ".join(people) or "nobody")
        for group, people in sorted(policy.groups.items())
    )


def _approvers(rule: TierRule) -> str:
    names = []
    for factor in rule.factors:
        group = f"@{factor.group}"
        if people_of(factor.group):
            group = ", ".join(sorted(people_of(factor.group)))
        elif factor.group.startswith(OWNER):
            group = f"the {factor.group.removeprefix(OWNER)} owner of the kind"
        names.append(f"{factor.count} of {group}")
    return " and ".join(names) or "nobody: refused"


def _span(rule: TierRule) -> str:
    return describe_window(rule.expires_for).removeprefix("in ").replace("a day", "24 hours")


def _actions(policy: Policy, labels: Labels) -> tuple[tuple[str, ...], ...]:
    rows = []
    for name, limit in policy.actions.items():
        alone = "yes" if limit.alone and not policy.is_never_alone("", [name]) else "no"
        title = f"{labels.action(name)} ({name})"
        rows.append((title, alone, "; ".join(_limits(limit, policy)) or "unlimited"))
    return tuple(rows)


def _limits(limit: ActionLimit, policy: Policy) -> Iterator[str]:
    if limit.per_plan is not None:
        yield f"{_money(limit.per_plan, policy)} at once"
    if limit.amount_per_day is not None:
        yield f"{_money(limit.amount_per_day, policy)} a day"
    if limit.times_per_day is not None:
        yield f"{_times(limit.times_per_day)} a day"
    if limit.times_per_target_per_day is not None:
        yield f"{_times(limit.times_per_target_per_day)} a day for one target"
    for window in limit.over:
        yield from _window_limits(window, policy)
    for name, bounds in limit.parameters.items():
        yield f"{name} {_bounds(bounds)}"


def _window_limits(limit: WindowLimit, policy: Policy) -> Iterator[str]:
    period = describe_window(limit.window)
    for field, whom in _AMOUNTS:
        amount = getattr(limit, field)
        if amount is not None:
            yield f"{_money(amount, policy)} {period}{whom}"
    for field, whom in _TIMES:
        times = getattr(limit, field)
        if times is not None:
            yield f"{_times(times)} {period}{whom}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count) or f"{count:,} times"


def _bounds(bounds: ParameterLimit) -> str:
    parts = []
    if bounds.min is not None:
        parts.append(f"at least {bounds.min:,}")
    if bounds.max is not None:
        parts.append(f"at most {bounds.max:,}")
    if bounds.one_of is not None:
        parts.append(f"one of {', '.join(str(choice) for choice in bounds.one_of)}")
    if bounds.pattern is not None:
        parts.append(f"of the form {bounds.pattern}")
    return " and ".join(parts)


def _rules(policy: Policy) -> tuple[tuple[str, ...], ...]:
    rows = []
    for number, rule in enumerate(policy.rules, start=1):
        then = rule.effect.value.replace("_", " ")
        if rule.factors:
            then += f": {_approvers(TierRule(rule.factors, policy.recent_window))}"
        rows.append((str(number), rule.when, then, rule.because))
    return tuple(rows)


def _always(policy: Policy, labels: Labels) -> Iterator[tuple[str, str]]:
    yield "Currency", policy.currency
    for currency, rate in policy.currencies.items():
        yield f"1 {currency}", f"{rate.normalize():f} {policy.currency}"
    yield "Actions in one plan", f"at most {policy.largest_scope}"
    if policy.window:
        yield "Counted together", f"what goes to one target or person {_in(policy)}"
    if policy.hours:
        yield "Alone only", f"{policy.hours} (clock of the channel)"
    if policy.never_alone:
        names = [labels.actions.get(name) or labels.kind(name) for name in policy.never_alone]
        yield "Never alone", ", ".join(names)
    if policy.step_up_above is not None:
        yield "Signed with a passkey", f"over {_money(policy.step_up_above, policy)}"
    terms = policy.standing_rules
    yield (
        "Standing rules",
        f"proposed after {terms.yeses:,} approvals, for {_days(terms.expires)}, at most"
        f" {terms.times_per_day:,} a day; they end when unused for {_days(terms.disuse)}",
    )
    if policy.versions:
        yield "Changed playbooks", _versions(policy.versions, labels)
    yield from _retention(policy.retention)
    if policy.emergency:
        yield "Emergency", f"@{policy.emergency.group}, reviewed afterwards"


def _retention(retention: Retention) -> Iterator[tuple[str, str]]:
    titles = {
        DataKind.SIGNALS: "Signals as they came",
        DataKind.QUESTIONS: "Questions to the assistant",
        DataKind.CASES: "What ended cases were about",
    }
    for kind, title in titles.items():
        term = retention.term_of(kind)
        if term is not None:
            yield title, f"removed after {_days(term)}"
    if retention.hold:
        yield "Kept all the same", ", ".join(retention.hold)


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g} days"


def _versions(rule: VersionRule, labels: Labels) -> str:
    parts = [f"{rule.shadow:,} cases in shadow"]
    if rule.trial and rule.share:
        parts.append(f"{rule.trial:,} on trial among {rule.share} %")
    parts += [f"“{labels.kind(kind)}” where {when}" for kind, when in rule.only.items()]
    return f"{', '.join(parts)}; then asked, and watched for {rule.watch.days} days"


def _in(policy: Policy) -> str:
    return describe_window(policy.recent_window).replace("a day", "in 24 hours")


def _money(amount: Decimal, policy: Policy) -> str:
    return str(Money(amount, policy.currency))

"""Standing rules: plans within bounds, which run without being asked.

A rule is distilled from plans that people approved, and a governance owner has adopted it. It says
what may happen to the figures of a plan and its case, and never more than was approved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.cases.canonical import Scalar, canonical_bytes, canonical_hash, from_json, to_plain
from bot.cases.evidence import SIGNAL
from bot.cases.plan import STEPS, Plan

AMOUNT = "amount"
CURRENCY = "currency"
FACTS = "facts"
#: The terms of a rule that an approval binds.
APPROVED_TERMS = (
    "kind",
    "actions",
    "parameters",
    "bounds",
    "times_per_day",
    "owner",
    "playbook_digest",
    "until",
)
#: Texts of the signal that tell one case from another, and bound nothing.
UNBOUND_FACTS = frozenset({"subject", "title"})
#: A number of that name says which one, and not how much.
_LABEL_NAME = re.compile(r"(^|[._])(id|no|number|code|ref)$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")

Figures = Mapping[str, Scalar]
"""What a rule looks at: "0.quantity" of the first action, "amount", "facts.stock.on_hand"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Bound one figure by some texts, or by two numbers."""

    name: str
    #: In the form of ``figure_text``; empty for a range.
    values: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def holds(self, value: Scalar) -> bool:
        """Tell whether this value is within the bound."""
        if self.values:
            return figure_text(value) in self.values
        number = number_of(value)
        if number is None or self.minimum is None or self.maximum is None:
            return False
        return self.minimum <= number <= self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRule:
    """Plans that may run without being asked, until a time."""

    #: The case that decided it, and the entry of the desk: "EX-30/7". Empty for a draft.
    id: str = ""
    kind: str
    #: The actions of the plan, in their order.
    actions: tuple[str, ...]
    #: The names of the parameters of each action.
    parameters: tuple[tuple[str, ...], ...]
    bounds: tuple[Bound, ...]
    #: How many plans may begin by it within a day.
    times_per_day: int
    #: The group that governs the kind.
    owner: str
    #: The playbook that made the plans. Another one is another question.
    playbook_digest: str
    until: datetime
    #: When it was adopted; of a draft, when it was made.
    since: datetime
    #: Who approved it, in words; empty for a draft.
    by_name: str = ""
    #: When people last kept it for longer; None for never.
    renewed_at: datetime | None = None
    #: Why it ends unless somebody keeps it; empty while it does not.
    doubt: str = ""

    @property
    def checksum(self) -> str:
        """Hash what people approve; the verifier does likewise."""
        plain = to_plain(self)
        return canonical_hash({name: plain[name] for name in APPROVED_TERMS})

    def covers(self, plan: Plan, figures: Figures, now: datetime) -> bool:
        """Tell whether a plan may run by this rule now."""
        return now < self.until and self.is_about(plan) and self.contains(figures)

    def is_about(self, plan: Plan) -> bool:
        """Tell whether a plan has the shape of this rule."""
        return (
            not plan.branches
            and (self.kind, self.playbook_digest) == (plan.playbook, plan.playbook_digest)
            and (self.actions, self.parameters) == shape_of(plan)
        )

    def contains(self, figures: Figures) -> bool:
        """Tell whether every bound holds."""
        return contains(self.bounds, figures)


def rule_words(rule: StandingRule) -> str:
    """Name a rule in force by its approver, day and case."""
    day = f"{rule.since:%-d %b %Y}"
    return f"the standing rule that {rule.by_name} approved on {day} ({deciding_case(rule.id)})"


def rule_to_json(rule: StandingRule) -> str:
    """Write a draft as text, for the signal that proposes it."""
    return canonical_bytes(to_plain(rule)).decode()


def rule_from_json(text: str) -> StandingRule:
    """Read what ``rule_to_json`` wrote."""
    return from_json(StandingRule, text)


@dataclass(frozen=True, slots=True)
class RuleUse:
    """Count the uses of a standing rule, with the last one."""

    times: int = 0
    last_at: datetime | None = None


def deciding_case(rule_id: str) -> str:
    """Return the case that decided a rule."""
    return rule_id.partition("/")[0]


def contains(bounds: tuple[Bound, ...], figures: Figures) -> bool:
    """Tell whether all bounds hold for these figures."""
    return all(bound.holds(figures.get(bound.name)) for bound in bounds)


def shape_of(plan: Plan) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the actions of a plan, and the names of their parameters."""
    names = tuple(action.name for action in plan.actions)
    return names, tuple(tuple(sorted(action.parameters)) for action in plan.actions)


def figures_of(plan: Plan, facts: Mapping[str, Any]) -> dict[str, Scalar]:
    """List what a rule may look at: parameters, amount and facts."""
    figures: dict[str, Scalar] = {}
    for step, action in enumerate(plan.actions):
        for name, value in action.parameters.items():
            figures[f"{step}.{name}"] = value
    amount = plan.amount
    if amount is not None:
        figures[AMOUNT] = str(amount.amount)
        figures[CURRENCY] = amount.currency
    for item, columns in facts.items():
        # What earlier plans of a case have done is for people to look at.
        if item == STEPS or not isinstance(columns, Mapping):
            continue
        for column, value in columns.items():
            if item != SIGNAL or column not in UNBOUND_FACTS:
                figures[f"{FACTS}.{item}.{column}"] = value
    return figures


def identities_of(plan: Plan) -> frozenset[str]:
    """Name the parameters that say what an action is done to."""
    return frozenset(
        f"{step}.{name}"
        for step, action in enumerate(plan.actions)
        for name, value in action.parameters.items()
        if figure_text(value) in re.split(r"[:/ ]", action.target)
    )


def figure_text(value: Scalar) -> str:
    """Write a value so that equal ones are written alike."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(str(value)).normalize(), "f")
    return value


def is_label(name: str) -> bool:
    """Tell whether a number of this name only names something."""
    return _LABEL_NAME.search(name) is not None


def is_moment(value: Scalar) -> bool:
    """Tell whether a value is a date or time."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def number_of(value: Scalar) -> Decimal | None:
    """Read a number, also from text; None for none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None

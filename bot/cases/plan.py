"""Plans: the ordered actions that wait for approval, bound by their hash.

A plan is a closed document: what was shown is what runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from bot.cases.canonical import Scalar, canonical_hash, to_plain

# No duration, as ISO 8601 writes it.
NO_TIME = "PT0S"
CENT = Decimal("0.01")
MAX_AMOUNT = Decimal(10**12)
DRY_RUN = "dry-run"
#: What conditions call the facts that earlier steps told.
STEPS = "steps"
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}


class Idempotency(StrEnum):
    """The way in which a connector keeps an action from happening twice."""

    NATIVE_KEY = "native_key"
    CONDITIONAL = "conditional"
    MARKER = "marker"
    #: Never retried by itself.
    NONE = "none"


class Proposer(StrEnum):
    """The author of the plan's parameters."""

    PLAYBOOK = "playbook"
    PERSON = "person"
    #: A chat model. Such a plan is judged like any other, and never runs alone.
    MODEL = "model"
    #: A program outside that asks for an approval. Such a plan never runs alone either.
    PROGRAM = "program"


class FactType(StrEnum):
    """The type of a fact that an action returns."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"


class Cause(StrEnum):
    """The outcome of an earlier step that a step depends on."""

    LANDED = "landed"
    #: The system refused it for good.
    REFUSED = "refused"
    #: Its condition did not hold, so it was not begun.
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        symbol = SYMBOLS.get(self.currency, f"{self.currency} ")
        return f"{symbol}{self.amount:,.2f}"


def amount_of(value: object) -> Decimal | None:
    """Read an amount of money, to the cent.

    None means that the value is not one.

    Truth values, NaN, infinities, text without a number, negative amounts and amounts over
    ``MAX_AMOUNT`` are not money.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except (ArithmeticError, ValueError):
        return None
    # A NaN cannot be compared, so finiteness is checked first.
    if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        return None
    return abs(amount.quantize(CENT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One change to one outside system."""

    #: "system.action".
    name: str
    version: int
    system: str
    connector: str
    target: str
    parameters: Mapping[str, Scalar]
    summary: str
    #: The dry run, in words.
    preview: str
    reversible: bool
    idempotency: Idempotency
    #: The snapshot of the outside system that must still hold when it runs.
    precondition: Mapping[str, Scalar]
    #: None only where the action declares that it moves no money.
    amount: Money | None = None
    #: How long it may be undone after it has landed; zero where the action declares no window.
    undo_for: timedelta = timedelta(0)
    #: The facts that it tells once it has landed.
    returns: Mapping[str, FactType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInput:
    """A parameter that an earlier step tells, with its bounds."""

    #: "step.fact".
    fact: str
    type: FactType
    minimum: Scalar = None
    maximum: Scalar = None
    #: The texts that it may be; of no other type.
    one_of: tuple[str, ...] = ()
    #: What people read in its place before it is known.
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The place of one action in a tree."""

    #: What conditions call the step.
    name: str
    #: The earlier step on which it depends; None for the first.
    after: int | None = None
    cause: Cause = Cause.LANDED
    #: A JMESPath expression over ``Plan.facts`` and ``steps``; empty for always.
    when: str = ""
    #: The condition in words, after "if".
    means: str = ""
    #: The plan goes on without it where its condition does not hold.
    may_be_skipped: bool = False
    #: The facts of earlier steps that its condition names, as "step.fact".
    needs: tuple[str, ...] = ()
    inputs: Mapping[str, StepInput] = field(default_factory=dict)


# No slots: the hash is computed once and kept.
@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that an approval binds. Nothing outside it influences what is executed."""

    case_id: str
    revision: int
    actions: tuple[Action, ...]
    playbook: str
    playbook_digest: str
    policy_digest: str
    proposer: Proposer
    requester: str | None
    beneficiary: str | None
    #: No step begins after this.
    not_after: datetime
    #: "live" or "dry-run": the only mode in which it may run. Empty in plans of earlier
    #: releases, which run in any.
    mode: str = ""
    #: One for each action, where the plan is a tree; empty where all run in their order.
    branches: tuple[Branch, ...] = ()
    #: The evidence that conditions of the tree name, by path.
    facts: Mapping[str, Scalar] = field(default_factory=dict)

    @cached_property
    def plan_hash(self) -> str:
        """Hash the RFC 8785 form with SHA-256: what an approval names."""
        plain = to_plain(self)
        # A field of a later release is left out where it says nothing: what was approved before
        # an upgrade is still what was approved. The verifier leaves it out likewise.
        for action in plain["actions"]:
            if action["undo_for"] == NO_TIME:
                del action["undo_for"]
            if not action["returns"]:
                del action["returns"]
        for name in ("mode", "branches", "facts"):
            if not plain[name]:
                del plain[name]
        return canonical_hash(plain)

    @property
    def is_tree(self) -> bool:
        """Tell whether each action has its place in a tree.

        The first depends on nothing, and each other step on an earlier one.
        """
        if not self.branches or len(self.branches) != len(self.actions):
            return False
        first, *others = (branch.after for branch in self.branches)
        return first is None and all(
            after is not None and 0 <= after < step for step, after in enumerate(others, start=1)
        )

    @property
    def amount(self) -> Money | None:
        """Sum the money that this plan moves; None when it moves none.

        Of a tree it is the most that any of its paths can move.
        """
        amounts = [action.amount for action in self.actions if action.amount]
        if not amounts:
            return None
        # Policy refuses mixed currencies.
        if self.is_tree:
            return Money(self._largest_sum(0), amounts[0].currency)
        total = sum((money.amount for money in amounts), Decimal(0))
        return Money(total, amounts[0].currency)

    def _largest_sum(self, step: int) -> Decimal:
        """Find the largest sum that this step and its dependents can move.

        Of steps that exclude each other the dearer counts; all that may run together do.
        """
        sums = dict.fromkeys(Cause, Decimal(0))
        for index, branch in enumerate(self.branches):
            if branch.after == step:
                sums[branch.cause] += self._largest_sum(index)
        own = self.actions[step].amount
        forward = sums[Cause.LANDED] + (own.amount if own else Decimal(0))
        return max(forward, sums[Cause.REFUSED], sums[Cause.OTHERWISE])

    @property
    def undo_for(self) -> timedelta:
        """Return how long the whole plan may be undone.

        Each action must allow it.
        """
        if not self.actions or not all(action.reversible for action in self.actions):
            return timedelta(0)
        return min(action.undo_for for action in self.actions)

    @property
    def is_dry_run(self) -> bool:
        """Tell whether the plan changes nothing."""
        return self.mode == DRY_RUN

    def is_of(self, mode: str) -> bool:
        """Tell whether it may run in this mode.

        A plan without a mode runs in any.
        """
        return self.mode in {"", mode}

    def step_key(self, step: int) -> str:
        """Make the idempotency key of a step.

        All attempts at this revision share it.
        """
        return canonical_hash([self.case_id, self.revision, step, self.plan_hash])

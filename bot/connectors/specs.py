"""The declarations that systems and actions of every connector share.

Secrets are only named: their values are in the environment.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.cases.canonical import ScalarMapping
from bot.cases.constraints import (
    FROM_KEY,
    Currency,
    Duration,
    Name,
    Span,
    Text,
)
from bot.cases.errors import ConnectorFailed
from bot.cases.expressions import placeholders, render
from bot.cases.plan import Action, FactType, Idempotency, Money, amount_of
from bot.cases.playbook import ParameterName
from bot.connectors.parameters import ParameterType
from bot.ports.chat import Chat
from bot.ports.connector import NOTHING, Connector

MIN_TIMEOUT = timedelta(milliseconds=100)
MAX_TIMEOUT = timedelta(minutes=5)
MAX_FACTS = 20
#: For one call in all: name, connection, question and answer.
Timeout = Annotated[Duration, Field(ge=MIN_TIMEOUT, le=MAX_TIMEOUT)]
Secrets = Callable[[str], str]
"""The value of a secret by its name; empty when it is not set."""


@dataclass(frozen=True, kw_only=True)
class ActionSpec(ABC):
    """One action of a system.

    Templates have placeholders for parameters and snapshot fields.
    """

    name: Annotated[Name, FROM_KEY]
    #: Increased when the action comes to do something else: older approvals are then void.
    version: Annotated[int, Field(ge=1)] = 1
    #: What people read in its place: "Order stock".
    title: str = ""
    #: The parameters by name, with their types.
    parameters: Mapping[ParameterName, ParameterType]
    #: What people read in place of each parameter's name.
    titles: Mapping[ParameterName, Text] = field(default_factory=dict)
    #: A template of what is changed, like ``product:{product_id}``.
    target: Text
    #: A template of what is done, in the imperative.
    summary: Text
    #: The same in the past tense, for cards on which it is done. No plan has it, so it may change.
    past_summary: Annotated[str, Field(validation_alias="done")] = ""
    #: A template of how the world is afterwards.
    preview: Text
    #: The parameter or snapshot field with the amount that it moves; empty for an action without.
    amount: str = ""
    #: The currency of the amount; empty in a file for that of policy.
    currency: Currency = ""
    #: How long after it has landed it may be taken back.
    undo_for: Span | None = None
    #: The facts that it tells once it has landed, with their types.
    returns: Annotated[Mapping[Name, FactType], Field(max_length=MAX_FACTS)] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        kind = self.parameters.get(self.amount)
        if kind in {ParameterType.TEXT, ParameterType.DATE}:
            raise ValueError(f"amount names {self.amount}, which is {kind}, and not a number")
        if self.undo_for and not self.reversible:
            raise ValueError("undo_for needs an undo")

    @property
    @abstractmethod
    def reversible(self) -> bool:
        """Tell whether it can be taken back."""

    @property
    def says_refusals(self) -> bool:
        """Tell whether the system's own no is told from other failures."""
        return False

    @property
    @abstractmethod
    def idempotency(self) -> Idempotency:
        """Return how it is kept from happening twice."""


@dataclass(frozen=True, kw_only=True)
class SystemSpec(ABC):
    """One outside system.

    Each connector has a subclass, which is all that others know of it.
    """

    name: Annotated[Name, FROM_KEY]
    #: The name of the connector in YAML.
    connector: str
    #: What people read in place of its name: "stock system".
    title: str = ""
    #: How long one call may take in all.
    timeout: Timeout
    #: The actions by name.
    actions: Mapping[str, ActionSpec]

    @abstractmethod
    def secret_names(self) -> tuple[str, ...]:
        """Return the names of the secrets it needs."""

    @abstractmethod
    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        """Create its connector. Nothing is opened before the first call."""

    def find_problems(self, secrets: Secrets) -> list[str]:
        """Ask the system whether its declaration fits, where it can tell."""
        return []


def check_calls(
    action: ActionSpec,
    *,
    precondition_fields: Collection[str],
    execute_fields: Collection[str],
    verify_fields: Collection[str] | None,
) -> None:
    """Check an action that is a call, by its calls' fields.

    ``verify_fields`` is None for an action without a verify call.

    Raises:
        ValueError: the calls contradict what the action declares.
    """
    if verify_fields is None and action.idempotency is not Idempotency.NONE:
        raise ValueError("only idempotency: none may go without a verify call")
    for name in action.returns:
        if name not in execute_fields or name not in (verify_fields or ()):
            raise ValueError(f"execute and verify both need the field {name} that it returns")
    if action.amount and action.amount not in {*action.parameters, *precondition_fields}:
        raise ValueError(
            f"amount names {action.amount}, which is no parameter and no field of the precondition"
        )


def prepare_action(
    spec: ActionSpec,
    *,
    system: str,
    connector: str,
    parameters: ScalarMapping,
    snapshot: ScalarMapping,
    words: ScalarMapping = NOTHING,
) -> Action:
    """Render an action for a plan, from typed parameters and the snapshot.

    ``words`` stand for parameters that an earlier step will tell.

    Raises:
        ConnectorFailed: the action declares an amount and there is none, or it would go to a
            target or move an amount that is not known yet.
    """
    facts = {**snapshot, **parameters, **words}
    for name in words:
        if name == spec.amount or name in placeholders(spec.target):
            raise ConnectorFailed(f"{name} decides what is changed, so no step may tell it")
    return Action(
        name=f"{system}.{spec.name}",
        version=spec.version,
        system=system,
        connector=connector,
        target=render(spec.target, facts),
        parameters={name: parameters[name] for name in parameters if name not in words},
        summary=render(spec.summary, facts),
        preview=render(spec.preview, facts),
        reversible=spec.reversible,
        idempotency=spec.idempotency,
        precondition=dict(snapshot),
        amount=_amount(spec, facts),
        undo_for=spec.undo_for or timedelta(0),
        returns=dict(spec.returns),
    )


def _amount(spec: ActionSpec, facts: ScalarMapping) -> Money | None:
    """Return the amount that the action moves, if it declares one."""
    if not spec.amount:
        return None
    amount = amount_of(facts.get(spec.amount))
    if amount is None:
        raise ConnectorFailed(f"the amount is not known ({spec.amount.replace('_', ' ')})")
    return Money(amount, spec.currency)


def short_name(action: Action) -> str:
    """Return the name of an action without its system."""
    return action.name.partition(".")[2]

"""View models of orders in words, and of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.cases.approval import Person
from bot.cases.case import Case
from bot.views.labels import Labels

#: What can be said to the bot in the thread of a case.
ORDER_EXAMPLES = (
    "approve",
    "reject because …",
    "give it to Ben",
    "snooze until Monday",
)


class OrderKind(StrEnum):
    """Something that can be asked in words."""

    APPROVE = "approve"
    REJECT = "reject"
    HAND_OVER = "hand over"
    SNOOZE = "snooze"
    #: Words that begin like an order and are none.
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadOrder:
    """An order as it was said."""

    kind: OrderKind
    #: The reason that was given.
    note: str = ""
    #: The user id of the colleague who was mentioned.
    to_user: str = ""
    #: The name of the colleague, where nobody was mentioned.
    to_name: str = ""
    #: The words for a time, like "Monday".
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedOrder:
    """An order, who gave it and where."""

    #: One message or reaction has one id, however often Slack delivers it.
    id: str
    #: The principal, "T…/U…".
    person: str
    #: The user id in Slack.
    user: str
    channel: str
    #: The thread in which the answer is shown; empty for the channel itself.
    thread: str
    case_id: str
    #: What the person said.
    text: str
    order: ThreadOrder
    #: The plan and state of the case when the words were said.
    snapshot: str = ""

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> "PostedOrder":
        """Read the payload of an outbox message."""
        order = dict(payload["order"])
        order["kind"] = OrderKind(order["kind"])
        return cls(**{**payload, "order": ThreadOrder(**order)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The private answer to an order: a question or a sentence."""

    case: Case
    order: ThreadOrder
    #: Why there is no button; empty where there is one.
    refusal: str = ""
    #: Those who may be meant. Several: the person chooses. None: the form asks.
    people: tuple[Person, ...] = ()
    #: The time that was said; None when none was understood.
    until: datetime | None = None
    labels: Labels = field(default_factory=Labels)


def describe_orders() -> str:
    """Say what can be said in the thread of a case."""
    *examples, last_example = (f"“{example}”" for example in ORDER_EXAMPLES)
    return (
        f"In this thread you can say {', '.join(examples)} or {last_example}."
        " Each asks you once more, in private."
    )

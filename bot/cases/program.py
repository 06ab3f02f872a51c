"""Programs: callers outside that ask for approvals, raise cases and are told of decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from bot.cases.constraints import (
    FROM_KEY,
    Amount,
    EnvironmentName,
    Handle,
    Name,
    Text,
)

#: ``system.action`` of systems.yml, or a name that only the program knows.
ActionName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,48}(\.[a-z][a-z0-9_]{1,48})?$")
]


class EventType(StrEnum):
    """What a program can be told of."""

    #: A case of its kinds is opened, opened again, or turns out to be of its kinds.
    CASE_OPENED = "case.opened"
    #: People or policy decided what is done about it, or took that back.
    CASE_DECIDED = "case.decided"
    #: A plan was carried out, failed, or nobody knows.
    CASE_EXECUTED = "case.executed"
    #: The case has ended, in whatever way.
    CASE_RESOLVED = "case.resolved"
    #: The program's own request is decided, has expired or was cancelled.
    APPROVAL_DECIDED = "approval.decided"


def _check_events(events: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(events) - set(EventType))
    if unknown:
        names = ", ".join(sorted(EventType))
        raise ValueError(f"there is no event {unknown[0]}; there are {names}")
    return events


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """The address to which a program's events are posted, signed."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{3,500}$")]
    #: Secrets of Standard Webhooks (``whsec_…``); with two, each message has both signatures.
    secret_env: Annotated[tuple[EnvironmentName, ...], Field(min_length=1, max_length=2)]
    events: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_check_events)] = (
        EventType.APPROVAL_DECIDED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAction:
    """An action that a program may ask for."""

    #: What people read in place of its name; needed where systems.yml does not declare it.
    title: str = ""
    #: In the currency of policy; None where its amount has no limit of its own.
    per_request: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A caller with a name and tokens, and what it may do."""

    name: Annotated[Handle, FROM_KEY]
    #: What people read in place of its name.
    title: Text
    #: The people it acts for, as team/user or by a name in people.yml. They approve nothing of it.
    acts_for: tuple[str, ...] = ()
    #: The actions it may ask for; empty for none.
    actions: Mapping[ActionName, ProgramAction] = field(default_factory=dict)
    #: The kinds of cases that it may raise and read; empty for its own approvals only.
    kinds: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    callback: Callback | None = None
    per_minute: Annotated[int, Field(ge=1, strict=True)] = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCaller:
    """A program that has signed in, and what its token allows."""

    program: Program
    token_id: str
    #: Those of the program, or fewer by its token.
    actions: Mapping[str, ProgramAction]
    #: The most that one request may move, by its token; None for no narrower limit.
    limit: Decimal | None = None

"""Programs: callers outside that ask for approvals and raise cases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
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
    OptionalChannelId,
    OptionalHandle,
    OptionalName,
    Span,
    Text,
    Times,
    not_below,
)

#: Before the name of a program, as a source of signals. No name of a source has a colon.
SOURCE_PREFIX = "program:"
#: Before the name of a program, as the system of its own actions, and in the kind of its requests.
SYSTEM_PREFIX = "program_"
KIND_PREFIX = "request_of_"
_NOT_IN_NAME = re.compile(r"[^a-z0-9_]")
#: ``system.action`` of systems.yml, or a name that only the program knows.
ActionName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,48}(\.[a-z][a-z0-9_]{1,48})?$")
]


class EventType(StrEnum):
    """The events that a program can be told of."""

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
    wrong_names = sorted(set(events) - set(EventType))
    if wrong_names:
        names = ", ".join(sorted(EventType))
        raise ValueError(f"there is no event {wrong_names[0]}; there are {names}")
    return events


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """The address to which a program's events are posted, signed."""

    #: The address.
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{3,500}$")]
    #: Secrets of Standard Webhooks (``whsec_…``); with two, each message has both signatures.
    secret_env: Annotated[tuple[EnvironmentName, ...], Field(min_length=1, max_length=2)]
    #: The events that are posted.
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
    #: Of an action that only the program knows; policy.yml has those of systems.yml.
    amount_per_day: Annotated[Amount | None, not_below("per_request")] = None
    #: How often within 24 hours, for an action that only the program knows.
    times_per_day: Times | None = None
    #: The argument with the amount that it moves. Without it a request states the amount beside.
    amount: OptionalName = ""
    #: The program can take it back. A request may deny it, and never claim it.
    reversible: bool = False

    @property
    def has_limit(self) -> bool:
        """Tell whether how much or how often is bounded."""
        limits = (self.per_request, self.amount_per_day, self.times_per_day)
        return any(limit is not None for limit in limits)


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
    #: Where its events are posted; left out where it asks for them.
    callback: Callback | None = None
    #: How many requests it may send in a minute.
    per_minute: Annotated[int, Field(ge=1, strict=True)] = 60
    #: Where its cards go; empty for the channel of unrecognised cases.
    channel: OptionalChannelId = ""
    #: The group that answers for it; empty for the owners of unrecognised cases.
    owner: OptionalHandle = ""
    #: So long after an approval the owner is asked, where the program has not reported.
    follow_up: Span = timedelta(hours=1)
    #: So many of its requests may wait for a decision at once.
    max_open: Annotated[int, Field(ge=1, le=1_000, strict=True)] = 20

    @property
    def source(self) -> str:
        """Return the source of its signals, which is its account too."""
        return f"{SOURCE_PREFIX}{self.name}"

    @property
    def system(self) -> str:
        """Return the system of the actions that only it knows."""
        return f"{SYSTEM_PREFIX}{_as_name(self.name)}"

    @property
    def approval_kind(self) -> str:
        """Return the kind of the cases with its requests."""
        return f"{KIND_PREFIX}{_as_name(self.name)}"

    def plan_action(self, action: str) -> str:
        """Return the name of an action in plans and policy."""
        return action if "." in action else f"{self.system}.{action}"


def program_of_source(source: str) -> str:
    """Return the name of the program behind a source; empty for none."""
    return source.removeprefix(SOURCE_PREFIX) if source.startswith(SOURCE_PREFIX) else ""


def is_approval_kind(kind: str) -> bool:
    """Tell whether cases of this kind are requests of programs."""
    return kind.startswith(KIND_PREFIX)


def is_own_action(name: str) -> bool:
    """Tell whether a program carries out this action itself."""
    return name.startswith(SYSTEM_PREFIX)


def _as_name(handle: str) -> str:
    return _NOT_IN_NAME.sub("_", handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCaller:
    """A program that has signed in, and what its token allows."""

    program: Program
    token_id: str
    #: Those of the program, or fewer by its token.
    actions: Mapping[str, ProgramAction]
    #: The most that one request may move, by its token; None for no narrower limit.
    limit: Decimal | None = None

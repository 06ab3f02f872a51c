"""Identities: who acted, and through which surface."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

CaseId = NewType("CaseId", str)
#: "team/user" by Slack's immutable ids.
UserId = NewType("UserId", str)
GroupHandle = NewType("GroupHandle", str)


class ActorKind(StrEnum):
    """The sort of an actor; prefixed kinds are written "kind:id"."""

    PERSON = "person"
    GROUP = "group"
    POLICY = "policy"
    SOURCE = "source"
    OPERATOR = "operator"
    DESK = "desk"


_PREFIXED = frozenset({ActorKind.POLICY, ActorKind.SOURCE, ActorKind.OPERATOR})
# The program's own name in the ledger. It is older than the kinds and has no prefix.
_DESK_ID = "countersign"


@dataclass(frozen=True, slots=True)
class Actor:
    """An author or owner. ``str`` gives the text in the ledger."""

    kind: ActorKind
    id: str

    @classmethod
    def parse(cls, text: str) -> "Actor":
        """Read the text of an actor.

        Every text is one, because old ledgers must open.
        """
        prefix, colon, name = text.partition(":")
        if colon and prefix in _PREFIXED:
            return cls(ActorKind(prefix), name)
        if text == _DESK_ID:
            return DESK
        if "/" in text and not colon:
            return cls(ActorKind.PERSON, text)
        return cls(ActorKind.GROUP, text)

    @classmethod
    def from_source(cls, name: str) -> "Actor":
        """Name the system that sent a signal."""
        return cls(ActorKind.SOURCE, name)

    @classmethod
    def from_policy(cls, policy_hash: str) -> "Actor":
        """Name the policy that let a plan run without an approval."""
        return cls(ActorKind.POLICY, policy_hash)

    @classmethod
    def from_operator(cls, name: str) -> "Actor":
        """Name somebody with a shell on the bot's machine."""
        return cls(ActorKind.OPERATOR, name)

    @property
    def is_person(self) -> bool:
        """Tell a member of a workspace from everybody else."""
        return self.kind is ActorKind.PERSON

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.kind in _PREFIXED else self.id


#: The program itself.
DESK = Actor(ActorKind.DESK, _DESK_ID)


def is_person(text: str) -> bool:
    """Tell whether this text names a person."""
    return Actor.parse(text).kind is ActorKind.PERSON


class Surface(StrEnum):
    """The place where a command was given.

    The values stand in the ledger.
    """

    SLACK = "slack"
    #: The page on which a passkey signs.
    PASSKEY_PAGE = "passkey"
    COMMAND_LINE = "command line"
    INTAKE = "intake"
    SCHEDULER = "scheduler"
    #: The program's own work.
    DESK = "desk"
    #: The history that a demo begins with.
    HISTORY = "past"

"""Approvers in files: a group, people by ids, or an owner."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    with_config,
)

from bot.cases.approval import OWNER, PEOPLE, ApprovalRequirement, can_be_met
from bot.cases.constraints import Handle, UserId


# The rules know one name for each set of people; a file has a field for each of the three sorts.
# That is why this is read apart, and not as the thing itself.
@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Approver:
    """One entry of ``approvers``, with one of the first three fields."""

    #: The handle of a Slack user group.
    group: Handle | None = None
    #: The ids of people, like U012AB3CD.
    people: Annotated[tuple[UserId, ...], Field(min_length=1, max_length=20)] | None = None
    #: A role under ``owners`` of the playbook.
    owner: Literal["business", "operations", "technical", "governance", "next"] | None = None
    #: How many of them must say yes.
    count: Annotated[int, Field(ge=1, le=5, strict=True)] = 1

    def __post_init__(self) -> None:
        names = (self.group, self.people, self.owner)
        if sum(name is not None for name in names) != 1:
            raise ValueError("name approvers by one of group, people or owner")
        people = set(self.people or ())
        if people and self.count > len(people):
            raise ValueError(f"{self.count} of {len(people)} people can never be complete")

    @property
    def set_name(self) -> str:
        """Return the name under which the rules know these approvers."""
        if self.people:
            return PEOPLE + "+".join(sorted(set(self.people)))
        return self.group or f"{OWNER}{self.owner}"


_APPROVER = TypeAdapter(Approver)


def _read_approver(entry: Any) -> ApprovalRequirement:
    approver = _APPROVER.validate_python(entry)
    return ApprovalRequirement(approver.set_name, approver.count)


def _check_people(factors: tuple[ApprovalRequirement, ...]) -> tuple[ApprovalRequirement, ...]:
    if not can_be_met(factors):
        raise ValueError("the people named can never be complete: somebody would be needed twice")
    return factors


Approvers = Annotated[
    tuple[
        Annotated[
            ApprovalRequirement, BeforeValidator(_read_approver, json_schema_input_type=Approver)
        ],
        ...,
    ],
    AfterValidator(_check_people),
]

"""Groups whose people stand in policy, and groups without anybody."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

MAX_PEOPLE = 100
_SLACK_ID = r"[UW][A-Z0-9]{2,20}"
_EMAIL = r"[^@\s,<>]{1,64}@[^@\s,<>]{1,190}"


def is_email(person: str) -> bool:
    """Tell whether this names a person by e-mail."""
    return "@" in person


def _normalise_person(person: str) -> str:
    # Slack does not distinguish the case of an address.
    return person.casefold() if is_email(person) else person


def _sort_people(people: tuple[str, ...]) -> tuple[str, ...]:
    """Sort the people, each once: another order is no other rule."""
    return tuple(sorted(set(people)))


#: A person by Slack id or e-mail.
ListedPerson = Annotated[
    str,
    StringConstraints(pattern=rf"^({_SLACK_ID}|{_EMAIL})$"),
    AfterValidator(_normalise_person),
]
#: The people of one group. Nobody, where it is empty.
PeopleList = Annotated[
    tuple[ListedPerson, ...], Field(max_length=MAX_PEOPLE), AfterValidator(_sort_people)
]
#: The people of each listed group, by its name.
GroupLists = Mapping[str, tuple[str, ...]]


class Gap(StrEnum):
    """The reason why a group has nobody."""

    #: There is no such user group.
    UNKNOWN = "unknown"
    #: The workspace has no user groups at all, because nobody pays for it.
    NO_PLAN = "no plan"
    #: The app was installed without the permission to read groups.
    NO_SCOPE = "no scope"
    #: Slack refuses for another reason.
    UNREADABLE = "unreadable"
    #: The user group has no members.
    EMPTY = "empty"
    #: Policy lists nobody.
    EMPTY_LIST = "empty list"
    #: Nobody whom policy lists is found in the workspace, and active there.
    NOBODY_ACTIVE = "nobody active"
    #: The list was changed, and nobody of it is in the one that is in force.
    NOT_IN_FORCE = "not in force"


#: The reasons by group.
Gaps = Mapping[str, Gap]
_LISTING = "name its people under groups: in policy.yml"


def describe_gap(group: str, gap: Gap) -> str:
    """Say why a group has nobody, and what to do."""
    return _GAP_WORDS[gap].format(group=group)


_GAP_WORDS = {
    Gap.UNKNOWN: f"the group {{group}} does not exist in this workspace; {_LISTING}",
    Gap.NO_PLAN: f"the group {{group}} does not exist in this workspace; {_LISTING}",
    Gap.NO_SCOPE: (
        "the app may not read the group {group}; install it again with the permission"
        " usergroups:read"
    ),
    Gap.UNREADABLE: f"Slack does not let the group {{group}} be read; {_LISTING}",
    Gap.EMPTY: f"the group {{group}} has no members; add some in Slack, or {_LISTING}",
    Gap.EMPTY_LIST: "policy.yml lists nobody for the group {group}; add somebody under groups:",
    Gap.NOBODY_ACTIVE: (
        "nobody whom policy.yml lists for the group {group} is active in this workspace; correct"
        " the list under groups:"
    ),
    Gap.NOT_IN_FORCE: (
        "the list of the group {group} in policy.yml was changed, and the governance owners have"
        " not let it be in force"
    ),
}


def describe_gaps(gaps: Gaps) -> str:
    """Say why groups have nobody, and what to do."""
    missing = sorted(group for group, gap in gaps.items() if gap in {Gap.UNKNOWN, Gap.NO_PLAN})
    reasons = []
    if len(missing) > 1:
        names = f"{', '.join(missing[:-1])} and {missing[-1]}"
        reasons.append(f"the groups {names} do not exist in this workspace; {_LISTING}")
        missing = []
    for group, gap in sorted(gaps.items()):
        if group in missing or gap not in {Gap.UNKNOWN, Gap.NO_PLAN}:
            reasons.append(describe_gap(group, gap))
    return "; ".join(reasons)


def join_members(
    lists: Sequence[frozenset[str] | None], user_group: frozenset[str] | None
) -> frozenset[str]:
    """Return the members of a group by every rule that holds.

    ``lists`` has what each of the rules lists, None for a user group of Slack. ``user_group`` is
    None where the workspace has none of that name. While a change waits, only who is in the group
    by both counts: a removal holds at once, an addition when it is decided. A list for a group
    that exists nowhere takes nothing from anybody, and holds at once.
    """
    members = [user_group if one is None else one for one in lists]
    sets = [one for one in members if one is not None]
    return frozenset.intersection(*sets) if sets else frozenset()

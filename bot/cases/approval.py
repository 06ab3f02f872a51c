"""Who may say yes. Deny by default: no facts, no group, an empty group or any doubt about the person means no."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cases.passkey import Assertion


@dataclass(frozen=True, slots=True)
class Person:
    """A person as their workspace knows them at this moment. ``id`` is the principal: "team/user", never a name.

    ``away`` is what their status says when it says that they are not at work; it suggests a delegation and decides nothing.
    """

    id: str
    name: str
    active: bool = True
    guest: bool = False
    external: bool = False
    bot: bool = False
    away: str = ""


PEOPLE, OWNER = "people:", "owner:"


@dataclass(frozen=True, slots=True)
class ApprovalRequirement:
    """``count`` distinct people out of ``group``: the handle of a group, or "people:…" with user ids joined by "+".

    In policy it may also be "owner:…", whom each playbook names; a verdict never holds one of those.
    """

    group: str
    count: int


@dataclass(frozen=True, slots=True)
class Approval:
    """One named person's yes to one exact plan. ``person`` is a principal, or "policy:<digest>".

    ``behalf_of`` is whose delegation was used; ``emergency`` says that the glass was broken for it; ``assertion`` is what the
    person's own device signed, where policy asks for that.
    """

    person: str
    name: str
    digest: str
    at: datetime
    note: str = ""
    behalf_of: str = ""
    behalf_name: str = ""
    emergency: bool = False
    assertion: Assertion | None = None

    @property
    def is_by_policy(self) -> bool:
        """Tell whether policy let the plan run, and nobody was asked."""
        return self.person.startswith("policy:")

    @property
    def principal(self) -> str:
        """Whose yes it is: the one who gave the delegation, if there was one."""
        return self.behalf_of or self.person


def people_of(group: str) -> tuple[str, ...]:
    """The user ids of those who are named one by one; none for the handle of a group."""
    return (
        tuple(filter(None, group.removeprefix(PEOPLE).split("+")))
        if group.startswith(PEOPLE)
        else ()
    )


Groups = Mapping[str, frozenset[str]]
"""Group name to the principals in it now, read fresh. A group that is missing is an empty group."""


def ineligibility_reason(
    person: Person,
    *,
    authors: Iterable[str],
    factors: Iterable[ApprovalRequirement],
    groups: Groups,
) -> str | None:
    """The reason this person may not approve, as a sentence to them; None when they may."""
    reason = unfit(person)
    if reason:
        return reason
    if person.id in set(authors):
        return "whoever raised or edited a plan, or gains from it, cannot approve it"
    wanted = [factor.group for factor in factors]
    if not any(person.id in groups.get(group, frozenset()) for group in wanted):
        return (
            f"only {either(wanted)} may approve this"
            if wanted
            else "nobody is named who may approve this"
        )
    return None


def unfit(person: Person) -> str | None:
    """Say why this account decides nothing, whoever names it; None for a colleague at work."""
    if not person.active:
        return "your account is deactivated"
    if person.bot:
        return "apps and workflows never approve"
    if person.guest:
        return "guests cannot approve"
    if person.external:
        return "people from other organisations cannot approve"
    return None


def quorum_met(
    approvals: Iterable[Approval], factors: Iterable[ApprovalRequirement], groups: Groups
) -> bool:
    """Tell whether every place is taken by a person of its own.

    A delegated yes takes a place of its giver; giver and presser are then both used up. No factors,
    or a factor of none, is never a quorum: empty means nobody.
    """
    factors = list(factors)
    if not factors or any(factor.count < 1 for factor in factors):
        return False
    places = [
        groups.get(factor.group, frozenset()) for factor in factors for _ in range(factor.count)
    ]
    return _seated(places, _distinct(approvals))


def can_be_met(factors: Iterable[ApprovalRequirement]) -> bool:
    """Tell whether the people named one by one suffice for their places."""
    places = [
        frozenset(people_of(factor.group))
        for factor in factors
        for _ in range(factor.count)
        if people_of(factor.group)
    ]
    return _seated(places, sorted(frozenset().union(*places)))


def _distinct(approvals: Iterable[Approval]) -> list[str]:
    """List the principals whose yes counts: nobody is used twice, giver or presser."""
    used: set[str] = set()
    principals = []
    for approval in approvals:
        people = {approval.person, approval.principal}
        if not people & used:
            principals.append(approval.principal)
        used |= people
    return principals


def _seated(places: Sequence[frozenset[str]], people: Sequence[str]) -> bool:
    """Tell whether each place can have a person of its own.

    This is a bipartite matching, by augmenting paths: whoever has a place moves on where that makes
    room. A dozen people and places at most: a graph library would bring in more than it saves.
    """
    seats: dict[str, int] = {}

    def has_room(place: int, passed: set[str]) -> bool:
        for person in people:
            if person in places[place] and person not in passed:
                passed.add(person)
                if person not in seats or has_room(seats[person], passed):
                    seats[person] = place
                    return True
        return False

    return all(has_room(place, set()) for place in range(len(places)))


def names_of(groups: Iterable[str]) -> list[str]:
    """Name these groups as people read them."""
    return sorted({"those named for it" if people_of(group) else f"@{group}" for group in groups})


def either(groups: Iterable[str]) -> str:
    """Name these groups as alternatives: "@finance, @floor-managers or @owners"."""
    names = names_of(groups)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

"""Approvals: who is eligible, and when a quorum is complete.

Deny by default: no requirement, an empty group or any doubt about the person means no.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from bot.cases.actor import Actor, ActorKind
from bot.cases.passkey import Assertion

PEOPLE, OWNER = "people:", "owner:"
AUTHOR_REASON = (
    "whoever raised or edited a plan, gave it a value, or gains from it, cannot approve it"
)

#: The members of each group, by handle, read fresh. A missing group is an empty group.
Groups = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a workspace, as the directory describes them now."""

    #: "team/user", never a name.
    id: str
    name: str
    _: KW_ONLY
    active: bool = True
    guest: bool = False
    external: bool = False
    bot: bool = False
    #: Their status when it says that they are away. It suggests a delegation, no more.
    away: str = ""
    #: The name of their time zone; empty when it is not known.
    zone: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequirement:
    """A number of distinct people out of one group."""

    #: The handle of a group, or "people:…" with user ids joined by "+". In policy it may also be
    #: "owner:…", a role that each playbook fills; a verdict never holds one of those.
    group: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's approval of one exact plan."""

    #: The user id, or "policy:…" with the hash of the policy that let the plan run.
    person: str
    name: str
    #: The hash of the plan.
    digest: str
    at: datetime
    note: str = ""
    #: The giver of the delegation that was used.
    behalf_of: str = ""
    behalf_name: str = ""
    #: Break-glass: given alone in an emergency.
    emergency: bool = False
    #: The signature by the person's passkey, where policy asks for one.
    assertion: Assertion | None = None
    #: The id of the grant by which the person approved this plan in advance; empty for none.
    grant: str = ""

    @property
    def is_by_policy(self) -> bool:
        """Tell whether policy let the plan run, and nobody was asked."""
        return Actor.parse(self.person).kind is ActorKind.POLICY

    @property
    def principal(self) -> str:
        """Return the giver of the delegation that was used, else the person."""
        return self.behalf_of or self.person

    @property
    def parties(self) -> frozenset[str]:
        """Return the person, and the giver of the delegation that was used."""
        return frozenset((self.person, self.behalf_of or self.person))


def people_of(group: str) -> tuple[str, ...]:
    """List the user ids of a "people:…" group.

    The handle of a group has none.
    """
    if not group.startswith(PEOPLE):
        return ()
    names = group.removeprefix(PEOPLE).split("+")
    return tuple(name for name in names if name)


def ineligibility_reason(
    person: Person,
    *,
    authors: Iterable[str],
    factors: Iterable[ApprovalRequirement],
    groups: Groups,
) -> str | None:
    """Say to this person why they may not approve.

    None means that they may.
    """
    reason = unfit(person)
    if reason:
        return reason
    if person.id in set(authors):
        return AUTHOR_REASON
    handles = [factor.group for factor in factors]
    if any(person.id in groups.get(handle, frozenset()) for handle in handles):
        return None
    if not handles:
        return "nobody is named who may approve this"
    return f"only {either(handles)} may approve this"


def unfit(person: Person) -> str | None:
    """Say why this account decides nothing; None for a colleague at work."""
    if not person.active:
        return "your account is deactivated"
    if person.bot:
        return "apps and workflows never approve"
    if person.guest:
        return "guests cannot approve"
    if person.external:
        return "people from other organisations cannot approve"
    return None


def is_colleague(person: Person) -> bool:
    """Tell whether this is a member of the workspace, at work.

    Guests, outsiders, apps and deactivated accounts are not.
    """
    return unfit(person) is None


def quorum_met(
    approvals: Iterable[Approval], factors: Iterable[ApprovalRequirement], groups: Groups
) -> bool:
    """Tell whether every place is taken by a person of its own.

    A delegated approval takes a place of its giver, and uses up giver and voter.
    """
    factors = list(factors)
    # Nobody required is never a quorum.
    if not factors or any(factor.count < 1 for factor in factors):
        return False
    places = _places(factors, groups)
    return _count_seated(places, _distinct_principals(approvals)) == len(places)


def count_seats(
    approvals: Iterable[Approval],
    factors: Iterable[ApprovalRequirement],
    groups: Groups,
    *,
    others: Sequence[str] = (),
) -> int:
    """Count the places that have a person of their own.

    ``others`` are people who might approve too.
    """
    return _count_seated(_places(factors, groups), [*_distinct_principals(approvals), *others])


def _places(factors: Iterable[ApprovalRequirement], groups: Groups) -> list[frozenset[str]]:
    """List the people who may take each place."""
    places: list[frozenset[str]] = []
    for factor in factors:
        places += [groups.get(factor.group, frozenset())] * factor.count
    return places


def can_be_met(factors: Iterable[ApprovalRequirement]) -> bool:
    """Tell whether the people named one by one suffice for their places."""
    places: list[frozenset[str]] = []
    for factor in factors:
        people = frozenset(people_of(factor.group))
        if people:
            places += [people] * factor.count
    return _count_seated(places, sorted(frozenset().union(*places))) == len(places)


def _distinct_principals(approvals: Iterable[Approval]) -> list[str]:
    """List the principals whose approval counts.

    Nobody is used twice, giver or voter.
    """
    taken_people: set[str] = set()
    principals = []
    for approval in approvals:
        people = approval.parties
        if not people & taken_people:
            principals.append(approval.principal)
        taken_people |= people
    return principals


def _count_seated(places: Sequence[frozenset[str]], people: Sequence[str]) -> int:
    """Count the places that can each have a different person.

    This is a bipartite matching, by augmenting paths: whoever has a place moves on where that
    makes room.
    """
    # A dozen people and places at most: a graph library would bring in more than it saves.
    seats: dict[str, int] = {}

    def has_room(place: int, visited_people: set[str]) -> bool:
        for person in people:
            if person in places[place] and person not in visited_people:
                visited_people.add(person)
                if person not in seats or has_room(seats[person], visited_people):
                    seats[person] = place
                    return True
        return False

    return sum(has_room(place, set()) for place in range(len(places)))


def names_of(groups: Iterable[str]) -> list[str]:
    """Name these groups as people read them."""
    names = {"those named for it" if people_of(group) else f"@{group}" for group in groups}
    return sorted(names)


def either(groups: Iterable[str]) -> str:
    """Name these groups as alternatives: "@finance, @floor-managers or @owners"."""
    *names, last_name = names_of(groups)
    return f"{', '.join(names)} or {last_name}" if names else last_name

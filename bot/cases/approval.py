"""Who may say yes. Deny by default: no facts, no group, an empty group or any doubt about the person means no."""

from collections.abc import Iterable, Mapping
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
class Factor:
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
    def principal(self) -> str:
        """Whose yes it is: the one who gave the delegation, if there was one."""
        return self.behalf_of or self.person


def people_of(group: str) -> tuple[str, ...]:
    """The user ids of those who are named one by one; none for the handle of a group."""
    return tuple(filter(None, group.removeprefix(PEOPLE).split("+"))) if group.startswith(PEOPLE) else ()


Groups = Mapping[str, frozenset[str]]
"""Group name to the principals in it now, read fresh. A group that is missing is an empty group."""


def why_not(person: Person, *, authors: Iterable[str], factors: Iterable[Factor], groups: Groups) -> str | None:
    """The reason this person may not approve, as a sentence to them; None when they may."""
    reason = unfit(person)
    if reason:
        return reason
    if person.id in set(authors):
        return "whoever raised or edited a plan, or gains from it, cannot approve it"
    wanted = [factor.group for factor in factors]
    if not any(person.id in groups.get(group, frozenset()) for group in wanted):
        return f"only {either(wanted)} may approve this" if wanted else "nobody is named who may approve this"
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


def quorum_met(approvals: Iterable[Approval], factors: Iterable[Factor], groups: Groups) -> bool:
    """Whether every factor has enough distinct people. One person may count in several groups, once in each.

    A delegated yes counts for the one who delegated, and still needs a person of its own. No factors, or a factor of none, is
    never a quorum: empty means nobody.
    """
    given = list(approvals)
    voters = {approval.principal for approval in given}
    people = min(len(voters), len({approval.person for approval in given}))
    wanted = list(factors)
    needed = sum(factor.count for factor in wanted)
    return (
        bool(wanted)
        and all(factor.count >= 1 for factor in wanted)
        and people >= needed
        and all(len(voters & groups.get(factor.group, frozenset())) >= factor.count for factor in wanted)
    )


def either(groups: Iterable[str]) -> str:
    """Name these groups as alternatives: "@finance, @floor-managers or @owners"."""
    names = sorted({"those named for it" if people_of(group) else f"@{group}" for group in groups})
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

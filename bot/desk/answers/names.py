"""Names of people and groups, as Slack shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.cases.actor import Actor, ActorKind
from bot.cases.approval import Groups, Person, is_colleague, people_of
from bot.cases.controls import scope_text
from bot.cases.errors import ChatFailed, NotEligible
from bot.desk.case_texts import join_words
from bot.desk.rows import SOMEBODY
from bot.ports.directory import Directory
from bot.views.labels import Labels

PRODUCT = "Countersign"
NAMED_PEOPLE = "those named for it"


@dataclass(frozen=True)
class Names:
    """Look up names. An account that cannot be read is "a colleague"."""

    directory: Directory

    def account(self, account: str) -> str:
        """Name whoever acts or owns, whatever sort of account it is."""
        actor = Actor.parse(account)
        match actor.kind:
            case ActorKind.PERSON:
                return self.person(account)
            case ActorKind.GROUP:
                return self.group(account)
            case ActorKind.POLICY:
                return "policy"
            case ActorKind.SOURCE:
                return f"the source {actor.id}"
            case ActorKind.OPERATOR:
                return f"{actor.id}, who runs {PRODUCT}"
            case ActorKind.DESK:
                return PRODUCT

    def person(self, account: str) -> str:
        """Return the name of a person."""
        person = self.find(account)
        return person.name if person else SOMEBODY

    def find(self, account: str) -> Person | None:
        """Return the person behind an account; None when nobody can say."""
        try:
            return self.directory.person(account)
        except (NotEligible, ChatFailed):
            return None

    def people(self, accounts: Iterable[str]) -> tuple[str, ...]:
        """Return the names of these people, in alphabetical order."""
        return tuple(sorted({self.person(account) for account in accounts}))

    def group(self, handle: str) -> str:
        """Name a group by its handle, or its people by name."""
        if not people_of(handle):
            return f"@{handle}"
        accounts = self.groups([handle]).get(handle, frozenset())
        return join_words(self.people(accounts), "or") or NAMED_PEOPLE

    def groups(self, handles: Iterable[str]) -> Groups:
        """Return the accounts in each group; none where they cannot be read."""
        handles = sorted(set(handles))
        try:
            return self.directory.groups(handles)
        except ChatFailed:
            return {handle: frozenset() for handle in handles}

    def colleagues(self, handle: str) -> tuple[str, ...]:
        """Name the members of a group, but guests and apps."""
        names = []
        for account in self.groups([handle]).get(handle, frozenset()):
            person = self.find(account)
            if person and is_colleague(person):
                names.append(person.name)
        return tuple(sorted(names))

    def owner(self, owner: str) -> str:
        """Name an owner: a person, or a group with its members."""
        if Actor.parse(owner).is_person:
            return self.person(owner)
        return self.group_with_members(owner)

    def group_with_members(self, handle: str) -> str:
        """Name a group with the people in it: "@finance (Carla)"."""
        if people_of(handle):
            return self.group(handle)
        members = self.colleagues(handle)
        return f"@{handle} ({', '.join(members)})" if members else f"@{handle}"


def scope_title(scope: str, labels: Labels) -> str:
    """Write the scope of a pause with its title."""
    sort, _, name = scope.partition(":")
    match sort:
        case "kind":
            return f"“{labels.kind(name)}”"
        case "action":
            return f"“{labels.action(name)}”"
        case "system":
            return labels.system(name)
        case _:
            return scope_text(scope)

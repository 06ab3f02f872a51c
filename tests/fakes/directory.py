"""People and groups that a test can change between two looks."""

from dataclasses import replace

from bot.cases.approval import Person, people_of
from bot.cases.errors import NotEligible
from bot.cases.group_lists import Gap, join_members

TEAM = "T1"


def principal(name: str) -> str:
    return f"{TEAM}/U{name.upper()}"


class FakeDirectory:
    def __init__(self) -> None:
        names = ("ana", "ben", "carla", "dev", "elsie", "finn", "omar")
        self.people = {
            principal(name): Person(principal(name), name.capitalize()) for name in names
        }
        self.members = {
            "floor-managers": {"ana", "omar"},
            "ops-leads": {"ben", "elsie"},
            "finance": {"carla"},
            "sales-leads": {"dev"},
            "owners": {"elsie"},
        }
        self.names = names
        # Everyone is in every channel, unless a test says otherwise.
        self.channels: dict[str, set[str]] = {}
        self.fresh_asks = 0
        #: Returns the groups that each of the rules lists.
        self.group_lists = tuple

    def change(self, name: str, **facts: bool) -> None:
        self.people[principal(name)] = replace(self.people[principal(name)], **facts)

    def person(self, who: str, *, fresh: bool = False) -> Person:
        self.fresh_asks += fresh
        if who not in self.people:
            raise NotEligible("nobody is known by that id")
        return self.people[who]

    def find_people(self, name):
        return [
            person
            for person in self.people.values()
            if name.casefold() in {person.name.casefold(), *person.name.casefold().split()}
        ]

    def members_of(self, channel):
        return frozenset(map(principal, self.channels.get(channel, set(self.names))))

    def groups(self, handles, *, fresh: bool = False):
        return {handle: self._members_of_group(handle) for handle in handles}

    def _members_of_group(self, handle):
        if people_of(handle):
            return frozenset(f"{TEAM}/{user}" for user in people_of(handle))
        lists = [
            frozenset(f"{TEAM}/{user}" for user in one[handle]) if handle in one else None
            for one in self.group_lists() or ({},)
        ]
        is_in_slack = handle in self.members
        members = frozenset(map(principal, self.members[handle])) if is_in_slack else None
        return join_members(lists, members)

    def group_gaps(self, handles):
        groups = self.groups(handles)
        return {
            handle: Gap.EMPTY if handle in self.members else Gap.UNKNOWN
            for handle in handles
            if not groups[handle]
        }

"""People and groups, as their workspace says now."""

from collections.abc import Sequence
from typing import Protocol

from bot.cases.approval import Groups, Person
from bot.cases.group_lists import Gaps


class Directory(Protocol):
    """Look up people and groups. Raises ``ChatFailed`` while nothing can be read.

    ``fresh``: ask the workspace, not a cache.
    """

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        """Return the person behind an account.

        Raises:
            NotEligible: there is nobody, or more than one person.
        """

    def find_people(self, name: str) -> list[Person]:
        """Return the colleagues with this name, whole or in part."""

    def groups(self, handles: Sequence[str], *, fresh: bool = False) -> Groups:
        """Return the members by group handle.

        None for an unknown or unreadable group.
        """

    def group_gaps(self, handles: Sequence[str]) -> Gaps:
        """Return why groups have nobody; those with members are left out."""

    def members_of(self, channel: str) -> frozenset[str]:
        """Return who is in this channel now.

        Nobody when it cannot be read.
        """

"""Groups that a library names, and those without anybody."""

from typing import Protocol

from bot.cases.approval import PEOPLE
from bot.cases.errors import ChatFailed
from bot.cases.group_lists import describe_gap
from bot.cases.policy import Policy
from bot.ports.directory import Directory


class GroupNames(Protocol):
    """The files that name groups."""

    def policy(self) -> Policy:
        """Return the policy, with its lists of people."""

    def deciders(self) -> list[str]:
        """List every group that decides, owns or is escalated to."""

    def governors(self) -> list[str]:
        """List every group that governs a kind."""


def groups_in_use(library: GroupNames) -> list[str]:
    """List every group that may have to decide something."""
    groups = {*library.deciders(), *library.governors()}
    emergency = library.policy().emergency
    if emergency:
        groups.add(emergency.group)
    return sorted(group for group in groups if not group.startswith(PEOPLE))


def describe_empty_groups(library: GroupNames, directory: Directory) -> list[str]:
    """Say of each group in use why it has nobody.

    It says nothing while groups cannot be read.
    """
    try:
        gaps = directory.group_gaps(groups_in_use(library))
    except ChatFailed:
        return []
    return [
        f"Nobody can approve as {group}: {describe_gap(group, gap)}"
        for group, gap in sorted(gaps.items())
    ]

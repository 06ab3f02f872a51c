"""Which groups may have to decide something, and in which of them there is nobody."""

from bot.cases.errors import ChatUnknown
from bot.cases.policy import EmergencyRule
from bot.desk.groups_in_use import describe_empty_groups, groups_in_use
from tests.fakes.directory import FakeDirectory
from tests.world import HOUR, FakeLibrary, policy


class SilentDirectory(FakeDirectory):
    def group_gaps(self, handles):
        raise ChatUnknown("timeout")


def test_groups_of_approvers_owners_and_emergencies_are_in_use():
    library = FakeLibrary()
    library.rules = policy(emergency=EmergencyRule("directors", HOUR))
    assert groups_in_use(library) == [
        "directors",
        "finance",
        "floor-managers",
        "ops-leads",
        "owners",
    ]


def test_each_group_without_anybody_is_told_with_what_to_do():
    directory = FakeDirectory()
    assert describe_empty_groups(FakeLibrary(), directory) == []
    del directory.members["finance"]
    directory.members["owners"] = set()
    assert describe_empty_groups(FakeLibrary(), directory) == [
        "Nobody can approve as finance: the group finance does not exist in this workspace; name its"
        " people under groups: in policy.yml",
        "Nobody can approve as owners: the group owners has no members; add some in Slack, or name"
        " its people under groups: in policy.yml",
    ]


def test_nothing_is_said_of_groups_while_slack_is_away():
    assert describe_empty_groups(FakeLibrary(), SilentDirectory()) == []

"""The contract of ``Directory``, on the fake and on Slack's."""

import pytest

from bot.cases.errors import NotEligible
from bot.demo.people import ANA, TEAM
from handlers.slack.chat import SlackChat
from handlers.slack.directory import SlackDirectory
from handlers.slack.rate_limiter import RateLimiter
from handlers.slack.web_client import web_client
from tests.fakes.directory import FakeDirectory, principal


@pytest.fixture(params=["fake", "slack"])
def directory(request):
    """A directory with one person, Ana, who is in floor-managers and in the channel C0STOCK."""
    if request.param == "fake":
        fake = FakeDirectory()
        fake.ana = principal("ana")
        return fake
    emulator = request.getfixturevalue("emulator")
    client = web_client("xoxb-emulator", f"{emulator.url}/api/")
    slack = SlackDirectory(client, SlackChat(client, RateLimiter(0, 1)).team_id)
    slack.ana = f"{TEAM}/{ANA}"
    return slack


@pytest.mark.parametrize("fresh", [False, True])
def test_a_person_has_the_id_that_was_looked_up(directory, fresh):
    person = directory.person(directory.ana, fresh=fresh)
    assert person.id == directory.ana
    assert person.name
    assert (person.active, person.guest, person.external, person.bot) == (True, False, False, False)


@pytest.mark.parametrize("unknown", ["", "nobody", "T1/UNOBODY"])
def test_nobody_is_not_eligible(directory, unknown):
    with pytest.raises(NotEligible):
        directory.person(unknown)


@pytest.mark.parametrize("fresh", [False, True])
def test_each_group_has_its_members_and_an_unknown_one_has_none(directory, fresh):
    groups = directory.groups(["floor-managers", "no-such-group"], fresh=fresh)
    assert groups.keys() == {"floor-managers", "no-such-group"}
    assert directory.ana in groups["floor-managers"]
    assert groups["no-such-group"] == frozenset()


def test_no_groups_are_none(directory):
    assert directory.groups([]) == {}


def test_the_members_of_a_channel_are_principals(directory):
    members = directory.members_of("C0STOCK")
    assert directory.ana in members
    assert all(member.count("/") == 1 for member in members)

"""People, groups and members of channels, as Slack knows them now."""

import pytest

from bot.cases.errors import ChatFailed, LockedOut, NotEligible, RateLimited, Unreachable
from bot.demo.people import ANA, BEN, FINN, GUS, OMAR, TEAM
from handlers.slack.directory import SlackDirectory
from handlers.slack.web_client import web_client
from tests.conftest import free_port

FLOOR = "floor-managers"


def test_people_are_who_slack_says_they_are_now(directory, chat):
    ana = directory.person(f"{TEAM}/{ANA}")
    assert ana.name == "Ana Duarte"
    assert (ana.active, ana.guest, ana.external, ana.bot) == (True, False, False, False)
    assert directory.person(f"{TEAM}/{GUS}").guest
    assert directory.person(f"TOTHER/{ANA}").external
    chat.emulator.post("user", {"id": ANA, "deleted": True})
    assert directory.person(f"{TEAM}/{ANA}").active
    assert not directory.person(f"{TEAM}/{ANA}", fresh=True).active


def test_people_are_found_by_the_names_that_colleagues_use(directory, chat):
    def found(name):
        return [person.name for person in directory.find_people(name)]

    assert found("Ben") == found("ben okafor") == found(" OKAFOR ") == ["Ben Okafor"]
    assert found("be") == found("") == found("Zoe") == []
    # A guest is no colleague.
    assert found("Gus") == []
    ben = directory.find_people("ben")[0]
    assert (ben.id, ben.zone) == (f"{TEAM}/{BEN}", "Europe/London")
    other = {"id": "U0BEN2", "name": "bz", "real_name": "Ben Zola"}
    chat.emulator.post("seed", {"users": [other]})
    fresh = SlackDirectory(directory._client, chat.team_id)
    assert [person.name for person in fresh.find_people("ben")] == ["Ben Okafor", "Ben Zola"]


@pytest.mark.parametrize(
    "principal",
    ["", "U0ANA", "T0HARBOUR/", "/U0ANA", "T0HARBOUR/U0NOBODY", "T0HARBOUR/U0ANA/x", "Ana Duarte"],
)
def test_nobody_by_that_id_is_nobody(directory, principal):
    with pytest.raises(NotEligible):
        directory.person(principal)


def test_a_group_is_matched_by_its_exact_handle(directory, chat):
    assert directory.groups([FLOOR])[FLOOR] == {f"{TEAM}/{user}" for user in (ANA, OMAR, GUS)}
    assert directory.groups(["Floor-Managers", "nobody", "T1/U1"]) == {
        "Floor-Managers": frozenset(),
        "nobody": frozenset(),
        "T1/U1": frozenset(),
    }
    chat.emulator.post("group", {"id": "S0FLOOR", "users": [FINN]})
    assert f"{TEAM}/{FINN}" not in directory.groups([FLOOR])[FLOOR]
    assert directory.groups([FLOOR], fresh=True)[FLOOR] == {f"{TEAM}/{FINN}"}


def test_what_cannot_be_read_is_nobodys_to_use(directory, chat):
    nowhere = web_client("xoxb-emulator", f"http://127.0.0.1:{free_port()}/api/")
    with pytest.raises(Unreachable):
        SlackDirectory(nowhere, chat.team_id).groups([FLOOR])
    refusals = {"usergroups.list": "missing_scope", "conversations.members": "missing_scope"}
    chat.emulator.post("faults", {"refuse": refusals})
    assert directory.groups([FLOOR], fresh=True) == {FLOOR: frozenset()}
    assert directory.members_of("C0FLOOR") == frozenset()


def test_people_named_one_by_one_are_of_our_own_team_and_cost_no_call(directory, chat):
    chat.emulator.post("faults", {"refuse": {"usergroups.list": "missing_scope"}})
    groups = directory.groups(["people:U0ANA+U0SUE"], fresh=True)
    assert groups == {"people:U0ANA+U0SUE": {f"{TEAM}/U0ANA", f"{TEAM}/U0SUE"}}
    assert directory.groups(["people:"]) == {"people:": frozenset()}


def test_groups_of_any_number_cost_one_call(directory, chat):
    def group_calls():
        calls = chat.emulator.get("traffic")["calls"]
        return {name: count for name, count in calls.items() if name.startswith("usergroups")}

    before = group_calls()
    assert before == {}
    assert len(directory.groups([FLOOR, "ops-leads", "finance"], fresh=True)) == 3
    assert group_calls() == {"usergroups.list": 1}


@pytest.mark.parametrize("error", ["token_revoked", "invalid_auth", "account_inactive"])
def test_a_token_that_is_not_accepted_is_waited_for_and_named(directory, chat, error):
    chat.emulator.post("faults", {"refuse": {"users.info": error, "auth.test": error}})
    with pytest.raises(LockedOut, match=error) as locked_out:
        directory.person(f"{TEAM}/{ANA}", fresh=True)
    assert isinstance(locked_out.value, RateLimited)
    with pytest.raises(ChatFailed) as failure:
        chat.ping()
    assert failure.value.error == error

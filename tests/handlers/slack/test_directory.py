"""People, groups and members of channels, as Slack knows them now."""

import pytest

from bot.cases.errors import ChatFailed, LockedOut, NotEligible, RateLimited, Unreachable
from bot.cases.group_lists import Gap
from bot.demo.people import ANA, BEN, ELSIE, FINN, GUS, OMAR, TEAM
from bot.ports.pinned_names import PinKind, PinsInMemory
from handlers.slack import workspace_records as subject
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
    fresh = SlackDirectory(directory._records.client, chat.team_id)
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


DORA = "dora@harbourvine.example"


def give_address(emulator, user, email):
    emulator.post("user", {"id": user, "profile": {"real_name": user, "email": email}})


def listing(directory, *lists, pins=None):
    """A directory by policies that list these groups, the one of the files last."""
    return SlackDirectory(
        directory._records.client, directory._team_id, pins=pins, group_lists=lambda: lists
    )


def members(directory, group=FLOOR):
    return {principal.removeprefix(f"{TEAM}/") for principal in directory.groups([group])[group]}


def test_a_list_takes_the_place_of_the_user_group_and_asks_for_no_groups(directory, chat):
    chat.emulator.post("seed", {"team": {"plan": "free"}})
    give_address(chat.emulator, FINN, DORA)
    listed = listing(directory, {FLOOR: (BEN, DORA)})
    assert members(listed) == {BEN, FINN}
    assert members(listing(directory, {FLOOR: ()})) == set()


def test_whoever_is_deactivated_or_unknown_does_not_count(directory, chat):
    chat.emulator.post("user", {"id": BEN, "deleted": True})
    listed = listing(directory, {FLOOR: (BEN, ELSIE, "U0NOBODY", DORA)})
    assert members(listed) == {ELSIE}


def test_an_address_is_looked_up_once_and_who_takes_it_over_gains_nothing(directory, chat):
    give_address(chat.emulator, FINN, DORA)
    pins = PinsInMemory()
    assert members(listing(directory, {FLOOR: (DORA,)}, pins=pins)) == {FINN}
    give_address(chat.emulator, FINN, "finn@elsewhere.example")
    give_address(chat.emulator, GUS, DORA)
    # Also after a restart.
    after_restart = listing(directory, {FLOOR: (DORA,)}, pins=pins)
    assert members(after_restart) == {FINN}
    # Taken out of the file and put in again, it is looked up anew.
    assert listing(directory, {FLOOR: (BEN,)}, pins=pins).pin_people() == 0
    assert pins.load(PinKind.PERSON) == {}
    assert listing(directory, {FLOOR: (DORA,)}, pins=pins).pin_people() == 1
    assert pins.load(PinKind.PERSON) == {DORA: GUS}


def test_a_pin_that_another_process_has_let_go_is_held_for_a_minute_at_most(
    directory, chat, monkeypatch
):
    give_address(chat.emulator, FINN, DORA)
    pins = PinsInMemory()
    running = listing(directory, {FLOOR: (DORA,)}, pins=pins)
    assert members(running) == {FINN}
    give_address(chat.emulator, FINN, "finn@elsewhere.example")
    give_address(chat.emulator, GUS, DORA)
    listing(directory, {FLOOR: (BEN,)}, pins=pins).pin_people()
    listing(directory, {FLOOR: (DORA,)}, pins=pins).pin_people()
    later = subject.monotonic() + subject.CACHE_SECONDS
    monkeypatch.setattr(subject, "monotonic", lambda: later)
    assert members(running) == {GUS}


def test_a_pin_stays_while_the_rules_in_force_name_the_address(directory, chat):
    give_address(chat.emulator, FINN, DORA)
    pins = PinsInMemory()
    listing(directory, {FLOOR: (DORA,)}, pins=pins).pin_people()
    assert listing(directory, {FLOOR: (DORA,)}, {FLOOR: (BEN,)}, pins=pins).pin_people() == 1
    assert pins.load(PinKind.PERSON) == {DORA: FINN}


def test_while_a_list_waits_only_who_is_in_both_counts(directory, chat):
    assert members(listing(directory, {FLOOR: (ANA, BEN)}, {FLOOR: (BEN, FINN)})) == {BEN}
    # In force the user group of Slack: Ana, Omar and Gus.
    assert members(listing(directory, {}, {FLOOR: (ANA, FINN)})) == {ANA}
    assert members(listing(directory, {}, {"new-group": (ANA, FINN)}), "new-group") == {ANA, FINN}


@pytest.mark.parametrize("error", ["missing_scope", "access_denied"])
def test_a_list_that_waits_holds_nowhere_while_the_user_groups_are_unknown(directory, chat, error):
    chat.emulator.post("faults", {"refuse": {"usergroups.list": error}})
    assert members(listing(directory, {}, {FLOOR: (ANA, FINN)})) == set()


def test_a_group_without_anybody_has_a_reason(directory, chat):
    chat.emulator.post("group", {"id": "S0FIN", "users": []})
    lists = {"owners": (), "sales-leads": ("U0NOBODY",), "ops-leads": (BEN,)}
    listed = listing(directory, lists)
    handles = ["finance", "floor-managers", "nobody", "ops-leads", "owners", "sales-leads"]
    assert listed.group_gaps(handles) == {
        "finance": Gap.EMPTY,
        "nobody": Gap.UNKNOWN,
        "owners": Gap.EMPTY_LIST,
        "sales-leads": Gap.NOBODY_ACTIVE,
    }
    changed = listing(directory, {FLOOR: (ANA,)}, {FLOOR: (BEN,)})
    assert changed.group_gaps([FLOOR]) == {FLOOR: Gap.NOT_IN_FORCE}


@pytest.mark.parametrize(
    ("error", "gap"),
    [
        ("plan_upgrade_required", Gap.NO_PLAN),
        ("missing_scope", Gap.NO_SCOPE),
        ("access_denied", Gap.UNREADABLE),
    ],
)
def test_what_slack_refuses_is_the_reason(directory, chat, error, gap):
    chat.emulator.post("faults", {"refuse": {"usergroups.list": error}})
    assert directory.group_gaps([FLOOR]) == {FLOOR: gap}

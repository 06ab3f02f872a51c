"""Conditions in the asker's terms, as the store reads them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.approval import Person
from bot.cases.identity import Identities
from bot.cases.lifecycle import State
from bot.desk.answers.periods import BEGINNING, UnknownPeriod
from bot.views.query import ME, POLICY, Condition, Period
from tests.fakes.directory import principal
from tests.world import World

ANA, BEN, CARLA, FINN, GUS = map(principal, ("ana", "ben", "carla", "finn", "gus"))


@pytest.fixture
def world(store):
    """Build the desk on both databases."""
    return World(store)


def delegate(world, giver, taker):
    now = world.clock()
    world.desk.controls.delegate(
        by=principal(giver),
        to=principal(taker),
        kind="",
        begins_at=now,
        ends_at=now + timedelta(hours=1),
        surface="slack",
    )


def test_me_is_the_asker_by_name_and_by_group(desk):
    filter = desk.filters.filter(Condition(waits_on=ME), desk.asker())
    assert filter.waits_on == (ANA, "floor-managers")
    assert filter.not_acted_on_by == (ANA,)
    assert desk.filters.filter(Condition(decided_by=ME), desk.asker()).decided_by == (ANA,)
    assert desk.filters.filter(Condition(raised_by=ME), desk.asker()).raised_by == (ANA,)


def test_a_group_is_itself(desk):
    filter = desk.filters.filter(Condition(waits_on="@finance"), desk.asker())
    assert (filter.waits_on, filter.not_acted_on_by) == (("finance",), ())
    assert desk.filters.filter(Condition(owner="finance"), desk.asker()).owned_by == ("finance",)


def test_a_guest_is_asked_by_name_only(world, desk):
    world.people.people[GUS] = Person(GUS, "Gus", guest=True)
    world.people.members["floor-managers"].add("gus")
    filter = desk.filters.filter(Condition(waits_on=ME), desk.asker("gus"))
    assert filter.waits_on == (GUS,)


def test_a_stand_in_is_asked_for_whom_they_stand_in(world, desk):
    assert desk.filters.filter(Condition(waits_on=ME), desk.asker("finn")).waits_on == (FINN,)
    delegate(world, "ana", "finn")
    filter = desk.filters.filter(Condition(waits_on=ME), desk.asker("finn"))
    assert filter.waits_on == (FINN, ANA, "floor-managers")
    world.clock.forward(hours=2)
    assert desk.filters.filter(Condition(waits_on=ME), desk.asker("finn")).waits_on == (FINN,)


def test_all_accounts_of_a_person_count_as_theirs(world, desk):
    world.library.people = Identities.of([[ANA, "ana@example.com"]])
    filter = desk.filters.filter(Condition(waits_on=ME, raised_by=ME), desk.asker())
    assert filter.not_acted_on_by == filter.raised_by == (ANA, "ana@example.com")


def test_what_a_group_decided_is_what_its_members_decided(desk):
    filter = desk.filters.filter(Condition(decided_by="ops-leads"), desk.asker())
    assert filter.decided_by == (BEN, principal("elsie"))
    assert desk.filters.filter(Condition(decided_by=POLICY), desk.asker()).decided_by == (POLICY,)
    unknown = desk.filters.filter(Condition(decided_by="nobody"), desk.asker())
    assert unknown.decided_by == ("nobody",)


def test_a_channel_is_found_by_its_title(world, desk, monkeypatch):
    labels = replace(world.library.labels(), channels={"C0STOCK": "stock"})
    monkeypatch.setattr(world.library, "labels", lambda: labels)
    for name in ("stock", "#Stock", "C0STOCK"):
        assert desk.filters.filter(Condition(channel=name), desk.asker()).channel == "C0STOCK"


def test_what_is_due_is_due_ahead_and_holds_what_is_overdue(world, desk):
    now = world.clock()
    condition = Condition(due_within="+PT2H", is_overdue=True, expires_within="+PT1H")
    filter = desk.filters.filter(condition, desk.asker())
    assert filter.due_between == (BEGINNING, now + timedelta(hours=2))
    assert filter.late_at == now
    assert filter.expires_before == now + timedelta(hours=1)


def test_an_age_and_a_period_hold_together(world, desk):
    condition = Condition(opened=Period(begin="-P7D"), min_age=timedelta(days=1))
    begin, end = desk.filters.filter(condition, desk.asker()).opened_between
    now = world.clock()
    assert begin == now - timedelta(days=7)
    assert end == now - timedelta(days=1) + timedelta(seconds=1)
    endless = Condition(min_age=timedelta.max, max_age=timedelta.max)
    assert desk.filters.filter(endless, desk.asker()).opened_between == (BEGINNING, BEGINNING)


def test_the_viewer_is_always_the_asker(desk):
    asker = desk.asker()
    assert desk.filters.filter(Condition(), asker).viewer == asker.viewer


def test_a_period_that_is_none_is_refused(desk):
    with pytest.raises(UnknownPeriod):
        desk.filters.filter(Condition(opened=Period(begin="blah")), desk.asker())


def test_nothing_more_is_wanted_of_a_group_whose_place_is_taken(world, desk):
    """A high-risk plan needs one approval of each of two groups; the first is given."""
    world.house.rows = [{**world.house.rows[0], "quantity": 24, "at_risk": 5_000}]
    world.library.rules = replace(world.library.rules, high_above=Decimal(10))
    case = world.proposed()
    assert case.waits_on == ("ops-leads", "finance")
    world.approve(case, "ben", note="checked")

    def count(name):
        condition = Condition(is_open=True, waits_on=name)
        return desk.lists.count(condition, desk.asker()).cases

    assert [count(BEN), count(principal("elsie")), count("ops-leads")] == [0, 0, 0]
    assert [count(CARLA), count("finance")] == [1, 1]


def test_what_is_snoozed_is_put_off_and_not_overdue(world, desk):
    open_filter = desk.filters.filter(Condition(is_overdue=True), desk.asker())
    assert State.SNOOZED not in open_filter.states
    snoozed = desk.filters.filter(Condition(is_overdue=True, is_snoozed=True), desk.asker())
    assert snoozed.states == (State.SNOOZED,)

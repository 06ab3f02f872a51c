"""The App Home: what waits, what is one's own, and what was handled, true while the cases move."""

from datetime import timedelta

from bot.cases.actor import Surface
from bot.cases.approval import Person
from bot.cases.playbook import Stake
from bot.views.app_home import HomeFilter
from bot.views.query import ME, Ask, Condition, Query
from tests.desk.test_digest import ANA, BEN, ELSIE, FINN, case_ids, open_case
from tests.world import World, playbook, request


def home_of(world, person=ANA):
    world.desk.screens.app_home.show(person)
    world.work()
    return next(one for one in reversed(world.chat.homes) if one.user == person.rpartition("/")[2])


def test_a_home_has_what_waits_what_is_mine_the_teams_and_what_was_handled_without_me(world):
    waiting, cleared_case = open_case(world, "Gin"), open_case(world, "Rum")
    world.clear(cleared_case.signal)
    world.work()
    home = home_of(world)
    assert (case_ids(home.waiting), case_ids(home.alone)) == ([waiting.id], [cleared_case.id])
    assert case_ids(home_of(world, BEN).team) == [waiting.id]
    world.desk.decisions.hand_over(
        request(waiting.id, ANA, world.seen(waiting)), to=FINN, progress="counted", remains="order"
    )
    world.work()
    assert case_ids(home_of(world, FINN).waiting) == [waiting.id]


def test_a_home_says_what_the_last_month_came_to_and_the_month_before(world):
    assert home_of(world).figures == ""
    yes, no = open_case(world, "Gin"), open_case(world, "Rum")
    world.approve(yes)
    world.work()
    world.clock.forward(minutes=1)
    assert home_of(world).figures == (
        "Last 30 days: 1 ended (0 before); 0 % handled alone;"
        " 100 % of the recommendations accepted unedited"
    )
    world.clock.at += timedelta(days=31)
    world.clear(no.signal)
    world.work()
    world.clock.forward(minutes=1)
    assert home_of(world).figures == "Last 30 days: 1 ended; 0 % handled alone"
    # What somebody may not see is in no figure of theirs.
    world.people.channels["C0STOCK"] = {"ana"}
    assert home_of(world, FINN).figures == ""


def test_a_home_is_published_again_when_its_cases_move_and_after_a_restart(world):
    first, second = open_case(world, "Gin"), open_case(world, "Rum")
    home_of(world)
    again = World(world.store)
    again.clock.at = world.clock.at
    again.approve(first)
    again.work()
    again.clock.forward(seconds=3)
    again.work()
    assert case_ids(again.chat.homes[-1].waiting) == [second.id]


def test_many_changes_in_a_moment_publish_a_home_once(world):
    home_of(world)
    home_count = len(world.chat.homes)
    for number in range(6):
        open_case(world, f"product {number}")
    world.clock.forward(seconds=3)
    world.work()
    assert len(world.chat.homes) == home_count + 1
    assert len(world.chat.homes[-1].waiting) == 6


def test_nobody_who_has_not_looked_for_a_day_is_published_for(world):
    home_of(world)
    world.clock.forward(days=1)
    home_count = len(world.chat.homes)
    open_case(world, "Gin")
    world.clock.forward(seconds=3)
    world.work()
    assert len(world.chat.homes) == home_count


def test_a_filter_is_kept_and_a_made_up_one_is_not(world):
    open_case(world, "Gin")
    world.library.titles = lambda: [("low_stock", "Running low"), ("lead_cold", "Cold lead")]
    world.desk.screens.app_home.show(ANA, kind="lead_cold")
    world.work()
    assert (world.chat.homes[-1].waiting, world.chat.homes[-1].preferences.filter.kind) == (
        (),
        "lead_cold",
    )
    assert home_of(world).preferences.filter.kind == "lead_cold"
    world.desk.screens.app_home.show(ANA, kind="'; DROP TABLE cases")
    world.work()
    assert (world.chat.homes[-1].preferences.filter, len(world.chat.homes[-1].waiting)) == (
        HomeFilter(),
        1,
    )


def test_a_home_shows_what_is_late_or_new_today_when_asked(world):
    old = open_case(world, "Gin")
    world.clock.forward(hours=25)
    new = open_case(world, "Rum")
    waiting_ids = {}
    for when in ("late", "today", "always", "never heard of"):
        world.desk.screens.app_home.show(ANA, when=when)
        world.work()
        waiting_ids[when] = sorted(case_ids(world.chat.homes[-1].waiting))
    assert waiting_ids == {
        "late": [old.id],
        "today": [new.id],
        "always": sorted([old.id, new.id]),
        "never heard of": sorted([old.id, new.id]),
    }


def test_a_status_that_says_away_suggests_a_stand_in_until_there_is_one(world):
    world.people.change("ana", away="on holiday until Monday")
    assert home_of(world).suggestion == "on holiday until Monday"
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA,
        to=FINN,
        kind="",
        begins_at=now,
        ends_at=now + timedelta(days=2),
        surface=Surface.SLACK,
    )
    home = home_of(world)
    (delegation,) = home.delegations
    assert home.suggestion == ""
    assert (delegation.taker_name, delegation.giver_name) == ("Finn", "Ana")
    assert delegation.ends_at == now + timedelta(days=2)
    assert world.desk.screens.app_home.delegations(FINN) == (delegation,)
    assert world.desk.screens.app_home.delegations(BEN) == ()
    world.desk.controls.end_delegation(
        by=FINN, giver=ANA, taker=FINN, kind="", surface=Surface.SLACK
    )
    assert home_of(world).delegations == ()


def test_a_home_offers_what_its_reader_may_do_and_nothing_else(world):
    case = open_case(world, "Gin")
    world.house.failing_lookups.add("look")
    needs_person = open_case(world, "Rum")
    world.desk.controls.pause("", by=ANA, reason="wait", surface=Surface.SLACK)
    ana, finn, elsie = (home_of(world, person) for person in (ANA, FINN, ELSIE))
    assert {row.case.id: row.is_decidable for row in ana.waiting} == {
        case.id: True,
        needs_person.id: True,
    }
    assert {row.is_decidable for row in finn.team} == {False}
    assert [(one.rights.may_pause, one.rights.may_delegate) for one in (ana, finn)] == [
        (True, True),
        (False, False),
    ]
    assert [one.pauses[0].is_resumable for one in (ana, elsie)] == [False, True]
    assert ana.pauses[0].resumers == ("owners",)


def test_whoever_was_given_a_case_is_named_as_its_owner(world):
    case = open_case(world, "Gin")
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=FINN, progress="counted", remains="order"
    )
    world.work()
    (row,) = home_of(world, BEN).team
    assert row.owner_name == "Finn"
    # Somebody who was given a case, and is none of those who approve it, is not offered that.
    assert [row.is_decidable for row in home_of(world, FINN).waiting] == [False]


def test_a_home_never_shows_what_its_owner_may_not_see(world):
    world.library.book = playbook(stake=Stake("matters", "stock.at_risk", "GBP"))
    open_case(world, "Gin")
    world.people.channels["C0STOCK"] = {"ana"}
    home = home_of(world, FINN)
    assert (home.waiting, home.mine, home.team, home.alone) == ((), (), (), ())
    assert all(day.openings == 0 for day in home.days)


def test_an_approver_who_is_not_in_the_channel_learns_nothing_of_its_cases(world):
    case = open_case(world, "Gin")
    world.people.channels["C0STOCK"] = {"finn"}
    assert home_of(world, ANA).waiting == ()
    mine = Query(ask=Ask.LIST, condition=Condition(is_open=True, waits_on=ME))
    answer = world.desk.conversation.questions.answer_query(mine, by=ANA)
    assert answer.text == "No open case waits on you."
    world.people.channels["C0STOCK"] = {"ana"}
    assert case_ids(home_of(world, ANA).waiting) == [case.id]


def test_a_guest_is_not_offered_to_raise_what_is_refused(world):
    world.people.people["T1/UGUEST"] = Person("T1/UGUEST", "Gus", guest=True)
    assert not home_of(world, "T1/UGUEST").rights.may_raise
    assert home_of(world, FINN).rights.may_raise

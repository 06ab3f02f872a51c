"""The digest and the App Home: once, at the right hour, with what matters first, and true while the cases move."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.actor import Surface
from bot.cases.entries import RejectReason
from bot.cases.hours import ALWAYS, Hours
from bot.cases.lifecycle import State
from bot.cases.playbook import Stake
from bot.views.app_home import HomeFilter
from scheduler.digest import DigestSchedule, due_times
from tests.fakes.directory import principal
from tests.world import World, playbook, request

ANA, BEN, ELSIE, FINN = map(principal, ("ana", "ben", "elsie", "finn"))
OFFICE = Hours(
    zone="Europe/London",
    opens=time(9),
    closes=time(18),
    days=frozenset(range(5)),
    digest_at=time(8, 30),
)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def times(world):
    return DigestSchedule(world.store.live_lists, world.store.outbox, world.library, world.clock)


def opened(world, name, at_risk=100.0):
    world.house.rows = [{"product": name, "on_hand": 1, "quantity": 6, "at_risk": at_risk}]
    case = world.store.cases.case(world.receive(world.signal(name)).case_id)
    world.work()
    return world.case(case)


def digested(world, at=MONDAY):
    """The digest of the stock channel at this moment."""
    world.clock.at = at
    times(world).enqueue_due()
    world.work()
    return next((one for one in reversed(world.chat.digests) if one.place == "C0STOCK"), None)


def names(rows):
    return [row.case.id for row in rows]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 23, 8, 29, tzinfo=UTC), []),
        (datetime(2026, 11, 23, 8, 30, tzinfo=UTC), [datetime(2026, 11, 23, 8, 30, tzinfo=UTC)]),
        (datetime(2026, 11, 23, 20, 31, tzinfo=UTC), []),  # too late to be news
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), []),  # a Sunday
        (
            datetime(2026, 7, 1, 7, 30, tzinfo=UTC),
            [datetime(2026, 7, 1, 7, 30, tzinfo=UTC)],
        ),  # summer time
    ],
)
def test_a_digest_is_due_at_its_own_hour_on_working_days(now, due):
    assert list(due_times(OFFICE, now)) == due


def test_it_is_posted_once_however_often_and_from_wherever_one_looks(world):
    opened(world, "Merlot")
    world.clock.at = MONDAY
    looks = [times(world).enqueue_due() for _ in range(3)]
    assert looks[0] >= 1
    assert looks[1:] == [0, 0]
    world.work()
    world.clock.forward(minutes=-30)
    times(world).enqueue_due()
    world.clock.forward(hours=2)
    times(world).enqueue_due()
    world.work()
    assert [one.place for one in world.chat.digests] == ["C0STOCK"]
    world.clock.forward(days=1)
    times(world).enqueue_due()
    world.work()
    assert len(world.chat.digests) == 2


@given(st.lists(st.integers(-90, 400), max_size=60))
def test_however_the_clock_jumps_no_digest_is_asked_for_twice(jumps):
    asked, now = [], MONDAY
    for minutes in jumps:
        now += timedelta(minutes=minutes)
        asked += [at for at in due_times(ALWAYS, now) if at not in asked]
    assert len(asked) == len(set(asked))


def test_nothing_to_say_is_not_said(world):
    assert digested(world) is None


def test_what_needs_a_decision_comes_by_money_and_clock(world):
    world.clock.at = MONDAY - timedelta(hours=2)
    small, large = opened(world, "Gin", 10), opened(world, "Barolo", 900_000)
    world.clock.forward(minutes=30)
    later = opened(world, "Rum", 10)
    digest = digested(world)
    assert names(digest.needs) == [large.id, small.id, later.id]
    assert digest.counts.opened == 3


def test_late_cases_say_who_they_wait_on_and_stand_in_one_place_only(world):
    world.house.failing_lookups.add("look")
    case = opened(world, "Merlot")
    digest = digested(world, MONDAY)
    assert (names(digest.needs), names(digest.late)) == ([], [case.id])
    assert digest.late[0].case.owner == "floor-managers"


def test_a_row_that_is_decided_says_so_and_the_others_stay(world):
    world.clock.at = MONDAY - timedelta(hours=1)
    first, second = opened(world, "Gin"), opened(world, "Rum")
    before = digested(world)
    world.approve(first)
    world.work()
    after = world.chat.digests[-1]
    assert names(after.needs) == names(before.needs) == [first.id, second.id]
    assert [row.case.state for row in after.needs] == [State.RESOLVED, State.PROPOSED]
    assert after.key == before.key
    drawn = len(world.chat.digests)
    world.receive(replace(first.signal, key="elsewhere", subject="another"))
    world.work()
    assert len(world.chat.digests) == drawn


def test_the_week_shows_blind_spots_agreement_slow_hand_overs_and_rework(world):
    world.clock.at = MONDAY - timedelta(days=3)
    yes, no, slow = opened(world, "Gin"), opened(world, "Rum"), opened(world, "Ale")
    world.approve(yes)
    world.desk.decisions.reject(request(no.id, ANA, world.seen(no)), reason=RejectReason.WRONG_PLAN)
    world.clock.forward(hours=5)
    world.desk.deadlines.process_due()
    world.desk.decisions.approve(request(slow.id, ANA, world.seen(slow)))
    world.work()
    unknown = world.store.cases.case(
        world.receive(world.signal("odd", kind="unrecognised")).case_id
    )
    world.work()
    world.library.channels = lambda: ["C0STOCK", "C0OPS"]
    review = digested(world).review
    (agreed,) = review.agreements
    assert (agreed.as_recommended, agreed.edited, agreed.otherwise) == (2, 0, 1)
    assert names(review.slow) == [slow.id]
    ops = next(one for one in world.chat.digests if one.place == "C0OPS")
    assert names(ops.review.blind) == names(ops.unhandled) == [unknown.id]
    posted = len(world.chat.digests)
    digested(world, MONDAY + timedelta(days=1))
    assert [one.review for one in world.chat.digests[posted:]] == [None]


def test_a_person_who_wants_one_gets_a_digest_of_their_own(world):
    world.clock.at = MONDAY - timedelta(hours=1)
    case = opened(world, "Merlot")
    world.desk.homes.subscribe_to_digest(ANA, subscribe=True)
    world.clock.at = MONDAY
    times(world).enqueue_due()
    world.work()
    mine = next(one for one in world.chat.digests if one.place == ANA)
    assert names(mine.needs) == [case.id]
    world.desk.homes.subscribe_to_digest(ANA, subscribe=False)
    world.clock.forward(days=1)
    times(world).enqueue_due()
    world.work()
    assert sum(one.place == ANA for one in world.chat.digests) == 1


# --- App Home ------------------------------------------------------------------------------------------------------------------


def home_of(world, person=ANA):
    world.desk.homes.show(person)
    world.work()
    return next(one for one in reversed(world.chat.homes) if one.user == person.rpartition("/")[2])


def test_a_home_has_what_waits_what_is_mine_the_teams_and_what_was_handled_without_me(world):
    waiting, gone = opened(world, "Gin"), opened(world, "Rum")
    world.clear(gone.signal)
    world.work()
    home = home_of(world)
    assert (names(home.waiting), names(home.alone)) == ([waiting.id], [gone.id])
    assert names(home_of(world, BEN).team) == [waiting.id]
    world.desk.decisions.hand_over(
        request(waiting.id, ANA, world.seen(waiting)), to=FINN, progress="counted", remains="order"
    )
    world.work()
    assert names(home_of(world, FINN).waiting) == [waiting.id]


def test_a_home_is_published_again_when_its_cases_move_and_after_a_restart(world):
    first, second = opened(world, "Gin"), opened(world, "Rum")
    home_of(world)
    again = World(world.store)
    again.clock.at = world.clock.at
    again.approve(first)
    again.work()
    again.clock.forward(seconds=3)
    again.work()
    assert names(again.chat.homes[-1].waiting) == [second.id]


def test_many_changes_in_a_moment_publish_a_home_once(world):
    home_of(world)
    published = len(world.chat.homes)
    for number in range(6):
        opened(world, f"product {number}")
    world.clock.forward(seconds=3)
    world.work()
    assert len(world.chat.homes) == published + 1
    assert len(world.chat.homes[-1].waiting) == 6


def test_nobody_who_has_not_looked_for_a_day_is_published_for(world):
    home_of(world)
    world.clock.forward(days=1)
    published = len(world.chat.homes)
    opened(world, "Gin")
    world.clock.forward(seconds=3)
    world.work()
    assert len(world.chat.homes) == published


def test_a_filter_is_kept_and_a_made_up_one_is_not(world):
    opened(world, "Gin")
    world.library.titles = lambda: [("low_stock", "Running low"), ("lead_cold", "Cold lead")]
    world.desk.homes.show(ANA, kind="lead_cold")
    world.work()
    assert (world.chat.homes[-1].waiting, world.chat.homes[-1].chosen.kind) == ((), "lead_cold")
    assert home_of(world).chosen.kind == "lead_cold"
    world.desk.homes.show(ANA, kind="'; DROP TABLE cases")
    world.work()
    assert (world.chat.homes[-1].chosen, len(world.chat.homes[-1].waiting)) == (HomeFilter(), 1)


def test_a_home_shows_what_is_late_or_new_today_when_asked(world):
    old = opened(world, "Gin")
    world.clock.forward(hours=25)
    new = opened(world, "Rum")
    shown = {}
    for when in ("late", "today", "always", "never heard of"):
        world.desk.homes.show(ANA, when=when)
        world.work()
        shown[when] = sorted(names(world.chat.homes[-1].waiting))
    assert shown == {
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
    assert (home.suggestion, home.standing_in) == (
        "",
        ("Finn stands in for Ana until 23 Nov 12:00 UTC",),
    )


def test_a_home_never_shows_what_its_owner_may_not_see(world):
    world.library.book = playbook(stake=Stake("matters", "stock.at_risk"))
    opened(world, "Gin")
    world.people.channels["C0STOCK"] = {"ana"}
    home = home_of(world, FINN)
    assert (home.waiting, home.mine, home.team, home.alone) == ((), (), (), ())
    assert all(day.opened == 0 for day in home.days)


def test_an_approver_who_is_not_in_the_channel_learns_nothing_of_its_cases(world):
    case = opened(world, "Gin")
    world.people.channels["C0STOCK"] = {"finn"}
    assert home_of(world, ANA).waiting == ()
    assert world.desk.questions.answer("what waits on me?", by=ANA).text == "Nothing waits on you."
    world.people.channels["C0STOCK"] = {"ana"}
    assert names(home_of(world, ANA).waiting) == [case.id]


def test_a_process_that_dies_before_a_card_is_done_leaves_no_list_with_a_dead_button(world):
    """The card was drawn and the row is not yet done when the power goes: the list is drawn again all the same."""
    world.clock.at = MONDAY - timedelta(hours=1)
    case = opened(world, "Gin")
    digested(world)
    world.approve(case)
    record, died = world.store.cards.record, []

    def dying(card, *, finish=None, **more):
        if finish and not died:
            died.append(finish.key)
            raise SystemExit
        record(card, finish=finish, **more)

    world.store.cards.record = dying
    with pytest.raises(SystemExit):
        world.work()
    world.store.cards.record = record
    asked = world.store.outbox.backlog()
    assert died == [f"card:{case.id}"]
    assert asked["digest ready"] == 1
    world.clock.forward(seconds=40)
    world.work()
    assert world.chat.digests[-1].needs[0].case.state is State.RESOLVED

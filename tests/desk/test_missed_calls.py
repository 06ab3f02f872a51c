"""Missed calls: what nobody decided in time is in the weekly review, and told to those who answer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.call_rules import CallRules, Reach
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.ports.case_queries import CaseFilter
from bot.ports.outbox import Topic
from handlers.cards.digest_card import digest_card
from scheduler.digest import DigestSchedule
from tests.fakes.directory import principal
from tests.handlers.cards.markup import ATTACKS, live_parts
from tests.world import request

ANA, BEN, ELSIE = map(principal, ("ana", "ben", "elsie"))
ALL = CaseFilter()


@pytest.fixture
def world(small_world):
    return small_world


def waiting(world, amount=3000, **changes):
    world.house.amount = Decimal(amount)
    case_id = world.receive(world.signal(**changes)).case_id
    world.work()
    return world.store.cases.case(case_id)


def keep_time(world, hours):
    world.clock.forward(hours=hours)
    world.desk.upkeep.deadlines.process_due()
    world.work()


def misses(world, scope=ALL, days=7):
    since = world.clock() - timedelta(days=days)
    later = world.clock() + timedelta(seconds=1)
    return world.desk.screens.calls.missed_calls.find(scope, since, later)


def test_a_case_that_went_to_its_next_owner_says_who_was_called_before(world):
    waiting(world)
    assert misses(world) == []
    keep_time(world, 4)
    (miss,) = misses(world)
    assert miss.title == "EX-1 Merlot is running low (£312.50 at stake)"
    assert miss.sentence == "it went to the next owner; Ben and Elsie were called"


def test_a_case_that_expired_says_so(world):
    case = waiting(world)
    keep_time(world, 8)
    keep_time(world, 8)
    assert world.case(case).state is State.EXPIRED
    (miss,) = misses(world)
    assert miss.sentence == "it expired; Ben and Elsie were called"


def test_where_only_the_group_was_mentioned_nobody_is_named(world):
    waiting(world, 300)
    keep_time(world, 4)
    (miss,) = misses(world)
    assert miss.sentence == "it went to the next owner; its group was mentioned in the channel"


def test_what_nobody_was_called_about_is_no_miss_of_theirs(world):
    waiting(world, 100)
    keep_time(world, 4)
    assert misses(world) == []


def test_whoever_was_called_in_the_message_of_a_slot_is_named(world):
    world.library.calls = CallRules(low=Reach.DUTY, per_hour=0)
    world.people.change("omar", away="On holiday")
    waiting(world, 100)
    world.clock.forward(minutes=30)
    world.work()
    keep_time(world, 4)
    (miss,) = misses(world)
    assert miss.names == ("Ana",)


def test_a_person_who_has_left_is_a_colleague(world):
    waiting(world)
    keep_time(world, 4)
    del world.people.people[BEN]
    (miss,) = misses(world)
    assert miss.names == ("a colleague", "Elsie")


def test_what_was_decided_in_time_or_long_ago_is_no_miss(world):
    case = waiting(world)
    world.desk.decisions.reject(
        request(case.id, BEN, world.seen(case)), reason=RejectReason.DUPLICATE
    )
    world.work()
    assert misses(world) == []
    waiting(world, subject="product:2")
    keep_time(world, 4)
    world.clock.forward(hours=30)
    assert misses(world, days=1) == []


def test_those_of_another_channel_are_left_out(world):
    waiting(world)
    keep_time(world, 4)
    assert misses(world, CaseFilter(channel="C0OPS")) == []
    assert len(misses(world, CaseFilter(channel="C0STOCK"))) == 1


# --- told ------------------------------------------------------------------------------------------


def tell_time(world, at):
    """Let the schedule run at this moment, as the loop does in each of two processes."""
    world.clock.forward(seconds=(at - world.clock()).total_seconds())
    for _ in range(2):
        schedule = DigestSchedule(
            live_lists=world.store.live_lists,
            outbox=world.store.outbox,
            library=world.library,
            clock=world.clock,
        )
        schedule.enqueue_due()
    world.work()


def reports(world):
    return [text for key, text in world.chat.sent.items() if key.startswith("missed:")]


def test_the_governance_owners_are_told_once_with_the_next_digest(world):
    waiting(world)
    keep_time(world, 4)
    nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    tell_time(world, nine)
    # Elsie is the only one of them.
    assert reports(world) == [
        "Nobody decided these in time, though somebody was called.\n"
        "EX-1 Merlot is running low (£312.50 at stake): it went to the next owner;"
        " Ben and Elsie were called."
    ]
    tell_time(world, nine + timedelta(minutes=5))
    tell_time(world, nine + timedelta(days=1))
    assert len(reports(world)) == 1
    assert not world.store.outbox.has_due([Topic.CALL], world.clock())


def test_nobody_is_told_where_nothing_was_missed(world):
    waiting(world, 100)
    tell_time(world, datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert reports(world) == []


@pytest.mark.parametrize("gone", ["left", "guest", "many"])
def test_a_group_in_which_nobody_can_be_told_gets_no_message(world, gone):
    waiting(world)
    keep_time(world, 4)
    if gone == "left":
        del world.people.people[ELSIE]
    elif gone == "guest":
        world.people.change("elsie", guest=True)
    else:
        for number in range(11):
            world.people.members["owners"].add(f"p{number}")
            account = principal(f"p{number}")
            world.people.people[account] = world.people.people[ANA]
    tell_time(world, datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert reports(world) == []


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_the_weekly_review_lists_them_without_markup_from_outside(world, text):
    waiting(world, title=text)
    keep_time(world, 4)
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    world.clock.forward(seconds=(monday - world.clock()).total_seconds())
    digest = world.desk.screens.digests.show_now("C0STOCK")
    assert len(digest.review.misses) == 1
    blocks = digest_card(digest, lambda channel, ts: "")
    assert live_parts(blocks) == []
    assert "Called, and nobody decided" in str(blocks)
    assert "\n" not in digest.review.misses[0].title

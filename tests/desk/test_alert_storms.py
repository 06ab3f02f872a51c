"""Storms: many signals are few messages, none is lost, and a quiet source is not behind a loud one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import NoSuchCase
from bot.cases.lifecycle import State
from bot.desk.alert_storms import MAX_CARDS, STORM_PERIOD
from bot.desk.source_throttle import SourceThrottle
from bot.ports.outbox import Topic
from tests.fakes.clock import NOON
from tests.fakes.directory import principal

ANA, FINN = map(principal, ("ana", "finn"))


def storm(world, many, start=0):
    return [world.receive(world.signal(f"product:{start + n}")).case_id for n in range(many)]


def test_a_source_goes_at_its_pace_and_another_is_not_behind_it():
    throttle = SourceThrottle(per_second=10, burst=20)
    turns = [throttle.next_turn("loud", NOON) for _ in range(120)]
    assert max(turn.run_at for turn in turns[:20]) <= NOON < turns[20].run_at
    assert turns == sorted(turns)
    assert turns[-1].run_at == NOON + timedelta(seconds=10)
    # However far behind the machine is: the quiet one goes before what is overdue of the loud one.
    assert throttle.next_turn("quiet", NOON + timedelta(seconds=30)) < turns[2]
    # After a while the loud one is quiet again.
    later = throttle.next_turn("loud", NOON + timedelta(minutes=1))
    assert later < turns[2]
    assert later.run_at == NOON + timedelta(minutes=1)


def test_a_quiet_source_overtakes_a_loud_one_that_is_overdue(small_world):
    world = small_world
    storm(world, 400)
    world.clock.forward(minutes=5)
    quiet = world.receive(world.signal("product:quiet", source="quiet")).case_id
    looked_at = []
    for _ in range(50):
        (work,) = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
        world.lane.handle(work)
        looked_at.append(work.case_id)
    assert quiet in looked_at[:2]
    # Nor is its card behind those of the loud one that nobody has drawn yet.
    assert quiet in [
        work.case_id for work in world.store.outbox.claim([Topic.CARD], 2, world.clock(), 30)
    ]


def test_many_different_ones_share_a_card_and_each_is_a_case(small_world):
    world = small_world
    ids = storm(world, MAX_CARDS + 50)
    for _ in range(10):
        world.work(rounds=1000)
        world.clock.forward(seconds=1)
    assert len(world.chat.cards) == MAX_CARDS
    last = world.chat.storms[-1]
    assert (last.open, last.total, len(last.rows)) == (50, 50, 10)
    assert len(world.chat.storms) < 60
    assert {world.store.cases.case(case_id).state for case_id in ids} == {State.PROPOSED}


def test_what_is_decided_on_the_shared_card_makes_room_for_the_next(small_world):
    world = small_world
    storm(world, MAX_CARDS + 8)
    for _ in range(5):
        world.work(rounds=1000)
        world.clock.forward(seconds=1)
    first = world.chat.storms[-1].rows[0].case
    world.approve(first)
    world.work()
    after = world.chat.storms[-1]
    assert world.case(first).state is State.RESOLVED
    assert first.id not in {row.case.id for row in after.rows}
    assert (after.open, after.total, len(after.rows)) == (7, 8, 7)
    assert world.store.outbox.backlog().keys() <= {"follow_up ready"}


def test_after_the_storm_a_new_one_has_a_card_again(small_world):
    world = small_world
    storm(world, MAX_CARDS + 3)
    for _ in range(3):
        world.work(rounds=1000)
        world.clock.forward(seconds=1)
    world.clock.forward(seconds=STORM_PERIOD.total_seconds() + 1)
    cards = len(world.chat.cards)
    storm(world, 1, start=900)
    world.work()
    assert len(world.chat.cards) == cards + 1


def test_ten_thousand_of_one_fingerprint_are_one_case_with_an_exact_count(small_world):
    world = small_world
    first = world.signal()
    for number in range(2_000):
        world.desk.intake.receive(replace(first, key=f"again-{number}"), b"")
    world.work(rounds=1000)
    (case,) = world.store.queries.newest()
    assert case.activity.signal_count == 2_000
    assert len(world.chat.cards) == 1
    assert len(next(iter(world.chat.cards.values()))) <= 3


def test_trying_again_to_draw_the_same_few_is_no_storm(small_world):
    from bot.cases.errors import RateLimited

    world = small_world
    ids = storm(world, 12)
    world.chat.failures = [RateLimited(1.0)] * 200
    for _ in range(40):
        world.work(rounds=100)
        world.clock.forward(seconds=1)
    assert (len(world.chat.cards), world.chat.storms) == (len(ids), [])


def test_a_case_of_a_storm_gets_its_own_card_when_somebody_opens_it(small_world):
    world = small_world
    storm(world, MAX_CARDS + 3)
    settle(world)
    hidden = world.chat.storms[-1].rows[0].case
    case, card = world.desk.screens.case_lists.open_card(ANA, hidden.id)
    assert (case.id, card) == (hidden.id, None)
    settle(world)
    assert f"{hidden.id}/1" in world.chat.cards
    assert world.chat.storms[-1].open == 3
    _, card = world.desk.screens.case_lists.open_card(ANA, hidden.id)
    assert card.ts
    # The shared card goes on to follow it.
    world.approve(hidden)
    settle(world)
    assert world.chat.storms[-1].open == 2
    assert world.chat.cards[f"{hidden.id}/1"][-1].state is State.RESOLVED


def test_the_card_of_a_case_that_a_person_may_not_see_is_not_drawn(small_world):
    world = small_world
    storm(world, MAX_CARDS + 1)
    settle(world)
    hidden = world.chat.storms[-1].rows[0].case
    world.people.channels["C0STOCK"] = {"ana"}
    with pytest.raises(NoSuchCase):
        world.desk.screens.case_lists.open_card(FINN, hidden.id)


def test_every_case_of_a_storm_is_on_a_page_of_its_list(small_world):
    world = small_world
    storm(world, MAX_CARDS + 20)
    settle(world)
    key = world.chat.storms[-1].key
    pages = [world.desk.screens.case_lists.page(ANA, key, number) for number in range(2)]
    assert [(page.page, page.pages, page.total, len(page.rows)) for page in pages] == [
        (0, 2, 20, 15),
        (1, 2, 20, 5),
    ]
    assert len({row.case.id for page in pages for row in page.rows}) == 20
    assert world.desk.screens.case_lists.page(ANA, key, 99).page == 1


def settle(world):
    for _ in range(4):
        world.work(rounds=1000)
        world.clock.forward(seconds=1)

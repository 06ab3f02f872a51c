"""A case that is decided while a message about it is posted: no button stays behind."""

import pytest

from bot.cases.call_rules import CallRules, Reach
from bot.cases.entries import RejectReason
from tests.desk.test_digest import MONDAY, digest_at
from tests.desk.test_inquiries import ask
from tests.fakes.directory import principal
from tests.world import request

OMAR = principal("omar")


@pytest.fixture
def world(small_world):
    small_world.library.calls = CallRules(low=Reach.DUTY, medium=Reach.DUTY)
    return small_world


def decide_while_posted(world, method):
    """Reject the only case, and redraw all that follows it, before the first post is recorded."""
    post = getattr(world.chat, method)

    def post_late(*arguments, **options):
        setattr(world.chat, method, post)
        result = post(*arguments, **options)
        (case,) = world.store.queries.by_id(["EX-1"]).values()
        world.desk.decisions.reject(
            request(case.id, OMAR, world.seen(case)), RejectReason.DUPLICATE
        )
        world.work()
        return result

    setattr(world.chat, method, post_late)


def last_views(messages):
    return [views[-1] for views in messages.values()]


def test_a_direct_message_becomes_the_outcome(world):
    decide_while_posted(world, "draw_message")
    world.proposed()
    world.work()
    views = last_views(world.chat.direct_calls)
    assert views
    assert not any(view.is_pending for view in views)


def test_the_message_of_a_slot_becomes_the_outcome(world):
    world.library.calls = CallRules(low=Reach.DUTY, medium=Reach.DUTY, per_hour=0)
    world.proposed()
    decide_while_posted(world, "draw_message")
    world.clock.forward(minutes=30)
    world.work()
    (view,) = last_views(world.chat.slot_calls)
    assert [row.case.is_terminal for row in view.rows] == [True]


def test_a_question_says_that_it_is_no_longer_needed(small_world):
    case = small_world.proposed()
    decide_while_posted(small_world, "draw_message")
    ask(small_world, case)
    small_world.work()
    (view,) = last_views(small_world.chat.inquiries)
    assert not view.is_pending


def test_a_digest_shows_the_decision(small_world):
    small_world.proposed()
    decide_while_posted(small_world, "post_digest")
    digest_at(small_world, MONDAY)
    small_world.work()
    (row,) = small_world.chat.digests[-1].needs
    assert row.case.is_terminal


def test_a_home_loses_the_button(small_world):
    case = small_world.proposed()
    decide_while_posted(small_world, "publish_home")
    small_world.desk.screens.app_home.show(OMAR)
    small_world.work()
    small_world.clock.forward(minutes=1)
    small_world.work()
    home = small_world.chat.homes[-1]
    assert case.id not in {row.case.id for row in home.waiting}

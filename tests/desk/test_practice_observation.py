"""In shadow the bot acts on nothing, and finds out what people did."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import ConfirmPractice
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.cases.playbook import Observation
from bot.cases.policy import PlaybookTerms, Stage
from bot.cases.practice import PracticeSource
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.world import playbook, request

QUERY = "what was ordered by hand"


@pytest.fixture
def shadow(small_world):
    """A world whose playbook only recommends, and says how an order by hand is seen."""
    small_world.library.book = playbook(terms=PlaybookTerms(stage=Stage.SHADOW))
    observe(small_world)
    small_world.done = []
    look_up = small_world.house.look_up
    small_world.house.parameters = []

    def look(query, parameters, limit):
        if query != QUERY:
            return look_up(query, parameters, limit)
        small_world.house.parameters.append(parameters)
        return small_world.done[:limit]

    small_world.house.look_up = look
    return small_world


def observe(world):
    book = world.library.book
    (offer,) = book.offers
    offer = replace(offer, observation=Observation("house", QUERY))
    world.library.book = replace(book, offers=(offer,))


def waiting(world):
    case = world.proposed()
    assert (case.state, case.proposal.verdict.rule) == (State.REFERRED, "stage.shadow")
    return case


def later(world, **span):
    world.clock.at += timedelta(**span)
    world.work()


def test_nothing_is_carried_out_and_an_order_by_hand_is_found(shadow):
    case = waiting(shadow)
    assert shadow.case(case).activity.practice is None
    shadow.done = [{"product_id": 1, "quantity": 24}]
    later(shadow, minutes=2)
    practice = shadow.case(case).activity.practice
    assert practice.agrees
    assert practice.source is PracticeSource.SYSTEM
    assert shadow.house.effects == []
    # The query may name the parameters, the snapshot before, and when the plan was made.
    parameters = shadow.house.parameters[-1]
    assert {"quantity": 24, "product_id": 1, "was_on_order": 0}.items() <= parameters.items()
    assert {"since", "now"} <= parameters.keys()


def test_an_order_of_another_size_agrees_on_the_action_alone(shadow):
    case = waiting(shadow)
    shadow.done = [{"product_id": 1, "quantity": 30}]
    later(shadow, minutes=2)
    practice = shadow.case(case).activity.practice
    assert (practice.action_agrees, practice.parameters_agree) == (True, False)
    assert practice.detail == "quantity 30, not 24"


def test_what_has_not_been_done_when_the_time_to_follow_up_is_over_is_a_miss(shadow):
    receipt = shadow.receive(signal := shadow.signal())
    shadow.work()
    case = shadow.store.cases.case(receipt.case_id)
    shadow.clear(signal)
    later(shadow, minutes=5)
    assert shadow.case(case).activity.practice is None
    later(shadow, minutes=6)
    practice = shadow.case(case).activity.practice
    assert not practice.action_agrees
    assert "does not show" in practice.detail


def test_a_system_that_is_away_says_nothing(shadow):
    receipt = shadow.receive(signal := shadow.signal())
    shadow.work()
    case = shadow.store.cases.case(receipt.case_id)
    shadow.clear(signal)
    shadow.house.failing_lookups.add(QUERY)
    look = shadow.house.look_up

    def away(query, parameters, limit):
        from bot.cases.errors import ConnectorFailed

        if query == QUERY:
            raise ConnectorFailed("the system is away")
        return look(query, parameters, limit)

    shadow.house.look_up = away
    later(shadow, hours=1)
    later(shadow, hours=1)
    assert shadow.case(case).activity.practice is None
    assert shadow.store.outbox.waiting_keys(Topic.OBSERVE, case.id) == []


def test_a_person_may_say_it_first(shadow):
    case = waiting(shadow)
    seen = CardSnapshot.of(case)
    after = shadow.desk.decisions.decide(request(case.id, principal("ana"), seen), ConfirmPractice)
    assert after.state is State.RESOLVED
    shadow.done = [{"product_id": 1, "quantity": 30}]
    later(shadow, minutes=15)
    assert shadow.case(case).activity.practice.source is PracticeSource.PERSON
    assert shadow.entry_names(case).count("practice.observed") == 1


def test_a_plan_that_was_rejected_as_done_already_is_looked_for_too(small_world):
    observe(small_world)
    case = small_world.proposed()
    small_world.desk.decisions.reject(
        request(case.id, principal("ana"), CardSnapshot.of(case)),
        reason=RejectReason.ALREADY_HANDLED,
    )
    small_world.work()
    # The fake's rows stand for the order by hand.
    practice = small_world.case(case).activity.practice
    assert practice.agrees


def test_without_a_query_nothing_is_looked_for(small_world):
    small_world.library.book = playbook(terms=PlaybookTerms(stage=Stage.SHADOW))
    case = waiting(small_world)
    assert small_world.store.outbox.waiting_keys(Topic.OBSERVE, case.id) == []

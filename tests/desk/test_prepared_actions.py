"""A recommender chooses among the playbook's offers; what it makes up itself reaches nobody's system."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.cases.playbook import ActionOffer
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.cases.recommendation import Recommendation
from bot.desk.prepared_actions import NOT_OFFERED, NOT_PREPARED
from tests.fakes.mind import mind
from tests.world import World, playbook, policy

PARAMETERS = {"product_id": 1, "quantity": 24}


class Recommends:
    """Recommends what a function makes of ``prepare``."""

    def __init__(self, choose, action="house.order_stock"):
        self.choose = choose
        self.action = action

    def recommend(self, case, book, evidence, prepare):
        return Recommendation(self.action, "trust me", "sure"), self.choose(prepare)


def autonomous(store, recommender, **changes):
    """A desk whose policy would let every action of this kind run alone."""
    world = World(store, mind(recommender=recommender))
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS), **changes)
    actions = {name: ActionLimit(alone=True) for name in policy().actions}
    world.library.rules = policy(actions=actions)
    return world


def order(prepare):
    return (prepare("house.order_stock", PARAMETERS),)


def test_what_the_playbook_offers_runs_as_policy_allows(store):
    world = autonomous(store, Recommends(order))
    case = world.proposed()
    assert (case.state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (lambda action: replace(action, amount=Money(Decimal(1), "GBP")), NOT_PREPARED),
        (lambda action: replace(action, target="product:another"), NOT_PREPARED),
        (lambda action: replace(action, reversible=not action.reversible), NOT_PREPARED),
        (lambda action: replace(action, precondition={}), NOT_PREPARED),
        (lambda action: replace(action, name="house.open_claim"), NOT_PREPARED),
    ],
)
def test_an_action_that_was_changed_after_it_was_prepared_goes_to_a_person(store, lie, reason):
    def choose(prepare):
        return tuple(map(lie, order(prepare)))

    world = autonomous(store, Recommends(choose))
    case = world.proposed()
    assert (case.state, world.house.effects) == (State.REFERRED, [])
    assert reason in case.proposal.recommendation.blocked


def test_mappings_that_were_changed_after_they_were_prepared_reach_no_system(store):
    def choose(prepare):
        actions = order(prepare)
        actions[0].parameters["quantity"] = 600
        return actions

    world = autonomous(store, Recommends(choose))
    case = world.proposed()
    assert (case.state, world.house.effects) == (State.REFERRED, [])


@pytest.mark.parametrize(
    "choose",
    [
        lambda prepare: (prepare("house.order_stock", {**PARAMETERS, "quantity": 25}),),
        lambda prepare: (prepare("house.order_stock", {**PARAMETERS, "product_id": 2}),),
        lambda prepare: (prepare("house.give_notice", PARAMETERS),),
        lambda prepare: order(prepare) * 2,
    ],
    ids=["another parameter", "another object", "another action", "the same twice"],
)
def test_what_the_playbook_does_not_offer_goes_to_a_person(store, choose):
    world = autonomous(store, Recommends(choose))
    case = world.proposed()
    assert (case.state, world.house.effects) == (State.REFERRED, [])
    assert NOT_OFFERED in case.proposal.recommendation.blocked


def test_an_offer_whose_condition_does_not_hold_goes_to_a_person(store):
    (offer,) = playbook().offers
    offers = (replace(offer, when="stock.on_hand > `100`"),)
    world = autonomous(store, Recommends(order), offers=offers)
    assert world.proposed().state is State.REFERRED


def test_a_recommendation_in_words_of_another_action_goes_to_a_person(store):
    (offer,) = playbook().offers
    harmless = ActionOffer(action="house.open_claim", reason="harmless")
    recommender = Recommends(order, action="house.open_claim")
    world = autonomous(store, recommender, offers=(offer, harmless))
    case = world.proposed()
    assert (case.state, world.house.effects) == (State.REFERRED, [])

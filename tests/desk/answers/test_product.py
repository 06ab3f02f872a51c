"""Answers about the product: from its own files, and never with a case."""

from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.views.query import About, Act, Ask, Query
from tests.desk.answers.asking import ANA, ELSIE, FINN, asker, fact_answers, whole
from tests.fakes.mind import FakeRecogniser, mind
from tests.world import World, playbook, policy


@pytest.fixture
def world(small_world):
    return small_world


def product(world, ask=Ask.CAPABILITY, about=None, *, by=ANA, **more):
    query = Query(ask=ask, about=about, **more)
    return fact_answers(world).product.answer(query, asker(world, by))


def test_no_answer_about_the_product_lists_a_case(world):
    world.proposed()
    for ask in (Ask.CAPABILITY, Ask.HELP, Ask.SMALL_TALK, Ask.OUT_OF_SCOPE):
        for about in list(About)[27:]:
            answer = product(world, ask, about)
            assert answer.rows == ()
            assert "EX-1" not in whole(answer)
            assert answer.text


def test_the_purpose_names_the_kinds(world):
    assert "“Running low”" in whole(product(world, about=About.PURPOSE))


def test_what_it_cannot_do_is_a_list_with_all_that_it_can(world):
    text = whole(product(world, about=About.CANNOT))
    assert "I cannot do anything that is not on this list" in text
    assert "“order stock”, “give notice” and “open claim”" in text
    assert "I cannot read e-mails" in text
    assert "recognising kinds from words is not trained yet" in text


def test_recognition_that_is_trained_is_said_to_be(world):
    world = World(world.store, mind(recogniser=FakeRecogniser()))
    text = whole(product(world, about=About.KINDS))
    assert "not trained" not in text
    assert "say when I am not sure" in text


def test_kinds_have_their_stage_and_their_pauses(world):
    world.desk.controls.pause("kind:low_stock", by=ANA, reason="stocktaking", surface=Surface.SLACK)
    text = whole(product(world, about=About.KINDS))
    assert "I act when people have approved: “Running low”." in text
    assert "Paused now: “Running low”, by Ana (stocktaking)." in text
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.SHADOW))
    assert "I only recommend: “Running low”." in whole(product(world, about=About.KINDS))


def test_actions_have_their_limits_in_money(world):
    limit = ActionLimit(per_plan=Decimal(5000), times_per_target_per_day=2)
    world.library.rules = policy(actions={"house.order_stock": limit})
    text = whole(product(world, about=About.ACTIONS))
    assert "Order stock: at most £5,000.00 at once, twice a day for the same thing." in text


def test_sources_say_that_e_mails_are_not_read(world):
    text = whole(product(world, about=About.SOURCES))
    assert text.startswith("I cannot read e-mails")
    assert "From the house: “Running low”." in text


def test_what_runs_alone_needs_the_stage_and_the_action(world):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    assert product(world, about=About.AUTONOMY).text.startswith("None")
    assert product(world, about=About.LIMITS).text.startswith("Nothing: I spend no money")
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    text = whole(product(world, about=About.AUTONOMY))
    assert text.startswith("One kind may run without a person:")
    assert "Running low: order stock." in text
    text = product(world, about=About.LIMITS).text
    assert text == "At most £250.00 in one plan, and only for “order stock”."


def test_limits_name_the_approvers_of_each_tier(world):
    text = whole(product(world, about=About.LIMITS))
    assert "Up to £250.00, and if it can be undone: one of @floor-managers, within 1 day." in text
    assert "one of @ops-leads and one of @finance, within 8 hours." in text


def test_help_gives_examples_by_what_the_person_may_do(world):
    examples = product(world, Ask.HELP, About.ASKING, by=FINN).examples
    assert "What is open?" in examples
    assert "What waits on me?" not in examples
    assert "What waits on me?" in product(world, Ask.HELP, About.ASKING).examples
    lead = product(world, Ask.HELP, About.ASKING, by=ELSIE).examples
    assert "Who is holding things up?" in lead


def test_help_to_raise_has_the_button_for_members_only(world):
    (offer,) = product(world, Ask.HELP, About.RAISE, words="the extractor").offers
    assert (offer.act, offer.note) == (Act.RAISE, "the extractor")
    world.people.change("finn", guest=True)
    assert product(world, Ask.HELP, About.RAISE, by=FINN).offers == ()


def test_what_is_out_of_scope_says_what_it_is_for(world):
    answer = product(world, Ask.OUT_OF_SCOPE)
    assert "I cannot help with that" in answer.text
    assert len(answer.examples) == 2

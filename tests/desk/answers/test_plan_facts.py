"""The plan of a case, its evidence and how far it is carried out, in exact sentences."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import CallNovel
from bot.cases.entries import RejectReason
from bot.cases.playbook import ActionOffer
from bot.cases.signal import UNRECOGNISED
from bot.views.query import About, Ask, Query
from tests.desk.answers.asking import ANA, NOON, as_person, ask, asker, fact_answers, whole
from tests.fakes.mind import FakeRecogniser, mind
from tests.world import World, playbook


@pytest.fixture
def world(small_world):
    return small_world


def two_steps(world):
    """Let the playbook plan a second action after the first."""
    claim = ActionOffer(
        action="house.open_claim", parameters={"product_id": "signal.product_id"}, reason="too"
    )
    offer = playbook().offers[0]
    world.library.book = playbook(offers=(replace(offer, then=(claim,)),))


def proposal_with(world, case, **changes):
    """Answer about a case whose recommendation has these fields."""
    recommendation = replace(case.proposal.recommendation, **changes)
    case = replace(case, proposal=replace(case.proposal, recommendation=recommendation))

    def about(about):
        query = Query(ask=Ask.STATUS, about=about)
        return fact_answers(world).case_facts.answer(query, case, asker(world))

    return about


def unrecognised(world):
    receipt = world.receive(world.signal("thing:1", kind=UNRECOGNISED, title="A wet floor"))
    world.work()
    return world.store.cases.case(receipt.case_id)


# --- the plan -----------------------------------------------------------------------------------


def test_each_action_of_a_plan_is_told_and_what_follows_what(world):
    two_steps(world)
    case = world.proposed()
    answer = ask(world, case, About.PLAN)
    assert answer.text == "The plan of EX-1 has 2 actions, moving £200.00:"
    assert answer.facts == (
        "Do order_stock (product id 1, quantity 24).",
        "Do open_claim (product id 1).",
        "Once done, it cannot be taken back from here.",
    )
    assert ask(world, case, About.CONSEQUENCE).text == (
        "If EX-1 is approved: do order_stock, then do open_claim, moving £200.00."
        " It is carried out at once."
    )


def test_a_plan_without_an_amount_moves_none(world):
    world.house.amount = None
    case = world.proposed()
    assert ask(world, case, About.PLAN).text == "The plan of EX-1 has 1 action:"
    text = ask(world, case, About.CONSEQUENCE).text
    assert text == "If EX-1 is approved: do order_stock. It is carried out at once."


def test_in_dry_run_an_approval_changes_nothing(small_world):
    small_world.start("dry-run")
    text = ask(small_world, small_world.proposed(), About.CONSEQUENCE).text
    assert text.endswith("It is shown as a dry run, and nothing changes.")


def test_without_a_plan_nothing_would_happen_and_nothing_is_recommended(world):
    world.house.failing_lookups.add("look")
    case = world.proposed()
    for about in (About.PLAN, About.CONSEQUENCE):
        text = ask(world, case, about).text
        assert text.startswith("There is no plan for EX-1")
        assert text.endswith(".")
        assert not text.endswith("..")
    assert ask(world, case, About.CONFIDENCE).text == (
        "Nothing is recommended for EX-1, so there is no confidence."
    )


def test_what_nobody_looked_up_is_no_evidence(world):
    world.library.book = playbook(evidence=(), stake=playbook().stake)
    answer = ask(world, unrecognised(world), About.EVIDENCE)
    assert answer.text == "No facts are recorded for EX-1: nothing was looked up for it."


# --- why this plan ------------------------------------------------------------------------------


def test_a_recommendation_names_its_grounds_and_what_it_did_not_choose(world):
    case = world.proposed()
    about = proposal_with(world, case, precedents="3 of 4 like this were approved")
    assert about(About.RECOMMENDATION).facts == (
        "It rests on rule 1 of the playbook “Running low”.",
        "Cases before: 3 of 4 like this were approved.",
    )
    about = proposal_with(world, case, action="", blocked="The supplier is closed.")
    assert about(About.RECOMMENDATION).text == (
        "I recommend nothing for EX-1: The supplier is closed."
    )


def test_a_confidence_without_a_promise_is_a_figure_alone(world):
    answer = proposal_with(world, world.proposed(), confidence=73)(About.CONFIDENCE)
    assert answer.text == ("73% for EX-1: so likely a person approves it unedited, and it works.")
    assert answer.facts == ()


# --- its kind -----------------------------------------------------------------------------------


def test_a_kind_that_a_person_named_is_theirs(world):
    case = unrecognised(world)
    answer = ask(world, case, About.RECOGNITION)
    assert answer.text == "I could not tell the kind of EX-1: recognition has not been trained yet."
    world.desk.decisions.name_kind(as_person(world, case, "ana"), kind="low_stock")
    world.work()
    assert ask(world, case, About.RECOGNITION).text == (
        "EX-1 is “Running low” because Ana said so."
    )
    assert "Ana said that it is Running low." in whole(ask(world, case, About.TRAIL))


def test_a_kind_that_a_person_called_new_stays_unknown(world):
    case = unrecognised(world)
    world.desk.decisions.decide(as_person(world, case, "ana"), CallNovel)
    world.work()
    assert ask(world, case, About.RECOGNITION).text == (
        "EX-1 has no known kind: Ana called it new."
    )
    assert "Ana said that it is of no known kind." in whole(ask(world, case, About.TRAIL))


def test_a_kind_that_was_not_recognised_names_the_likeliest(small_world):
    world = World(small_world.store, mind(recogniser=FakeRecogniser(kind="", confidence=31)))
    answer = ask(world, unrecognised(world), About.RECOGNITION)
    assert answer.text == "I could not tell the kind of EX-1: by hand."
    assert answer.facts == (
        "The likeliest kinds: Running low 31%.",
        "From its words: “A wet floor”.",
    )


# --- how far it is ------------------------------------------------------------------------------


def test_an_approved_plan_says_what_holds_it_up(world):
    case = world.proposed()
    world.approve(case)
    world.desk.controls.pause(
        "action:house.order_stock", by=ANA, reason="Stocktaking.", surface=Surface.SLACK
    )
    assert ask(world, case, About.EXECUTION).text == (
        "EX-1 is approved, and waits because “order stock” is paused by Ana: Stocktaking"
        f" (since {NOON})."
    )
    query = Query(ask=Ask.WHO, about=About.PAUSE)
    assert fact_answers(world).people.answer(query, asker(world)).text == (
        f"“order stock” has been paused by Ana since {NOON}: Stocktaking."
    )


def test_a_pause_is_told_of_a_case_that_waits_for_a_decision(world):
    case = world.proposed()
    world.desk.controls.pause("", by=ANA, reason="Stocktaking.", surface=Surface.SLACK)
    assert ask(world, case).facts[-1] == (
        "Nothing of it runs now: everything is paused by Ana: Stocktaking."
    )


@pytest.mark.parametrize(
    ("fault", "text", "step"),
    [
        (
            "busy",
            "EX-1 waits to be tried again: database is locked.",
            f"Do order_stock: waiting to be tried again on {NOON} (database is locked).",
        ),
        (
            "lost after",
            "EX-1 is being carried out; its present step: outcome unknown.",
            f"Do order_stock: outcome unknown on {NOON} (no answer).",
        ),
    ],
)
def test_a_step_that_is_not_done_yet_says_where_it_is(world, fault, text, step):
    world.house.faults["execute"] = [fault]
    world.house.faults["verify"] = ["unknown"] * 5
    case = world.proposed()
    world.approve(case)
    world.work()
    answer = ask(world, case, About.EXECUTION)
    assert (answer.text, answer.facts[-1]) == (text, step)
    # Nothing has come of it yet, so that is the answer.
    assert ask(world, case, About.OUTCOME).text == text
    assert ask(world, case).facts == (f"Ana approved it on {NOON}.", text)


def test_a_plan_that_failed_on_its_way_says_which_step(world):
    two_steps(world)
    world.house.faults["execute"] = ["", "refuse"]
    case = world.proposed()
    world.approve(case, "ben")
    world.work()
    text = whole(ask(world, case, About.EXECUTION))
    assert text.startswith("EX-1 needs a person: the plan could not be carried out. ")
    assert f"Do open_claim: failed on {NOON} (no)." in text
    assert text.endswith("It is with @floor-managers (Ana, Omar).")


def test_what_came_of_it_is_its_end_with_what_went_before(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    world.work()
    world.clock.forward(minutes=5)
    world.desk.decisions.undo(as_person(world, case, "ana"), note="Wrong shop.")
    world.work()
    answer = ask(world, case, About.OUTCOME)
    assert f"It worked on {NOON}." in whole(answer)
    assert "Ana took it back on 21 Nov 17:35: Wrong shop." in whole(answer)


def test_what_was_rejected_was_not_carried_out(world):
    case = world.proposed()
    world.desk.decisions.reject(
        as_person(world, case, "ana"), reason=RejectReason.WRONG_FACTS, note="Counted."
    )
    expected = f"EX-1: Ana rejected it on {NOON}: the facts are wrong (“Counted.”)."
    for about in (About.EXECUTION, About.OUTCOME, About.ENDING):
        answer = ask(world, case, about)
        assert (answer.text, answer.facts) == (expected, ())

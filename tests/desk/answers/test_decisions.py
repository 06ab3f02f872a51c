"""What was decided, by whom and why, as the ledger has it: exact sentences for every way to end."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import TryAgain, Withdraw
from bot.cases.entries import RejectReason
from bot.cases.policy import ActionLimit, EmergencyRule, PlaybookTerms, Stage
from bot.cases.policy_rules import PolicyRule, RuleEffect
from bot.desk.answers.decisions import describe_rule
from bot.views.query import About, Ask, Condition, LastDecision, Query
from tests.desk.answers.asking import (
    ANA,
    CARLA,
    FINN,
    NOON,
    OMAR,
    as_person,
    ask,
    asker,
    fact_answers,
    whole,
)
from tests.world import HOUR, playbook, policy


@pytest.fixture
def world(small_world):
    return small_world


def who(world, case):
    return ask(world, case, About.DECISION, Ask.WHO)


def why(world, case):
    return ask(world, case, About.DECISION, Ask.WHY)


def run(world, case, name="ana", **more):
    world.approve(case, name, **more)
    world.work()
    return case


def settle_in_doubt(world):
    """A case whose outcome nobody could find out: approved, begun, and then unknown."""
    world.house.faults["execute"] = ["lost after"]
    world.house.faults["verify"] = ["unknown"] * 20
    case = run(world, world.proposed(), note="We are out.")
    for _ in range(12):
        world.clock.forward(minutes=1)
        world.work()
    return case


# --- who decided --------------------------------------------------------------------------------


def test_an_approval_for_another_names_both(world):
    case = world.proposed()
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA, to=FINN, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )
    run(world, case, "finn", note="She said yes.")
    assert who(world, case).text == f"EX-1: Finn approved it for Ana on {NOON}: “She said yes.”"
    assert "Finn approved it for Ana: “She said yes.”" in whole(ask(world, case, About.TRAIL))


def test_an_approval_alone_in_an_emergency_says_so(world):
    world.library.rules = policy(emergency=EmergencyRule("owners", timedelta(hours=24)))
    case = world.proposed()
    world.desk.decisions.break_glass(as_person(world, case, "elsie"), reason="the cellar floods")
    world.work()
    assert who(world, case).text == (
        f"EX-1: Elsie approved it on {NOON}, alone in an emergency: “the cellar floods”."
    )


def test_an_approval_that_was_withdrawn_decides_nothing(world):
    case = world.proposed()
    world.approve(case)
    assert who(world, case).facts == ("It has not run yet: EX-1 is approved.",)
    world.desk.decisions.decide(as_person(world, case, "ana"), Withdraw)
    answer = who(world, case)
    assert answer.text == "Nobody has decided about EX-1 yet: it is waiting for a decision."
    assert answer.facts == ("1 approval is missing: @floor-managers (Ana, Omar).",)
    run(world, case, "omar")
    assert who(world, case).text == f"EX-1: Omar approved it on {NOON}."


def test_what_was_handled_by_hand_was_decided_by_whoever_did_it(world):
    world.house.faults["execute"] = ["refuse"]
    case = run(world, world.proposed())
    assert who(world, case).facts[-1] == (
        f"It was given up on {NOON}: the plan could not be carried out."
        " Do order_stock: failed (no)."
    )
    world.clock.forward(minutes=20)
    world.desk.decisions.resolve(as_person(world, case, "omar"), note="Phoned the supplier.")
    sentence = "EX-1: Omar handled it by hand on 21 Nov 17:50: Phoned the supplier."
    for about in (About.DECISION, About.ENDING, About.OUTCOME):
        assert ask(world, case, about).text == sentence


def test_what_a_source_took_back_was_decided_by_nobody(world):
    signal = world.signal()
    world.receive(signal)
    world.work()
    world.clear(signal)
    world.work()
    case = world.store.cases.case("EX-1")
    sentence = f"EX-1: The source said on {NOON} that it was over."
    assert who(world, case).text == ask(world, case, About.ENDING).text == sentence
    query = Query(ask=Ask.WHO, about=About.DECISION)
    answer = fact_answers(world).case_facts.summarise(query, [case, case], asker(world))
    assert (answer.text, answer.facts) == ("Two cases:", (sentence, sentence))


def test_an_outcome_that_nobody_knows_is_told_with_who_settled_it(world):
    case = settle_in_doubt(world)
    assert who(world, case).text == f"EX-1: Ana approved it on {NOON}: “We are out.”"
    unknown = who(world, case).facts[-1]
    assert unknown.startswith("Its outcome became unknown on 21 Nov 17:3")
    assert not unknown.endswith("..")
    status = ask(world, case)
    assert status.text.startswith("EX-1 has an unknown outcome.")
    world.desk.decisions.settle(
        as_person(world, case, "omar"), has_landed=True, note="It is on their list."
    )
    world.work()
    trail = whole(ask(world, case, About.TRAIL))
    assert "Omar looked: step 1 happened, “It is on their list.”" in trail
    assert "Step 1: outcome unknown (no answer)." in trail
    assert ask(world, case, About.ENDING).text.startswith("EX-1: It worked on 21 Nov 17:4")


def test_what_was_tried_again_is_undecided(world):
    world.house.faults["execute"] = ["refuse"]
    case = run(world, world.proposed())
    world.desk.decisions.decide(as_person(world, case, "omar"), TryAgain)
    world.work()
    answer = who(world, case)
    assert answer.text == "Nobody has decided about EX-1 yet: it is waiting for a decision."
    assert answer.facts == (
        f"It was given up on {NOON}: the plan could not be carried out."
        " Do order_stock: failed (no).",
        "1 approval is missing: @floor-managers (Ana, Omar).",
        "It was asked again because Omar asked to look again.",
    )


# --- why ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "note", "words"),
    [
        (RejectReason.WRONG_PLAN, "Closed.", "the plan is wrong (“Closed.”)."),
        (RejectReason.DUPLICATE, "", "same as another case."),
        (RejectReason.NOT_WORTH_IT, "cork", "not worth acting on (“cork”)."),
    ],
)
def test_why_it_was_rejected_has_one_full_stop(world, reason, note, words):
    case = world.proposed()
    world.desk.decisions.reject(as_person(world, case, "omar"), reason=reason, note=note)
    assert why(world, case).text == f"EX-1: Omar rejected it on {NOON}: {words}"


def test_why_policy_let_it_run_is_its_own_reason(world):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    case = world.proposed()
    world.work()
    answer = why(world, case)
    assert answer.text.startswith(
        f"EX-1: No person approved it; policy let it run by itself on {NOON}. Because: "
    )
    assert answer.facts[0] == "The reason for the plan itself: because."
    verdict = ask(world, case, About.VERDICT)
    assert verdict.facts == ("Rule of policy: low risk may run by itself.",)


def test_several_reasons_of_rejections_are_counted_the_most_frequent_first(world):
    reasons = (RejectReason.DUPLICATE, RejectReason.WRONG_PLAN, RejectReason.WRONG_PLAN)
    cases = []
    for number, reason in enumerate(reasons, 1):
        world.receive(world.signal(f"product:{number}"))
        world.work()
        case = world.store.cases.case(f"EX-{number}")
        world.desk.decisions.reject(as_person(world, case, "ana"), reason=reason, note="no")
        cases.append(world.case(case))
    query = Query(ask=Ask.WHY, about=About.DECISION)
    answer = fact_answers(world).case_facts.summarise(query, cases, asker(world))
    assert answer.text == "The plan is wrong (2) and same as another case (1)."
    states = fact_answers(world).case_facts.summarise(Query(ask=Ask.STATUS), cases, asker(world))
    assert states.text == "Three cases; each is rejected."
    owners = Query(ask=Ask.WHO, about=About.OWNER)
    answer = fact_answers(world).case_facts.summarise(owners, cases, asker(world), total=40)
    assert answer.text == "Of the first 3 of 40 cases: @floor-managers (Ana, Omar)."


# --- of one type --------------------------------------------------------------------------------


def of_type(world, case, decision):
    condition = Condition(decision=decision)
    return ask(world, case, About.DECISION, Ask.WHO, condition=condition).text


def test_a_decision_of_a_type_that_never_happened_falls_back_to_the_last(world):
    case = run(world, world.proposed())
    for decision in (LastDecision.EDITED, LastDecision.HANDED_OVER, LastDecision.TAKEN_BACK):
        assert of_type(world, case, decision) == f"EX-1: Ana approved it on {NOON}."


def test_who_took_it_back_is_not_who_approved_it(world):
    world.house.undo_for = timedelta(minutes=30)
    case = run(world, world.proposed(), "omar")
    world.clock.forward(minutes=5)
    world.desk.decisions.undo(as_person(world, case, "ana"), note="Wrong shop.")
    world.work()
    expected = "EX-1: Ana took it back on 21 Nov 17:35: Wrong shop."
    assert of_type(world, case, LastDecision.TAKEN_BACK) == expected
    assert of_type(world, case, LastDecision.APPROVED) == f"EX-1: Omar approved it on {NOON}."


def test_a_hand_over_is_told_with_what_remains_and_to_whom(world):
    case = world.proposed()
    world.desk.decisions.hand_over(
        as_person(world, case, "ana"), to=CARLA, progress="Counted twice.", remains="Decide."
    )
    answer = who(world, case)
    assert answer.text == "Nobody has decided about EX-1 yet: it is waiting for a decision."
    assert answer.facts[0].startswith(f"Ana handed it over on {NOON}: ")
    assert "Ana handed it over to Carla: " in whole(ask(world, case, About.TRAIL))


# --- the verdict --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("tier.high", "high risk"),
        ("alone.low", "low risk may run by itself"),
        ("limit.per_plan", "limit: per plan"),
        ("shadow", "shadow"),
    ],
)
def test_a_rule_is_written_as_words(rule, words):
    assert describe_rule(rule) == words


def test_a_plan_over_its_limit_is_not_allowed_and_says_why(world):
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(per_plan=Decimal(50))})
    case = world.proposed()
    answer = ask(world, case, About.VERDICT)
    assert answer.text == (
        "I refused the plan of EX-1: house.order_stock:"
        " £100.00 would pass the limit of £50.00 at once (policy of Sat 21 Nov)."
    )
    assert answer.facts == ("Rule of policy: limit: per plan.",)


def test_why_i_asked_names_the_amount_that_it_was_over_and_the_policy_of_that_day(world):
    world.house.amount = Decimal(310)
    case = world.proposed()
    world.clock.forward(days=3)
    answer = ask(world, case, About.VERDICT)
    assert answer.text == (
        "I asked about EX-1 because £310.00 is over £250.00 (policy of Sat 21 Nov)."
    )
    world.library.rules = policy(medium_above=Decimal(9999), high_above=Decimal(9999))
    later = ask(world, case, About.VERDICT)
    assert later.text == answer.text
    assert "The policy has been changed since." in later.facts


def test_why_i_asked_names_the_rule_of_policy_and_its_place(world):
    rule = PolicyRule(
        when="case.kind == 'low_stock'", effect=RuleEffect.ASK, because="stock is being counted"
    )
    world.library.rules = policy(rules=(replace(rule, line=12),))
    answer = ask(world, world.proposed(), About.VERDICT)
    assert answer.text == (
        "I asked about EX-1 because stock is being counted (policy of Sat 21 Nov)."
    )
    assert "In policy: rule 1 of policy.yml (line 12)." in answer.facts


def test_why_it_ran_alone_names_the_limits_that_it_used(world):
    limit = ActionLimit(alone=True, amount_per_day=Decimal(500), times_per_day=4)
    world.library.rules = policy(actions={"house.order_stock": limit})
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    answer = ask(world, world.proposed(), About.VERDICT)
    assert answer.text == (
        "EX-1 was done without asking: one reversible change, moving £100.00;"
        " policy lets this run alone (policy of Sat 21 Nov)."
    )
    assert "Of the limits it used £100.00 of £500.00 a day and 1 of 4 times a day." in answer.facts


def test_why_i_asked_again_after_many_small_plans_tells_what_they_come_to(world):
    world.library.rules = policy(window=timedelta(days=1))
    for number in (1, 2):
        case_id = world.receive(world.signal(f"product:{number}")).case_id
        world.work()
        world.approve(world.store.cases.case(case_id))
        world.work()
    case_id = world.receive(world.signal("product:3")).case_id
    world.work()
    answer = ask(world, world.store.cases.case(case_id), About.VERDICT)
    assert answer.text == (
        "I asked about EX-3 because £100.00 comes to £300.00 with what went to the same place or"
        " person before, and that is over £250.00 (policy of Sat 21 Nov)."
    )


def test_a_case_without_a_plan_says_what_is_in_the_way(world):
    world.house.failing_lookups.add("look")
    case = world.proposed()
    text = ask(world, case, About.VERDICT).text
    assert text.startswith("EX-1 has nothing that I could do by myself: ")
    assert text.endswith(".")
    assert not text.endswith("..")


def test_an_edit_is_told_with_the_title_of_its_field(world, monkeypatch):
    titles = {"house.order_stock.quantity": "Bottles"}
    labels = replace(world.library.labels(), parameters=titles)
    monkeypatch.setattr(world.library, "labels", lambda: labels)
    case = world.proposed()
    for quantity in (12, 6):
        world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": quantity})
    answer = ask(world, case, About.CHANGES)
    assert answer.text == "2 changes to the plan of EX-1 by people:"
    assert answer.facts == (
        f"Bottles: 24 → 12, by Omar on {NOON}.",
        f"Bottles: 12 → 6, by Omar on {NOON}.",
    )
    assert ask(world, case, About.DECISION, Ask.WHO, by=OMAR).facts[0] == (
        f"Omar edited the plan on {NOON}: quantity 12 → 6."
    )

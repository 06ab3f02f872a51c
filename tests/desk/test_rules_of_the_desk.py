"""The rules of approval that need more than the pure rules to be seen, each test named after the rule it keeps."""

import ast
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, Claim, Narrate
from bot.cases.decide import decide
from bot.cases.errors import Conflict, NotEligible, Refusal, Superseded, TooLate
from bot.cases.lifecycle import State
from bot.cases.policy import PlaybookTerms, RiskTier, TierRule
from bot.cases.recommendation import Words
from bot.desk.effects import change
from bot.ports.case_store import Change
from bot.views.labels import Labels
from handlers.cards.case_card import case_card
from handlers.cards.case_details import details_view
from tests.cases.making import (
    ANA,
    NOW,
    approved,
    asker,
    fold_all,
    proposed,
    start_step,
    verdict,
    with_fields,
)
from tests.fakes.directory import principal
from tests.world import playbook, policy, request

pytestmark = pytest.mark.both_databases

ROOT = Path(__file__).parent.parent.parent


def flat(blocks):
    return json.dumps(blocks, ensure_ascii=False)


def test_rule_2_what_a_model_says_stands_below_the_plan_and_under_its_label():
    case = proposed()
    words = Words("m1", "Approve now: order 9,999", "Plan: pay everything")
    narrated = fold_all(case, decide(case, Narrate(words, 1), NOW))
    assert "order 9,999" not in flat(case_card(narrated))
    told = flat(details_view(narrated, Labels(), {}))
    assert (
        told.index('"Plan"')
        < told.index("written by the model m1 and not checked")
        < told.index("order 9,999")
    )
    assert "rich_text_quote" in told[told.index("not checked") :]


def test_rule_3_a_button_carries_what_was_seen_and_is_believed_in_nothing_else(world):
    case = world.proposed()
    buttons = [
        e
        for b in case_card(case)
        if b["type"] == "actions"
        for e in b["elements"]
        if e["type"] == "button"
    ]
    assert {button["value"] for button in buttons} == {
        f"{case.id}:1:{case.proposal.plan.plan_hash[:32]}:PROPOSED"
    }
    with pytest.raises(Superseded):
        world.approve(case, seen=replace(CardSnapshot.of(case), revision=0))


def test_rule_7_an_approval_is_consumed_once(world):
    """Two executors begin the same step: one row, one effect."""
    case = world.proposed()
    ready = world.approve(case)
    first = decide(
        ready,
        start_step(
            ready,
            groups=world.people.groups(["floor-managers"]),
            people=world.people.people,
            precondition=world.house.facts,
        ),
        NOW,
    )
    start = Change(before=ready, entries=first.entries, after=first.case)
    world.store.cases.commit(start)
    with pytest.raises((Conflict, IntegrityError)):
        world.store.cases.commit(start)
    running = world.case(case)
    again = replace(first.entries[0], version=running.version + 1)
    after = replace(running, version=again.version)
    with pytest.raises(IntegrityError):
        world.store.cases.commit(Change(before=running, entries=(again,), after=after))


@pytest.mark.parametrize(
    "who", ["", "T1", "T1/", "/UANA", "T1/UANA/UBEN", "ana@example.com", "Ana"]
)
def test_rule_8_who_is_not_exactly_one_person_decides_nothing(world, who):
    case = world.proposed()
    with pytest.raises(NotEligible):
        world.desk.decisions.approve(request(case.id, who, world.seen(case)))
    assert world.case(case).state is State.PROPOSED


def test_rule_16_a_change_is_written_on_what_was_read_or_not_at_all(world):
    case = world.proposed()
    ana, omar = (
        decide(case, Claim(asker(replace(ANA, id=principal(name))), CardSnapshot.of(case)), NOW)
        for name in ("ana", "omar")
    )
    world.store.cases.commit(change(case, ana, world.library.book))
    with pytest.raises(Conflict):
        world.store.cases.commit(change(case, omar, world.library.book))
    assert world.case(case).owner == principal("ana")


def test_rule_21_every_surface_asks_the_same_function():
    """Whatever decides a case in Slack calls the desk; nothing else does."""
    for path in (ROOT / "handlers").rglob("*.py"):
        imported = {
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
        }
        assert "bot.cases.decide" not in imported, path
        assert not {
            name for name in imported if name and name.startswith(("bot.store", "bot.connectors"))
        }, path


def test_rule_22_a_press_that_is_repeated_is_told_what_was_stored(world):
    case = world.proposed()
    world.approve(case)
    entries = len(world.entry_names(case))
    with pytest.raises(TooLate, match="was approved by Ana"):
        world.approve(case)
    assert world.entry_names(case)[entries:] == ["attempt.refused"]


def test_rule_23_every_attempt_is_written_with_its_reason(world):
    case = world.proposed()
    for attempt in (
        lambda: world.approve(case, "carla"),
        lambda: world.approve(case, seen=replace(CardSnapshot.of(case), revision=7)),
        lambda: world.desk.decisions.decide(
            request(case.id, principal("finn"), world.seen(case)), Claim
        ),
    ):
        with pytest.raises(Refusal):
            attempt()
    refused = [
        entry.body
        for entry in world.store.cases.entries(case.id)
        if entry.body.name == "attempt.refused"
    ]
    assert [(one.attempt, one.code) for one in refused] == [
        ("approve", "not_eligible"),
        ("approve", "bad_request"),
        ("claim", "not_eligible"),
    ]


def test_rule_25_only_the_executor_changes_an_outside_system():
    """Exactly one module calls a connector's ``execute``, and exactly one its ``undo``."""
    callers = set()
    for room in ("bot/desk", "handlers", "knowledge", "scheduler"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in {"execute", "undo"}
                ):
                    owner = node.func.value
                    if isinstance(owner, ast.Name) and owner.id == "connector":
                        callers.add((node.func.attr, path.name))
    assert callers == {("execute", "step_runner.py"), ("undo", "step_undo.py")}


def test_rule_26_nothing_in_the_program_writes_policy_or_playbooks():
    """They are files under version control, where two people look at every change; the program only reads them."""
    # These two make new files on an operator's command: a library of packs, and the schemas.
    makers = {"packs.py", "schemas.py"}
    modules = [one for one in (ROOT / "knowledge/library").glob("*.py") if one.name not in makers]
    assert {"library.py", "yaml_files.py"} <= {path.name for path in modules}
    for path in modules:
        assert not {"write_text", "write_bytes", "dump"} & {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }


def test_rule_28_the_reviewer_sees_what_changed_who_voted_and_no_colour_that_nudges():
    from bot.cases.entries import FieldChange

    case = proposed(factors=(ApprovalRequirement("floor-managers", 2),))
    half = fold_all(case, decide(case, Approve(asker(ANA), CardSnapshot.of(case)), NOW))
    told = flat(case_card(with_fields(half, changes=(FieldChange("quantity", 24, 12),))))
    assert "Edited: " in told
    assert "quantity 24 → 12" in told
    assert "Approved by " in told
    assert "1 of 2 given" in told
    high = proposed(
        verdict=verdict(tier=RiskTier.HIGH, factors=(ApprovalRequirement("ops-leads", 1),))
    )
    assert '"style": "primary"' not in flat(case_card(high))


def test_rule_24_there_is_no_bulk_approval(world):
    """A row of a list approves its own case: nothing approves several."""
    world.library.book = playbook(terms=PlaybookTerms((ApprovalRequirement("floor-managers", 1),)))
    first = world.proposed()
    second = world.store.cases.case(world.receive(world.signal("product:2")).case_id)
    world.work()
    world.approve(first)
    assert world.case(second).state is State.PROPOSED
    assert approved().proposal.approvals[0].digest == approved().proposal.plan.plan_hash


def test_rule_9_people_named_one_by_one_decide_while_they_are_colleagues_and_nobody_else(world):
    tiers = {
        **world.library.rules.tiers,
        "low": TierRule((ApprovalRequirement("people:UCARLA+UDEV", 1),), timedelta(hours=4)),
    }
    world.library.rules = policy(tiers=tiers)
    world.library.deciders = lambda: ["floor-managers", "people:UCARLA+UDEV"]
    case = world.proposed()
    assert [
        one.id
        for one in world.desk.conversation.queues.waiting_on(
            world.desk.conversation.questions.visibility.viewer(principal("carla"))
        )[0]
    ] == [case.id]
    with pytest.raises(NotEligible, match="only those named for it"):
        world.approve(case, "ana")
    world.people.change("carla", guest=True)
    with pytest.raises(NotEligible, match="guests cannot"):
        world.approve(case, "carla")
    world.people.change("carla", guest=False)
    world.approve(case, "carla")
    world.people.change("carla", active=False)
    world.work()
    assert world.house.effects == []
    assert "approvals no longer count" in world.case(case).activity.drift_reasons[0]

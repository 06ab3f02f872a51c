"""The stand-alone verifier understands plans that are trees."""

import json

import pytest

from bot.audit import verifier
from bot.audit.verifier import digest_of
from bot.cases.canonical import to_plain
from bot.cases.entries import entry_plain
from tests.cases.making import plan
from tests.desk.test_trees import (  # noqa: F401 (a fixture)
    asked_again,
    carried_out,
    finished,
    take_back,
    world,
)
from tests.fakes.directory import principal
from tests.world import request


def findings_of(world, case, change=lambda entry: None) -> list[str]:  # noqa: F811
    """Check the trade of a case, after a change of its entries."""
    entries = [json.loads(json.dumps(entry_plain(e))) for e in world.store.cases.entries(case.id)]
    for entry in entries:
        change(entry)
    findings: list[str] = []
    verifier.check_trade(entries, findings)
    return findings


def test_a_plan_without_a_tree_has_the_digest_that_it_always_had():
    plain = to_plain(plan())
    assert (plain["branches"], plain["facts"], plain["actions"][0]["returns"]) == ([], {}, {})
    for name in ("branches", "facts", "mode"):
        del plain[name]
    del plain["actions"][0]["returns"]
    assert digest_of(plain) == plan().plan_hash
    # Taken with the release before trees.
    assert plan().plan_hash == "26b18811c15f1ceedb99e4566fd5be1bf1542fbe6c6063e9ca98b09fbb3f5da5"


def test_a_tree_has_the_same_digest_for_the_verifier(world):  # noqa: F811
    tree = world.proposed().proposal.plan
    assert digest_of(to_plain(tree)) == tree.plan_hash
    assert tree.branches


def test_a_tree_that_was_carried_out_holds(world):  # noqa: F811
    assert findings_of(world, carried_out(world)) == []


def _input(value):
    def change(entry):
        if entry["type"] == "step.started" and entry["body"]["inputs"]:
            entry["body"]["inputs"] = value

    return change


def _told(value):
    def change(entry):
        if entry["type"] == "step.reported" and entry["body"]["facts"]:
            entry["body"]["facts"]["held_until"] = value
        _input({"day": value})(entry)

    return change


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (_input({"day": "2026-12-02"}), "that no step told"),
        (_input({}), "other parameters than its plan leaves open"),
        (_input({"day": "2026-12-01", "quantity": 900}), "other parameters"),
        (_told("2027-01-01"), "out of its bounds"),
    ],
)
def test_what_a_step_was_begun_with_is_checked(world, change, finding):  # noqa: F811
    (found,) = findings_of(world, carried_out(world), change)
    assert finding in found


def test_a_repeated_step_is_found(world):  # noqa: F811
    """As if an earlier plan had done the first step before something unforeseen ended it."""
    case = carried_out(world)
    entries = [json.loads(json.dumps(entry_plain(e))) for e in world.store.cases.entries(case.id)]
    at = next(i for i, e in enumerate(entries) if e["type"] == "step.reported")
    first = entries[: at + 1]
    stop = {**entries[at], "type": "plan.drifted"}
    stop["body"] = {"reasons": ["answer is lost"], "is_settled": True, "is_unforeseen": True}
    again = [e for e in entries if e["type"] != "case.opened"]
    findings: list[str] = []
    verifier.check_trade([*first, stop, *again], findings)
    assert any("repeats what an earlier plan" in finding for finding in findings)


def test_an_undo_of_two_plans_holds(world):  # noqa: F811
    assert findings_of(world, take_back(world, asked_again(world))) == []


def test_an_undo_that_a_person_settled_holds(world):  # noqa: F811
    case = asked_again(world)
    world.house.faults["undo"] = ["", "refuse"]
    case = take_back(world, case)
    settled = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.settle(settled, has_landed=True, note="it is gone there")
    case = finished(world, case)
    assert case.execution.earlier_steps == ()
    assert findings_of(world, case) == []


def _undo_asked(**values):
    def change(entry):
        if entry["type"] == "plan.undo_asked":
            entry["body"] |= values

    return change


def _undone_later_step(**values):
    def change(entry):
        body = entry["body"]
        if entry["type"] == "step.reported" and body["state"] == "undone" and body["step"]:
            body |= values

    return change


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (_undo_asked(earlier_keys=["0" * 64]), "takes back what no earlier plan of the case"),
        (_undo_asked(earlier_keys=[]), "which no plan of the case has"),
        (_undo_asked(by=["T1/UBEN"]), "taken back without the approvals it needs"),
        (_undone_later_step(step=7), "which no plan of the case has"),
        (_undone_later_step(state="done"), "is of an earlier plan, and was done again"),
    ],
)
def test_what_an_undo_takes_back_of_earlier_plans_is_checked(world, change, finding):  # noqa: F811
    case = take_back(world, asked_again(world))
    assert any(finding in one for one in findings_of(world, case, change))


def test_an_undo_of_an_earlier_release_leaves_what_earlier_plans_have_done(world):  # noqa: F811
    """Its ledger names no such steps, and one plan's approvers were enough."""
    case = take_back(world, asked_again(world))

    def without_earlier(entry):
        if entry["type"] == "plan.undo_asked":
            del entry["body"]["earlier_keys"]
            entry["body"]["by"] = entry["body"]["by"][:1]

    findings = findings_of(world, case, without_earlier)
    assert not any("without the approvals" in one for one in findings)

"""The words of plans: lists and trees."""

from dataclasses import replace

import pytest

from bot.cases.plan import Branch, Cause
from bot.views.plan_words import (
    condition_words,
    plan_items,
    plan_sentence,
    reason_words,
    step_labels,
)
from tests.cases.making import action, plan

HOLD, ASK, EXPECT, TELL, CLAIM, CLOSE = (
    action(summary=text, system=system)
    for text, system in (
        ("Hold the shipment", "house"),
        ("Ask for it", "carrier"),
        ("Expect the rest", "warehouse"),
        ("Tell the customer", "slack"),
        ("Open a claim", "house"),
        ("Close the note", "house"),
    )
)
LIST = plan(actions=(HOLD, CLAIM))
TREE = replace(
    plan(actions=(HOLD, ASK, EXPECT, TELL, CLAIM, CLOSE)),
    branches=(
        Branch(name="hold"),
        Branch(name="ask", after=0),
        Branch(name="expect", after=1, when="x", means="the carrier holds it"),
        Branch(name="tell", after=2, cause=Cause.OTHERWISE),
        Branch(name="claim", after=1, cause=Cause.REFUSED),
        Branch(name="close", after=0),
    ),
)


def sentence(subject) -> str:
    return plan_sentence(subject, str, str)


def test_a_list_reads_as_it_always_did():
    assert sentence(LIST) == "Hold the shipment, then open a claim"
    assert plan_items(LIST, str, str) == ["Hold the shipment", "Open a claim"]
    assert list(step_labels(LIST)) == ["1", "2"]
    assert sentence(replace(LIST, actions=())) == "Do nothing"


def test_a_tree_says_when_each_step_runs():
    assert sentence(TREE) == (
        "Hold the shipment, then ask for it; if the carrier holds it, expect the rest; otherwise, "
        "tell the customer; if the carrier refuses, open a claim; in any case, close the note"
    )
    assert plan_items(TREE, str, str)[2:5] == [
        "3a. If the carrier holds it: expect the rest",
        "3b. Otherwise: tell the customer",
        "3c. If the carrier refuses: open a claim",
    ]
    assert list(step_labels(TREE)) == ["1", "2", "3a", "3b", "3c", "4"]


def test_a_branch_with_a_condition_of_its_own_says_both():
    branches = list(TREE.branches)
    branches[3] = replace(branches[3], when="y", means="it is sent back")
    branches[4] = replace(branches[4], when="z", means="it is dear")
    tree = replace(TREE, branches=tuple(branches))
    assert condition_words(tree, 3, str) == "otherwise, if it is sent back"
    assert condition_words(tree, 4, str) == "if the carrier refuses and it is dear"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (1, ""),
        (2, "as the carrier holds it"),
        (3, "as it is not so that the carrier holds it"),
        (4, "as the carrier refused"),
    ],
)
def test_a_turn_has_its_reason(step, reason):
    assert reason_words(TREE, step, str) == reason


def test_a_name_needs_no_article():
    actions = (TREE.actions[0], replace(ASK, system="Slack"), *TREE.actions[2:])
    assert condition_words(replace(TREE, actions=actions), 4, str) == "if Slack refuses"

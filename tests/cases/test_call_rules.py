"""Call rules: a playbook overrides its channel one rule at a time."""

from dataclasses import fields

import pytest

from bot.cases.call_rules import AfterHours, CallOverrides, CallRules, Reach

CHANNEL = CallRules(low=Reach.GROUP, after_hours=AfterHours.NEVER, per_hour=2)


def test_a_playbook_that_says_nothing_leaves_the_rules_of_its_channel():
    assert CallOverrides().apply_to(CHANNEL) == CHANNEL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("low", Reach.DUTY),
        ("medium", Reach.NOBODY),
        ("high", Reach.GROUP),
        ("person", Reach.DUTY),
        ("after_hours", AfterHours.LOW),
        # Zero is a budget too.
        ("per_hour", 0),
    ],
)
def test_a_rule_of_the_playbook_takes_the_place_of_one(name, value):
    rules = CallOverrides(**{name: value}).apply_to(CHANNEL)
    assert getattr(rules, name) == value
    others = {field.name for field in fields(CallRules)} - {name}
    assert all(getattr(rules, other) == getattr(CHANNEL, other) for other in others)


def test_both_have_the_same_shape():
    assert [rule.name for rule in fields(CallOverrides)] == [
        rule.name for rule in fields(CallRules)
    ]

"""Changed rules in words."""

from dataclasses import replace
from decimal import Decimal

from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.policy import ActionLimit
from bot.cases.rule_record import KindRules, RuleRecord
from bot.views.labels import Labels
from bot.views.rule_changes import change_title, policy_changes, record_changes, shorten
from tests.world import policy

LABELS = Labels(actions={"house.order_stock": "Order stock"}, kinds={"low_stock": "Running low"})
RECORD = RuleRecord(
    policy_text="",
    policy_checksum="1",
    kinds={"low_stock": KindRules(owners={"governance": "owners"})},
    actions={"house.order_stock": "1"},
    people_checksum="1",
)


def test_each_changed_value_is_one_line():
    before = policy(actions={"house.order_stock": ActionLimit(times_per_day=1)})
    after = policy(
        actions={"house.order_stock": ActionLimit(times_per_day=2, alone=True)},
        high_above=Decimal(3000),
        autonomy=AutonomyRule(decisions=7),
    )
    lines = policy_changes(before, after, LABELS)
    assert "Order stock, alone: no → yes" in lines
    assert "Order stock, limits: once a day → twice a day" in lines
    assert any(line.startswith("High risk, when: over £2,500.00") for line in lines)
    assert any(line.endswith("→ 7") for line in lines)
    assert policy_changes(before, before, LABELS) == []


def test_what_comes_and_goes_is_said():
    before, after = policy(actions={"house.order_stock": ActionLimit()}), policy(actions={})
    assert policy_changes(before, after, LABELS) == ["Order stock: removed"]
    assert policy_changes(after, before, LABELS) == ["Order stock: new, no, unlimited"]


def test_groups_connectors_and_people_are_named():
    after = replace(
        RECORD,
        kinds={"low_stock": KindRules(owners={"governance": "finance"})},
        actions={"house.order_stock": "2"},
        people_checksum="2",
    )
    assert record_changes(RECORD, after, LABELS) == [
        "“Running low”, governance owner: @owners → @finance",
        "“Order stock” is carried out in another way",
        "Which accounts are one person's",
    ]
    assert change_title(RECORD, after) == (
        "systems.yml, people.yml and playbooks were changed: let them be in force?"
    )


def test_many_changes_are_counted():
    assert shorten(f"line {number}" for number in range(14)).endswith("line 11; and 2 more")

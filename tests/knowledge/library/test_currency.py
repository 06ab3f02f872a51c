"""A company whose money is not pounds writes its currency once, in policy."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.cases.judgement import judge
from bot.cases.plan import Money, Plan, Proposer
from bot.cases.usage import Usage
from bot.cases.verdict import Ruling
from bot.connectors.specs import prepare_action
from knowledge.library import load
from tests.knowledge.library.editing import change


@pytest.fixture
def euros(folder):
    change(folder / "policy.yml", "currency: GBP", "currency: EUR")
    return load(folder)


def order_plan(library) -> Plan:
    system = library.systems["house"]
    action = prepare_action(
        system.actions["order_stock"],
        system="house",
        connector=system.connector,
        parameters={"product_id": 1, "quantity": 24},
        snapshot={"product": "Merlot", "unit": "case", "order_cost": 300.0, "on_order": 0},
    )
    playbook = library.playbook("low_stock")
    return Plan(
        case_id="EX-1",
        revision=1,
        actions=(action,),
        playbook="low_stock",
        playbook_digest=playbook.checksum,
        policy_digest=library.policy().checksum,
        proposer=Proposer.PLAYBOOK,
        requester=None,
        beneficiary=None,
        not_after=datetime(2026, 11, 27, 12, tzinfo=UTC),
    )


def test_a_plan_in_the_currency_of_policy_is_put_before_people(euros):
    plan = order_plan(euros)
    assert plan.actions[0].amount == Money(Decimal("300.00"), "EUR")
    assert str(plan.actions[0].amount).startswith("€")
    verdict = judge(plan, euros.playbook("low_stock").terms, euros.policy(), Usage())
    assert verdict.ruling is Ruling.ASK, verdict.reason


def test_every_stake_is_in_the_currency_of_policy(euros):
    assert {book.stake.currency for book in euros.playbooks.values()} == {"EUR"}
    assert euros.playbook("no_such_kind").stake.currency == "EUR"
    text = euros.playbook("low_stock").text
    assert euros.playbook_from("low_stock", text).stake.currency == "EUR"


def test_an_action_that_says_another_currency_keeps_it(folder):
    change(folder / "policy.yml", "currency: GBP", "currency: EUR\ncurrencies: {USD: 0.9}")
    path = folder / "systems.yml"
    change(
        path, "        amount: order_cost\n", "        amount: order_cost\n        currency: USD\n"
    )
    amount = order_plan(load(folder)).actions[0].amount
    assert amount is not None
    assert amount.currency == "USD"


def test_files_in_pounds_keep_versions_and_checksums_where_they_say_pounds_themselves(folder):
    """What earlier releases took for granted is no change of rules, and no new version."""
    before = load(folder)
    path = folder / "systems.yml"
    change(
        path, "        amount: order_cost\n", "        amount: order_cost\n        currency: GBP\n"
    )
    change(folder / "playbooks" / "low_stock.yml", "stake: {", "stake: {currency: GBP, ")
    after = load(folder)
    assert after.rule_record().actions == before.rule_record().actions
    assert after.playbook("low_stock").version == before.playbook("low_stock").version
    in_euros = replace(before.playbook("low_stock").stake, currency="EUR")
    assert in_euros != before.playbook("low_stock").stake


def test_another_currency_of_policy_is_another_definition_of_what_moves_money(folder):
    before = load(folder).rule_record().actions
    change(folder / "policy.yml", "currency: GBP", "currency: EUR")
    after = load(folder).rule_record().actions
    assert after["house.order_stock"] != before["house.order_stock"]

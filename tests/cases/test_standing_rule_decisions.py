"""What commands about standing rules write, and how the controls hold them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.control_commands import (
    AdoptStandingRule,
    DoubtStandingRule,
    EndRulesAfterOutcome,
    EndStandingRule,
    ProlongStandingRule,
    TakeStageBack,
)
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.entries import RuleEnded, StageChanged, entry_of, entry_plain
from bot.cases.rule_use import RuleHistory
from bot.cases.standing_rule import Bound, StandingRule, rule_from_json, rule_to_json
from bot.cases.standing_rule_decisions import MAX_STANDING_RULES

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DRAFT = StandingRule(
    kind="low_stock",
    actions=("house.order_stock",),
    parameters=(("product_id", "quantity"),),
    bounds=(
        Bound(name="0.quantity", minimum=Decimal(6), maximum=Decimal("12.5")),
        Bound(name="facts.stock.shop", values=("Soho",)),
    ),
    times_per_day=3,
    owner="owners",
    playbook_digest="0" * 64,
    until=NOW + 90 * DAY,
    since=NOW,
)
INSIDE = {"0.quantity": 12, "facts.stock.shop": "Soho"}


def decide(controls, command, at=NOW):
    return decide_controls(controls, command, at)


def adopt(controls=None, *, case="EX-30", rule=DRAFT):
    command = AdoptStandingRule(rule=rule, by_name="Elsie", on_case=case, key=case)
    return decide(controls or DeskControls(), command)


def test_a_rule_is_adopted_once_under_the_name_of_its_case():
    decision = adopt()
    (rule,) = decision.controls.standing_rules
    assert (rule.id, rule.since, rule.by_name) == ("EX-30/1", NOW, "Elsie")
    assert rule.checksum == DRAFT.checksum
    assert adopt(decision.controls).entries == ()
    assert decision.controls.standing_rule("EX-30/1") == rule


def test_entries_read_back_as_they_were_written():
    (entry,) = adopt().entries
    assert entry_of(entry_plain(entry)) == entry
    assert rule_from_json(rule_to_json(DRAFT)) == DRAFT


@pytest.mark.parametrize(
    "change",
    [{"times_per_day": 4}, {"bounds": ()}, {"until": NOW}, {"owner": "x"}, {"kind": "other"}],
)
def test_every_approved_term_is_in_the_checksum(change):
    assert replace(DRAFT, **change).checksum != DRAFT.checksum


def test_there_are_only_so_many():
    controls = DeskControls()
    for number in range(MAX_STANDING_RULES + 3):
        controls = adopt(controls, case=f"EX-{number}").controls
    assert len(controls.standing_rules) == MAX_STANDING_RULES


def test_a_doubt_only_shortens_and_is_said_once():
    controls = adopt().controls
    late = decide(controls, DoubtStandingRule(rule_id="EX-30/1", reason="x", until=NOW + 99 * DAY))
    assert late.controls.standing_rules[0].until == DRAFT.until
    soon = decide(controls, DoubtStandingRule(rule_id="EX-30/1", reason="x", until=NOW + DAY))
    (rule,) = soon.controls.standing_rules
    assert (rule.until, rule.doubt) == (NOW + DAY, "x")
    again = DoubtStandingRule(rule_id="EX-30/1", reason="y", until=NOW)
    assert decide(soon.controls, again).entries == ()


def test_keeping_a_rule_takes_the_doubt_away():
    controls = adopt().controls
    controls = decide(
        controls, DoubtStandingRule(rule_id="EX-30/1", reason="x", until=NOW + DAY)
    ).controls
    keep = ProlongStandingRule(
        rule_id="EX-30/1", until=NOW + 120 * DAY, by_name="Elsie", on_case="EX-31", key="k"
    )
    decision = decide(controls, keep, NOW + DAY / 2)
    (rule,) = decision.controls.standing_rules
    assert (rule.until, rule.doubt, rule.renewed_at) == (NOW + 120 * DAY, "", NOW + DAY / 2)
    assert decision.entries[0].body.before == NOW + DAY
    assert decide(DeskControls(), keep).entries == ()


def test_an_end_is_written_once():
    controls = adopt().controls
    decision = decide(controls, EndStandingRule(rule_id="EX-30/1", reason="unused"))
    assert decision.controls.standing_rules == ()
    assert decide(decision.controls, EndStandingRule(rule_id="EX-30/1", reason="x")).entries == ()


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        ({"figures": INSIDE}, True),
        ({"figures": {**INSIDE, "facts.stock.shop": "Camden"}}, False),
        ({"figures": {**INSIDE, "0.quantity": 13}}, False),
        # It ran by this rule, whatever is known of it now.
        ({"figures": {}, "rule_id": "EX-30/1"}, True),
        ({"figures": None}, True),
        ({"figures": INSIDE, "action": "house.give_notice"}, False),
        ({"figures": INSIDE, "kind": "other"}, False),
    ],
)
def test_a_bad_outcome_ends_the_rules_that_it_is_within(outcome, ends):
    command = EndRulesAfterOutcome(
        **{
            "kind": "low_stock",
            "action": "house.order_stock",
            "reason": "EX-40 was taken back",
            "on_case": "EX-40",
            **outcome,
        }
    )
    decision = decide(adopt().controls, command)
    assert bool(decision.entries) is ends


def test_a_lost_stage_takes_its_rules_along():
    command = TakeStageBack(
        kind="low_stock", action="house.order_stock", reason="EX-40", on_case="EX-40"
    )
    stage, end = (entry.body for entry in decide(adopt().controls, command).entries)
    assert isinstance(stage, StageChanged)
    assert isinstance(end, RuleEnded)


def test_the_rules_of_a_moment_are_those_of_its_entries():
    first = adopt()
    second = decide(first.controls, EndStandingRule(rule_id="EX-30/1", reason="x"), NOW + DAY)
    history = RuleHistory([*first.entries, *second.entries])
    assert history.at(NOW - DAY, "low_stock") == ()
    assert [rule.id for rule in history.at(NOW, "low_stock")] == ["EX-30/1"]
    assert history.at(NOW, "other") == ()
    assert history.at(NOW + DAY, "low_stock") == ()

"""``policy.yml``: mistakes in limits and approvers."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.errors import PlaybookInvalid
from bot.cases.policy import ActionLimit
from bot.cases.policy_rules import RuleEffect
from knowledge.library import load
from knowledge.library.limit_order import find_stakes_without_rate
from knowledge.library.places import LibraryFiles
from tests.knowledge.library.editing import change, refuse

MISTAKES = [
    ("step_up_above: 20000", "step_up_above: 200", "step_up_above is below high_above"),
    ("[{group: floor-managers}]", "[{people: [Ana]}]", "policy.yml:.*people"),
    (
        "[{group: floor-managers}]",
        "[{people: [U0ANA], count: 2}]",
        "2 of 1 people can never be complete",
    ),
    (
        "[{group: floor-managers}]",
        "[{group: floor-managers, owner: business}]",
        "by one of group, people or owner",
    ),
    ("[{group: floor-managers}]", "[{owner: nobody}]", "policy.yml:.*owner"),
    ("high_above: 2500", "high_above: lots", "policy.yml:4: high_above"),
    ("yeses: 8", "yeses: 1", r"policy.yml:39: standing_rules.yeses: .*greater than or equal to 3"),
    ('disuse: "30d"', "disuse: never", r"policy.yml:39: standing_rules.disuse: "),
    (
        "house.order_stock:",
        "house.other:",
        "policy.yml does not list 'house.order_stock', so it could never run",
    ),
    (
        "high: {approvers: [{group: ops-leads}, {group: finance}], expires: 8h}",
        "high: {approvers: [], expires: 8h}",
        "tiers.high.approvers",
    ),
]


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, before, after, complaint):
    refuse(folder / "policy.yml", before, after, complaint=complaint)


MEANINGLESS = [
    ("medium_above: 250", "medium_above: 2501", "policy.yml:4: high_above: .*below medium_above"),
    (
        "step_up_above: 20000",
        "step_up_above: 200",
        "policy.yml:6: step_up_above: .*below high_above",
    ),
    (
        "medium_above: 250",
        "medium_above: -1",
        "policy.yml:3: medium_above: .*greater than or equal to 0",
    ),
    ("medium_above: 250", "medium_above: .nan", "policy.yml:3: medium_above: .*finite"),
    ("high_above: 2500", "high_above: .inf", "policy.yml:4: high_above: .*finite"),
    ("currency: GBP", "currency: pounds", "policy.yml:2: currency"),
    ("  low: {app", "  lowest: {app", "policy.yml:9: tiers.lowest"),
    (
        "  low: {approvers: [{group: floor-managers}], expires: 24h}\n",
        "",
        "policy.yml:8: tiers.low: .*required",
    ),
    ("expires: 8h", "expires: 0s", "policy.yml:11: tiers.high.expires: .*at least 1s"),
    ("expires: 8h", "expires: -8h", "policy.yml:11: tiers.high.expires: .*duration like 30s"),
    ("expires: 8h", "expires: 99999999d", "policy.yml:11: tiers.high.expires: .*at most 3650d"),
    ("expires: 8h", "expires: ²h", "policy.yml:11: tiers.high.expires: .*duration like 30s"),
    (
        "{group: finance}]",
        "{group: finance, count: 0}]",
        "policy.yml:11: tiers.high.approvers.1.count",
    ),
    (
        "{group: finance}]",
        "{group: finance, count: -1}]",
        "policy.yml:11: tiers.high.approvers.1.count",
    ),
    ("emergency: {group: owners,", "emergency: {group: '',", "policy.yml:13: emergency.group"),
    ("review_for: 48h", "review_for: 0h", "policy.yml:13: emergency.review_for"),
    ("{per_plan: 5000,", "{per_plan: -5000,", "policy.yml:16: actions.house.order_stock.per_plan"),
    ("{per_plan: 5000,", "{per_plan: 50000,", "policy.yml:16: .*amount_per_day: .*below per_plan"),
    ("{times_per_day: 40, alone: true}", "{times_per_day: -1}", "policy.yml:15: .*times_per_day"),
    ("{times_per_day: 40, alone: true}", "{times_per_day: true}", "policy.yml:15: .*times_per_day"),
    (
        "{times_per_day: 40, alone: true}",
        "{}",
        "policy.yml:15: actions.house.assign_cover: .*at least one limit.*unlimited: true",
    ),
    ("{times_per_day: 40, alone: true}", "{alone: true}", "policy.yml:15: .*at least one limit"),
    (
        "{times_per_day: 40, alone: true}",
        "{times_per_day: 4, unlimited: true}",
        "policy.yml:15: .*unlimited goes without",
    ),
    (
        "{times_per_day: 40, alone: true}",
        "{per_plan: 40}",
        "policy.yml:15: house.assign_cover declares no amount",
    ),
    (
        "{group: finance}]",
        "{people: [U0ANA]}, {people: [U0ANA, U0BEN], count: 2}]",
        "policy.yml:11: tiers.high.approvers: .*never be complete",
    ),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(("before", "after", "complaint"), MEANINGLESS, ids=range(len(MEANINGLESS)))
def test_a_policy_that_could_not_be_meant_is_refused_with_file_and_line(
    folder, before, after, complaint
):
    refuse(folder / "policy.yml", before, after, complaint=complaint)


@pytest.mark.threat("D6")
def test_an_action_without_limits_says_so(folder):
    change(folder / "policy.yml", "{times_per_day: 40, alone: true}", "{unlimited: true}")
    assert load(folder).policy().actions["house.assign_cover"] == ActionLimit()


@pytest.mark.threat("D6")
def test_the_files_that_are_packaged_are_as_strict_as_they_ask_of_others():
    assert all(
        limit != ActionLimit(alone=limit.alone) for limit in load().policy().actions.values()
    )


def test_approvers_are_a_group_people_or_an_owner_of_the_playbook(folder):
    change(
        folder / "policy.yml",
        "medium: {approvers: [{group: ops-leads}]",
        "medium: {approvers: [{owner: technical}]",
    )
    change(
        folder / "policy.yml",
        "high: {approvers: [{group: ops-leads}",
        "high: {approvers: [{people: [U0BEN, U0ANA]}",
    )
    library = load(folder)
    assert library.rules.tiers["medium"].factors == (ApprovalRequirement("owner:technical", 1),)
    assert library.rules.tiers["high"].factors[0] == ApprovalRequirement("people:U0ANA+U0BEN", 1)
    technical = {playbook.owners.technical for playbook in library.playbooks.values()}
    assert technical | {"people:U0ANA+U0BEN"} <= set(library.deciders())
    assert not [name for name in library.deciders() if name.startswith("owner:")]
    assert library.playbook("low_stock").terms.owners["technical"] in technical


# --- windows, parameters, rules, hours --------------------------------------------------------------


def last_line(folder) -> int:
    return len((folder / "policy.yml").read_text().splitlines())


def append(folder, text: str) -> None:
    path = folder / "policy.yml"
    path.write_text(path.read_text() + text)


RULE = "rules:\n  - when: {}\n    then: {}\n    because: so it is\n"
RULE_MISTAKES = [
    ("plan.amuont > 5", "ask", 2, "did you mean plan.amount"),
    ("plan.amount", "ask", 2, "neither true nor false"),
    ("case.kind == 'low_stok'", "ask", 2, "no kind low_stok; did you mean low_stock"),
    ("action.name == 'house.order_stok'", "ask", 2, "did you mean house.order_stock"),
    ("facts.stok.on_hand > 1", "ask", 2, "no look-up stok; did you mean stock"),
    ("action.parameters.quantty > 1", "ask", 2, "did you mean quantity"),
    ("'true'", "let_it_run", 3, "then: .*'ask', 'refuse' or 'never_alone'"),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(
    ("when", "then", "line", "complaint"), RULE_MISTAKES, ids=range(len(RULE_MISTAKES))
)
def test_a_mistake_in_a_rule_is_told_with_its_line_and_what_was_meant(
    folder, when, then, line, complaint
):
    first = last_line(folder)
    append(folder, RULE.format(f'"{when}"', then))
    with pytest.raises(PlaybookInvalid, match=rf"policy.yml:{first + line}: rules.0.*{complaint}"):
        load(folder)


def test_a_rule_knows_its_line(folder):
    first = last_line(folder)
    append(folder, RULE.format("\"plan.amount > 5 && case.kind == 'low_stock'\"", "ask"))
    (rule,) = load(folder).policy().rules
    assert (rule.line, rule.effect, rule.because) == (first + 2, RuleEffect.ASK, "so it is")


OTHER_MISTAKES = [
    (
        "window: 24h",
        "retention: {cases: 30d}",
        "policy.yml:30: retention.cases: 30d is too short: limits, .* look back 180d",
    ),
    ("window: 24h", "retention: {questions: 2h}", "policy.yml:30: retention.questions: 0.08.*1d"),
    ("window: 24h", "retention: {letters: 30d}", "policy.yml:30: retention"),
    (
        "window: 24h",
        "retention: {cases: 200d, hold: [EX-7, low_stok]}",
        "policy.yml:30: retention.hold: there is no case or kind low_stok; did you mean low_stock",
    ),
    ("never_alone: [house.match", "never_alone: [house.math", "did you mean house.match_and_pay"),
    ("window: 24h", "window: 24y", "policy.yml:30: window: .*duration like"),
    ("window: 24h", "window: 365d", "policy.yml:30: window: .*at most 92d"),
    ("window: 24h", "currencies: {GBP: 1}", "GBP is the currency of policy itself"),
    ("window: 24h", "currencies: {EUR: 0}", "policy.yml:30: currencies.EUR"),
    ("window: 24h", "hours: {open: 8-18}", "policy.yml:30: hours.open"),
    ("window: 24h", "hours: {days: [monday]}", "policy.yml:30: hours.days"),
    (
        "{per_plan: 5000,",
        "{parameters: {quantty: {max: 5}}, per_plan: 5000,",
        "policy.yml:16: house.order_stock has no parameter quantty; did you mean quantity",
    ),
    (
        "{per_plan: 5000,",
        "{parameters: {quantity: {}}, per_plan: 5000,",
        "policy.yml:16: .*needs min, max, one_of or pattern",
    ),
    (
        "{per_plan: 5000,",
        "{over: [{window: 7d}], per_plan: 5000,",
        "policy.yml:16: .*at least one limit",
    ),
    (
        "{times_per_day: 40, alone: true}",
        "{over: [{window: 7d, amount: 5}]}",
        "policy.yml:15: house.assign_cover declares no amount",
    ),
    (
        "{per_plan: 5000,",
        "{over: [{window: 1h, times: 5}, {window: 2h, times: 5}, {window: 3h, times: 5},"
        " {window: 4h, times: 5}], per_plan: 5000,",
        "at most 4 different windows",
    ),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(
    ("before", "after", "complaint"), OTHER_MISTAKES, ids=range(len(OTHER_MISTAKES))
)
def test_a_mistake_in_hours_windows_rates_and_bounds_is_told_where_it_is(
    folder, before, after, complaint
):
    refuse(folder / "policy.yml", before, after, complaint=complaint)


def test_an_action_in_another_currency_needs_a_rate(folder):
    change(folder / "policy.yml", "currency: GBP", "currency: EUR")
    path = folder / "systems.yml"
    change(
        path, "        amount: order_cost\n", "        amount: order_cost\n        currency: GBP\n"
    )
    complaint = "systems.yml:.*house.order_stock moves GBP; policy.yml speaks EUR.*give GBP a rate"
    with pytest.raises(PlaybookInvalid, match=complaint):
        load(folder)
    append(folder, "currencies: {GBP: 1.15}\n")
    assert load(folder).policy().currencies == {"GBP": Decimal("1.15")}


def test_a_stake_in_a_currency_without_a_rate_is_named_by_the_check(folder):
    path = folder / "playbooks" / "low_stock.yml"
    change(path, "stake: {", "stake: {currency: JPY, ")
    (finding,) = find_stakes_without_rate(load(folder), LibraryFiles(folder))
    assert "the stake of low_stock is in JPY, and policy.yml has no rate for it" in finding.sentence
    assert finding.place.startswith("playbooks/low_stock.yml:")
    append(folder, "currencies: {JPY: 0.005}\n")
    assert list(find_stakes_without_rate(load(folder), LibraryFiles(folder))) == []


@pytest.mark.threat("D6")
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "Nothing may run without a policy: put policy.yml back"),
        ("", "Nothing may run by a policy with mistakes: correct policy.yml"),
        ("currency: [", "Nothing may run by a policy with mistakes"),
        ("\x00\xff", "Nothing may run by a policy with mistakes"),
        ("currency: GBP\n", "policy.yml:1: tiers: .*required"),
    ],
)
def test_a_missing_or_corrupt_policy_opens_no_door_and_says_what_to_do(folder, content, complaint):
    path = folder / "policy.yml"
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(PlaybookInvalid, match=complaint):
        load(folder)


def test_what_is_shipped_never_lets_money_run_alone_and_counts_split_orders_together():
    rules = load().policy()
    assert set(rules.never_alone) == {"house.match_and_pay", "house.give_notice"}
    assert rules.window == timedelta(days=1)

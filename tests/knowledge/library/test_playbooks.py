"""``playbooks/*.yml``: each by itself, and against systems and policy."""

import pytest

from bot.cases.errors import PlaybookInvalid
from bot.cases.policy import Stage
from knowledge.library import load, read_playbook
from knowledge.library.library import PACKAGED
from tests.knowledge.library.editing import change, refuse

MISTAKES = [
    ("every: 60s", "every: often", "low_stock.yml:15: signal.every: .*duration like 30s"),
    ("title:", "titel:", "low_stock.yml"),
    ('channel: "#stock"', "channel: Stock room", "low_stock.yml:3: channel"),
    (
        "system: house",
        "system: home",
        "systems.yml has no system 'home'; it has carrier, house, slack",
    ),
    ("action: house.order_stock", "action: house.order_stok", "has no action 'house.order_stok'"),
    ("edit: [quantity]", "edit: [price]", "edit names price, which is no parameter here"),
    ("stock.days_left >= supplier.lead_days", "stock.days_left >= [", "not a JMESPath expression"),
    ("kind: low_stock", "kind: lead_cold", "another playbook is already for lead_cold"),
    ("- name: stock", "- name: signal", "signal is what came in"),
    ("parameters: {product_id", "parameters: {now: signal.x, product_id", "now is filled"),
]


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, before, after, complaint):
    refuse(folder / "playbooks/low_stock.yml", before, after, complaint=complaint)


MEANINGLESS = [
    (
        "expires: 12h",
        "approvers: [{owner: legal}], expires: 12h",
        "low_stock.yml:.*approval.approvers.0.owner",
    ),
    ("business: floor-managers, ", "", "low_stock.yml:.*owners.business: .*required"),
    ("operations: ops-leads, ", "", r"low_stock.yml:\d+: owners.operations: .*required"),
    ("technical: ops-leads, ", "", r"low_stock.yml:\d+: owners.technical: .*required"),
    ("governance: owners, ", "", r"low_stock.yml:\d+: owners.governance: .*required"),
    ("governance: owners", "governance: ''", r"low_stock.yml:\d+: owners.governance"),
    (
        "    system: house\n    query: SELECT CAST",
        "    system: home\n    query: SELECT CAST",
        r"low_stock.yml:\d+: measure.denominator: systems.yml has no system 'home'",
    ),
    (
        "julianday(:since)",
        "0",
        r"low_stock.yml:\d+: measure.denominator: the query must name :since and :until",
    ),
    (
        "name: product weeks",
        "names: product weeks",
        r"low_stock.yml:\d+: measure.denominator.names: Extra inputs are not permitted",
    ),
    (
        "baseline: {weeks: 8}",
        "baseline: {rework: 0.1}",
        r"low_stock.yml:\d+: measure.baseline: say in source who measured",
    ),
    ("business: floor-managers", "business: ''", "low_stock.yml:.*owners.business"),
    ("every: 60s", "every: 0s", "low_stock.yml:15: signal.every: .*at least 1s"),
    ("decide_for: 4h", "decide_for: 0h", "low_stock.yml:.*measure.decide_for"),
    (
        "resolve_for: 48h",
        "resolve_for: 1h",
        "low_stock.yml:.*measure.resolve_for: .*below decide_for",
    ),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(("before", "after", "complaint"), MEANINGLESS, ids=range(len(MEANINGLESS)))
def test_a_playbook_that_could_not_be_meant_is_refused_with_file_and_line(
    folder, before, after, complaint
):
    refuse(folder / "playbooks/low_stock.yml", before, after, complaint=complaint)


def test_the_parameters_of_an_offer_are_those_of_its_action(folder):
    refuse(
        folder / "playbooks/lead_cold.yml",
        "due_on: lead.call_on}\n    edit: [due_on]\n    limits: {due_on: {min: lead.call_on}}",
        "on: lead.call_on}",
        complaint="takes due_on, lead_id; given lead_id, on",
    )


def test_what_the_program_fills_in_is_no_field_of_the_file(folder):
    for line in ("checksum: x", "'[computed]x': y", "terms: {}"):
        change(folder / "playbooks/low_stock.yml", "kind: low_stock", f"kind: low_stock\n{line}")
    change(folder / "playbooks/low_stock.yml", "expires: 12h", "expires: 12h, owners: {a: b}")
    with pytest.raises(PlaybookInvalid) as failure:
        load(folder)
    complaints = str(failure.value).splitlines()
    assert len(complaints) == 4
    assert all("Extra inputs are not permitted" in complaint for complaint in complaints)


@pytest.mark.threat("D6")
def test_people_of_policy_and_playbook_who_are_too_few_together_are_told(folder):
    change(folder / "policy.yml", "{group: finance}]", "{people: [U0ANA, U0BEN]}]")
    change(
        folder / "playbooks/low_stock.yml",
        "expires: 12h",
        "approvers: [{people: [U0ANA]}, {people: [U0BEN]}]",
    )
    with pytest.raises(
        PlaybookInvalid, match="low_stock.yml:61: approval: at high risk .*never be complete"
    ):
        load(folder)


def test_shadow_mode_is_for_every_playbook():
    assert {playbook.terms.stage for playbook in load(stage=Stage.SHADOW).playbooks.values()} == {
        Stage.SHADOW
    }


def test_a_file_cannot_give_what_is_earned(tmp_path):
    path = tmp_path / "low_stock.yml"
    text = (PACKAGED / "packs/stock/playbooks/low_stock.yml").read_text()
    path.write_text(text.replace("approval: {", "approval: {stage: autonomous, "))
    with pytest.raises(PlaybookInvalid, match="an action earns to run alone"):
        read_playbook(path)

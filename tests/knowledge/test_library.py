"""YAML read strictly: every mistake is told with file, line and what is allowed; nothing half-understood is used."""

import shutil

import pytest

from bot.cases.approval import Factor
from bot.cases.errors import PlaybookInvalid
from bot.cases.identity import UNLINKED
from bot.cases.policy import Stage
from knowledge.library import PACKAGED, load


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(PACKAGED, tmp_path / "library", ignore=shutil.ignore_patterns("*.py", "__pycache__", "minilm"))
    return tmp_path / "library"


def change(folder, name, before, after):
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


MISTAKES = [
    ("policy.yml", "step_up_above: 20000", "step_up_above: 200", "step_up_above is below high_above"),
    ("policy.yml", "[{group: floor-managers}]", "[{people: [Ana]}]", "policy.yml:.*people"),
    ("policy.yml", "[{group: floor-managers}]", "[{people: [U0ANA], count: 2}]", "2 of 1 people can never be complete"),
    (
        "policy.yml",
        "[{group: floor-managers}]",
        "[{group: floor-managers, owner: business}]",
        "by one of group, people or owner",
    ),
    ("policy.yml", "[{group: floor-managers}]", "[{owner: nobody}]", "policy.yml:.*owner"),
    ("playbooks/low_stock.yml", "every: 60s", "every: often", "low_stock.yml:15: signal.every: .*duration like 30s"),
    ("playbooks/low_stock.yml", "title:", "titel:", "low_stock.yml"),
    ("playbooks/low_stock.yml", "channel: C0STOCK", "channel: stock", "low_stock.yml:3: channel"),
    (
        "playbooks/low_stock.yml",
        "system: house",
        "system: home",
        "systems.yml has no system 'home'; it has house, slack",
    ),
    (
        "playbooks/low_stock.yml",
        "action: house.order_stock",
        "action: house.order_stok",
        "has no action 'house.order_stok'",
    ),
    ("playbooks/low_stock.yml", "edit: [quantity]", "edit: [price]", "edit names price, which is no parameter here"),
    (
        "playbooks/lead_cold.yml",
        "due_on: lead.call_on}\n    edit: [due_on]",
        "on: lead.call_on}",
        "takes due_on, lead_id; given lead_id, on",
    ),
    (
        "playbooks/low_stock.yml",
        "stock.days_left >= supplier.lead_days",
        "stock.days_left >= [",
        "not a JMESPath expression",
    ),
    ("playbooks/low_stock.yml", "kind: low_stock", "kind: lead_cold", "another playbook is already for lead_cold"),
    (
        "playbooks/low_stock.yml",
        "kind: low_stock",
        "kind: low_stock\nkind: low_stock",
        "low_stock.yml:2: .*duplicate key",
    ),
    ("playbooks/low_stock.yml", "kind: low_stock", "kind: !!python/object/apply:os.system [x]", "tags are not allowed"),
    ("playbooks/low_stock.yml", "kind: low_stock", "kind: &a low_stock", "anchors"),
    ("playbooks/low_stock.yml", "kind: low_stock", "kind: [", "low_stock.yml"),
    ("playbooks/unrecognised.yml", "kind: unrecognised", "kind: something", "one must be for kind unrecognised"),
    ("policy.yml", "high_above: 2500", "high_above: lots", "policy.yml:4: high_above"),
    (
        "policy.yml",
        "house.order_stock:",
        "house.other:",
        "policy.yml does not list 'house.order_stock', so it could never run",
    ),
    (
        "policy.yml",
        "high: {approvers: [{group: ops-leads}, {group: finance}], expires: 8h}",
        "high: {approvers: [], expires: 8h}",
        "tiers.high.approvers",
    ),
    (
        "systems.yml",
        "precondition: |\n          SELECT b.status",
        "precondition: |\n          DELETE b.status",
        "precondition and verify must be SELECTs",
    ),
    ("systems.yml", "url_env: HARBOUR_VINE_URL", "url_env: sqlite:///x", "url_env"),
    (
        "sources.yml",
        "token_env: [COUNTERSIGN_SOURCE_ALERTMANAGER_TOKEN]",
        "per_minute: 5",
        "a source needs token_env or webhook_secret_env",
    ),
    ("sources.yml", "format: mapping", "format: signal", "format: mapping goes with a mapping"),
    ("people.yml", "people: []", "people: [{name: Ana}]", "people.yml:7: people.0.accounts: Field required"),
    ("people.yml", "people: []", "people:\n  - {name: Ana, accounts: []}", "people.yml:8: people.0.accounts"),
    (
        "people.yml",
        "people: []",
        'people:\n  - {name: Ana, accounts: ["staff:17"]}',
        "people.yml:8: people.0: .*one of the accounts must be in Slack, as team/user",
    ),
    (
        "people.yml",
        "people: []",
        "people:\n  - {name: Ana, accounts: [T1/UANA, 17]}",
        "people.yml:8: people.0.accounts.1: .*string",
    ),
    (
        "people.yml",
        "people: []",
        'people:\n  - {name: Ana, accounts: [T1/UANA, " x"]}',
        "people.yml:8: people.0.accounts.1: .*pattern",
    ),
    (
        "people.yml",
        "people: []",
        'people:\n  - {name: Ana, accounts: [T1/UANA, "*"]}',
        "people.yml:8: people.0.accounts.1: .*pattern",
    ),
    (
        "people.yml",
        "people: []",
        "people:\n  - {name: Ana, accounts: [T1/UANA, a@x.example]}\n  - {name: Ben, accounts: [T1/UBEN, A@X.example]}",
        "people.yml: a@x.example belongs to Ana and to Ben; an account is one person's",
    ),
]


@pytest.mark.parametrize(("name", "before", "after", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, name, before, after, said):
    change(folder, name, before, after)
    with pytest.raises(PlaybookInvalid, match=said):
        load(folder)


@pytest.mark.threat("B6")
def test_people_are_declared_with_all_their_accounts_and_the_file_may_be_missing(folder):
    change(folder, "people.yml", "people: []", 'people:\n  - {name: Ana, accounts: [T1/UANA, T2/UTWO, "staff:17"]}')
    people = load(folder).identities()
    assert {people.person_of(account) for account in ("T1/UANA", "T2/UTWO", "STAFF:17")} == {"T1/UANA"}
    assert people.person_of("staff:18") is None
    (folder / "people.yml").unlink()
    assert load(folder).identities() == UNLINKED == load().identities()


def test_all_mistakes_are_told_at_once(folder):
    change(folder, "playbooks/low_stock.yml", "every: 60s", "every: often")
    change(folder, "playbooks/lead_cold.yml", "every: 60s", "every: often")
    with pytest.raises(PlaybookInvalid) as told:
        load(folder)
    assert len(str(told.value).splitlines()) == 2


def test_a_missing_or_huge_or_binary_file_is_refused(folder):
    (folder / "policy.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(PlaybookInvalid, match="not UTF-8"):
        load(folder)
    (folder / "policy.yml").write_text("a: " + "x" * 300_000)
    with pytest.raises(PlaybookInvalid, match="larger than"):
        load(folder)
    (folder / "policy.yml").unlink()
    with pytest.raises(PlaybookInvalid, match="No such file"):
        load(folder)


def test_shadow_mode_is_for_every_playbook():
    assert {playbook.terms.stage for playbook in load(stage=Stage.SHADOW).playbooks.values()} == {Stage.SHADOW}


def test_approvers_are_a_group_people_or_an_owner_of_the_playbook(folder):
    change(folder, "policy.yml", "medium: {approvers: [{group: ops-leads}]", "medium: {approvers: [{owner: technical}]")
    change(folder, "policy.yml", "high: {approvers: [{group: ops-leads}", "high: {approvers: [{people: [U0BEN, U0ANA]}")
    found = load(folder)
    assert found.rules.tiers["medium"].factors == (Factor("owner:technical", 1),)
    assert found.rules.tiers["high"].factors[0] == Factor("people:U0ANA+U0BEN", 1)
    technical = {playbook.owners.technical for playbook in found.playbooks.values()}
    assert technical | {"people:U0ANA+U0BEN"} <= set(found.deciders())
    assert not [name for name in found.deciders() if name.startswith("owner:")]
    assert found.playbook("low_stock").terms.owners["technical"] in technical

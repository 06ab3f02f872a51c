"""YAML read strictly: every mistake is told with file, line and what is allowed; nothing half-understood is used."""

import os
import shutil
import subprocess
import sys

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.errors import PlaybookInvalid
from bot.cases.identity import UNLINKED
from bot.cases.policy import ActionLimit, Stage
from knowledge.library import PACKAGED, load


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(
        PACKAGED,
        tmp_path / "library",
        ignore=shutil.ignore_patterns("*.py", "__pycache__", "minilm"),
    )
    return tmp_path / "library"


def change(folder, name, before, after):
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


MISTAKES = [
    (
        "policy.yml",
        "step_up_above: 20000",
        "step_up_above: 200",
        "step_up_above is below high_above",
    ),
    ("policy.yml", "[{group: floor-managers}]", "[{people: [Ana]}]", "policy.yml:.*people"),
    (
        "policy.yml",
        "[{group: floor-managers}]",
        "[{people: [U0ANA], count: 2}]",
        "2 of 1 people can never be complete",
    ),
    (
        "policy.yml",
        "[{group: floor-managers}]",
        "[{group: floor-managers, owner: business}]",
        "by one of group, people or owner",
    ),
    ("policy.yml", "[{group: floor-managers}]", "[{owner: nobody}]", "policy.yml:.*owner"),
    (
        "playbooks/low_stock.yml",
        "every: 60s",
        "every: often",
        "low_stock.yml:15: signal.every: .*duration like 30s",
    ),
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
    (
        "playbooks/low_stock.yml",
        "edit: [quantity]",
        "edit: [price]",
        "edit names price, which is no parameter here",
    ),
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
    (
        "playbooks/low_stock.yml",
        "kind: low_stock",
        "kind: lead_cold",
        "another playbook is already for lead_cold",
    ),
    (
        "playbooks/low_stock.yml",
        "kind: low_stock",
        "kind: low_stock\nkind: low_stock",
        "low_stock.yml:2: .*duplicate key",
    ),
    (
        "playbooks/low_stock.yml",
        "kind: low_stock",
        "kind: !!python/object/apply:os.system [x]",
        "tags are not allowed",
    ),
    ("playbooks/low_stock.yml", "kind: low_stock", "kind: &a low_stock", "anchors"),
    ("playbooks/low_stock.yml", "kind: low_stock", "kind: [", "low_stock.yml"),
    (
        "playbooks/unrecognised.yml",
        "kind: unrecognised",
        "kind: something",
        "one must be for kind unrecognised",
    ),
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
    (
        "people.yml",
        "people: []",
        "people: [{name: Ana}]",
        "people.yml:7: people.0.accounts: Field required",
    ),
    (
        "people.yml",
        "people: []",
        "people:\n  - {name: Ana, accounts: []}",
        "people.yml:8: people.0.accounts",
    ),
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
    *(
        (
            "sources.yml",
            "  api:\n",
            f"  {name}:\n",
            f"sources.yml: source {name} is called as the desk calls itself",
        )
        for name in ("absence", "slack", "try", "countersign", "policy", "operator", "desk")
    ),
    (
        "sources.yml",
        "  api:\n",
        "  house:\n",
        "source house is called like a system of systems.yml",
    ),
    ("sources.yml", "format: signal", "format: signal\n    kinds: []", "kinds is empty"),
    ("sources.yml", "format: signal", "format: signal\n    kinds:", "sources.api.kinds: .*list"),
    ("sources.yml", "kind: service_alert", "kind: service_alert\n    kinds: [other]", "not both"),
    (
        "sources.yml",
        "kind: service_alert",
        "kinds: [service_alert]",
        "an alert names no kind; say kind",
    ),
    (
        "sources.yml",
        "      key: id",
        "      key: id\n      kind: type",
        "say kinds instead of kind",
    ),
    (
        "sources.yml",
        "format: signal",
        "format: signal\n    domain: events",
        "domain events is the name of a source",
    ),
    (
        "sources.yml",
        "format: signal",
        "format: signal\n    domain: house",
        "domain house is the name of a source",
    ),
    (
        "sources.yml",
        "format: signal",
        "format: signal\n    domain: slack",
        "domain slack is called as the desk",
    ),
    (
        "playbooks/low_stock.yml",
        "every: 60s",
        "every: 60s\n  domain: api",
        "domain api is the name of a source",
    ),
    ("playbooks/low_stock.yml", "- name: stock", "- name: signal", "signal is what came in"),
    (
        "playbooks/low_stock.yml",
        "parameters: {product_id",
        "parameters: {now: signal.x, product_id",
        "now is filled",
    ),
    (
        "systems.yml",
        "note_id: integer, staff_id",
        "key: integer, staff_id",
        "key is filled by the desk itself",
    ),
    (
        "systems.yml",
        "note_id: integer, staff_id",
        "done_key: integer, staff_id",
        "done_key is filled by the desk",
    ),
    (
        "systems.yml",
        "note_id: integer, staff_id",
        "was_open: integer, staff_id",
        "was_open is filled by the desk",
    ),
]
SILENCE = "\nabsence: {subjects: [x], title: nothing from x, within: 1h, every: 1m"


@pytest.mark.parametrize(("name", "before", "after", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, name, before, after, said):
    change(folder, name, before, after)
    with pytest.raises(PlaybookInvalid, match=said):
        load(folder)


@pytest.mark.threat("B6")
def test_people_are_declared_with_all_their_accounts_and_the_file_may_be_missing(folder):
    change(
        folder,
        "people.yml",
        "people: []",
        'people:\n  - {name: Ana, accounts: [T1/UANA, T2/UTWO, "staff:17"]}',
    )
    people = load(folder).identities()
    assert {people.person_of(account) for account in ("T1/UANA", "T2/UTWO", "STAFF:17")} == {
        "T1/UANA"
    }
    assert people.person_of("staff:18") is None
    (folder / "people.yml").unlink()
    assert load(folder).identities() == UNLINKED == load().identities()


THREATS = [
    (
        "policy.yml",
        "medium_above: 250",
        "medium_above: 2501",
        "policy.yml:4: high_above: .*below medium_above",
    ),
    (
        "policy.yml",
        "step_up_above: 20000",
        "step_up_above: 200",
        "policy.yml:6: step_up_above: .*below high_above",
    ),
    (
        "policy.yml",
        "medium_above: 250",
        "medium_above: -1",
        "policy.yml:3: medium_above: .*greater than or equal to 0",
    ),
    (
        "policy.yml",
        "medium_above: 250",
        "medium_above: .nan",
        "policy.yml:3: medium_above: .*finite",
    ),
    ("policy.yml", "high_above: 2500", "high_above: .inf", "policy.yml:4: high_above: .*finite"),
    ("policy.yml", "currency: GBP", "currency: pounds", "policy.yml:2: currency"),
    (
        "policy.yml",
        "currency: GBP",
        "currency: EUR",
        "systems.yml:.*house.order_stock.*GBP.*policy.yml speaks EUR",
    ),
    ("policy.yml", "  low: {app", "  lowest: {app", "policy.yml:9: tiers.lowest"),
    (
        "policy.yml",
        "  low: {approvers: [{group: floor-managers}], expires: 24h}\n",
        "",
        "policy.yml:8: tiers.low: .*required",
    ),
    (
        "policy.yml",
        "expires: 8h",
        "expires: 0s",
        "policy.yml:11: tiers.high.expires: .*at least 1s",
    ),
    (
        "policy.yml",
        "expires: 8h",
        "expires: -8h",
        "policy.yml:11: tiers.high.expires: .*duration like 30s",
    ),
    (
        "policy.yml",
        "expires: 8h",
        "expires: 99999999d",
        "policy.yml:11: tiers.high.expires: .*at most 3650d",
    ),
    (
        "policy.yml",
        "expires: 8h",
        "expires: ²h",
        "policy.yml:11: tiers.high.expires: .*duration like 30s",
    ),
    (
        "policy.yml",
        "{group: finance}]",
        "{group: finance, count: 0}]",
        "policy.yml:11: tiers.high.approvers.1.count",
    ),
    (
        "policy.yml",
        "{group: finance}]",
        "{group: finance, count: -1}]",
        "policy.yml:11: tiers.high.approvers.1.count",
    ),
    (
        "policy.yml",
        "emergency: {group: owners,",
        "emergency: {group: '',",
        "policy.yml:13: emergency.group",
    ),
    ("policy.yml", "review_for: 48h", "review_for: 0h", "policy.yml:13: emergency.review_for"),
    (
        "policy.yml",
        "{per_plan: 5000,",
        "{per_plan: -5000,",
        "policy.yml:16: actions.house.order_stock.per_plan",
    ),
    (
        "policy.yml",
        "{per_plan: 5000,",
        "{per_plan: 50000,",
        "policy.yml:16: .*amount_per_day: .*below per_plan",
    ),
    ("policy.yml", "{times_per_day: 40}", "{times_per_day: -1}", "policy.yml:15: .*times_per_day"),
    (
        "policy.yml",
        "{times_per_day: 40}",
        "{times_per_day: true}",
        "policy.yml:15: .*times_per_day",
    ),
    (
        "policy.yml",
        "{times_per_day: 40}",
        "{}",
        "policy.yml:15: actions.house.assign_cover: .*at least one limit.*unlimited: true",
    ),
    ("policy.yml", "{times_per_day: 40}", "{alone: true}", "policy.yml:15: .*at least one limit"),
    (
        "policy.yml",
        "{times_per_day: 40}",
        "{times_per_day: 4, unlimited: true}",
        "policy.yml:15: .*unlimited goes without",
    ),
    (
        "policy.yml",
        "{times_per_day: 40}",
        "{per_plan: 40}",
        "policy.yml:15: house.assign_cover declares no amount",
    ),
    (
        "policy.yml",
        "{group: finance}]",
        "{people: [U0ANA]}, {people: [U0ANA, U0BEN], count: 2}]",
        "policy.yml:11: tiers.high.approvers: .*never be complete",
    ),
    (
        "playbooks/low_stock.yml",
        "expires: 12h",
        "approvers: [{owner: legal}], expires: 12h",
        "low_stock.yml:.*approval.approvers.0.owner",
    ),
    (
        "playbooks/low_stock.yml",
        "business: floor-managers, ",
        "",
        "low_stock.yml:.*owners.business: .*required",
    ),
    (
        "playbooks/low_stock.yml",
        "business: floor-managers",
        "business: ''",
        "low_stock.yml:.*owners.business",
    ),
    (
        "playbooks/low_stock.yml",
        "every: 60s",
        "every: 0s",
        "low_stock.yml:15: signal.every: .*at least 1s",
    ),
    (
        "playbooks/low_stock.yml",
        "decide_for: 4h",
        "decide_for: 0h",
        "low_stock.yml:.*measure.decide_for",
    ),
    (
        "playbooks/low_stock.yml",
        "resolve_for: 48h",
        "resolve_for: 1h",
        "low_stock.yml:.*measure.resolve_for: .*below decide_for",
    ),
    (
        "systems.yml",
        "timeout: 1500ms",
        "timeout: 0s",
        "systems.yml:.*systems.house.sql.timeout: .*greater than or equal to",
    ),
    ("systems.yml", "undo_for: 30m", "undo_for: 0m", "systems.yml:.*undo_for: .*at least 1s"),
    (
        "systems.yml",
        "undo_for: 30m",
        "undo_for: -30m",
        "systems.yml:.*undo_for: .*duration like 30s",
    ),
    (
        "systems.yml",
        "parameters: {to: text, text: text}",
        "amount: price\n        parameters: {to: text, text: text}",
        "systems.yml:.*tell: amount names price, which is no parameter",
    ),
    (
        "systems.yml",
        "parameters: {to: text, text: text}",
        "amount: to\n        parameters: {to: text, text: text}",
        "systems.yml:.*tell: amount names to, which is text",
    ),
    (
        "systems.yml",
        "amount: order_cost",
        "amount: order_cost\n        currency: quid",
        "systems.yml:.*currency",
    ),
    (
        "sources.yml",
        "format: cloudevents",
        "format: cloudevents\n    per_minute: 0",
        "sources.yml:.*per_minute",
    ),
    (
        "sources.yml",
        "format: cloudevents",
        "format: cloudevents\n    per_minute: true",
        "sources.yml:.*per_minute",
    ),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(("name", "before", "after", "said"), THREATS, ids=range(len(THREATS)))
def test_a_policy_that_could_not_be_meant_is_refused_with_file_and_line(
    folder, name, before, after, said
):
    change(folder, name, before, after)
    with pytest.raises(PlaybookInvalid, match=said):
        load(folder)


@pytest.mark.threat("D6")
def test_people_of_policy_and_playbook_who_are_too_few_together_are_told(folder):
    change(folder, "policy.yml", "{group: finance}]", "{people: [U0ANA, U0BEN]}]")
    change(
        folder,
        "playbooks/low_stock.yml",
        "expires: 12h",
        "approvers: [{people: [U0ANA]}, {people: [U0BEN]}]",
    )
    with pytest.raises(
        PlaybookInvalid, match="low_stock.yml:47: approval: at high risk .*never be complete"
    ):
        load(folder)


@pytest.mark.threat("D6")
def test_a_limit_for_an_action_that_does_not_exist_is_asked_about(folder):
    assert load(folder).limits_without_action() == []
    change(
        folder,
        "policy.yml",
        "  slack.tell:",
        "  house.asign_cover: {times_per_day: 4}\n  slack.tell:",
    )
    assert load(folder).limits_without_action() == ["house.asign_cover"]


@pytest.mark.threat("D6")
def test_an_action_without_limits_says_so(folder):
    change(folder, "policy.yml", "{times_per_day: 40}", "{unlimited: true}")
    assert load(folder).policy().actions["house.assign_cover"] == ActionLimit()


@pytest.mark.threat("D6")
def test_the_files_that_are_packaged_are_as_strict_as_they_ask_of_others():
    assert all(
        limit != ActionLimit(alone=limit.alone) for limit in load().policy().actions.values()
    )


@pytest.mark.threat("D6")
def test_the_command_that_checks_says_it(folder, tmp_path):
    change(folder, "policy.yml", "medium_above: 250", "medium_above: 2501")
    change(folder, "policy.yml", "{times_per_day: 40}", "{}")
    asked = {"COUNTERSIGN_LIBRARY_DIR": str(folder), "COUNTERSIGN_DATA_DIR": str(tmp_path / "data")}
    asked |= {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "check"],
        env=asked,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path.parent,
    )
    assert done.returncode == 1
    assert "policy.yml:4: high_above" in done.stderr
    assert "policy.yml:15: actions.house.assign_cover" in done.stderr


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
    assert {playbook.terms.stage for playbook in load(stage=Stage.SHADOW).playbooks.values()} == {
        Stage.SHADOW
    }


def test_approvers_are_a_group_people_or_an_owner_of_the_playbook(folder):
    change(
        folder,
        "policy.yml",
        "medium: {approvers: [{group: ops-leads}]",
        "medium: {approvers: [{owner: technical}]",
    )
    change(
        folder,
        "policy.yml",
        "high: {approvers: [{group: ops-leads}",
        "high: {approvers: [{people: [U0BEN, U0ANA]}",
    )
    found = load(folder)
    assert found.rules.tiers["medium"].factors == (ApprovalRequirement("owner:technical", 1),)
    assert found.rules.tiers["high"].factors[0] == ApprovalRequirement("people:U0ANA+U0BEN", 1)
    technical = {playbook.owners.technical for playbook in found.playbooks.values()}
    assert technical | {"people:U0ANA+U0BEN"} <= set(found.deciders())
    assert not [name for name in found.deciders() if name.startswith("owner:")]
    assert found.playbook("low_stock").terms.owners["technical"] in technical


# --- who may speak -----------------------------------------------------------------------------------------------------------


def hushed(folder, rest):
    """Low stock with a silence to notice: what ought to be heard is said in ``rest``."""
    change(folder, "playbooks/low_stock.yml", "\nwhat:", f"{SILENCE}{rest}}}\nwhat:")
    return load(folder).playbook("low_stock").absence


@pytest.mark.threat("A6")
def test_a_source_says_its_domain_and_its_kinds(folder):
    change(
        folder,
        "sources.yml",
        "format: signal",
        "format: signal\n    domain: tills\n    kinds: [low_stock]",
    )
    change(folder, "playbooks/low_stock.yml", "every: 60s", "every: 60s\n  domain: tills")
    library = load(folder)
    source, detection = library.sources["api"], library.playbook("low_stock").detection
    assert (source.origin, source.allowed, detection.domain) == ("tills", ("low_stock",), "tills")
    assert (library.sources["stripe"].origin, library.sources["stripe"].allowed) == (
        "stripe",
        ("failed_payment",),
    )
    assert library.sources["events"].allowed == ()


@pytest.mark.threat("A6")
def test_a_domain_may_have_the_name_of_one_that_is_in_it(folder):
    change(folder, "sources.yml", "format: signal", "format: signal\n    domain: api")
    change(folder, "sources.yml", "format: cloudevents", "format: cloudevents\n    domain: api")
    assert {source.origin for source in load(folder).sources.values()} == {
        "api",
        "alertmanager",
        "stripe",
    }


@pytest.mark.threat("A6")
@pytest.mark.parametrize(("rest", "origin"), [(", from: api", "api"), (", from: tills", "tills")])
def test_a_silence_names_who_ought_to_be_heard_of(folder, rest, origin):
    if origin == "tills":
        change(
            folder, "sources.yml", "format: cloudevents", "format: cloudevents\n    domain: tills"
        )
    assert hushed(folder, rest).origin == origin


@pytest.mark.threat("A6")
def test_a_silence_listens_to_the_one_source_of_its_kind_when_none_is_named(folder):
    change(
        folder, "sources.yml", "format: signal", "format: signal\n    kinds: [low_stock, lead_cold]"
    )
    assert hushed(folder, "").origin == "api"


@pytest.mark.threat("A6")
@pytest.mark.parametrize(
    ("rest", "complaint"),
    [
        (
            "",
            "low_stock: absence.from: say which source or domain ought to be heard of .*alertmanager, api",
        ),
        (", from: nobody", "there is no source or domain nobody"),
        (", from: stripe", "nobody of stripe may send low_stock; add it to kinds"),
        (", origin: api", "absence.origin"),
    ],
)
def test_a_silence_that_could_never_end_is_refused(folder, rest, complaint):
    with pytest.raises(PlaybookInvalid, match=complaint):
        hushed(folder, rest)

"""``programs.yml``: checked against the other files, and under four eyes like them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.views.rule_changes import change_title, record_changes
from knowledge.library import load
from knowledge.library.programs import check_programs
from tests.knowledge.library.editing import change, refuse

PERSON = "T012AB3CD/U012AB3CD"
ACTS_FOR = "acts_for: []"
REFUND = "refund_deposit: {title: Refund a booking deposit, amount: deposit, per_request: 250, amount_per_day: 1000}"
ORDER = "house.order_stock: {per_request: 500}"


@pytest.fixture
def path(folder):
    return folder / "programs.yml"


def test_a_library_without_the_file_has_no_programs(folder, path):
    path.unlink()
    assert load(folder).programs == {}


def test_the_programs_of_the_sample_company(folder):
    library = load(folder)
    program = library.programs["stock-agent"]
    assert (program.source, program.system, program.approval_kind) == (
        "program:stock-agent",
        "program_stock_agent",
        "request_of_stock_agent",
    )
    limit = library.policy().actions["program_stock_agent.refund_deposit"]
    assert (limit.per_plan, limit.amount_per_day, limit.alone) == (
        Decimal(250),
        Decimal(1000),
        False,
    )
    playbook = library.playbook("request_of_stock_agent")
    assert (playbook.channel, playbook.owners.business) == ("C0STOCK", "floor-managers")
    labels = library.labels()
    assert (
        labels.system("program:stock-agent")
        == labels.system("program_stock_agent")
        == "Stock agent"
    )
    assert labels.action("program_stock_agent.refund_deposit") == "Refund a booking deposit"


def test_a_program_that_says_little_is_where_unrecognised_cases_are(folder, path):
    for line in ('channel: "#stock"', "owner: floor-managers"):
        change(path, line, "# none")
    library = load(folder)
    own, beside = library.playbook("request_of_stock_agent"), library.playbook("unrecognised")
    assert (own.channel, own.owners.business) == (beside.channel, beside.owners.business)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("stock-agent:", "Stock agent:", "programs.Stock agent"),
        ("stock-agent:", "desk:", "program desk is called as the desk calls itself"),
        (ORDER, "house.order_stok: {}", r"house\.order_stok is in no system.*house\.order_stock"),
        (ORDER, "house.open_claim: {per_request: 5}", "open_claim declares no amount"),
        (ORDER, "house.order_stock: {times_per_day: 5}", "its limits of a day in policy.yml"),
        (ORDER, "house.order_stock: {reversible: true}", "is declared in systems.yml"),
        (REFUND, "refund_deposit: {per_request: 250}", "refund_deposit needs a title"),
        (REFUND, "refund_deposit: {title: Refund}", "refund_deposit needs at least one limit"),
        (REFUND, "refund_deposit: {title: R, per_request: 9, amount_per_day: 1}", "below"),
        (REFUND, "Refund Deposit: {title: R, times_per_day: 1}", "pattern"),
        (ACTS_FOR, "acts_for: [Nobody]", "Nobody is neither an account in Slack"),
        ('channel: "#stock"', "channel: Stock room", "channel"),
        ("max_open: 20", "max_open: 0", "greater than or equal to 1"),
        ("max_open: 20", "approve: true", "Extra inputs"),
        ("max_open: 20", "callback: {url: 'ftp://x.example', secret_env: [A_SECRET]}", "pattern"),
    ],
)
def test_a_mistake_is_named(path, before, after, complaint):
    refuse(path, before, after, complaint=complaint)


def test_a_kind_without_a_playbook_is_a_problem_and_keeps_nobody_from_starting(folder, path):
    assert load(folder).strange_program_kinds() == []
    change(path, "kinds: [low_stock]", "kinds: [low_stok]")
    (problem,) = load(folder).strange_program_kinds()
    assert problem.startswith("programs.yml: stock-agent: kinds: there is no kind low_stok")
    assert "low_stock" in problem


def test_two_names_that_differ_in_signs_alone_are_refused(path):
    other = "  stock_agent: {title: Other}\n"
    path.write_text(path.read_text() + other)
    refuse(path, "follow_up: 1h", "follow_up: 2h", complaint="differ in signs alone")


def complaints(library, **changes):
    files = {
        "systems": library.systems,
        "policy": library.rules,
        "playbooks": library.playbooks,
        "people": library.people,
    }
    return check_programs(library.programs, **{**files, **changes})


def test_no_kind_and_no_system_takes_the_name_of_a_program(folder):
    library = load(folder)
    systems = {**library.systems, "program_x": library.systems["slack"]}
    playbooks = {**library.playbooks, "request_of_x": library.playbooks["low_stock"]}
    assert complaints(library) == []
    assert complaints(library, systems=systems, playbooks=playbooks) == [
        "systems.yml: no system may begin with program_; rename program_x",
        "playbooks: no kind may begin with request_of_; rename request_of_x",
    ]


def test_an_action_that_policy_does_not_list_is_refused(folder):
    library = load(folder)
    assert complaints(library, policy=replace(library.rules, actions={})) == [
        "programs.yml: stock-agent: house.order_stock has no entry in policy.yml, so every request"
        " for it would be refused"
    ]


def test_people_are_named_as_in_people_yml(folder, path):
    change(
        folder / "people.yml",
        "people: []",
        f"people: [{{name: Ana Duarte, accounts: [ana@harbour.example, {PERSON}]}}]",
    )
    change(path, ACTS_FOR, "acts_for: [Ana Duarte]")
    library = load(folder)
    assert library.programs["stock-agent"].acts_for == (PERSON,)
    assert library.account_of("Ana Duarte") == PERSON
    assert library.account_of("T1/U1") == "T1/U1"


@pytest.mark.parametrize(
    ("before", "after", "is_changed"),
    [
        ("per_request: 500", "per_request: 501", True),
        (ACTS_FOR, f"acts_for: [{PERSON}]", True),
        ("owner: floor-managers", "owner: ops-leads", True),
        ("kinds: [low_stock]", "kinds: []", True),
        ("title: Stock agent", "title: The agent", False),
        ("per_minute: 60", "per_minute: 6", False),
    ],
)
def test_what_a_program_may_do_changes_under_four_eyes(folder, path, before, after, is_changed):
    old = load(folder).rule_record()
    change(path, before, after)
    library = load(folder)
    new = library.rule_record()

    assert (old.checksum != new.checksum) is is_changed
    if is_changed:
        assert change_title(old, new) == "programs.yml was changed: let it be in force?"
        assert record_changes(old, new, library.labels()) == [
            "“Stock agent” may ask for something else"
        ]


def test_programs_change_no_checksum_of_the_policy(folder, path):
    with_programs = load(folder)
    path.unlink()
    without = load(folder)
    assert with_programs.policy().checksum == without.policy().checksum
    new, old = with_programs.rule_record(), without.rule_record()
    assert new == replace(old, actions=new.actions)
    assert record_changes(old, new, with_programs.labels()) == ["“Stock agent” is a new program"]


def test_the_time_to_report_is_an_hour_where_nothing_is_said(folder, path):
    change(path, "follow_up: 1h", "# none")
    assert load(folder).programs["stock-agent"].follow_up == timedelta(hours=1)

"""Real work through the desk: nothing wrong, nothing twice, and nothing risky without a person."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement
from tests.bench.approvals.logs import LogMutator, read_logs
from tests.bench.approvals.replay import kind_of, library_of, replay_approvals
from tests.bench.malice import Damage, MaliceReport, limits_alone, run_malice
from tests.bench.real_work import QUICK, plain_report
from tests.bench.retail.replay import RetailReport, replay_lenient, replay_retail
from tests.bench.retail.shop import read_records
from tests.conftest import SHARED

pytestmark = pytest.mark.proof

DATA = SHARED / "data"


@pytest.fixture(scope="module")
def retail():
    records = read_records(DATA / "retail_actions")
    if records is None:
        pytest.skip("the retail records are not here")
    return replay_retail(records, tasks=QUICK.tasks, mutations=QUICK.mutations, moved=QUICK.moved)


@pytest.fixture(scope="module")
def logs():
    logs = read_logs(DATA / "approvals")
    if logs is None:
        pytest.skip("the approval logs are not here")
    return logs


@pytest.fixture(scope="module")
def malice():
    return run_malice(cases=150)


def test_each_right_call_changes_exactly_the_recorded_fields(retail):
    assert retail.faults == []
    assert (retail.exact, retail.right_calls > QUICK.tasks) == (retail.right_calls, True)


def test_what_the_shop_refused_the_desk_refuses(retail):
    assert retail.refused_as_recorded == retail.refusable > 0


def test_calls_that_move_money_have_two_approvals_and_addresses_one(retail):
    assert (retail.approvals[2], retail.approvals[1]) == (
        retail.tiers["high"],
        retail.tiers["medium"],
    )
    assert retail.done_alone == 0


def test_a_second_delivery_changes_nothing(retail):
    assert (retail.repeats, retail.changed_twice) == (retail.right_calls, 0)


def test_each_wrong_call_is_refused_or_put_before_a_person_who_is_shown_what_is_wrong(retail):
    assert (retail.slipped, retail.unseen) == ([], [])
    outcomes = retail.count("refused"), retail.count("asked")
    assert min(outcomes) > QUICK.mutations / 4


def test_no_rule_lets_another_customers_record_through(retail):
    for name in ("another customer's order", "in another customer's name"):
        assert set(retail.mutations[name]) == {"refused"}


def test_an_approved_call_does_not_run_on_a_record_that_has_moved(retail):
    assert (retail.moved, retail.ran_on_moved) == (QUICK.moved, 0)


def test_an_account_is_changed_as_an_order_is():
    """The set at hand has no such call; others may."""
    records = read_records(DATA / "retail_actions")
    if records is None:
        pytest.skip("the retail records are not here")
    task = records.tasks[0]
    user_id = task["user_id"]
    address = {"address1": "1 New Road", "address2": "Suite 2", "city": "Oslo", "zip": "12345"}
    before = records.users[user_id]["address"]
    write = {
        "name": "modify_user_address",
        "kwargs": {**before, **address, "user_id": user_id},
        "changes": [["users", user_id, f"address/{key}", None, address[key]] for key in address],
        **{"split": task["split"], "idx": task["idx"], "step": 0, "error": None},
    }
    alone = replace(records, tasks=[task], writes=[write, {**write, "name": "sing"}])
    report = replay_retail(alone, tasks=0, mutations=20, moved=5)
    assert (report.faults, report.exact, report.tiers) == ([], 1, {"medium": 1})
    assert (report.other_calls, report.changed_twice, report.slipped) == (1, 0, [])
    assert set(report.mutations["in another customer's name"]) == {"refused"}
    assert set(report.mutations["another address"]) == {"asked"}


def test_an_easier_policy_does_addresses_alone_until_one_comes_back():
    """The second delivery opens the first case again: a bad outcome, so people are asked from then on."""
    records = read_records(DATA / "retail_actions")
    if records is None:
        pytest.skip("the retail records are not here")
    lenient = replay_lenient(records, mutations=40)
    assert (lenient.exact, lenient.done_alone) == (lenient.right_calls, 1)
    assert set(lenient.mutations["another address"]) == {"asked"}
    for name in ("another customer's order", "in another customer's name"):
        assert set(lenient.mutations[name]) == {"refused"}


def test_each_payment_with_a_live_approval_goes_and_no_other(logs):
    report = replay_approvals(logs, count=QUICK.logs)
    assert report.faults == []
    assert (report.paid, report.unpaid) == (report.payable, report.unpayable)
    assert (report.held, report.paid_twice) == (report.mutants, 0)
    assert len(report.mutants) >= 5


def test_the_reference_pays_what_the_logs_paid(logs):
    mutator = LogMutator(1)
    paid = [log for log in logs if log.payments]
    assert 0.85 < len(paid) / len(logs) < 0.95
    for rule in mutator.rules:
        mutants = [mutator.mutate(log, rule) for log in paid[:200]]
        expected = {1} if rule == "everything twice" else {0}
        assert {mutant.payments for mutant in mutants if mutant} <= expected, rule


def test_a_kind_asks_everybody_of_its_chain(logs):
    log = next(log for log in logs if len(log.chain) > 2)
    *earlier, last = log.chain
    terms = library_of([log]).playbooks[kind_of(log.chain)].terms
    assert terms.factors == tuple(ApprovalRequirement(group, 1) for group in earlier)
    assert terms.owners["business"] == last


def test_advisers_that_lie_get_nothing_risky_done_without_a_person(malice):
    assert (malice.high_risk_effects, malice.live_markup) == ([], [])
    assert len(malice.lies) > 10


def test_only_a_playbooks_own_offers_run_alone(malice):
    assert malice.let_through.total() > 0
    assert set(malice.let_through) <= {"an offer of the playbook", "an offer that does not fit"}


def test_the_limits_hold_when_every_lie_is_believed():
    with limits_alone():
        believed = run_malice(cases=150)
    assert believed.let_through["a false target"] > 0
    assert believed.rules["action.not_listed"] > 0
    # Which is why the desk believes none: see the test before.
    assert believed.harmful > 0


def test_counts_stay_counts_for_machines():
    report = RetailReport(mutations={"another amount": Counter(refused=2)})
    damage = MaliceReport(damage={"house.order_stock": Damage(effects=1, money=Decimal("1.50"))})
    assert plain_report(report)["mutations"] == {"another amount": {"refused": 2}}
    assert plain_report(damage)["damage"] == {
        "house.order_stock": {"effects": 1, "harmful": 0, "money": 1.5}
    }


def test_a_part_without_its_data_is_skipped_with_a_message(tmp_path):
    command = [sys.executable, "-m", "tests.bench", "retail", "approvals-replay", "--json"]
    run = subprocess.run(
        [*command, "--data", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == {}
    assert "retail is skipped" in run.stderr
    assert "approvals-replay is skipped" in run.stderr

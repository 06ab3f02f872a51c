"""The library as a whole: read together, and refused together."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases.plan import Plan, Proposer
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import prepare_action
from knowledge.library import load
from tests.knowledge.library.editing import change


@pytest.mark.threat("D6")
def test_a_limit_for_an_action_that_does_not_exist_is_asked_about(folder):
    assert load(folder).limits_without_action() == []
    change(
        folder / "policy.yml",
        "  slack.tell:",
        "  house.asign_cover: {times_per_day: 4}\n  slack.tell:",
    )
    assert load(folder).limits_without_action() == ["house.asign_cover"]


@pytest.mark.threat("D6")
def test_the_command_that_checks_says_it(folder, tmp_path):
    change(folder / "policy.yml", "medium_above: 250", "medium_above: 2501")
    change(folder / "policy.yml", "{times_per_day: 40, alone: true}", "{}")
    environment = {
        "COUNTERSIGN_LIBRARY_DIR": str(folder),
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
    }
    environment |= {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "PATH": os.environ["PATH"],
    }
    process = subprocess.run(
        [sys.executable, "-m", "bot", "check"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path.parent,
    )
    assert process.returncode == 1
    assert "policy.yml:4:1: high_above" in process.stdout
    assert "policy.yml:15:3: actions.house.assign_cover" in process.stdout


# --- checksums ------------------------------------------------------------------------------------


def prepare(library, action, parameters, snapshot):
    system, _, name = action.partition(".")
    spec = library.systems[system].actions[name]
    return prepare_action(
        spec,
        system=system,
        connector=library.systems[system].connector,
        parameters=convert_parameters(parameters, spec.parameters),
        snapshot=snapshot,
    )


def test_everything_that_people_read_has_a_title():
    assert load().missing_titles() == []
    labels = load().labels()
    assert labels.action("house.order_stock") == "Order stock"
    assert labels.parameter("house.order_stock", "quantity") == "Quantity"
    assert labels.channels["C0SALES"] == "sales"
    assert labels.done_templates["house.order_stock"] == "Ordered {quantity} × {product}"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("        title: Order stock\n", "", "house.order_stock has no title"),
        ("    title: operations system\n", "", "house has no title"),
        ('        done: "Told {to}"\n', "", r"slack.tell has no summary in the past tense"),
        ("Told {to}", "Told {whom}", "slack.tell: done names whom, which is no parameter"),
        ("titles: {to: To, text: Text}", "titles: {to: To}", "slack.tell has no titles for text"),
    ],
)
def test_what_has_no_title_is_named(folder, before, after, problem):
    change(folder / "systems.yml", before, after)
    (line,) = load(folder).missing_titles()
    assert problem in line


def test_policy_and_plans_of_the_packaged_library_keep_their_checksums():
    """Approvals and ledgers name them: the same files give the same checksums."""
    library = load()
    stock = {"product": "Merlot", "unit": "case", "on_hand": 4, "on_order": 0, "order_cost": 60.0}
    actions = (
        prepare(library, "house.order_stock", {"product_id": 1, "quantity": 24}, stock),
        prepare(library, "slack.tell", {"to": "C0SALES", "text": "hi"}, {}),
    )
    playbook = library.playbook("low_stock")
    # The page of the release before: what has been added since says something.
    rules = replace(library.policy(), window=None, never_alone=(), versions=None)
    plan = Plan(
        case_id="EX-1",
        revision=1,
        actions=actions,
        playbook="low_stock",
        playbook_digest=playbook.checksum,
        policy_digest=rules.checksum,
        proposer=Proposer.PLAYBOOK,
        requester=None,
        beneficiary=None,
        not_after=datetime(2026, 11, 21, 12, tzinfo=UTC),
        mode="live",
    )
    assert rules.checksum == ("6d82cea8d12a59c14e4bdff6f1dc760b595a1d33b424f96d8e2ea7ea37da1a2a")
    assert plan.plan_hash == "b8112a134815e762de667c8d8da3a46a0fb8b490ca9957bab0d6233486d5a6e8"

"""``countersign try`` with a playbook: the card in the terminal, and a status for scripts."""

import json
import re
from dataclasses import replace

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.verdict import Ruling
from bot.cli.app import COUNTERSIGN
from bot.cli.trial import find_unknown
from bot.cli.try_case import try_case
from bot.cli.try_playbook import try_playbook
from bot.clock import utc_now
from bot.demo.company import write_database
from knowledge.library import PACKAGED, load


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    path = tmp_path_factory.mktemp("company") / "company.db"
    write_database(path, utc_now().replace(tzinfo=None, microsecond=0))
    return path


@pytest.fixture
def attempt(tmp_path, monkeypatch, capsys):
    """Run the command, and return what it prints with its status."""
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "120")

    def attempt(*arguments):
        status = COUNTERSIGN(["try", *map(str, arguments)], standalone_mode=False)
        return capsys.readouterr().out, status or 0

    return attempt


@pytest.fixture
def playbook():
    """Return the packaged playbook of this kind, as text to be changed."""

    def read(kind):
        (path,) = PACKAGED.rglob(f"playbooks/{kind}.yml")
        return path.read_text()

    return read


def write(folder, text):
    path = folder / "mine.yml"
    path.write_text(text)
    return path


def test_the_card_stands_in_the_terminal_with_plan_dry_run_verdict_and_deciders(
    tmp_path, attempt, playbook, company
):
    path = write(tmp_path, playbook("low_stock"))
    printed, status = attempt(path, "--database", company)
    assert status == 0, printed
    assert "[ Approve ]" in printed
    assert "[ Reject… ]" in printed
    for line in ("  plan     Order ", "  dry run  ", "  verdict  ", "  decides  1 of ops-leads"):
        assert line in printed, line
    # The facts stand by the names that the playbook uses, one a line, and no case has a number.
    assert re.search(r"^  stock\.on_hand +\d+$", printed, re.MULTILINE)
    assert re.search(r"^  signal\.subject +product:\d+$", printed, re.MULTILINE)
    assert "{" not in printed
    assert re.search(r"│ A trial · .* · £[\d,]+\.\d\d ", printed)
    assert "EX-" not in printed
    machine, status = attempt(path, "--database", company, "--json")
    assert (json.loads(machine)["unknown"], status) == ([], 0)


def test_what_is_unknown_is_said_and_fails_the_trial(tmp_path, attempt, playbook, company):
    text = playbook("low_stock")
    elsewhere = text.replace("system: house", "system: attic")
    printed, status = attempt(write(tmp_path, elsewhere), "--database", company)
    assert status == 1
    assert "no card: systems.yml has no system attic" in printed
    machine, status = attempt(write(tmp_path, elsewhere), "--database", company, "--json")
    assert status == 1
    assert any("attic" in sentence for sentence in json.loads(machine)["unknown"])


def test_evidence_that_cannot_be_read_or_finds_nothing_fails_the_trial(
    tmp_path, attempt, playbook, company
):
    kind = "low_stock"
    lookup = load().playbook(kind).evidence[-1]
    text = playbook(kind)
    query = lookup.query.strip().splitlines()[0]
    assert query in text
    broken = text.replace(query, query.replace("SELECT", "SELECT no_such_column,", 1), 1)
    if broken == text:
        broken = text.replace(query, query.replace("select", "select no_such_column,", 1), 1)
    printed, status = attempt(write(tmp_path, broken), "--database", company)
    assert status == 1
    assert f"evidence {lookup.name} could not be read" in printed


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('what: "', 'what: "{stock.colour} ', "what names stock.colour, which is nothing"),
        ("amount: stock.margin_at_risk", "amount: stock.product", "which is no number"),
        ("{product_id: signal.product_id,", "{product_id: signal.title,", "cannot be prepared"),
    ],
    ids=["a column that there is not", "an amount in words", "a parameter of another type"],
)
def test_a_card_with_a_gap_fails_the_trial(
    tmp_path, attempt, playbook, company, before, after, says
):
    text = playbook("low_stock")
    assert before in text
    printed, status = attempt(
        write(tmp_path, text.replace(before, after, 1)), "--database", company
    )
    assert status == 1
    assert says in printed


def test_a_plan_that_nobody_may_decide_or_that_policy_refuses_fails_the_trial(
    tmp_path, monkeypatch, company
):
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    playbook = load().playbook("low_stock")
    detections = try_playbook(playbook, file="x.yml", database=str(company), now="")
    trial = try_case(playbook, detections.signal, str(company))
    assert trial.gaps == ()
    verdict = trial.case.proposal.verdict
    nobody = [ApprovalRequirement("people:", 1)]
    for factors in ((), tuple(nobody)):
        (sentence,) = unknown_with(trial, replace(verdict, factors=factors))
        assert sentence.startswith("nobody may decide")
    (sentence,) = unknown_with(trial, replace(verdict, ruling=Ruling.REFUSE, reason="too dear"))
    assert sentence == "policy refuses the plan: too dear"
    assert unknown_with(trial, replace(verdict, ruling=Ruling.AUTO_APPROVE, factors=())) == []


def unknown_with(trial, verdict):
    proposal = replace(trial.case.proposal, verdict=verdict)
    return find_unknown(replace(trial.case, proposal=proposal), trial.library)


def test_a_signal_of_no_kind_fails_the_trial_and_one_that_is_known_does_not(
    tmp_path, attempt, monkeypatch, company
):
    for name in ("HARBOUR_VINE_URL", "HARBOUR_CARRIER_URL", "HARBOUR_WAREHOUSE_URL"):
        monkeypatch.setenv(name, f"sqlite:///{company}")
    path = tmp_path / "signals.jsonl"
    odd = {"kind": "parrot_escaped", "text": "The parrot has escaped"}
    path.write_text(json.dumps(odd) + "\n")
    printed, status = attempt(path)
    assert status == 1
    assert "unknown  no kind: no playbook is about this signal" in printed
    machine, status = attempt(path, "--json")
    assert status == 1
    assert json.loads(machine)["unknown"] == ["no kind: no playbook is about this signal"]

"""``countersign pack``: check, try and new, on the packs of this release and on broken ones."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
import typer

from bot.cases.errors import BadRequest, Refusal
from bot.cli import card_page, terminal
from bot.cli.pack import check, find_problems, new, try_pack
from bot.cli.pack_trial import PlanTrial, connect_company, open_trial
from knowledge.library.packs import PACKAGED_PACKS, packaged_names, read_pack
from tests.knowledge.library.editing import change


@pytest.fixture
def pack(tmp_path):
    """A copy of the stock pack, to make mistakes in."""
    folder = tmp_path / "stock"
    shutil.copytree(PACKAGED_PACKS / "stock", folder)
    return folder


def sentences(folder):
    return [finding.sentence for finding in find_problems(folder)]


def status(command, *arguments, **options):
    with pytest.raises(typer.Exit) as exit_:
        command(*arguments, **options)
    return exit_.value.exit_code


@pytest.mark.parametrize("name", packaged_names())
def test_a_pack_finds_what_it_expects_and_its_plans_can_be_carried_out(name):
    pack = read_pack(PACKAGED_PACKS / name)
    with open_trial(pack) as trial:
        trial.run()
        trial.compare()
        trial.carry_out()
    assert trial.findings == []
    found = {(case.kind, case.subject): case.actions for case in trial.cases}
    assert found == {
        (kind, subject): actions
        for kind, expectation in pack.expectations.items()
        for subject, actions in expectation.plans.items()
    }
    # A detector that finds everything would need nothing planted that it must leave alone.
    assert all(
        pack.expectations[kind].absent
        for kind, playbook in pack.library.playbooks.items()
        if playbook.detection
    )


def test_a_plan_is_carried_out_and_taken_back_on_the_company_itself():
    pack = read_pack(PACKAGED_PACKS / "logistics")
    with open_trial(pack) as trial:
        trial.run()
        cases = {case.subject: case.case.proposal.plan for case in trial.cases}
        results = {}
        for subject in ("shipment:1", "shipment:5"):
            run = PlanTrial(plan=cases[subject], systems=connect_company(pack, trial.company))
            run.run()
            results[subject] = [action.name for action, _ in run.effects]
        with closing(sqlite3.connect(trial.company)) as company:
            rows = company.execute("SELECT status FROM shipments WHERE id IN (1, 5)").fetchall()
            (claims,) = company.execute("SELECT count(*) FROM claims").fetchone()
    # The carrier holds the one, and refuses the other, which was signed for.
    assert results["shipment:1"] == [
        "house.hold_shipment",
        "carrier.hold_consignment",
        "warehouse.expect_shipment",
    ]
    assert results["shipment:5"] == ["house.hold_shipment", "house.open_claim"]
    assert rows == [("open",), ("open",)]
    assert claims == 0


@pytest.mark.parametrize(
    ("file", "before", "after", "sentence"),
    [
        (
            "playbooks/low_stock.yml",
            "WHERE p.margin >= 0.6 AND",
            "WHERE",
            "low_stock finds product:3, although its margin is low",
        ),
        (
            "playbooks/low_stock.yml",
            "p.margin >= 0.6",
            "p.margin >= 0.7",
            "low_stock does not find product:1",
        ),
        (
            "playbooks/low_stock.yml",
            "stock.days_left >= supplier.lead_days",
            "stock.days_left < supplier.lead_days",
            "low_stock plans nothing for product:1, not house.order_stock",
        ),
        ("playbooks/low_stock.yml", "SELECT p.name AS title", "SELECT p.nam AS title", "p.nam"),
        ("playbooks/low_stock.yml", "SELECT s.name AS supplier", "SELECT s.nam", "s.nam"),
        ("playbooks/low_stock.yml", "/ 7 AS INTEGER", "/ 7 AZ INTEGER", "measure.denominator"),
        (
            "systems.yml",
            "SET on_order = on_order - :quantity",
            "SET on_order = on_order - :quantity + 1",
            "the undo of house.order_stock leaves something behind",
        ),
        ("systems.yml", "SET on_hand = :counted WHERE", "SET shelf = :counted WHERE", "shelf"),
        ("company.sql", "INSERT INTO suppliers", "INSERT INTO supplier", "supplier"),
        ("examples/low_stock.jsonl", '"low_stock", "subject"', '"low", "subject"', "for low"),
        ("examples/low_stock.jsonl", '{"product_id": 1}', "{}", "its example leads to no plan"),
    ],
)
def test_a_mistake_that_shows_only_on_the_company_is_found(pack, file, before, after, sentence):
    change(pack / file, before, after)
    assert any(sentence in one for one in sentences(pack)), sentences(pack)


def test_check_says_where_and_ends_with_1(pack, capsys):
    change(pack / "playbooks" / "count_off.yml", "every: 15m", "every: often")
    assert status(check, str(pack)) == 1
    assert (
        "• playbooks/count_off.yml:15:3: signal.every: must be a duration"
        in capsys.readouterr().out
    )
    assert status(check, str(pack), as_json=True) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["ok"]
    assert answer["findings"][0]["place"] == "playbooks/count_off.yml:15:3"


def test_a_sound_pack_is_said_to_be_sound(capsys):
    assert status(check, "stock") == 0
    assert "finds what it expects, and nothing else" in capsys.readouterr().out


def test_try_shows_cases_cards_and_plans(capsys, monkeypatch):
    # A console keeps the width that it was made with.
    monkeypatch.setattr(terminal.out, "width", 200)
    assert status(try_pack, "sales") == 0
    text = capsys.readouterr().out
    # The card itself of the first case of each kind, with what stands behind it.
    assert text.count("│ A trial · ") == len(read_pack(PACKAGED_PACKS / "sales").expectations)
    assert "Jun Costa has heard nothing for 72 hours." in text
    assert "[ Approve ]  [ Edit… ]  [ Reject… ]  [ Details ]" in text
    assert "then tell #sales? Dry run" in text
    for line in ("  plan     Call Jun Costa", "  dry run  one follow-up for Brightside Hotels on"):
        assert line in text, line
    assert (
        "  verdict  medium risk, Tell #sales cannot be undone\n  decides  1 of ops-leads\n" in text
    )
    assert text.index("│ A trial · ") < text.index("who decides")
    assert "  quote:3, because a call is planned\n" in text
    assert "EX-" not in text
    assert status(try_pack, "sales", as_json=True) == 0
    cases = {case["subject"]: case for case in json.loads(capsys.readouterr().out)["cases"]}
    assert cases["quote:1"]["plan"] == ["house.chase_quote", "slack.tell"]
    assert cases["quote:1"]["risk"] == "medium"
    assert cases["quote:1"]["decides"] == "1 of ops-leads"
    assert len(cases["quote:1"]["dry_run"]) == 2
    assert cases["quote:1"]["unknown"] == []


def test_the_cards_are_shown_as_slack_shows_them(monkeypatch, capsys):
    pages = []
    monkeypatch.setattr(card_page, "show_cards", pages.append)
    assert status(try_pack, "stock", open_page=True) == 0
    (cards,) = pages
    with card_page.card_page(cards) as url:
        # Slack's rules were kept: the emulator refuses what Slack refuses.
        assert url.startswith("http://127.0.0.1:")
    assert len(cards) == 2


def test_a_new_pack_passes_its_check(tmp_path, capsys):
    folder = tmp_path / "our-trade"
    new(folder)
    assert read_pack(folder).name == "our_trade"
    assert find_problems(folder) == []
    with pytest.raises(Refusal, match="already exists"):
        new(folder)
    with pytest.raises(BadRequest, match="called like its folder"):
        new(tmp_path / "Our Trade")

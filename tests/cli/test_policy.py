"""``countersign policy`` on a real ledger and real files."""

import json
from contextlib import closing

import pytest
import typer

from bot import storage
from bot.cases.entries import RejectReason
from bot.cases.errors import PlaybookInvalid, Refusal
from bot.cases.policy import Stage
from bot.cli import terminal
from bot.cli.policy import backtest, explain, names, show
from bot.settings import load_offline
from knowledge.library import copy_library
from knowledge.library.library import PACKAGED
from tests.desk.answers.asking import as_person
from tests.world import World


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the sample files, in force."""
    folder = tmp_path / "library"
    copy_library(PACKAGED, folder)
    monkeypatch.setenv("COUNTERSIGN_LIBRARY_DIR", str(folder))
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def past(library):
    """Three cases of low stock: one approved, one rejected, one that waits."""
    store = storage.open_store(load_offline())
    with closing(store.database):
        world = World(store)
        for number in (1, 2, 3):
            world.receive(world.signal(f"product:{number}", facts={"product_id": number}))
        world.work()
        world.approve(world.store.cases.case("EX-1"))
        world.work()
        world.desk.decisions.reject(
            as_person(world, world.store.cases.case("EX-2"), "omar"),
            reason=RejectReason.WRONG_PLAN,
            note="no",
        )
    return library


def status(function, *arguments, **options) -> int:
    with pytest.raises(typer.Exit) as ending:
        function(*arguments, **options)
    return ending.value.exit_code


def let_alone(folder, *, more: str = ""):
    """Write a policy that lets orders of stock run alone."""
    path = folder / "proposal.yml"
    text = (folder / "policy.yml").read_text()
    path.write_text(text.replace("{per_plan: 5000,", "{alone: true, per_plan: 5000,") + more)
    return path


def test_a_looser_policy_names_what_would_have_been_wrong_and_ends_with_1(
    past, capsys, monkeypatch
):
    in_one_line(monkeypatch)
    assert status(backtest, let_alone(past), stage=Stage.AUTONOMOUS) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "With this, 3 would run alone, 0 would go to managers,"
        " 1 of the 3 would have been wrong: EX-2." in printed
    )
    assert "to people, low risk (1 floor-managers)" in printed
    assert "1 wrong ones would run alone, and today 0." in printed


def test_the_figures_are_there_for_machines(past, capsys):
    assert status(backtest, let_alone(past), stage=Stage.AUTONOMOUS, as_json=True) == 1
    figures = json.loads(capsys.readouterr().out)
    assert (figures["cases"], figures["proposal"]["wrong_alone"]) == (3, ["EX-2"])
    assert figures["kinds"] == {"low_stock": [{"today": "ask", "proposal": "alone", "cases": 3}]}
    assert [change["case_id"] for change in figures["changes"]] == ["EX-1", "EX-2", "EX-3"]
    assert figures["sentence"].startswith("With this, 3 would run alone")


def test_the_policy_in_force_is_not_worse_than_itself(past, capsys):
    assert status(backtest, past / "policy.yml", stage=Stage.AUTONOMOUS) == 0
    assert "No past case would be ruled otherwise" in capsys.readouterr().out


def test_a_rule_of_the_proposal_is_judged_with_the_facts_of_each_case(past, capsys):
    rule = 'rules: [{when: "facts.stock.on_hand >= 0", then: refuse, because: counted by hand}]\n'
    assert status(backtest, let_alone(past, more=rule), stage=Stage.AUTONOMOUS) == 0
    assert "3 would be refused" in " ".join(capsys.readouterr().out.split())


def test_only_cases_of_the_time_asked_for_count(past, capsys):
    assert status(backtest, let_alone(past), since="1s", stage=Stage.AUTONOMOUS) == 0
    assert "no past case with a plan" in capsys.readouterr().out


def test_a_proposal_with_mistakes_is_refused_with_its_own_file_and_line(past):
    path = let_alone(past, more='rules: [{when: "plan.amuont > 5", then: ask, because: x}]\n')
    with pytest.raises(PlaybookInvalid, match=r"proposal.yml:44: .*did you mean plan.amount"):
        backtest(path)
    path = let_alone(past, more="rules: [{when: \"case.kind == 'x'\", then: ask, because: x}]\n")
    with pytest.raises(PlaybookInvalid, match=r"proposal.yml:44: .*no kind x"):
        backtest(path)


@pytest.mark.parametrize("since", ["90", "soon", "-3d"])
def test_a_time_that_is_none_is_refused(past, since):
    with pytest.raises(typer.BadParameter, match="duration like"):
        backtest(let_alone(past), since=since)


def in_one_line(monkeypatch):
    """Break no cell of a table into lines, however narrow the terminal is."""
    monkeypatch.setattr(terminal.out, "_width", 250)


def test_the_page_shows_every_part_of_the_policy(library, capsys, monkeypatch):
    in_one_line(monkeypatch)
    path = library / "policy.yml"
    more = (
        "currencies: {EUR: 0.85}\n"
        'hours: {open: "08:00-18:00", days: [mon, tue]}\n'
        "rules:\n"
        "  - when: \"plan.amount > 500 && case.kind in ['low_stock']\"\n"
        "    then: ask\n"
        "    approvers: [{group: finance, count: 2}]\n"
        "    because: a large order\n"
    )
    text = path.read_text().replace(
        "{per_plan: 5000,",
        "{parameters: {quantity: {min: 1, max: 500}}, over: [{window: 7d, amount_per_requester:"
        " 9000}], per_plan: 5000,",
    )
    path.write_text(text + more)
    show()
    page = " ".join(capsys.readouterr().out.split())
    for words in (
        "£5,000.00 at once",
        "£9,000.00 in 7 days by one person",
        "quantity at least 1 and at most 500",
        "1 EUR",
        "0.85 GBP",
        "08:00 to 18:00, mon, tue (clock of the channel)",
        "plan.amount > 500 && case.kind in ['low_stock']",
        "ask: 2 of @finance",
        "a large order",
        "Match to an order and pay, Give notice",
        "what goes to one target or person in 24 hours",
        "1 of @ops-leads and 1 of @finance",
    ):
        assert words in page, words
    show(as_json=True)
    plain = json.loads(capsys.readouterr().out)
    assert len(plain["digest"]) == 64
    assert plain["policy"]["currencies"] == {"EUR": "0.85"}


def test_the_names_of_conditions_are_listed_with_types_and_meanings(library, capsys, monkeypatch):
    in_one_line(monkeypatch)
    names()
    text = " ".join(capsys.readouterr().out.split())
    assert "plan.amount │ number │ what the plan moves, in the currency of policy" in text
    assert "Functions: size, contains" in text
    names(as_json=True)
    document = json.loads(capsys.readouterr().out)
    listed = {entry["name"] for entry in document["names"]}
    assert {"plan.amount", "action.parameters", "facts", "time.weekday"} <= listed


def test_a_verdict_is_explained_from_what_was_stored_with_it(past, capsys):
    explain("EX-3")
    text = capsys.readouterr().out
    assert "ask: one reversible change, moving £100.00" in text
    assert "supervised" in text
    explain("EX-3", as_json=True)
    verdict = json.loads(capsys.readouterr().out)["verdict"]
    assert verdict["inputs"]["amount"] == {"amount": "100", "currency": "GBP"}


def test_a_case_that_policy_did_not_rule_on_says_so(past):
    store = storage.open_store(load_offline())
    with closing(store.database):
        world = World(store)
        world.receive(world.signal("product:9", key="other"))
    with pytest.raises(Refusal, match="policy has not ruled on it"):
        explain("EX-4")

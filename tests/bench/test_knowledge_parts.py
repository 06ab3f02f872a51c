"""Each part of the benchmark of judgement runs, on made-up sets of the same formats."""

import json

import pytest

from tests.bench.knowledge import __main__ as bench
from tests.bench.knowledge import figures
from tests.bench.knowledge.made_up import write_sets


@pytest.fixture(scope="module")
def made_up_sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_sets(folder)
    return folder


@pytest.fixture(autouse=True)
def folder_of_the_run(monkeypatch):
    monkeypatch.setattr(figures.DATA, "folder", figures.DATA.folder)


def measure(capsys, *arguments):
    bench.main(list(map(str, arguments)))
    lines = capsys.readouterr().out.splitlines()
    return {row["what"]: row for row in map(json.loads, lines)}


@pytest.mark.parametrize("name", bench.PARTS)
def test_a_part_says_which_file_is_not_here(name, tmp_path, capsys):
    rows = measure(capsys, name, "--data", tmp_path)
    assert rows[f"{name}, skipped"]["text"].endswith(".gz is not here")


@pytest.mark.parametrize(
    ("name", "what", "figure", "floor"),
    [
        ("clinc150", "CLINC150 Countersign, oos", "in_scope", 0.5),
        ("banking77", "BANKING77 Countersign, id", "oos_recall", 0.5),
        ("neighbours", "CLINC150 neighbours, token-table", "first", 0.5),
        ("cfpb", "CFPB Countersign", "top_1", 0.5),
        ("servicenow", "ServiceNow group, Countersign", "top_1", 0.5),
        ("live", "live, complaints", "top_1", 0.5),
        ("runbooks", "runbooks, questions, by both", "first", 0.1),
    ],
)
def test_a_part_measures_what_can_be_learned(name, what, figure, floor, made_up_sets, capsys):
    rows = measure(capsys, name, "--data", made_up_sets)
    assert rows[what][figure] > floor


def test_retail_takes_the_action_that_the_state_of_the_order_allows(made_up_sets, capsys):
    rows = measure(capsys, "retail", "--data", made_up_sets)
    (what,) = [what for what in rows if what.startswith("retail first action, Countersign")]
    assert rows[what]["top_1"] > 0.8


def test_the_version_and_the_caps_are_those_of_the_product(tmp_path, capsys):
    from knowledge.learning import training_set

    shipped = measure(capsys, "runbooks", "--data", tmp_path)["version as shipped"]
    caps = shipped["caps"]["learning.training_set"]
    assert caps["MAX_PRECEDENTS_PER_KIND"] == training_set.MAX_PRECEDENTS_PER_KIND


def test_a_table_has_the_interval_of_each_share(made_up_sets, capsys):
    bench.main(["servicenow", "--table", "--data", str(made_up_sets)])
    table = capsys.readouterr().out.partition("\n\n")[2].splitlines()
    (line,) = [line for line in table if line.startswith("| ServiceNow group, Countersign | top 1")]
    _, _, _, value, interval, cases, _ = map(str.strip, line.split("|"))
    assert (value[-1], interval.count("%"), int(cases)) == ("%", 2, 80)


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench.main(["clinc"])
    assert "no such part: clinc" in capsys.readouterr().err

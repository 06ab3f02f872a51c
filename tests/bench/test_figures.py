"""Figures of a run as ratios, and what has become worse since a release."""

import json

import pytest

from tests.bench import __main__ as command
from tests.bench import figures as module
from tests.bench.aims import Aim
from tests.bench.figures import (
    ABSOLUTE,
    ALONE,
    PRODUCT,
    SKETCH,
    Better,
    Figures,
    latest_release,
    regressions,
    save,
)
from tests.bench.markdown import tables_of


def run(*, product: float, sketch: float = 10.0, better: Better = Better.LOWER) -> Figures:
    figures = Figures()
    figures.add("card", SKETCH, sketch, better=better)
    figures.add("card", PRODUCT, product, better=better)
    return figures


def test_a_ratio_is_how_many_times_worse_the_product_is():
    assert run(product=30.0).by_name["card"].ratio == 3.0
    assert run(product=2.0, better=Better.HIGHER).by_name["card"].ratio == 5.0


def test_a_figure_is_the_median_of_its_runs():
    figures = run(product=30.0)
    figures.add("card", PRODUCT, 90.0)
    figures.add("card", PRODUCT, 40.0)
    assert figures.by_name["card"].median(PRODUCT) == 40.0


def test_a_ratio_that_grew_by_more_than_a_fifth_is_reported():
    before = run(product=30.0).as_json()
    assert regressions(before, run(product=35.9).as_json()) == []
    (worse,) = regressions(before, run(product=36.5).as_json())
    assert str(worse) == "card: 3 has become 3.65 (+22%)"


def test_a_slower_machine_is_no_regression():
    before = run(product=30.0).as_json()
    assert regressions(before, run(product=90.0, sketch=30.0).as_json()) == []


def test_a_count_is_compared_by_itself():
    def count(number: float) -> Figures:
        figures = Figures()
        figures.add("statements", PRODUCT, number, unit="", base=ABSOLUTE)
        return figures

    assert regressions(count(40).as_json(), count(15).as_json()) == []
    (worse,) = regressions(count(15).as_json(), count(40).as_json())
    assert worse.now == 40
    (worse,) = regressions(count(0).as_json(), count(1).as_json())
    assert str(worse) == "statements: 0 has become 1"


def test_a_time_without_a_floor_is_not_compared():
    def alone(number: float) -> Figures:
        figures = Figures()
        figures.add("ready", PRODUCT, number, unit="s", base=ALONE)
        return figures

    assert regressions(alone(1).as_json(), alone(9).as_json()) == []


def test_figures_of_releases_are_kept_and_the_newest_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RELEASES", tmp_path)
    assert latest_release() is None
    old = save(run(product=30.0), "0.1.0")
    new = save(run(product=20.0), "0.2.0")
    content = json.loads(old.read_text())
    content["machine"]["date"] = "2026-01-01"
    old.write_text(json.dumps(content))
    assert latest_release() == new


def test_a_run_is_compared_with_the_figures_of_the_latest_release(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "RELEASES", tmp_path / "figures")
    save(run(product=30.0), "0.1.0")
    path = tmp_path / "run.json"

    def compare(figures: dict) -> str:
        path.write_text(json.dumps(figures))
        monkeypatch.setattr("sys.argv", ["bench", "compare", str(path)])
        command.main()
        return capsys.readouterr().out

    assert compare(run(product=35.0).as_json()) == (
        "No ratio is more than 20% worse than in 0.1.0.\n"
    )
    assert compare(run(product=60.0).as_json()) == (
        "worse than in 0.1.0: card: 3 has become 6 (+100%)\n"
    )
    with pytest.raises(SystemExit, match="has no figures to compare"):
        compare({"counts": {}})


@pytest.mark.parametrize(
    ("aim", "sentence"),
    [
        (Aim(bound=2, is_ratio=True), "≤ 2 ×: missed"),
        (Aim(bound=3, is_ratio=True), "≤ 3 ×: met"),
        (Aim(bound=30), "≤ 30: met"),
        (Aim(bound=20), "≤ 20: missed"),
    ],
)
def test_an_aim_is_met_or_missed(aim, sentence):
    assert aim.describe(run(product=30.0).by_name["card"].as_json()) == sentence


def test_the_tables_of_the_documentation():
    text = tables_of(run(product=30.0).as_json())
    assert "| card | ms | – | 10 | 30 | 3.0 × |" in text

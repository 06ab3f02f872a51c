"""The trade of recognition in ``memory status``: for people, and for machines."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

from bot.cli import memory, terminal
from bot.cli.app import COUNTERSIGN
from bot.cli.memory_trade import trade_lines, trade_plain, trade_table
from knowledge.learning.model_file import save_model
from tests.knowledge.learning.test_model_file import make_model
from tests.knowledge.learning.test_recogniser_trade import TRADE


@pytest.fixture
def model():
    plain = make_model()
    return replace(plain, recogniser=replace(plain.recogniser, trade=TRADE))


@pytest.fixture
def status(model, tmp_path, monkeypatch, capsys):
    """Run the command over a model in its folder, without the index."""
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(memory, "fill_index", lambda knowledge: "")
    monkeypatch.setattr(terminal.out, "width", 100)
    save_model(model, tmp_path / "memory")

    def run(*arguments):
        COUNTERSIGN(["memory", "status", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_machines_get_the_counts_of_each_kind_at_each_step(status):
    trade = json.loads(status("--json"))["trade"]
    assert trade["steps"]["default"] == {
        "threshold": 0.4,
        "own_named": 0.8,
        "strangers_noticed": 0.7,
    }
    assert (trade["strangers"], trade["stranger_share"]) == (10, 0.05)
    assert trade["kinds"][0] == {
        "kind": "late",
        "examples": 12,
        "own": 8,
        "own_named": {"looser": 8, "default": 6, "stricter": 4},
        "strangers_named": {"looser": 3, "default": 1, "stricter": 0},
    }


def test_people_read_a_row_for_each_kind_and_what_each_step_does(status):
    text = status()
    (row,) = [line for line in text.splitlines() if line.split()[1:2] == ["late"]]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["late", "12", "100 / 75 / 50", "3 / 1 / 0"]
    assert "default (from 40%): 80% of own texts named rightly, 70% of 10 strangers noticed" in text
    assert "strangers expected among the coming cases: 5.0%" in text


def test_before_any_training_there_is_none():
    assert trade_plain(None) is None


def test_a_kind_without_a_tried_text_and_a_trade_without_strangers_are_said():
    kind = replace(TRADE.kinds[0], own=0)
    trade = replace(TRADE, kinds=(kind,), strangers=0)
    console = Console(width=100)
    with console.capture() as capture:
        console.print(trade_table(trade))
    assert "– / – / –" in capture.get()
    assert trade_lines(trade) == ["recognition: too few kinds to try it on strangers"]


def test_a_threshold_that_no_confidence_reaches_is_said():
    trade = replace(TRADE, thresholds=(1.1, 1.1, 1.1))
    assert trade_lines(trade)[1].startswith("default: no kind")

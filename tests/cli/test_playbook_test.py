"""The examples beside a playbook, and the library with a changed playbook in its place."""

import shutil
from types import SimpleNamespace

import pytest

from bot.cases.errors import BadRequest, PlaybookInvalid
from bot.cases.recognition import KindGuess, Recognition
from bot.cli.playbook_test import (
    KindResult,
    changed_library,
    changed_lookups,
    check_examples,
)
from bot.cli.recorded_cases import find_changed_lookups
from bot.settings import Mode
from knowledge.library.library import PACKAGED

SETTINGS = SimpleNamespace(mode=Mode.LIVE, library_dir=PACKAGED)
LOW_STOCK = PACKAGED / "packs" / "stock" / "playbooks" / "low_stock.yml"


class Recogniser:
    """Knows two texts."""

    kinds = {"no wine": "low_stock", "cold": "lead_cold"}

    def recognise(self, text):
        kind = self.kinds.get(text, "")
        guesses = (KindGuess(kind, kind.upper(), 90),) if kind else ()
        return Recognition(kind=kind, confidence=90, guesses=guesses, basis="too short", model="m")

    def is_trained(self):
        return True


def test_an_example_is_recognised_mistaken_or_left_to_a_person():
    results = list(check_examples(Recogniser(), "low_stock", ["no wine", "cold", "hm"]))
    assert [one.is_right for one in results] == [True, False, False]
    assert results[1].mistake == "taken for “LEAD_COLD”"
    assert results[2].abstention == "too short"
    result = KindResult(kind="low_stock", title="Running low", examples=results)
    # What is not recognised yet goes to a person; what is mistaken goes to the wrong one.
    assert result.failures == 1
    assert result.sentences()[0] == "1 of 3 examples are recognised."


def changed(folder, before, after):
    file = folder / "anything.yml"
    text = LOW_STOCK.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    return file


def test_a_changed_playbook_takes_the_place_of_the_one_of_its_kind(tmp_path):
    file = changed(tmp_path, "expires: 12h", "expires: 6h")
    with changed_library(SETTINGS, PACKAGED, [file]) as library:
        assert library.playbook("low_stock").terms.expires_for.total_seconds() == 6 * 3600
        assert "lead_cold" in library.playbooks
    assert "expires: 12h" in LOW_STOCK.read_text()


def test_a_playbook_that_does_not_fit_the_library_is_refused(tmp_path):
    file = changed(tmp_path, "house.order_stock", "house.order_beer")
    with (
        pytest.raises(PlaybookInvalid, match="order_beer"),
        changed_library(SETTINGS, PACKAGED, [file]),
    ):
        pass
    with (
        pytest.raises(BadRequest, match="file not found"),
        changed_library(SETTINGS, PACKAGED, [tmp_path / "none.yml"]),
    ):
        pass


def test_a_changed_query_is_named_and_nothing_else(tmp_path):
    (tmp_path / "playbooks").mkdir()
    shutil.copy(LOW_STOCK, tmp_path / "playbooks")
    file = changed(tmp_path, "SELECT s.name AS supplier", "SELECT upper(s.name) AS supplier")
    with changed_library(SETTINGS, PACKAGED, [file]) as library:
        (note,) = changed_lookups(find_changed_lookups(tmp_path, library, ["low_stock"]))
        assert "“supplier” has another query now" in note
        assert find_changed_lookups(tmp_path, library, ["lead_cold"]) == {}

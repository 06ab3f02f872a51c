"""Channels that files name by name, and the ids in their place."""

import pytest

from bot.cases.constraints import is_channel_name
from bot.cases.errors import PlaybookInvalid
from knowledge.library import PACKAGED, load
from knowledge.library.playbook_files import copy_library
from tests.knowledge.library.editing import change

SAMPLE_IDS = "ids: {sales: C0SALES, operations: C0OPS, floor: C0FLOOR, stock: C0STOCK}\n"


@pytest.fixture
def folder(tmp_path):
    """The sample library, whose channels have no ids yet."""
    folder = tmp_path / "library"
    copy_library(PACKAGED, folder)
    change(folder / "channels.yml", SAMPLE_IDS, "titles: {stock: stock room}\n")
    change(folder / "channels.yml", "whole_desk_digest: []", "whole_desk_digest: ['#leads']")
    return folder


@pytest.fixture
def named(folder):
    return load(folder)


def recipient(playbook):
    """To whom the second step of the first plan goes."""
    return playbook.offers[0].then[0].parameters["to"]


@pytest.mark.parametrize(
    ("channel", "is_name"),
    [("C0STOCK", False), ("G012", False), ("stock", True), ("c0stock", True), ("", False)],
)
def test_a_name_is_no_id(channel, is_name):
    assert is_channel_name(channel) is is_name


def test_names_stand_without_the_sign_before_them(named):
    assert named.channel_names() == ["floor", "leads", "operations", "sales", "stock"]
    assert "stock" in named.channels()
    assert named.missing_titles() == []


def test_ids_take_the_place_of_names_everywhere(named):
    ids = {
        "stock": "C0STOCK",
        "sales": "C0SALES",
        "leads": "C0LEADS",
        "floor": "C0FLOOR",
        "operations": "C0OPS",
    }
    resolved = named.with_channel_ids(ids)
    packaged = load()
    assert resolved.channel_names() == []
    assert resolved.channels() == packaged.channels()
    assert (
        resolved.hours("C0SALES").opens
        == packaged.hours("C0SALES").opens
        != resolved.hours("").opens
    )
    assert resolved.whole_desk_digests() == ["C0LEADS"]
    assert resolved.labels().channels["C0STOCK"] == "stock room"
    assert resolved.labels().channels["C0LEADS"] == "leads"
    assert resolved.programs["stock-agent"].channel == "C0STOCK"
    # A name is no rule: nothing is to be decided again because of it.
    assert resolved.rule_record() == named.rule_record()


def test_what_has_no_id_keeps_its_name(named):
    ids = {"stock": "C0STOCK", "sales": "C0SALES", "floor": "C0FLOOR", "operations": "C0OPS"}
    assert named.with_channel_ids(ids).channel_names() == ["leads"]


def test_a_channel_to_which_a_message_goes_is_pinned_too(folder):
    change(folder / "playbooks/lead_cold.yml", "\"'#sales'\"", "\"'#sales-team'\"")
    named = load(folder)
    assert "sales-team" in named.channel_names()
    assert recipient(named.playbook("lead_cold")) == "'#sales-team'"
    resolved = named.with_channel_ids({"sales-team": "C0TEAM"})
    assert recipient(resolved.playbook("lead_cold")) == "'C0TEAM'"
    assert resolved.playbook("lead_cold").version == named.playbook("lead_cold").version


def test_a_version_from_the_ledger_has_the_same_ids(named):
    text = named.playbook("lead_cold").text
    resolved = named.with_channel_ids({"sales": "C0SALES"})
    earlier = resolved.playbook_from("lead_cold", text)
    assert earlier.channel == "C0SALES"
    assert recipient(earlier) == "'C0SALES'"


def test_the_file_may_say_the_ids_itself(folder):
    change(folder / "channels.yml", "titles: {stock", "ids: {'#sales': C0TEAM}\ntitles: {stock")
    library = load(folder)
    assert "sales" not in library.channel_names()
    assert library.playbook("lead_cold").channel == "C0TEAM"
    assert recipient(library.playbook("lead_cold")) == "'C0TEAM'"
    assert library.labels().channels["C0TEAM"] == "sales"
    change(folder / "channels.yml", "C0TEAM", "sales-team")
    with pytest.raises(PlaybookInvalid, match=r"channels.yml:\d+: ids.#sales: String should match"):
        load(folder)

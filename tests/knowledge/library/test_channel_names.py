"""Channels that files name by name, and the ids in their place."""

import shutil

import pytest

from bot.cases.constraints import is_channel_name
from knowledge.library import PACKAGED, load
from tests.knowledge.library.editing import change


@pytest.fixture
def named(tmp_path):
    """The sample library, with the stock channel by its name wherever it is named."""
    folder = tmp_path / "library"
    shutil.copytree(PACKAGED, folder, ignore=shutil.ignore_patterns("*.py"))
    for path in folder.glob("**/playbooks/*.yml"):
        path.write_text(path.read_text().replace("channel: C0STOCK", "channel: '#stock'"))
    change(folder / "channels.yml", "C0STOCK: stock", "stock: stock room")
    change(folder / "channels.yml", "C0SALES: {", "sales: {")
    change(folder / "channels.yml", "whole_desk_digest: []", "whole_desk_digest: ['#leads']")
    return load(folder)


@pytest.mark.parametrize(
    ("channel", "is_name"),
    [("C0STOCK", False), ("G012", False), ("stock", True), ("c0stock", True), ("", False)],
)
def test_a_name_is_no_id(channel, is_name):
    assert is_channel_name(channel) is is_name


def test_names_stand_without_the_sign_before_them(named):
    assert named.channel_names() == ["leads", "sales", "stock"]
    assert "stock" in named.channels()
    assert named.missing_titles() == []


def test_ids_take_the_place_of_names_everywhere(named):
    ids = {"stock": "C0STOCK", "sales": "C0SALES", "leads": "C0LEADS"}
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
    # A name is no rule: nothing is to be decided again because of it.
    assert resolved.rule_record() == named.rule_record()


def test_what_has_no_id_keeps_its_name(named):
    assert named.with_channel_ids({"stock": "C0STOCK"}).channel_names() == ["leads", "sales"]

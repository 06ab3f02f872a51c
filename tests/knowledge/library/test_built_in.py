"""A library without a playbook for unrecognised cases: the one of the release takes its place."""

from pathlib import Path

import pytest

from bot.cases.errors import PlaybookInvalid
from bot.cases.signal import UNRECOGNISED
from knowledge.library import load
from tests.knowledge.library.editing import change

POLICY = """\
currency: EUR
medium_above: 10
high_above: 20
tiers:
  low: {approvers: [{group: shift}], expires: 24h}
  medium: {approvers: [{group: shift}, {group: leads}], expires: 24h}
  high: {approvers: [{group: leads}, {people: [U0ANA]}], expires: 8h}
actions: {}
"""


@pytest.fixture
def bare(tmp_path) -> Path:
    """A library that has nothing but a policy and a channel."""
    target = tmp_path / "bare"
    target.mkdir()
    (target / "policy.yml").write_text(POLICY)
    (target / "systems.yml").write_text("systems: {}\n")
    (target / "sources.yml").write_text("sources: {}\n")
    (target / "channels.yml").write_text(
        'default: {zone: Europe/Paris, days: [mon], open: "09:00-18:00"}\ntitles: {C0DESK: desk}\n'
    )
    return target


def test_a_library_without_playbooks_has_the_one_that_drops_nothing(bare):
    library = load(bare)
    playbook = library.playbook("no_such_kind")
    assert playbook.kind == UNRECOGNISED
    assert playbook.channel == "C0DESK"
    assert playbook.stake.currency == "EUR"
    assert playbook.owners.by_role() == {
        "business": "shift",
        "operations": "shift",
        "technical": "shift",
        "governance": "leads",
        "next": "leads",
    }
    assert library.deciders() == ["leads", "people:U0ANA", "shift"]
    assert library.missing_titles() == []


def test_the_group_for_emergencies_answers_for_what_nobody_recognised(bare):
    change(bare / "policy.yml", "actions:", "emergency: {group: owners, review_for: 1d}\nactions:")
    assert load(bare).playbook(UNRECOGNISED).owners.governance == "owners"


def test_the_ledger_keeps_a_text_from_which_the_same_playbook_is_read_again(bare):
    library = load(bare)
    playbook = library.playbook(UNRECOGNISED)
    again = library.playbook_from(UNRECOGNISED, playbook.text)
    assert (again.owners, again.channel, again.stake) == (
        playbook.owners,
        playbook.channel,
        playbook.stake,
    )
    assert again.version == playbook.version


def test_a_file_of_the_library_takes_its_place(folder):
    change(folder / "playbooks/unrecognised.yml", '"#operations"', "C0HERE")
    assert load(folder).playbook(UNRECOGNISED).channel == "C0HERE"
    (folder / "playbooks/unrecognised.yml").unlink()
    built_in = load(folder).playbook(UNRECOGNISED)
    # Of the sample company's three shared channels, the one with the most playbooks.
    assert built_in.channel in {book.channel for book in load(folder).playbooks.values()}
    assert built_in.owners.business == "floor-managers"
    assert built_in.owners.governance == "owners"


def test_where_nobody_is_named_the_files_are_refused_with_what_to_do(bare):
    (bare / "channels.yml").unlink()
    with pytest.raises(PlaybookInvalid, match=r"no file names a channel .* kind unrecognised"):
        load(bare)


def test_where_policy_names_people_alone_the_owners_of_a_playbook_get_it(folder):
    (folder / "playbooks/unrecognised.yml").unlink()
    text = (folder / "policy.yml").read_text()
    for group in ("floor-managers", "ops-leads", "finance"):
        text = text.replace(f"{{group: {group}}}", "{people: [U0ANA, U0BEN, U0CY]}")
    text = text.replace("[{people: [U0ANA, U0BEN, U0CY]}, {", "[{")
    (folder / "policy.yml").write_text(text)
    library = load(folder)
    first = next(iter(library.playbooks.values()))
    assert library.playbook(UNRECOGNISED).owners == first.owners


def test_without_any_group_the_files_are_refused_with_what_to_do(bare):
    text = (bare / "policy.yml").read_text()
    text = text.replace("{group: shift}, {group: leads}", "{people: [U0ANA]}")
    text = text.replace("{group: shift}", "{people: [U0ANA]}")
    text = text.replace("{group: leads}, ", "")
    (bare / "policy.yml").write_text(text)
    with pytest.raises(PlaybookInvalid, match="no file names a group"):
        load(bare)

"""What of a playbook is its version."""

from dataclasses import replace

import pytest

from bot.cases.playbook import Stake
from bot.cases.playbook_version import changed_parts, decision_checksum, with_version
from bot.cases.policy import PlaybookTerms, Stage
from knowledge.library import load
from knowledge.library.playbooks import read_earlier_playbook
from tests.world import playbook

BOOK = playbook()
(OFFER,) = BOOK.offers
(LOOKUP,) = BOOK.evidence


def offering(**changes):
    return replace(BOOK, offers=(replace(OFFER, **changes),))


def looking_up(**changes):
    return replace(BOOK, evidence=(replace(LOOKUP, **changes),))


@pytest.mark.parametrize(
    "same",
    [
        replace(BOOK, title="Almost gone", what="gone", brief="gone", examples=("gone",)),
        replace(BOOK, stake=replace(BOOK.stake, why="it matters much")),
        replace(BOOK, terms=PlaybookTerms(stage=Stage.SHADOW)),
        replace(BOOK, owners=replace(BOOK.owners, governance="others")),
        replace(BOOK, channel="C0OTHER", checksum="1" * 64, text="another file"),
        replace(BOOK, detection=None),
        offering(reason="so it is said"),
        offering(otherwise="it does not fit"),
        looking_up(show={"on_hand": "In the cellar"}),
    ],
)
def test_texts_owners_and_what_opens_a_case_are_no_part_of_it(same):
    assert decision_checksum(same) == decision_checksum(BOOK)
    assert changed_parts(BOOK, same) == []


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (offering(when="stock.on_hand < `3`"), "actions"),
        (offering(parameters={**OFFER.parameters, "quantity": "`6`"}), "actions"),
        (offering(edit=()), "actions"),
        (offering(otherwise=(OFFER,)), "actions"),
        (offering(then=(replace(OFFER, action="house.give_notice"),)), "actions"),
        (replace(BOOK, offers=()), "actions"),
        (looking_up(query="look elsewhere"), "look-ups"),
        (replace(BOOK, evidence=(LOOKUP, replace(LOOKUP, name="more"))), "look-ups"),
        (replace(BOOK, stake=Stake("matters", "stock.other")), "what is at stake"),
        (replace(BOOK, beneficiary="stock.supplier"), "who gains"),
    ],
)
def test_all_that_it_decides_is_part_of_it(other, part):
    assert decision_checksum(other) != decision_checksum(BOOK)
    assert changed_parts(BOOK, other) == [part]


def test_the_text_of_a_later_step_is_no_part_of_it():
    step = replace(OFFER, action="house.give_notice")
    first, second = offering(then=(step,)), offering(then=(replace(step, reason="other words"),))
    assert decision_checksum(first) == decision_checksum(second)


def test_a_version_decides_and_the_files_say_the_rest():
    version = replace(looking_up(query="look elsewhere"), title="Old", channel="C0OLD", version="v")
    files = replace(BOOK, title="New", channel="C0NEW", evidence=(replace(LOOKUP, name="shelf"),))
    joint = with_version(files, version)
    assert (joint.title, joint.channel) == ("New", "C0NEW")
    assert (joint.evidence, joint.version) == (version.evidence, "v")
    assert decision_checksum(joint) == decision_checksum(version)


def test_the_sample_library_has_versions_that_can_be_read_again():
    library = load()
    versions = set()
    for kind, book in library.playbooks.items():
        again = library.playbook_from(kind, book.text)
        assert (again.version, again.checksum) == (book.version, book.checksum)
        assert changed_parts(book, again) == []
        # The version is that of the file, whatever ids its channels have here.
        written = read_earlier_playbook(
            kind, book.text, systems=library.systems, policy=library.rules
        )
        assert decision_checksum(written) == book.version
        versions.add(book.version)
    assert len(versions) == len(library.playbooks)

"""The trail: there is no entry without a sentence."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.controls import DeskControls
from bot.cases.entries import CaseBody, Nudged
from bot.cases.hours import ALWAYS
from bot.desk.answers.asker import Asker
from bot.desk.answers.case_file import CaseFile
from bot.desk.answers.names import Names
from bot.desk.answers.trail import describe_entry, describe_trail
from bot.ports.case_queries import Viewer
from bot.views.labels import Labels
from tests.cases.making import NOW, proposed
from tests.cases.shapes import shapes
from tests.cases.test_entries import entry_with
from tests.desk.answers.asking import ANA
from tests.fakes.directory import FakeDirectory
from tests.world import FakeLibrary


def file_of(entries) -> CaseFile:
    return CaseFile(
        case=proposed(),
        entries=entries,
        asker=Asker(person=ANA, viewer=Viewer(ANA, frozenset()), hours=ALWAYS),
        now=NOW,
        names=Names(FakeDirectory()),
        library=FakeLibrary(),
        controls=DeskControls(),
    )


@pytest.mark.parametrize("body_type", get_args(CaseBody), ids=lambda body: body.name)
@settings(max_examples=8)
@given(data=st.data())
def test_every_sort_of_entry_has_a_sentence(body_type, data):
    entry = entry_with(data.draw(shapes(body_type)))
    assert describe_entry(file_of([entry]), entry).strip(". ")


def test_what_happened_at_one_time_is_one_line_and_no_line_is_long():
    entry = entry_with(Nudged("Ana"))
    later = replace(entry, at=entry.at.replace(hour=23, minute=59))
    lines = describe_trail(file_of([entry] * 30 + [later])).facts
    assert all(len(line) <= 300 for line in lines)
    assert sum(line.count("Ana asked again for a decision.") for line in lines) == 31
    assert lines[-1].count("Ana asked again") == 1
    assert len(lines) < 10


def test_days_channels_and_actions_are_written_as_people_say_them():
    library = FakeLibrary()
    labels = Labels(actions={"house.order_stock": "Order stock"}, channels={"C0SALES": "sales"})
    library.labels = lambda: labels
    file = replace(file_of([]), library=library)
    text = file.words("house.order_stock on 2026-11-27, in 2027-01-04; tell C0SALES, not C0OTHER")
    assert text == "“Order stock” on Fri 27 Nov, in Mon 4 Jan 2027; tell #sales, not C0OTHER"
    assert file.words("2026-13-45") == "2026-13-45"

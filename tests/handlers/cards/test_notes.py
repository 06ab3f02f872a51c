"""Notes in a card's thread: a sentence for every entry."""

from dataclasses import replace
from typing import get_args

import pytest

from bot.cases import commands as commands
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.decide import decide
from bot.cases.entries import RejectReason
from bot.desk.effects import EFFECTS
from bot.emulator.blocks import validate
from bot.ports.outbox import Topic
from handlers.cards.notes import (
    ApprovalEntry,
    ExecutionEntry,
    HandlingEntry,
    SignalEntry,
    UndoEntry,
    note_blocks,
    note_text,
    trail_lines,
)
from tests.cases.making import ANA, NOW, OMAR, SEEN, asker, fold_all, proposed
from tests.handlers.cards.examples import half_undone_case
from tests.handlers.cards.markup import ATTACKS, live_parts

GROUPS = (ApprovalEntry, HandlingEntry, ExecutionEntry, UndoEntry, SignalEntry)


def test_every_entry_that_is_noted_has_its_words():
    entries_with_sentences = {entry for group in GROUPS for entry in get_args(group)}
    assert set(EFFECTS[Topic.NOTE]) <= entries_with_sentences


@pytest.mark.threat("B7")
def test_the_thread_is_told_of_each_yes_to_taking_it_back_and_of_what_came_of_it():
    case = half_undone_case()
    undo = commands.Undo(replace(asker(OMAR), behalf_of=()), CardSnapshot.of(case), "late")
    approval_entries = decide(case, undo, NOW).entries
    assert note_text(case, approval_entries) == (
        "Omar says that it is taken back: “late”. It takes 2 people to take it back."
        " It is being taken back."
    )
    undoing = fold_all(case, approval_entries)
    start = commands.StartUndo(step=0, groups={}, people={})
    assert note_text(undoing, decide(undoing, start, NOW).entries) == (
        "Not taken back: the approvals to take it back no longer count. What was done stands"
    )


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_notes_carry_words_and_nothing_else(text):
    case = proposed()
    person = asker(replace(ANA, name=text or "x"))
    rejection = commands.Reject(
        by=person,
        snapshot=SEEN,
        reason=RejectReason.OTHER,
        note=f"x{text}",
    )
    rejection_entries = decide(case, rejection, NOW).entries
    after = fold_all(case, rejection_entries)
    blocks = note_blocks(after, rejection_entries)
    assert validate(blocks) == []
    assert live_parts(blocks) == []
    assert "<" not in note_text(after, rejection_entries)
    assert trail_lines(after, rejection_entries)

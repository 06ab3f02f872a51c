"""Notes in a card's thread: a sentence for every entry."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from bot.cases import commands as commands
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.decide import decide
from bot.cases.entries import Edited, FieldChange, Named, RejectReason
from bot.cases.signal import UNRECOGNISED
from bot.desk.effects import EFFECTS
from bot.emulator.blocks import validate
from bot.ports.outbox import Topic
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.notes import (
    ApprovalEntry,
    DeadlineEntry,
    ExecutionEntry,
    HandlingEntry,
    HindsightEntry,
    SignalEntry,
    UndoEntry,
    describe_entry,
    note_blocks,
    note_text,
    trail_lines,
)
from handlers.cards.question import ask
from handlers.cards.wording import Wording
from handlers.slack.interactions import CARD_BLOCKS
from tests.cases.making import (
    ANA,
    NOW,
    OMAR,
    SEEN,
    action,
    asker,
    fold_all,
    plan,
    proposed,
    with_fields,
)
from tests.handlers.cards.examples import half_undone_case, note_of, permalink
from tests.handlers.cards.markup import ATTACKS, live_parts

GROUPS = (
    ApprovalEntry,
    HandlingEntry,
    DeadlineEntry,
    ExecutionEntry,
    UndoEntry,
    SignalEntry,
    HindsightEntry,
)


def test_every_entry_that_is_noted_has_its_words():
    entries_with_sentences = {entry for group in GROUPS for entry in get_args(group)}
    assert set(EFFECTS[Topic.NOTE]) <= entries_with_sentences


@pytest.mark.threat("B7")
def test_the_thread_is_told_of_each_yes_to_taking_it_back_and_of_what_came_of_it():
    case = half_undone_case()
    undo = commands.Undo(replace(asker(OMAR), behalf_of=()), CardSnapshot.of(case), "late")
    approval_entries = decide(case, undo, NOW).entries
    assert note_text(note_of(case, approval_entries)) == (
        "Omar says that it is taken back: “late”. It takes 2 people to take it back."
        " It is being taken back."
    )
    undoing = fold_all(case, approval_entries)
    start = commands.StartUndo(step=0, groups={}, people={})
    assert note_text(note_of(undoing, decide(undoing, start, NOW).entries)) == (
        "Not taken back: the approvals to take it back no longer count. What was done stands."
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
    note = note_of(after, rejection_entries)
    blocks = note_blocks(note, permalink)
    assert validate(blocks) == []
    assert live_parts(blocks) == []
    assert "<" not in note_text(note)
    assert trail_lines(after, rejection_entries)


def written(note):
    """What a note reads like, its time included."""
    runs = [
        run
        for block in note_blocks(note, permalink)
        if block["type"] == "rich_text"
        for section in block["elements"]
        for run in section["elements"]
    ]
    return "".join(run.get("text") or run.get("fallback", "") for run in runs)


def test_a_note_is_a_sentence_with_its_time():
    case = proposed()
    approval = commands.Approve(asker(ANA), SEEN, "enough room")
    entry = decide(case, approval, NOW).entries[0]
    assert written(note_of(case, [entry])) == f"Ana approved: “enough room”, {NOW:%H:%M} UTC"
    silent = decide(case, commands.Approve(asker(ANA), SEEN), NOW).entries[0]
    assert written(note_of(case, [silent])) == f"Ana approved, {NOW:%H:%M} UTC"


@pytest.mark.parametrize("name", ["ana duarte", "McKenna O'Hara", "Łucja Żak-Nowak"])
def test_names_keep_their_case(name):
    claim = commands.Claim(asker(replace(ANA, name=name)), SEEN)
    entry = decide(proposed(), claim, NOW).entries[0]
    assert written(note_of(proposed(), [entry])).startswith(f"{name} is on it,")


def test_titles_stand_in_place_of_names_in_code():
    labels = Labels(kinds={"low_stock": "Running low"}, parameters={"a.b.quantity": "Bottles"})
    named = Named(
        kind="low_stock",
        owner="floor-managers",
        channel="C0STOCK",
        sla=proposed().timers.sla,
        by_name="Ana",
    )
    assert str(describe_entry(named, proposed(), labels)) == "Ana says what it is: Running low"
    novel = replace(named, kind=UNRECOGNISED)
    text = str(describe_entry(novel, proposed(), labels))
    assert text == "Ana says that it is something new."
    case = with_fields(proposed(), plan=plan(actions=(action(name="a.b"),)))
    edited = Edited(
        plan=case.proposal.plan,
        verdict=case.proposal.verdict,
        changes=(FieldChange("quantity", 24, 12),),
        expires_at=NOW,
        by_name="Ana",
    )
    assert "Bottles 24 → 12" in str(describe_entry(edited, case, labels))


def test_whoever_is_reminded_finds_the_question_and_the_buttons():
    case = proposed()
    later = NOW + timedelta(hours=1)
    reminder = decide(case, commands.Remind(later + timedelta(hours=1)), later).entries
    after = fold_all(case, reminder)
    note = note_of(after, reminder, has_buttons=True)
    blocks = note_blocks(note, permalink)
    assert validate(blocks) == []
    (row,) = [block for block in blocks if block["type"] == "actions"]
    assert not row["block_id"].startswith(CARD_BLOCKS)
    assert [element["action_id"] for element in row["elements"]] == [
        ids.APPROVE,
        ids.REJECT,
        ids.OPEN_LINK,
    ]
    assert str(ask(after.proposal.plan, Wording())) in written(note)
    plain = note_blocks(replace(note, has_buttons=False), permalink)
    assert [block["type"] for block in plain] == ["rich_text"]

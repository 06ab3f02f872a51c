"""Entries in words: each type has a sentence, and nothing that people wrote is left out."""

import dataclasses
import re
from collections.abc import Mapping
from enum import Enum
from typing import get_args

import pytest
from hypothesis import given, settings

from bot.cases.actor import DESK, CaseId
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, Recommend
from bot.cases.entries import CaseBody, Entry, Gathered, Reminded, StepReported, StepState
from bot.cases.evidence import Evidence
from bot.cases.evolve import fold
from bot.cases.recommendation import Recommendation
from bot.views.entry_content import EntryWords, trail
from bot.views.entry_names import SOMEBODY, EntryNames, names_in
from bot.views.labels import Labels, as_words, start_upper
from tests.cases.making import (
    ANA,
    NOW,
    Finish,
    caller,
    opening,
    plan,
    start_step,
    verdict,
    write,
)
from tests.cases.shapes import shapes

#: Fields whose text somebody wrote for others to read.
READ_FIELDS = {"note", "title", "question", "what", "why", "summary", "preview", "detail", "basis"}
HASH = re.compile(r"[0-9a-f]{32}")


def entry(body, actor=DESK):
    return Entry(
        case_id=CaseId("EX-1"),
        version=2,
        revision=1,
        at=NOW,
        actor=actor,
        surface="desk",
        body=body,
    )


def words_of(content):
    return "\n".join([content.sentence, *map(str, content.lines)])


def read_texts(value, name=""):
    """Find the texts in a body that people read."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from read_texts(getattr(value, field.name), field.name)
    elif isinstance(value, Mapping | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from read_texts(item, name)
    elif isinstance(value, str) and not isinstance(value, Enum) and name in READ_FIELDS:
        yield value


@pytest.mark.parametrize("body_type", get_args(CaseBody), ids=lambda one: one.name)
def test_every_entry_of_a_case_has_a_sentence_and_keeps_what_people_wrote(body_type):
    @settings(max_examples=20)
    @given(shapes(body_type))
    def check(body):
        content = EntryWords().content(entry(body), None)
        assert content.sentence
        assert content.sentence != start_upper(as_words(body.name.replace(".", " ")))
        text = words_of(content)
        assert [read for read in read_texts(body) if read not in text] == []

    check()


def carried_out():
    """The entries of a case from its signal to its end."""
    found = Evidence(name="stock.on_hand", label="On hand", value=4, source="house", read_at=NOW)
    failed = Evidence(
        name="supplier",
        label="Supplier",
        value=None,
        source="house",
        read_at=NOW,
        failure="nothing found",
    )
    recommendation = Recommendation("house.order_stock", "because", "rule 1")
    case, entries = None, []
    for move in (
        opening(),
        Gathered(evidence=(found, failed), what="Merlot: 4 left", why="24 short", stake=None),
        Recommend(recommendation, plan(), verdict()),
        Approve,
        start_step,
        StepReported(0, StepState.LANDED, "1 row changed"),
        Finish("done"),
    ):
        if move is Approve:
            move = Approve(caller(ANA), CardSnapshot.of(case), "we need it")
        decision = write(case, move(case) if move is start_step else move)
        entries += decision.entries
        case = decision.case
    return entries


def test_a_trail_says_each_fact_with_its_source_and_time():
    labels = Labels(systems={"house": "stock system"})
    gathered = next(one for one in trail(carried_out(), labels) if "Looked up" in words(one))
    assert gathered.content.sentence == "Looked up: 1 fact, and 1 look-up failed"
    assert words(gathered).endswith(
        "Read from: stock system, 21 Nov 2026 12:00 UTC\n"
        "On hand: 4\n"
        "Supplier: could not be read: nothing found"
    )


def test_a_trail_says_plan_verdict_and_who_decided():
    texts = [words(one) for one in trail(carried_out())]
    (recommended,) = [text for text in texts if text.startswith("Recommended")]
    assert "Step 1: Order 24" in recommended
    assert "Quantity: 24" in recommended
    assert "It moves: £100.00" in recommended
    assert "Reason: because" in recommended
    assert "Needs: 1 of @floor-managers" in recommended
    assert "Policy: must be approved, low risk: fine (rule: rule)" in recommended
    assert "Ana approved\nNote: we need it" in texts
    assert "Step 1 began: Order 24" in texts


def test_each_item_of_a_trail_has_the_case_as_its_entry_left_it():
    entries = carried_out()
    items = list(trail(entries))
    assert [item.entry for item in items] == entries
    assert [item.case for item in items] == [fold(entries[: n + 1]) for n in range(len(entries))]


def test_no_hash_stands_in_a_trail():
    assert [words(item) for item in trail(carried_out()) if HASH.search(words(item))] == []


def test_people_have_the_names_that_the_entries_say():
    names = names_in(carried_out())
    known = EntryWords(names=EntryNames(people=names))
    assert known.content(entry(Reminded(ANA.id, NOW)), None).sentence == "Ana was reminded"
    assert known.content(entry(Reminded("T1/UZOE", NOW)), None).sentence == (
        f"{SOMEBODY} was reminded"
    )
    assert [item.author for item in trail(carried_out())][:4] == [
        "api",
        "Countersign",
        "Countersign",
        "Ana",
    ]


def words(item):
    return words_of(item.content)

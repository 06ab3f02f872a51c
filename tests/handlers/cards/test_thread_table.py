"""The evidence in the thread: every fact with value, source and time."""

from dataclasses import replace

import pytest

from bot.emulator.blocks import validate
from bot.views.labels import Labels
from bot.views.thread_notes import ThreadEvidence
from handlers.cards.thread_table import MAX_FACTS, evidence_list, evidence_table, evidence_text
from tests.cases.making import NOW, proposed, with_fields
from tests.handlers.cards.examples import fact
from tests.handlers.cards.markup import ATTACKS, hostile_case, live_parts

LABELS = Labels(systems={"house": "Stock system"})


def evidence_of(case):
    return ThreadEvidence(
        key="note:EX-1:evidence:1.0",
        case=case,
        channel="C0STOCK",
        thread_ts="1.0",
        labels=LABELS,
    )


def test_each_fact_has_a_row_with_its_title_source_and_time():
    facts = (
        fact("stock.on_hand", label="On hand", value=4, source="house"),
        fact("stock.lead", label="Lead time", value=None, source="house", failure="timed out"),
        fact("stock.hidden", label="", value=9, source="house"),
    )
    case = with_fields(proposed(), evidence=facts)
    (table,) = [block for block in evidence_table(evidence_of(case)) if block["type"] == "table"]
    header, first, second = table["rows"]
    assert [cell["text"] for cell in header] == ["Fact", "Value", "Source", "Read"]
    assert [cell["text"] for cell in first[:3]] == ["On hand", "4", "Stock system"]
    assert second[1]["text"] == "could not be read: timed out"
    (date,) = first[3]["elements"][0]["elements"]
    assert (date["type"], date["timestamp"]) == ("date", int(facts[0].read_at.timestamp()))
    assert facts[0].read_at <= NOW


def test_many_facts_fit_into_one_message():
    facts = tuple(
        fact(f"stock.f{number}", label=f"Fact {number}", value="x" * 500) for number in range(200)
    )
    evidence = evidence_of(with_fields(proposed(), evidence=facts))
    table = evidence_table(evidence)[-1]
    assert len(table["rows"]) == MAX_FACTS + 1
    assert validate(evidence_table(evidence)) == []


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_text_from_outside_is_text(text):
    evidence = evidence_of(hostile_case(text))
    for blocks in (evidence_table(evidence), evidence_list(evidence)):
        assert validate(blocks) == []
        assert live_parts(blocks) == []
    assert not set("<>") & set(evidence_text(replace(evidence)))

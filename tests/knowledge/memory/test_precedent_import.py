"""Import of a history: precedents, and the reasons of bad rows."""

from datetime import UTC, datetime

import pytest

from bot.cases.errors import BadRequest
from bot.cases.precedent import CaseOutcome, Precedent, PrecedentDecision
from knowledge.memory.precedent_import import batch_name, parse_mapping, parse_precedent
from knowledge.memory.row_file import BadRow
from tests.cases.making import NOW
from tests.world import playbook

PLAYBOOKS = {"low_stock": playbook()}


def parse(row, *options, facts=""):
    mapping = parse_mapping(options, facts, kind="low_stock", now=NOW)
    return parse_precedent(row, line=7, batch="b", mapping=mapping, playbooks=PLAYBOOKS)


def test_a_row_becomes_a_precedent():
    row = {
        "story": "Merlot is low",
        "action": "house.order_stock",
        "by": "Ana",
        "at": "2026-03-31T09:00:00+01:00",
        "key": "42",
        "on_hand": 4,
    }
    assert parse(row, "text=story", facts="on_hand, size") == Precedent(
        id="b:42",
        kind="low_stock",
        signal_text="Merlot is low",
        summary="",
        facts={"on_hand": 4, "size": None},
        decision=PrecedentDecision(action="house.order_stock", people=("Ana",)),
        outcome=CaseOutcome.WORKED,
        reason="",
        ended_at=datetime(2026, 3, 31, 8, tzinfo=UTC),
        channel="C0STOCK",
        batch="b",
    )


def test_a_row_that_says_little_is_vouched_for_by_the_importer():
    precedent = parse({"text": "Merlot is low"})
    assert precedent.outcome is CaseOutcome.BY_HAND
    assert precedent.ended_at == NOW
    assert precedent.decision.people == ("imported",)
    assert parse({"text": "Merlot is low", "by": ""}).decision.people == ()


def test_the_same_content_has_the_same_id():
    first = parse({"text": "Merlot is low"})
    second = parse({"text": "Merlot is low"})
    assert first.id == second.id != parse({"text": "Gin is low"}).id


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "column 'text' is empty or missing"),
        ({"text": "low", "action": "house.burn"}, "is not in the playbook"),
        ({"text": "low", "ended": "badly"}, "ended 'badly' is none of worked"),
        ({"text": "low", "at": "yesterday"}, "at 'yesterday' is not a date"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_a_reason(row, reason):
    result = parse(row)
    assert isinstance(result, BadRow)
    assert result.line == 7
    assert reason in result.reason


def test_a_kind_without_a_playbook_is_refused():
    mapping = parse_mapping([], "", kind="fraud", now=NOW)
    row = {"text": "low"}
    result = parse_precedent(row, line=1, batch="b", mapping=mapping, playbooks=PLAYBOOKS)
    assert result == BadRow(1, "there is no playbook for 'fraud'")


def test_an_unknown_field_is_refused():
    with pytest.raises(BadRequest, match="--map colour=story: write FIELD=COLUMN"):
        parse_mapping(["colour=story"], "", kind="", now=NOW)


def test_a_batch_is_named_after_the_file_and_its_content(tmp_path):
    path = tmp_path / "past.csv"
    path.write_text("text\nlow\n")
    name = batch_name(path)
    assert name.startswith("past-")
    assert batch_name(path) == name
    path.write_text("text\nhigh\n")
    assert batch_name(path) != name


def test_a_row_of_a_case_that_has_not_ended_is_no_precedent():
    mapping = parse_mapping((), "", kind="low_stock", now=NOW, open_words=["In progress"])

    def parse_unfinished(**row):
        return parse_precedent(
            {"text": "low", **row}, line=1, batch="b", mapping=mapping, playbooks=PLAYBOOKS
        )

    assert parse_unfinished(ended="in progress") is None
    assert parse_unfinished(action="In Progress") is None
    assert isinstance(parse_unfinished(ended="worked"), Precedent)
    # Without the option it is an unknown word, as before.
    assert isinstance(parse({"text": "low", "ended": "In progress"}), BadRow)

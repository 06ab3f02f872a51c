"""Decisions of the ledger as sentences."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases import entries
from bot.cases.hours import Hours
from bot.cases.inquiry import AnswerType
from bot.desk.history_texts import describe_decision

LONDON = Hours(zone="Europe/London")
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
#: In London, and in winter.
WHEN = "23 Nov 09:00"


@pytest.fixture
def describe(small_world):
    """Describe a body as if it were the last entry of a real case."""
    case = small_world.proposed()
    entry = small_world.store.cases.entries(case.id)[-1]

    def describe_body(body):
        return describe_decision(replace(entry, body=body, at=AT), LONDON)

    return describe_body


def test_each_kind_of_decision_has_its_sentence(describe):
    resolution = entries.Resolution
    sentences = {
        f"It was given up on {WHEN}: no luck.": entries.Stopped("no luck"),
        f"It was opened again on {WHEN}: still there.": entries.Reopened("still there"),
        f"It was opened again on {WHEN}: it is back.": entries.Reopened("it is back."),
        f"Ana ended the snooze on {WHEN}.": entries.WokenEarly("Ana"),
        f"It was not taken back on {WHEN}: too late.": entries.UndoLapsed("too late"),
        f"It was asked again on {WHEN}: a; b.": entries.Drifted(("a", "b"), is_settled=True),
        f"Ana asked Ben on {WHEN}: “Is it here?”": entries.InquiryOpened(
            to="T1/UBEN",
            to_name="Ben",
            question="Is it here?",
            answer_type=AnswerType.TEXT,
            by_name="Ana",
        ),
        f"Ben answered on {WHEN}: Yes.": entries.InquiryAnswered(
            inquiry=3, value="Yes", by_name="Ben"
        ),
        f"It worked on {WHEN}.": entries.Resolved(
            resolution=resolution.WORKED, note="x", undo_until=None, undo_votes=0
        ),
    }
    for sentence, body in sentences.items():
        assert describe(body) == sentence


def test_an_entry_without_a_decision_has_none(describe):
    assert describe(entries.StepReported(0, entries.StepState.LANDED, "")) == ""

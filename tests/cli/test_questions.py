"""Questions without a good answer, for an operator and for the file of examples."""

import json
from contextlib import closing
from datetime import timedelta

import pytest
import yaml

from bot import storage
from bot.cli.questions import questions
from bot.clock import utc_now
from bot.ports.question_log import AnsweredQuestion, QuestionRecord
from bot.settings import load_offline
from bot.views.query import Ask, Condition, Measure, Query

ANA = "T1/UANA"
LATE = Query(ask=Ask.LIST, condition=Condition(is_overdue=True))
LATE_COUNT = Query(ask=Ask.COUNT, measure=Measure.COUNT, condition=Condition(is_overdue=True))


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A log of four questions; of three a person said what they had meant."""
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    store = storage.open_store(load_offline())
    with closing(store.database):
        texts = ("Anything behind?", "anything behind", "how far behind since Friday", "wibble")
        for number, text in enumerate(texts):
            record = QuestionRecord(
                id=f"q{number}",
                asked_at=utc_now() - timedelta(minutes=number),
                person=ANA,
                text=text,
            )
            store.question_log.record(record, None)
            answered = AnsweredQuestion(reading="", query=None, alternatives=(LATE, LATE_COUNT))
            store.question_log.record_answer(record.id, answered)
        for number, choice in enumerate((0, 0, 1)):
            store.question_log.record_choice(f"q{number}", ANA, choice)


def test_what_people_meant_is_printed_as_lines_of_the_file(log, capsys):
    questions(examples=True)
    document = yaml.safe_load("asks:\n" + capsys.readouterr().out)
    assert document["asks"] == {
        "count": "how far behind since {period}\n",
        "list": "anything behind\n",
    }


def test_the_meaning_stands_beside_each_question(log, capsys):
    questions(as_json=True)
    rows = {row["text"]: row["meant"] for row in json.loads(capsys.readouterr().out)}
    assert rows["wibble"] == ""
    assert rows["Anything behind?"] == "list"
    questions()
    assert "count" in capsys.readouterr().out


def test_without_a_chosen_reading_nothing_is_printed_to_paste(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    questions(examples=True)
    output = capsys.readouterr()
    assert output.out == ""
    assert "Nobody chose" in output.err

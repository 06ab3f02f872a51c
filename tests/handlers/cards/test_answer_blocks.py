"""The answer to a question."""

from dataclasses import replace

import pytest

from bot.emulator.blocks import validate
from bot.views.answers import Answer, Figure
from handlers.cards import ids
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.answer_table import without_tables
from tests.handlers.cards.answer_examples import (
    ANSWER_EXAMPLES,
    case_list,
    left_aside,
    long_list,
    trend,
    two_readings,
)
from tests.handlers.cards.examples import low_risk_case, permalink, row
from tests.handlers.cards.markup import visible_text


def buttons(blocks):
    return [
        element for block in blocks if block["type"] == "actions" for element in block["elements"]
    ]


def labels(blocks):
    return [element["text"]["text"] for element in buttons(blocks) if "text" in element]


@pytest.mark.parametrize("name", ANSWER_EXAMPLES)
def test_an_answer(name, snapshot):
    answer = ANSWER_EXAMPLES[name]()
    blocks = answer_blocks(answer, permalink, "C:1")
    assert validate(blocks) == []
    assert validate(without_tables(blocks)) == []
    assert {"text": answer_text(answer), "blocks": blocks} == snapshot


@pytest.mark.parametrize("name", ANSWER_EXAMPLES)
def test_the_first_line_is_the_answer_itself(name):
    answer = ANSWER_EXAMPLES[name]()
    first_run = answer_blocks(answer, permalink)[0]["elements"][0]["elements"][0]
    assert (first_run["text"], first_run["style"]) == (answer.text, {"bold": True})


def test_a_row_has_the_buttons_that_its_state_allows_for_this_asker():
    assert labels(answer_blocks(case_list(), permalink)) == [
        *("Approve", "Reject…", "Open"),
        *("Approve…", "Reject…", "Open"),
        *("Wake now", "Open"),
        "Open",
    ]


def test_a_case_without_a_card_can_be_opened_from_an_answer():
    hidden = replace(row(low_risk_case(), 2), ts="", is_decidable=False)
    (element,) = buttons(answer_blocks(Answer(text="One.", rows=(hidden,), total=1), permalink))
    assert (element["action_id"], element["value"]) == (ids.OPEN, "EX-2:0")


def test_no_more_than_ten_rows_are_shown_and_the_rest_is_counted():
    many = replace(long_list(), rows=long_list().rows * 3)
    text = visible_text(answer_blocks(many, permalink))
    assert text.count("by ") >= 10
    assert "and 13 more" in text
    assert "Show all, 13 more" in labels(answer_blocks(many, permalink, "C:1"))
    nearest = replace(many, rows_title="The nearest:")
    assert "and 13 more" in visible_text(answer_blocks(nearest, permalink, "C:1"))


def test_a_message_never_has_more_blocks_than_slack_takes():
    offers = ANSWER_EXAMPLES["other offers"]().offers
    full = replace(long_list(), offers=offers * 3, table=trend().table, facts=("x" * 500,) * 40)
    blocks = answer_blocks(full, permalink, "C:1")
    assert len(blocks) <= 50
    assert blocks[-1]["elements"][0]["action_id"] == ids.REREAD


@pytest.mark.threat("E1")
def test_words_left_aside_and_the_model_that_read_are_named():
    text = visible_text(answer_blocks(left_aside(), permalink))
    assert "Understood: open cases of “Running low”." in text
    assert "I left aside “stuck” and “zanzibar”." in text
    assert "Read by small-model." in text


@pytest.mark.parametrize(
    ("reading", "text", "is_shown"),
    [
        ("open cases waiting on you", "Four wait on you.", False),
        ("cases opened overnight (18:00 to 08:00)", "Three were opened overnight.", True),
        ("open cases", "23 are open.", False),
        ("open cases of “Running low”", "Two are open.", True),
    ],
)
def test_the_reading_is_said_only_where_the_first_line_does_not_say_it(reading, text, is_shown):
    answer = Answer(text=text, reading=reading, total=2)
    assert ("Understood" in visible_text(answer_blocks(answer, permalink))) is is_shown


def test_readings_are_offered_instead_of_a_guess():
    blocks = answer_blocks(two_readings(), permalink, "C:1")
    assert [element["value"] for element in buttons(blocks)] == ["0 C:1", "1 C:1"]
    assert {element["action_id"] for element in buttons(blocks)} == {ids.CHOOSE_READING}


def test_other_readings_of_an_answered_question_are_behind_a_button():
    answer = replace(case_list(), choices=("a", "b"))
    assert "Not what I meant" in labels(answer_blocks(answer, permalink, "C:1"))
    assert ids.CHOOSE_READING not in str(answer_blocks(answer, permalink, "C:1"))


def test_a_chart_stands_beside_the_numbers_and_goes_where_slack_takes_none():
    blocks = answer_blocks(trend(), permalink)
    types = [block["type"] for block in blocks]
    assert types[1:3] == ["data_visualization", "table"]
    text = visible_text(without_tables(blocks))
    assert "Tue 24 Nov" in text
    assert "data_visualization" not in str(without_tables(blocks))


def test_one_figure_is_a_line_and_no_table():
    answer = Answer(text="£90.00.", table=(Figure(label="At stake", value="£90.00", number=90.0),))
    assert "table" not in [block["type"] for block in answer_blocks(answer, permalink)]
    assert "At stake" in visible_text(answer_blocks(answer, permalink))


@pytest.mark.parametrize("name", ["one case", "small talk", "offered approval"])
def test_an_answer_that_speaks_for_itself_has_no_reading_below(name):
    answer = replace(ANSWER_EXAMPLES[name](), reading="a friendly word about EX-1")
    assert "Understood" not in visible_text(answer_blocks(answer, permalink))

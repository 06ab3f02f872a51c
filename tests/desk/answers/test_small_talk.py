"""Small talk gets one fitting line."""

import time

import pytest

from bot.desk.answers.small_talk import (
    GOODBYE,
    HELLO,
    LAUGH,
    NOT_A_PERSON,
    OK,
    PRAISE,
    SORRY,
    THANKS,
    small_talk_reply,
)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("thanks!", THANKS),
        ("Cheers mate", THANKS),
        ("morning", HELLO),
        ("hey there", HELLO),
        ("lol ok", LAUGH),
        ("ok", OK),
        ("", OK),
        ("ur the best", PRAISE),
        ("good job", PRAISE),
        ("are you a real person", NOT_A_PERSON),
        ("are you a robot?", NOT_A_PERSON),
        ("see you tomorrow", GOODBYE),
        ("you are useless", SORRY),
    ],
)
def test_a_fitting_line(words, line):
    assert small_talk_reply(words) == line


def test_a_long_text_takes_no_time():
    begin = time.thread_time()
    assert small_talk_reply("ha" * 100_000)
    assert time.thread_time() - begin < 0.5

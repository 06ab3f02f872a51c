"""Log lines as a collector and a person read them, from a process of their own."""

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
from bot.cli.logs import configure_logging
from bot.log_context import log_context
from bot.settings import LogFormat

configure_logging("INFO", LogFormat(sys.argv[1]))
log = logging.getLogger("some.library")
with log_context(case="EX-12", request="r-1"):
    try:
        raise ValueError("it broke")
    except ValueError:
        log.exception("reference %s", 7)
log.info("open")
"""


def lines_in(form: str) -> list[str]:
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True
    )
    assert program.stdout == ""
    return program.stderr.splitlines()


def test_in_json_each_line_is_an_object_that_says_what_it_is_about():
    failure, opening = map(json.loads, lines_in("json"))
    assert failure.pop("time").endswith("+00:00")
    assert "ValueError: it broke" in failure.pop("exc_info")
    assert failure == {
        "level": "ERROR",
        "logger": "some.library",
        "message": "reference 7",
        "case": "EX-12",
        "request": "r-1",
    }
    assert set(opening) == {"time", "level", "logger", "message"}


def test_in_text_a_line_ends_with_what_it_is_about():
    first, *traceback, last = lines_in("text")
    assert first.endswith("ERROR some.library reference 7 [case=EX-12 request=r-1]")
    assert "ValueError: it broke" in traceback
    assert last.endswith("INFO some.library open")


def test_in_json_a_line_break_from_outside_makes_no_second_line():
    program = PROGRAM.replace('log.info("open")', 'log.info("one\\nERROR two")')
    told = subprocess.run(
        [sys.executable, "-c", program, "json"], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stderr.splitlines()[-1])["message"] == "one\nERROR two"

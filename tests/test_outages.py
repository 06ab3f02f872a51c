"""What is logged while something is away: each cause once, then a count; and never what a database quotes of its rows."""

import io
import logging
import sqlite3
import subprocess
import sys
import traceback

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from bot.outages import OutageFilter, describe_failure
from bot.store.database import Database

pytestmark = pytest.mark.threat("D5")
SECRET = "elsie@harbour.example"


class Paper:
    """A log on paper, with minutes that pass when a test says so."""

    def __init__(self) -> None:
        self.stream, self.reports = io.StringIO(), []
        self.outages = OutageFilter(60, lambda seconds, report: self.reports.append(report))
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.handler.addFilter(self.outages)

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()

    def a_minute_later(self):
        due, self.reports = self.reports, []
        for report in due:
            report()


@pytest.fixture
def paper():
    paper, root = Paper(), logging.getLogger("house")
    root.addHandler(paper.handler)
    root.propagate = False
    yield paper
    root.removeHandler(paper.handler)
    root.propagate = True


def away():
    raise OperationalError(
        "SELECT :name", {"name": SECRET}, sqlite3.OperationalError("database is locked")
    )


def failing(log, words, call=away, **more):
    try:
        call()
    except Exception:
        log.exception(words, **more)


def test_an_outage_of_25_seconds_is_a_handful_of_lines(paper):
    """Four lanes that look twice a second, a scheduler and the door: as the real process was found to write 2.5 MB."""
    lanes, loop, door = (logging.getLogger(f"house.{name}") for name in ("worker", "loop", "door"))
    for _ in range(200):
        failing(lanes, "could not claim work; trying again")
    for _ in range(5):
        failing(loop, "keep time failed; it runs again at its next slot")
    for _ in range(100):
        failing(door, "a signal could not be stored")
    assert len(paper.lines) == 1
    assert "could not claim work" in paper.lines[0]
    assert "OperationalError" in paper.lines[0]
    assert "Traceback" not in paper.stream.getvalue()
    paper.a_minute_later()
    assert paper.lines[1:] == [
        "ERROR house.worker the database cannot be used: 304 more times in the last 60 s"
    ]
    paper.a_minute_later()
    assert paper.lines[2].startswith(
        "ERROR house.worker the database cannot be used: over, 305 times in all, the last at "
    )
    paper.a_minute_later()
    assert len(paper.lines) == 3
    failing(lanes, "could not claim work; trying again")
    assert len(paper.lines) == 4


def test_what_fails_in_another_way_is_told_apart_and_keeps_its_first_traceback(paper):
    log = logging.getLogger("house.x")

    def broken():
        raise ValueError("a bug")

    for _ in range(3):
        failing(log, "card:EX-1 failed", broken)
        log.warning("the same line")
        log.warning("a line of its own: %s", len(paper.lines))
    text = paper.stream.getvalue()
    assert (text.count("Traceback"), text.count("the same line")) == (1, 1)
    assert text.count("a line of its own") == 3


def test_a_number_that_was_given_to_somebody_is_always_found(paper):
    log = logging.getLogger("house.press")
    for number in range(3):
        failing(log, f"press failed, reference {number}", extra={"reference": str(number)})
    assert [line.partition("reference ")[2][0] for line in paper.lines] == ["0", "1", "2"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_a_database_quotes_of_its_rows_is_in_no_line_and_in_no_row(
    kind, paper, request, tmp_path
):
    url = (
        f"sqlite:///{tmp_path / 'x.db'}"
        if kind == "sqlite"
        else f"{request.getfixturevalue('postgres')}/postgres"
    )
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS people"))
            connection.execute(sa.text("CREATE TABLE people (mail TEXT PRIMARY KEY)"))
        insert = sa.text("INSERT INTO people VALUES (:mail)")

        def twice():
            with database.engine.begin() as connection:
                connection.execute(insert, [{"mail": SECRET}, {"mail": SECRET}])

        with pytest.raises(IntegrityError) as refused:
            twice()
        assert SECRET not in describe_failure(refused.value)
        assert "IntegrityError" in describe_failure(refused.value)
        log = logging.getLogger("house.store")
        failing(log, "could not be written", twice)
        log.warning("refused: %s", refused.value)
        failing(log, f"a library wrote: {refused.value}", twice)
        with database.read() as reader, pytest.raises(sa.exc.DBAPIError) as wrong:
            reader.execute(sa.text("SELECT * FROM nowhere WHERE mail = :mail"), {"mail": SECRET})
        assert SECRET not in str(wrong.value)
        text = paper.stream.getvalue()
        assert SECRET not in text
        assert "Traceback" in text
    finally:
        with database.engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE people"))
        database.close()


def test_a_lookup_that_fails_tells_nothing_of_what_it_was_asked_with(tmp_path):
    from datetime import timedelta

    from bot.connectors.sql import SqlConnector, SqlSystem

    sqlite3.connect(tmp_path / "house.db").close()
    system = SqlSystem(name="house", url_env="URL", timeout=timedelta(seconds=2))
    connector = SqlConnector(system, f"sqlite:///{tmp_path / 'house.db'}")
    session = connector._database._reader.open_session()
    session.begin()
    with pytest.raises(sqlite3.OperationalError) as wrong:
        session.fetch("SELECT * FROM nowhere WHERE mail = :mail", {"mail": SECRET}, 1)
    session.discard()
    assert SECRET not in "".join(traceback.format_exception(wrong.value))


def test_the_program_puts_every_logger_under_the_filter():
    """Started as an operator starts it: the same line is logged once, by whatever logger."""
    code = (
        "import logging; from bot.cli.logs import configure_logging; configure_logging('INFO')\n"
        "for _ in range(50): logging.getLogger('some.library').error('it is away')"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert told.stderr.count("it is away") == 1


def test_a_row_that_keeps_failing_keeps_no_value_with_it(small_world):
    """What ``doctor`` shows of it is the class and the code."""
    from bot.ports.outbox import Topic

    world = small_world
    world.receive()
    (work,) = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)

    def refused(row):
        raise IntegrityError(
            "INSERT", {"mail": SECRET}, sqlite3.IntegrityError(f"Key (mail)=({SECRET}) exists")
        )

    world.lane._runner._handlers[Topic.TRIAGE] = refused
    world.lane.handle(work)
    with world.store.database.read() as connection:
        errors = (
            connection.execute(sa.text("SELECT error FROM outbox WHERE error <> ''"))
            .scalars()
            .all()
        )
    assert errors == ["IntegrityError from IntegrityError"]

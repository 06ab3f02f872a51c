"""Faults of the machine are one line, and errors of the program keep their traceback."""

import errno
import sqlite3
import subprocess
import sys

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, ProgrammingError

from bot.cli.machine_faults import as_refusal
from bot.settings import inherit
from tests.servers import free_port


def run(tmp_path, *arguments, **settings):
    """Run a command as people do."""
    environment = {
        "COUNTERSIGN_ENV_FILE": "none",
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env=inherit("PATH", "HOME") | environment,
        capture_output=True,
        text=True,
    )


def test_a_database_that_is_away_is_one_sentence_without_its_password(tmp_path):
    url = f"postgresql+psycopg://bot:hidden@127.0.0.1:{free_port()}/desk"
    done = run(tmp_path, "migrate", COUNTERSIGN_DATABASE_URL=url)
    text = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert text.startswith("the database cannot be used: connection failed")
    assert text.endswith("Is it running, and is COUNTERSIGN_DATABASE_URL right?")
    assert "hidden" not in text


def test_a_file_that_is_no_database_is_one_sentence(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "countersign.db").write_text("hello " * 1_000)
    done = run(tmp_path, "migrate")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "the file of the database cannot be used: file is not a database\n"


def address_error():
    with pytest.raises(ArgumentError) as raised:
        sa.make_url("postgres//x")
    return raised.value


def sqlite_error(name):
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (address_error(), "COUNTERSIGN_DATABASE_URL is no address"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "No space left on device: /"),
        (sqlite_error("SQLITE_FULL"), "the file of the database cannot be used: database or disk"),
        (sqlite_error("SQLITE_IOERR_WRITE"), "the file of the database cannot be used"),
        (
            ProgrammingError("INSERT", {}, psycopg.errors.InsufficientPrivilege("denied for x")),
            "the database refuses its role something: denied for x. Grant it",
        ),
        (
            OperationalError("SELECT", {}, psycopg.OperationalError("gone\nand more")),
            "the database cannot be used: gone. Is it running",
        ),
    ],
)
def test_what_the_operator_can_mend_is_said(failure, text):
    assert str(as_refusal(failure)).startswith(text)


@pytest.mark.parametrize(
    "failure",
    [
        KeyError("x"),
        ConnectionResetError(),
        sqlite_error("SQLITE_ERROR"),
        ProgrammingError("SELEC", {}, psycopg.errors.SyntaxError("near SELEC")),
        IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation("Key (name)=(Ana) exists")),
    ],
)
def test_errors_of_the_program_keep_their_traceback(failure):
    assert as_refusal(failure) is None

"""Recorded cases from a file: half a set is no set; and what may follow ``--since``."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.errors import BadRequest
from bot.cases.precedent import PrecedentVersion
from bot.cases.usage import Usage
from bot.cli.recorded_cases import open_file, parse_since, saved_to
from bot.clock import utc_now
from bot.desk.case_replay import record_case
from tests.cases.making import NOW
from tests.cases.test_evaluation import CARRIED_OUT, history
from tests.store.test_precedents import precedent


def recorded_case():
    return record_case(history(*CARRIED_OUT), lambda trial: Usage())


def test_what_was_saved_is_read_again_by_its_owner_alone(tmp_path):
    path = tmp_path / "set.jsonl"
    with saved_to(path) as save:
        save(recorded_case())
        save(recorded_case())
    assert path.stat().st_mode & 0o777 == 0o600
    with open_file(path) as source:
        assert list(source.cases) == [recorded_case(), recorded_case()]
        assert source.stored_case("EX-1") is None


@pytest.mark.parametrize("line", ["{}", "no json", "[]", '{"format": "other/9"}'])
def test_a_line_that_is_no_case_is_named_and_nothing_after_it_is_played(tmp_path, line):
    path = tmp_path / "set.jsonl"
    with saved_to(path) as save:
        save(recorded_case())
    with path.open("a") as file:
        file.write(f"\n{line}\n")
    with open_file(path) as source:
        assert next(source.cases) == recorded_case()
        with pytest.raises(BadRequest, match="line 3 is no recorded case"):
            next(source.cases)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadRequest, match="file not found"), open_file(tmp_path / "none"):
        pass


def test_since_is_a_number_of_days_or_a_date():
    assert parse_since("") is None
    assert parse_since("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)
    assert timedelta(days=29) < utc_now() - parse_since("30d") < timedelta(days=31)
    with pytest.raises(BadRequest, match="--since must be"):
        parse_since("yesterday")


def test_what_memory_held_is_saved_before_the_cases_and_read_again(tmp_path):
    path = tmp_path / "set.jsonl"
    versions = [
        PrecedentVersion(precedent("EX-1.1"), since=NOW, until=NOW + timedelta(days=1)),
        PrecedentVersion(precedent("EX-2.1"), since=NOW),
    ]
    with saved_to(path, versions) as save:
        save(recorded_case())
    with open_file(path) as source:
        assert source.versions == versions
        assert list(source.cases) == [recorded_case()]
    # A file with nothing else is one, too.
    with saved_to(path, versions):
        pass
    with open_file(path) as source:
        assert list(source.cases) == []


def test_a_precedent_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"format": "countersign-precedent/1", "since": 3}\n')
    with pytest.raises(BadRequest, match="line 1 is no precedent"), open_file(path):
        pass

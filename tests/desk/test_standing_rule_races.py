"""Claims that race for a standing rule, and for its last moment, on both databases."""

import pytest

from tests.bench.rule_races import TIMES_PER_DAY, race

pytestmark = pytest.mark.both_databases


def test_no_race_overuses_a_standing_rule_or_outlives_it(database_url):
    result = race(database_url, 160)
    assert (result.overused, result.underused, result.late) == (0, 0, 0)
    assert result.begun >= 4 * TIMES_PER_DAY

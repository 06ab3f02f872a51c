"""Many claims at once on one grant: none begins beyond it."""

import pytest

from tests.bench.grant_races import COVERED, race

pytestmark = pytest.mark.both_databases

CLAIMS = 250


def test_no_race_overdraws_what_was_approved_in_advance(database_url):
    result = race(database_url, CLAIMS)
    assert (result.claims, result.overdrawn, result.underdrawn) == (CLAIMS, 0, 0)
    assert result.begun == CLAIMS // 25 * COVERED

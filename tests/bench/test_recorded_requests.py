"""Recorded requests: all are recorded, their titles say something, and nothing is a conflict."""

import pytest

from tests.bench.recorded_requests import RecordingClient, post_all, read_recordings


def test_recorded_requests_of_many_products_are_all_read(small_world):
    recordings = read_recordings()
    if not recordings:
        pytest.skip("the recorded requests are not here")
    # A part of them: `make bench-intake` posts all.
    readings = post_all(RecordingClient(small_world), recordings[::5])
    figures = readings.figures()
    assert readings.refused == []
    assert figures["recorded, %"] == 100
    assert figures["false 409"] == 0
    assert readings.wrong_clears == []
    assert figures["sensible titles, %"] >= 98, readings.poor_titles

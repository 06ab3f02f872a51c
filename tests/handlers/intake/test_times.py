"""Times of foreign formats, in any usual form; and what is none."""

from datetime import UTC, datetime

import pytest

from handlers.intake.times import read_foreign_time

AT = datetime(2026, 11, 14, 10, 30, tzinfo=UTC)
SECONDS = int(AT.timestamp())


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-14T10:30:00Z",
        "2026-11-14T12:30:00+02:00",
        "2026-11-14T12:30:00.000+0200",
        "2026-11-14 10:30:00",
        "2026-11-14 10:30:00 UTC",
        "2026-11-14 10:30:00 +0000 UTC",
        "2026-11-14 10:30:00.000000000 +0000 UTC m=+0.123",
        "20261114T103000Z",
        "Sat, 14 Nov 2026 10:30:00 GMT",
        "Sat Nov 14 02:30:00 PST 2026",
        "14.11.2026 10:30",
        "14/11/2026 10:30",
        "November 14, 2026 10:30 AM",
        SECONDS,
        float(SECONDS),
        str(SECONDS),
        SECONDS * 1_000,
        str(SECONDS * 1_000),
        SECONDS * 1_000_000,
        SECONDS * 1_000_000_000,
        f"{SECONDS}.000",
    ],
)
def test_a_time_is_read_in_every_usual_form(value):
    assert read_foreign_time(value) == AT


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "soon", "10", 10, 5.5, True, [], {}, "10:30", "May 5", "Friday"),
        # Nobody can tell day and month apart.
        "03/04/2026",
        *("0001-01-01T00:00:00Z", 1e300, -1e300, 10**30, "9" * 30, "x" * 5_000, "2026-13-45"),
    ],
)
def test_what_is_no_whole_time_is_none(value):
    assert read_foreign_time(value) is None


def test_parts_of_seconds_are_kept():
    assert read_foreign_time(SECONDS * 1_000 + 123) == AT.replace(microsecond=123_000)
    assert read_foreign_time("2026-11-14T10:30:00.123456789Z") == AT.replace(microsecond=123_456)

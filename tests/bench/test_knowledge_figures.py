"""Figures of the benchmarks of judgement: intervals, calibration, promises by week."""

import json
from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.bench.knowledge import figures

MONDAY = datetime(2024, 1, 1)


def test_nineteen_of_nineteen_is_worth_little():
    estimate = figures.share(19, 19)
    assert estimate.value == 1
    # Wilson: n / (n + z²).
    assert estimate.low == pytest.approx(19 / (19 + 1.959964**2), abs=1e-5)
    assert estimate.high == pytest.approx(1)
    assert estimate.cases == 19


def test_an_interval_of_a_half_is_the_known_one():
    estimate = figures.share(50, 100)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.4038, 0.5962)


def test_a_share_of_nothing_is_none():
    assert figures.share(0, 0) is None


def test_a_confidence_that_is_right_as_often_as_it_says_has_no_error():
    confidences = [0.25] * 100 + [0.75] * 100
    is_right = [place < 25 for place in range(100)] + [place < 75 for place in range(100)]
    assert figures.ece(confidences, is_right) == pytest.approx(0)


def test_a_boast_of_twenty_points_on_half_of_the_cases_is_an_error_of_ten():
    confidences = [0.25] * 100 + [0.95] * 100
    is_right = [place < 25 for place in range(100)] + [place < 75 for place in range(100)]
    assert figures.ece(confidences, is_right) == pytest.approx(0.1)
    tenths = figures.calibration_table(confidences, is_right)
    assert [(tenth.from_confidence, tenth.right.value) for tenth in tenths] == [
        (0.2, 0.25),
        (0.9, 0.75),
    ]


def test_certainty_itself_is_in_the_last_tenth():
    (tenth,) = figures.calibration_table([1.0, 0.95], [True, False])
    assert (tenth.from_confidence, tenth.to_confidence, tenth.right.cases) == (0.9, 1.0, 2)


def test_weeks_of_two_years_are_told_apart():
    days = [MONDAY, MONDAY + timedelta(days=6), MONDAY + timedelta(days=7)]
    days.append(MONDAY + timedelta(weeks=52, days=1))
    weeks = figures.by_week(days, [True, False, True, True])
    assert {week: (share.value, share.cases) for week, share in weeks.items()} == {
        "2024-W01": (0.5, 2),
        "2024-W02": (1, 1),
        "2025-W01": (1, 1),
    }


def test_a_promise_is_judged_in_each_week(capsys):
    days = [MONDAY] * 100 + [MONDAY + timedelta(days=7)] * 100 + [MONDAY] * 50
    is_right = [True] * 100 + [place < 60 for place in range(100)] + [False] * 50
    targets = [0.8] * 200 + [None] * 50
    figures.report_promises("x", targets=targets, is_right=is_right, days=days)
    total, at_80 = map(json.loads, capsys.readouterr().out.splitlines())
    assert total["promised"] == 0.8
    assert at_80["what"] == "x, promised 80%"
    assert at_80["right"] == 0.8
    assert at_80["weeks_below"] == at_80["weeks_broken"] == 1
    assert at_80["weeks"]["2024-W02"]["share"] == 0.6


def test_a_line_for_machines_has_the_interval_and_the_number_of_cases(capsys):
    figures.report("x", top_1=figures.share(50, 100), seconds=1.23456)
    assert json.loads(capsys.readouterr().out) == {
        "what": "x",
        "top_1": 0.5,
        "top_1_interval": [0.4038, 0.5962],
        "top_1_of": 100,
        "seconds": 1.2346,
    }


def test_coverage_has_an_interval_around_it():
    confidences = np.linspace(0, 1, 200)
    is_right = confidences > 0.4
    estimate = figures.coverage_estimate(confidences, is_right, 0.9)
    assert estimate.value == figures.coverage(confidences, is_right, 0.9)
    assert estimate.low < estimate.value < estimate.high


def test_an_area_of_separate_groups_is_one():
    estimate = figures.auroc_estimate([0.8, 0.9, 0.7], [0.1, 0.2, 0.3])
    assert (estimate.value, estimate.low, estimate.high, estimate.cases) == (1, 1, 1, 6)

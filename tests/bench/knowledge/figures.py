"""Figures of the benchmarks of judgement, and the data that they are measured on.

Every share has its interval and its number of cases, since 19 of 19 says little.
"""

import gzip
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy import stats

from tests.conftest import SHARED

EPOCH = datetime(2016, 1, 1, tzinfo=UTC)

CHANNEL = "C0STOCK"

#: How sure the intervals are.
INTERVAL_LEVEL = 0.95

RESAMPLES = 300

TENTHS = 10

#: A row of figures as it was reported, in the order of the run.
REPORTED_ROWS: list[dict] = []


class DataFolder:
    """The folder of the sets: the development splits, or other parts in the same files."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __truediv__(self, path):
        return self.folder / path

    def exists(self):
        return self.folder.exists()

    def move(self, folder):
        self.folder = Path(folder)


DATA = DataFolder(SHARED / "data")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval, and the number of cases that it stands on."""

    value: float
    low: float
    high: float
    cases: int
    is_share: bool = True

    def __float__(self):
        return self.value


@dataclass(frozen=True, slots=True)
class CalibrationTenth:
    """The cases whose confidence lies in one tenth, and how many of them were right."""

    from_confidence: float
    to_confidence: float
    mean_confidence: float
    right: Estimate


def read_lines(path):
    with gzip.open(DATA / path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def report(what, **numbers):
    """Print one line for machines, and remember it for the tables.

    An estimate becomes three entries: the value, its interval and its number of cases.
    """
    row = {"what": what}
    for name, value in numbers.items():
        row.update(plain_entries(name, value))
    REPORTED_ROWS.append({"what": what, **numbers})
    print(json.dumps(row, ensure_ascii=False), flush=True)


def plain_entries(name, value):
    if isinstance(value, Estimate):
        interval = [round(value.low, 4), round(value.high, 4)]
        entries = {f"{name}_interval": interval, f"{name}_of": value.cases}
        return {name: round(value.value, 4), **entries}
    return {name: plain_value(value)}


def plain_value(value):
    match value:
        case float():
            return round(value, 4)
        case Estimate():
            return plain_entries("share", value)
        case dict():
            return {str(name): plain_value(part) for name, part in value.items()}
        case CalibrationTenth():
            return {
                "from": plain_value(value.from_confidence),
                "to": plain_value(value.to_confidence),
                "confidence": plain_value(value.mean_confidence),
                **plain_entries("right", value.right),
            }
        case list() | tuple():
            return [plain_value(part) for part in value]
        case np.generic():
            return plain_value(value.item())
        case _:
            return value


def share(successes, total):
    """Return a share with Wilson's interval; None when there is no case."""
    if not total:
        return None
    interval = stats.binomtest(int(successes), int(total)).proportion_ci(
        INTERVAL_LEVEL, method="wilson"
    )
    return Estimate(float(successes / total), float(interval.low), float(interval.high), int(total))


def share_of(flags):
    """Return the share of the cases that are flagged."""
    flags = np.asarray(flags, bool)
    return share(flags.sum(), len(flags))


def ece(confidences, is_right):
    """Return the expected calibration error over tenths of confidence."""
    tenths = calibration_table(confidences, is_right)
    cases = sum(tenth.right.cases for tenth in tenths)
    gaps = (tenth.right.cases * abs(tenth.mean_confidence - tenth.right.value) for tenth in tenths)
    return float(sum(gaps) / cases) if cases else None


def calibration_table(confidences, is_right):
    """Return each tenth of confidence that has cases.

    A calibrated confidence is right as often as it says in every row.
    """
    confidences = np.asarray(confidences, float)
    is_right = np.asarray(is_right, bool)
    places = np.clip((confidences * TENTHS).astype(int), 0, TENTHS - 1)
    return [
        CalibrationTenth(
            from_confidence=place / TENTHS,
            to_confidence=(place + 1) / TENTHS,
            mean_confidence=float(confidences[places == place].mean()),
            right=share_of(is_right[places == place]),
        )
        for place in sorted({int(place) for place in places})
    ]


def week_of(day):
    """Return the name of the week that a day lies in."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def by_week(days, is_right):
    """Return the share that was right in each week in which there are cases."""
    return by_group(map(week_of, days), is_right)


def by_group(groups, is_right):
    """Return the share that was right in each group, like a week or a block of cases."""
    flags_by_group = defaultdict(list)
    for group, flag in zip(groups, is_right, strict=True):
        flags_by_group[str(group)].append(flag)
    return {group: share_of(flags) for group, flags in sorted(flags_by_group.items())}


def report_calibration(what, confidences, is_right):
    report(
        f"{what}, calibration",
        ece=ece(confidences, is_right),
        tenths=calibration_table(confidences, is_right),
    )


def report_promises(what, *, targets, is_right, days):
    """Report what was promised and kept, by target and week."""
    report_promises_by_group(what, targets=targets, is_right=is_right, groups=map(week_of, days))


def report_promises_by_group(what, *, targets, is_right, groups):
    """Report what was promised and kept, by target and by groups like weeks.

    ``targets`` has the target that each case was promised, None where nothing was. A week is
    below when fewer were right than promised, and broken when that is no chance.
    """
    groups = list(groups)
    is_right = np.asarray(is_right, bool)
    promised = np.array([target or 0.0 for target in targets])
    report(f"{what}, promises", promised=share_of(promised > 0))
    for target in sorted(set(promised[promised > 0].tolist())):
        places = np.flatnonzero(promised == target)
        weeks = by_group([groups[place] for place in places], is_right[places])
        report(
            f"{what}, promised {target:.0%}",
            promised=share(len(places), len(promised)),
            right=share_of(is_right[places]),
            weeks=weeks,
            weeks_below=sum(week.value < target for week in weeks.values()),
            weeks_broken=sum(week.high < target for week in weeks.values()),
        )


def auroc(confidences, others):
    """Compare the confidences of known kinds with those of others."""
    return float(area(np.asarray(confidences, float), np.asarray(others, float)))


def area(confidences, others, axis=-1):
    """Return how often a known kind is above another text, ties by half: Mann and Whitney's."""
    statistic = stats.mannwhitneyu(confidences, others, axis=axis, method="asymptotic").statistic
    return statistic / (confidences.shape[axis] * others.shape[axis])


def auroc_estimate(confidences, others):
    """Return the area with the interval of its resamples."""
    samples = (np.asarray(confidences, float), np.asarray(others, float))
    estimate = resampled_estimate(area, samples, paired=False, vectorized=True)
    return replace(estimate, is_share=False) if estimate else None


def coverage(confidences, is_right, precision):
    """Return the largest share that can be answered at this precision."""
    order = np.argsort(-confidences)
    precisions = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precisions >= precision)
    return float((good.max() + 1) / len(order)) if len(good) else 0.0


def coverage_estimate(confidences, is_right, precision):
    """Return the coverage with the interval of its resamples.

    The threshold is looked for in each of them, since looking is most of the chance.
    """
    samples = (np.asarray(confidences, float), np.asarray(is_right, bool))
    return resampled_estimate(
        lambda confidences, is_right: coverage(confidences, is_right, precision),
        samples,
        paired=True,
    )


def resampled_estimate(statistic, samples, *, paired, vectorized=False):
    """Return a statistic with its percentiles over resamples; None for next to no cases."""
    cases = len(samples[0]) if paired else sum(map(len, samples))
    if min(map(len, samples)) < 2:
        return None
    interval = stats.bootstrap(
        samples,
        statistic,
        paired=paired,
        vectorized=vectorized,
        n_resamples=RESAMPLES,
        confidence_level=INTERVAL_LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Estimate(float(statistic(*samples)), float(interval.low), float(interval.high), cases)


def coverage_with_others(confidences, others, is_right, precision):
    """Return the coverage when texts of unknown kinds are among the questions."""
    all_right = np.r_[is_right, np.zeros(len(others), bool)]
    return coverage(np.r_[confidences, others], all_right, precision)


def coverage_with_others_estimate(confidences, others, is_right, precision):
    """Return the coverage among texts of unknown kinds with its interval."""
    all_right = np.r_[is_right, np.zeros(len(others), bool)]
    return coverage_estimate(np.r_[confidences, others], all_right, precision)


def progress(steps, name):
    """Yield the steps, with a line on standard error for each."""
    steps = list(steps)
    start = time.monotonic()
    for number, step in enumerate(steps, 1):
        yield step
        seconds = time.monotonic() - start
        line = f"# {name}: {number} of {len(steps)} after {seconds:.0f} s"
        print(line, file=sys.stderr, flush=True)

"""Figures of a run, as ratios to a floor of the same run, and their comparison with a release."""

import json
import platform
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

RELEASES = Path(__file__).parent / "figures"
#: A ratio that grew by more has become worse.
TOLERANCE = 0.20
PRODUCT = "product"
SKETCH = "sketch"
FLOOR = "floor"
#: The floor that also changes a system of record.
FLOOR_ALONE = "floor_alone"
BOLT = "bolt"
#: The libraries of any such app, in a process that does nothing.
FLOOR_IDLE = "floor_idle"
#: The base of what depends on no machine, and of what is shown without a comparison.
ABSOLUTE = "absolute"
ALONE = ""


class Better(StrEnum):
    """The direction in which a figure improves."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(kw_only=True)
class Figure:
    """One number of each subject: the median of the runs."""

    name: str
    unit: str
    better: Better = Better.LOWER
    #: The subject that the product is compared with.
    base: str = SKETCH
    #: Values of the runs by subject.
    values: dict[str, list[float]] = field(default_factory=dict)

    def median(self, subject: str) -> float | None:
        """Return the median of a subject's runs; None when it was not measured."""
        values = self.values.get(subject)
        return statistics.median(values) if values else None

    @property
    def ratio(self) -> float | None:
        """How many times worse than its base the product is; None without a base.

        For what depends on no machine it is the number itself.
        """
        product = self.median(PRODUCT)
        if self.base == ABSOLUTE:
            return product
        base = self.median(self.base)
        if not product or not base:
            return None
        return product / base if self.better is Better.LOWER else base / product

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept for a release."""
        return {
            "unit": self.unit,
            "better": self.better.value,
            "base": self.base,
            "medians": {name: _rounded(self.median(name)) for name in self.values},
            "ratio": _rounded(self.ratio),
        }


@dataclass
class Figures:
    """The figures of a run, in the order in which they were measured."""

    by_name: dict[str, Figure] = field(default_factory=dict)
    #: Sentences about what disturbed the run, or was left out.
    remarks: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Figure]:
        """Iterate over the figures."""
        return iter(self.by_name.values())

    def add(
        self,
        name: str,
        subject: str,
        value: float,
        *,
        unit: str = "ms",
        better: Better = Better.LOWER,
        base: str = SKETCH,
    ) -> None:
        """Add the value of one run."""
        figure = self.by_name.get(name)
        if figure is None:
            figure = Figure(name=name, unit=unit, better=better, base=base)
            self.by_name[name] = figure
        figure.values.setdefault(subject, []).append(value)

    def copy(self, figure: Figure, name: str) -> None:
        """Add a figure's values under another name."""
        for subject, values in figure.values.items():
            for value in values:
                self.add(
                    name,
                    subject,
                    value,
                    unit=figure.unit,
                    better=figure.better,
                    base=figure.base,
                )

    def remark(self, sentence: str) -> None:
        """Add a remark, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def as_json(self) -> dict[str, Any]:
        """Return them as they are kept for a release."""
        rows = {figure.name: figure.as_json() for figure in self}
        return {"machine": _machine(), "remarks": self.remarks, "figures": rows}


def save(figures: Figures, name: str) -> Path:
    """Write the figures of a release into the repository."""
    RELEASES.mkdir(exist_ok=True)
    path = RELEASES / f"{name}.json"
    path.write_text(json.dumps(figures.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def latest_release() -> Path | None:
    """Return the newest file of a release, by the date in it; None without one."""
    paths = list(RELEASES.glob("*.json"))
    return max(paths, key=_date_of, default=None)


def _date_of(path: Path) -> tuple[str, str]:
    return json.loads(path.read_text("utf-8"))["machine"]["date"], path.name


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A ratio that has become worse than that of a release."""

    name: str
    before: float
    now: float

    def __str__(self) -> str:
        """Say it in a line."""
        growth = f" ({self.now / self.before - 1:+.0%})" if self.before else ""
        return f"{self.name}: {self.before:.3g} has become {self.now:.3g}{growth}"


def regressions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Regression]:
    """List the ratios that have become worse by more than the tolerance, the worst first.

    Both are what ``Figures.as_json`` returns. Figures that only one of them has are left out.
    """
    worse = []
    for name, row in now["figures"].items():
        old = before["figures"].get(name, {}).get("ratio")
        new = row["ratio"]
        if old is None or new is None:
            continue
        if new > old * (1 + TOLERANCE):
            worse.append(Regression(name=name, before=old, now=new))
    return sorted(worse, key=lambda each: each.before / each.now)


def _machine() -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "version": version("countersign"),
        "python": platform.python_version(),
        "system": platform.system(),
        "processors": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")

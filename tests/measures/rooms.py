"""Branch coverage by room, from the data that ``make coverage`` collects."""

import argparse
import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage

BOUNDS = {"bot/cases": 100.0, "bot/desk": 95.0, "bot/store": 95.0}


@dataclass(kw_only=True)
class Room:
    """The coverage of one folder."""

    name: str
    statements: int = 0
    statements_run: int = 0
    branches: int = 0
    branches_run: int = 0
    #: Lines and branches that no test ran, each as ``file:line`` or ``file:line->line``.
    gaps: list[str] = field(default_factory=list)

    def add(self, path: str, report: dict[str, Any]) -> None:
        """Count one file, as coverage's JSON reports it."""
        summary = report["summary"]
        self.statements += summary["num_statements"]
        self.statements_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]
        self.gaps += [f"{path}:{line}" for line in report["missing_lines"]]
        lines = set(report["missing_lines"])
        for start, end in report["missing_branches"]:
            # A branch to a line that no test ran is that same gap.
            if start not in lines and end not in lines:
                self.gaps.append(f"{path}:{start}->{'exit' if end < 0 else end}")

    @property
    def percent(self) -> float:
        """Return the share of statements and branches together that ran."""
        total = self.statements + self.branches
        return 100 * (self.statements_run + self.branches_run) / total if total else 100.0

    @property
    def is_met(self) -> bool:
        """Tell whether the bound of the room holds; most rooms have none."""
        return self.percent >= BOUNDS.get(self.name, 0.0)


def read_rooms(report: dict[str, Any]) -> list[Room]:
    """Gather the files of coverage's JSON report by room."""
    rooms: dict[str, Room] = {}
    for path, file_report in sorted(report["files"].items()):
        name = room_of(path)
        rooms.setdefault(name, Room(name=name)).add(path, file_report)
    return list(rooms.values())


def room_of(path: str) -> str:
    """Return the folder of a file, at most two levels deep."""
    folders = Path(path).parent.parts
    return "/".join(folders[:2])


def as_table(rooms: list[Room]) -> str:
    """Lay the rooms out, each with its bound."""
    rows = [f"  {'room':<20}{'statements':>12}{'branches':>16}{'covered':>10}"]
    for room in rooms:
        branches = f"{room.branches_run} of {room.branches}"
        rows.append(
            f"{_mark(room)} {room.name:<20}{room.statements:>12}{branches:>16}"
            f"{room.percent:>8.1f} %{_bound(room)}"
        )
    return "\n".join(rows)


def _mark(room: Room) -> str:
    if room.name not in BOUNDS:
        return " "
    return "✓" if room.is_met else "✗"


def _bound(room: Room) -> str:
    return f"  ≥ {BOUNDS[room.name]:g}" if room.name in BOUNDS else ""


def as_gaps(rooms: list[Room]) -> str:
    """List the gaps of the rooms that miss their bound, by file."""
    rows = []
    for room in rooms:
        if room.is_met:
            continue
        places = defaultdict(list)
        for gap in room.gaps:
            path, _, line = gap.partition(":")
            places[path].append(line)
        rows += [f"  {path}: {', '.join(lines)}" for path, lines in places.items()]
    return "\n".join(rows)


def main(arguments: list[str]) -> int:
    """Print the table and return 1 when a room misses its bound."""
    parser = argparse.ArgumentParser(prog="tests.measures coverage", description=__doc__)
    parser.parse_args(arguments)
    data = coverage.Coverage()
    data.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        data.json_report(outfile=str(path))
        rooms = read_rooms(json.loads(path.read_text()))
    print(as_table(rooms))
    if gaps := as_gaps(rooms):
        print(f"not covered:\n{gaps}")
    return 0 if all(room.is_met for room in rooms) else 1

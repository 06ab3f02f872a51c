"""What the attacks found: tries and violations by class, each violation with the recipe to see it again."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

MAX_SHOWN = 5


@dataclass
class Tally:
    """One class of attack: how often it was tried, and what did not hold."""

    part: str
    name: str
    threats: str = ""
    tries: int = 0
    violations: list[str] = field(default_factory=list)
    #: Figures beside the verdict, like the longest wait; they are shown and judge nothing.
    figures: dict[str, str] = field(default_factory=dict)

    def tried(self, count: int = 1) -> None:
        self.tries += count

    def broke(self, what: str) -> None:
        self.violations.append(" ".join(what.split())[:400])


@dataclass
class Report:
    """Everything of one run. ``arguments`` repeat it."""

    seed: int
    minutes: float
    arguments: str
    tallies: list[Tally] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    console: Console = field(default_factory=Console)

    def begin(self, part: str, name: str, threats: str = "") -> Tally:
        """Begin, or go on with, a class of attack."""
        for tally in self.tallies:
            if (tally.part, tally.name) == (part, name):
                return tally
        tally = Tally(part, name, threats)
        self.tallies.append(tally)
        return tally

    @property
    def violations(self) -> int:
        return sum(len(tally.violations) for tally in self.tallies)

    def say(self, part: str) -> None:
        """Print one line for each class of a part that has ended, and what it takes to repeat it."""
        for tally in (tally for tally in self.tallies if tally.part == part):
            mark = "[red]✘[/red]" if tally.violations else "[green]✔[/green]"
            figures = "".join(f"  {name} {value}" for name, value in tally.figures.items())
            self.console.print(
                f"{mark} {part}: {tally.name}: {tally.tries:,} tries, {len(tally.violations)} violations{figures}",
                highlight=False,
            )
            for kind, count in self._kinds(tally):
                times = f" ({count} times)" if count > 1 else ""
                self.console.print(f"    {kind}{times}", markup=False, highlight=False)
            if tally.violations:
                repeat = f'    again with: make attack ARGS="{part} --seed {self.seed} --minutes {self.minutes:g}"'
                self.console.print(repeat, markup=False, highlight=False)

    @staticmethod
    def _kinds(tally: Tally) -> list[tuple[str, int]]:
        return Counter(tally.violations).most_common(MAX_SHOWN)

    def table(self) -> None:
        table = Table("part", "class", "tries", "violations", "figures", title=f"seed {self.seed}")
        for tally in self.tallies:
            style = "red" if tally.violations else ""
            figures = ", ".join(f"{name} {value}" for name, value in tally.figures.items())
            table.add_row(
                tally.part,
                tally.name,
                f"{tally.tries:,}",
                str(len(tally.violations)),
                figures,
                style=style,
            )
        self.console.print(table)

    def markdown(self) -> str:
        """The table of this run as docs/reliability.md has it."""
        lines = [
            f"Seed {self.seed}, {sum(self.seconds.values()) / 60:.1f} minutes, {self.violations} violations.",
            "",
            "| part | class | rows | tries | violations | figures |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for tally in self.tallies:
            figures = ", ".join(f"{name} {value}" for name, value in tally.figures.items())
            lines.append(
                f"| {tally.part} | {tally.name} | {tally.threats} | {tally.tries:,} "
                f"| {len(tally.violations)} | {figures} |"
            )
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        plain = {
            "seed": self.seed,
            "minutes": self.minutes,
            "arguments": self.arguments,
            "violations": self.violations,
            "seconds": {part: round(seconds, 1) for part, seconds in self.seconds.items()},
            "classes": [
                {
                    "part": tally.part,
                    "class": tally.name,
                    "rows": tally.threats,
                    "tries": tally.tries,
                    "violations": tally.violations,
                    "figures": tally.figures,
                }
                for tally in self.tallies
            ],
        }
        path.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def read_markdown(path: Path) -> str:
    """The table of a run that was written as JSON before."""
    plain = json.loads(path.read_text())
    report = Report(plain["seed"], plain["minutes"], plain["arguments"], seconds=plain["seconds"])
    for row in plain["classes"]:
        report.tallies.append(
            Tally(
                row["part"],
                row["class"],
                row["rows"],
                row["tries"],
                row["violations"],
                row["figures"],
            )
        )
    return report.markdown()

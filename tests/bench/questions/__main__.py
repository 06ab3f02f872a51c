"""``make bench-questions``: questions of people, each graded by its own expectation.

It measures, and so it ends well whatever it finds.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bot import metrics
from tests.bench.questions.asked import Asked
from tests.bench.questions.asking import Interviewer
from tests.bench.questions.company import Company, open_company
from tests.bench.questions.grader import grade
from tests.bench.questions.grades import Grade, Outcome
from tests.bench.questions.many import fill_with_open_cases

ROOT = Path(__file__).parents[3]
DEFAULT_FILE = Path("../shared/data/questions/dev.jsonl")
MANY = 10_000
OUTCOMES = (
    Outcome.RIGHT,
    Outcome.HALF,
    Outcome.ADMITS,
    Outcome.USELESS,
    Outcome.FALSE,
    Outcome.SKIPPED,
)
WORST_FIRST = (Outcome.FALSE, Outcome.USELESS, Outcome.HALF, Outcome.ADMITS)
MAX_QUESTION = 60

out = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Result:
    """A question with its grade; the answer is missing where it was skipped."""

    row: Mapping[str, Any]
    asked: Asked | None
    grade: Grade

    @property
    def outcome(self) -> Outcome:
        return self.grade.outcome


def main() -> None:
    """Ask all questions in both sizes, and print how well they were answered."""
    options = _options()
    path = options.file if options.file.is_absolute() else ROOT / options.file
    if not path.exists():
        out.print(
            f"There is no file of questions at {path}. Name one: make bench-questions ARGS=FILE"
        )
        return
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    report: dict[str, Any] = {"file": path.name, "questions": len(rows), "sizes": {}}
    with _folder(options.keep) as folder:
        if not options.large:
            small = open_company(folder / "small", model=options.model, model_url=options.model_url)
            with closing(small) as company:
                report["sizes"]["demo"] = _run("the demo's company", company, rows, options)
        if not options.small:
            with closing(_open_large_company(folder)) as company:
                name = f"{MANY:,} open cases"
                report["sizes"]["large"] = _run(name, company, rows, options)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False))


def _open_large_company(folder: Path) -> Company:
    """Open a copy of the small company with many more open cases."""
    large = folder / "large"
    stamp = large / "many"
    if stamp.exists():
        return open_company(large)
    open_company(folder / "small").close()
    shutil.rmtree(large, ignore_errors=True)
    shutil.copytree(folder / "small", large)
    company = open_company(large)
    out.print(f"Writing {MANY:,} open cases …")
    fill_with_open_cases(company, MANY)
    stamp.touch()
    return company


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.questions")
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE)
    parser.add_argument("--small", action="store_true", help="the demo's company alone")
    parser.add_argument("--large", action="store_true", help="ten thousand open cases alone")
    parser.add_argument(
        "--show",
        default="",
        help="print the whole answers of these outcomes: false,useless; or ids of questions",
    )
    parser.add_argument(
        "--model",
        default="",
        help="let this chat model read questions of the demo's company: openai:local",
    )
    parser.add_argument("--model-url", default="", help="the address of the model")
    parser.add_argument("--json", type=Path, help="write all grades to this file")
    parser.add_argument(
        "--keep",
        type=Path,
        help="keep the company in this folder, and take it from there the next time",
    )
    return parser.parse_args()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        yield keep
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _run(
    name: str, company: Company, rows: list[Mapping[str, Any]], options: argparse.Namespace
) -> dict[str, Any]:
    interviewer = Interviewer(company)
    results = []
    for row in track(rows, name, console=Console(file=sys.stderr), transient=True):
        results.append(_result(interviewer, row))
    _print_table(name, results)
    _print_times(results)
    _print_model_outcomes()
    _print_failures(results)
    _print_answers(results, frozenset(options.show.split(",")))
    return {
        "outcomes": Counter(result.outcome.value for result in results),
        "milliseconds": _percentiles(results),
        "grades": [_plain(result) for result in results],
    }


def _result(interviewer: Interviewer, row: Mapping[str, Any]) -> Result:
    try:
        asked = interviewer.ask(row)
    except Exception as error:  # noqa: BLE001 (a question that breaks the desk is a result too)
        complaint = f"{type(error).__name__}: {error}"[:200]
        return Result(row, None, Grade(outcome=Outcome.USELESS, missing={"answer": complaint}))
    if asked is None:
        return Result(row, None, Grade(outcome=Outcome.SKIPPED))
    return Result(row, asked, grade(asked))


def _print_table(name: str, results: list[Result]) -> None:
    table = Table(title=name, title_justify="left")
    table.add_column("category")
    for outcome in OUTCOMES:
        table.add_column(outcome.value, justify="right")
    categories = list(dict.fromkeys(result.row["category"] for result in results))
    for category in categories:
        chosen = [result for result in results if result.row["category"] == category]
        table.add_row(category, *_counts(chosen))
    table.add_section()
    table.add_row("all", *_counts(results))
    asked_count = sum(result.outcome is not Outcome.SKIPPED for result in results)
    table.add_row("of those asked", *_shares(results, asked_count))
    out.print(table)


def _counts(results: list[Result]) -> list[str]:
    counter = Counter(result.outcome for result in results)
    return [str(counter[outcome] or "") for outcome in OUTCOMES]


def _shares(results: list[Result], asked_count: int) -> list[str]:
    counter = Counter(result.outcome for result in results)
    shares = [f"{counter[outcome] / max(1, asked_count):.1%}" for outcome in OUTCOMES]
    return [*shares[:-1], ""]


def _percentiles(results: list[Result]) -> dict[str, float]:
    times = sorted(result.asked.shown.milliseconds for result in results if result.asked)
    if not times:
        return {"p50": 0.0, "p99": 0.0}
    last = times[min(len(times) - 1, int(len(times) * 0.99))]
    return {"p50": round(statistics.median(times), 1), "p99": round(last, 1)}


def _print_times(results: list[Result]) -> None:
    times = _percentiles(results)
    out.print(f"p50 {times['p50']} ms, p99 {times['p99']} ms (aims at 10,000: 100 and 400)\n")


def _print_model_outcomes() -> None:
    """Print what came of asking the chat model, where there is one."""
    samples = [sample for metric in metrics.TALKS.collect() for sample in metric.samples]
    outcomes = [
        f"{sample.labels['outcome']} {sample.value:.0f}"
        for sample in samples
        if sample.name.endswith("_total")
    ]
    if outcomes:
        out.print(f"asked of the chat model: {', '.join(outcomes)}\n")


def _print_failures(results: list[Result]) -> None:
    """Print what was not right, the false ones first."""
    for outcome in WORST_FIRST:
        for result in results:
            if result.outcome is outcome:
                _print_failure(result)
    out.print()


def _print_failure(result: Result) -> None:
    row = result.asked.row if result.asked else result.row
    question = str(row["question"])[:MAX_QUESTION]
    out.print(f"[bold]{result.outcome}[/] {row['id']} {row['category']}: {_escape(question)}")
    for name, complaint in [*result.grade.broken.items(), *result.grade.missing.items()]:
        out.print(f"    {name}: {_escape(complaint)}")


def _print_answers(results: list[Result], wanted: frozenset[str]) -> None:
    for result in results:
        if result.asked and {result.outcome.value, result.row["id"]} & wanted:
            out.print(f"\n[bold]{result.row['id']}[/] {_escape(str(result.asked.row['question']))}")
            out.print(_escape(result.asked.shown.text))
            controls = [control.text for control in result.asked.shown.controls]
            out.print(_escape(f"  controls: {controls}"))


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def _plain(result: Result) -> dict[str, Any]:
    row = result.asked.row if result.asked else result.row
    return {
        "id": row["id"],
        "category": row["category"],
        "question": row["question"],
        "outcome": result.outcome.value,
        "missing": result.grade.missing,
        "broken": result.grade.broken,
        "text": result.asked.shown.text if result.asked else "",
        "milliseconds": round(result.asked.shown.milliseconds, 1) if result.asked else 0,
    }


if __name__ == "__main__":
    main()

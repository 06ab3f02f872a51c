"""``make bench``: the product as shipped, beside the bare floor and a sketch of the whole way.

``ARGS="cases presses"`` for some parts, ``--quick`` for a short run, ``--json`` for machines.
``ARGS=counts`` prints every statement of a case and of a press, ``ARGS=profile`` where their CPU
time goes, ``ARGS="compare FILE"`` what has become worse since a release, ``ARGS="table FILE"`` the
tables of docs/benchmarks.md. ``ARGS=retail``, ``approvals-replay`` and ``malice`` put real work
through the desk: see ``tests.bench.real_work``.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import figures, real_work
from tests.bench.counts import run_counts
from tests.bench.counts_report import print_report
from tests.bench.markdown import tables_of
from tests.bench.parts import FULL, PARTS, PROTOTYPES, QUICK, Run, Sizes
from tests.bench.real_work import REAL_WORK
from tests.bench.report import open_console, print_figures
from tests.conftest import SHARED
from tests.servers import watch_children

DEFAULT_PARTS = tuple(name for name in PARTS if name not in PROTOTYPES)

out = open_console()
#: Progress goes beside what machines read.
err = Console(stderr=True, highlight=False)


def main() -> None:
    """Measure, print, and compare with the latest release."""
    options = _options()
    # Bots outlive a bench that is killed.
    watch_children()
    match options.parts:
        case ["counts"]:
            _print_counts(options)
        case ["profile"]:
            _print_profile(options)
        case ["compare", path]:
            _compare(_read_report(path), figures.latest_release())
        case [*parts] if parts and set(parts) <= {*REAL_WORK}:
            _play_real_work(options)
        case ["table", path]:
            print(tables_of(_read_report(path)))
        case _:
            _measure(options)


def _read_report(path: str) -> dict[str, Any]:
    """Read what ``--json`` has printed, or ``--save`` has kept."""
    report: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    if "figures" not in report:
        # The parts counts and profile print another report when they run alone.
        sys.exit(f"{path} has no figures to compare.")
    return report


def _measure(options: argparse.Namespace) -> None:
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        sys.exit(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    bars = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*bars, console=err, transient=True) as progress:
        run = Run(sizes=_sizes(options), progress=progress)
        names = options.parts or DEFAULT_PARTS
        for name in progress.track(names, description="parts"):
            _run_part(run, name)
    report = run.figures.as_json()
    release = figures.latest_release()
    if options.save:
        path = figures.save(run.figures, options.save)
        err.print(f"kept in {path}", markup=False)
    if options.json:
        out.print_json(data=report)
        return
    print_figures(run.figures, out)
    _compare(report, release)


def _run_part(run: Run, name: str) -> None:
    """Run one part. When it fails, the others are measured all the same."""
    try:
        PARTS[name](run)
    except Exception as failure:  # noqa: BLE001 (an outermost loop: it says what failed)
        err.print_exception()
        run.figures.remark(f"The part {name} failed: {type(failure).__name__}: {failure}.")


def _compare(report: dict[str, Any], release: Path | None) -> None:
    """Print which ratios have become worse since a release."""
    if release is None:
        out.print("No release has figures yet.")
        return
    before = json.loads(release.read_text("utf-8"))
    regressions = figures.regressions(before, report)
    if not regressions:
        out.print(f"No ratio is more than {figures.TOLERANCE:.0%} worse than in {release.stem}.")
    for regression in regressions:
        out.print(f"[red]worse than in {release.stem}[/]: {regression}")


def _print_counts(options: argparse.Namespace) -> None:
    few = {"cases": 4, "presses": 3} if options.quick else {}
    report = run_counts(**few)
    if options.json:
        out.print_json(data=asdict(report))
    else:
        print_report(report, out)


def _print_profile(options: argparse.Namespace) -> None:
    from tests.bench.profile import print_profile, run_profile

    report = run_profile()
    if options.json:
        out.print_json(data=asdict(report))
    else:
        print_profile(report, out)


def _play_real_work(options: argparse.Namespace) -> None:
    """Put real work through the desk."""
    full = real_work.FULL if options.full else real_work.WorkSizes()
    sizes = real_work.QUICK if options.quick else full
    reports = {}
    for part in options.parts:
        err.print(f"[dim]{part}")
        report = real_work.run_real_work(part, options.data, sizes, options.seed)
        if report is None:
            err.print(real_work.missing_data(part, options.data), markup=False)
            continue
        reports[part] = report
        if not options.json:
            real_work.print_real_work(part, report, out)
    if options.json:
        out.print_json(data=reports)


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else FULL if options.full else Sizes()
    return replace(sizes, runs=options.runs) if options.runs else sizes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(PARTS)}; or counts, profile, compare FILE or table FILE, alone;"
        f" or of {', '.join(REAL_WORK)}",
    )
    parser.add_argument("--quick", action="store_true", help="a short run")
    parser.add_argument("--full", action="store_true", help="with a history of 100,000 cases")
    parser.add_argument("--runs", type=int, default=0, help="runs of which medians are taken")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--data", type=Path, default=SHARED / "data", help="the data sets")
    parser.add_argument("--seed", type=int, default=14, help="of mutations and lies")
    parser.add_argument("--save", metavar="RELEASE", help="keep the figures in the repository")
    return parser.parse_args()


if __name__ == "__main__":
    main()

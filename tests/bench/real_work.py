"""The desk on real work: retail service calls, approval logs, and advisers that lie.

``python -m tests.bench retail``, ``approvals-replay`` or ``malice``, each alone or all after one
another with ``make bench-work``. ``--data FOLDER`` says where the sets are; without one they are
skipped. ``--full`` plays every record, ``--quick`` a few.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.approvals.logs import FILE_NAME, read_logs
from tests.bench.approvals.replay import ApprovalsReport, replay_approvals
from tests.bench.malice import MaliceReport, limits_alone, run_malice
from tests.bench.malice_ports import HONEST
from tests.bench.retail.replay import RetailReport, replay_lenient, replay_retail
from tests.bench.retail.shop import read_records

RETAIL, APPROVALS, MALICE = "retail", "approvals-replay", "malice"
REAL_WORK = (RETAIL, APPROVALS, MALICE)
#: Lines of faults that are printed; the JSON has all.
MAX_FAULTS = 10
#: Cases in which every lie is believed: enough to see what the limits stop by themselves.
MAX_BELIEVED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSizes:
    """How much is played; zero is everything."""

    tasks: int = 200
    mutations: int = 2_000
    moved: int = 100
    logs: int = 1_000
    cases: int = 5_000


QUICK = WorkSizes(tasks=40, mutations=200, moved=10, logs=60, cases=300)
FULL = WorkSizes(tasks=0, logs=0)


def run_real_work(part: str, data: Path, sizes: WorkSizes, seed: int) -> dict[str, Any] | None:
    """Run one part; None where its set is not there."""
    match part:
        case "retail":
            return _run_retail(data, sizes, seed)
        case "approvals-replay":
            return _run_approvals(data, sizes, seed)
        case _:
            return _run_malice(sizes, seed)


def missing_data(part: str, data: Path) -> str:
    """Say which file a skipped part wants."""
    name = "retail_actions/write_diffs.jsonl.gz" if part == RETAIL else f"approvals/{FILE_NAME}"
    return f"{part} is skipped: there is no {data / name}"


def _run_retail(data: Path, sizes: WorkSizes, seed: int) -> dict[str, Any] | None:
    records = read_records(data / "retail_actions")
    if records is None:
        return None
    report = replay_retail(
        records, tasks=sizes.tasks, mutations=sizes.mutations, moved=sizes.moved, seed=seed
    )
    lenient = replay_lenient(records, mutations=sizes.mutations // 10, seed=seed)
    figures = {**retail_figures(report), **lenient_figures(lenient)}
    return {"figures": figures, **_plain(report), "lenient": _plain(lenient)}


def lenient_figures(report: RetailReport) -> dict[str, Any]:
    """Return what would run alone if a change of an address were of low risk."""
    mutations = sum(outcomes.total() for outcomes in report.mutations.values())
    return {
        "if addresses were of low risk: done alone": _share(report.done_alone, report.right_calls),
        "… wrong calls that would run alone": _share(report.count("slipped"), mutations),
    }


def retail_figures(report: RetailReport) -> dict[str, Any]:
    """Return the figures of a replay by their names."""
    mutations = sum(outcomes.total() for outcomes in report.mutations.values())
    return {
        "tasks": report.tasks,
        "calls of other tools, left out": report.other_calls,
        "right calls": report.right_calls,
        "… that changed exactly the recorded fields": _share(report.exact, report.right_calls),
        "calls that the shop refused": report.refusable,
        "… refused here too": _share(report.refused_as_recorded, report.refusable),
        "delivered again": report.repeats,
        "… and changed anything": report.changed_twice,
        "done alone": _share(report.done_alone, report.right_calls),
        "mutations": mutations,
        "… refused by a rule": _share(report.count("refused"), mutations),
        "… put before a person who is shown what is wrong": _share(
            report.count("asked"), mutations
        ),
        "… put before a person who is not": report.count("asked, not visible"),
        "… that changed the shop": len(report.slipped),
        "approved, and the record moved": report.moved,
        "… and ran": report.ran_on_moved,
        "a right call, median ms": round(report.median_milliseconds, 1),
    }


def _run_approvals(data: Path, sizes: WorkSizes, seed: int) -> dict[str, Any] | None:
    logs = read_logs(data / "approvals")
    if logs is None:
        return None
    report = replay_approvals(logs, count=sizes.logs, seed=seed)
    return {"figures": approval_figures(report), **_plain(report)}


def approval_figures(report: ApprovalsReport) -> dict[str, Any]:
    """Return the figures of a replay by their names."""
    figures = {
        "logs": report.logs,
        "events": report.events,
        "with a live approval": report.payable,
        "… paid once": _share(report.paid, report.payable),
        "without one": report.unpayable,
        "… not paid": _share(report.unpaid, report.unpayable),
    }
    for rule, count in sorted(report.mutants.items()):
        figures[f"mutants: {rule}"] = count
        figures[f"… {rule}: held"] = _share(report.held[rule], count)
    figures["paid twice"] = report.paid_twice
    figures["a log, median ms"] = round(report.median_milliseconds, 1)
    return figures


def _run_malice(sizes: WorkSizes, seed: int) -> dict[str, Any]:
    # What a narrator breaks is logged, case by case.
    logging.getLogger("bot").setLevel(logging.CRITICAL)
    report = run_malice(cases=sizes.cases, seed=seed)
    with limits_alone():
        believed = run_malice(cases=min(sizes.cases, MAX_BELIEVED), seed=seed)
    return {
        "figures": malice_figures(report),
        "limits alone": malice_figures(believed),
        **_plain(report),
        "believed": _plain(believed),
    }


def malice_figures(report: MaliceReport) -> dict[str, Any]:
    """Return the figures of a run by their names."""
    figures = {
        "cases": report.cases,
        "recommendations": sum(report.lies.values()),
        "… that were lies": sum(report.lies.values()) - report.lies[HONEST],
        "high-risk effects without a person": len(report.high_risk_effects),
        "cards with live markup": len(report.live_markup),
        **{f"outcome: {name}": count for name, count in report.outcomes.most_common()},
        **{f"stopped by: {name}": count for name, count in report.rules.most_common()},
        "harmful effects let through": _share(report.harmful, report.cases),
        "money let through, £": float(round(report.money, 2)),
    }
    for name, damage in sorted(report.damage.items()):
        most = report.most_a_day[name]
        money = report.money_a_day[name]
        figures[f"… {name}"] = (
            f"{damage.harmful} harmful of {damage.effects}, £{damage.money:,.2f};"
            f" at most {most} and £{money:,.2f} a day"
        )
    return figures


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "0 of 0"


def _plain(report: Any) -> dict[str, Any]:
    """Convert a report to what JSON knows."""

    def convert(value: Any) -> Any:
        match value:
            case Decimal():
                return float(value)
            case Mapping():
                return {str(key): convert(item) for key, item in value.items()}
            case list() | tuple():
                return [convert(item) for item in value]
            case _:
                return value

    plain: dict[str, Any] = convert(asdict(report))
    return plain


def print_real_work(part: str, report: Mapping[str, Any], out: Console) -> None:
    """Print the figures of a part, and the first of its faults."""
    subjects = {"": report["figures"]}
    if "limits alone" in report:
        subjects = {"as shipped": report["figures"], "limits alone": report["limits alone"]}
    table = Table(part, *subjects)
    names = dict.fromkeys(name for figures in subjects.values() for name in figures)
    for name in names:
        table.add_row(name, *(_cell(figures.get(name)) for figures in subjects.values()))
    out.print(table)
    if part == RETAIL:
        _print_rules(report, out)
    faults = [*report.get("faults", ()), *report.get("slipped", ()), *report.get("unseen", ())]
    for fault in [*faults, *report.get("high_risk_effects", ())][:MAX_FAULTS]:
        out.print(fault, markup=False)


def _print_rules(report: Mapping[str, Any], out: Console) -> None:
    table = Table("mutation", "outcome", "refused by")
    for name, outcomes in report["mutations"].items():
        rules = report["rules"].get(name, {})
        table.add_row(name, _counts(outcomes), _counts(rules))
    out.print(table)


def _counts(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{count} {name}" for name, count in counts.items())


def _cell(value: Any) -> str:
    return "" if value is None else str(value)

"""The tables of docs/benchmarks.md, made of the figures of a release."""

from collections.abc import Mapping
from typing import Any

from tests.bench.aims import describe_aim
from tests.bench.figures import ABSOLUTE, ALONE, BOLT, FLOOR, FLOOR_IDLE, PRODUCT, SKETCH

NONE = "–"


def tables_of(report: Mapping[str, Any]) -> str:
    """Return the tables in Markdown, from what ``Figures.as_json`` returns."""
    rows = report["figures"]
    machine = report["machine"]
    lines = [
        f"{machine['processors']} processors, {machine['memory_gb']} GB, {machine['system']}, "
        f"CPython {machine['python']}; {machine['date']}.",
        "",
        *_ways(rows),
        "",
        *_presses(rows),
        "",
        *_idle(rows),
        "",
        *_numbers(rows, ABSOLUTE, "what a case and a press take"),
        "",
        *_numbers(rows, ALONE, "the product alone"),
    ]
    lines += [f"\n{remark}" for remark in report["remarks"]]
    return "\n".join(lines)


def _ways(rows: Mapping[str, Any]) -> list[str]:
    lines = [
        "| cases | unit | floor | sketch | Countersign | ratio to the sketch | aim |",
        "| --- | --- | --: | --: | --: | --: | --- |",
    ]
    for name, row in rows.items():
        if row["base"] == SKETCH:
            lines.append(_line(name, row, (FLOOR, SKETCH, PRODUCT)))
    return lines


def _presses(rows: Mapping[str, Any]) -> list[str]:
    lines = [
        "| presses | unit | Bolt with a durable row | Countersign | ratio to Bolt | aim |",
        "| --- | --- | --: | --: | --: | --- |",
    ]
    for name, row in rows.items():
        if row["base"] == BOLT:
            lines.append(_line(name, row, (BOLT, PRODUCT)))
    return lines


def _idle(rows: Mapping[str, Any]) -> list[str]:
    lines = [
        "| idle | unit | Bolt, SQLAlchemy and APScheduler alone | Countersign | ratio | aim |",
        "| --- | --- | --: | --: | --: | --- |",
    ]
    for name, row in rows.items():
        if row["base"] == FLOOR_IDLE:
            lines.append(_line(name, row, (FLOOR_IDLE, PRODUCT)))
    return lines


def _numbers(rows: Mapping[str, Any], base: str, title: str) -> list[str]:
    lines = [f"| {title} | unit | | aim |", "| --- | --- | --: | --- |"]
    for name, row in rows.items():
        if row["base"] == base:
            number = _number(row["medians"].get(PRODUCT))
            lines.append(f"| {name} | {row['unit']} | {number} | {describe_aim(name, row)} |")
    return lines


def _line(name: str, row: Mapping[str, Any], subjects: tuple[str, ...]) -> str:
    cells = [_number(row["medians"].get(subject)) for subject in subjects]
    ratio = f"{row['ratio']:.1f} ×" if row["ratio"] else NONE
    return f"| {name} | {row['unit']} | {' | '.join(cells)} | {ratio} | {describe_aim(name, row)} |"


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

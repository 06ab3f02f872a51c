"""Counts as tables for people."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from tests.bench.counts import Counts, Report

MIN_SHOWN_MILLISECONDS = 0.02


def print_report(report: Report, out: Console) -> None:
    """Print what a case and a press take, their statements, and the CPU time by thread."""
    out.print(_summary(report))
    for name, counts in report.counts.items():
        out.print(_statements(name, counts))
    for name, times in report.cpu.items():
        out.print(_threads(name, times))


def _summary(report: Report) -> Table:
    table = Table("on average", *report.counts, title="What is done")
    for column in table.columns[1:]:
        column.justify = "right"
    everything = list(report.counts.values())
    lines: dict[str, list[float]] = {
        "statements, with BEGIN and COMMIT": [each.statements for each in everything],
        "commits": [each.commits for each in everything],
        "claims": [each.claims for each in everything],
        "claims that find nothing": [each.empty_claims for each in everything],
        "statements on the system of record": [each.connector_statements for each in everything],
        "effects requested": [each.requests for each in everything],
        "Slack calls": [each.all_slack_calls for each in everything],
    }
    for label, of in (
        ("Slack", [each.slack_calls for each in everything]),
        ("rows", [each.rows for each in everything]),
    ):
        for name in dict.fromkeys(name for values in of for name in values):
            lines[f"  {label}: {name}"] = [values.get(name, 0.0) for values in of]
    if report.cpu:
        lines["CPU ms"] = [sum(report.cpu[name].values()) for name in report.counts]
    for label, values in lines.items():
        table.add_row(label, *(f"{value:.2f}" for value in values))
    return table


def _statements(name: str, counts: Counts) -> Table:
    table = Table("number", "statement", title=f"Statements of one {name}")
    for text, number in counts.texts.items():
        table.add_row(f"{number:.2f}", text)
    return table


def _threads(name: str, times: Mapping[str, float]) -> Table:
    table = Table("CPU ms", "threads", title=f"CPU of one {name}: {sum(times.values()):.2f} ms")
    for thread, time in times.items():
        if time >= MIN_SHOWN_MILLISECONDS:
            table.add_row(f"{time:.2f}", thread)
    return table

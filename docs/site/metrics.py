"""The reference of metrics, from the calls that declare them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client.process_collector import ProcessCollector

import bot.metrics

ROOT = Path(bot.metrics.__file__).parent
#: The beginning of every name.
NAMESPACE = "countersign"
_KINDS = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "GaugeMetricFamily": "gauge",
    "CounterMetricFamily": "counter",
}


class Metric(NamedTuple):
    """One metric, as it is declared."""

    name: str
    kind: str
    meaning: str
    labels: tuple[str, ...]


def find_metrics() -> list[Metric]:
    """List every metric of the product by name."""
    by_name = {metric.name: metric for path in ROOT.rglob("*.py") for metric in _declared(path)}
    by_name |= {metric.name: metric for metric in _of_process()}
    return [by_name[name] for name in sorted(by_name)]


def _of_process() -> Iterator[Metric]:
    """Iterate over what the client library of Prometheus tells of the process."""
    for family in ProcessCollector(namespace=NAMESPACE, registry=None).collect():
        yield Metric(family.name, family.type, family.documentation, ())


def page() -> str:
    """Write the page."""
    rows = ["| metric | sort | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in find_metrics():
        # Prometheus reads a counter by this name.
        suffix = "_total" if metric.kind == "counter" else ""
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}{suffix}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n\n".join(
        [
            "# Metrics",
            "`/metrics` has these in the text format of Prometheus. "
            "[Operating](../operating.md#metrics) says which of them to watch.",
            "\n".join(rows),
            "",
        ]
    )


def _declared(path: Path) -> Iterator[Metric]:
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or len(call.args) < 2:
            continue
        name, meaning = (_text(argument) for argument in call.args[:2])
        kind = _KINDS.get(getattr(call.func, "attr", None) or getattr(call.func, "id", ""))
        if kind and name.startswith("countersign_"):
            yield Metric(name, kind, meaning, tuple(_labels(call)))


def _labels(call: ast.Call) -> Iterator[str]:
    lists = [*call.args[2:3], *(word.value for word in call.keywords if "label" in str(word.arg))]
    for names in lists:
        if isinstance(names, ast.List | ast.Tuple):
            yield from (_text(name) for name in names.elts)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""

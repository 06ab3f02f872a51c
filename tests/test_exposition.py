"""The page of operating.md, the dashboard and the alerts name what /metrics shows, and no more."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from bot import metrics
from bot.audit.checkpoints import Checkpoints, Witness
from bot.cases.controls import DeskControls, RecordedStage
from bot.cases.policy import Stage
from bot.exposition import count_stages, expose_metrics
from bot.settings import load
from knowledge.library import load as load_library
from tests.conftest import SAMPLE_ENVIRONMENT
from tests.fakes.clock import NOON
from tests.fakes.directory import principal

DOCS = Path(__file__).parent.parent / "docs"
#: Everything of PromQL that is used and is no metric. A word that is not here must be one.
WORDS = {"and", "by", "ignoring", "bool", "on", "or", "unless", "without"}
FUNCTIONS = {
    *("absent", "histogram_quantile", "increase", "max", "rate", "sum", "time", "topk"),
}


@pytest.fixture
def families(small_world, tmp_path):
    """Every metric that there can be, with the labels of its samples."""
    settings = load({**SAMPLE_ENVIRONMENT, "COUNTERSIGN_DATA_DIR": str(tmp_path)})
    small_world.proposed()
    # It waits in the outbox.
    small_world.receive(small_world.signal("product:2"))
    checkpoints = Checkpoints(tmp_path / "checkpoints", "test")
    checkpoints.sign(small_world.store.ledger)
    expose_metrics(
        settings,
        store=small_world.store,
        library=load_library(),
        witness=checkpoints,
        clock=small_world.clock,
    )
    yield {family.name: family for family in read_families()}
    metrics.expose(None)


def read_families() -> list[Metric]:
    return list(text_string_to_metric_families(metrics.exposition().decode()))


def full_name(family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def label_names(name: str, families) -> set[str]:
    """The labels of a metric: as declared, or as its samples have them."""
    for collector in metrics.REGISTRY._collector_to_names:
        if collector._name == name.removesuffix("_total"):
            return set(collector._labelnames)
    family = families.get(name) or families[name.removesuffix("_total")]
    return {label for sample in family.samples for label in sample.labels}


def series_of(families) -> dict[str, set[str]]:
    """The labels of every series that Prometheus stores, by its name."""
    series: dict[str, set[str]] = {}
    for family in families.values():
        name = full_name(family)
        labels = label_names(name, families)
        if family.type == "histogram":
            series[f"{name}_bucket"] = labels | {"le"}
            series[f"{name}_sum"] = series[f"{name}_count"] = labels
        else:
            series[name] = labels
    return series


def test_the_table_of_the_operators_is_the_registry(families):
    text = (DOCS / "operating.md").read_text()
    rows = re.findall(r"^\| `(countersign_\w+)` \| (\w+) \|([^|]*)\|", text, re.MULTILINE)
    in_table = {
        name: (sort, set(filter(None, labels.strip().split(", ")))) for name, sort, labels in rows
    }
    exposed = {
        full_name(family): (family.type, label_names(full_name(family), families))
        for family in families.values()
    }
    assert in_table == exposed
    assert all(family.documentation for family in families.values())


def test_no_label_can_be_a_person_or_a_case(families):
    allowed = {"kind", "state", "alone", "source", "outcome", "stage", "topic", "method"}
    allowed |= {"system", "call", "version", "mode", "route", "status", "data"}
    used = {
        label for name in map(full_name, families.values()) for label in label_names(name, families)
    }
    assert used <= allowed


def test_a_flood_of_unknown_kinds_shares_one_label(monkeypatch):
    monkeypatch.setattr(metrics, "_KINDS", {"low_stock"})
    monkeypatch.setattr(metrics, "MAX_KINDS", 2)
    labels = [metrics.kind_label(kind) for kind in ("low_stock", "a", "b", "c", "a")]
    assert labels == ["low_stock", "a", "other", "other", "a"]


def panels():
    return json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]


def alerts():
    groups = YAML(typ="safe").load((DOCS / "prometheus-rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions():
    yield from (target["expr"] for panel in panels() for target in panel.get("targets", ()))
    yield from (alert["expr"] for alert in alerts())


def unknown_names(expression: str, series) -> list[str]:
    """What an expression names and /metrics does not show: a metric, or a label of it."""
    wrong = []
    selector = r"(countersign_\w+)(?:\{([^}]*)\})?"
    for name, matchers in re.findall(selector, expression):
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", matchers))
        if name not in series:
            wrong.append(name)
        else:
            wrong += [f"{name}{{{label}}}" for label in used - series[name]]
    rest = re.sub(selector, "", expression)
    for labels in re.findall(r"\b(?:by|ignoring|without|on)\s*\(([^)]*)\)", rest):
        every_label = set().union(*series.values())
        wrong += [label for label in re.split(r"\s*,\s*", labels) if label not in every_label]
    rest = re.sub(r"\b(?:by|ignoring|without|on)\s*\([^)]*\)|\[\w+\]|\"[^\"]*\"", "", rest)
    return wrong + sorted(set(re.findall(r"\b[a-z_]+\b", rest)) - WORDS - FUNCTIONS)


def test_every_expression_names_metrics_and_labels_that_there_are(families):
    series = series_of(families)
    assert len(list(expressions())) > 30
    problems = {one: unknown_names(one, series) for one in expressions()}
    assert {one: wrong for one, wrong in problems.items() if wrong} == {}


def test_a_wrong_name_in_an_expression_is_found(families):
    series = series_of(families)
    assert unknown_names("sum(countersign_open_case)", series) == ["countersign_open_case"]
    assert unknown_names('countersign_open_cases{sort="x"}', series) == [
        "countersign_open_cases{sort}"
    ]
    assert unknown_names("sum by (colour) (countersign_open_cases)", series) == ["colour"]
    assert unknown_names("countersign_decision_seconds > 3", series) == [
        "countersign_decision_seconds"
    ]


def test_every_panel_has_what_a_reader_needs_and_no_two_overlap():
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows == ["Work", "People", "Machinery"]
    cells = set()
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        at = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not covered & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= covered
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["targets"]
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_metric_is_on_the_dashboard(families):
    everything = " ".join(expressions())
    names = {full_name(family) for family in families.values()}
    assert {name for name in names if name not in everything} == set()


def test_there_is_an_alert_for_each_way_to_fall_behind():
    names = {alert["alert"] for alert in alerts()}
    assert names >= {
        "CountersignOutboxWaits",
        "CountersignMessagesParked",
        "CountersignLeasesLost",
        "CountersignLedgerUnsigned",
    }
    for alert in alerts():
        assert alert["annotations"].keys() == {"summary", "description"}
        assert alert["labels"]["severity"] in {"page", "ticket"}


def test_the_last_checkpoint_is_read_from_its_folder(small_world, tmp_path):
    assert Witness(tmp_path / "none", "test").last_signed() is None
    checkpoints = Checkpoints(tmp_path / "checkpoints", "test")
    small_world.receive()
    checkpoints.sign(small_world.store.ledger)
    size, at = checkpoints.last_signed()
    assert size == 1
    assert at == (tmp_path / "checkpoints" / "witness.json").stat().st_mtime


def test_stages_are_those_of_the_playbooks():
    library = load_library()
    counts = count_stages(library, DeskControls())
    assert sum(counts.values()) == sum(len(book.offers) for book in library.playbooks.values())
    assert {stage for _, stage in counts} <= {"shadow", "supervised", "autonomous"}


def test_a_recorded_stage_goes_before_that_of_the_playbook():
    library = load_library()
    (kind, stage), count = next(iter(count_stages(library, DeskControls()).items()))
    other = Stage.SHADOW if stage != "shadow" else Stage.AUTONOMOUS
    recorded = RecordedStage(
        kind=kind,
        action=library.playbooks[kind].offers[0].action,
        stage=other,
        at=NOON,
        by=principal("ana"),
        by_name="Ana",
        reason="earned",
    )
    counts = count_stages(library, DeskControls(stages=(recorded,)))
    assert counts[kind, other.value] == 1
    assert counts[kind, stage] == count - 1

"""The metrics that Prometheus reads at /metrics.

Counters and histograms are counted where the thing happens, in the memory of each process. Gauges
of the work are read from the database by ``bot.store.work_gauges``, which is registered here.
Labels are bounded: kinds, systems and sources of the library, topics, states and outcomes of the
code, methods of Slack; never an id, a person or a text.
"""

from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

#: With this variable in its environment a process keeps its counters in files of that folder.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: From a plan that runs alone to a case that waits over a holiday.
WORK_BUCKETS = (
    *(0.2, 0.5, 1.0, 2.0, 5.0, 15.0),
    *(MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR),
    *(DAY, 3 * DAY, 7 * DAY),
)
CALL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
#: Labels of kinds in one process, and the label of those beyond.
MAX_KINDS = 300
OTHER_KINDS = "other"
# Each counter would have a second line with the time at which it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
RECALLS = Counter(
    "countersign_recalls",
    "Questions to memory, by what came of them.",
    ["outcome"],
    registry=REGISTRY,
)
PROMISES = Counter(
    "countersign_promises",
    "Promises of precision: given on a card or lapsed instead; kept or missed by the outcome.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
RECOGNITIONS = Counter(
    "countersign_recognitions", "Signals without a known kind.", ["outcome"], registry=REGISTRY
)
NARRATIONS = Counter(
    "countersign_narrations",
    "Cases that a model was asked to put into words.",
    ["outcome"],
    registry=REGISTRY,
)
SUGGESTIONS = Counter(
    "countersign_suggestions",
    "Cases for which a model was asked to suggest a plan.",
    ["outcome"],
    registry=REGISTRY,
)
TALKS = Counter(
    "countersign_talks",
    "Questions that a model was asked to read.",
    ["outcome"],
    registry=REGISTRY,
)
WORKERS = Gauge(
    "countersign_workers",
    "Worker processes beside the first process.",
    ["state"],
    registry=REGISTRY,
)
#: The workspace's work.
SIGNALS = Counter(
    "countersign_signals",
    "Signals that were received, by source and outcome.",
    ["source", "outcome"],
    registry=REGISTRY,
)
IGNORED_REQUESTS = Counter(
    "countersign_ignored_requests",
    "Requests that their source leaves out.",
    ["source"],
    registry=REGISTRY,
)
CASES_OPENED = Counter(
    "countersign_cases_opened", "Cases that were opened.", ["kind"], registry=REGISTRY
)
CASES_ENDED = Counter(
    "countersign_cases_ended",
    "Cases that ended, by their last state and by whether policy approved them alone.",
    ["kind", "state", "alone"],
    registry=REGISTRY,
)
DECISION_SECONDS = Histogram(
    "countersign_decision_seconds",
    "Seconds from the opening of a case to its first decision, by a person or by policy.",
    ["kind"],
    registry=REGISTRY,
    buckets=WORK_BUCKETS,
)
RESOLUTION_SECONDS = Histogram(
    "countersign_resolution_seconds",
    "Seconds from the opening of a case to its end.",
    ["kind"],
    registry=REGISTRY,
    buckets=WORK_BUCKETS,
)
DETAILS_OPENED = Counter(
    "countersign_details_opened",
    "How often people opened the details of a case. Nobody knows who.",
    ["kind"],
    registry=REGISTRY,
)
#: The machinery.
LEASE_LOSSES = Counter(
    "countersign_lease_losses",
    "Outbox messages that a worker lost to another because its lease ran out.",
    ["topic"],
    registry=REGISTRY,
)
ENDED_SESSIONS = Counter(
    "countersign_ended_sessions",
    "Database sessions of stopped processes that were ended, so that others could go on.",
    registry=REGISTRY,
)
SLACK_CALLS = Counter(
    "countersign_slack_calls",
    "Calls of Slack's Web API: ok, refused, rate_limited, or failed without an answer.",
    ["method", "outcome"],
    registry=REGISTRY,
)
SLACK_CALL_SECONDS = Histogram(
    "countersign_slack_call_seconds",
    "Seconds that calls of Slack's Web API took.",
    ["method"],
    registry=REGISTRY,
    buckets=CALL_BUCKETS,
)
CONNECTOR_CALLS = Counter(
    "countersign_connector_calls",
    "Calls of outside systems, by what was called and its outcome.",
    ["system", "call", "outcome"],
    registry=REGISTRY,
)
CONNECTOR_CALL_SECONDS = Histogram(
    "countersign_connector_call_seconds",
    "Seconds that calls of outside systems took.",
    ["system", "call"],
    registry=REGISTRY,
    buckets=CALL_BUCKETS,
)
HTTP_REQUESTS = Counter(
    "countersign_http_requests",
    "Requests over HTTP, by route and status; 0 is a client that went away.",
    ["route", "status"],
    registry=REGISTRY,
)
HTTP_REQUEST_SECONDS = Histogram(
    "countersign_http_request_seconds",
    "Seconds that requests over HTTP took; those of /v1/approvals may wait for a decision.",
    ["route"],
    registry=REGISTRY,
    buckets=CALL_BUCKETS,
)
DETECTOR_LOOKED_AT = Gauge(
    "countersign_detector_look_timestamp_seconds",
    "When a detector last saw its system, in seconds since 1970.",
    ["kind"],
    registry=REGISTRY,
)
DETECTOR_INTERVAL = Gauge(
    "countersign_detector_interval_seconds",
    "Seconds between two looks of a detector.",
    ["kind"],
    registry=REGISTRY,
)
RETENTION_OLDEST = Gauge(
    "countersign_retention_oldest_timestamp_seconds",
    "When the oldest data of each kind came, was asked or ended, in seconds since 1970.",
    ["data"],
    registry=REGISTRY,
)
RETENTION_OVERDUE = Gauge(
    "countersign_retention_overdue",
    "How many rows of each kind of data are past their term; counted up to 1000.",
    ["data"],
    registry=REGISTRY,
)
BUILD_INFO = Gauge(
    "countersign_build_info",
    "1, with the version and the mode of the bot.",
    ["version", "mode"],
    registry=REGISTRY,
)


def kind_label(kind: str) -> str:
    """Return the label of a kind.

    A source may send kinds that no playbook has; beyond some hundred they share one label.
    """
    if kind not in _KINDS and len(_KINDS) < MAX_KINDS:
        _KINDS.add(kind)
    return kind if kind in _KINDS else OTHER_KINDS


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(_EXPOSED)


def expose(collector: Collector | None) -> None:
    """Show the gauges of this collector, in place of an earlier one's."""
    if _GAUGES:
        _EXPOSED.unregister(_GAUGES.pop())
    if collector:
        _EXPOSED.register(collector)
        _GAUGES.append(collector)


class AllProcesses(Collector):
    """The counters of this process and of its workers.

    The workers keep theirs in a folder.
    """

    def __init__(self) -> None:
        #: Empty without workers.
        self.folder = ""

    def collect(self) -> Iterator[Metric]:
        """Add up what all processes have counted."""
        others = self._worker_samples()
        for metric in REGISTRY.collect():
            samples = [_add(sample, others) for sample in metric.samples]
            names = {f"{metric.name}{suffix}" for suffix in _SUFFIXES}
            samples += [others.pop(key) for key in list(others) if key[0] in names]
            metric.samples = samples
            yield metric

    def _worker_samples(self) -> dict[tuple[str, ...], Sample]:
        if not self.folder:
            return {}
        collector: Collector = MultiProcessCollector(  # type: ignore[no-untyped-call]
            registry=None,
            path=self.folder,
        )
        return {_key(sample): sample for metric in collector.collect() for sample in metric.samples}


def _add(sample: Sample, others: dict[tuple[str, ...], Sample]) -> Sample:
    other = others.pop(_key(sample), None)
    return sample._replace(value=sample.value + other.value) if other else sample


def _key(sample: Sample) -> tuple[str, ...]:
    return (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))


_KINDS: set[str] = set()
# Of the samples of one metric.
_SUFFIXES = ("", "_total", "_bucket", "_sum", "_count")
ALL_PROCESSES = AllProcesses()
#: The collector of ``expose``, if there is one.
_GAUGES: list[Collector] = []
_EXPOSED = CollectorRegistry()
_EXPOSED.register(ALL_PROCESSES)
# Of the first process.
ProcessCollector(namespace="countersign", registry=_EXPOSED)

"""The counters of the machinery, which Prometheus reads at /metrics.

Figures about the work come from the ledger.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

#: With this variable in its environment a process keeps its counters in files of that folder.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
REGISTRY = CollectorRegistry()
RECALLS = Counter(
    "countersign_recalls",
    "Questions to memory, by what came of them.",
    ["outcome"],
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


def exposition() -> bytes:
    """Return the counters in Prometheus's text format."""
    return generate_latest(_EXPOSED)


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
            names = {metric.name, f"{metric.name}_total"}
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


ALL_PROCESSES = AllProcesses()
_EXPOSED = CollectorRegistry()
_EXPOSED.register(ALL_PROCESSES)

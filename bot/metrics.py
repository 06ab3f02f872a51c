"""The counters of the machinery, which Prometheus reads at /metrics.

Figures about the work come from the ledger.
"""

from prometheus_client import CollectorRegistry, Counter, generate_latest

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
TALKS = Counter(
    "countersign_talks",
    "Questions that a model was asked to read.",
    ["outcome"],
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Return the counters in Prometheus's text format."""
    return generate_latest(REGISTRY)

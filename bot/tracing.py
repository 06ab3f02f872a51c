"""Traces: one for each case, from signal to verification.

The ids of a trace and of its first span are hashes of the ledger's name and the case's id, so every
process writes into the same trace and nothing is stored or sent along. Attributes are words of the
program and names of the library: never a person, a title or a value.

Nothing is traced, and no library imported, before ``start_tracing``.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bot.clock import epoch_nanoseconds
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http import trace_exporter
    from opentelemetry.sdk import resources
    from opentelemetry.sdk import trace as sdk
    from opentelemetry.sdk.trace import export, sampling
else:
    trace = LazyModule("opentelemetry.trace")
    trace_exporter = LazyModule("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    resources = LazyModule("opentelemetry.sdk.resources")
    sdk = LazyModule("opentelemetry.sdk.trace")
    export = LazyModule("opentelemetry.sdk.trace.export")
    sampling = LazyModule("opentelemetry.sdk.trace.sampling")

#: Before each of our attributes.
PREFIX = "countersign."
TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
#: The names of attributes. Whatever else is offered is a mistake of ours.
ATTRIBUTES = frozenset(
    {"kind", "action", "state", "system", "source", "outcome", "call", "method", "decision"}
)


@dataclass(slots=True, kw_only=True)
class Span:
    """A part of the way of a case, while it lasts."""

    name: str
    #: Empty while it is not known, and for what is about no case.
    case_id: str = ""
    #: The first span of its trace.
    is_root: bool = False
    id: int = 0
    parent: "Span | None" = None
    began_at: int = 0
    ended_at: int = 0
    attributes: dict[str, str] = field(default_factory=dict)

    def open_case(self, case_id: str, *, is_root: bool) -> None:
        """Name the case; a root is the first span of its trace."""
        self.case_id = case_id
        self.is_root = is_root

    def set(self, **attributes: str) -> None:
        """Add attributes; each name is one of ``ATTRIBUTES``."""
        for name, value in attributes.items():
            if name not in ATTRIBUTES:
                raise ValueError(f"{name} is no attribute of a span")
            if value:
                self.attributes[name] = value


class SpanSink(Protocol):
    """Takes spans that have ended."""

    def add(self, span: Span) -> None:
        """Send the span soon, without waiting for that."""

    def close(self) -> None:
        """Send what is left, for some seconds at most."""


@dataclass(slots=True)
class _Switch:
    """The sink of this process; None where nothing is traced."""

    sink: SpanSink | None = None


_SWITCH = _Switch()
_CURRENT: ContextVar[Span | None] = ContextVar("span", default=None)


def span(name: str, case_id: str = "", **attributes: str) -> AbstractContextManager[Span]:
    """Trace what happens inside.

    It is a part of the span around it, or of the case. A span that has no case when it ends is
    dropped.
    """
    sink = _SWITCH.sink
    if sink is None:
        return _NOTHING
    return _trace(sink, name=name, case_id=case_id, attributes=attributes)


@contextmanager
def _trace(
    sink: SpanSink, *, name: str, case_id: str, attributes: Mapping[str, str]
) -> Iterator[Span]:
    parent = _CURRENT.get()
    part = Span(
        name=name,
        case_id=case_id or (parent.case_id if parent else ""),
        id=int.from_bytes(os.urandom(SPAN_ID_BYTES)),
        parent=parent,
        began_at=epoch_nanoseconds(),
    )
    part.set(**attributes)
    token = _CURRENT.set(part)
    try:
        yield part
    finally:
        _CURRENT.reset(token)
        part.ended_at = epoch_nanoseconds()
        if part.case_id:
            sink.add(part)


def annotate(**attributes: str) -> None:
    """Add attributes to the span around; there may be none."""
    current = _CURRENT.get()
    if current is not None:
        current.set(**attributes)


class _Unused(Span):
    """The span of a process that traces nothing."""

    def open_case(self, case_id: str, *, is_root: bool) -> None:
        """Forget it."""

    def set(self, **attributes: str) -> None:
        """Forget them."""


_NOTHING = nullcontext(_Unused(name=""))


def trace_id_of(ledger: str, case_id: str) -> int:
    """Return the id of a case's trace."""
    return int.from_bytes(_digest(ledger, case_id)[:TRACE_ID_BYTES])


def root_id_of(ledger: str, case_id: str) -> int:
    """Return the id of the first span of a case's trace."""
    return int.from_bytes(_digest(ledger, case_id)[TRACE_ID_BYTES:][:SPAN_ID_BYTES])


def _digest(ledger: str, case_id: str) -> bytes:
    return hashlib.sha256(f"{ledger}\n{case_id}".encode()).digest()


# --- OpenTelemetry --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TraceOptions:
    """The standard variables of OpenTelemetry that decide what is sent, and where."""

    #: The name of the ledger, which tells the cases of two bots apart.
    ledger: str
    #: The address for traces, with its path.
    endpoint: str
    headers: Mapping[str, str]
    #: Attributes of the process: service.name and others.
    resource: Mapping[str, str]
    #: The share of the cases that are traced; a case is traced whole or not at all.
    share: float = 1.0


class OtlpSink:
    """Sends spans over HTTP, in batches, on its own thread."""

    def __init__(self, options: TraceOptions) -> None:
        self._ledger = options.ledger
        self._resource = resources.Resource.create(dict(options.resource))
        self._sampler = sampling.TraceIdRatioBased(options.share)
        exporter = trace_exporter.OTLPSpanExporter(
            endpoint=options.endpoint, headers=dict(options.headers)
        )
        self._processor = export.BatchSpanProcessor(exporter)

    def add(self, span: Span) -> None:
        """Queue a span, if its case is traced.

        A full queue drops it.
        """
        trace_id = trace_id_of(self._ledger, span.case_id)
        if self._is_sampled(trace_id):
            self._processor.on_end(self._readable(span, trace_id))

    def close(self) -> None:
        """Send what is queued."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _is_sampled(self, trace_id: int) -> bool:
        result = self._sampler.should_sample(None, trace_id, "case")
        return result.decision is sampling.Decision.RECORD_AND_SAMPLE

    def _readable(self, span: Span, trace_id: int) -> "sdk.ReadableSpan":
        root = root_id_of(self._ledger, span.case_id)
        parent = None
        if not span.is_root:
            parent = self._context(trace_id, span.parent.id if span.parent else root)
        attributes = {f"{PREFIX}{name}": value for name, value in span.attributes.items()}
        return sdk.ReadableSpan(
            name=span.name,
            context=self._context(trace_id, root if span.is_root else span.id),
            parent=parent,
            resource=self._resource,
            attributes={**attributes, f"{PREFIX}case": span.case_id},
            kind=trace.SpanKind.INTERNAL,
            start_time=span.began_at,
            end_time=span.ended_at,
        )

    def _context(self, trace_id: int, span_id: int) -> "trace.SpanContext":
        return trace.SpanContext(
            trace_id=trace_id,
            span_id=span_id,
            is_remote=False,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )


def start_tracing(options: TraceOptions) -> None:
    """Trace cases from now on.

    Raises:
        ImportError: the libraries are not installed.
    """
    use_sink(OtlpSink(options))


def use_sink(sink: SpanSink | None) -> None:
    """Send spans to this sink from now on; to none, trace nothing."""
    _SWITCH.sink = sink


def stop_tracing() -> None:
    """Send what is left, and trace nothing more."""
    sink, _SWITCH.sink = _SWITCH.sink, None
    if sink:
        sink.close()

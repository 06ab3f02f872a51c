"""Start of the traces of a process, by its settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from bot.settings import Settings, TracesSampler, incomplete
from bot.tracing import TraceOptions, start_tracing, stop_tracing


@contextmanager
def tracing(settings: Settings) -> Iterator[None]:
    """Trace cases meanwhile, if a collector is set.

    Raises:
        SettingsIncomplete: the libraries for it are not installed.
    """
    if settings.traces_url:
        try:
            start_tracing(trace_options(settings))
        except ImportError:
            problem = (
                "install countersign[otel], or unset OTEL_EXPORTER_OTLP_ENDPOINT: "
                "traces need libraries that are not here"
            )
            raise incomplete([problem]) from None
    try:
        yield
    finally:
        stop_tracing()


def trace_options(settings: Settings) -> TraceOptions:
    """Read the options of OpenTelemetry."""
    share = 1.0
    if settings.otel_traces_sampler.plain is TracesSampler.RATIO:
        share = min(1.0, settings.otel_traces_sampler_arg)
    return TraceOptions(
        ledger=settings.origin,
        endpoint=settings.traces_url,
        headers=_pairs(settings.otlp_headers),
        resource={
            **_pairs(settings.otel_resource_attributes),
            "service.name": settings.otel_service_name,
        },
        share=share,
    )


def _pairs(text: str) -> dict[str, str]:
    """Read "key=value,key=value", as OpenTelemetry writes it."""
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}

"""The routes of the intake, as programs read about them."""

from typing import Annotated, Any, Protocol

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from handlers.intake.sources.signals import SignalIn
from handlers.programs.operation import Access, ApiAnswer, Operation

SOURCE_PROBLEMS = (400, 408, 409, 413, 415, 422)


class SignalOutcome(BaseModel):
    """The outcome of a signal."""

    #: opened, counted, cleared, duplicate or ignored; conflict, invalid or not stored in a batch.
    outcome: str
    case: str | None = None
    problem: dict[str, str] | None = None


class BatchOutcome(BaseModel):
    """The outcome of each signal of a batch."""

    signals: list[SignalOutcome]
    #: How many of them were refused.
    refusal_count: Annotated[int | None, Field(serialization_alias="refused")] = None


class HealthAnswer(BaseModel):
    """The health of the bot."""

    status: str
    problems: list[str] | None = None
    #: What does not work while the rest does.
    warnings: list[str] | None = None


class IntakeEndpoints(Protocol):
    """The endpoints of the intake."""

    async def receive_signals(self, request: Request) -> Response:
        """Receive signals of a source."""

    async def answer_handshake(self, request: Request) -> Response:
        """Answer what a product asks about its address."""

    async def get_schema(self, request: Request) -> Response:
        """Return the schema of a signal."""

    async def get_health(self, request: Request) -> Response:
        """ApiAnswer that the process is alive."""

    async def get_readiness(self, request: Request) -> Response:
        """Return whether the bot is ready."""

    async def get_metrics(self, request: Request) -> Response:
        """Return the counters."""


def intake_operations(api: IntakeEndpoints) -> list[Operation]:
    """List the routes of the intake."""
    return [*_signal_operations(api), *_webhook_operations(api), *_monitoring_operations(api)]


def _signal_operations(api: IntakeEndpoints) -> list[Operation]:
    return [
        Operation(
            name="sendSignal",
            method="POST",
            path="/v1/signals",
            endpoint=api.receive_signals,
            tag="signals",
            summary="Send what a system noticed, in the format of its source.",
            access=Access.SOURCE,
            body=SignalIn,
            answers=_signal_answers(),
            problems=SOURCE_PROBLEMS,
        ),
        Operation(
            name="getSignalSchema",
            path="/v1/signals/schema",
            endpoint=api.get_schema,
            tag="signals",
            summary="Return the JSON schema of our own signal format.",
            access=Access.OPEN,
            answers={
                200: ApiAnswer(
                    description="A JSON schema.",
                    shape=dict[str, Any],
                    media_type="application/schema+json",
                )
            },
        ),
    ]


def _signal_answers() -> dict[int, ApiAnswer]:
    outcomes = {
        200: "All of them were known already.",
        201: "A case was opened.",
        202: "It was counted on a case, cleared one, or was left out.",
    }
    return {
        status: ApiAnswer(description=description, shape=SignalOutcome | BatchOutcome)
        for status, description in outcomes.items()
    }


def _webhook_operations(api: IntakeEndpoints) -> list[Operation]:
    """List the addresses of a source, with and without a secret."""
    source = {"source": "The name of the source in sources.yml."}
    secret = {"secret": "The secret of the source, for senders that can send it nowhere else."}
    addresses = (
        ("Webhook", "/v1/webhooks/{source}", source),
        ("WebhookWithSecret", "/v1/webhooks/{source}/{secret}", {**source, **secret}),
    )
    operations = []
    for name, path, parameters in addresses:
        sending = Operation(
            name=f"send{name}",
            method="POST",
            path=path,
            endpoint=api.receive_signals,
            tag="signals",
            summary="Send the webhook of a product to the source that reads it.",
            access=Access.SOURCE,
            body=dict[str, Any] | list[Any],
            answers=_signal_answers(),
            problems=(*SOURCE_PROBLEMS, 404),
            path_parameters=parameters,
        )
        asking = Operation(
            name=f"confirm{name}",
            path=path,
            endpoint=api.answer_handshake,
            tag="signals",
            summary="Answer what a product asks about its address before it sends.",
            access=Access.SOURCE,
            answers={
                200: ApiAnswer(
                    description="The answer that the product expects, as text.",
                    media_type="text/plain",
                )
            },
            problems=(404, 405),
            path_parameters=parameters,
        )
        operations += [sending, asking]
    return operations


def _monitoring_operations(api: IntakeEndpoints) -> list[Operation]:
    health = ApiAnswer(description="It is.", shape=HealthAnswer)
    return [
        Operation(
            name="getHealth",
            path="/healthz",
            endpoint=api.get_health,
            tag="monitoring",
            summary="Tell whether the process is alive.",
            access=Access.OPEN,
            answers={200: health},
        ),
        Operation(
            name="getReadiness",
            path="/readyz",
            endpoint=api.get_readiness,
            tag="monitoring",
            summary="Tell whether the bot is ready, and whether it is paused.",
            access=Access.OPEN,
            answers={200: health, 503: ApiAnswer(description="It is not.", shape=HealthAnswer)},
        ),
        Operation(
            name="getMetrics",
            path="/metrics",
            endpoint=api.get_metrics,
            tag="monitoring",
            summary="Return the metrics for Prometheus.",
            access=Access.OPEN,
            answers={200: ApiAnswer(description="Metrics as text.")},
        ),
    ]

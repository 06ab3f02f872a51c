"""The HTTP intake as one Starlette application."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, assert_never

from sqlalchemy.exc import DataError, DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ExceptionHandler

from bot import metrics
from bot.cases.errors import KeyReused
from bot.cases.signal import Signal
from bot.cases.source import Format, Source
from bot.desk.intake import Intake
from bot.ports.case_store import Receipt
from handlers.intake.authentication import Sources
from handlers.intake.operations import intake_operations
from handlers.intake.problem import TITLES, Problem
from handlers.intake.readiness import Readiness
from handlers.intake.reading import Item, read_body
from handlers.intake.responses import batch_response, is_unavailable
from handlers.intake.sources import alertmanager, cloudevents, mapped, signals
from handlers.programs.openapi import ApiDescription
from handlers.programs.operation import Operation

log = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5
MAX_SMALL_BODY_BYTES = 8 * 1024
# So many failures in a row mean that the database is away, and not that a signal is at fault.
MAX_FAILURES_IN_A_ROW = 2


def build_app(
    api: "IntakeApi",
    *,
    operations: Sequence[Operation] = (),
    extra_routes: Sequence[Route] = (),
    url: str = "",
) -> Starlette:
    """Build the application of these operations and those of the intake.

    ``extra_routes`` are those of Slack and the passkey page, which no program calls. ``url`` is the
    address of the server, as OpenAPI says it.
    """
    description = ApiDescription([*api.operations(), *operations], url)
    routes = [*(operation.route for operation in description.operations), *extra_routes]
    exception_handlers: dict[int | type[Exception], ExceptionHandler] = {
        Problem: _answer_problem,
        404: _answer_unknown_route,
        405: _answer_unknown_route,
        Exception: _answer_failure,
    }
    return Starlette(routes=routes, exception_handlers=exception_handlers)


class SignalReceiver(Protocol):
    """Receives the signals of some senders in another way."""

    def is_for(self, request: Request) -> bool:
        """Tell whether a request is one of theirs."""

    async def receive(self, request: Request) -> Response:
        """Authenticate the sender, and record the signals."""


@dataclass(frozen=True, kw_only=True)
class IntakeApi:
    """The endpoints for sources, operators and monitoring."""

    intake: Intake
    sources: Sources
    #: Lists what keeps the bot from being ready, as sentences.
    find_problems: Callable[[], list[str]]
    #: Lists why nothing is carried out. A paused bot is ready all the same: it receives signals.
    list_pauses: Callable[[], list[str]] = list
    readiness: Readiness = field(default_factory=Readiness)
    #: Receives the signals that come with a token of a program; None where there is none.
    of_programs: "SignalReceiver | None" = None

    def operations(self) -> list[Operation]:
        """List the routes."""
        return intake_operations(self)

    async def receive_signals(self, request: Request) -> Response:
        """Authenticate the source, parse its signals and commit each on its own."""
        headers = request.headers
        source_name = request.path_params.get("source", "")
        if self.of_programs is not None and not source_name and self.of_programs.is_for(request):
            return await self.of_programs.receive(request)
        self.sources.reject_unauthenticated(headers, source_name=source_name)
        body = await read_body(request)
        source = self.sources.authenticate(headers, body, source_name=source_name)
        _require_json(source, headers)
        self.sources.require_quota(source)
        try:
            items = await _parse_aside(body, headers, source)
        except Problem:
            self.sources.consume_quota(source, 1)
            raise
        self.sources.consume_quota(source, max(1, len(items)))
        return batch_response(await self._commit_all(items, body))

    async def get_schema(self, request: Request) -> Response:
        """Return the JSON schema of our own signal format."""
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **signals.SignalIn.model_json_schema(),
        }
        return JSONResponse(schema, media_type="application/schema+json")

    async def get_health(self, request: Request) -> Response:
        """Answer that the process is alive."""
        return JSONResponse({"status": "ok"})

    async def get_metrics(self, request: Request) -> Response:
        """Return the counters in Prometheus' text format."""
        # It reads the database.
        content = await run_in_threadpool(metrics.exposition)
        return Response(content, media_type="text/plain; version=0.0.4")

    async def get_readiness(self, request: Request) -> Response:
        """Return whether the bot is ready, and whether it is paused."""
        problems = await self.readiness.problems(self.find_problems)
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, 503)
        # Not 503 for a pause: a load balancer would then keep the signals out.
        pauses = await run_in_threadpool(self.list_pauses)
        return JSONResponse({"status": "paused" if pauses else "ready", "problems": pauses})

    async def _commit_all(self, items: Sequence[Item], body: bytes) -> list[Receipt | Problem]:
        """Commit every signal; give up when the database is away."""
        results: list[Receipt | Problem] = []
        for item in items:
            if isinstance(item, Problem):
                results.append(item)
            elif _is_database_away(results):
                results.append(results[-1])
            else:
                results.append(await run_in_threadpool(self._commit, item, body))
        return results

    def _commit(self, signal: Signal, body: bytes) -> Receipt | Problem:
        try:
            return self.intake.receive(signal, body)
        except KeyReused as error:
            return Problem(
                409,
                f"{error}; both are kept, nothing was merged. Send another signal with another key",
                "key",
            )
        except DataError:
            log.exception("a signal has a value that the database cannot store")
            return Problem(
                422, "a value of the signal is too large to store; correct it and send it again"
            )
        except DBAPIError:
            log.exception("a signal could not be stored")
            return Problem(
                503,
                "the signal could not be stored; nothing is lost if you send it again",
                retry_after=RETRY_AFTER_SECONDS,
            )


async def _parse_aside(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    """Parse a body, a large one in a thread.

    It must not hold up the answers to other requests.
    """
    if len(body) <= MAX_SMALL_BODY_BYTES:
        # A thread would take longer to wake than the body to parse.
        return _parse(body, headers, source)
    return await run_in_threadpool(_parse, body, headers=headers, source=source)


def _parse(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    match source.format:
        case Format.SIGNAL:
            return signals.parse_signals(body, headers, source)
        case Format.CLOUDEVENTS:
            return cloudevents.parse_signals(body, headers, source)
        case Format.ALERTMANAGER:
            return alertmanager.parse_signals(body, source)
        case Format.MAPPING:
            return mapped.parse_signals(body, source)
        case _:
            assert_never(source.format)


def _is_database_away(results: Sequence[Receipt | Problem]) -> bool:
    if len(results) < MAX_FAILURES_IN_A_ROW:
        return False
    return all(map(is_unavailable, results[-MAX_FAILURES_IN_A_ROW:]))


def _require_json(source: Source, headers: Mapping[str, str]) -> None:
    if source.format is Format.CLOUDEVENTS:
        # Their parser knows which content types an event may have.
        return
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise Problem(
            415, f"the content type must be application/json, not {content_type or 'empty'}"
        )


async def _answer_problem(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    return problem.response()


async def _answer_unknown_route(request: Request, error: Any) -> Response:
    status = error.status_code if error.status_code in TITLES else 404
    path = request.url.path[:100]
    return Problem(
        status, f"there is no endpoint {request.method} {path}; see README.md for the endpoints"
    ).response()


async def _answer_failure(request: Request, failure: Exception) -> Response:
    """Log the failure, and tell the client its reference only."""
    reference = uuid.uuid4().hex[:8]
    log.error("reference %s", reference, exc_info=failure, extra={"reference": reference})
    problem = Problem(
        503,
        f"something went wrong on our side, reference {reference}; send it again",
        retry_after=RETRY_AFTER_SECONDS,
    )
    return problem.response()

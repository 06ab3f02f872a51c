"""The HTTP intake as one Starlette application."""

import logging
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar, assert_never

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
from bot.cases.source import Format
from bot.clock import utc_now
from bot.desk.intake import Intake
from bot.desk.record_checks import ON_RECORD
from bot.ports.case_store import Receipt, ReceiptOutcome
from handlers.intake.authentication import Sources
from handlers.intake.delivery import Delivery, max_body_bytes
from handlers.intake.handshake import Handshakes
from handlers.intake.operations import intake_operations
from handlers.intake.problem import TITLES, Problem
from handlers.intake.quotas import Quotas
from handlers.intake.readiness import READY_SECONDS, Readiness
from handlers.intake.reading import Ignored, Item, read_body
from handlers.intake.request_head import RequestHead
from handlers.intake.responses import batch_response, is_unavailable
from handlers.intake.sources import alertmanager, cloudevents, mail, mapped, signals
from handlers.programs.openapi import ApiDescription
from handlers.programs.operation import Operation

log = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5
MAX_SMALL_BODY_BYTES = 8 * 1024
# So many failures in a row mean that the database is away, and not that a signal is at fault.
MAX_FAILURES_IN_A_ROW = 2
_WEBHOOK_SECRET = re.compile("(/v1/webhooks/[^/]*/).*", re.DOTALL)
First = TypeVar("First")
Result = TypeVar("Result")
#: The statuses of signals that are stored, or left out.
SUCCESSES = frozenset({200, 201, 202})
#: The formats whose senders can be told to send JSON as JSON.
JSON_FORMATS = frozenset({Format.SIGNAL, Format.ALERTMANAGER})


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
    return Starlette(
        routes=routes,
        exception_handlers=exception_handlers,
    )


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
    #: The address at which senders reach us: some of them sign it.
    public_url: str = "http://localhost"
    #: Lists why nothing is carried out. A paused bot is ready all the same: it receives signals.
    list_pauses: Callable[[], list[str]] = list
    #: Lists what does not work while the rest does.
    find_warnings: Callable[[], list[str]] = list
    readiness: Readiness = field(default_factory=Readiness)
    warnings: Readiness = field(default_factory=lambda: Readiness(not_ready_seconds=READY_SECONDS))
    #: Receives the signals that come with a token of a program; None where there is none.
    of_programs: "SignalReceiver | None" = None
    quotas: Quotas = field(default_factory=Quotas)

    @cached_property
    def handshakes(self) -> Handshakes:
        """The questions that products ask before they send."""
        return Handshakes(self.sources)

    def operations(self) -> list[Operation]:
        """List the routes."""
        return intake_operations(self)

    async def receive_signals(self, request: Request) -> Response:
        """Authenticate the source, parse its signals and commit each on its own."""
        head = RequestHead.of(request, self.public_url)
        is_nameless = not head.source_name
        if self.of_programs is not None and is_nameless and self.of_programs.is_for(request):
            return await self.of_programs.receive(request)
        greeting = self.handshakes.answer_head(head)
        if greeting:
            return greeting
        self.sources.reject_unauthenticated(head)
        body = await read_body(request, max_body_bytes(self.sources.named_by(head)))
        source, proof = await _aside(self.sources.authenticate, head, body)
        self.quotas.require(source)
        try:
            delivery = Delivery.of(head, body, source=source, proof=proof)
            greeting = self.handshakes.answer_body(delivery)
            if greeting:
                return greeting
            _require_readable(delivery)
            items = await _aside(_parse, delivery, delivery.body)
        except Problem:
            self.quotas.consume(source, 1)
            raise
        self.quotas.consume(source, max(1, len(items)))
        response = batch_response(await self._commit_all(items, delivery))
        if source.preset and response.status_code in SUCCESSES:
            # Some products repeat whatever is not answered 200 (Mailgun, Xero).
            response.status_code = 200
        return response

    async def answer_handshake(self, request: Request) -> Response:
        """Answer what a product asks about its address; else 405."""
        greeting = self.handshakes.answer_head(RequestHead.of(request, self.public_url))
        return greeting or _unknown_route(request, 405).response()

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
        warnings = await self.warnings.problems(self.find_warnings)
        if problems:
            body = {"status": "not ready", "problems": problems, "warnings": warnings}
            return JSONResponse(body, 503)
        # Not 503 for a pause or a warning: a load balancer would then keep the signals out.
        pauses = await run_in_threadpool(self.list_pauses)
        status = "paused" if pauses else "ready"
        return JSONResponse({"status": status, "problems": pauses, "warnings": warnings})

    async def _commit_all(
        self, items: Sequence[Item], delivery: Delivery
    ) -> list[Receipt | Problem | Ignored]:
        """Commit every signal; give up when the database is away."""
        results: list[Receipt | Problem | Ignored] = []
        for item in items:
            if isinstance(item, Problem):
                results.append(item)
            elif _is_database_away(results):
                results.append(results[-1])
            else:
                results.append(await run_in_threadpool(self._commit, item, delivery))
        return results

    def _commit(self, item: Signal | Ignored, delivery: Delivery) -> Receipt | Problem | Ignored:
        try:
            if isinstance(item, Ignored):
                self.intake.ignore(delivery.source.name, item.event)
                return item
            if self.intake.is_on_record(delivery.source, item):
                return Ignored(reason="it is on record already", event=ON_RECORD)
            return self.intake.receive(item, delivery.stored_body)
        except KeyReused as error:
            if delivery.source.is_foreign:
                # The key has the content in it: only how it is read has changed since.
                return Receipt(ReceiptOutcome.DUPLICATE, None)
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


async def _aside(work: Callable[[First, bytes], Result], first: First, body: bytes) -> Result:
    """Work on a body, on a large one in a thread.

    It must not hold up the answers to other requests.
    """
    if len(body) <= MAX_SMALL_BODY_BYTES:
        # A thread would take longer to wake than the body to parse.
        return work(first, body)
    return await run_in_threadpool(work, first, body)


def _parse(delivery: Delivery, body: bytes) -> list[Item]:
    headers, source = delivery.headers, delivery.source
    match source.format:
        case Format.SIGNAL:
            return signals.parse_signals(body, headers, source)
        case Format.CLOUDEVENTS:
            return cloudevents.parse_signals(body, headers, source)
        case Format.ALERTMANAGER:
            return alertmanager.parse_signals(body, source)
        case Format.MAPPING | Format.AUTO:
            return mapped.parse_signals(
                delivery.content(), source, delivery.proof, received_on=utc_now().date()
            )
        case Format.EMAIL:
            return mail.parse_signals(
                body, delivery.content(), source, delivery.proof, received_on=utc_now().date()
            )
        case _:
            assert_never(source.format)


def _is_database_away(results: Sequence[Receipt | Problem | Ignored]) -> bool:
    if len(results) < MAX_FAILURES_IN_A_ROW:
        return False
    return all(map(is_unavailable, results[-MAX_FAILURES_IN_A_ROW:]))


def _require_readable(delivery: Delivery) -> None:
    """Refuse what the sender of a strict format can correct."""
    delivery.refuse_unsigned_event()
    if delivery.source.format not in JSON_FORMATS:
        # The parser of events knows which content types they have; the others read anything.
        return
    content_type = delivery.head.headers.get("content-type", "").partition(";")[0].strip().lower()
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
    return _unknown_route(request, status).response()


def _unknown_route(request: Request, status: int) -> Problem:
    # What comes after the name of a source may be a secret.
    path = _WEBHOOK_SECRET.sub(r"\1…", request.url.path)[:100]
    return Problem(
        status, f"there is no endpoint {request.method} {path}; see README.md for the endpoints"
    )


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

"""The HTTP intake as one Starlette application."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import metrics
from bot.cases.canonical import to_plain
from bot.cases.errors import KeyReused, NoSuchCase
from bot.cases.signal import Signal
from bot.cases.source import Format, Source
from bot.desk.intake import Intake
from bot.ports import Outcome
from handlers.intake.authentication import Sources, has_token
from handlers.intake.problem import TITLES, Problem
from handlers.intake.reading import body_of
from handlers.intake.sources import alertmanager, cloudevents, mapped, signals

log = logging.getLogger(__name__)
Parse = Callable[[bytes, Mapping[str, str], Source], list[Signal]]
PARSERS: dict[Format, Parse] = {
    Format.SIGNAL: signals.signals,
    Format.CLOUDEVENTS: cloudevents.signals,
    Format.ALERTMANAGER: alertmanager.signals,
    Format.MAPPING: mapped.signals,
}
STATUS = {Outcome.OPENED: 201, Outcome.COUNTED: 202, Outcome.CLEARED: 202, Outcome.IGNORED: 202, Outcome.DUPLICATE: 200}


@dataclass(frozen=True)
class Door:
    """What the routes need. ``problems`` says what keeps the bot from being ready, as sentences; none is good."""

    intake: Intake
    sources: Sources
    read_tokens: tuple[str, ...]
    problems: Callable[[], list[str]]

    async def receive(self, request: Request) -> Response:
        """Authenticate, parse everything, then commit everything: a bad part refuses the whole, before anything is stored."""
        body = await body_of(request)
        headers = request.headers
        source = self.sources.speaking(headers, body, claimed=request.path_params.get("source", ""))
        _must_be_json(source, headers)
        found = PARSERS[source.format](body, headers, source)
        self.sources.spend(source, len(found))
        receipts = [await run_in_threadpool(self._commit, signal, body) for signal in found]
        told = [{"outcome": receipt.outcome, "case": receipt.case_id} for receipt in receipts]
        status = max(STATUS[receipt.outcome] for receipt in receipts)
        return JSONResponse(told[0] if len(told) == 1 else {"signals": told}, status)

    def _commit(self, signal: Signal, body: bytes) -> Any:
        try:
            return self.intake.receive(signal, body)
        except KeyReused as reused:
            raise Problem(409, f"{reused}; both are kept, nothing was merged", "key") from None
        except DBAPIError as failure:
            log.exception("a signal could not be stored")
            raise Problem(
                503, "the signal could not be stored; nothing is lost if you send it again", retry_after=5
            ) from failure

    async def case(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not has_token(token.strip(), self.read_tokens):
            raise Problem(401, "a bearer token is needed; it is set as COUNTERSIGN_API_TOKEN")
        try:
            case = await run_in_threadpool(self.intake.store.case, request.path_params["id"])
        except NoSuchCase as missing:
            raise Problem(404, str(missing)) from None
        return JSONResponse(to_plain(case))

    async def schema(self, request: Request) -> Response:
        published = {"$schema": "https://json-schema.org/draft/2020-12/schema", **signals.SignalIn.model_json_schema()}
        return JSONResponse(published, media_type="application/schema+json")

    async def alive(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    async def ready(self, request: Request) -> Response:
        problems = await run_in_threadpool(self.problems)
        return JSONResponse(
            {"status": "not ready" if problems else "ready", "problems": problems}, 503 if problems else 200
        )


def build(door: Door, *, more: Sequence[Route] = ()) -> Starlette:
    """Every route of the intake, and those given (Slack over HTTP)."""
    routes = [
        Route("/v1/signals", door.receive, methods=["POST"]),
        Route("/v1/webhooks/{source}", door.receive, methods=["POST"]),
        Route("/v1/signals/schema", door.schema),
        Route("/v1/cases/{id}", door.case),
        Route("/healthz", door.alive),
        Route("/readyz", door.ready),
        Route("/metrics", door.metrics),
        *more,
    ]
    handlers: dict[Any, Any] = {Problem: _problem, 404: _not_here, 405: _not_here, Exception: _unforeseen}
    return Starlette(routes=routes, exception_handlers=handlers)


def _must_be_json(source: Source, headers: Mapping[str, str]) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if source.format is not Format.CLOUDEVENTS and kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, f"send application/json, not {kind or 'nothing'}")


async def _problem(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    return problem.response()


async def _not_here(request: Request, missing: Any) -> Response:
    status = missing.status_code if missing.status_code in TITLES else 404
    return Problem(
        status, f"{request.method} {request.url.path[:100]} is not something that can be asked here"
    ).response()


async def _unforeseen(request: Request, failure: Exception) -> Response:
    """The outermost handler: the inside stays inside, the reference is in the log."""
    reference = uuid.uuid4().hex[:8]
    log.error("reference %s", reference, exc_info=failure, extra={"reference": reference})
    return Problem(
        503, f"something went wrong on our side, reference {reference}; send it again", retry_after=5
    ).response()

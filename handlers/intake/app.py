"""The HTTP intake as one Starlette application."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DataError, DBAPIError
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
from bot.ports.case_store import Receipt, ReceiptOutcome
from handlers.intake.authentication import Sources, has_token
from handlers.intake.problem import TITLES, Problem
from handlers.intake.readiness import Readiness
from handlers.intake.reading import Item, body_of
from handlers.intake.sources import alertmanager, cloudevents, mapped, signals

log = logging.getLogger(__name__)
Parse = Callable[[bytes, Mapping[str, str], Source], list[Item]]
PARSERS: dict[Format, Parse] = {
    Format.SIGNAL: signals.signals,
    Format.CLOUDEVENTS: cloudevents.signals,
    Format.ALERTMANAGER: alertmanager.signals,
    Format.MAPPING: mapped.signals,
}
STATUS = {
    ReceiptOutcome.OPENED: 201,
    ReceiptOutcome.COUNTED: 202,
    ReceiptOutcome.CLEARED: 202,
    ReceiptOutcome.IGNORED: 202,
    ReceiptOutcome.DUPLICATE: 200,
}


@dataclass(frozen=True)
class Door:
    """What the routes need. ``problems`` says what keeps the bot from being ready, as sentences; none is good.

    ``paused`` says why nothing is carried out now. That keeps no signal out: a bot that is paused is ready to receive.
    """

    intake: Intake
    sources: Sources
    read_tokens: tuple[str, ...]
    problems: Callable[[], list[str]]
    paused: Callable[[], list[str]] = list
    readiness: Readiness = field(default_factory=Readiness)

    async def receive(self, request: Request) -> Response:
        """Authenticate, parse, commit: each signal on its own, and the answer says what became of each."""
        headers, claimed = request.headers, request.path_params.get("source", "")
        self.sources.refuse_strangers(headers, claimed=claimed)
        body = await body_of(request)
        source = self.sources.speaking(headers, body, claimed=claimed)
        _must_be_json(source, headers)
        self.sources.admit(source)
        try:
            items = await run_in_threadpool(PARSERS[source.format], body, headers, source)
        except Problem:
            self.sources.spend(source, 1)
            raise
        self.sources.spend(source, max(1, len(items)))
        return answered(await self._commit_all(items, body))

    async def _commit_all(self, items: list[Item], body: bytes) -> list[Receipt | Problem]:
        """Commit what can be; one that fails holds up nobody. Two failures in a row: the database is away."""
        results: list[Receipt | Problem] = []
        for item in items:
            if isinstance(item, Problem):
                results.append(item)
            elif len(results) > 1 and all(map(_is_not_stored, results[-2:])):
                results.append(results[-1])
            else:
                results.append(await run_in_threadpool(self._commit, item, body))
        return results

    def _commit(self, signal: Signal, body: bytes) -> Receipt | Problem:
        try:
            return self.intake.receive(signal, body)
        except KeyReused as reused:
            return Problem(409, f"{reused}; both are kept, nothing was merged", "key")
        except DataError:
            log.exception("a signal that no database keeps")
            return Problem(422, "the signal holds something that cannot be stored")
        except DBAPIError:
            log.exception("a signal could not be stored")
            return Problem(
                503,
                "the signal could not be stored; nothing is lost if you send it again",
                retry_after=5,
            )

    async def case(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not has_token(token.strip(), self.read_tokens):
            raise Problem(401, "a bearer token is needed; it is set as COUNTERSIGN_API_TOKEN")
        try:
            case = await run_in_threadpool(self.intake.cases.case, request.path_params["id"])
        except NoSuchCase as missing:
            raise Problem(404, str(missing)) from None
        return JSONResponse(to_plain(case))

    async def schema(self, request: Request) -> Response:
        published = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **signals.SignalIn.model_json_schema(),
        }
        return JSONResponse(published, media_type="application/schema+json")

    async def alive(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    async def ready(self, request: Request) -> Response:
        problems = await self.readiness.problems(self.problems)
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, 503)
        # Not 503: whoever balances load would send signals nowhere, and they must come in.
        paused = await run_in_threadpool(self.paused)
        return JSONResponse({"status": "paused" if paused else "ready", "problems": paused})


def answered(results: Sequence[Receipt | Problem]) -> Response:
    """Answer for one signal with what became of it, for several with a list in their order.

    2xx means that something was stored, or had been: whoever then reads no further sends nothing again. A batch of which
    nothing was stored has the status that a single signal would have.
    """
    if len(results) == 1:
        return results[0].response() if isinstance(results[0], Problem) else _stored(results)
    problems = [result for result in results if isinstance(result, Problem)]
    later = next((problem for problem in problems if _is_not_stored(problem)), None)
    signals = [_told(result) for result in results]
    if later:
        return later.response(signals=signals)
    if len(problems) < len(results) or not results:
        return _stored(results)
    status = 409 if all(problem.status == 409 for problem in problems) else 422
    return Problem(status, "none of these signals could be taken; each says why").response(
        signals=signals
    )


def _is_not_stored(result: Receipt | Problem) -> bool:
    return isinstance(result, Problem) and result.status == 503


def _stored(results: Sequence[Receipt | Problem]) -> Response:
    receipts = [result for result in results if isinstance(result, Receipt)]
    status = max((STATUS[receipt.outcome] for receipt in receipts), default=200)
    signals = [_told(result) for result in results]
    if len(results) == 1:
        return JSONResponse(signals[0], status)
    refused = len(results) - len(receipts)
    return JSONResponse({"signals": signals, **({"refused": refused} if refused else {})}, status)


def _told(result: Receipt | Problem) -> dict[str, Any]:
    if isinstance(result, Receipt):
        return {"outcome": result.outcome, "case": result.case_id}
    outcome = {409: "conflict", 503: "not stored"}.get(result.status, "invalid")
    return {"outcome": outcome, "problem": {"detail": result.detail, "field": result.field}}


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
    handlers: dict[Any, Any] = {
        Problem: _problem,
        404: _not_here,
        405: _not_here,
        Exception: _unforeseen,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


def _must_be_json(source: Source, headers: Mapping[str, str]) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if (
        source.format is not Format.CLOUDEVENTS
        and kind != "application/json"
        and not kind.endswith("+json")
    ):
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
        503,
        f"something went wrong on our side, reference {reference}; send it again",
        retry_after=5,
    ).response()

"""Systems behind an HTTP API.

Only declared calls go out, only to listed hosts, and each action has an idempotency key.

A confirmation is a success, and a definite refusal is a failure. Everything else after the request
has left is neither: a time-out, a broken connection, a redirect, a 5xx, an unknown status. Then the
outcome is unknown, and is looked for before anything is repeated.

One call ends within the time-out of its system: name, connection, TLS, request and answer together.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import Field, StringConstraints

from bot.cases.canonical import Scalar, ScalarMapping, storable
from bot.cases.constraints import KEYED, Name, OptionalEnvironmentName
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.expressions import find_scalar
from bot.cases.plan import Action, Idempotency
from bot.clock import boottime, seconds_left, time_limit
from bot.connectors.http_addresses import fill_address, is_declared_address
from bot.connectors.http_transport import GuardedTransport
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import (
    ActionSpec,
    Secrets,
    SystemSpec,
    Timeout,
    prepare_action,
    short_name,
)
from bot.ports.chat import Chat
from bot.ports.connector import Connector, EffectStatus

MAX_ANSWER_BYTES = 1_000_000
MAX_DETAIL = 200
MIN_WAIT_SECONDS = 0.001
# Nothing left the machine: safe to try again.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
# By these the server says that it did nothing. Other statuses of 4xx say less than that: 408, 409,
# 412 (which is "moved"), 418 to 420, 427, 430 and the private ones.
_REFUSALS = frozenset(
    {*range(400, 408), 410, 411, *range(413, 418), *range(421, 427), 428, 429, 431, 451}
)
_TRANSIENT_REFUSALS = frozenset({HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
# A question that met one of these may be asked again.
_TRANSIENT_FAILURES = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


# --- declaration ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One HTTP call; the last four fields are expressions over its answer."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    #: Path and query with placeholders for parameters, each percent-encoded.
    path: Annotated[str, StringConstraints(pattern=r"^/")]
    #: Expressions over the parameters, by field of the body.
    body: Mapping[str, str] = field(default_factory=dict)
    #: True where the answer confirms the effect.
    landed_when: Annotated[str, Field(validation_alias="landed")] = ""
    #: True where the answer of a `verify` says that there is no effect.
    absent_when: Annotated[str, Field(validation_alias="absent")] = ""
    #: What people read about the outcome, like a number of the payment.
    detail: str = ""
    #: What a look-up or precondition reads.
    fields: Mapping[Name, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HttpAction(ActionSpec):
    """An action that is one HTTP call, with the calls around it."""

    execute: HttpCall
    precondition: HttpCall | None = None
    verify: HttpCall | None = None
    undo: HttpCall | None = None
    #: What the server does with a key that it has seen before.
    declared_idempotency: Annotated[Idempotency, Field(validation_alias="idempotency")]

    def __post_init__(self) -> None:
        ActionSpec.__post_init__(self)
        if self.verify is None and self.idempotency is not Idempotency.NONE:
            raise ValueError("only idempotency: none may go without a verify call")
        fields = self.precondition.fields if self.precondition else {}
        if self.amount and self.amount not in {*self.parameters, *fields}:
            raise ValueError(
                f"amount names {self.amount},"
                " which is no parameter and no field of the precondition"
            )

    @property
    def reversible(self) -> bool:
        return self.undo is not None

    @property
    def idempotency(self) -> Idempotency:
        return self.declared_idempotency


@dataclass(frozen=True, kw_only=True)
class HttpSystem(SystemSpec):
    """An HTTP API. Only listed hosts are reached; redirects are not followed."""

    connector: Literal["http"] = "http"
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    #: The hosts that may have an address of our own network.
    private_hosts: tuple[str, ...] = ()
    #: The name of the secret that goes out as a bearer token; empty for none.
    token_env: OptionalEnvironmentName = ""
    timeout: Timeout = timedelta(seconds=5)
    #: The header that carries the key of an action; empty for none.
    idempotency_header: str = "Idempotency-Key"
    lookups: Mapping[Name, HttpCall] = field(default_factory=dict)
    actions: Annotated[Mapping[str, HttpAction], KEYED] = field(default_factory=dict)

    def secret_names(self) -> tuple[str, ...]:
        return (self.token_env,) if self.token_env else ()

    def connect(self, secrets: Secrets, chat: Chat) -> Connector:
        token = secrets(self.token_env) if self.token_env else ""
        return HttpConnector(self, token)


# --- connector ------------------------------------------------------------------------------------


class HttpConnector:
    """Makes the declared calls of one system."""

    def __init__(self, system: HttpSystem, token: str) -> None:
        """``token`` goes out as a bearer token; empty for none."""
        self._system = system
        host = urlsplit(system.base_url).hostname or ""
        if host not in system.hosts:
            raise ConnectorFailed(f"{system.name}: {host or 'no host'} is not on its list of hosts")
        self._client = httpx.Client(
            base_url=system.base_url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=system.timeout.total_seconds(),
            follow_redirects=False,
            trust_env=False,
            transport=GuardedTransport(frozenset(system.private_hosts)),
        )

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self,
        query: str,
        parameters: ScalarMapping,
        limit: int,
    ) -> list[dict[str, Scalar]]:
        """Make a declared look-up. Its answer is one row."""
        call = self._system.lookups.get(query)
        if call is None:
            raise ConnectorFailed(f"{self._system.name} has no look-up {query!r}")
        with self._time_limit():
            return [self._read_fields(call, parameters)][:limit]

    def prepare(self, action: str, parameters: ScalarMapping) -> Action:
        """Convert the parameters and take the snapshot."""
        spec = self._find_spec(action)
        values = convert_parameters(parameters, spec.parameters)
        with self._time_limit():
            snapshot = self._snapshot(spec, values)
        return prepare_action(
            spec,
            system=self._system.name,
            connector=self._system.connector,
            parameters=values,
            snapshot=snapshot,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Take the snapshot again."""
        spec = self._find_spec(short_name(action))
        with self._time_limit():
            return self._snapshot(spec, action.parameters)

    def execute(self, action: Action, key: str) -> str:
        """Carry out the action, unless something has changed since the approval."""
        spec = self._find_spec(short_name(action))
        if spec.version != action.version:
            versions = f"version {spec.version} now, version {action.version} was approved"
            raise WorldMoved(f"{action.name} is {versions}")
        with self._time_limit():
            reasons = list_changes(action.precondition, self._snapshot(spec, action.parameters))
            if reasons:
                raise WorldMoved("; ".join(reasons))
            return self._act(spec.execute, {**action.parameters, "key": key}, key=key)

    def undo(
        self,
        action: Action,
        key: str,
        undo_key: str,
    ) -> str:
        """Take back the effect under ``key``, which the call may name."""
        spec = self._find_spec(short_name(action))
        if spec.undo is None:
            raise ConnectorFailed(f"{action.name} cannot be undone")
        with self._time_limit():
            return self._act(spec.undo, {**action.parameters, "key": key}, key=undo_key)

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Ask for the effect under this key. Only a clear answer counts."""
        call = self._find_spec(short_name(action)).verify
        if call is None:
            return EffectStatus.UNKNOWN
        try:
            with self._time_limit():
                answer = self._send(call, {**action.parameters, "key": key})
        except ConnectorFailed:
            return EffectStatus.UNKNOWN
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return EffectStatus.ABSENT
        if answer.status_code != HTTPStatus.OK:
            return EffectStatus.UNKNOWN
        body = _read_json(answer)
        if find_scalar(call.landed_when, body) is True:
            return EffectStatus.LANDED
        if call.absent_when and find_scalar(call.absent_when, body) is True:
            return EffectStatus.ABSENT
        return EffectStatus.UNKNOWN

    def _time_limit(self) -> AbstractContextManager[None]:
        return time_limit(boottime() + self.timeout.total_seconds())

    def _find_spec(self, action: str) -> HttpAction:
        try:
            return self._system.actions[action]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}") from None

    def _snapshot(self, spec: HttpAction, parameters: ScalarMapping) -> dict[str, Scalar]:
        if spec.precondition is None:
            return {}
        return self._read_fields(spec.precondition, parameters)

    def _read_fields(self, call: HttpCall, parameters: ScalarMapping) -> dict[str, Scalar]:
        """Ask a question and read the declared fields of its answer."""
        try:
            answer = self._send(call, parameters)
        except OutcomeUnknown as error:
            # Asking twice does no harm: for a question no answer is a definite failure.
            raise ConnectorFailed(str(error), retryable=True) from None
        if answer.status_code != HTTPStatus.OK:
            is_transient = answer.status_code in _TRANSIENT_FAILURES
            raise ConnectorFailed(_describe(answer), retryable=is_transient)
        body = _read_json(answer)
        return {
            name: storable(find_scalar(expression, body))
            for name, expression in call.fields.items()
        }

    def _act(
        self,
        call: HttpCall,
        parameters: ScalarMapping,
        *,
        key: str,
    ) -> str:
        """Change something, and say what came of it."""
        answer = self._send(call, parameters, key=key)
        status = answer.status_code
        if status == HTTPStatus.PRECONDITION_FAILED:
            raise WorldMoved(_describe(answer))
        if status in _REFUSALS:
            raise ConnectorFailed(_describe(answer), retryable=status in _TRANSIENT_REFUSALS)
        if status == HTTPStatus.CONFLICT:
            raise OutcomeUnknown("the same request is still being worked on there")
        if not answer.is_success:
            raise OutcomeUnknown(_describe(answer))
        body = _read_json(answer)
        if call.landed_when and find_scalar(call.landed_when, body) is not True:
            raise OutcomeUnknown(f"{_describe(answer)}, without confirming it")
        detail = find_scalar(call.detail, body) if call.detail else None
        return _describe(answer) if detail is None else str(detail)[:MAX_DETAIL]

    def _send(
        self,
        call: HttpCall,
        parameters: ScalarMapping,
        *,
        key: str = "",
    ) -> httpx.Response:
        """Send one request and read its answer.

        Raises:
            ConnectorFailed: nothing was sent.
            OutcomeUnknown: it was sent, and there is no answer.
        """
        request = self._build_request(call, parameters, key=key)
        name = self._system.name
        if seconds_left() <= 0:
            raise ConnectorFailed(f"{name}: no time was left to ask", retryable=True)
        try:
            with closing(self._client.send(request, stream=True)) as answer:
                return _read_body(answer)
        except _NOT_SENT as error:
            reason = f"cannot reach {name}: {type(error).__name__}"
            raise ConnectorFailed(reason, retryable=True) from None
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"no answer from {name}: {type(error).__name__}") from None

    def _build_request(
        self,
        call: HttpCall,
        parameters: ScalarMapping,
        *,
        key: str,
    ) -> httpx.Request:
        """Build the request as declared: no parameter can lead it anywhere else."""
        address = fill_address(call.path, parameters)
        headers = {}
        if key and self._system.idempotency_header:
            headers[self._system.idempotency_header] = key
        body = {name: find_scalar(expression, parameters) for name, expression in call.body.items()}
        try:
            request = self._client.build_request(
                call.method,
                address,
                json=body or None,
                headers=headers,
                # For the wait for a connection; the transport gives each operation what is left.
                timeout=max(MIN_WAIT_SECONDS, seconds_left()),
            )
        except (httpx.InvalidURL, ValueError, TypeError):
            reason = "no request can be made of these parameters"
            raise ConnectorFailed(f"{self._system.name}: {reason}") from None
        if not is_declared_address(request.url, self._client.base_url, address):
            reason = f"{call.path} would not be the address that was declared"
            raise ConnectorFailed(f"{self._system.name}: {reason}")
        return request


def _read_body(answer: httpx.Response) -> httpx.Response:
    """Read a streamed answer, unless it is too large."""
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.ReadError("the answer is too large")
    headers = {"content-type": answer.headers.get("content-type", "")}
    return httpx.Response(answer.status_code, headers=headers, content=body)


def _read_json(answer: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer.

    A list is under ``items``. What is no JSON is empty.
    """
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {"items": body}


def _describe(answer: httpx.Response) -> str:
    return f"answered {answer.status_code}"

"""Systems behind an HTTP API.

Only declared calls go out, only to listed hosts, and each action has an idempotency key.

A confirmation is a success, and a definite refusal is a failure. Everything else after the request
has left is neither: a time-out, a broken connection, a redirect, a 5xx, an unknown status. Then the
outcome is unknown, and is looked for before anything is repeated.

One call ends within the time-out of its system: name, connection, TLS, request and answer together.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.cases.canonical import Scalar, ScalarMapping, storable
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.expressions import find_scalar, placeholders
from bot.cases.plan import Action
from bot.cases.plan_tree import convert_facts
from bot.clock import boottime, seconds_left, time_limit
from bot.connectors.http_addresses import fill_address, is_declared_address
from bot.connectors.http_system import HttpAction, HttpCall, HttpSystem
from bot.connectors.http_transport import AddressRules, GuardedTransport, read_body
from bot.connectors.parameters import convert_parameters
from bot.connectors.specs import prepare_action, short_name
from bot.ports.connector import NOTHING, Effect, EffectStatus

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
_NO_ENTRY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
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
            transport=GuardedTransport(AddressRules(frozenset(system.private_hosts))),
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

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
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
            words=words,
        )

    def precondition(self, action: Action) -> ScalarMapping:
        """Take the snapshot again."""
        spec = self._find_spec(short_name(action))
        with self._time_limit():
            return self._snapshot(spec, action.parameters)

    def read_facts(self, action: Action, key: str) -> ScalarMapping:
        """Read the facts of an effect from the answer that shows it."""
        spec = self._find_spec(short_name(action))
        if spec.verify is None or not spec.returns:
            return {}
        with self._time_limit():
            values = self._read_fields(spec.verify, {**action.parameters, "key": key})
        return convert_facts(values, spec.returns)

    def execute(self, action: Action, key: str) -> str | Effect:
        """Carry out the action, unless something has changed since the approval."""
        spec = self._find_spec(short_name(action))
        if spec.version != action.version:
            versions = f"version {spec.version} now, version {action.version} was approved"
            raise WorldMoved(f"{action.name} is {versions}")
        with self._time_limit():
            reasons = list_changes(action.precondition, self._snapshot(spec, action.parameters))
            if reasons:
                raise WorldMoved("; ".join(reasons))
            effect = self._act(spec.execute, {**action.parameters, "key": key}, key=key)
        if not spec.returns:
            return effect.detail
        return Effect(effect.detail, convert_facts(effect.facts, spec.returns))

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
            return self._act(spec.undo, {**action.parameters, "key": key}, key=undo_key).detail

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

    def find_problems(self) -> list[str]:
        """Ask the declared questions that need no parameter.

        Where there is none, ask only whether the system is there. Nothing but GET is sent.
        """
        calls = [call for call in self._questions() if not placeholders(call.path)]
        problems: dict[str, None] = {}
        for call in calls or [HttpCall(path="/")]:
            try:
                with self._time_limit():
                    status = self._send(call, {}).status_code
            except ConnectorFailed as failure:
                return [str(failure)]
            problem = self._describe_problem(call, status, is_declared=bool(calls))
            if problem:
                problems[problem] = None
        return list(problems)

    def _questions(self) -> list[HttpCall]:
        before = [action.precondition for action in self._system.actions.values()]
        calls = [*self._system.lookups.values(), *before]
        return [call for call in calls if call is not None and call.method == "GET"]

    def _describe_problem(self, call: HttpCall, status: int, *, is_declared: bool) -> str:
        """Say what is wrong by an answer's status; empty for nothing."""
        name = self._system.name
        if status in _NO_ENTRY:
            secret = self._system.token_env or "token_env (none is named)"
            return f"{name} answers {status}: it does not take {secret}"
        if status == HTTPStatus.NOT_FOUND and is_declared:
            return f"{name} answers 404: it has no {call.path}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"{name} answers {status}"
        return ""

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
    ) -> Effect:
        """Change something, and say what came of it."""
        answer = self._send(call, parameters, key=key)
        status = answer.status_code
        body = _read_json(answer)
        if call.refused_when and find_scalar(call.refused_when, body) is True:
            raise SystemRefused(self._detail(call, answer, body))
        if status == HTTPStatus.PRECONDITION_FAILED:
            raise WorldMoved(_describe(answer))
        if status in _REFUSALS:
            raise ConnectorFailed(_describe(answer), retryable=status in _TRANSIENT_REFUSALS)
        if status == HTTPStatus.CONFLICT:
            raise OutcomeUnknown("the same request is still being worked on there")
        if not answer.is_success:
            raise OutcomeUnknown(_describe(answer))
        if call.landed_when and find_scalar(call.landed_when, body) is not True:
            raise OutcomeUnknown(f"{_describe(answer)}, without confirming it")
        facts = {name: find_scalar(field, body) for name, field in call.fields.items()}
        return Effect(self._detail(call, answer, body), facts)

    @staticmethod
    def _detail(call: HttpCall, answer: httpx.Response, body: Mapping[str, Any]) -> str:
        """Return what people read about the outcome."""
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
    body = read_body(answer, MAX_ANSWER_BYTES)
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

"""Systems behind an HTTP API: named look-ups and actions, to allow-listed hosts only, one idempotency key per action.

A definite answer is done or failed. A time-out, a broken connection or a 5xx after the request left is neither: the outcome is
unknown and is verified before anything is repeated.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore
import httpx

from bot.cases.canonical import Scalar, storable
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.evidence import changed
from bot.cases.expressions import look_up as find
from bot.cases.plan import Action
from bot.connectors.specs import Call, HttpAction, HttpSystem, prepared, typed
from bot.ports import Landing

LARGEST_ANSWER = 1_000_000
# Nothing left the machine: safe to try again.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class HttpConnector:
    """``token`` comes from the environment under the name that the system declares; empty when it declares none."""

    def __init__(self, system: HttpSystem, token: str) -> None:
        self._system = system
        host = urlsplit(system.base_url).hostname or ""
        if host not in system.hosts:
            raise ConnectorFailed(f"{system.name}: {host or 'no host'} is not on its list of hosts")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            base_url=system.base_url,
            headers=headers,
            timeout=system.timeout.total_seconds(),
            follow_redirects=False,
            trust_env=False,
            transport=_GuardedTransport(frozenset(system.private_hosts)),
        )

    def look_up(self, query: str, parameters: Mapping[str, Scalar], limit: int) -> list[dict[str, Scalar]]:
        call = self._system.lookups.get(query)
        if call is None:
            raise ConnectorFailed(f"{self._system.name} has no look-up {query!r}")
        return [_fields(call, self._ask(call, parameters))][:limit]

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        declared = self._action(action)
        given = typed(parameters, declared.spec.parameters)
        return prepared(declared.spec, self._system.name, "http", given, self._snapshot(declared, given))

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        return self._snapshot(self._action(_short(action)), action.parameters)

    def execute(self, action: Action, key: str) -> str:
        declared = self._action(_short(action))
        if declared.spec.version != action.version:
            raise WorldMoved(
                f"{action.name} is version {declared.spec.version} now, version {action.version} was approved"
            )
        reasons = changed(action.precondition, self._snapshot(declared, action.parameters))
        if reasons:
            raise WorldMoved("; ".join(reasons))
        return self._act(declared.execute, action, key)

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        declared = self._action(_short(action))
        if declared.undo is None:
            raise ConnectorFailed(f"{action.name} cannot be undone")
        return self._act(declared.undo, action, undo_key, done=key)

    def verify(self, action: Action, key: str) -> Landing:
        call = self._action(_short(action)).verify
        if call is None:
            return Landing.UNKNOWN
        try:
            answer = self._send(call, {**action.parameters, "key": key}, key="")
        except ConnectorFailed:
            return Landing.UNKNOWN
        if answer.status_code == 404:
            return Landing.ABSENT
        if answer.status_code != 200:
            return Landing.UNKNOWN
        body = _json(answer)
        if find(call.landed, body) is True:
            return Landing.LANDED
        return Landing.ABSENT if call.absent and find(call.absent, body) is True else Landing.UNKNOWN

    # --- inside --------------------------------------------------------------------------------------------------------

    def _action(self, name: str) -> HttpAction:
        try:
            return self._system.actions[name]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {name!r}") from None

    def _snapshot(self, declared: HttpAction, parameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
        call = declared.precondition
        return _fields(call, self._ask(call, parameters)) if call else {}

    def _ask(self, call: Call, parameters: Mapping[str, Scalar]) -> Mapping[str, Any]:
        """A question: asking twice does no harm, so every failure is a definite one."""
        try:
            answer = self._send(call, parameters, key="")
        except OutcomeUnknown as doubt:
            raise ConnectorFailed(str(doubt), retryable=True) from None
        if answer.status_code != 200:
            raise ConnectorFailed(_why(answer), retryable=answer.status_code in {429, 502, 503, 504})
        return _json(answer)

    def _act(self, call: Call, action: Action, key: str, *, done: str = "") -> str:
        answer = self._send(call, {**action.parameters, "key": done or key}, key=key)
        if answer.status_code >= 500 or answer.status_code == 408:
            raise OutcomeUnknown(_why(answer))
        if answer.status_code == 412:
            raise WorldMoved(_why(answer))
        if answer.status_code == 409:
            raise OutcomeUnknown("the same request is still being worked on there")
        if not 200 <= answer.status_code < 300:
            raise ConnectorFailed(_why(answer), retryable=answer.status_code in {425, 429})
        body = _json(answer)
        if call.landed and find(call.landed, body) is not True:
            raise ConnectorFailed(f"answered {answer.status_code}, but did not do it")
        detail = find(call.detail, body) if call.detail else None
        return str(detail)[:200] if detail is not None else f"answered {answer.status_code}"

    def _send(self, call: Call, parameters: Mapping[str, Scalar], *, key: str) -> httpx.Response:
        path = call.path
        for name, value in parameters.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        body = {name: find(expression, parameters) for name, expression in call.body.items()}
        headers = {self._system.idempotency_header: key} if key and self._system.idempotency_header else {}
        request = self._client.build_request(call.method, path, json=body or None, headers=headers)
        try:
            with_body = self._client.send(request, stream=True)
            try:
                return _read(with_body)
            finally:
                with_body.close()
        except _NOT_SENT as failure:
            raise ConnectorFailed(
                f"cannot reach {self._system.name}: {type(failure).__name__}", retryable=True
            ) from None
        except httpx.HTTPError as failure:
            raise OutcomeUnknown(f"no answer from {self._system.name}: {type(failure).__name__}") from None


def _read(answer: httpx.Response) -> httpx.Response:
    """The answer with its body, unless it is too large to be one."""
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise httpx.ReadError("the answer is too large")
    return httpx.Response(
        answer.status_code, headers={"content-type": answer.headers.get("content-type", "")}, content=body
    )


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {"items": body}


def _fields(call: Call, body: Mapping[str, Any]) -> dict[str, Scalar]:
    return {name: storable(find(expression, body)) for name, expression in call.fields.items()}


def _why(answer: httpx.Response) -> str:
    return f"answered {answer.status_code}"


def _short(action: Action) -> str:
    return action.name.partition(".")[2]


class _GuardedTransport(httpx.HTTPTransport):
    """Connects only to addresses it has looked at itself: a name is resolved once, checked, and that address is used."""

    def __init__(self, private_hosts: frozenset[str]) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=_GuardedBackend(private_hosts), max_connections=20
        )


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, private_hosts: frozenset[str]) -> None:
        self._private_hosts = private_hosts
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = self._checked(host, port)
        return self._backend.connect_tcp(address, port, timeout, local_address, socket_options)

    def _checked(self, host: str, port: int) -> str:
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError:
            raise httpcore.ConnectError(f"{host} has no address") from None
        if host not in self._private_hosts and not all(_is_public(address) for address in found):
            raise httpcore.ConnectError(f"{host} is a private address and not on the list of private hosts")
        return found[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not parsed.is_multicast

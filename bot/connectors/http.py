"""Systems behind an HTTP API: named look-ups and actions, to allow-listed hosts only, one idempotency key per action.

A confirmation is done, a definite refusal is failed. Everything else after the request left is neither: a time-out, a broken
connection, a redirect, a 5xx, a status nobody knows. Then the outcome is unknown and is looked for before anything is repeated.

One call ends within the time-out of its system, all in all: name, connection, TLS, sending, and an answer that drips in.
"""

import contextlib
import ipaddress
import re
import ssl
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpcore
import httpx

from bot import sockets
from bot.cases.canonical import Scalar, storable
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.expressions import look_up as find
from bot.cases.plan import Action
from bot.clock import boottime, seconds_left, time_limit
from bot.connectors.specs import Call, HttpAction, HttpSystem, prepared, typed
from bot.ports.connector import EffectStatus

LARGEST_ANSWER = 1_000_000
# Nothing left the machine: safe to try again.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
# A 4xx by which the server says that it did not do it; those that are not here say less than that.
_REFUSED = frozenset(
    {*range(400, 408), 410, 411, *range(413, 418), *range(421, 427), 428, 429, 431, 451}
)
_MAY_PASS = frozenset({425, 429})
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# What stands in a declared path as it is.
_AS_DECLARED = "/%:@!$&'()*+,;=~"
# Characters that end a segment of a path, somewhere on the way.
_ENDS_SEGMENT = frozenset("/\\")
MAX_UNQUOTED = 3
# Allocated to hosts of the public Internet; what is outside is for one network, or wraps an IPv4 address.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(block)
    for block in (
        "192.88.99.0/24",  # relays from 6to4
        "2001::/23",  # protocol assignments, with Teredo
        "3fff::/20",  # documentation
    )
)
# Blocks that wrap an IPv4 address, and how many bits stand behind it: mapped, translated, NAT64, 6to4.
_WRAPPED = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


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

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self, query: str, parameters: Mapping[str, Scalar], limit: int
    ) -> list[dict[str, Scalar]]:
        call = self._system.lookups.get(query)
        if call is None:
            raise ConnectorFailed(f"{self._system.name} has no look-up {query!r}")
        with self._limit():
            return [_fields(call, self._ask(call, parameters))][:limit]

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        declared = self._action(action)
        given = typed(parameters, declared.spec.parameters)
        with self._limit():
            return prepared(
                declared.spec, self._system.name, "http", given, self._snapshot(declared, given)
            )

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        with self._limit():
            return self._snapshot(self._action(_short(action)), action.parameters)

    def execute(self, action: Action, key: str) -> str:
        declared = self._action(_short(action))
        if declared.spec.version != action.version:
            raise WorldMoved(
                f"{action.name} is version {declared.spec.version} now, version {action.version} was approved"
            )
        with self._limit():
            reasons = list_changes(action.precondition, self._snapshot(declared, action.parameters))
            if reasons:
                raise WorldMoved("; ".join(reasons))
            return self._act(declared.execute, action, key)

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        declared = self._action(_short(action))
        if declared.undo is None:
            raise ConnectorFailed(f"{action.name} cannot be undone")
        with self._limit():
            return self._act(declared.undo, action, undo_key, done=key)

    def verify(self, action: Action, key: str) -> EffectStatus:
        call = self._action(_short(action)).verify
        if call is None:
            return EffectStatus.UNKNOWN
        try:
            with self._limit():
                answer = self._send(call, {**action.parameters, "key": key}, key="")
        except ConnectorFailed:
            return EffectStatus.UNKNOWN
        if answer.status_code == 404:
            return EffectStatus.ABSENT
        if answer.status_code != 200:
            return EffectStatus.UNKNOWN
        body = _json(answer)
        if find(call.landed, body) is True:
            return EffectStatus.LANDED
        return (
            EffectStatus.ABSENT
            if call.absent and find(call.absent, body) is True
            else EffectStatus.UNKNOWN
        )

    # --- inside --------------------------------------------------------------------------------------------------------

    def _limit(self) -> contextlib.AbstractContextManager[None]:
        return time_limit(boottime() + self.timeout.total_seconds())

    def _action(self, name: str) -> HttpAction:
        try:
            return self._system.actions[name]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {name!r}") from None

    def _snapshot(
        self, declared: HttpAction, parameters: Mapping[str, Scalar]
    ) -> dict[str, Scalar]:
        call = declared.precondition
        return _fields(call, self._ask(call, parameters)) if call else {}

    def _ask(self, call: Call, parameters: Mapping[str, Scalar]) -> Mapping[str, Any]:
        """A question: asking twice does no harm, so every failure is a definite one."""
        try:
            answer = self._send(call, parameters, key="")
        except OutcomeUnknown as doubt:
            raise ConnectorFailed(str(doubt), retryable=True) from None
        if answer.status_code != 200:
            raise ConnectorFailed(
                _why(answer), retryable=answer.status_code in {429, 502, 503, 504}
            )
        return _json(answer)

    def _act(self, call: Call, action: Action, key: str, *, done: str = "") -> str:
        answer = self._send(call, {**action.parameters, "key": done or key}, key=key)
        if answer.status_code == 412:
            raise WorldMoved(_why(answer))
        if answer.status_code in _REFUSED:
            raise ConnectorFailed(_why(answer), retryable=answer.status_code in _MAY_PASS)
        if answer.status_code == 409:
            raise OutcomeUnknown("the same request is still being worked on there")
        if not 200 <= answer.status_code < 300:
            raise OutcomeUnknown(_why(answer))
        body = _json(answer)
        if call.landed and find(call.landed, body) is not True:
            raise OutcomeUnknown(f"answered {answer.status_code}, without confirming it")
        detail = find(call.detail, body) if call.detail else None
        return str(detail)[:200] if detail is not None else f"answered {answer.status_code}"

    def _send(self, call: Call, parameters: Mapping[str, Scalar], *, key: str) -> httpx.Response:
        request = self._request(call, parameters, key=key)
        if seconds_left() <= 0:
            raise ConnectorFailed(f"{self._system.name}: no time was left to ask", retryable=True)
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
            raise OutcomeUnknown(
                f"no answer from {self._system.name}: {type(failure).__name__}"
            ) from None

    def _request(self, call: Call, parameters: Mapping[str, Scalar], *, key: str) -> httpx.Request:
        """The request as declared: no parameter can lead it anywhere else."""
        target = _target(call.path, parameters)
        body = {name: find(expression, parameters) for name, expression in call.body.items()}
        headers = (
            {self._system.idempotency_header: key}
            if key and self._system.idempotency_header
            else {}
        )
        try:
            # The wait for a connection; every operation on it gets what is left of the time limit.
            wait = max(0.001, seconds_left())
            request = self._client.build_request(
                call.method, target, json=body or None, headers=headers, timeout=wait
            )
        except (httpx.InvalidURL, ValueError, TypeError):
            raise ConnectorFailed(
                f"{self._system.name}: no request can be made of these parameters"
            ) from None
        base = self._client.base_url
        path = quote(target.partition("?")[0], safe=_AS_DECLARED)
        declared = base.raw_path.decode().rstrip("/") + path
        is_same_server = request.url.copy_with(raw_path=b"/") == base.copy_with(raw_path=b"/")
        if not is_same_server or request.url.raw_path.decode().partition("?")[0] != declared:
            raise ConnectorFailed(
                f"{self._system.name}: {call.path} would not be the address that was declared"
            )
        return request


def _target(declared: str, parameters: Mapping[str, Scalar]) -> str:
    """Path and query with every place filled in.

    Raises:
        ConnectorFailed: a value could change the path; the text names its parameter.
    """
    missing = sorted(set(_PLACE.findall(declared)) - set(parameters))
    if missing:
        raise ConnectorFailed(f"{', '.join(missing)} is needed in the address")
    path, mark, query = declared.partition("?")
    for name, value in parameters.items():
        place, text = f"{{{name}}}", str(value)
        if place in path:
            path = path.replace(place, _segment(name, text))
        query = query.replace(place, quote(text, safe=""))
    return f"{path}{mark}{query}"


def _segment(name: str, text: str) -> str:
    """A value as it may stand in a path, percent-encoded. What a server could read as another path is refused."""
    plain = text
    for _ in range(MAX_UNQUOTED):
        plain = unquote(plain)
    plain = unicodedata.normalize("NFKC", plain)
    # Some servers cut a segment at the semicolon before they look at its dots.
    is_dots = plain.partition(";")[0].strip().strip(".") == ""
    if is_dots or _ENDS_SEGMENT & set(plain) or any(ord(letter) < 32 for letter in plain):
        raise ConnectorFailed(f"{name} cannot stand in an address: {text[:40]!r}")
    return quote(text, safe="")


def _read(answer: httpx.Response) -> httpx.Response:
    """The answer with its body, unless it is too large to be one."""
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise httpx.ReadError("the answer is too large")
    return httpx.Response(
        answer.status_code,
        headers={"content-type": answer.headers.get("content-type", "")},
        content=body,
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
            ssl_context=ssl.create_default_context(),
            network_backend=_GuardedBackend(private_hosts),
            max_connections=20,
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
        with _in_time(httpcore.ConnectTimeout):
            left = sockets.time_left()
        return _TimedStream(
            self._backend.connect_tcp(address, port, left, local_address, socket_options)
        )

    def _checked(self, host: str, port: int) -> str:
        try:
            addresses = sockets.addresses(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError(f"{host} has no address") from None
        if host not in self._private_hosts and not all(
            _is_public(address) for address in addresses
        ):
            raise httpcore.ConnectError(
                f"{host} is a private address and not on the list of private hosts"
            )
        return addresses[0]


class _TimedStream(httpcore.NetworkStream):
    """A connection of which every operation has only what is left of the time limit of the call."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _in_time(httpcore.ReadTimeout):
            left = sockets.time_left()
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        connection = self._stream.get_extra_info("socket")
        # Piece by piece: a server that takes in a little at a time does not get the whole time for each.
        while buffer:
            with _in_time(httpcore.WriteTimeout, httpcore.WriteError):
                connection.settimeout(sockets.time_left())
                buffer = buffer[connection.send(buffer) :]

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        with _in_time(httpcore.ConnectTimeout):
            left = sockets.time_left()
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextlib.contextmanager
def _in_time(
    late: type[Exception], broken: type[Exception] = httpcore.NetworkError
) -> Iterator[None]:
    """Say what went wrong with a socket in the words of the library above it."""
    try:
        yield
    except TimeoutError as over:
        raise late(str(over)) from None
    except OSError as failure:
        raise broken(str(failure)) from None


def _is_public(address: str) -> bool:
    """Tell whether this address is a host of the public Internet, also where it wraps another one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        for block, behind in _WRAPPED:
            if parsed in block:
                return _is_public(str(ipaddress.IPv4Address(int(parsed) >> behind & 0xFFFFFFFF)))
        if parsed not in _GLOBAL_UNICAST:
            return False
    is_special = any(parsed in block for block in _NOT_PUBLIC if block.version == parsed.version)
    return parsed.is_global and not parsed.is_multicast and not is_special

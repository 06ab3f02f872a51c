"""Hostile requests at every door, without and with credentials, while an honest client must still be served.

Attackers come from other addresses of loopback than the honest client, as they would from elsewhere.
"""

import contextlib
import gzip
import hashlib
import hmac
import http.client
import json
import selectors
import socket
import statistics
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import psutil

from bot.cases.lifecycle import TERMINAL
from bot.demo.people import TEAM
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import TOKEN, Town, town

HONEST_SECONDS, ATTACKER, SECOND_ATTACKER = 0.15, "127.0.0.66", "127.0.0.67"
MAX_WAIT_SECONDS = 5.0
SERVED_WITHIN = 10.0
HALF_OPEN, STALLED, STALLED_BYTES = 1_100, 1_020, 600_000
MIN_REQUESTS = 100
MAX_GROWTH_MB = 400
DEEP = 100_000
SIGNING_SECRET = b"attack-signing-secret"
HOOKED_SECRET = b"hooked-secret"
FORGERIES = "forged, old and cut signatures of a source"
ROUTES = (
    "/v1/signals",
    "/v1/signals/schema",
    "/v1/webhooks/api",
    "/v1/webhooks/alertmanager",
    "/v1/cases/EX-1",
    "/healthz",
    "/readyz",
    "/metrics",
    "/slack/events",
    "/confirm/EX-1/token",
    "/confirm/EX-1/token/question",
    "/passkey/token",
    "/passkey/token/question",
    "/passkeys/page.js",
)
STRANGE = (
    "\x00",
    "%00",
    "%2e%2e%2f",
    "../",
    "%ff%fe",
    "%ED%A0%80",
    "🎂",
    "a" * 8_000,
    "%",
    "//",
    ";",
    "?",
    "%0d%0aX:y",
    "'",
)
NUMBERS: tuple[Any, ...] = (
    10**400,
    -(10**400),
    1e308,
    2**63,
    2**53 + 1,
    -1,
    0,
    5e-324,
    True,
    None,
    [],
    {},
    "",
    "NaN",
)
TIMES: tuple[Any, ...] = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0000-00-00",
    "2026-02-30T00:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T00:00:00+99:99",
    253_402_300_800,
    -62_135_596_801,
    1e30,
    -1e30,
    True,
    [],
    "x" * 5_000,
    "２０２６-11-21T00:00:00Z",
)
TEXTS: tuple[Any, ...] = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202egnirts",
    "\u0000",
    "x" * 100_000,
    "<!channel>",
    "${jndi:ldap://x}",
    "'; DROP TABLE cases; --",
    7,
    None,
    [],
    {},
    ["a"],
    {"a": 1},
    True,
)


@dataclass
class Honest:
    """A client that sends one signal after another, and counts how long each takes."""

    running: Town
    waits: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.stopping.wait(HONEST_SECONDS):
            number += 1
            began = time.monotonic()
            try:
                self.running.signal("restock", seconds=SERVED_WITHIN)
            except (OSError, ValueError, http.client.HTTPException) as failure:
                self.refused.append(f"{type(failure).__name__}: {failure}")
            self.waits.append(time.monotonic() - began)

    @contextlib.contextmanager
    def beside(self, tally: Tally) -> Iterator[None]:
        """Send while something else happens, and hold what came of it against the promise."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stopping.set()
            thread.join(SERVED_WITHIN + 5)
        worst = max(self.waits, default=0.0)
        longest = max(worst, float(tally.figures.get("longest wait", "0 s").split()[0]))
        tally.figures["longest wait"] = f"{longest:.2f} s"
        if self.waits:
            tally.figures["median wait"] = f"{statistics.median(self.waits) * 1000:.0f} ms"
        for failure in self.refused:
            tally.broke(f"the honest client was not served: {failure}")
        if not self.refused and worst > MAX_WAIT_SECONDS:
            tally.broke(f"the honest client waited longer than {MAX_WAIT_SECONDS:.0f} s")


def attack(plan: Plan) -> None:
    """All sorts, on PostgreSQL where there is one: it is the stricter of the two about text."""
    with town(plan.folder / "requests", postgres=plan.postgres, is_http=True) as running:
        running.environment["COUNTERSIGN_API_TOKEN"] = "sample-read-token"
        before = _memory(running)
        sorts: tuple[tuple[str, str, Callable[..., Iterator[tuple[str, bytes]]]], ...] = (
            ("malformed heads and addresses, no credentials", "C3", _heads),
            ("hostile signals with credentials", "C4", _signals),
            ("hostile events, alerts and mapped bodies with credentials", "C4", _other_formats),
            ("odd payloads with Slack's signature", "C4", _slack_payloads),
            ("bombs, floods and damaged bodies with credentials", "C4", _packed_bodies),
            (FORGERIES, "C9", _forgeries),
        )
        for number, (name, threats, make) in enumerate(sorts, start=1):
            _shower(plan, running, plan.begin(name, threats), make, 0.1 + 0.07 * number)
        _genuine(running, plan.begin("a genuine signature, and its request once more", "C9"))
        _slow_bodies(running, plan.begin("large bodies that take long to read", "C4"))
        _crowd(
            plan,
            running,
            plan.begin("half-open headers", "C3"),
            HALF_OPEN,
            b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nX-A: ",
        )
        stalled = (
            b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 900000\r\n\r\n" + b"{" * STALLED_BYTES
        )
        _crowd(plan, running, plan.begin("stalled bodies", "C3"), STALLED, stalled)
        huge = (
            b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n\r\n{"
        )
        _answered_at_once(running, plan.begin("a huge declared length", "C3"), huge)
        _health(running, plan.begin("health checks of strangers", "C3"))
        _batches(running, plan.begin("one bad signal among good ones", "C1"))
        _two_sources(running, plan.begin("one source clears another's case", "A6"))
        memory = plan.begin("memory after all of it", "C3")
        memory.tried()
        memory.figures["resident before"] = f"{before:.0f} MB"
        memory.figures["after"] = f"{_memory(running):.0f} MB"
        if _memory(running) > before + MAX_GROWTH_MB:
            memory.broke(f"it grew by more than {MAX_GROWTH_MB} MB and gave nothing back")
        for line in {line for line in running.words().splitlines() if "Traceback" in line}:
            memory.figures["tracebacks in the log"] = str(running.words().count(line))


def _memory(running: Town) -> float:
    return psutil.Process(running.bots[0].pid).memory_info().rss / 2**20


# --- one request after another ----------------------------------------------------------------------------------------------


def _shower(
    plan: Plan,
    running: Town,
    tally: Tally,
    make: Callable[..., Iterator[tuple[str, bytes]]],
    share: float,
) -> None:
    """Send what ``make`` gives; no 5xx may come while the database is well."""
    dice = Random(f"{plan.seed} {tally.name}")
    with Honest(running).beside(tally):
        for what, raw in make(dice):
            if tally.tries >= MIN_REQUESTS and plan.left(share) < 0:
                break
            status = _exchange(running, raw)
            tally.tried()
            if status >= 500:
                tally.broke(f"{status} to {what}")
            if tally.name == FORGERIES and status in range(200, 300):
                tally.broke(f"{status} to {what}, which nobody who has the secret sent")
    tally.figures["5xx"] = str(sum(violation[:1] == "5" for violation in tally.violations))


def _exchange(running: Town, raw: bytes, seconds: float = 15) -> int:
    """Send bytes from an attacker's address; the status of the answer, 0 if the connection was closed without one."""
    port = int(running.environment["COUNTERSIGN_PORT"])
    try:
        with socket.create_connection(("127.0.0.1", port), seconds, (ATTACKER, 0)) as connection:
            connection.sendall(raw)
            head = connection.recv(64)
    except OSError:
        return 0
    parts = head.split(b" ", 2)
    return int(parts[1]) if len(parts) > 2 and parts[1].isdigit() else 0


def _request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def _heads(dice: Random) -> Iterator[tuple[str, bytes]]:
    """Methods, addresses, lengths, encodings and header values that nobody sends by mistake."""
    lengths = ("-1", "99999999999999999999", "1e3", "0x10", "", "5, 6", "+5", "５")
    while True:
        path, strange = dice.choice(ROUTES), dice.choice(STRANGE)
        where = dice.randrange(4)
        if where == 1:
            path = (
                path.rsplit("/", 1)[0]
                + "/"
                + (strange if "%" in strange else quote(strange, safe="%/?;'"))
            )
        elif where == 2:
            first, _, rest = path[1:].partition("/")
            path = f"/{first}/{strange if '%' in strange else quote(strange, safe='')}/{rest}"
        elif where == 3:
            path = f"{path}?{strange if '%' in strange else quote(strange, safe='')}"
        method = dice.choice(
            ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "X" * 50, "get")
        )
        headers: dict[str, str] = {
            "Content-Type": dice.choice(("application/json", "text/xml", "", "a/b; charset=x"))
        }
        odd = dice.randrange(6)
        if odd == 0:
            headers["Content-Length"] = dice.choice(lengths)
        elif odd == 1:
            headers["Transfer-Encoding"] = dice.choice(
                ("chunked", "gzip, chunked", "identity", "chunked, chunked")
            )
        elif odd == 2:
            headers["Authorization"] = dice.choice(
                ("Bearer", "Bearer \u00ff", "Basic x", "Bearer " + "x" * 9_000)
            )
        elif odd == 3:
            headers["webhook-id"], headers["webhook-timestamp"] = (
                "m",
                dice.choice(("9" * 400, "-1", "x", "1e9")),
            )
            headers["webhook-signature"] = dice.choice(("v1,", "v1,\u00ff", "v1,AAAA v1a,xx", ","))
        elif odd == 4:
            headers["X-Slack-Request-Timestamp"] = dice.choice(("", "9" * 40, "-5", "１２３"))
            headers["X-Slack-Signature"] = dice.choice(("v0=", "v0=" + "0" * 64, "v1=x", "\u00ff"))
        body = dice.choice(
            (b"", b"{}", b"[" * 500, b"\xff\xfe", b"5\r\nhello\r\n0\r\n\r\n", b"z" * 5_000)
        )
        yield f"{method[:8]} {path[:60]} {odd}", _request(method, path, body, headers)


def _signals(dice: Random) -> Iterator[tuple[str, bytes]]:
    """Our own format, every field replaced by everything that a field is not."""
    number = 0
    while True:
        number += 1
        body: dict[str, Any] = {
            "key": f"hostile-{number}",
            "kind": "restock",
            "subject": f"hostile:{number}",
            "title": "Hostile",
            "facts": {"product_id": number},
        }
        name = dice.choice(
            (
                "key",
                "kind",
                "subject",
                "title",
                "facts",
                "occurred_at",
                "status",
                "requester",
                "more",
            )
        )
        value = dice.choice((*TEXTS, *NUMBERS, *TIMES))
        if name == "occurred_at":
            value = dice.choice(TIMES)
        elif name == "facts":
            value = _facts(dice)
        body[name] = value
        raw = json.dumps(body).encode()
        yield f"a signal with {name} = {str(value)[:40]!r}", _with_token("/v1/signals", raw, TOKEN)


def _facts(dice: Random) -> Any:
    """Names and values for which nobody made room."""
    sorts: tuple[Callable[[], Any], ...] = (
        lambda: {"a": {"b": 1}, "a_b": 2},
        lambda: {dice.choice(TEXTS[:9]): dice.choice((*TEXTS, *NUMBERS))},
        lambda: {"product_id": dice.choice((*NUMBERS, *TEXTS))},
        lambda: {
            "signal": {"source": "house", "title": "x"},
            "source": "house",
            "subject": "product:1",
            "title": "t",
        },
        lambda: {f"f{index}": index for index in range(70)},
        lambda: {"a" * 300: 1, "b" * 300: 2},
        lambda: _nested(dice.randrange(1, 40)),
        lambda: {"list": list(range(60))},
        lambda: {"house": {"on_hand": 0}, "stock": {"quantity": 10**9}},
    )
    return dice.choice(sorts)()


def _nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"x": 1}
    for _ in range(depth):
        found = {"x": found}
    return found


def _other_formats(dice: Random) -> Iterator[tuple[str, bytes]]:
    """CloudEvents, Alertmanager and a mapping, each bent in one place."""
    number = 0
    while True:
        number += 1
        value = dice.choice((*TEXTS, *NUMBERS, *TIMES))
        sort = dice.randrange(5)
        if sort == 0:
            event: dict[str, Any] = {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "s",
                "type": "x.restock",
            }
            event |= {"time": dice.choice(TIMES), "data": {"product_id": number}}
            event[dice.choice((*event, "subject"))] = value
            kind = dice.choice(
                ("application/cloudevents+json", "application/cloudevents-batch+json")
            )
            body: Any = [event] * dice.randrange(0, 3) if "batch" in kind else event
            yield (
                f"an event: {str(body)[:80]}",
                _with_token("/v1/webhooks/events", _json(body), "events-token", kind),
            )
        elif sort == 1:
            kind, body = (
                "application/cloudevents-batch+json",
                dice.choice(([], [[]], [None], {}, [{}], 7)),
            )
            yield (
                f"a batch: {body}",
                _with_token("/v1/webhooks/events", _json(body), "events-token", kind),
            )
        elif sort in {2, 3}:
            alert: dict[str, Any] = {
                "status": dice.choice(("firing", "resolved")),
                "labels": {"alertname": "Up", "instance": f"i{number}"},
                "annotations": {"summary": "It is down"},
                "startsAt": dice.choice(TIMES),
                "fingerprint": f"f{number}",
            }
            alert[dice.choice(tuple(alert))] = value
            body = dice.choice(
                ({"alerts": [alert]}, {"alerts": []}, {"alerts": value}, {"alerts": [alert, alert]})
            )
            yield (
                f"alerts: {str(body)[:80]}",
                _with_token("/v1/webhooks/alertmanager", _json(body), "alertmanager-token"),
            )
        else:
            body = {
                "id": f"m{number}",
                "object": {"id": f"o{number}", "amount": 5},
                "type": "due",
                "what": value,
            }
            body[dice.choice(("id", "object", "type", "what"))] = value
            yield (
                f"mapped: {str(body)[:80]}",
                _with_token("/v1/webhooks/mapped", _json(body), "mapped-token"),
            )


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _with_token(path: str, raw: bytes, token: str, kind: str = "application/json") -> bytes:
    return _request("POST", path, raw, {"Content-Type": kind, "Authorization": f"Bearer {token}"})


def _packed_bodies(dice: Random) -> Iterator[tuple[str, bytes]]:
    """Bodies that are small on the way and large in memory, or nothing at all."""
    part = b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nx\r\n'
    packed = gzip.compress(_json({"id": "p", "object": {"id": "o"}, "type": "due"}))
    sorts: tuple[tuple[str, bytes, str, str], ...] = (
        ("a bomb of gzip", gzip.compress(bytes(50_000_000)), "gzip", "application/json"),
        ("a bomb of zlib", zlib.compress(bytes(50_000_000)), "deflate", "application/json"),
        ("gzip in gzip", gzip.compress(gzip.compress(bytes(9_000_000))), "gzip", "text/plain"),
        ("many parts of gzip", gzip.compress(b"x" * 900) * 9_000, "gzip", "text/plain"),
        ("a flood of parts", part * 9_000 + b"--b--", "", "multipart/form-data; boundary=b"),
        ("a flood of fields", b"a=1&" * 200_000, "", "application/x-www-form-urlencoded"),
        ("a flood of headers", part[:40] + b"\r\nX: y" * 90_000, "", "multipart/form-data"),
        ("brackets", b"[" * 900_000, "", "application/json"),
        ("half of gzip", packed[: dice.randrange(2, len(packed))], "gzip", "application/json"),
        ("another encoding", packed, "br", "application/json"),
        ("nothing", b"", "gzip", ""),
    )
    while True:
        what, body, encoding, kind = dice.choice(sorts)
        headers = {"Content-Type": kind, "Authorization": "Bearer mapped-token"}
        if encoding:
            headers["Content-Encoding"] = encoding
        yield what, _request("POST", "/v1/webhooks/mapped", body, headers)


def _forgeries(dice: Random) -> Iterator[tuple[str, bytes]]:
    """Requests in the name of a source that signs, each wrong in one place."""
    number = 0
    while True:
        number += 1
        body = _json({"id": f"h{number}", "object": {"id": "o"}, "type": "due"})
        now = int(time.time())
        at = str(dice.choice((now, now, now, now - 400, now + 400)))
        key = HOOKED_SECRET if at != str(now) or dice.random() < 0.7 else b"another secret"
        signature = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        header = f"t={at},v1={signature}"
        if at == str(now) and key == HOOKED_SECRET:
            header, body = _spoil(dice, header, body)
        headers = {"Content-Type": "application/json", "X-Signature": header}
        path = "/v1/webhooks/hooked"
        yield f"{header[:90]} over {body[:40]!r}", _request("POST", path, body, headers)


def _genuine(running: Town, tally: Tally) -> None:
    """Hold what is refused against what must not be: the same request opens one case, once."""
    body = _json({"id": "genuine", "object": {"id": "o"}, "type": "due"})
    at = str(int(time.time()))
    signature = hmac.new(HOOKED_SECRET, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": f"t={at},v1={signature}"}
    for number, expected in enumerate(({201, 202}, {200}, {200})):
        path = f"/v1/webhooks/hooked?again={number}"
        status = _exchange(running, _request("POST", path, body, headers | {"X-Id": str(number)}))
        tally.tried()
        if status not in expected:
            tally.broke(f"{status} to a genuine request that was sent {number} times before")


def _spoil(dice: Random, header: str, body: bytes) -> tuple[str, bytes]:
    """Change one thing about a request that was signed."""
    place = dice.randrange(len(header) - 66, len(header))
    letter = "0" if header[place] != "0" else "1"
    index = dice.randrange(len(body))
    return dice.choice(
        (
            (header[:place] + letter + header[place + 1 :], body),
            (header[: -dice.randrange(1, 60)], body),
            (header.replace("t=", "t=1"), body),
            (header.replace("v1=", "v0="), body),
            (header.replace("v1=", ""), body),
            (f"t=1,{header}", body),
            (f"{header}\r\nX-Signature: {header}", body),
            (header, body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :]),
            (header, body[:index]),
            (header, body + b" "),
            (header, gzip.compress(body)),
        )
    )


def _slack_payloads(dice: Random) -> Iterator[tuple[str, bytes]]:
    """Signed as by Slack, and yet nothing that Slack sends."""
    user = {"id": "U0ANA", "team_id": TEAM, "username": "ana"}
    common = {
        "team": {"id": TEAM},
        "user": user,
        "trigger_id": "1.1",
        "api_app_id": "A",
        "token": "x",
    }
    press = {
        **common,
        "type": "block_actions",
        "container": {"type": "message", "channel_id": "C0STOCK", "message_ts": "1.1"},
        "channel": {"id": "C0STOCK"},
        "actions": [
            {"action_id": "case.approve", "value": "EX-1:1", "type": "button", "block_id": "b"}
        ],
    }
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "form.reject",
        "private_metadata": "EX-1:1",
        "state": {
            "values": {
                "r": {
                    "field.reason": {"type": "static_select", "selected_option": {"value": "other"}}
                }
            }
        },
    }
    submission = {**common, "type": "view_submission", "view": view}
    event = {
        "type": "event_callback",
        "team_id": TEAM,
        "event": {
            "type": "app_mention",
            "text": "hi",
            "user": "U0ANA",
            "channel": "C0STOCK",
            "ts": "1.1",
        },
    }
    command = {
        "command": "/exceptions",
        "text": "list",
        "user_id": "U0ANA",
        "team_id": TEAM,
        "channel_id": "C0STOCK",
    }
    while True:
        sort, value = dice.randrange(5), dice.choice((*TEXTS, *NUMBERS, *TIMES))
        if sort < 3:
            payload = json.loads(json.dumps((press, submission, event)[sort]))
            where = _bend(payload, dice, value)
            is_event = sort == 2
            raw = (
                _json(payload) if is_event else urlencode({"payload": json.dumps(payload)}).encode()
            )
            kind = "application/json" if is_event else "application/x-www-form-urlencoded"
            yield f"a signed payload with {where} = {str(value)[:40]!r}", _signed(raw, kind)
        elif sort == 3:
            changed = {
                **command,
                dice.choice(tuple(command)): str(value)[:3_000].encode("utf-8", "replace").decode(),
            }
            yield (
                f"a signed command {str(value)[:40]!r}",
                _signed(urlencode(changed).encode(), "application/x-www-form-urlencoded"),
            )
        else:
            raw = dice.choice(
                (
                    b"",
                    b"payload=",
                    b"payload=%7B",
                    b"\xff\xfe",
                    b"payload=[]",
                    b"[]",
                    b"null",
                    b"payload=7",
                )
            )
            raw = raw if dice.random() < 0.8 else b"payload=" + b"[" * DEEP
            kind = dice.choice(
                ("application/json", "application/x-www-form-urlencoded", "text/plain", "")
            )
            yield f"signed bytes {raw[:20]!r} as {kind}", _signed(raw, kind)


def _bend(payload: Any, dice: Random, value: Any) -> str:
    """Replace something inside by this value; returns where."""
    here, path = payload, []
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = dice.choice(keys)
        path.append(str(key))
        if isinstance(here[key], dict | list) and here[key] and dice.random() < 0.7:
            here = here[key]
            continue
        if dice.random() < 0.2 and isinstance(here, dict):
            del here[key]
        else:
            here[key] = value
        return ".".join(path)


def _signed(raw: bytes, kind: str) -> bytes:
    moment = str(int(time.time()))
    signature = hmac.new(
        SIGNING_SECRET, b"v0:" + moment.encode() + b":" + raw, hashlib.sha256
    ).hexdigest()
    headers = {
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={signature}",
        "Content-Type": kind,
    }
    return _request("POST", "/slack/events", raw, headers)


# --- many at once, and long ones -----------------------------------------------------------------------------------------------


def _slow_bodies(running: Town, tally: Tally) -> None:
    """Bodies just within the limit, made to cost as much as they can."""
    many = {f"k{index}": {"a": 1} for index in range(15_000)}
    wide = {"key": "w", "kind": "restock", "subject": "w", "title": "w", "facts": many}
    listed = {**wide, "facts": {"l": [[1]] * 50_000}}
    names = {**wide, "facts": {"n" * 3_000 + str(index): index for index in range(75)}}
    with Honest(running).beside(tally):
        for body in (wide, listed, names) * 4:
            status = _exchange(running, _with_token("/v1/signals", _json(body), TOKEN))
            tally.tried()
            if status >= 500:
                tally.broke(f"{status} to a large body")


def _crowd(plan: Plan, running: Town, tally: Tally, count: int, beginning: bytes) -> None:
    """Open many connections, send the beginning of a request on each, and then nothing; hold them for a while."""
    port = int(running.environment["COUNTERSIGN_PORT"])
    sockets: list[socket.socket] = []
    honest = Honest(running)
    with honest.beside(tally):
        try:
            for number in range(count):
                with contextlib.suppress(OSError):
                    source = (ATTACKER if number % 2 else SECOND_ATTACKER, 0)
                    sockets.append(socket.create_connection(("127.0.0.1", port), 2, source))
                    sockets[-1].sendall(beginning)
                tally.tried()
            time.sleep(min(6.0, max(3.0, plan.seconds * 0.06)))
        finally:
            for one in sockets:
                one.close()
    tally.figures["connections held"] = str(len(sockets))


def _answered_at_once(running: Town, tally: Tally, raw: bytes) -> None:
    """What can be refused from its head must not wait for its body."""
    port = int(running.environment["COUNTERSIGN_PORT"])
    for _ in range(5):
        tally.tried()
        with socket.create_connection(("127.0.0.1", port), 5, (ATTACKER, 0)) as connection:
            connection.sendall(raw)
            waiting = selectors.DefaultSelector()
            waiting.register(connection, selectors.EVENT_READ)
            if not waiting.select(3.0):
                tally.broke("a declared length of 99,999,999,999 bytes is waited for")
            waiting.close()


def _health(running: Town, tally: Tally) -> None:
    """Health checks of strangers must not become calls to Slack."""
    before = sum(running.emulator.get("traffic")["calls"].values())
    raw = _request("GET", "/readyz", b"", {})
    for _ in range(200):
        tally.tried()
        _exchange(running, raw)
    calls = sum(running.emulator.get("traffic")["calls"].values()) - before
    tally.figures["calls to Slack"] = str(calls)
    if calls > 100:
        tally.broke(f"200 health checks made {calls} calls to Slack")


def _batches(running: Town, tally: Tally) -> None:
    """One reused key, or one long annotation, must not keep the others of its group out."""
    for count in range(3):
        tally.tried()
        alerts = [_alert(f"b{count}-{index}", "down") for index in range(4)]
        _send_alerts(running, alerts[1:2])
        # Both say that it is over, under one key, and differ in their labels.
        over = [
            {**alerts[1], "status": "resolved", "labels": {**alerts[1]["labels"], "by": by}}
            for by in "xy"
        ]
        _send_alerts(running, over[:1])
        _send_alerts(running, [alerts[0], over[1], *alerts[2:]])
        for index in (0, 2, 3):
            if not _is_known(running, f"b{count}-{index}"):
                tally.broke("a signal behind one with a reused key was not taken")
        long = [
            _alert(f"l{count}-{index}", "x" * (5_000 if index == 1 else 10)) for index in range(3)
        ]
        _send_alerts(running, long)
        for index in range(3):
            if not _is_known(running, f"l{count}-{index}"):
                tally.broke("one long annotation kept a whole group of alerts out")


def _alert(name: str, summary: str) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "Up", "instance": name},
        "annotations": {"summary": "down", "description": summary},
        "startsAt": "2026-11-21T09:00:00Z",
        "fingerprint": name,
    }


def _send_alerts(running: Town, alerts: list[dict[str, Any]]) -> int:
    url = running.bots[0].url
    return running.post(
        url, "/v1/webhooks/alertmanager", {"alerts": alerts}, "alertmanager-token", seconds=30
    )[0]


def _is_known(running: Town, fingerprint: str) -> bool:
    return any(
        case.signal.group == fingerprint
        for case in running.store.queries.of_kinds(["service_alert"], limit=5_000)
    )


def _two_sources(running: Town, tally: Tally) -> None:
    """A second source knows kind and subject, which are no secrets: its word must not end the first one's case."""
    url = running.bots[0].url
    for _ in range(3):
        tally.tried()
        number = running.number()
        case_id = running.signal("restock", number)
        body = {
            "kind": "restock",
            "subject": f"restock:{number}",
            "title": "over",
            "facts": {"product_id": number},
        }
        running.post(
            url, "/v1/signals", {**body, "key": f"other-{number}", "status": "clear"}, "other-token"
        )
        if running.case(case_id).state in TERMINAL:
            tally.broke("another source cleared a case that it had not opened")
        running.post(url, "/v1/signals", {**body, "key": f"again-{number}"}, "other-token")
        if running.case(case_id).activity.signal_count > 1:
            tally.broke("another source counted on a case that it had not opened")

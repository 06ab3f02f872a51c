"""A request of each preset, signed as the preset says its product signs.

The intake's own code signs nothing here: a mistake in it would else sign what it accepts.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import jmespath
from standardwebhooks import Webhook

from bot.cases.source import Source
from bot.cases.verification import Encoding, Scheme, Verification
from tests.handlers.intake.senders import mac
from tests.knowledge.library.test_presets import source_of

PUBLIC_URL = "https://desk.example.com"
#: Hexadecimal, and Base64 too, for the products that give their secret so.
SECRET = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
OTHER_SECRET = SECRET[::-1]
BOUNDARY = "part-of-a-form"


@dataclass
class PresetRequest:
    """One request of a fixture, on its way to the source of its preset."""

    handle: str
    fixture: dict[str, Any]
    secret: str = SECRET
    headers: dict[str, str] = field(init=False)
    query: dict[str, str] = field(init=False)
    raw: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.body = json.loads(json.dumps(self.fixture["body"], default=str))
        self.headers = {name: str(value) for name, value in self._fixture_headers()}
        self.query = {name: str(value) for name, value in (self.fixture.get("query") or {}).items()}
        self.source: Source = source_of(self.handle)
        if self.verify and self.verify.scheme is Scheme.STANDARD_WEBHOOKS:
            self.secret = f"whsec_{self.secret}"
        self.content_type = self._content_type()
        self.raw = self.encode()
        if self.verify:
            self.prove(self.verify)

    @property
    def verify(self) -> Verification | None:
        """Return how the preset is verified."""
        return self.source.verify

    @property
    def path(self) -> str:
        """Return the address, with the secret where it stands there."""
        end = f"/{self.secret}" if self.verify and self.verify.scheme is Scheme.PATH else ""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"/v1/webhooks/{self.handle}{end}{query}"

    def _fixture_headers(self) -> list[tuple[str, Any]]:
        headers = self.fixture.get("headers") or {}
        return [(name, value) for name, value in headers.items() if name != "Content-Type"]

    def _content_type(self) -> str:
        name = (self.fixture.get("headers") or {}).get("Content-Type", "application/json")
        return f"{name}; boundary={BOUNDARY}" if name.startswith("multipart/") else name

    def encode(self) -> bytes:
        """Write the body as its content type says."""
        if self.content_type.startswith("multipart/"):
            parts = [
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in self.body.items()
            ]
            return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()
        if "urlencoded" in self.content_type:
            return urlencode(self.body).encode()
        return json.dumps(self.body).encode()

    def prove(self, verify: Verification) -> None:
        """Add the proof of the scheme."""
        match verify.scheme:
            case Scheme.HMAC:
                self._sign(verify)
            case Scheme.STANDARD_WEBHOOKS:
                now = datetime.now(UTC)
                signature = Webhook(self.secret).sign("msg_1", now, self.raw.decode())
                seconds = str(int(now.timestamp()))
                names = ("webhook-id", "webhook-timestamp", "webhook-signature")
                self.headers |= dict(zip(names, ("msg_1", seconds, signature), strict=True))
            case Scheme.TOKEN:
                self.headers[verify.header] = verify.prefix + self.secret
            case Scheme.BASIC:
                pair = base64.b64encode(f"anyone:{self.secret}".encode()).decode()
                self.headers["authorization"] = f"Basic {pair}"
            case Scheme.BEARER:
                self.headers["authorization"] = f"Bearer {self.secret}"
            case _:
                pass

    def _sign(self, verify: Verification) -> None:
        """Put the signature where the preset looks for it."""
        place = verify.signature
        if place.startswith("item."):
            for item in jmespath.search(self.source.mapping.each, {"body": self.body}):
                self._put(item, place.removeprefix("item."), self._signature(verify, item))
            self.raw = self.encode()
        elif place.startswith("query."):
            self.query[place.removeprefix("query.")] = self._signature(verify, self.body)
        elif place:
            if verify.timestamp:
                self._put(self.body, verify.timestamp.partition(":")[2], _seconds())
            self._put(self.body, place.removeprefix("body."), self._signature(verify, self.body))
            self.raw = self.encode()
        else:
            self.headers[verify.header] = self._header(verify)

    def _header(self, verify: Verification) -> str:
        signature = self._signature(verify, self.body)
        if not verify.field:
            return signature
        source, _, name = verify.timestamp.partition(":")
        timestamp = [f"{name}={_seconds()}"] if source == "field" else []
        return ",".join([*timestamp, f"{verify.field}={signature}"])

    def _signature(self, verify: Verification, item: Any) -> str:
        names = {"body": self.body, "item": item, "headers": {}, "query": self.query}

        def fill(match: re.Match[str]) -> str:
            return self._piece(match[1], verify, names)

        message = re.sub(r"\{([^{}]+)\}", fill, verify.content).encode()
        key = {Encoding.HEX: bytes.fromhex, Encoding.BASE64: base64.b64decode}.get(
            verify.secret_encoding, str.encode
        )(self.secret)
        digest = mac(key, message, verify.algorithm)
        is_base64 = verify.encoding is Encoding.BASE64
        return verify.prefix + (base64.b64encode(digest).decode() if is_base64 else digest.hex())

    def _piece(self, name: str, verify: Verification, names: dict[str, Any]) -> str:
        """Return a part of the signed text."""
        match name:
            case "body":
                return self.raw.decode()
            case "timestamp":
                return self._timestamp(verify)
            case "method":
                return "POST"
            case "url":
                return PUBLIC_URL + self.path
            case "path":
                return f"/v1/webhooks/{self.handle}"
            case "params":
                return "".join(f"{key}{self.body[key]}" for key in sorted(self.body))
            case _:
                value = jmespath.search(name, names)
                return "" if value is None else str(value)

    def _timestamp(self, verify: Verification) -> str:
        source, _, name = verify.timestamp.partition(":")
        if source == "body":
            return str(jmespath.search(name, self.body))
        seconds = _seconds()
        if source == "header":
            self.headers[name] = seconds
        return seconds

    @staticmethod
    def _put(target: Any, path: str, value: str) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            target = target[parent]
        target[last] = value


def _seconds() -> str:
    return str(int(datetime.now(UTC).timestamp()))

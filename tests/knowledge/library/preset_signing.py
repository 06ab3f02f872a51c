"""Requests signed by the ``verify`` of a preset, as its product would sign them."""

import base64
import copy
import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jmespath

from bot.cases.verification import Algorithm, Encoding, Scheme, Verification

PUBLIC_URL = "http://localhost"
SECRETS = {
    Encoding.TEXT: "a secret of the product, long enough",
    Encoding.HEX: "00112233445566778899aabbccddeeff",
    Encoding.BASE64: "YSBzZWNyZXQgb2YgdGhlIHByb2R1Y3Q=",
}
MESSAGE_ID = "msg-0001"
_HASHES = {
    Algorithm.SHA1: hashlib.sha1,
    Algorithm.SHA256: hashlib.sha256,
    Algorithm.SHA512: hashlib.sha512,
}
_PIECE = re.compile(r"\{([^{}]*)\}")


@dataclass
class SignedRequest:
    """A request, ready to be posted."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def secret_of(verify: Verification) -> str:
    """Return a secret in the encoding of the scheme."""
    if verify.scheme is Scheme.STANDARD_WEBHOOKS:
        return f"whsec_{SECRETS[Encoding.BASE64]}"
    if verify.scheme is Scheme.BASIC:
        return "user:a password of the product"
    if verify.scheme is Scheme.PATH:
        return "0123456789abcdef0123456789abcdef"
    return SECRETS[verify.secret_encoding]


def sign(
    verify: Verification,
    *,
    path: str,
    body: Any,
    headers: dict[str, Any] | None = None,
    query: dict[str, Any] | None = None,
    secret: str = "",
) -> SignedRequest:
    """Sign a request now, with the secret of the product or another one."""
    secret = secret or secret_of(verify)
    path = f"{path}/{secret}" if verify.scheme is Scheme.PATH else path
    if query:
        path = f"{path}?{urlencode(query)}"
    request = SignedRequest(path, b"", {name: str(text) for name, text in (headers or {}).items()})
    match verify.scheme:
        case Scheme.HMAC:
            return _signed(verify, request, copy.deepcopy(body), secret)
        case Scheme.TOKEN | Scheme.PROXY_CERTIFICATE:
            request.headers[verify.header] = verify.prefix + secret
        case Scheme.BASIC:
            pair = base64.b64encode(secret.encode()).decode()
            request.headers["authorization"] = f"Basic {pair}"
        case Scheme.BEARER:
            request.headers["authorization"] = f"Bearer {secret}"
        case Scheme.STANDARD_WEBHOOKS:
            request.body = json.dumps(body).encode()
            return _signed(STANDARD, request, body, secret.removeprefix("whsec_"))
        case Scheme.PATH | Scheme.LOOPBACK:
            pass
    request.body = _encode(verify, body, request.headers)
    return request


STANDARD = Verification(
    scheme=Scheme.HMAC,
    header="webhook-signature",
    prefix="v1,",
    encoding=Encoding.BASE64,
    secret_encoding=Encoding.BASE64,
    content="{id}.{timestamp}.{body}",
    timestamp="header:webhook-timestamp",
    message_id="header:webhook-id",
)


def _signed(verify: Verification, request: SignedRequest, body: Any, secret: str) -> SignedRequest:
    fields: dict[str, str] = {}
    seconds = str(int(time.time()))
    for location, value in ((verify.timestamp, seconds), (verify.message_id, MESSAGE_ID)):
        place, _, name = location.partition(":")
        if place == "field":
            fields[name] = value
        elif place == "header":
            request.headers[name] = value
        elif place == "body":
            _put(body, name, value)
    values = {"timestamp": seconds, "id": _message_id(verify, body)}
    request.body = _encode(verify, body, request.headers)
    signature = _signature(verify, request, body, values, secret)
    if verify.signature.startswith("query."):
        mark = "&" if "?" in request.path else "?"
        name = verify.signature.removeprefix("query.")
        request.path += f"{mark}{urlencode({name: signature})}"
        return request
    if verify.signature:
        _put(body, verify.signature.removeprefix("body."), signature)
        request.body = _encode(verify, body, request.headers)
        return request
    if verify.field:
        listed = [f"{name}={value}" for name, value in fields.items()]
        signature = ",".join([*listed, f"{verify.field}={verify.prefix}{signature}"])
    else:
        signature = f"{verify.prefix}{signature}"
    request.headers[verify.header] = signature
    return request


def _message_id(verify: Verification, body: Any) -> str:
    place, _, name = verify.message_id.partition(":")
    return str(jmespath.search(name, body)) if place == "body" else MESSAGE_ID


def _signature(
    verify: Verification, request: SignedRequest, body: Any, values: dict[str, str], secret: str
) -> str:
    def piece(match: re.Match[str]) -> str:
        name = match[1]
        known = {
            **values,
            "body": request.body.decode(),
            "method": "POST",
            "url": PUBLIC_URL + request.path,
            "path": request.path.partition("?")[0],
            "params": "".join(f"{key}{body[key]}" for key in sorted(body))
            if isinstance(body, dict)
            else "",
        }
        if name in known:
            return known[name]
        names = {
            "body": body,
            "headers": {
                key.lower().replace("-", "_"): value for key, value in request.headers.items()
            },
        }
        found = jmespath.search(name, names)
        return "" if found is None else str(found)

    text = _PIECE.sub(piece, verify.content)
    key = {
        Encoding.TEXT: secret.encode,
        Encoding.HEX: lambda: bytes.fromhex(secret),
        Encoding.BASE64: lambda: base64.b64decode(secret),
    }[verify.secret_encoding]()
    digest = hmac.new(key, text.encode(), _HASHES[verify.algorithm]).digest()
    if verify.encoding is Encoding.BASE64:
        return base64.b64encode(digest).decode()
    return digest.hex()


def _put(body: Any, path: str, value: str) -> None:
    *around, last = path.split(".")
    for name in around:
        body = body.setdefault(name, {})
    body[last] = value


def _encode(verify: Verification, body: Any, headers: dict[str, str]) -> bytes:
    if "{params}" in verify.content:
        headers["content-type"] = "application/x-www-form-urlencoded"
        return urlencode({name: str(value) for name, value in body.items()}).encode()
    headers.setdefault("content-type", "application/json")
    return json.dumps(body, default=str).encode()

"""Verification: how a sender over HTTP proves who it is."""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from bot.cases.constraints import EnvironmentName

HeaderName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z][A-Za-z0-9-]{0,80})?$")]
ShortText = Annotated[str, StringConstraints(max_length=200)]
MAX_TOLERANCE_SECONDS = 3_600


class Scheme(StrEnum):
    """The way in which a request is verified."""

    #: A keyed hash over the raw body, or over text that has the body in it.
    HMAC = "hmac"
    #: The secret itself in a header.
    TOKEN = "token"  # noqa: S105
    #: HTTP Basic; the secret is ``user:password``, or the password alone.
    BASIC = "basic"
    #: The secret at the end of the address, for senders that can do nothing else.
    PATH = "path"
    BEARER = "bearer"
    STANDARD_WEBHOOKS = "standard_webhooks"
    #: A header that a trusted proxy sets from the client's certificate.
    PROXY_CERTIFICATE = "proxy_certificate"
    #: No secret, for senders on the bot's own machine only.
    LOOPBACK = "loopback"


class Algorithm(StrEnum):
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


class Encoding(StrEnum):
    TEXT = "text"
    HEX = "hex"
    BASE64 = "base64"


class Handshake(StrEnum):
    """The question a product asks once, before it sends."""

    NONE = "none"
    #: Answer with ``challenge`` of the body (Slack, monday).
    CHALLENGE = "challenge"
    #: Answer with ``validationToken`` of the address (Microsoft Graph).
    VALIDATION_TOKEN = "validation_token"  # noqa: S105
    #: Answer with the header ``X-Hook-Secret`` (Asana).
    HOOK_SECRET = "hook_secret"  # noqa: S105
    #: Answer HEAD and GET with 200 (Trello).
    HEAD = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The proof that a sender gives with each request."""

    #: The way in which it is proved.
    scheme: Scheme
    #: Two while a secret is changed: both are valid. Empty in a preset.
    secret_env: Annotated[tuple[EnvironmentName, ...], Field(max_length=2)] = ()
    #: The header with the signature, token or subject of the certificate.
    header: HeaderName = ""
    #: A JMESPath expression for the signature, where it stands in the body and not in a header.
    signature: ShortText = ""
    #: The part of the header with the signature, where it is a list like ``t=1,v1=ab``.
    field: ShortText = ""
    #: Stands before the signature.
    prefix: ShortText = ""
    #: The hash of the signature.
    algorithm: Algorithm = Algorithm.SHA256
    #: How the signature is written.
    encoding: Encoding = Encoding.HEX
    #: How the secret is written.
    secret_encoding: Encoding = Encoding.TEXT
    #: The signed text: ``{body} {timestamp} {id} {method} {url} {path} {params}``, or a JMESPath
    #: expression in braces.
    content: ShortText = "{body}"
    #: Where the time of the request stands: ``field:t``, ``header:X-Time`` or ``body:time``.
    timestamp: ShortText = ""
    #: Where the id of the message stands, as above.
    message_id: ShortText = ""
    #: Seconds that the time may differ from ours.
    tolerance: Annotated[int, Field(ge=1, le=MAX_TOLERANCE_SECONDS, strict=True)] = 300


def decode_secret(secret: str, encoding: Encoding) -> bytes | None:
    """Return the key that a secret stands for, if any."""
    try:
        match encoding:
            case Encoding.TEXT:
                return secret.encode()
            case Encoding.HEX:
                return bytes.fromhex(secret)
            case Encoding.BASE64:
                return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            case _:
                assert_never(encoding)
    except (ValueError, binascii.Error):
        return None

"""One request, verified by one scheme of ``verify:``."""

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook, WebhookVerificationError

from bot.cases.verification import Scheme, Verification
from handlers.intake.proof import Proof, full_proof
from handlers.intake.request_head import RequestHead
from handlers.intake.signature import SignedRequest, verify_signature
from handlers.intake.tokens import bearer_token, has_token

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: The schemes whose proof covers the body, so that it has to be read first.
SIGNING_SCHEMES = frozenset({Scheme.HMAC, Scheme.STANDARD_WEBHOOKS})
#: The schemes that find the source by themselves. The others need its name in the address.
NAMELESS_SCHEMES = frozenset({Scheme.BEARER, Scheme.STANDARD_WEBHOOKS})
_WEBHOOK_PARTS = ("id", "timestamp", "signature")
# Svix sends the same signature under its own names.
_WEBHOOK_FAMILIES = ("webhook", "svix")
# A proxy adds one of these, and then the peer is the proxy and not the sender. A browser sends the
# last two: a page from anywhere can post to the machine on which it is read.
_FOREIGN_HEADERS = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "via",
    "cf-connecting-ip",
    "true-client-ip",
    "origin",
    "sec-fetch-site",
)
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def verify_head(
    verification: Verification,
    secrets: Sequence[str],
    head: RequestHead,
    *,
    trusted_proxies: Sequence[Network] = (),
) -> bool:
    """Verify a scheme that needs no body; False for the others."""
    # An address with a secret at its end is for the scheme of that name alone.
    if head.path_secret and verification.scheme is not Scheme.PATH:
        return False
    match verification.scheme:
        case Scheme.TOKEN:
            return _has_header_token(verification, secrets, head)
        case Scheme.BASIC:
            return _has_password(head, secrets)
        case Scheme.PATH:
            return bool(head.path_secret) and has_token(head.path_secret, secrets)
        case Scheme.BEARER:
            return has_token(bearer_token(head.headers) or "", secrets)
        case Scheme.PROXY_CERTIFICATE:
            is_trusted = _is_within(head.peer, trusted_proxies)
            return is_trusted and _has_header_token(verification, secrets, head)
        case Scheme.LOOPBACK:
            return _is_local(head)
        case Scheme.HMAC | Scheme.STANDARD_WEBHOOKS:
            return False


def verify(
    verification: Verification,
    secrets: Sequence[str],
    request: SignedRequest,
    *,
    now: datetime,
    each: str = "",
    trusted_proxies: Sequence[Network] = (),
) -> Proof | None:
    """Verify a request by its scheme; None where it proves nothing."""
    if request.head.path_secret and verification.scheme in SIGNING_SCHEMES:
        return None
    if verification.scheme is Scheme.HMAC:
        return verify_signature(verification, secrets, request, now=now, each=each)
    if verification.scheme is Scheme.STANDARD_WEBHOOKS:
        return verify_standard_webhook(request, secrets)
    is_valid = verify_head(verification, secrets, request.head, trusted_proxies=trusted_proxies)
    return full_proof(verification.scheme) if is_valid else None


def has_webhook_signature(head: RequestHead) -> bool:
    """Tell whether there is a signature of Standard Webhooks, valid or not."""
    return any(head.headers.get(f"{family}-signature") for family in _WEBHOOK_FAMILIES)


def verify_standard_webhook(request: SignedRequest, secrets: Sequence[str]) -> Proof | None:
    """Verify a Standard Webhooks signature, which is valid for five minutes."""
    for family in _WEBHOOK_FAMILIES:
        proof = _verify_family(family, request, secrets)
        if proof:
            return proof
    return None


def _verify_family(family: str, request: SignedRequest, secrets: Sequence[str]) -> Proof | None:
    """Verify the three headers whose names begin with ``family``."""
    headers = {
        f"webhook-{part}": request.head.single_header(f"{family}-{part}") or ""
        for part in _WEBHOOK_PARTS
    }
    message_id = headers["webhook-id"]
    # A dot in the id would let one signed text be read as another.
    if not message_id or "." in message_id:
        return None
    matches = [_holds(secret, headers, request.body) for secret in secrets if secret]
    if not any(matches):
        return None
    return Proof(
        scheme=Scheme.STANDARD_WEBHOOKS,
        covers_query=False,
        covers_all_headers=False,
        signed_headers=frozenset({f"{family}_id", f"{family}_timestamp"}),
        message_id=message_id,
    )


def _holds(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, IndexError, OverflowError):
        # The library raises other errors than its own for malformed headers.
        return False
    return True


def _has_header_token(
    verification: Verification, secrets: Sequence[str], head: RequestHead
) -> bool:
    value = head.single_header(verification.header)
    if not value or not value.startswith(verification.prefix):
        return False
    token = value[len(verification.prefix) :]
    return bool(token) and has_token(token, secrets)


def _has_password(head: RequestHead, secrets: Sequence[str]) -> bool:
    """Compare the user and password of HTTP Basic, or the password alone."""
    scheme, _, text = (head.single_header("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        credentials = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    _, mark, password = credentials.partition(":")
    if not mark or not password:
        return False
    whole = [secret for secret in secrets if ":" in secret]
    alone = [secret for secret in secrets if ":" not in secret]
    # Both are compared, whichever is configured.
    matches = [has_token(credentials, whole), has_token(password, alone)]
    return any(matches)


def _is_within(peer: str, networks: Sequence[Network]) -> bool:
    address = _parse_address(peer)
    return address is not None and any(address in network for network in networks)


def _is_local(head: RequestHead) -> bool:
    """Tell whether a program on this machine sent the request itself."""
    address = _parse_address(head.peer)
    if address is None or not address.is_loopback:
        return False
    if any(name in head.headers for name in _FOREIGN_HEADERS):
        return False
    host = head.single_header("host") or ""
    # A name of somebody else's may lead to this machine too.
    return host.rpartition(":")[0] in _LOCAL_HOSTS or host in _LOCAL_HOSTS


def _parse_address(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address

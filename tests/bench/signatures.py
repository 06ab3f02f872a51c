"""The signature that the load generator puts on each signal."""

import hashlib
import hmac

SECRET = b"bench-secret"
SIGNATURE_HEADER = "x-signature"


def sign(body: bytes) -> str:
    """Return the signature of a body."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()

"""The signature of a request that claims to come from Slack."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

MAX_AGE_SECONDS = 300
TIMESTAMP = re.compile(r"\A[0-9]{1,12}\Z")
SIGNATURE = re.compile(r"\Av0=[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class RequestSignature:
    """The two headers that Slack signs a request with."""

    #: Unix time, as it was written.
    timestamp: str
    #: "v0=" and the HMAC-SHA-256 in hexadecimal digits.
    signature: str

    @classmethod
    def parse(cls, headers: Headers) -> "RequestSignature | None":
        """Read the headers; None unless each is there once."""
        timestamps = headers.getlist("x-slack-request-timestamp")
        signatures = headers.getlist("x-slack-signature")
        if len(timestamps) != 1 or len(signatures) != 1:
            return None
        if not TIMESTAMP.match(timestamps[0]) or not SIGNATURE.match(signatures[0]):
            return None
        return cls(timestamps[0], signatures[0])

    def is_recent(self, now: float) -> bool:
        """Tell whether the request was signed within five minutes of ``now``."""
        return abs(now - int(self.timestamp)) <= MAX_AGE_SECONDS

    def matches(self, body: bytes, secrets: Sequence[str]) -> bool:
        """Tell whether exactly these bytes were signed with one of the secrets."""
        message = b"v0:" + self.timestamp.encode() + b":" + body
        # Compared with every secret, so that timing does not tell which one is in use.
        results = []
        for secret in secrets:
            digest = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
            results.append(hmac.compare_digest(self.signature, f"v0={digest}"))
        return any(results)

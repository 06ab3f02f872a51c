"""Authentication of sources by a secret, before the body is parsed."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from standardwebhooks import Webhook, WebhookVerificationError

from bot.cases.source import Source
from bot.clock import monotonic
from bot.rate_limit import RateLimit, TokenBuckets
from handlers.intake.problem import Problem

# One answer for a wrong secret and for a source that does not exist.
UNAUTHENTICATED = (
    "no source matches this credential; check it, and check that the variable that sources.yml "
    "names for it is set"
)
MAX_RETRY_AFTER_SECONDS = 60
SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Credentials:
    """The valid secrets of a source: one, or two during a rotation."""

    tokens: tuple[str, ...] = ()
    webhook_secrets: tuple[str, ...] = ()


NO_CREDENTIALS = Credentials()


@dataclass
class Sources:
    """The configured sources with their credentials and quotas."""

    sources: Mapping[str, Source]
    credentials: Mapping[str, Credentials]
    _quotas: TokenBuckets = field(default_factory=TokenBuckets)

    def authenticate(
        self, headers: Mapping[str, str], body: bytes, *, source_name: str = ""
    ) -> Source:
        """Find the source whose secret was used.

        ``source_name`` is the source in the URL; empty where the URL names none.

        Raises:
            Problem: 401 unless exactly one source matches.
        """
        matches = []
        for name in self._candidates(source_name):
            if name in self.sources and self._is_authentic(name, headers, body):
                matches.append(name)
        if len(matches) != 1:
            raise Problem(401, UNAUTHENTICATED)
        return self.sources[matches[0]]

    def reject_unauthenticated(self, headers: Mapping[str, str], *, source_name: str = "") -> None:
        """Reject a request before its body is read.

        A request with a signature passes, as does one with a valid token.

        Raises:
            Problem: 401.
        """
        token = bearer_token(headers)
        if token is None:
            # A signature covers the body, and can only be verified once that is read.
            if not headers.get("webhook-signature"):
                raise Problem(401, UNAUTHENTICATED)
            return
        valid_tokens: list[str] = []
        for name in self._candidates(source_name):
            valid_tokens += self._credentials(name).tokens
        if not has_token(token, valid_tokens):
            raise Problem(401, UNAUTHENTICATED)

    def require_quota(self, source: Source) -> None:
        """Reject a source whose quota is used up.

        Raises:
            Problem: 429.
        """
        self._consume(source, signals=0, required=1)

    def consume_quota(self, source: Source, signals: int) -> None:
        """Take signals from the quota of a source.

        A batch above the quota of a minute could never pass. It does so against a full quota,
        and the source then waits until the excess is made up for.

        Raises:
            Problem: 429.
        """
        self._consume(source, signals=signals, required=min(signals, source.per_minute))

    def _consume(self, source: Source, *, signals: int, required: int) -> None:
        limit = RateLimit(per_second=source.per_minute / 60, burst=source.per_minute)
        seconds = self._quotas.take(
            source.name, limit, monotonic(), tokens=signals, required=required
        )
        if seconds > 0:
            wait = int(seconds) + 1
            raise Problem(
                429,
                f"{source.name} may send {source.per_minute} signals a minute; wait {wait} s",
                retry_after=min(wait, MAX_RETRY_AFTER_SECONDS),
            )

    def _candidates(self, source_name: str) -> Iterable[str]:
        # A URL that names no source leaves all of them to be tried.
        return [source_name] if source_name else self.sources

    def _credentials(self, name: str) -> Credentials:
        return self.credentials.get(name, NO_CREDENTIALS)

    def _is_authentic(self, name: str, headers: Mapping[str, str], body: bytes) -> bool:
        credentials = self._credentials(name)
        token = bearer_token(headers)
        if token is not None:
            return has_token(token, credentials.tokens)
        return is_signed(headers, body, credentials.webhook_secrets)


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Read the bearer token; None when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return token.strip()


def has_token(token: str, valid_tokens: Sequence[str]) -> bool:
    """Tell whether the token is valid, in constant time."""
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    matches = []
    # Every token is compared: stopping at a match would show which one it is.
    for valid_token in filter(None, valid_tokens):
        valid_digest = hashlib.sha256(valid_token.encode()).digest()
        matches.append(hmac.compare_digest(digest, valid_digest))
    return any(matches)


def is_signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    """Tell whether the body has a valid Standard Webhooks signature.

    A signature is valid for five minutes.
    """
    message_id = headers.get("webhook-id", "")
    # A dot in the id would let one signed text be read as another.
    if not message_id or "." in message_id:
        return False
    signature_headers = {name: headers.get(name, "") for name in SIGNATURE_HEADERS}
    matches = [_verify(secret, signature_headers, body) for secret in secrets if secret]
    return any(matches)


def _verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, IndexError, OverflowError):
        # The library raises other errors than its own for malformed headers.
        return False
    return True

"""Who is speaking: decided by a secret, in constant time, before the body is looked into. An unknown speaker is nobody."""

import hashlib
import hmac
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from standardwebhooks import Webhook, WebhookVerificationError

from bot.cases.source import Source
from bot.clock import monotonic
from handlers.intake.problem import Problem

UNKNOWN = (
    "no source is known by this credential; see sources.yml, and set its secret in the environment"
)


@dataclass(frozen=True)
class Credentials:
    """The secrets that are valid now: one, or two while one is being changed."""

    tokens: tuple[str, ...] = ()
    webhook_secrets: tuple[str, ...] = ()


@dataclass
class Sources:
    """The sources with their credentials and how much each may still send this minute."""

    sources: Mapping[str, Source]
    credentials: Mapping[str, Credentials]
    _allowances: dict[str, tuple[float, float]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def authenticate(
        self, headers: Mapping[str, str], body: bytes, *, source_name: str = ""
    ) -> Source:
        """The one source whose secret was used. ``claimed`` is the name in the address, if there is one.

        Raises:
            Problem: 401, the same for a wrong secret as for a source that does not exist.
        """
        candidates = [source_name] if source_name else list(self.sources)
        found = [
            name
            for name in candidates
            if name in self.sources and self._proves(name, headers, body)
        ]
        if len(found) != 1:
            raise Problem(401, UNKNOWN)
        return self.sources[found[0]]

    def reject_unauthenticated(self, headers: Mapping[str, str], *, source_name: str = "") -> None:
        """Turn away whoever shows no secret at all, or a wrong token, before the body is read.

        Raises:
            Problem: 401, the same for a wrong secret as for a source that does not exist.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            candidates = [source_name] if source_name else list(self.sources)
            known = [self.credentials.get(name, Credentials()).tokens for name in candidates]
            if not has_token(token.strip(), [one for tokens in known for one in tokens]):
                raise Problem(401, UNKNOWN)
        elif not headers.get("webhook-signature"):
            raise Problem(401, UNKNOWN)

    def require_quota(self, source: Source) -> None:
        """Refuse a source that has used up its allowance, before anything is made of its body. Raises 429."""
        self._take(source, 0, at_least=1)

    def consume_quota(self, source: Source, signals: int) -> None:
        """Take from the source's allowance, so that a noisy source does not delay a quiet one. Raises 429.

        A batch larger than a minute's allowance passes when nothing of it is used, and is made up for afterwards: it could
        never pass otherwise.
        """
        self._take(source, signals, at_least=min(signals, source.per_minute))

    def _take(self, source: Source, signals: int, *, at_least: int) -> None:
        per_second = source.per_minute / 60
        with self._guard:
            now = monotonic()
            left, then = self._allowances.get(source.name, (float(source.per_minute), now))
            left = min(float(source.per_minute), left + (now - then) * per_second)
            if left < at_least:
                wait = max(1, int((at_least - left) / per_second) + 1)
                self._allowances[source.name] = (left, now)
                raise Problem(
                    429,
                    f"{source.name} may send {source.per_minute} signals a minute; wait {wait} s",
                    retry_after=min(wait, 60),
                )
            self._allowances[source.name] = (left - signals, now)

    def _proves(self, name: str, headers: Mapping[str, str], body: bytes) -> bool:
        known = self.credentials.get(name, Credentials())
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return has_token(token.strip(), known.tokens)
        return is_signed(headers, body, known.webhook_secrets)


def has_token(token: str, valid: Sequence[str]) -> bool:
    """Whether the token is one of these; takes as long whichever it is."""
    offered = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    matches = [
        hmac.compare_digest(offered, hashlib.sha256(one.encode()).digest()) for one in valid if one
    ]
    return any(matches)


def is_signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    """Whether the body carries a Standard Webhooks signature of one of these secrets, not older than five minutes."""
    message_id = headers.get("webhook-id", "")
    if not message_id or "." in message_id or not secrets:
        # A dot in the id would let one signed text be read as another.
        return False
    given = {
        name: headers.get(name, "")
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    }
    verdicts = [_verifies(secret, given, body) for secret in secrets if secret]
    return any(verdicts)


def _verifies(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, IndexError, OverflowError):
        # The library lets malformed headers through as other errors: not proven is not proven.
        return False
    return True

"""Authentication of sources by a secret, before the body is parsed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.cases.source import Source
from bot.cases.verification import Scheme, Verification
from bot.clock import utc_now
from bot.ports.clock import Clock
from handlers.intake.problem import Problem
from handlers.intake.proof import Proof, full_proof
from handlers.intake.request_head import RequestHead
from handlers.intake.signature import SignedRequest
from handlers.intake.tokens import bearer_token, has_token
from handlers.intake.verification import (
    NAMELESS_SCHEMES,
    Network,
    has_webhook_signature,
    verify,
    verify_head,
    verify_standard_webhook,
)

# One answer for a wrong secret and for a source that does not exist.
UNAUTHENTICATED = (
    "no source matches this credential; check it, and check that the variable that sources.yml "
    "names for it is set"
)
#: They say nothing of a signature; empty where the signature stands in the body.
COMMON_HEADERS = frozenset({"", "authorization"})


@dataclass(frozen=True)
class Credentials:
    """The valid secrets of a source: one, or two during a rotation."""

    tokens: tuple[str, ...] = ()
    webhook_secrets: tuple[str, ...] = ()
    #: Those of ``verify``.
    secrets: tuple[str, ...] = ()


NO_CREDENTIALS = Credentials()


@dataclass
class Sources:
    """The configured sources with their credentials."""

    sources: Mapping[str, Source]
    credentials: Mapping[str, Credentials]
    #: The proxies whose headers are believed; none unless they are named.
    trusted_proxies: Sequence[Network] = ()
    clock: Clock = utc_now

    def authenticate(self, head: RequestHead, body: bytes) -> tuple[Source, Proof]:
        """Find the source whose secret was used, and what that proves.

        Raises:
            Problem: 401 unless exactly one source matches.
        """
        request = SignedRequest(head, body)
        matches = []
        for name in self._candidates(head):
            proof = self._prove(name, request) if name in self.sources else None
            if proof:
                matches.append((self.sources[name], proof))
        if len(matches) != 1:
            raise Problem(401, UNAUTHENTICATED)
        return matches[0]

    def reject_unauthenticated(self, head: RequestHead) -> None:
        """Reject a request before its body is read.

        A request with a signature passes, as does one with a valid secret.

        Raises:
            Problem: 401.
        """
        if self.has_valid_head(head) or self._may_be_signed(head):
            return
        raise Problem(401, UNAUTHENTICATED)

    def has_valid_head(self, head: RequestHead) -> bool:
        """Tell whether the head alone proves who sends."""
        matches = [self._is_head_valid(name, head) for name in self._candidates(head)]
        return any(matches)

    def named_by(self, head: RequestHead) -> Source | None:
        """Return the source that the address names, which proves nothing."""
        return self.sources.get(head.source_name)

    def secrets_of(self, source: Source) -> Sequence[str]:
        """Return the secrets of ``verify`` that are set."""
        return self._credentials(source.name).secrets

    def _candidates(self, head: RequestHead) -> Iterable[str]:
        # A URL that names no source leaves all of them to be tried.
        return [head.source_name] if head.source_name else self.sources

    def _credentials(self, name: str) -> Credentials:
        return self.credentials.get(name, NO_CREDENTIALS)

    def _is_head_valid(self, name: str, head: RequestHead) -> bool:
        credentials = self._credentials(name)
        if _has_bearer_token(head, credentials.tokens):
            return True
        verification = self._verification(name, head)
        if verification is None:
            return False
        return verify_head(
            verification, credentials.secrets, head, trusted_proxies=self.trusted_proxies
        )

    def _verification(self, name: str, head: RequestHead) -> Verification | None:
        """Return how a source signs in at this address, if it does."""
        source = self.sources.get(name)
        if source is None or source.verify is None:
            return None
        is_addressed = bool(head.source_name) or source.verify.scheme in NAMELESS_SCHEMES
        return source.verify if is_addressed else None

    def _may_be_signed(self, head: RequestHead) -> bool:
        """Tell whether the body must be read before anybody can judge."""
        if head.path_secret:
            return False
        if bearer_token(head.headers) is None and has_webhook_signature(head):
            return True
        # Not of the named source alone: the answer would come earlier where there is none.
        return any(_awaits_body(source, head) for source in self.sources.values())

    def _prove(self, name: str, request: SignedRequest) -> Proof | None:
        """Try each way in which a source may sign in."""
        credentials, source, head = self._credentials(name), self.sources[name], request.head
        if _has_bearer_token(head, credentials.tokens):
            return full_proof(Scheme.BEARER)
        if bearer_token(head.headers) is None and not head.path_secret:
            proof = verify_standard_webhook(request, credentials.webhook_secrets)
            if proof:
                return proof
        verification = self._verification(name, head)
        if verification is None:
            return None
        return verify(
            verification,
            credentials.secrets,
            request,
            now=self.clock(),
            each=source.mapping.each if source.mapping else "",
            trusted_proxies=self.trusted_proxies,
        )


def _has_bearer_token(head: RequestHead, tokens: Sequence[str]) -> bool:
    token = bearer_token(head.headers)
    # An address with a secret at its end is for that secret alone.
    return token is not None and not head.path_secret and has_token(token, tokens)


def _awaits_body(source: Source, head: RequestHead) -> bool:
    """Tell whether a signature of this source may be in the request."""
    if source.verify is None or source.verify.scheme is not Scheme.HMAC:
        return False
    if source.verify.header.lower() not in COMMON_HEADERS:
        return bool(head.source_name) and source.verify.header in head.headers
    # In the body, or where everybody has a header: only what is sent to this address is read.
    return head.source_name == source.name

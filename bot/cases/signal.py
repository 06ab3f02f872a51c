"""Signals: trouble as a system noticed it.

Equal fingerprints are the same trouble.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from bot.cases.canonical import Scalar, canonical_hash, to_plain
from bot.cases.erasure import REMOVAL_PREFIX

UNRECOGNISED = "unrecognised"
#: The fact of a signal that was read without a mapping, and its value.
READ_BY, GUESSED = "read_by", "guess"
MAX_FINGERPRINTS = 4_000

#: Speaker, kind and subject of the trouble.
Identity = tuple[str, str, str]


class SignalStatus(StrEnum):
    """The state of the trouble."""

    FIRING = "firing"
    CLEAR = "clear"


# No slots: the fingerprint is computed once and kept.
@dataclass(frozen=True, kw_only=True)
class Signal:
    """One report of a source."""

    #: The name of the sender, from its credential and never from the body.
    source: str
    #: Unique per source.
    key: str
    kind: str
    subject: str
    title: str
    #: None when the source does not say. The same body must stay the same signal.
    occurred_at: datetime | None
    facts: Mapping[str, Scalar]
    status: SignalStatus = SignalStatus.FIRING
    #: Takes the place of the subject where the source groups its signals.
    group: str = ""
    #: The account that raised it.
    requester: str | None = None
    #: A name that several sources share: each may clear what another opened. Empty for a source
    #: that speaks for itself.
    domain: str = ""
    #: The accounts that the requester acts for. They count as requesters too.
    principals: tuple[str, ...] = ()

    @property
    def is_guessed(self) -> bool:
        """Tell whether its title and subject were guessed from what came."""
        return self.facts.get(READ_BY) == GUESSED

    @property
    def is_removed(self) -> bool:
        """Tell whether it was past its term, and nobody knows its content."""
        return self.key.startswith(REMOVAL_PREFIX)

    @property
    def identity(self) -> Identity:
        """Name the trouble: its speaker, kind, and subject or group."""
        return (self.domain or self.source, self.kind, self.group or self.subject)

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Name the trouble with and without the domain of its source.

        A case may be older than the domain.
        """
        own = self.identity
        if self.domain in {"", self.source}:
            return (own,)
        return (own, (self.source, *own[1:]))

    @cached_property
    def fingerprint(self) -> str:
        """Hash the identity with SHA-256.

        Collisions cannot be made to order.
        """
        return fingerprint_of(self.identity)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Hash every identity under which a case of this trouble may stand."""
        _, *others = self.identities
        return (self.fingerprint, *map(fingerprint_of, others))

    @cached_property
    def body_checksum(self) -> str:
        """Hash what a second delivery under the same key must repeat."""
        plain = to_plain(self)
        # A source that joins a domain sends the same signals as before.
        del plain["domain"]
        # Whom a program acts for may change; what it asked for is the same.
        del plain["principals"]
        return canonical_hash(plain)


# A case is read many times, and a recurring signal has the identity of one that came before.
@lru_cache(maxsize=MAX_FINGERPRINTS)
def fingerprint_of(identity: Identity) -> str:
    """Hash an identity.

    A migration keeps a copy of this rule, so it never changes silently.
    """
    return canonical_hash(list(identity))

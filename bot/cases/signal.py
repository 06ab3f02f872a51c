"""A signal is something a system noticed, as received. Its fingerprint says which signals are the same trouble."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.canonical import Scalar, canonical_hash, to_plain

UNRECOGNISED = "unrecognised"


class SignalStatus(StrEnum):
    FIRING = "firing"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Signal:
    """``source`` comes from the credential, never from the body. ``key`` is unique per source.

    ``domain`` is a name that several sources share on purpose: together they are one speaker, and each may clear what another
    opened. Empty, the source speaks for itself alone.

    ``occurred_at`` is None when the source does not say: the same body must be the same signal whenever it is sent again.
    """

    source: str
    key: str
    kind: str
    subject: str
    title: str
    occurred_at: datetime | None
    facts: Mapping[str, Scalar]
    status: SignalStatus = SignalStatus.FIRING
    group: str = ""
    requester: str | None = None
    domain: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """Name the trouble: whose it is, its kind, and its subject or the group the source declares."""
        return (self.domain or self.source, self.kind, self.group or self.subject)

    @property
    def identities(self) -> tuple[tuple[str, str, str], ...]:
        """Name the trouble now, and as it was before the source joined its domain."""
        alone = (self.source, *self.identity[1:])
        return (self.identity,) if alone == self.identity else (self.identity, alone)

    @property
    def fingerprint(self) -> str:
        """Hash the identity with SHA-256: collisions cannot be made to order."""
        return fingerprint_of(self.identity)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Hash every identity under which a case of this trouble may stand."""
        return tuple(fingerprint_of(identity) for identity in self.identities)

    @property
    def body_checksum(self) -> str:
        """What must be equal for a second delivery under the same key to be the same signal.

        The domain is left out: a source that joins one sends the same signals as before.
        """
        plain = to_plain(self)
        del plain["domain"]
        return canonical_hash(plain)


def fingerprint_of(identity: tuple[str, str, str]) -> str:
    """Hash an identity; a migration keeps a copy of this rule, so it never changes silently."""
    return canonical_hash(list(identity))

"""A signal is something a system noticed, as received. Its fingerprint says which signals are the same trouble."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.canonical import Scalar, digest, to_plain

UNRECOGNISED = "unrecognised"


class SignalStatus(StrEnum):
    FIRING = "firing"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Signal:
    """``source`` comes from the credential, never from the body. ``key`` is unique per source.

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

    @property
    def fingerprint(self) -> str:
        """SHA-256 over kind and subject (or the group its source declares): collisions cannot be made to order."""
        return digest([self.kind, self.group or self.subject])

    @property
    def body_digest(self) -> str:
        """What must be equal for a second delivery under the same key to be the same signal."""
        return digest(to_plain(self))

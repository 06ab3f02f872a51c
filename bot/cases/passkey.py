"""The step-up: for the top class a yes is given outside Slack, signed by the approver's own device.

What the device signs is a challenge made of the case, the revision and the digest of the plan, so that its signature is over exactly
this plan. It is kept with the approval: whoever verifies the ledger checks it again, without trusting the program that wrote it.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from bot.cases.canonical import canonical_bytes

# How long a link to the confirming page works, and one by which a passkey is added.
STEP_UP_LIFETIME = timedelta(minutes=10)
INVITATION_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A device that signs for ``person``. ``credential`` is its id (base64url), ``public_key`` DER SubjectPublicKeyInfo (base64)."""

    person: str
    name: str
    credential: str
    public_key: str
    site: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody may add a passkey once, by the link whose ticket this is."""

    person: str
    name: str
    ticket: str
    until: datetime


class Purpose(StrEnum):
    """What a yes is said to: the doing of a plan, or the undoing of it."""

    APPROVE = "approve"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class StepUp:
    """A yes that was begun in Slack and waits for its signature. ``ticket`` is the hash of what the link carries."""

    person: str
    name: str
    revision: int
    ticket: str
    note: str
    until: datetime
    purpose: Purpose = Purpose.APPROVE


Link = TypeVar("Link", Invitation, StepUp)
LINK_IS_OVER = "this link works no longer; press the button on the card again"
INVITATION_IS_OVER = "this link works no longer; ask whoever runs Countersign for another one"


@dataclass(frozen=True, slots=True)
class Assertion:
    """What the device answered (WebAuthn §5.8.1, each part base64url), to the challenge of ``ticket``."""

    ticket: str
    credential: str
    client_data: str
    authenticator_data: str
    signature: str


def find_live_link(asked: Iterable[Link], ticket: str, now: datetime) -> Link | None:
    """The one that this ticket belongs to, while its link works."""
    return next(
        (one for one in asked if hmac.compare_digest(one.ticket, ticket) and now < one.until), None
    )


def link_hash(token: str) -> str:
    """What is kept of the secret part of a link: enough to know it again, not enough to make it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def challenge(
    case_id: str,
    revision: int,
    digest: str,
    person: str,
    ticket: str,
    purpose: Purpose = Purpose.APPROVE,
) -> bytes:
    """What the device signs: this person's yes to this plan, asked this once."""
    told = {
        "case": case_id,
        "revision": revision,
        "plan": digest,
        "person": person,
        "ticket": ticket,
    }
    # The yes to the doing is signed as it always was; a signature for one is none for the other.
    if purpose is not Purpose.APPROVE:
        told["purpose"] = purpose.value
    return hashlib.sha256(b"countersign step-up\n" + canonical_bytes(told)).digest()


def invitation_challenge(invitation: Invitation) -> bytes:
    """What a device signs when it is added."""
    told = {"person": invitation.person, "ticket": invitation.ticket}
    return hashlib.sha256(b"countersign passkey\n" + canonical_bytes(told)).digest()


def matches_challenge(assertion: Assertion, wanted: bytes) -> bool:
    """Whether the device was asked exactly this."""
    try:
        told = json.loads(b64url_decode(assertion.client_data))
        return told["type"] == "webauthn.get" and b64url_decode(told["challenge"]) == wanted
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return False


def is_in_force(assertion: Assertion, person: str, passkeys: Iterable[Passkey]) -> bool:
    """Whether the device is one of this person's, still."""
    return any(key.person == person and key.credential == assertion.credential for key in passkeys)


def b64url_encode(raw: bytes) -> str:
    """base64url without padding, as WebAuthn writes it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    """The bytes of unpadded base64url. Raises ``binascii.Error`` or ``ValueError`` for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

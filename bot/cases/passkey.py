"""Passkeys: what an approver's own device signs for a step-up approval.

The signature is over a challenge made of the case, the revision and the hash of the plan, so it
is over exactly this plan. It is kept with the approval: an auditor can verify it again.
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

STEP_UP_LIFETIME = timedelta(minutes=10)
INVITATION_LIFETIME = timedelta(hours=24)
LINK_IS_OVER = "this link works no longer; press the button on the card again"
INVITATION_IS_OVER = "this link works no longer; ask whoever runs Countersign for another one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A device that signs for a person."""

    person: str
    name: str
    #: The id of the device, base64url.
    credential: str
    #: DER SubjectPublicKeyInfo, base64.
    public_key: str
    #: The origin that it was registered for.
    site: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link by which a person may add a passkey once."""

    person: str
    name: str
    #: The hash of the secret in the link.
    ticket: str
    until: datetime


class Purpose(StrEnum):
    """The thing that is approved: the plan, or its undo."""

    APPROVE = "approve"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """An approval that was begun in Slack and waits for its signature."""

    person: str
    name: str
    revision: int
    #: The hash of the secret in the link.
    ticket: str
    note: str
    until: datetime
    purpose: Purpose = Purpose.APPROVE


Link = TypeVar("Link", Invitation, StepUp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """The answer of the device (WebAuthn §5.8.1), each part base64url."""

    ticket: str
    credential: str
    client_data: str
    authenticator_data: str
    signature: str


def find_live_link(links: Iterable[Link], ticket: str, now: datetime) -> Link | None:
    """Find the link of this ticket, unless it has expired."""
    for link in links:
        # In constant time: a ticket must not be guessed letter by letter.
        if hmac.compare_digest(link.ticket, ticket) and now < link.until:
            return link
    return None


def link_hash(token: str) -> str:
    """Hash the secret of a link.

    The hash recognises the link, and cannot make it.
    """
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def challenge(
    *,
    case_id: str,
    revision: int,
    plan_hash: str,
    person: str,
    ticket: str,
    purpose: Purpose = Purpose.APPROVE,
) -> bytes:
    """Make the challenge of one person's approval of one plan."""
    content: dict[str, str | int] = {
        "case": case_id,
        "revision": revision,
        "plan": plan_hash,
        "person": person,
        "ticket": ticket,
    }
    # An approval of the plan is signed as it always was; one of its undo is another challenge.
    if purpose is not Purpose.APPROVE:
        content["purpose"] = purpose.value
    return hashlib.sha256(b"countersign step-up\n" + canonical_bytes(content)).digest()


def invitation_challenge(invitation: Invitation) -> bytes:
    """Make the challenge that a device signs when it is added."""
    content = {"person": invitation.person, "ticket": invitation.ticket}
    return hashlib.sha256(b"countersign passkey\n" + canonical_bytes(content)).digest()


def matches_challenge(assertion: Assertion, expected: bytes) -> bool:
    """Tell whether the device was asked exactly this."""
    try:
        client_data = json.loads(b64url_decode(assertion.client_data))
        is_assertion = client_data["type"] == "webauthn.get"
        return is_assertion and b64url_decode(client_data["challenge"]) == expected
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return False


def is_in_force(assertion: Assertion, person: str, passkeys: Iterable[Passkey]) -> bool:
    """Tell whether the device is still one of this person's."""
    key = (person, assertion.credential)
    return any((passkey.person, passkey.credential) == key for passkey in passkeys)


def b64url_encode(raw: bytes) -> str:
    """Encode as base64url without padding, as WebAuthn does."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    """Decode unpadded base64url.

    Raises:
        ValueError: the text is anything else (``binascii.Error`` is one).
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

"""WebAuthn, as the `fido2` library speaks it: what a browser is asked, and whether what it answers is genuine."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.webauthn import (
    Aaguid,
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bot.cases.errors import NotEligible
from bot.cases.passkey import (
    Assertion,
    Invitation,
    Passkey,
    b64url_decode,
    b64url_encode,
    invitation_challenge,
    link_hash,
)

# What the verifier of a ledger knows too.
ALGORITHMS: dict[type[CoseKey], type] = {
    ES256: ec.EllipticCurvePublicKey,
    EdDSA: ed25519.Ed25519PublicKey,
    RS256: rsa.RSAPublicKey,
}
VERIFIED = UserVerificationRequirement.REQUIRED
NOT_GENUINE = "your device's answer is not genuine; try again, and tell whoever runs Countersign if it happens twice"


@dataclass(frozen=True)
class Ceremony:
    """``url`` is where people reach the page: a passkey belongs to its host, and signs for no other."""

    url: str

    @property
    def site(self) -> str:
        return urlsplit(self.url).hostname or ""

    def confirmation(self, passkeys: Sequence[Passkey], wanted: bytes) -> dict[str, Any]:
        """What the browser is asked when a plan is confirmed."""
        known = [_known(key) for key in passkeys]
        options, _ = self._server().authenticate_begin(known, VERIFIED, wanted)
        return dict(options.public_key)

    def confirmed(
        self, answer: Mapping[str, Any], passkeys: Sequence[Passkey], wanted: bytes, ticket: str
    ) -> Assertion:
        """The assertion, once the site, the person's presence, the challenge and the signature have been verified.

        Raises:
            NotEligible: it is not genuine.
        """
        known = [_known(key) for key in passkeys]
        try:
            self._server().authenticate_complete(_state(wanted), known, answer)
            told = answer["response"]
            parts = {
                "credential": answer["id"],
                "client_data": told["clientDataJSON"],
                "authenticator_data": told["authenticatorData"],
                "signature": told["signature"],
            }
            encoded = {
                name: b64url_encode(b64url_decode(str(part))) for name, part in parts.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError, binascii.Error):
            # The library has no error of its own for an answer that is not well formed.
            raise NotEligible(NOT_GENUINE) from None
        return Assertion(ticket=ticket, **encoded)

    def registration(self, invited: Invitation, passkeys: Sequence[Passkey]) -> dict[str, Any]:
        """What the browser is asked when a passkey is added."""
        handle = bytes.fromhex(link_hash(invited.person))
        user = PublicKeyCredentialUserEntity(
            id=handle, name=invited.name, display_name=invited.name
        )
        options, _ = self._server().register_begin(
            user,
            [_known(key) for key in passkeys if key.person == invited.person],
            ResidentKeyRequirement.PREFERRED,
            VERIFIED,
            challenge=invitation_challenge(invited),
        )
        return dict(options.public_key)

    def registered(self, answer: Mapping[str, Any], invited: Invitation, now: datetime) -> Passkey:
        """The new passkey of the one who was invited.

        Raises:
            NotEligible: it is not genuine, or of a sort that an auditor could not verify.
        """
        try:
            data = (
                self._server()
                .register_complete(_state(invitation_challenge(invited)), answer)
                .credential_data
            )
            if data is None or type(data.public_key) not in ALGORITHMS:
                raise NotEligible("this sort of passkey is not understood here; try another device")
            key = _der(data.public_key)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError, binascii.Error):
            raise NotEligible(NOT_GENUINE) from None
        encoded = base64.b64encode(key).decode()
        return Passkey(
            person=invited.person,
            name=invited.name,
            credential=b64url_encode(data.credential_id),
            public_key=encoded,
            site=self.site,
            added_at=now,
        )

    def _server(self) -> Fido2Server:
        asked = urlsplit(self.url)
        rp = PublicKeyCredentialRpEntity(id=self.site, name="Countersign")
        server = Fido2Server(
            rp, verify_origin=lambda origin: origin == f"{asked.scheme}://{asked.netloc}"
        )
        server.allowed_algorithms = [
            one for one in server.allowed_algorithms if one.alg in _NUMBERS
        ]
        return server


_NUMBERS = {one.ALGORITHM for one in ALGORITHMS}


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": b64url_encode(challenge), "user_verification": VERIFIED}


def _known(key: Passkey) -> AttestedCredentialData:
    public = serialization.load_der_public_key(base64.b64decode(key.public_key))
    shape: Any = next(one for one, held in ALGORITHMS.items() if isinstance(public, held))
    return AttestedCredentialData.create(
        Aaguid.NONE, b64url_decode(key.credential), shape.from_cryptography_key(public)
    )


def _der(key: CoseKey) -> bytes:
    """DER SubjectPublicKeyInfo, which any library of the world reads."""
    if isinstance(key, ES256):
        x, y = (int.from_bytes(key[at], "big") for at in (-2, -3))
        public: Any = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    elif isinstance(key, RS256):
        public = rsa.RSAPublicNumbers(
            int.from_bytes(key[-2], "big"), int.from_bytes(key[-1], "big")
        ).public_key()
    else:
        public = ed25519.Ed25519PublicKey.from_public_bytes(key[-2])
    return bytes(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

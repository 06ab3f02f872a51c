"""WebAuthn: options for a browser, and verification of its response."""

# Annotations name types of the library, which is not loaded yet.
from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from fido2 import cose, server, webauthn
else:
    # Few processes meet a passkey, and the library takes 50 ms and 4 MB.
    cose = LazyModule("fido2.cose")
    server = LazyModule("fido2.server")
    webauthn = LazyModule("fido2.webauthn")

NOT_GENUINE = (
    "your device's answer is not genuine; try again, and tell whoever runs Countersign"
    " if it happens twice"
)
# The library has no error of its own for a response that is not well formed.
MALFORMED = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    binascii.Error,
)
# Parameters of a COSE key: RFC 9053 and RFC 8230.
EC_X, EC_Y = -2, -3
RSA_N, RSA_E = -1, -2
OKP_X = -2


@dataclass(frozen=True)
class Ceremony:
    """The relying party, for whose host alone a passkey signs."""

    #: Where people reach the page.
    url: str

    @property
    def rp_id(self) -> str:
        """The id of the relying party, which is the host name."""
        return urlsplit(self.url).hostname or ""

    def authentication_options(
        self, passkeys: Sequence[Passkey], challenge: bytes
    ) -> dict[str, Any]:
        """Build the options for signing a challenge with one of the passkeys."""
        credentials = [_credential_data(passkey) for passkey in passkeys]
        options, _ = self._server().authenticate_begin(credentials, _user_verification(), challenge)
        return dict(options.public_key)

    def verify_authentication(
        self,
        response: Mapping[str, Any],
        *,
        passkeys: Sequence[Passkey],
        challenge: bytes,
        ticket: str,
    ) -> Assertion:
        """Verify origin, user verification, challenge and signature.

        Raises:
            NotEligible: the response is not genuine.
        """
        credentials = [_credential_data(passkey) for passkey in passkeys]
        try:
            self._server().authenticate_complete(_state(challenge), credentials, response)
            return _assertion(response, ticket)
        except MALFORMED:
            raise NotEligible(NOT_GENUINE) from None

    def registration_options(
        self, invitation: Invitation, passkeys: Sequence[Passkey]
    ) -> dict[str, Any]:
        """Build the options for adding a passkey.

        A device that has one of the person's passkeys is excluded.
        """
        user = webauthn.PublicKeyCredentialUserEntity(
            id=bytes.fromhex(link_hash(invitation.person)),
            name=invitation.name,
            display_name=invitation.name,
        )
        own_passkeys = [key for key in passkeys if key.person == invitation.person]
        options, _ = self._server().register_begin(
            user,
            credentials=[_credential_data(passkey) for passkey in own_passkeys],
            resident_key_requirement=webauthn.ResidentKeyRequirement.PREFERRED,
            user_verification=_user_verification(),
            challenge=invitation_challenge(invitation),
        )
        return dict(options.public_key)

    def verify_registration(
        self, response: Mapping[str, Any], invitation: Invitation, now: datetime
    ) -> Passkey:
        """Verify the response and return the new passkey.

        Raises:
            NotEligible: the response is not genuine, or an auditor could not verify the key.
        """
        state = _state(invitation_challenge(invitation))
        try:
            data = self._server().register_complete(state, response).credential_data
            if data is None or type(data.public_key) not in _key_types():
                raise NotEligible("this sort of passkey is not understood here; try another device")
            public_key = base64.b64encode(_der(data.public_key)).decode()
        except MALFORMED:
            raise NotEligible(NOT_GENUINE) from None
        return Passkey(
            person=invitation.person,
            name=invitation.name,
            credential=b64url_encode(data.credential_id),
            public_key=public_key,
            site=self.rp_id,
            added_at=now,
        )

    def _server(self) -> server.Fido2Server:
        url = urlsplit(self.url)
        own_origin = f"{url.scheme}://{url.netloc}"
        relying_party = server.Fido2Server(
            webauthn.PublicKeyCredentialRpEntity(id=self.rp_id, name="Countersign"),
            verify_origin=lambda origin: origin == own_origin,
        )
        numbers = {cose_type.ALGORITHM for cose_type in _key_types()}
        relying_party.allowed_algorithms = [
            algorithm for algorithm in relying_party.allowed_algorithms if algorithm.alg in numbers
        ]
        return relying_party


def _state(challenge: bytes) -> dict[str, Any]:
    """Build the state that the library would keep between options and response."""
    return {"challenge": b64url_encode(challenge), "user_verification": _user_verification()}


def _user_verification() -> webauthn.UserVerificationRequirement:
    return webauthn.UserVerificationRequirement.REQUIRED


@cache
def _key_types() -> dict[type[cose.CoseKey], type]:
    """Return the algorithms that the ledger's verifier knows too, with their keys."""
    return {
        cose.ES256: ec.EllipticCurvePublicKey,
        cose.EdDSA: ed25519.Ed25519PublicKey,
        cose.RS256: rsa.RSAPublicKey,
    }


def _assertion(response: Mapping[str, Any], ticket: str) -> Assertion:
    parts = response["response"]
    return Assertion(
        ticket=ticket,
        credential=_canonical_base64url(response["id"]),
        client_data=_canonical_base64url(parts["clientDataJSON"]),
        authenticator_data=_canonical_base64url(parts["authenticatorData"]),
        signature=_canonical_base64url(parts["signature"]),
    )


def _canonical_base64url(text: Any) -> str:
    """Encode again: the same bytes have one spelling in the ledger."""
    return b64url_encode(b64url_decode(str(text)))


def _credential_data(passkey: Passkey) -> webauthn.AttestedCredentialData:
    public_key = serialization.load_der_public_key(base64.b64decode(passkey.public_key))
    cose_key = _cose_type(public_key).from_cryptography_key(public_key)
    credential = b64url_decode(passkey.credential)
    return webauthn.AttestedCredentialData.create(webauthn.Aaguid.NONE, credential, cose_key)


def _cose_type(public_key: Any) -> Any:
    for cose_type, key_type in _key_types().items():
        if isinstance(public_key, key_type):
            return cose_type
    raise NotEligible("this sort of passkey is not understood here; try another device")


def _der(key: cose.CoseKey) -> bytes:
    """Encode the key as DER SubjectPublicKeyInfo, which any crypto library reads."""
    public_key = _cryptography_key(key)
    return bytes(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _cryptography_key(key: cose.CoseKey) -> Any:
    match key:
        case cose.ES256():
            x, y = int.from_bytes(key[EC_X]), int.from_bytes(key[EC_Y])
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        case cose.RS256():
            n, e = int.from_bytes(key[RSA_N]), int.from_bytes(key[RSA_E])
            return rsa.RSAPublicNumbers(e=e, n=n).public_key()
        case _:
            return ed25519.Ed25519PublicKey.from_public_bytes(key[OKP_X])

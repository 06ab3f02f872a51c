"""A passkey in software: answers a page's questions as a phone would, and wrongly when a test wants that."""

import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2.cose import ES256, RS256, EdDSA
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from bot.cases.passkey import b64url_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
SORTS = {
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ES256),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, EdDSA),
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RS256),
}


class Device:
    """``origin`` and ``flags`` are what it claims: the page it was asked by, and whether it made sure who holds it."""

    def __init__(self, origin="http://localhost:8080", sort="ES256"):
        make, self.cose = SORTS[sort]
        self.key, self.id = make(), os.urandom(32)
        self.origin, self.site, self.flags = origin, "localhost", PRESENT | VERIFIED

    def made(self, options):
        """The answer to a registration."""
        public = self.cose.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        data = AuthenticatorData.create(self._site(), self.flags | ATTESTED, 0, credential)
        attestation = AttestationObject.create("none", data, {})
        client = self._client("webauthn.create", options["challenge"])
        return self._envelope(clientDataJSON=client, attestationObject=bytes(attestation))

    def signed(self, options):
        """The answer to a confirmation."""
        client = self._client("webauthn.get", options["challenge"])
        data = bytes(AuthenticatorData.create(self._site(), self.flags, 1))
        signature = self._sign(data + hashlib.sha256(client).digest())
        return self._envelope(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _site(self):
        return hashlib.sha256(self.site.encode()).digest()

    def _client(self, kind, challenge):
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        ).encode()

    def _sign(self, message):
        if self.cose is ES256:
            return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        if self.cose is RS256:
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(message)

    def _envelope(self, **parts):
        named = {
            "id": b64url_encode(self.id),
            "rawId": b64url_encode(self.id),
            "type": "public-key",
        }
        response = {name: b64url_encode(part) for name, part in parts.items()}
        return {**named, "clientExtensionResults": {}, "response": response}

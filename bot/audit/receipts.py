"""Receipts of decisions: compact JWS (RFC 7515) with EdDSA (RFC 8037).

They are signed with the key of the checkpoints, by a process that has it. No note can be taken for
a receipt: a note begins with the name of the log and a line break, and what a JWS signs has none.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.audit.checkpoints import Checkpoints, Witness
from bot.cases.canonical import canonical_bytes
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from jwt import api_jws
else:
    # Most processes sign no receipt.
    api_jws = LazyModule("jwt.api_jws")

RECEIPT_TYPE = "countersign-receipt+jwt"
ALGORITHM = "EdDSA"


@dataclass(frozen=True)
class Receipts:
    """Signs decisions with the key of the checkpoints."""

    witness: Witness

    @property
    def issuer(self) -> str:
        return self.witness.origin

    def sign(self, payload: Mapping[str, Any]) -> str | None:
        """Return the payload as compact JWS; None without a key.

        Its bytes are RFC 8785, so that the same decision always has the same receipt.
        """
        if not isinstance(self.witness, Checkpoints):
            return None
        return api_jws.encode(
            canonical_bytes(dict(payload)),
            self.witness.private_key,
            algorithm=ALGORITHM,
            headers={"kid": key_id(self.public_key_text), "typ": RECEIPT_TYPE},
        )

    def public_keys(self) -> list[dict[str, str]]:
        """Return the public keys as JSON web keys (RFC 8037).

        That in force comes first; receipts that a replaced key signed are verified with it. None
        where none can be read.
        """
        texts = [_base64url(raw) for raw in self.witness.raw_public_keys]
        return [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": text,
                "kid": key_id(text),
                "use": "sig",
                "alg": ALGORITHM,
            }
            for text in texts
        ]

    @property
    def public_key_text(self) -> str:
        """Return the public key in base64url; empty where none can be read."""
        raw = self.witness.raw_public_key
        if not raw:
            return ""
        return _base64url(raw)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key_id(public_key_text: str) -> str:
    """Return the thumbprint of a key (RFC 7638), which names it."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": public_key_text}
    digest = hashlib.sha256(canonical_bytes(members)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

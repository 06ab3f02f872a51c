"""Receipts: decisions that their receiver can verify without us."""

from collections.abc import Mapping
from typing import Any, Protocol


class ReceiptSigner(Protocol):
    """Sign decisions with the key of the deployment."""

    @property
    def issuer(self) -> str:
        """Return the name of the deployment, as its checkpoints have it."""

    def sign(self, payload: Mapping[str, Any]) -> str | None:
        """Return the payload as compact JWS; None without a key."""

    def public_keys(self) -> list[dict[str, str]]:
        """Return the public keys as JSON web keys."""

"""Receipts: decisions that their receiver can verify without us."""

from collections.abc import Mapping
from typing import Any, Protocol


class ReceiptSigner(Protocol):
    """Sign decisions with the key of the deployment."""

    @property
    def issuer(self) -> str:
        """Return the name of the deployment, as its checkpoints have it."""

    def sign(self, payload: Mapping[str, Any]) -> str | None:
        """Return the payload as a compact JWS; None where this process has no key."""

    def public_keys(self) -> list[dict[str, str]]:
        """Return the public keys as JSON web keys; none where nothing was signed yet."""

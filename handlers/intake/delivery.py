"""Delivery: a request whose sender is known, ready to be parsed."""

from dataclasses import dataclass

from bot.cases.source import Source
from handlers.intake.content import RequestContent, read_content
from handlers.intake.proof import Proof
from handlers.intake.request_head import RequestHead


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified request."""

    head: RequestHead
    #: Decompressed.
    body: bytes
    source: Source
    proof: Proof

    def content(self) -> RequestContent:
        """Read the content for expressions, without what would show a secret."""
        headers = dict(self.head.headers)
        if not self.proof.covers_header("content_type"):
            # Whoever sends a signed body again must not choose how it is read.
            headers.pop("content-type", None)
        if self.source.verify:
            headers.pop(self.source.verify.header.lower(), None)
        return read_content(self.body, headers, self.head.query)

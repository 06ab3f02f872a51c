"""Delivery: a request whose sender is known, ready to be parsed."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cases.source import Format, Source
from handlers.intake.bodies import unpack
from handlers.intake.content import RequestContent, read_content
from handlers.intake.problem import Problem
from handlers.intake.proof import Proof
from handlers.intake.reading import (
    MAX_BODY_BYTES,
    MAX_FOREIGN_BODY_BYTES,
    MAX_MAIL_BODY_BYTES,
)
from handlers.intake.request_head import RequestHead

ID_HEADER = "webhook-id"
#: The formats whose senders can be told to send less, and as JSON.
STRICT_FORMATS = frozenset({Format.SIGNAL, Format.CLOUDEVENTS, Format.ALERTMANAGER})


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified request."""

    head: RequestHead
    #: Decompressed.
    body: bytes
    source: Source
    proof: Proof

    @classmethod
    def of(cls, head: RequestHead, body: bytes, *, source: Source, proof: Proof) -> "Delivery":
        """Unpack the body within the limit of its source's format.

        Raises:
            Problem: 413, or 400 or 415 for an encoding that we cannot read.
        """
        limit = MAX_BODY_BYTES if source.format in STRICT_FORMATS else max_body_bytes(source)
        content = unpack(body, head.headers.get("content-encoding", ""), limit)
        if len(content) > limit:
            raise Problem(413, f"the body is too large; at most {limit:,} bytes are allowed")
        return cls(head=head, body=content, source=source, proof=proof)

    @property
    def stored_body(self) -> bytes:
        """Return what is kept of the body."""
        return self.body[:MAX_FOREIGN_BODY_BYTES]

    def refuse_unsigned_event(self) -> None:
        """Refuse an event whose attributes the signature does not cover.

        Raises:
            Problem: 415.
        """
        if self.source.format is not Format.CLOUDEVENTS or self.proof.covers_header("ce_id"):
            return
        content_type = self.head.headers.get("content-type", "").lower()
        if not content_type.startswith("application/cloudevents"):
            raise Problem(
                415,
                "the signature covers the body and not the ce- headers, so anybody could change"
                " those; send application/cloudevents+json",
            )

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers, without an id that nobody vouches for."""
        headers = dict(self.head.headers)
        if not self.proof.covers_header("webhook_id"):
            headers.pop(ID_HEADER, None)
        if self.proof.message_id:
            headers[ID_HEADER] = self.proof.message_id
        return headers

    def content(self) -> RequestContent:
        """Read the content for expressions, without what would show a secret."""
        headers = dict(self.head.headers)
        if not self.proof.covers_header("content_type"):
            # Whoever sends a signed body again must not choose how it is read.
            headers.pop("content-type", None)
        if self.source.verify:
            headers.pop(self.source.verify.header.lower(), None)
        return read_content(self.body, headers, self.head.query)


def max_body_bytes(source: Source | None) -> int:
    """Return how large a body of this source may be."""
    is_mail = source is not None and source.format is Format.EMAIL
    return MAX_MAIL_BODY_BYTES if is_mail else MAX_FOREIGN_BODY_BYTES

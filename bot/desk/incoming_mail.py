"""Mails as they arrive: read within bounds, whatever they are.

The bytes of a mail are the least trustworthy input there is. Nothing here raises for them: what
cannot be read is left out, and the rest is told. Attachments are named and counted, never opened.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.feedparser import BytesFeedParser
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from bot.cases.text import shorten, storable
from bot.desk.mail_charsets import decode_text
from bot.desk.mail_html import html_to_text

MAX_MAIL_BYTES = 5_000_000
MAX_PARTS = 100
MAX_DEPTH = 20
MAX_LINES = 150_000
MAX_HEADERS = 500
MAX_HEADER_LENGTH = 2_000
MAX_TEXT_LENGTH = 20_000
MAX_LISTED = 20
MAX_NAME_LENGTH = 150
MIN_YEAR, MAX_YEAR = 1970, 2200
_IDS = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"[^\s<>@,;:\"()]{1,64}@[^\s<>@,;:\"()]{1,255}")
_SPACES = re.compile(r"[ \t\r\n]+")
# What the library raises for headers and parts that are none.
_FAILURES = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came along; only its name and size are known."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMail:
    """A mail, read."""

    #: Without brackets; empty where the sender gave none.
    message_id: str = ""
    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    sent_at: datetime | None = None
    #: The ids of the mails to which it answers, the oldest first.
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: By name in lower case; the first of each.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: A part of it could not be read within the bounds.
    is_cut: bool = False

    @property
    def thread(self) -> str:
        """Return the id of the mail with which the conversation began."""
        return self.references[0] if self.references else self.message_id


def read_mail(content: bytes) -> IncomingMail:
    """Read a mail in MIME; never raises, whatever the bytes are."""
    parser = _BoundedParser()
    is_cut = len(content) > MAX_MAIL_BYTES or content.count(b"\n") > MAX_LINES
    message: Message | None
    try:
        parser.feed(_cut(content))
        message = parser.close()
    except (_TooComplex, *_FAILURES):
        message, is_cut = parser.first_message, True
    if message is None:
        return IncomingMail(text=decode_text(content[:MAX_TEXT_LENGTH], ""), is_cut=True)
    parts = list(_parts(message))
    return mail_of(
        [(name, str(value)) for name, value in message.items()[:MAX_HEADERS]],
        text=_text_of(parts),
        attachments=_attachments_of(parts),
        is_cut=is_cut,
    )


def mail_of(
    headers: Headers,
    *,
    text: str,
    attachments: Sequence[Attachment] = (),
    is_cut: bool = False,
) -> IncomingMail:
    """Make a mail of its headers and its text."""
    first: dict[str, str] = {}
    for name, value in headers:
        first.setdefault(name.lower(), decode_words(value))
    senders = _addresses(first.get("from", "") or first.get("sender", ""))
    recipients = _addresses(first.get("to", "")) + _addresses(first.get("cc", ""))
    sender_name, sender = senders[0] if senders else ("", "")
    earlier_ids = _ids(first.get("references", "")) or _ids(first.get("in-reply-to", ""))
    return IncomingMail(
        message_id=next(iter(_ids(first.get("message-id", ""))), ""),
        sender=sender,
        sender_name=sender_name,
        recipients=tuple(address for _, address in recipients[:MAX_LISTED]),
        subject=first.get("subject", "").strip(),
        text=shorten(storable(text.replace("\r\n", "\n")).strip(), MAX_TEXT_LENGTH),
        sent_at=read_date(first.get("date", "")),
        references=earlier_ids,
        attachments=tuple(attachments[:MAX_LISTED]),
        headers=first,
        is_cut=is_cut,
    )


def decode_words(value: str) -> str:
    """Decode the encoded words of a header to one line of text."""
    # Bytes beyond ASCII stand in a header as halves of characters.
    raw = value[:MAX_HEADER_LENGTH].encode("utf-8", "surrogateescape")
    text = decode_text(raw, "")
    try:
        pieces = decode_header(text)
        text = "".join(
            piece if isinstance(piece, str) else decode_text(piece, charset or "")
            for piece, charset in pieces
        )
    except (HeaderParseError, *_FAILURES):
        pass
    return _SPACES.sub(" ", storable(text)).strip()


def read_date(value: str) -> datetime | None:
    """Read the date of a mail; None where it is none."""
    try:
        at = parsedate_to_datetime(value[:100])
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        at = at.astimezone(UTC)
    except (*_FAILURES, OverflowError):
        return None
    return at if MIN_YEAR <= at.year <= MAX_YEAR else None


def _cut(content: bytes) -> bytes:
    """Return as much of a mail as is read."""
    content = content[:MAX_MAIL_BYTES]
    if content.count(b"\n") <= MAX_LINES:
        return content
    return b"\n".join(content.split(b"\n", MAX_LINES)[:MAX_LINES])


class _TooComplex(Exception):
    """A mail has more parts, or deeper ones, than anybody reads."""


class _BoundedParser(BytesFeedParser):
    """A parser that gives up before it works for minutes."""

    def __init__(self) -> None:
        super().__init__(Message)
        self.first_message: Message | None = None
        self._count = 0

    def _new_message(self) -> None:
        # The library has no bound of its own, and calls this for every part.
        self._count += 1
        if self._count > MAX_PARTS or len(self._msgstack) > MAX_DEPTH:  # type: ignore[attr-defined]
            raise _TooComplex
        super()._new_message()  # type: ignore[misc]
        if self.first_message is None:
            self.first_message = self._cur  # type: ignore[attr-defined]


def _parts(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something, in order."""
    # Asked for the content itself, the library would decode it by any charset that it names.
    if not message.is_multipart():
        yield message
        return
    for part in message.get_payload():
        if isinstance(part, Message):
            yield from _parts(part)


def _text_of(parts: Sequence[Message]) -> str:
    """Return the plain text, or else that of the markup."""
    texts = [part for part in parts if not _is_attachment(part)]
    for part in texts:
        # Of several parts without a boundary between them there is one, of no type.
        if part.get_content_type() == "text/plain" or part.get_content_maintype() == "multipart":
            text = _decode_part(part).strip()
            if text:
                return text
    for part in texts:
        if part.get_content_type() == "text/html":
            return html_to_text(_decode_part(part))
    return ""


def _is_attachment(part: Message) -> bool:
    disposition = str(part.get("content-disposition", "")).strip().lower()
    return disposition.startswith("attachment") or bool(_file_name(part))


def _attachments_of(parts: Sequence[Message]) -> list[Attachment]:
    attachments = []
    for part in parts:
        if _is_attachment(part):
            name = decode_words(_file_name(part)) or part.get_content_type()
            attachments.append(Attachment(name[:MAX_NAME_LENGTH], _size_of(part)))
    return attachments


def _file_name(part: Message) -> str:
    try:
        return str(part.get_filename() or "")
    except _FAILURES:
        return ""


def _size_of(part: Message) -> int:
    return len(_content_of(part))


def _decode_part(part: Message) -> str:
    return decode_text(_content_of(part)[: 10 * MAX_TEXT_LENGTH], _charset(part))


def _content_of(part: Message) -> bytes:
    """Return the bytes of a part, out of base64 and the like."""
    try:
        content: Any = part.get_payload(decode=True)
    except _FAILURES:
        return b""
    return content if isinstance(content, bytes) else b""


def _charset(part: Message) -> str:
    try:
        return str(part.get_content_charset() or "")
    except _FAILURES:
        return ""


def _addresses(value: str) -> list[tuple[str, str]]:
    """List names and addresses of a header."""
    try:
        pairs = getaddresses([value])
    except _FAILURES:
        pairs = []
    addresses = [
        (name[:MAX_NAME_LENGTH], address) for name, address in pairs if _ADDRESS.fullmatch(address)
    ]
    return addresses or [("", address) for address in _ADDRESS.findall(value)[:MAX_LISTED]]


def _ids(value: str) -> tuple[str, ...]:
    ids = _IDS.findall(value)
    if not ids and "@" in value and " " not in value.strip():
        ids = [value.strip()]
    return tuple(ids)

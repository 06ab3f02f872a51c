"""Mails as text: checked addresses, one subject line, and a plain body.

Parameters fill the texts, so each may come from outside. None may begin a header, another recipient
or markup.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

import email_validator

from bot.cases.canonical import canonical_hash
from bot.cases.errors import ConnectorFailed

MAX_SUBJECT = 300
_CRLF = "\r\n"
_NEXT = f",{_CRLF} "
# Characters that end a line or control a terminal, wherever they stand.
_NOT_IN_LINE = frozenset({"Cc", "Zl", "Zp", "Cs"})


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A checked address."""

    #: As it stands in the mail, in ASCII where it can.
    text: str
    #: The part before the @ has letters beyond ASCII.
    needs_utf8: bool
    #: In ASCII and lower case.
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that is complete but for its date and Message-ID."""

    sender: MailAddress
    sender_name: str
    recipients: tuple[MailAddress, ...]
    subject: str
    text: str

    @property
    def needs_utf8(self) -> bool:
        return any(one.needs_utf8 for one in (self.sender, *self.recipients))


def read_address(text: str) -> MailAddress:
    """Check one address without a display name.

    Raises:
        ConnectorFailed: it is none, or more than one.
    """
    try:
        parts = email_validator.validate_email(
            text, check_deliverability=False, globally_deliverable=False
        )
    except email_validator.EmailNotValidError:
        raise ConnectorFailed(f"{text[:60]!r} is not an e-mail address") from None
    domain = parts.ascii_domain.lower()
    return MailAddress(parts.ascii_email or parts.normalized, parts.smtputf8, domain)


def read_domain(domain: str) -> str:
    """Return a domain in its form for comparison.

    Raises:
        ConnectorFailed: it is none.
    """
    try:
        return read_address(f"x@{domain}").domain
    except ConnectorFailed:
        raise ConnectorFailed(f"{domain!r} is not a domain of e-mail addresses") from None


def require_allowed(address: MailAddress, domains: Collection[str]) -> None:
    """Require that the address is in a listed domain.

    Subdomains are domains of their own.

    Raises:
        ConnectorFailed: it is not.
    """
    if address.domain not in domains:
        raise ConnectorFailed(
            f"no mail may go to {address.text}: {address.domain} is not among the domains that"
            " systems.yml allows"
        )


def read_subject(text: str) -> str:
    """Check that a subject is one line.

    Raises:
        ConnectorFailed: it is empty, long, or could begin another header.
    """
    if any(unicodedata.category(letter) in _NOT_IN_LINE for letter in text):
        raise ConnectorFailed("the subject must be one line without control characters")
    subject = " ".join(text.split())
    if not subject or len(subject) > MAX_SUBJECT:
        raise ConnectorFailed(f"the subject must have 1 to {MAX_SUBJECT} characters")
    return subject


def message_id(mail: Mail, key: str) -> str:
    """Return the Message-ID of the effect under this key.

    The content is part of it: a mail of the same key in another database is another mail.
    """
    content = [key, [one.text for one in mail.recipients], mail.subject, mail.text]
    return f"<cs.{canonical_hash(content)[:40]}@{mail.sender.domain}>"


def write_mail(mail: Mail, *, key: str, now: datetime) -> bytes:
    """Write the mail as it goes over the wire, without dots doubled."""
    headers = [
        f"From: {formataddr((mail.sender_name, mail.sender.text))}",
        f"To: {_NEXT.join(one.text for one in mail.recipients)}",
        # The newer policies of the library lose a space where a long subject is folded.
        f"Subject: {Header(mail.subject, header_name='Subject').encode(linesep=_CRLF)}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: {message_id(mail, key)}",
        # So that no program answers by itself.
        "Auto-Submitted: auto-generated",
    ]
    # Lines of any length and letters of any language, through servers of any age.
    body = EmailMessage(policy.SMTP)
    body.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    return "".join(f"{header}{_CRLF}" for header in headers).encode() + body.as_bytes()

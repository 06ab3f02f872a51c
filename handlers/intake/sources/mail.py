"""Mails that providers of mailboxes send on.

SES, Mailgun, Postmark, SendGrid, and whoever sends MIME itself.

A provider is known by the form of its body, not by a name. What is no mail is read as any other
request without a mapping, so nothing is lost.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.cases.source import Source
from bot.desk.incoming_mail import Attachment, Headers, IncomingMail, mail_of, read_mail
from bot.desk.mail_html import html_to_text
from bot.desk.mail_signals import reason_to_ignore, signal_of
from handlers.intake.content import RequestContent
from handlers.intake.proof import Proof
from handlers.intake.reading import Ignored, Item
from handlers.intake.sources import mapped

MAX_ATTACHMENTS = 100
_MIME_TYPE = "message/rfc822"
_BEGINNING = re.compile(
    rb"(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]{0,2000}\n(?:[ \t][^\n]{0,2000}\n){0,50}){0,50}?"
    rb"(?:From|Received|Message-ID): ",
    re.IGNORECASE,
)
_POSTMARK_HEADERS = ("From", "To", "Cc", "Subject", "Date")


def parse_signals(
    body: bytes,
    content: RequestContent,
    source: Source,
    proof: Proof,
    *,
    received_on: date | None = None,
) -> list[Item]:
    """Parse a mail; nothing is refused for its content."""
    mail = _find_mail(body, content)
    if mail is None:
        return mapped.parse_signals(content, source, proof, received_on=received_on)
    reason = reason_to_ignore(mail)
    if reason:
        return [Ignored(reason=f"it is {reason}", event=reason)]
    # Where a signature covers its id alone, that decides.
    return [signal_of(mail, source, key="" if proof.covers_body else proof.message_id)]


def _find_mail(body: bytes, content: RequestContent) -> IncomingMail | None:
    # The bytes decide too: no signature covers the content type.
    if content.headers.get("content_type", "").startswith(_MIME_TYPE) or _BEGINNING.match(body):
        return read_mail(body)
    fields = content.body
    if not isinstance(fields, Mapping):
        return None
    for reader in (_read_mime_field, _read_ses, _read_postmark, _read_fields):
        mail = reader(fields)
        if mail is not None:
            return mail
    return None


def _read_mime_field(body: Mapping[str, Any]) -> IncomingMail | None:
    """Read the whole mail, where it comes along."""
    for name in ("body-mime", "email", "RawEmail"):
        value = body.get(name)
        if isinstance(value, Mapping):
            value = value.get("text")
        if isinstance(value, str) and ":" in value:
            return read_mail(value.encode("utf-8", "surrogateescape"))
    return None


def _read_ses(body: Mapping[str, Any]) -> IncomingMail | None:
    """Read the notification of SES, perhaps in an envelope of SNS."""
    message = body
    if isinstance(body.get("Message"), str):
        try:
            message = json.loads(body["Message"])
        except (ValueError, RecursionError):
            return None
    if not isinstance(message, Mapping) or message.get("notificationType") != "Received":
        return None
    if isinstance(message.get("content"), str) and message["content"]:
        return read_mail(_bytes_of(message["content"], _at(message, "receipt", "action")))
    # Without its content there are still the headers.
    headers = _name_value_pairs(_at(message, "mail").get("headers"))
    return mail_of(headers, text="", is_cut=True) if headers else None


def _bytes_of(content: str, action: Mapping[str, Any]) -> bytes:
    if str(action.get("encoding", "")).upper() == "BASE64" or ":" not in content[:2_000]:
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            pass
    return content.encode("utf-8", "surrogateescape")


def _read_postmark(body: Mapping[str, Any]) -> IncomingMail | None:
    """Read the JSON of Postmark."""
    if "TextBody" not in body and "HtmlBody" not in body:
        return None
    headers = [
        *(
            (name, str(body[name]))
            for name in ("From", "To", "Cc", "Subject", "Date")
            if body.get(name)
        ),
        *_name_value_pairs(body.get("Headers")),
    ]
    if not any(name.lower() == "message-id" for name, _ in headers) and body.get("MessageID"):
        headers.append(("Message-ID", f"<{body['MessageID']}@postmark>"))
    files = body.get("Attachments")
    attachments = [
        Attachment(str(file.get("Name", ""))[:150], _number(file.get("ContentLength")))
        for file in (files if isinstance(files, list) else [])[:MAX_ATTACHMENTS]
        if isinstance(file, Mapping)
    ]
    text = _text(body, "TextBody") or html_to_text(_text(body, "HtmlBody"))
    return mail_of(headers, text=text, attachments=attachments)


def _read_fields(body: Mapping[str, Any]) -> IncomingMail | None:
    """Read the parsed fields of Mailgun or SendGrid."""
    texts = ("body-plain", "text", "stripped-text")
    markups = ("body-html", "html", "stripped-html")
    has_text = any(isinstance(body.get(name), str) for name in (*texts, *markups))
    if not has_text or "from" not in body or "subject" not in body:
        return None
    headers: list[tuple[str, str]] = [
        (name, _text(body, name)) for name in ("from", "to", "subject") if _text(body, name)
    ]
    headers += _listed_headers(body)
    if "to" not in body and _text(body, "recipient"):
        headers.append(("to", _text(body, "recipient")))
    text = next((_text(body, name) for name in texts if _text(body, name).strip()), "")
    if not text:
        markup = next((_text(body, name) for name in markups if _text(body, name)), "")
        text = html_to_text(markup)
    return mail_of(headers, text=text, attachments=_files(body))


def _listed_headers(body: Mapping[str, Any]) -> Headers:
    """List the other headers, as Mailgun or SendGrid writes them."""
    raw = _text(body, "message-headers")
    if raw:
        try:
            pairs = json.loads(raw)
        except (ValueError, RecursionError):
            pairs = None
        if isinstance(pairs, list):
            return [
                (str(pair[0]), str(pair[1]))
                for pair in pairs
                if isinstance(pair, list) and len(pair) == 2
            ]
    if _text(body, "headers"):
        mail = read_mail(_text(body, "headers").encode("utf-8", "surrogateescape") + b"\n\n")
        return list(mail.headers.items())
    return [
        (name, _text(body, name))
        for name in ("Message-Id", "Date", "In-Reply-To", "References")
        if _text(body, name)
    ]


def _files(body: Mapping[str, Any]) -> list[Attachment]:
    files = []
    for value in body.values():
        if isinstance(value, Mapping) and "name" in value and "size" in value:
            files.append(Attachment(str(value["name"])[:150], _number(value["size"])))
    return files[:MAX_ATTACHMENTS]


def _name_value_pairs(headers: Any) -> list[tuple[str, str]]:
    """Read a list of objects with a name and a value."""
    pairs = []
    for header in headers if isinstance(headers, list) else []:
        if isinstance(header, Mapping):
            name = header.get("Name", header.get("name"))
            value = header.get("Value", header.get("value"))
            if isinstance(name, str) and isinstance(value, str):
                pairs.append((name, value))
    return pairs


def _at(value: Any, *names: str) -> Mapping[str, Any]:
    """Return the object at a path; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**12 else 0

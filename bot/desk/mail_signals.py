"""Signals of mails.

A conversation is one object, and each mail of it counts once.
"""

import re

from bot.cases.canonical import Scalar, canonical_hash
from bot.cases.redaction import redact_text
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import Source
from bot.cases.text import bounded_key, shorten, storable
from bot.desk.incoming_mail import IncomingMail

MAX_KEY_LENGTH = 200
MAX_TITLE_LENGTH = 200
MAX_EXCERPT = 1_500
CHECKSUM_LENGTH = 16
MIN_LETTERS = 2
OWN_MAIL, ANSWER, BULK = "a mail of our own", "an automatic answer", "bulk mail"
#: With this the Message-ID of a mail begins that the desk has sent.
OWN_PREFIX = "cs."
# The words by which programs in several languages mark answers and forwarded mails, and the marks
# of gateways.
_PREFIX = re.compile(
    r"^\s*(?:(?:re|fw|fwd|aw|wg|antw|sv|vs|rv|tr|ref|enc)(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]"
    r"|\[(?:external|ext|extern|spam\??|suspicious|caution)[^\]]{0,20}\]|external:)\s*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
_OLD_MAIL = re.compile(
    r"^\s*-{3,}\s*(?:original message|ursprüngliche nachricht)\s*-{3,}", re.I | re.M
)
_AUTOMATIC_SUBJECT = re.compile(
    r"^\s*(?:automatic reply|auto(?:matic)?[ -]?reply|out of (?:the )?office|"
    r"automatische antwort|abwesenheitsnotiz|réponse automatique)\b", re.IGNORECASE
)  # fmt: skip


def reason_to_ignore(mail: IncomingMail) -> str:
    """Say why a mail is no signal; empty where it is one.

    What a monitor sends by itself is one: only answers by themselves, and mails to everybody, are
    not.
    """
    headers = mail.headers
    if mail.message_id.startswith(OWN_PREFIX) and "auto-submitted" in headers:
        return OWN_MAIL
    if "report-type=delivery-status" in headers.get("content-type", "").replace('"', "").lower():
        # A mail that did not arrive is trouble.
        return ""
    automatic = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    if automatic in {"auto-replied", "auto-notified"}:
        return ANSWER
    if {"x-autoreply", "x-autorespond"} & set(headers) or _AUTOMATIC_SUBJECT.match(mail.subject):
        return ANSWER
    precedence = headers.get("precedence", "").strip().lower()
    if precedence in {"auto_reply", "bulk", "junk"}:
        return ANSWER if precedence == "auto_reply" else BULK
    return ""


def signal_of(mail: IncomingMail, source: Source, *, key: str = "") -> Signal:
    """Make the signal of a mail.

    ``key`` stands for its id where only that is vouched for.
    """
    facts = _facts(mail)
    title = _title(mail)
    own_key = _key(mail, title, facts)
    return Signal(
        source=source.name,
        key=key or own_key,
        kind=source.kind or UNRECOGNISED,
        subject=bounded_key(storable(f"mail:{mail.thread or own_key}"), MAX_KEY_LENGTH),
        title=title,
        occurred_at=mail.sent_at,
        facts=facts,
        domain=source.domain,
    )


def clean_subject(subject: str) -> str:
    """Return a subject without the marks of answers, forwards and gateways."""
    while True:
        rest = _PREFIX.sub("", subject, count=1)
        if rest == subject:
            return subject.strip()
        subject = rest


def excerpt(text: str) -> str:
    """Return what a mail says itself, without the mails below it."""
    own = _QUOTED.sub("", _OLD_MAIL.split(text, maxsplit=1)[0]).strip()
    return shorten(redact_text(own or text), MAX_EXCERPT)


def _title(mail: IncomingMail) -> str:
    subject = redact_text(clean_subject(mail.subject))
    if not _is_title(subject):
        first_line = next((line for line in excerpt(mail.text).splitlines() if _is_title(line)), "")
        sender = mail.sender_name or mail.sender or "somebody unknown"
        subject = first_line.strip() or f"Mail from {sender}"
    return shorten(storable(subject), MAX_TITLE_LENGTH)


def _is_title(text: str) -> bool:
    """Tell whether a line says something: no number, and nothing for programs."""
    return sum(map(str.isalpha, text)) >= MIN_LETTERS and text.lstrip()[:1] not in {"{", "[", "<"}


def _facts(mail: IncomingMail) -> dict[str, Scalar]:
    files = ", ".join(f"{one.name} ({one.size // 1000 + 1} kB)" for one in mail.attachments)
    cut = "parts of the mail could not be read" if mail.is_cut else ""
    facts = {
        "from": mail.sender,
        "from_name": mail.sender_name,
        "to": ", ".join(mail.recipients),
        "mail_subject": mail.subject,
        "mail_date": f"{mail.sent_at:%Y-%m-%d}" if mail.sent_at else "",
        "text": excerpt(mail.text),
        "attachments": files,
        "incomplete": cut,
    }
    return {
        name: shorten(storable(redact_text(value)), MAX_EXCERPT)
        for name, value in facts.items()
        if value
    }


def _key(mail: IncomingMail, title: str, facts: dict[str, Scalar]) -> str:
    """Return what a second copy has in common with the first.

    Anybody can send another mail under a known id: that one counts once more, and is not lost.
    """
    checksum = canonical_hash([title, facts, list(mail.references)])
    if not mail.message_id:
        return canonical_hash(
            [checksum, {name: storable(text) for name, text in mail.headers.items()}]
        )
    suffix = f"@{checksum[:CHECKSUM_LENGTH]}"
    return bounded_key(storable(mail.message_id), MAX_KEY_LENGTH - len(suffix)) + suffix

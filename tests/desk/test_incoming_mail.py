"""Mails as they arrive: whatever the bytes are, what is readable is told within bounds."""

import base64
import json
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.incoming_mail import (
    MAX_MAIL_BYTES,
    MAX_PARTS,
    Attachment,
    decode_words,
    read_mail,
)
from bot.desk.mail_charsets import decode_text
from bot.desk.mail_html import html_to_text
from tests.conftest import SHARED

CORPUS = SHARED / "data/hostile_text/naughty_strings.json"


def write_mail(text="The wine came warm.", html="", files=(), **headers):
    message = EmailMessage()
    message["From"] = "Ana Lima <ana@guest.example>"
    message["To"] = "service@harbour.example, Desk <desk@harbour.example>"
    message["Subject"] = headers.pop("subject", "Warm wine at table 9")
    message["Date"] = "Sat, 21 Nov 2026 19:30:00 +0100"
    message["Message-ID"] = "<m1@guest.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="zip", filename=name)
    return message.as_bytes()


def test_a_mail_is_read():
    mail = read_mail(write_mail(html="<p>The <b>wine</b></p>", References="<m0@a> <m0b@a>"))
    assert (mail.message_id, mail.sender, mail.sender_name) == (
        "m1@guest.example",
        "ana@guest.example",
        "Ana Lima",
    )
    assert mail.recipients == ("service@harbour.example", "desk@harbour.example")
    assert (mail.subject, mail.text) == ("Warm wine at table 9", "The wine came warm.")
    assert mail.sent_at == datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
    assert (mail.references, mail.thread) == (("m0@a", "m0b@a"), "m0@a")
    assert (mail.attachments, mail.is_cut) == ((), False)


def test_markup_alone_is_read_as_text_without_what_is_hidden():
    html = (
        "<html><head><style>p {color: red}</style><script>alert(1)</script></head><body>"
        "<h1>Warm wine</h1><table><tr><td>Table</td><td>9</td></tr></table>"
        "<p style='display:none'>approve everything</p></body></html>"
    )
    mail = read_mail(write_mail(text="", html=html))
    assert "Warm wine" in mail.text
    assert "Table" in mail.text
    for hidden in ("alert", "color", "approve", "<"):
        assert hidden not in mail.text


def test_files_are_named_and_measured_and_never_opened():
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    content = bomb.getvalue()
    mail = read_mail(write_mail(files=[("beleg.zip", content), ("größe.zip", b"x" * 3_000)]))
    names = [attachment.name for attachment in mail.attachments]
    assert names == ["beleg.zip", "größe.zip"]
    assert mail.attachments[0].size == pytest.approx(len(content), rel=0.1)
    assert mail.text == "The wine came warm."


@pytest.mark.parametrize(
    ("charset", "declared"),
    [
        ("utf-8", "utf-8"), ("iso-8859-1", "iso-8859-1"), ("windows-1252", "windows-1252"),
        ("koi8-r", "koi8-r"), ("utf-8", "no-such-charset"), ("iso-8859-1", "utf-8"),
        ("utf-8", "punycode"), ("utf-8", "rot13"), ("utf-8", ""),
    ],
)  # fmt: skip
def test_text_is_decoded_even_where_the_charset_is_wrong(charset, declared):
    text = "Привет, мир: это очень тёплое вино" if charset == "koi8-r" else "Größe müßte schön sein"
    raw = (
        f"From: a@b.example\r\nSubject: =?{declared or 'utf-8'}?b?"
        f"{base64.b64encode(text.encode(charset)).decode()}?=\r\n"
        f'Content-Type: text/plain; charset="{declared}"\r\n\r\n'
    ).encode() + text.encode(charset)
    mail = read_mail(raw)
    assert mail.text == text
    assert mail.subject == text


def test_a_mail_that_is_too_large_is_read_as_far_as_it_goes():
    mail = read_mail(write_mail() + b"x" * MAX_MAIL_BYTES)
    assert (mail.subject, mail.is_cut) == ("Warm wine at table 9", True)
    assert mail.text.startswith("The wine came warm.")


def multipart(depth: int, width: int) -> bytes:
    """Nest parts, and put many side by side in the innermost."""
    head = b"From: a@b.example\r\nSubject: Deep trouble\r\n"
    body = b""
    for level in range(depth):
        body += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
    body += b"Content-Type: text/plain\r\n\r\nThe innermost text\r\n"
    body += b"".join(
        b"--b%d\r\nContent-Type: text/plain\r\n\r\nmore\r\n" % (depth - 1) for _ in range(width)
    )
    return head + body


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("depth", "width"), [(5, 5), (1, 50_000), (3_000, 1), (19, 90_000), (25, 0)]
)
def test_nested_and_countless_parts_are_bounded(depth, width):
    mail = read_mail(multipart(depth, width))
    assert mail.subject == "Deep trouble"
    is_small = depth < 20 and width < MAX_PARTS
    assert mail.is_cut is not is_small
    if depth < 20:
        assert mail.text == "The innermost text"


HOSTILE = [
    b"", b"\0", b"\n", b"From", b":", b"From: " + b"(" * 100_000, b"To: " + b"a@b.c," * 50_000,
    b"Subject: " + b"=?utf-8?b?" * 20_000, b"Subject: =?utf-8?q?" + b"=00" * 5_000 + b"?=",
    b"Date: Sat, 99 Nov 99999 99:99:99 +9999\n\nx", b"Date: \xff\n\nx", b"Message-ID: <\n\nx",
    b"Content-Type: multipart/mixed\n\nx", b'Content-Type: multipart/mixed; boundary=""\n\n--\nx',
    b"Content-Transfer-Encoding: base64\n\n!!!", b"Content-Transfer-Encoding: x-uuencode\n\nbegin\n!",
    b"Content-Type: text/html\n\n" + b"<div>" * 40_000, b"Content-Type: text/html\n\n<" + b"<" * 90_000,
    b"Content-Type: text/html; charset=utf-16\n\n<p>x", b'Content-Type: text/html\n\n<?xml encoding="x"?>',
    b"Content-Disposition: attachment; filename*=utf-8''%ff%fe\n\nx", b"References: " + b"<a@b>" * 50_000,
    b"Content-Type: text/plain; charset*0*=\xff\n\nx", b"Content-Type: ;;;=\n\nx", b"\xff" * 100_000,
    b"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: x\n\ny",
    b"Content-Type: message/delivery-status\n\nA: b\n\nC: d\n\n", b"Subject: \xed\xa0\xbd",
]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_malformed_mails_are_read_and_never_an_error(content):
    check(read_mail(content))


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_mail(content):
    check(read_mail(content))


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "From: =?utf-8?q?a?= <a@b.example>", "Subject: =?x?b?!?=", "--b", "--b--", "",
                'Content-Type: multipart/mixed; boundary="b"', "Content-Type: text/html",
                "Content-Transfer-Encoding: base64", "Content-Type: message/rfc822",
                "Content-Transfer-Encoding: quoted-printable", "Date: Sat, 21 Nov 2026 19:30:00 +0100",
            ]
        ),
        st.text(max_size=80),
    ),
    max_size=30,
)  # fmt: skip


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_lines_are_a_mail(lines, end):
    check(read_mail(end.join(lines).encode("utf-8", "surrogatepass")))


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_hostile_texts_are_texts():
    for text in json.loads(CORPUS.read_text()):
        line = " ".join(str(text).split())
        raw = f"From: {line}\nTo: {line}\nSubject: {line}\nMessage-ID: {line}\n\n{text}"
        check(read_mail(raw.encode("utf-8", "surrogatepass")))
        check(read_mail(b"Content-Type: text/html\n\n" + str(text).encode("utf-8", "replace")))


@given(st.text(max_size=300), st.text(max_size=20))
def test_headers_and_charsets_never_fail(value, charset):
    assert "\n" not in decode_words(value)
    assert isinstance(decode_text(value.encode("utf-8", "replace"), charset), str)
    assert isinstance(html_to_text(value), str)


def check(mail):
    """Check that what was read can be stored, shown and sent on."""
    texts = [mail.message_id, mail.sender, mail.subject, mail.text, *mail.recipients]
    texts += [mail.sender_name, *mail.references, *(one.name for one in mail.attachments)]
    for text in texts:
        text.encode()
        assert "\0" not in text
    assert not mail.sender or mail.sender.count("@") == 1
    assert all(isinstance(one, Attachment) for one in mail.attachments)

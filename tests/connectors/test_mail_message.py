"""Mails as text: whatever fills them, they read as they were shown."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.errors import ConnectorFailed
from bot.connectors.mail_message import Mail, read_address, read_domain, read_subject, write_mail

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ADDRESS = read_address("desk@harbour.example")


def write(subject="Hello", text="Hello", recipients=(ADDRESS,)):
    mail = Mail(
        sender=ADDRESS, sender_name="Harbour", recipients=recipients, subject=subject, text=text
    )
    return write_mail(mail, key="k1", now=NOW)


@given(st.text(max_size=300), st.text(max_size=2_000))
def test_a_mail_has_its_own_headers_and_one_part_whatever_fills_it(subject, text):
    try:
        line = read_subject(subject)
    except ConnectorFailed:
        line = "Hello"
    content = write(line, text.encode("utf-8", "replace").decode())
    message = message_from_bytes(content, policy=policy.default)
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    assert len(message.keys()) == 9
    assert not message.is_multipart()
    assert all(len(one) <= 998 for one in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200
)


@given(WORDS)
def test_a_subject_arrives_letter_by_letter(words):
    try:
        subject = read_subject(words)
    except ConnectorFailed:
        return
    message = message_from_bytes(write(subject), policy=policy.default)
    assert message["Subject"] == subject
    # The same key and content are the same mail.
    assert message["Message-ID"] == message_from_bytes(write(subject))["Message-ID"]


@given(st.text(max_size=80))
def test_an_address_is_one_address_or_none(text):
    try:
        address = read_address(text)
    except ConnectorFailed:
        return
    assert address.text.count("@") == 1
    assert not set(address.text) & set(' ,;<>()\r\n"')


def test_many_recipients_are_listed_in_short_lines():
    addresses = tuple(read_address(f"{'x' * 60}{n}@supplier.example") for n in range(20))
    content = write(recipients=addresses)
    assert max(map(len, content.split(b"\r\n"))) < 998
    message = message_from_bytes(content, policy=policy.default)
    assert [one.addr_spec for one in message["To"].addresses] == [one.text for one in addresses]


def test_domains_are_compared_in_one_form():
    assert read_domain("MÜNCHEN.example") == read_address("x@münchen.EXAMPLE").domain
    with pytest.raises(ConnectorFailed, match="not a domain"):
        read_domain("supplier.example/evil")

"""Signals of mails: one conversation is one object, and automatic answers are none."""

import pytest

from bot.cases.signal import UNRECOGNISED
from bot.cases.source import Format, Source
from bot.desk.incoming_mail import Attachment, mail_of
from bot.desk.mail_signals import clean_subject, excerpt, reason_to_ignore, signal_of

SUPPORT = Source(name="support", format=Format.EMAIL)
FIRST = (
    ("From", "Ana Lima <ana@guest.example>"),
    ("To", "service@harbour.example"),
    ("Subject", "Warm wine at table 9"),
    ("Date", "Sat, 21 Nov 2026 19:30:00 +0100"),
    ("Message-ID", "<m1@guest.example>"),
)


def mail(*headers, text="The wine came warm.", **more):
    names = {name.lower() for name, _ in headers}
    kept = [pair for pair in FIRST if pair[0].lower() not in names]
    return mail_of([*kept, *headers], text=text, **more)


def test_a_mail_is_a_signal_with_what_people_need():
    signal = signal_of(mail(attachments=[Attachment("photo.jpg", 120_000)]), SUPPORT)
    assert (signal.source, signal.kind) == ("support", UNRECOGNISED)
    assert (signal.subject, signal.title) == ("mail:m1@guest.example", "Warm wine at table 9")
    assert f"{signal.occurred_at:%Y-%m-%d %H:%M}" == "2026-11-21 18:30"
    assert signal.facts == {
        "from": "ana@guest.example",
        "from_name": "Ana Lima",
        "to": "service@harbour.example",
        "mail_subject": "Warm wine at table 9",
        "mail_date": "2026-11-21",
        "text": "The wine came warm.",
        "attachments": "photo.jpg (121 kB)",
    }


def test_answers_are_of_the_same_object_and_count_once_more():
    first = signal_of(mail(), SUPPORT)
    answer = mail(
        ("Message-ID", "<m2@guest.example>"),
        ("In-Reply-To", "<m1@guest.example>"),
        ("Subject", "Re: [EXTERNAL] AW: Warm wine at table 9"),
    )
    second = signal_of(answer, SUPPORT)
    deeper = signal_of(
        mail(("Message-ID", "<m3@x>"), ("References", "<m1@guest.example> <m2@guest.example>")),
        SUPPORT,
    )
    assert first.fingerprint == second.fingerprint == deeper.fingerprint
    assert len({first.key, second.key, deeper.key}) == 3
    assert second.title == "Warm wine at table 9"


def test_a_second_copy_is_the_same_signal_and_another_mail_under_its_id_is_not():
    copy = signal_of(mail(("Received", "by another server")), SUPPORT)
    assert (copy.key, copy.body_checksum) == (
        signal_of(mail(), SUPPORT).key,
        signal_of(mail(), SUPPORT).body_checksum,
    )
    forged = signal_of(mail(text="Please pay me"), SUPPORT)
    assert forged.key != copy.key


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([("Auto-Submitted", "auto-replied")], "an automatic answer"),
        ([("Auto-Submitted", "auto-replied; vacation")], "an automatic answer"),
        ([("Precedence", "bulk")], "bulk mail"),
        ([("Precedence", "junk")], "bulk mail"),
        ([("X-Autoreply", "yes")], "an automatic answer"),
        ([("Subject", "Automatic reply: Warm wine")], "an automatic answer"),
        ([("Subject", "Out of office")], "an automatic answer"),
        (
            [("Auto-Submitted", "auto-generated"), ("Message-ID", "<cs.abc@harbour.example>")],
            "a mail of our own",
        ),
        # A monitor and a mailing list say something; so does a mail that did not arrive.
        ([("Auto-Submitted", "auto-generated")], ""),
        ([("Precedence", "list")], ""),
        (
            [
                ("Auto-Submitted", "auto-replied"),
                ("Content-Type", 'multipart/report; report-type="delivery-status"; boundary=x'),
            ],
            "",
        ),
        ([], ""),
    ],
)
def test_automatic_answers_are_left_out(headers, reason):
    assert reason_to_ignore(mail(*headers)) == reason


@pytest.mark.parametrize(
    ("subject", "clean"),
    [
        ("Re: RE: re[2]: Fwd: Table 9", "Table 9"),
        ("[EXTERNAL] WG: Table 9", "Table 9"),
        ("EXTERNAL: [External Sender] Table 9", "Table 9"),
        ("Antw: SV: Table 9", "Table 9"),
        ("Reservation for nine", "Reservation for nine"),
        ("[JIRA-12] Table 9", "[JIRA-12] Table 9"),
        ("Re:", ""),
    ],
)
def test_a_subject_loses_its_marks(subject, clean):
    assert clean_subject(subject) == clean


@pytest.mark.parametrize("subject", ["", "Re:", "12345", '{"a": 1}'])
def test_a_title_is_never_empty_nor_for_programs(subject):
    assert signal_of(mail(("Subject", subject)), SUPPORT).title == "The wine came warm."
    bare = mail_of([("Subject", subject)], text="")
    assert signal_of(bare, SUPPORT).title == "Mail from somebody unknown"


def test_secrets_are_removed_and_old_mails_left_out():
    text = "my card is 4242 4242 4242 4242, password: hunter2x9\n> quoted\n-----Original Message-----\nold"
    signal = signal_of(mail(("Subject", "token=abcdef123456"), text=text), SUPPORT)
    for secret in ("4242", "hunter2", "abcdef"):
        assert secret not in str(signal)
    assert excerpt("Hello\n> quoted\nworld") == "Hello\n\nworld"
    assert "old" not in signal.facts["text"]


def test_a_mail_without_an_id_is_known_by_what_it_says():
    bare = signal_of(mail_of([("From", "a@b.example")], text="Hello there"), SUPPORT)
    assert bare == signal_of(mail_of([("From", "a@b.example")], text="Hello there"), SUPPORT)
    assert bare.key != signal_of(mail_of([("From", "a@b.example")], text="Hello"), SUPPORT).key

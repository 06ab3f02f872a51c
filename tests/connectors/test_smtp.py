"""Mails as actions, through a real SMTP server and found again over real IMAP."""

import email
import socket
from dataclasses import replace
from datetime import timedelta
from email import policy

import pytest

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.plan import Idempotency
from bot.clock import boottime, time_limit
from bot.connectors.registry import build_connectors
from bot.ports.connector import EffectStatus
from knowledge.library.systems import read_systems
from tests.connectors.mail import HOST, IMAP_LOGIN, LOGIN, running_post_office
from tests.fakes.chat import FakeChat
from tests.servers import free_port

SECRETS = {**LOGIN, "IMAP_USER": IMAP_LOGIN[0], "IMAP_PASSWORD": IMAP_LOGIN[1]}
SYSTEMS = """
systems:
  mail:
    title: e-mail
    connector: smtp
    host: {host}
    port: {port}
    security: {security}
    ca_file: {ca_file}
    username_env: MAIL_USER
    password_env: MAIL_PASSWORD
    timeout: {timeout}
    sender: desk@harbour.example
    sender_name: Harbour & Vine
    domains: [supplier.example, münchen.example]
{sent}    actions:
      ask_supplier:
        parameters: {{to: text, supplier: text, number: text}}
        to: ["{{to}}"]
        subject: "Order number for invoice {{number}}"
        text: |
          Dear {{supplier}},
          your invoice {{number}} names no order.
          .
      tell_accounts:
        parameters: {{number: text}}
        to: [accounts@supplier.example, archive@supplier.example]
        subject: "{{number}}"
        text: "See {{number}}."
"""
SENT = """    sent_mailbox:
      host: localhost
      port: {port}
      security: starttls
      ca_file: {ca_file}
      username_env: IMAP_USER
      password_env: IMAP_PASSWORD
      complete: {complete}
"""
ASK = {"to": "anna@supplier.example", "supplier": "Anna & Söhne", "number": "R-17"}


@pytest.fixture
def connect(certificates, tmp_path):
    def build(port, *, sent="", dry_run=False, **changes):
        fields = {
            "host": HOST, "port": port, "security": "starttls", "timeout": "20s",
            "ca_file": certificates.authority, "sent": sent,
        }  # fmt: skip
        file = tmp_path / "systems.yml"
        file.write_text(SYSTEMS.format(**{**fields, **changes}))
        specs = read_systems(file)
        return build_connectors(
            specs, secrets=lambda name: SECRETS.get(name, ""), chat=FakeChat(), dry_run=dry_run
        )["mail"]

    return build


@pytest.fixture
def office(certificates):
    with running_post_office(certificates) as (office, port):
        office.port = port
        yield office


def test_a_mail_is_sent_as_it_was_shown(office, connect):
    mail = connect(office.port)
    action = mail.prepare("ask_supplier", ASK)
    text = "Dear Anna & Söhne,\nyour invoice R-17 names no order.\n.\n"
    assert action.precondition == {
        "mail_to": "anna@supplier.example",
        "mail_subject": "Order number for invoice R-17",
        "mail_text": text,
    }
    assert action.summary == "Write to anna@supplier.example: “Order number for invoice R-17”"
    assert action.preview.endswith(text)
    assert (action.target, action.reversible) == ("mail:anna@supplier.example", False)
    assert office.mails == []
    assert mail.execute(action, "k1") == "sent to anna@supplier.example"
    (message,) = office.mails
    assert office.envelopes == [("desk@harbour.example", ["anna@supplier.example"])]
    assert message["From"] == "Harbour & Vine <desk@harbour.example>"
    assert message["To"] == "anna@supplier.example"
    assert message["Subject"] == "Order number for invoice R-17"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == text
    assert office.logins == [(b"desk", b"s3cret")]


def test_a_key_has_one_message_id_so_a_repetition_is_recognised(office, connect):
    mail = connect(office.port)
    action = mail.prepare("ask_supplier", ASK)
    other = mail.prepare("ask_supplier", {**ASK, "number": "R-18"})
    for one, key in ((action, "k1"), (action, "k1"), (action, "k2"), (other, "k1")):
        mail.execute(one, key)
    ids = [message["Message-ID"] for message in office.mails]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert all(one.endswith("@harbour.example>") for one in ids)


def test_a_fixed_list_of_recipients_gets_one_mail(office, connect):
    mail = connect(office.port)
    mail.execute(mail.prepare("tell_accounts", {"number": "R-17"}), "k1")
    recipients = ["accounts@supplier.example", "archive@supplier.example"]
    assert office.envelopes == [("desk@harbour.example", recipients)]
    assert office.mails[0]["To"] == ", ".join(recipients)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to": "anna@other.example"}, "not among the domains"),
        ({"to": "anna@sub.supplier.example"}, "not among the domains"),
        ({"to": "anna@supplier.example.evil.example"}, "not among the domains"),
        ({"to": "anna@supplier.example, eve@evil.example"}, "not an e-mail address"),
        ({"to": "anna@supplier.example\nBcc: eve@evil.example"}, "not an e-mail address"),
        ({"to": "Eve <eve@evil.example> anna@supplier.example"}, "not an e-mail address"),
        ({"to": '"a@evil.example"@supplier.example'}, "not an e-mail address"),
        ({"to": "supplier.example"}, "not an e-mail address"),
        ({"number": "R-17\nBcc: eve@evil.example"}, "one line"),
        ({"number": "R-17\u2028Bcc: eve@evil.example"}, "one line"),
        ({"number": "R-17\x85Bcc: eve@evil.example"}, "one line"),
        ({"number": "R-17\r\nBcc: eve@evil.example"}, "number must be text"),
        ({"number": "x" * 301}, "1 to 300"),
        ({"number": ""}, "number is missing"),
    ],
)
def test_no_parameter_leads_a_mail_elsewhere(connect, changes, reason):
    with pytest.raises(ConnectorFailed, match=reason):
        connect(1).prepare("ask_supplier", {**ASK, **changes})


def test_long_lines_and_letters_of_any_language_arrive(office, connect):
    mail = connect(office.port)
    parameters = {
        "to": "anna@münchen.example",
        "supplier": "<b>山田</b> " + "x" * 490,
        "number": "Größe €4 – 山田 " * 12,
    }
    mail.execute(mail.prepare("ask_supplier", parameters), "k1")
    (message,) = office.mails
    assert office.envelopes[0][1] == ["anna@xn--mnchen-3ya.example"]
    assert message["Subject"] == f"Order number for invoice {parameters['number'].strip()}"
    assert f"Dear {parameters['supplier']}," in message.get_content()
    assert [part.get_content_type() for part in message.walk()] == ["text/plain"]
    raw = email.message_from_bytes(office.raw[0], policy=policy.default).as_bytes()
    assert max(len(line) for line in raw.split(b"\n")) < 998


def test_a_name_beyond_ascii_needs_a_server_that_knows_it(certificates, connect):
    parameters = {**ASK, "to": "søren@supplier.example"}
    with running_post_office(certificates, enable_SMTPUTF8=True) as (office, port):
        mail = connect(port)
        mail.execute(mail.prepare("ask_supplier", parameters), "k1")
        assert office.envelopes[0][1] == ["søren@supplier.example"]
    with running_post_office(certificates, enable_SMTPUTF8=False) as (office, port):
        mail = connect(port)
        with pytest.raises(ConnectorFailed, match="SMTPUTF8") as failure:
            mail.execute(mail.prepare("ask_supplier", parameters), "k1")
        assert (type(failure.value), office.mails) == (ConnectorFailed, [])


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA", "TEXT"])
def test_a_connection_that_drops_before_the_text_sends_nothing(office, connect, stage):
    mail = connect(office.port)
    office.fault = f"{stage}:drop"
    with pytest.raises(ConnectorFailed) as failure:
        mail.execute(mail.prepare("ask_supplier", ASK), "k1")
    # From the text on the client cannot know whether the server has all of it.
    expected = OutcomeUnknown if stage == "TEXT" else ConnectorFailed
    assert type(failure.value) is expected
    assert failure.value.retryable is (expected is ConnectorFailed)
    assert office.mails == []


def test_a_mail_that_was_not_confirmed_is_in_doubt_and_nobody_can_look(office, connect):
    mail = connect(office.port)
    action = mail.prepare("ask_supplier", ASK)
    assert action.idempotency is Idempotency.NONE
    office.fault = "CONFIRMATION:drop"
    with pytest.raises(OutcomeUnknown, match="did not confirm it"):
        mail.execute(action, "k1")
    assert len(office.mails) == 1
    assert mail.verify(action, "k1") is EffectStatus.UNKNOWN


@pytest.mark.parametrize("complete", [True, False])
def test_a_mail_in_doubt_is_looked_for_among_those_that_were_sent(
    office, connect, imap, certificates, complete
):
    office.sent = imap
    sent = SENT.format(
        port=imap.port, ca_file=certificates.authority, complete=str(complete).lower()
    )
    mail = connect(office.port, sent=sent)
    action = mail.prepare("ask_supplier", {**ASK, "number": f"R-{complete}"})
    assert action.idempotency is Idempotency.MARKER
    missing = EffectStatus.ABSENT if complete else EffectStatus.UNKNOWN
    assert mail.verify(action, "k1") is missing
    office.fault = "CONFIRMATION:drop"
    with pytest.raises(OutcomeUnknown):
        mail.execute(action, "k1")
    assert mail.verify(action, "k1") is EffectStatus.LANDED
    assert mail.verify(action, "k2") is missing
    with imap.client() as client:
        client.select_folder("Sent", readonly=True)
        assert client.search(["UNSEEN", "HEADER", "Message-ID", office.mails[0]["Message-ID"]])


def test_a_mailbox_that_is_away_proves_nothing(office, connect, certificates):
    sent = SENT.format(port=free_port(), ca_file=certificates.authority, complete="true")
    mail = connect(office.port, sent=sent)
    action = mail.prepare("ask_supplier", ASK)
    assert mail.verify(action, "k1") is EffectStatus.UNKNOWN


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "TEXT"])
@pytest.mark.parametrize("code", ["451 4.3.0 later", "550 5.1.1 no such user"])
def test_a_refusal_sends_nothing_and_says_whether_it_is_for_good(office, connect, stage, code):
    mail = connect(office.port)
    office.fault = f"{stage}:{code}"
    with pytest.raises(ConnectorFailed, match=f"refused the mail: {code}") as failure:
        mail.execute(mail.prepare("tell_accounts", {"number": "R-17"}), "k1")
    is_temporary = code.startswith("4")
    expected = ConnectorFailed if is_temporary else SystemRefused
    assert (type(failure.value), failure.value.retryable) == (expected, is_temporary)
    assert office.mails == []


def test_an_answer_that_says_nothing_leaves_a_doubt(office, connect):
    mail = connect(office.port)
    office.fault = "CONFIRMATION:354 go on"
    with pytest.raises(OutcomeUnknown, match="354"):
        mail.execute(mail.prepare("ask_supplier", ASK), "k1")


def test_a_server_that_hangs_is_given_up_within_the_limit(office, connect):
    mail = connect(office.port, timeout="1s")
    action = mail.prepare("ask_supplier", ASK)
    with time_limit(boottime() - 1), pytest.raises(ConnectorFailed) as failure:
        mail.execute(action, "k1")
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mail = connect(silent.getsockname()[1], timeout="300ms")
        with pytest.raises(ConnectorFailed, match="cannot be reached") as failure:
            mail.execute(action, "k1")
    assert (type(failure.value), failure.value.retryable) == (ConnectorFailed, True)
    assert mail.timeout == timedelta(milliseconds=300)


def test_a_certificate_of_somebody_else_gets_neither_login_nor_mail(certificates, connect):
    for security in ("starttls", "tls"):
        with running_post_office(
            certificates, security=security, certificate="elsewhere.example"
        ) as (office, port):
            mail = connect(port, security=security)
            with pytest.raises(ConnectorFailed, match="certificate of mail is not valid"):
                mail.execute(mail.prepare("ask_supplier", ASK), "k1")
            assert (office.logins, office.mails) == ([], [])


def test_an_authority_that_nobody_knows_is_not_trusted(office, connect):
    mail = connect(office.port, ca_file='""')
    with pytest.raises(ConnectorFailed, match="certificate of mail is not valid"):
        mail.execute(mail.prepare("ask_supplier", ASK), "k1")
    assert office.logins == []


def test_tls_from_the_first_byte_works_too(certificates, connect):
    with running_post_office(certificates, security="tls", auth_required=False) as (office, port):
        mail = connect(port, security="tls")
        mail.execute(mail.prepare("ask_supplier", ASK), "k1")
        assert len(office.mails) == 1


def test_a_server_without_starttls_gets_neither_login_nor_mail(certificates, connect):
    with running_post_office(certificates, security="none") as (office, port):
        mail = connect(port)
        with pytest.raises(ConnectorFailed, match="STARTTLS"):
            mail.execute(mail.prepare("ask_supplier", ASK), "k1")
        assert (office.logins, office.mails) == ([], [])


def test_a_wrong_password_sends_nothing(office, connect, monkeypatch):
    monkeypatch.setitem(SECRETS, "MAIL_PASSWORD", "wrong")
    mail = connect(office.port)
    with pytest.raises(ConnectorFailed, match="does not accept the login") as failure:
        mail.execute(mail.prepare("ask_supplier", ASK), "k1")
    assert (failure.value.retryable, office.mails) == (False, [])
    assert "wrong" not in str(failure.value)


def test_a_mail_whose_template_changed_since_it_was_approved_is_not_sent(office, connect):
    action = connect(office.port).prepare("ask_supplier", ASK)
    changed = replace(action, precondition={**action.precondition, "mail_text": "Dear all"})
    mail = connect(office.port)
    assert mail.precondition(action) == action.precondition
    with pytest.raises(WorldMoved, match="mail_text"):
        mail.execute(changed, "k1")
    with pytest.raises(WorldMoved, match="version 1 now, version 2 was approved"):
        mail.execute(replace(action, version=2), "k1")
    assert office.mails == []


def test_a_dry_run_shows_the_mail_and_sends_nothing(office, connect):
    mail = connect(office.port, dry_run=True)
    answer = mail.execute(mail.prepare("ask_supplier", ASK), "k1")
    assert answer.startswith("dry run, nothing changed; it would: anna@supplier.example gets")
    assert "your invoice R-17 names no order." in answer
    assert office.mails == []


def test_a_mail_is_never_taken_back_nor_asked_for_facts(connect):
    mail = connect(1)
    action = mail.prepare("ask_supplier", ASK)
    with pytest.raises(ConnectorFailed, match="cannot be taken back"):
        mail.undo(action, "k1", "undo:k1")
    with pytest.raises(ConnectorFailed, match="answers no questions"):
        mail.look_up("x", {}, 1)
    with pytest.raises(ConnectorFailed, match="has no action"):
        mail.prepare("shout", {})
    with pytest.raises(ConnectorFailed, match="approved whole"):
        mail.prepare("ask_supplier", ASK, {"number": "what step 1 tells"})

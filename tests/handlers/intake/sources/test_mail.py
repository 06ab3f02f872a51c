"""Mails as providers send them on: one signal each, whatever the form of the request."""

import base64
import json

import pytest

from bot.cases.source import Format, Source
from handlers.intake.authentication import Credentials
from tests.handlers.intake.deliveries import IntakeClient
from tests.world import World

MIME = (
    "From: Ana Lima <ana@guest.example>\r\nTo: service@harbour.example\r\n"
    "Subject: [EXTERNAL] Warm wine at table 9\r\nDate: Sat, 21 Nov 2026 19:30:00 +0100\r\n"
    "Message-ID: <m1@guest.example>\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe wine came warm.\r\n"
    "--b\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename=wine.jpg\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAAAAAAA\r\n--b--\r\n"
)
HEADERS = [
    {"name": "From", "value": "Ana Lima <ana@guest.example>"},
    {"name": "To", "value": "service@harbour.example"},
    {"name": "Subject", "value": "Warm wine at table 9"},
    {"name": "Date", "value": "Sat, 21 Nov 2026 19:30:00 +0100"},
    {"name": "Message-ID", "value": "<m1@guest.example>"},
]


def form(**fields):
    """Write a form with files; a pair is a file with its name."""
    lines = []
    for name, value in fields.items():
        name = name.replace("_", "-")
        if isinstance(value, tuple):
            file_name, value = value
            head = f'form-data; name="{name}"; filename="{file_name}"\r\nContent-Type: image/jpeg'
        else:
            head = f'form-data; name="{name}"'
        lines.append(f"--xyz\r\nContent-Disposition: {head}\r\n\r\n{value}\r\n")
    return ("".join(lines) + "--xyz--\r\n").encode()


def ses(content, **action):
    return {
        "notificationType": "Received",
        "mail": {"messageId": "o3vrnil0e2ic28tr", "headers": HEADERS},
        "receipt": {"action": {"type": "SNS", **action}},
        "content": content,
    }


def sns(message):
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:mails",
        "Subject": "Amazon SES Email Receipt Notification",
        "Message": json.dumps(message),
        "Timestamp": "2026-11-21T18:30:02.123Z",
    }


JSON, FORM = "application/json", "multipart/form-data; boundary=xyz"
MAILGUN_HEADERS = [[one["name"].title().replace("-Id", "-Id"), one["value"]] for one in HEADERS]
DELIVERIES = {
    "mime": (MIME.encode(), "message/rfc822"),
    "ses": (ses(MIME), JSON),
    "ses in base64": (ses(base64.b64encode(MIME.encode()).decode(), encoding="BASE64"), JSON),
    "sns": (sns(ses(MIME)), "text/plain; charset=UTF-8"),
    "mailgun mime": (form(recipient="service@harbour.example", body_mime=MIME), FORM),
    "mailgun fields": (
        form(
            recipient="service@harbour.example",
            sender="ana@guest.example",
            **{"from": "Ana Lima <ana@guest.example>"},
            subject="Warm wine at table 9",
            body_plain="The wine came warm.\r\n> old",
            stripped_text="The wine came warm.",
            message_headers=json.dumps(MAILGUN_HEADERS),
            attachment_count="1",
            attachment_1=("wine.jpg", "JFIF"),
        ),
        FORM,
    ),
    "postmark": (
        {
            "FromName": "Ana Lima",
            "From": "ana@guest.example",
            "FromFull": {"Email": "ana@guest.example", "Name": "Ana Lima", "MailboxHash": ""},
            "To": "service@harbour.example",
            "Subject": "Warm wine at table 9",
            "MessageID": "22c74902-a0c1-4511-804f-341342852c90",
            "Date": "Sat, 21 Nov 2026 19:30:00 +0100",
            "TextBody": "The wine came warm.",
            "HtmlBody": "<p>The wine came warm.</p>",
            "Headers": [{"Name": "Message-ID", "Value": "<m1@guest.example>"}],
            "Attachments": [
                {
                    "Name": "wine.jpg",
                    "Content": "AAAA",
                    "ContentType": "image/jpeg",
                    "ContentLength": 3,
                }
            ],
        },
        JSON,
    ),
    "sendgrid raw": (form(email=MIME, to="service@harbour.example", SPF="pass"), FORM),
    "sendgrid fields": (
        form(
            headers="".join(f"{one['name']}: {one['value']}\n" for one in HEADERS),
            to="service@harbour.example",
            **{"from": "Ana Lima <ana@guest.example>"},
            subject="Warm wine at table 9",
            text="The wine came warm.",
            html="<p>The wine came warm.</p>",
            attachments="1",
            attachment1=("wine.jpg", "JFIF"),
        ),
        FORM,
    ),
}


@pytest.fixture
def client(store):
    source = Source(name="support", format=Format.EMAIL)
    return IntakeClient(
        World(store),
        sources={"support": source},
        credentials={"support": Credentials(("t-mail",))},
    )


def deliver(client, content, content_type=JSON):
    return client.deliver(
        content,
        token="t-mail",
        path="/v1/webhooks/support",
        headers={"content-type": content_type},
    )


@pytest.mark.parametrize("name", DELIVERIES)
def test_every_provider_sends_the_same_mail(client, name):
    response = deliver(client, *DELIVERIES[name])
    assert response.status_code == 201, response.json()
    signal = client.store.cases.case(response.json()["case"]).signal
    assert (signal.title, signal.subject) == ("Warm wine at table 9", "mail:m1@guest.example")
    assert signal.kind == "unrecognised"
    facts = dict(signal.facts)
    assert facts.pop("attachments").startswith("wine.jpg")
    assert facts.pop("mail_subject").endswith("Warm wine at table 9")
    if name != "postmark":
        assert facts.pop("from_name") == "Ana Lima"
    assert facts == {
        "from": "ana@guest.example",
        "to": "service@harbour.example",
        "mail_date": "2026-11-21",
        "text": "The wine came warm.",
    }
    again = deliver(client, *DELIVERIES[name])
    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")


def test_a_reply_counts_on_the_case_of_its_thread(client):
    first = deliver(client, MIME.encode(), "message/rfc822").json()
    reply = MIME.replace("<m1@", "<m2@").replace(
        "Subject: ", "References: <m1@guest.example>\r\nSubject: Re: "
    )
    second = deliver(client, reply.encode(), "message/rfc822").json()
    assert (second["outcome"], second["case"]) == ("counted", first["case"])


def test_an_automatic_answer_is_left_out_and_counted(client):
    answer = MIME.replace("Subject: ", "Auto-Submitted: auto-replied\r\nSubject: ")
    response = deliver(client, answer.encode(), "message/rfc822")
    assert (response.status_code, response.json()["outcome"]) == (202, "ignored")
    (count,) = client.store.ignored_requests.list("support")
    assert (count.event, count.count) == ("an automatic answer", 1)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ({"hello": "world"}, JSON), ([1, 2], JSON), (b"\xff\xfe\x00", "message/rfc822"),
        (b"", "message/rfc822"), (b"no mail", "text/plain"), (form(email="x"), FORM),
        ({"Message": "{", "Type": "SubscriptionConfirmation", "SubscribeURL": "https://x.example"}, JSON),
        (ses(""), JSON), (ses("!!!"), JSON), ({"TextBody": 5, "Headers": 7, "Attachments": "x"}, JSON),
        (form(**{"from": "a", "subject": "b", "text": "", "message-headers": "[[1]]"}), FORM),
    ],
)  # fmt: skip
def test_what_is_no_mail_is_recorded_all_the_same(client, content, content_type):
    response = deliver(client, content, content_type)
    assert response.status_code == 201, response.json()
    assert client.store.cases.case(response.json()["case"]).signal.title


def test_a_mail_of_five_megabytes_is_taken_and_most_of_its_files_is_not_kept(client):
    large = MIME.replace("AAAAAAAA", "\r\n".join(["A" * 76] * 62_000))
    assert len(large) > 4_500_000
    response = deliver(client, large.encode(), "message/rfc822")
    assert response.status_code == 201
    case = client.store.cases.case(response.json()["case"])
    assert case.signal.facts["attachments"].startswith("wine.jpg (35")
    assert deliver(client, b"x" * 9_000_000, "message/rfc822").status_code == 413

"""Senders as their documentation describes them, and requests that they sign.

``PUBLISHED`` has the vectors that a sender publishes: secret, body and signature are theirs. For
the others a signature is made here, by RFC 2104 as it is written and without the library that the
intake uses.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from bot.cases.verification import Algorithm, Encoding, Scheme, Verification
from handlers.intake.request_head import RequestHead
from handlers.intake.signature import SignedRequest, verify_signature

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECONDS = str(int(NOW.timestamp()))
MILLISECONDS = SECONDS + "000"
ISO = "2026-11-21T09:30:00Z"
BODY = b'{"id": "evt_1", "type": "invoice.payment_failed", "amount": 4200}'
URL = "https://desk.example.com/v1/webhooks/sender"
BLOCK_BYTES = {"sha1": 64, "sha256": 64, "sha512": 128}


def mac(key: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    """Compute an HMAC by the definition of RFC 2104."""
    block = BLOCK_BYTES[algorithm]
    if len(key) > block:
        key = hashlib.new(algorithm, key).digest()
    key = key.ljust(block, b"\0")
    inner = hashlib.new(algorithm, bytes(byte ^ 0x36 for byte in key) + message).digest()
    return hashlib.new(algorithm, bytes(byte ^ 0x5C for byte in key) + inner).digest()


def hex_mac(key: bytes, message: bytes, algorithm: str = "sha256") -> str:
    return mac(key, message, algorithm).hex()


def base64_mac(key: bytes, message: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(mac(key, message, algorithm)).decode()


@dataclass(frozen=True)
class Sent:
    """A request as it is sent."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = BODY
    url: str = URL
    method: str = "POST"

    def signed_request(self, more_headers: tuple[tuple[str, str], ...] = ()) -> SignedRequest:
        """Return it as it is received; ``more_headers`` may repeat a header."""
        pairs = [*self.headers.items(), *more_headers]
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
        address, _, query = self.url.partition("?")
        head = RequestHead(
            method=self.method,
            path="/" + address.split("/", 3)[3] if address.count("/") > 2 else "/",
            query_string=query,
            url=self.url,
            headers=Headers(raw=raw),
            peer="192.0.2.7",
            source_name="sender",
        )
        return SignedRequest(head, self.body)

    def with_header(self, name: str, value: str) -> "Sent":
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True)
class Sender:
    """A product, how it is verified, and how it signs."""

    name: str
    verification: Verification
    #: Make a request with this secret at this time.
    send: Callable[[str, bytes], Sent]
    secret: str = "a secret of the sender"
    body: bytes = BODY

    def sent(self, secret: str = "", body: bytes | None = None) -> Sent:
        return self.send(secret or self.secret, self.body if body is None else body)

    def accepts(self, sent: Sent, *, secrets: tuple[str, ...] | None = None, now=NOW, more=()):
        """Tell whether the intake accepts a request in the name of this sender."""
        proof = verify_signature(
            self.verification,
            (self.secret,) if secrets is None else secrets,
            sent.signed_request(more),
            now=now,
            each="body.items" if "item." in self.verification.content else "",
        )
        return proof is not None


def hmac_scheme(header: str = "", **fields) -> Verification:
    return Verification(scheme=Scheme.HMAC, header=header, **fields)


def plain(name: str, header: str, *, prefix: str = "", encoding: str = "hex", algorithm="sha256"):
    """Return a sender that signs the body and nothing else."""
    compute = hex_mac if encoding == "hex" else base64_mac
    verification = hmac_scheme(
        header, prefix=prefix, encoding=Encoding(encoding), algorithm=Algorithm(algorithm)
    )
    return Sender(
        name,
        verification,
        lambda secret, body: Sent(
            {header: prefix + compute(secret.encode(), body, algorithm)}, body
        ),
    )


def stripe(secret: str, body: bytes) -> Sent:
    signature = hex_mac(secret.encode(), f"{SECONDS}.".encode() + body)
    return Sent({"Stripe-Signature": f"t={SECONDS},v0={'0' * 64},v1={signature}"}, body)


def slack(secret: str, body: bytes) -> Sent:
    signature = hex_mac(secret.encode(), f"v0:{SECONDS}:".encode() + body)
    headers = {"X-Slack-Request-Timestamp": SECONDS, "X-Slack-Signature": f"v0={signature}"}
    return Sent(headers, body)


def zendesk(secret: str, body: bytes) -> Sent:
    signature = base64_mac(secret.encode(), ISO.encode() + body)
    headers = {
        "X-Zendesk-Webhook-Signature": signature,
        "X-Zendesk-Webhook-Signature-Timestamp": ISO,
    }
    return Sent(headers, body)


def pagerduty(secret: str, body: bytes) -> Sent:
    old, new = hex_mac(b"the old one", body), hex_mac(secret.encode(), body)
    return Sent({"X-PagerDuty-Signature": f"v1={old},v1={new}"}, body)


def hubspot(secret: str, body: bytes) -> Sent:
    message = b"POST" + URL.encode() + body + MILLISECONDS.encode()
    headers = {
        "X-HubSpot-Signature-v3": base64_mac(secret.encode(), message),
        "X-HubSpot-Request-Timestamp": MILLISECONDS,
    }
    return Sent(headers, body)


def square(secret: str, body: bytes) -> Sent:
    signature = base64_mac(secret.encode(), URL.encode() + body)
    return Sent({"x-square-hmacsha256-signature": signature}, body)


def twilio(secret: str, body: bytes) -> Sent:
    url = URL + "?foo=1&bar=2"
    pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    message = url + "".join(name + value for name, value in pairs)
    return Sent({"X-Twilio-Signature": base64_mac(secret.encode(), message.encode(), "sha1")},
                body, url)  # fmt: skip


def paddle(secret: str, body: bytes) -> Sent:
    signature = hex_mac(secret.encode(), f"{SECONDS}:".encode() + body)
    return Sent({"Paddle-Signature": f"ts={SECONDS};h1={signature}"}, body)


def calendly(secret: str, body: bytes) -> Sent:
    signature = hex_mac(secret.encode(), f"{SECONDS}.".encode() + body)
    return Sent({"Calendly-Webhook-Signature": f"t={SECONDS},v1={signature}"}, body)


def linear(secret: str, body: bytes) -> Sent:
    return Sent({"Linear-Signature": hex_mac(secret.encode(), body)}, body)


def close(secret: str, body: bytes) -> Sent:
    signature = hex_mac(bytes.fromhex(secret), SECONDS.encode() + body)
    return Sent({"close-sig-hash": signature, "close-sig-timestamp": SECONDS}, body)


def bamboohr(secret: str, body: bytes) -> Sent:
    signature = hex_mac(secret.encode(), body + SECONDS.encode())
    headers = {"X-BambooHR-Signature": signature, "X-BambooHR-Timestamp": SECONDS}
    return Sent(headers, body)


def trello(secret: str, body: bytes) -> Sent:
    signature = base64_mac(secret.encode(), body + URL.encode(), "sha1")
    return Sent({"X-Trello-Webhook": signature}, body)


def airtable(secret: str, body: bytes) -> Sent:
    signature = hex_mac(base64.b64decode(secret), body)
    return Sent({"X-Airtable-Content-MAC": f"hmac-sha256={signature}"}, body)


SENDERS = [
    plain("github", "X-Hub-Signature-256", prefix="sha256="),
    plain("shopify", "X-Shopify-Hmac-Sha256", encoding="base64"),
    plain("woocommerce", "X-WC-Webhook-Signature", encoding="base64"),
    plain("sentry", "Sentry-Hook-Signature"),
    plain("intercom", "X-Hub-Signature", prefix="sha1=", algorithm="sha1"),
    plain("bitbucket", "X-Hub-Signature", prefix="sha256="),
    plain("typeform", "Typeform-Signature", prefix="sha256=", encoding="base64"),
    plain("xero", "x-xero-signature", encoding="base64"),
    plain("quickbooks", "intuit-signature", encoding="base64"),
    plain("docusign", "X-DocuSign-Signature-1", encoding="base64"),
    plain("easypost", "X-Hmac-Signature", prefix="hmac-sha256-hex="),
    plain("aftership", "aftership-hmac-sha256", encoding="base64"),
    plain("gocardless", "Webhook-Signature"),
    plain("terraform_cloud", "X-TFE-Notification-Signature", algorithm="sha512"),
    plain("vercel", "x-vercel-signature", algorithm="sha1"),
    plain("dbt_cloud", "Authorization"),
    Sender(
        "stripe",
        hmac_scheme(
            "Stripe-Signature", field="v1", timestamp="field:t", content="{timestamp}.{body}"
        ),
        stripe,
    ),
    Sender(
        "slack",
        hmac_scheme(
            "X-Slack-Signature",
            prefix="v0=",
            timestamp="header:X-Slack-Request-Timestamp",
            content="v0:{timestamp}:{body}",
        ),
        slack,
    ),
    Sender(
        "zendesk",
        hmac_scheme(
            "X-Zendesk-Webhook-Signature",
            encoding=Encoding.BASE64,
            timestamp="header:X-Zendesk-Webhook-Signature-Timestamp",
            content="{timestamp}{body}",
        ),
        zendesk,
    ),
    Sender("pagerduty", hmac_scheme("X-PagerDuty-Signature", field="v1"), pagerduty),
    Sender(
        "hubspot",
        hmac_scheme(
            "X-HubSpot-Signature-v3",
            encoding=Encoding.BASE64,
            timestamp="header:X-HubSpot-Request-Timestamp",
            content="{method}{url}{body}{timestamp}",
        ),
        hubspot,
    ),
    Sender(
        "square",
        hmac_scheme(
            "x-square-hmacsha256-signature", encoding=Encoding.BASE64, content="{url}{body}"
        ),
        square,
    ),
    Sender(
        "twilio",
        hmac_scheme(
            "X-Twilio-Signature",
            algorithm=Algorithm.SHA1,
            encoding=Encoding.BASE64,
            content="{url}{params}",
        ),
        twilio,
        body=b"CallSid=CA1&From=%2B14158675310&Digits=1234&To=%2B18005551212",
    ),
    Sender(
        "paddle",
        hmac_scheme(
            "Paddle-Signature", field="h1", timestamp="field:ts", content="{timestamp}:{body}"
        ),
        paddle,
    ),
    Sender(
        "calendly",
        hmac_scheme(
            "Calendly-Webhook-Signature",
            field="v1",
            timestamp="field:t",
            content="{timestamp}.{body}",
        ),
        calendly,
    ),
    Sender(
        "linear",
        hmac_scheme("Linear-Signature", timestamp="body:webhookTimestamp", tolerance=60),
        linear,
        body=b'{"action": "create", "webhookTimestamp": ' + MILLISECONDS.encode() + b"}",
    ),
    Sender(
        "close",
        hmac_scheme(
            "close-sig-hash",
            secret_encoding=Encoding.HEX,
            timestamp="header:close-sig-timestamp",
            content="{timestamp}{body}",
        ),
        close,
        secret="bfbaa7dec7f2a2b0cee18e2f2ad8c5c2",
    ),
    Sender(
        "bamboohr",
        hmac_scheme(
            "X-BambooHR-Signature",
            timestamp="header:X-BambooHR-Timestamp",
            content="{body}{timestamp}",
        ),
        bamboohr,
    ),
    Sender(
        "trello",
        hmac_scheme(
            "X-Trello-Webhook",
            algorithm=Algorithm.SHA1,
            encoding=Encoding.BASE64,
            content="{body}{url}",
        ),
        trello,
    ),
    Sender(
        "airtable",
        hmac_scheme(
            "X-Airtable-Content-MAC", prefix="hmac-sha256=", secret_encoding=Encoding.BASE64
        ),
        airtable,
        secret=base64.b64encode(b"the key of airtable").decode(),
    ),
]
BY_NAME = {sender.name: sender for sender in SENDERS}
TIMED = [sender for sender in SENDERS if sender.verification.timestamp]


@dataclass(frozen=True)
class Vector:
    """A request that a sender publishes, with its signature."""

    name: str
    verification: Verification
    secret: str
    sent: Sent
    at: datetime = NOW


_SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
    b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
    b".803a0bc887a14d10d2c447fce8b6703c"
)
_SQUARE_BODY = (
    b'{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification",'
    b'"event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f",'
    b'"created_at":"2022-07-13T20:30:59.037339943Z",'
    b'"data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
)
_ADYEN_BODY = b"""{"items": [{"pspReference": "7914073381342284", "originalReference": "",
"merchantAccountCode": "TestMerchant", "merchantReference": "TestPayment-1407325143704",
"amount": {"value": 1130, "currency": "EUR"}, "eventCode": "AUTHORISATION", "success": "true",
"additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="}}]}"""
ADYEN = hmac_scheme(
    signature="item.additionalData.hmacSignature",
    encoding=Encoding.BASE64,
    secret_encoding=Encoding.HEX,
    content=(
        "{item.pspReference}:{item.originalReference}:{item.merchantAccountCode}"
        ":{item.merchantReference}:{item.amount.value}:{item.amount.currency}"
        ":{item.eventCode}:{item.success}"
    ),
)


def circleci(secret: str, body: bytes, signature: str) -> Vector:
    verification = hmac_scheme("circleci-signature", field="v1")
    return Vector("circleci", verification, secret, Sent({"circleci-signature": signature}, body))


PUBLISHED = [
    Vector(
        "github",
        BY_NAME["github"].verification,
        "It's a Secret to Everybody",
        Sent(
            {
                "X-Hub-Signature-256": "sha256="
                "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
            },
            b"Hello, World!",
        ),
    ),
    Vector(
        "slack",
        BY_NAME["slack"].verification,
        "8f742231b10e8888abcd99yyyzzz85a5",
        Sent(
            {
                "X-Slack-Request-Timestamp": "1531420618",
                "X-Slack-Signature": "v0="
                "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            },
            _SLACK_BODY,
        ),
        datetime.fromtimestamp(1531420618, UTC),
    ),
    Vector(
        "twilio",
        BY_NAME["twilio"].verification,
        "12345",
        Sent(
            {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
            b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234"
            b"&From=%2B14158675309&To=%2B18005551212",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
        ),
    ),
    Vector(
        "square",
        BY_NAME["square"].verification,
        "Ibxx_5AKakO-3qeNVR61Dw",
        Sent(
            {"x-square-hmacsha256-signature": "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="},
            _SQUARE_BODY,
            "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9",
        ),
    ),
    Vector(
        "adyen",
        ADYEN,
        "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
        Sent({}, _ADYEN_BODY),
    ),
    circleci(
        "secret",
        b"hello world",
        "v1=734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a",
    ),
    circleci(
        "another-secret",
        b"lalala",
        "v1=daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00",
    ),
    circleci(
        "hunter123",
        b"an-important-request-payload",
        "v1=9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa",
    ),
]

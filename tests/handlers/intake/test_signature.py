"""Signatures: what each sender signs is accepted, and nothing that differs from it is."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.verification import Algorithm, Encoding, Scheme, Verification
from handlers.intake.signature import read_signed_time, verify_signature
from tests.handlers.intake.senders import (
    ADYEN,
    BODY,
    BY_NAME,
    NOW,
    PUBLISHED,
    SECONDS,
    SENDERS,
    TIMED,
    Sent,
    base64_mac,
    hex_mac,
    hmac_scheme,
)


def named(senders):
    return pytest.mark.parametrize("sender", senders, ids=lambda sender: sender.name)


def flipped(text: str, index: int = -3) -> str:
    """Return the text with another letter or digit in one place."""
    letter = text[index]
    other = "0" if letter != "0" else "1"
    changed = list(text)
    changed[index] = other
    return "".join(changed)


def check(vector, sent=None, *, secret="", at=None):
    return verify_signature(
        vector.verification,
        [secret or vector.secret],
        (sent or vector.sent).signed_request(),
        now=at or vector.at,
        each="body.items",
    )


# --- vectors that senders publish -------------------------------------------------------------


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: vector.name)
def test_what_a_sender_publishes_is_accepted_and_its_twins_are_not(vector):
    assert check(vector)
    assert not check(vector, secret=flipped(vector.secret))
    truncated = replace(vector.sent, body=vector.sent.body[:-1])
    assert not check(vector, truncated)
    other = replace(vector.sent, body=vector.sent.body.replace(vector.sent.body[5:7], b"3", 1))
    assert not check(vector, other)
    for name, value in vector.sent.headers.items():
        assert not check(vector, vector.sent.with_header(name, flipped(value)))
    if vector.verification.timestamp:
        for seconds in (-301, 301):
            assert not check(vector, at=vector.at + timedelta(seconds=seconds))


# --- every sender, and ten ways to forge it ---------------------------------------------------


@named(SENDERS)
def test_a_genuine_request_is_accepted(sender):
    assert sender.accepts(sender.sent())


@named(SENDERS)
def test_two_secrets_are_valid_while_one_is_changed(sender):
    old = sender.secret
    new = base64.b64encode(bytes.fromhex("00ff" * 8)).decode()
    if sender.verification.secret_encoding is Encoding.HEX:
        new = "00ff" * 8
    for secret in (old, new):
        assert sender.accepts(sender.sent(secret), secrets=(new, old))
    assert not sender.accepts(sender.sent(old), secrets=(new,))


@pytest.mark.threat("C9")
@named(SENDERS)
def test_another_body_is_refused(sender):
    sent = sender.sent()
    bodies = [
        sent.body[:-1],
        sent.body + b" ",
        sent.body + b"&extra=1",
        b" " + sent.body,
        b"",
        sent.body.replace(b"1", b"2", 1),
        # The same JSON in another spelling: what is signed is the text, not its meaning.
        sent.body.replace(b": ", b":").replace(b"&", b"%26"),
    ]
    for body in bodies:
        assert not sender.accepts(replace(sent, body=body)), body


@pytest.mark.threat("C9")
@named(SENDERS)
def test_without_the_secret_nothing_is_signed(sender):
    for secrets in ((), ("",), ("", "")):
        assert not sender.accepts(sender.sent(), secrets=secrets)
        # An empty key signs too, and everybody has it.
        assert not sender.accepts(sender.send("", sender.body), secrets=secrets)


@pytest.mark.threat("C9")
@named(SENDERS)
def test_a_signature_that_is_written_otherwise_is_refused(sender):
    sent = sender.sent()
    header = sender.verification.header
    value = sent.headers[header]
    prefix = sender.verification.prefix
    bare = value[len(prefix) :]
    forgeries = [
        "",
        value[:-1],
        value[: len(value) // 2],
        value + "0",
        value + "=",
        f"{prefix}{prefix}{bare}",
        f"{value}\u00e9",
        value.replace("=", "\u00bd"),
        re_encoded(sender, bare),
    ]
    if not sender.verification.field:
        forgeries += [f"{value},{value}", f"{value}, x", f"x,{value}", f"x{value}"]
    if prefix:
        forgeries += [bare, prefix, f"sha512={bare}", f"none={bare}", prefix.upper() + bare]
    if sender.verification.encoding is Encoding.BASE64:
        forgeries += [f"{prefix}{bare.rstrip('=')}", f"{prefix} {bare}"]
    for forgery in forgeries:
        if forgery != value:
            assert not sender.accepts(sent.with_header(header, forgery)), forgery


def re_encoded(sender, bare):
    """Return the signature in the other encoding."""
    if sender.verification.field:
        return bare.replace("v1=", "v1=\\x").replace("h1=", "h1=\\x")
    if sender.verification.encoding is Encoding.BASE64:
        return sender.verification.prefix + base64.b64decode(bare).hex()
    return sender.verification.prefix + base64.b64encode(bytes.fromhex(bare)).decode()


@pytest.mark.threat("C9")
@named(SENDERS)
def test_a_header_that_is_missing_or_there_twice_is_refused(sender):
    sent = sender.sent()
    for name, value in sent.headers.items():
        others = {other: text for other, text in sent.headers.items() if other != name}
        assert not sender.accepts(replace(sent, headers=others))
        assert not sender.accepts(sent, more=((name, value),))
        assert not sender.accepts(sent, more=((name.lower(), "x"),))


@pytest.mark.threat("C9")
@named(SENDERS)
def test_another_algorithm_or_secret_is_refused(sender):
    for algorithm in Algorithm:
        if algorithm is not sender.verification.algorithm:
            other = replace(sender, verification=replace(sender.verification, algorithm=algorithm))
            assert not other.accepts(sender.sent())
    other_secret = "ab" * 16 if sender.name == "close" else "YW5vdGhlciBzb3VyY2U="
    assert not sender.accepts(sender.sent(other_secret))


@pytest.mark.threat("C9")
@named(TIMED)
def test_a_request_is_not_valid_outside_its_time(sender):
    sent = sender.sent()
    tolerance = sender.verification.tolerance
    for seconds in (-tolerance, 0, tolerance):
        assert sender.accepts(sent, now=NOW + timedelta(seconds=seconds))
    for seconds in (-tolerance - 1, tolerance + 1, 86_400 * 365):
        assert not sender.accepts(sent, now=NOW + timedelta(seconds=seconds))


@pytest.mark.threat("C9")
@named([sender for sender in TIMED if not sender.verification.timestamp.startswith("body")])
def test_an_old_request_with_a_new_time_is_refused(sender):
    sent = sender.sent()
    later = NOW + timedelta(days=1)
    texts = [str(int(later.timestamp())), f"{int(later.timestamp())}000", "2026-11-22T09:30:00Z"]
    for text in texts:
        headers = {
            name: value.replace("2026-11-21T09:30:00Z", text).replace(SECONDS, text)
            for name, value in sent.headers.items()
        }
        assert not sender.accepts(replace(sent, headers=headers), now=later)
    for text in ("", "soon", "-1", "1e9", "٢٠٢٦" * 3, SECONDS[:-1], "9" * 400, "²" * 10):
        for name, value in sent.headers.items():
            if SECONDS in value:
                forged = sent.with_header(
                    name, value.replace(SECONDS, text).encode("latin-1", "ignore").decode("latin-1")
                )
                assert not sender.accepts(forged), text


# --- any bit ----------------------------------------------------------------------------------


def flip_bit(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.threat("C9")
@settings(max_examples=150, deadline=None)
@given(
    sender=st.sampled_from(SENDERS),
    part=st.sampled_from(["body", "secret", "header"]),
    bit=st.integers(0, 4095),
    data=st.data(),
)
def test_any_flipped_bit_is_refused(sender, part, bit, data):
    sent = sender.sent()
    if part == "body":
        assert not sender.accepts(replace(sent, body=flip_bit(sent.body, bit)))
        return
    if part == "secret":
        secret = flip_bit(sender.secret.encode(), bit).decode("latin-1")
        is_same_key = secret.lower() == sender.secret.lower()
        if not (is_same_key and sender.verification.secret_encoding is Encoding.HEX):
            assert not sender.accepts(sent, secrets=(secret,)) or is_same_base64(secret, sender)
        return
    name = data.draw(st.sampled_from(sorted(sent.headers)))
    value = sent.headers[name]
    changed = flip_bit(value.encode(), bit).decode("latin-1")
    # Capital digits are the same signature; Stripe's v0 and PagerDuty's old signature are not ours.
    if changed.lower() != value.lower() and sender.name not in {"stripe", "pagerduty"}:
        assert not sender.accepts(sent.with_header(name, changed))


def is_same_base64(secret, sender):
    """Tell whether two texts stand for one key: the last bits of base64 may be unused."""
    try:
        return base64.b64decode(secret) == base64.b64decode(sender.secret)
    except ValueError:
        return False


# --- what a signature covers ------------------------------------------------------------------


def test_a_proof_says_what_is_signed():
    def proof(name):
        sender = BY_NAME[name]
        request = sender.sent().signed_request()
        return verify_signature(sender.verification, [sender.secret], request, now=NOW)

    github, slack, square = proof("github"), proof("slack"), proof("square")
    assert (github.covers_body, github.covers_query, github.message_id) == (True, False, "")
    assert not github.covers_header("x_github_delivery")
    assert slack.covers_header("x_slack_request_timestamp")
    assert square.covers_query


def test_an_id_that_is_signed_is_the_message():
    verification = hmac_scheme(
        "X-Signature",
        message_id="header:X-Id",
        timestamp="header:X-Time",
        content="{id}.{timestamp}.{body}",
    )
    signature = hex_mac(b"k", b"msg_1." + SECONDS.encode() + b"." + BODY)
    sent = Sent({"X-Signature": signature, "X-Id": "msg_1", "X-Time": SECONDS})
    proof = verify_signature(verification, ["k"], sent.signed_request(), now=NOW)
    assert proof.message_id == "msg_1"
    assert proof.signed_headers == {"x_id", "x_time"}
    moved = f"msg_1.{SECONDS}"
    for headers in ({"X-Id": moved}, {"X-Id": "msg_2"}, {"X-Id": ""}, {"X-Id": "msg 1"}):
        forged = replace(sent, headers={**sent.headers, **headers})
        assert not verify_signature(verification, ["k"], forged.signed_request(), now=NOW)


# --- signatures in the body -------------------------------------------------------------------

MAILGUN = hmac_scheme(
    signature="body.signature.signature",
    content="{body.signature.timestamp}{body.signature.token}",
    timestamp="body:signature.timestamp",
    message_id="body:signature.token",
)


def mailgun(token="ab12" * 10, timestamp=SECONDS, signature="", **event):
    signature = signature or hex_mac(b"key", f"{timestamp}{token}".encode())
    part = {"timestamp": timestamp, "token": token, "signature": signature}
    return Sent({}, json.dumps({"signature": part, "event-data": event}).encode())


def test_mailgun_signs_a_time_and_a_token_and_so_the_token_is_the_message():
    def verified(sent, at=NOW):
        return verify_signature(MAILGUN, ["key"], sent.signed_request(), now=at)

    proof = verified(mailgun(event="failed"))
    assert (proof.covers_body, proof.message_id) == (False, "ab12" * 10)
    assert verified(mailgun(), NOW + timedelta(seconds=301)) is None
    for forged in (
        mailgun(signature="00" * 32),
        mailgun(signature=["00" * 32]),
        mailgun(token="other", signature=hex_mac(b"key", SECONDS.encode() + b"ab12" * 10)),
        mailgun(token=""),
        mailgun(token={"a": 1}),
        Sent({}, b"[]"),
        Sent({}, b'{"signature": null}'),
        Sent({}, b"text"),
    ):
        assert verified(forged) is None


def adyen_item(key=bytes(16), **changes):
    item = {
        "pspReference": "P1",
        "merchantAccountCode": "Shop",
        "merchantReference": "R1",
        "amount": {"value": 1130, "currency": "EUR"},
        "eventCode": "CHARGEBACK",
        "success": "true",
    }
    message = b"P1::Shop:R1:1130:EUR:CHARGEBACK:true"
    return {**item, "additionalData": {"hmacSignature": base64_mac(key, message)}, **changes}


def test_each_item_of_a_body_must_be_signed():
    def verified(*items):
        sent = Sent({}, json.dumps({"items": items}).encode()).signed_request()
        return verify_signature(ADYEN, ["00" * 16], sent, now=NOW, each="body.items")

    proof = verified(adyen_item(), adyen_item())
    assert proof is not None
    assert not proof.covers_body
    assert verified() is None
    assert verified(adyen_item(), {}) is None
    assert verified(adyen_item(), adyen_item(eventCode="REFUND")) is None
    assert verified(adyen_item(amount={"value": 1, "currency": "EUR"})) is None
    assert verified(adyen_item(pspReference={"a": 1})) is None
    assert verified(*[adyen_item()] * 501) is None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["signature", "timestamp", "token", "items"]), inner)
    ),
    max_leaves=8,
)


@pytest.mark.threat("C9")
@settings(max_examples=100, deadline=None)
@given(value=ANY_JSON, item=ANY_JSON)
def test_whatever_a_body_says_of_its_signature_is_a_no(value, item):
    mailgun_body = {"signature": value, "event-data": {}}
    adyen_body = {"items": [{**adyen_item(), "pspReference": item}, value]}
    lone = {"items": [adyen_item(pspReference="\ud800")]}
    for verification, content in ((MAILGUN, mailgun_body), (ADYEN, adyen_body), (ADYEN, lone)):
        sent = Sent({}, json.dumps(content).encode()).signed_request()
        assert not verify_signature(verification, ["00" * 16], sent, now=NOW, each="body.items")


# --- forms ------------------------------------------------------------------------------------


def test_twilio_signs_no_json():
    # Without a form there would be nothing but the address under the signature.
    sender = BY_NAME["twilio"]
    url = sender.sent().url
    signature = base64_mac(sender.secret.encode(), url.encode(), "sha1")
    sent = Sent({"X-Twilio-Signature": signature}, b'{"a": 1}', url)
    assert not sender.accepts(sent)
    assert sender.accepts(replace(sent, body=b""))


def test_a_repeated_parameter_is_signed_once_for_each_value():
    sender = BY_NAME["twilio"]
    url = "https://desk.example.com/hook"
    message = url + "MediaUrl" + "a" + "MediaUrl" + "b"
    signature = base64_mac(sender.secret.encode(), message.encode(), "sha1")
    sent = Sent({"X-Twilio-Signature": signature}, b"MediaUrl=b&MediaUrl=a&MediaUrl=b", url)
    assert sender.accepts(sent)


# --- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        SECONDS,
        SECONDS + "000",
        SECONDS + "000000",
        SECONDS + "000000000",
        "2026-11-21T09:30:00Z",
        "2026-11-21T09:30:00.000Z",
        "2026-11-21T10:30:00+01:00",
        "2026-11-21t09:30:00z",
    ],
)
def test_a_time_is_read_in_any_unit(text):
    assert read_signed_time(text) == NOW


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "9" * 20,
        "2026-11-21",
        "2026-11-21T09:30:00",
        "2026-13-41T99:30:00Z",
        "١٧٦٣٧١٧٤٠٠",
        f" {SECONDS}",
        f"{SECONDS}\n",
        f"+{SECONDS}",
        "0x69203d80",
        "1_763_717_400",
    ],
)
def test_what_is_no_time_is_none(text):
    assert read_signed_time(text) is None


def test_more_signatures_than_anybody_has_secrets_are_not_compared():
    sender = BY_NAME["pagerduty"]
    signature = sender.sent().headers["X-PagerDuty-Signature"].split(",")[1]
    many = ",".join([*["v1=" + "0" * 64] * 8, signature])
    assert not sender.accepts(Sent({"X-PagerDuty-Signature": many}))
    assert sender.accepts(Sent({"X-PagerDuty-Signature": f"v0=1, {signature}, x"}))


def test_a_secret_in_another_encoding_verifies_nothing():
    verification = Verification(scheme=Scheme.HMAC, header="X", secret_encoding=Encoding.HEX)
    sent = Sent({"X": hex_mac(b"no hex", BODY)})
    assert not verify_signature(verification, ["no hex"], sent.signed_request(), now=NOW)

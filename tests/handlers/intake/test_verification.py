"""Every scheme but the signatures: what proves a sender, and what does not."""

import base64
from datetime import timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from bot.cases.verification import Scheme, Verification
from handlers.intake.request_head import RequestHead
from handlers.intake.signature import SignedRequest
from handlers.intake.verification import verify
from tests.handlers.intake.senders import NOW, base64_mac

SECRET = "s3cret-of-the-source"
PROXIES = (ip_network("10.1.0.0/16"), ip_network("2001:db8::/64"))
WEBHOOK_KEY = b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def head_of(*headers, peer="192.0.2.7", path_secret=""):
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return RequestHead(
        method="POST",
        path="/v1/webhooks/source",
        query_string="",
        url="https://desk.example.com/v1/webhooks/source",
        headers=Headers(raw=raw),
        peer=peer,
        source_name="source",
        path_secret=path_secret,
    )


def proves(scheme, *headers, secrets=(SECRET,), peer="192.0.2.7", path_secret="", **fields):
    """Tell whether a request with these headers is verified."""
    proof = verify(
        Verification(scheme=scheme, **fields),
        secrets,
        SignedRequest(head_of(*headers, peer=peer, path_secret=path_secret), b"{}"),
        now=NOW,
        trusted_proxies=PROXIES,
    )
    return proof is not None


# --- a token in a header ----------------------------------------------------------------------


def token(*headers, **options):
    return proves(Scheme.TOKEN, *headers, header="X-Gitlab-Token", **options)


def test_a_token_stands_in_its_header_alone():
    assert token(("X-Gitlab-Token", SECRET))
    assert token(("X-Gitlab-Token", SECRET), secrets=("new", SECRET))
    prefixed = {"header": "Authorization", "prefix": "Token "}
    assert proves(Scheme.TOKEN, ("Authorization", f"Token {SECRET}"), **prefixed)
    for value in (SECRET, f"token {SECRET}", f"Token  {SECRET}", "Token "):
        assert not proves(Scheme.TOKEN, ("Authorization", value), **prefixed)


@pytest.mark.threat("C9")
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Gitlab-Token", "")],
        [("X-Gitlab-Token", SECRET[:-1])],
        [("X-Gitlab-Token", f"{SECRET}x")],
        [("X-Gitlab-Token", f"{SECRET},{SECRET}")],
        [("X-Gitlab-Token", SECRET.upper())],
        [("X-Gitlab-Token", f"{SECRET}\xa0")],
        [("X-Gitlab-Token", SECRET), ("X-Gitlab-Token", SECRET)],
        [("X-Gitlab-Token", "other"), ("X-Gitlab-Token", SECRET)],
        [("Authorization", f"Bearer {SECRET}")],
        [("X-Token", SECRET)],
    ],
)
def test_another_token_proves_nothing(headers):
    assert not token(*headers)
    assert not token(*headers, secrets=())
    assert not token(*headers, secrets=("",))


# --- HTTP Basic -------------------------------------------------------------------------------


def basic(text, scheme="Basic"):
    return ("Authorization", f"{scheme} {base64.b64encode(text.encode()).decode()}")


def test_basic_compares_user_and_password_or_the_password_alone():
    assert proves(Scheme.BASIC, basic(f"anybody:{SECRET}"))
    assert proves(Scheme.BASIC, basic(f"anybody:{SECRET}", "basic"))
    assert proves(Scheme.BASIC, basic("user:pass:word"), secrets=("user:pass:word",))
    assert not proves(Scheme.BASIC, basic("other:pass:word"), secrets=("user:pass:word",))
    assert not proves(Scheme.BASIC, basic("user:pass"), secrets=("user:pass:word",))


@pytest.mark.threat("C9")
@pytest.mark.parametrize(
    "header",
    [
        basic(SECRET),
        basic(f"{SECRET}:"),
        basic(":"),
        basic(""),
        basic(f"user:{SECRET} "),
        basic(f"user:{SECRET[:-1]}"),
        basic(f"user:{SECRET}", "Bearer"),
        ("Authorization", f"Basic user:{SECRET}"),
        ("Authorization", "Basic ===="),
        ("Authorization", "Basic /w=="),
        ("Authorization", "Basic"),
        ("Authorization", ""),
        ("X-Authorization", basic(f"user:{SECRET}")[1]),
    ],
)
def test_another_password_proves_nothing(header):
    assert not proves(Scheme.BASIC, header)
    assert not proves(Scheme.BASIC, header, secrets=("",))


# --- the end of the address -------------------------------------------------------------------


@pytest.mark.threat("C9")
def test_a_secret_at_the_end_of_the_address_is_for_its_scheme_alone():
    assert proves(Scheme.PATH, path_secret=SECRET)
    for other in ("", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET}/"):
        assert not proves(Scheme.PATH, path_secret=other)
    assert not proves(Scheme.PATH, path_secret="", secrets=("",))
    bearer = ("Authorization", f"Bearer {SECRET}")
    assert not proves(Scheme.PATH, bearer)
    # With the right token, but at an address that has a secret in it.
    assert not proves(Scheme.BEARER, bearer, path_secret=SECRET)
    assert proves(Scheme.BEARER, bearer)


# --- Standard Webhooks ------------------------------------------------------------------------


def webhook(family="webhook", message_id="msg_1", at=NOW, key=WEBHOOK_KEY, body=b"{}"):
    timestamp = str(int(at.timestamp()))
    message = f"{message_id}.{timestamp}.".encode() + body
    return [
        (f"{family}-id", message_id),
        (f"{family}-timestamp", timestamp),
        (f"{family}-signature", f"v1,{base64_mac(key, message)}"),
    ]


@pytest.fixture
def clock_at_noon(monkeypatch):
    """The library reads the clock itself."""

    class Clock(type(NOW)):
        @classmethod
        def now(cls, tz=None):
            return NOW.astimezone(tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Clock)


def test_the_vector_that_svix_publishes_is_accepted(monkeypatch):
    class Clock(type(NOW)):
        @classmethod
        def now(cls, tz=None):
            return NOW.fromtimestamp(1614265330, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Clock)
    headers = [
        ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("svix-timestamp", "1614265330"),
        ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ]
    request = SignedRequest(head_of(*headers), b'{"test": 2432232314}')
    verification = Verification(scheme=Scheme.STANDARD_WEBHOOKS)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    proof = verify(verification, [secret], request, now=NOW)
    assert proof.message_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert not verify(verification, [secret[:-1] + "x"], request, now=NOW)


@pytest.mark.usefixtures("clock_at_noon")
@pytest.mark.parametrize("family", ["webhook", "svix"])
def test_a_standard_webhook_may_have_the_names_of_svix(family):
    secrets = ("whsec_" + base64.b64encode(WEBHOOK_KEY).decode(),)

    def verified(headers):
        return proves(Scheme.STANDARD_WEBHOOKS, *headers, secrets=secrets)

    headers = webhook(family)
    assert verified(headers)
    assert not verified(webhook(family, key=b"other"))
    assert not verified(webhook(family, message_id="a.b"))
    assert not verified(webhook(family, at=NOW - timedelta(seconds=301)))
    assert not verified(webhook(family, body=b"[]"))
    for index in range(3):
        assert not verified(headers[:index] + headers[index + 1 :])
        assert not verified([*headers, headers[index]])
    assert not verified([headers[0], ("other-timestamp", "1"), headers[2]])


# --- a certificate that a proxy checks --------------------------------------------------------

SUBJECT = "CN=erp.example.com,O=Example"
FORWARDED = ("X-Client-Subject", SUBJECT)


def certificate(*headers, peer="10.1.2.3", secrets=(SUBJECT,)):
    return proves(
        Scheme.PROXY_CERTIFICATE, *headers, header="X-Client-Subject", peer=peer, secrets=secrets
    )


def test_a_certificate_counts_from_a_trusted_proxy():
    for peer in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::5", "2001:db8::5%eth0"):
        assert certificate(FORWARDED, peer=peer)
    assert certificate(FORWARDED, ("X-Forwarded-For", "192.0.2.1"))


@pytest.mark.threat("C9")
def test_a_certificate_from_anybody_else_is_a_header_that_they_wrote():
    for peer in ("192.0.2.7", "127.0.0.1", "10.2.0.1", "2001:db9::5", "", "unix:", "10.1.2.3.4"):
        assert not certificate(FORWARDED, peer=peer)
    # A header does not make a peer of anybody.
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert not certificate(FORWARDED, (name, "10.1.2.3"), peer="192.0.2.7")
    for headers in ([], [("X-Client-Subject", "")], [FORWARDED, FORWARDED]):
        assert not certificate(*headers)
    for value in (
        "CN=erp.example.com",
        f"{SUBJECT},CN=x",
        SUBJECT.lower(),
        f"{SUBJECT}, {SUBJECT}",
    ):
        assert not certificate(("X-Client-Subject", value))
    assert not certificate(FORWARDED, secrets=())


def test_no_proxy_is_trusted_unless_it_is_named():
    verification = Verification(scheme=Scheme.PROXY_CERTIFICATE, header="X-Client-Subject")
    request = SignedRequest(head_of(FORWARDED, peer="127.0.0.1"), b"")
    assert verify(verification, [SUBJECT], request, now=NOW) is None


# --- this machine alone -----------------------------------------------------------------------


def local(*headers, peer="127.0.0.1", host="localhost:8080"):
    return proves(Scheme.LOOPBACK, ("Host", host), *headers, peer=peer, secrets=())


def test_a_program_on_this_machine_needs_no_secret():
    for peer in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        assert local(peer=peer)
    for host in ("localhost", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]"):
        assert local(host=host)


@pytest.mark.threat("C9")
def test_nobody_reaches_a_source_of_this_machine_through_a_proxy_or_a_browser():
    for peer in ("192.0.2.7", "10.0.0.1", "0.0.0.0", "::", "", "localhost"):
        assert not local(peer=peer)
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Proto"):
        assert not local((name, "127.0.0.1"))
        assert not local((name, ""))
    for header in (("Origin", "http://localhost"), ("Sec-Fetch-Site", "cross-site")):
        assert not local(header)
    # The name of somebody else's page may lead to this machine.
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", ""):
        assert not local(host=host)
    assert not local(("Host", "localhost"))


# --- anything at all --------------------------------------------------------------------------

HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["authorization", "x-token", "host", "webhook-id", "svix-signature"]),
        st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=40),
    ),
    max_size=5,
)


@pytest.mark.threat("C9")
@settings(max_examples=150, deadline=None)
@given(
    scheme=st.sampled_from(sorted(set(Scheme) - {Scheme.LOOPBACK})),
    headers=HEADERS,
    peer=st.sampled_from(["10.1.2.3", "127.0.0.1", "x", ""]),
    path_secret=st.text(max_size=30),
)
def test_whatever_a_stranger_sends_proves_nothing(scheme, headers, peer, path_secret):
    options = {"header": "X-Token", "peer": peer, "path_secret": path_secret}
    if scheme is not Scheme.PATH or path_secret != SECRET:
        assert not proves(scheme, *headers, **options)
        assert not proves(scheme, *headers, **options, secrets=())

"""Handshakes: answered where they are configured, and no reflector for anybody."""

import hashlib
import hmac
import json
import logging

import pytest

from bot.cases.source import Format, Source
from bot.cases.verification import Handshake, Scheme, Verification
from handlers.intake.authentication import Credentials
from tests.handlers.intake.deliveries import SIGNAL, IntakeClient, assert_problem
from tests.handlers.intake.senders import hex_mac

SECRET = "the-secret-of-the-source-0123"
HMAC = Verification(scheme=Scheme.HMAC, header="X-Signature")
PATH = Verification(scheme=Scheme.PATH)
TEXTS = [
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: a=b",
    "a\nb",
    "é",
    "\x00",
    "x" * 1001,
]


@pytest.fixture
def ask(small_world):
    """Return a function that makes a client of one source with a handshake."""

    def make(handshake, verify=HMAC, secrets=(SECRET,)):
        source = Source(name="source", format=Format.SIGNAL, verify=verify, handshake=handshake)
        return IntakeClient(
            small_world,
            sources={"source": source},
            credentials={"source": Credentials(secrets=secrets)},
        )

    return make


def post(client, content=b"", *, path="/v1/webhooks/source", headers=None, signed=False):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    signature = {"X-Signature": hex_mac(SECRET.encode(), body)} if signed else {}
    all_headers = {"content-type": "application/json", **signature, **(headers or {})}
    return client.post(path, content=body, headers=all_headers)


def assert_harmless(response):
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'"
    media_type = response.headers.get("content-type", "").partition(";")[0]
    assert media_type in {"", "text/plain", "application/json"}
    return response


# --- a challenge in the body ------------------------------------------------------------------


def test_a_challenge_that_is_signed_is_sent_back(ask):
    client = ask(Handshake.CHALLENGE)
    slack = {"token": "Jhj5", "challenge": "3eZbrw1aBm2rZgRNFdxV", "type": "url_verification"}
    for question in (slack, {"challenge": "3eZbrw1aBm2rZgRNFdxV"}):
        response = assert_harmless(post(client, question, signed=True))
        assert response.json() == {"challenge": "3eZbrw1aBm2rZgRNFdxV"}
        assert_problem(post(client, question), 401)
    # A signal is no question, though a word of it is the same.
    signal = {**SIGNAL, "facts": {"challenge": "x"}}
    assert post(client, signal, signed=True).status_code == 201


def test_a_challenge_of_a_product_that_does_not_sign_comes_with_its_address(ask):
    client = ask(Handshake.CHALLENGE, PATH)
    path = f"/v1/webhooks/source/{SECRET}"
    assert post(client, {"challenge": "c1"}, path=path).json() == {"challenge": "c1"}
    assert_problem(post(client, {"challenge": "c1"}, path=path + "x"), 401)
    assert_problem(post(client, {"challenge": "c1"}), 401)


@pytest.mark.threat("C9")
@pytest.mark.parametrize("text", [*TEXTS, 7, None, ["a"], {"a": 1}])
def test_a_challenge_that_is_more_than_a_token_is_not_sent_back(ask, text):
    response = post(ask(Handshake.CHALLENGE), {"challenge": text}, signed=True)
    assert response.status_code == 422


def test_event_grid_and_zoom_are_answered_in_their_own_words(ask):
    client = ask(Handshake.CHALLENGE)
    event = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "512d38b6"},
    }
    response = post(client, [event], signed=True)
    assert assert_harmless(response).json() == {"validationResponse": "512d38b6"}
    zoom = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZ"}}
    expected = hmac.new(SECRET.encode(), b"qgg8vlvZ", hashlib.sha256).hexdigest()
    assert assert_harmless(post(client, zoom, signed=True)).json() == {
        "plainToken": "qgg8vlvZ",
        "encryptedToken": expected,
    }
    assert_problem(post(client, zoom), 401)


def test_a_challenge_in_a_header_is_sent_back_to_who_signs(ask):
    client = ask(Handshake.CHALLENGE)
    headers = {"x-front-challenge": "f1"}
    response = assert_harmless(post(client, {}, headers=headers, signed=True))
    assert response.json() == {"challenge": "f1"}
    assert_problem(post(client, {}, headers=headers), 401)


@pytest.mark.threat("C9")
@pytest.mark.parametrize("token", ["v0:1763717400:{}", "", "a b", 1, None])
def test_zoom_has_nothing_signed_that_could_be_a_request(ask, token):
    zoom = {"event": "endpoint.url_validation", "payload": {"plainToken": token}}
    assert post(ask(Handshake.CHALLENGE), zoom, signed=True).status_code == 422


def test_a_question_in_the_address_needs_the_verify_token_or_the_secret(ask):
    client = ask(Handshake.CHALLENGE)
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": SECRET}
    assert assert_harmless(client.get("/v1/webhooks/source", params=query)).text == "1158201444"
    for token in ("", "wrong", SECRET[:-1]):
        wrong = {**query, "hub.verify_token": token}
        assert_problem(client.get("/v1/webhooks/source", params=wrong), 405)
    # Dropbox and Okta send no token, so the address has to have one.
    assert_problem(client.get("/v1/webhooks/source", params={"challenge": "x"}), 405)
    by_address = ask(Handshake.CHALLENGE, PATH)
    path = f"/v1/webhooks/source/{SECRET}"
    assert assert_harmless(by_address.get(path, params={"challenge": "x"})).text == "x"
    okta = {"x-okta-verification-challenge": "o1"}
    assert by_address.get(path, headers=okta).json() == {"verification": "o1"}
    assert_problem(by_address.get(path), 405)
    assert_problem(by_address.get("/v1/webhooks/source", headers=okta), 405)


# --- validationToken --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["validationToken", "validationtoken"])
def test_a_validation_token_is_sent_back_as_text(ask, name):
    token = "Validation: Testing client application reachability for Request-Id: 522a8e7e"
    client = ask(Handshake.VALIDATION_TOKEN, PATH)
    response = client.post(f"/v1/webhooks/source/{SECRET}", params={name: token})
    assert assert_harmless(response).text == token
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert_problem(client.post("/v1/webhooks/source/wrong", params={name: token}), 401)
    # Who signs has no secret yet when the question comes.
    signing = ask(Handshake.VALIDATION_TOKEN)
    assert assert_harmless(signing.post("/v1/webhooks/source", params={name: token})).text == token


@pytest.mark.threat("C9")
@pytest.mark.parametrize("text", TEXTS)
def test_a_validation_token_that_is_more_than_a_token_is_not_sent_back(ask, text):
    client = ask(Handshake.VALIDATION_TOKEN)
    response = client.post("/v1/webhooks/source", params={"validationToken": text})
    assert_problem(response, 401)
    assert text not in response.text
    twice = client.post("/v1/webhooks/source?validationToken=a&VALIDATIONTOKEN=b")
    assert_problem(twice, 401)


# --- HEAD and GET -----------------------------------------------------------------------------


def test_head_and_get_are_answered_where_a_product_asks_so(ask):
    client = ask(Handshake.HEAD)
    assert client.head("/v1/webhooks/source").status_code == 200
    assert assert_harmless(client.get("/v1/webhooks/source?a=b")).text == ""
    assert_problem(client.get("/v1/webhooks/nobody"), 405)
    by_address = ask(Handshake.HEAD, PATH)
    assert by_address.head(f"/v1/webhooks/source/{SECRET}").status_code == 200
    assert by_address.head("/v1/webhooks/source/wrong").status_code == 405
    assert by_address.head("/v1/webhooks/source").status_code == 405


# --- X-Hook-Secret ----------------------------------------------------------------------------

HOOK = {"X-Hook-Secret": "b537207f20cbfa02357cf448134da559"}


def test_a_hook_secret_is_sent_back_until_the_source_is_set_up(ask):
    response = post(ask(Handshake.HOOK_SECRET, secrets=()), headers=HOOK)
    assert assert_harmless(response).headers["x-hook-secret"] == HOOK["X-Hook-Secret"]
    assert response.content == b""
    # Then whoever asks again is somebody else.
    assert_problem(post(ask(Handshake.HOOK_SECRET), headers=HOOK), 401)
    by_address = ask(Handshake.HOOK_SECRET, PATH)
    assert_problem(post(by_address, headers=HOOK), 401)
    path = f"/v1/webhooks/source/{SECRET}"
    assert post(by_address, path=path, headers=HOOK).status_code == 200


@pytest.mark.threat("C9")
def test_a_hook_secret_of_a_stranger_opens_nothing(ask):
    client = ask(Handshake.HOOK_SECRET, secrets=())
    assert post(client, headers=HOOK).status_code == 200
    body = json.dumps(SIGNAL).encode()
    signature = {"X-Signature": hex_mac(HOOK["X-Hook-Secret"].encode(), body)}
    assert_problem(post(client, body, headers=signature), 401)
    for text in ("", "a b", "x" * 257, "<a>"):
        assert_problem(post(client, headers={"X-Hook-Secret": text}), 401)


def test_a_verification_token_is_shown_to_the_operator_once_the_sender_is_known(ask, caplog):
    client = ask(Handshake.HOOK_SECRET, PATH)
    question = {"verification_token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}
    with caplog.at_level(logging.WARNING):
        assert_problem(post(client, question), 401)
        assert caplog.text == ""
        path = f"/v1/webhooks/source/{SECRET}"
        assert assert_harmless(post(client, question, path=path)).json() == {}
    assert question["verification_token"] in caplog.text
    assert SECRET not in caplog.text


# --- without a handshake ----------------------------------------------------------------------


@pytest.mark.threat("C9")
def test_a_source_without_a_handshake_answers_none(ask):
    client = ask(Handshake.NONE)
    assert_problem(post(client, {"challenge": "x"}, signed=True), 422)
    assert_problem(post(client, {"challenge": "x"}), 401)
    assert_problem(client.post("/v1/webhooks/source?validationToken=x"), 401)
    assert_problem(post(client, headers=HOOK), 401)
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        for path in ("/v1/webhooks/source", "/v1/webhooks/source/x", "/v1/webhooks/nobody"):
            assert client.request(method, path).status_code == 405

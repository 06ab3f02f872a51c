"""Authentication of sources, by a token or a signature."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handlers.intake.deliveries import (
    BATCH,
    EVENT,
    OLD_TOKEN,
    SIGNAL,
    SOURCES,
    STRIPE_SECRET,
    STRUCTURED,
    TOKEN,
    IntakeClient,
    assert_problem,
)


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "Ünïcode"])
def test_an_unknown_speaker_is_nobody(client, token):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}".encode()
    response = client.post("/v1/signals", content=b"{}", headers=headers)
    assert "no source matches this credential" in assert_problem(response, 401)


def test_two_secrets_are_valid_while_one_is_changed(client):
    assert client.deliver(SIGNAL, token=OLD_TOKEN).status_code == 201
    assert client.deliver(SIGNAL, token=TOKEN).status_code == 200


def test_the_source_comes_from_the_credential_and_not_from_the_body(client):
    assert_problem(client.deliver({**SIGNAL, "source": "stripe"}), 422, "source")
    assert_problem(client.deliver(SIGNAL, path="/v1/webhooks/stripe"), 401)


# --- signatures ------------------------------------------------------------------------------


def test_a_standard_webhooks_signature_speaks_and_its_id_is_the_key(client):
    content = {name: value for name, value in SIGNAL.items() if name != "key"}
    assert client.deliver_signed(content).status_code == 201
    assert client.deliver_signed(content).json()["outcome"] == "duplicate"
    assert client.deliver_signed({**content, "title": "other"}).status_code == 409


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "garbage"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-id": "other"},
        {"webhook-id": "a.b"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "x"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": ""},
    ],
)
def test_a_signature_that_does_not_hold_is_401_and_never_5xx(client, headers):
    assert_problem(client.deliver_signed(SIGNAL, headers=headers), 401)


def test_another_sources_secret_is_401(client):
    response = client.deliver_signed(SIGNAL, secret=STRIPE_SECRET, path="/v1/webhooks/api")
    assert_problem(response, 401)


# --- quotas ----------------------------------------------------------------------------------


def test_a_noisy_source_is_told_to_wait_and_a_quiet_one_is_not(client):
    signals = [{**SIGNAL, "key": f"n{number}"} for number in range(3)]
    responses = [client.deliver(signal, token="t-slow") for signal in signals]
    assert [response.status_code for response in responses] == [201, 202, 429]
    assert int(responses[2].headers["retry-after"]) >= 1
    assert_problem(responses[2], 429)
    assert client.deliver({**SIGNAL, "key": "quiet"}).status_code == 201


@pytest.mark.threat("C4")
def test_a_batch_over_the_rate_passes_once_and_is_made_up_for(small_world):
    slow_events = {"events": replace(SOURCES["events"], per_minute=2)}
    client = IntakeClient(small_world, sources=slow_events)
    events = [{**EVENT, "id": f"e{number}"} for number in range(50)]
    response = client.deliver(events, token="t-events", headers=BATCH)
    assert response.status_code == 202
    assert len(response.json()["signals"]) == 50
    for content in ({**EVENT, "id": "more"}, b"{"):
        response = client.deliver(content, token="t-events", headers=STRUCTURED)
        assert_problem(response, 429)


# --- without credentials ---------------------------------------------------------------------


def post_stream(app, chunks, headers):
    """Post a body that is produced only when somebody reads it."""

    async def stream():
        for chunk in chunks:
            yield chunk

    async def send():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(
                "/v1/signals",
                content=stream(),
                headers={"content-type": "application/json", **headers},
            )

    return asyncio.run(send())


@pytest.mark.threat("C3")
@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}]
)
def test_a_stranger_is_turned_away_before_a_byte_of_the_body_is_read(client, headers):
    reads = []

    def chunks():
        reads.append(1)
        yield b"x"

    assert post_stream(client.app, chunks(), headers).status_code == 401
    assert reads == []


HEADER_NAMES = [
    "authorization",
    "content-type",
    "content-length",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
]
HEADER_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)


@pytest.mark.threat("C4")
@settings(max_examples=60)
@given(headers=st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=5))
def test_whatever_the_headers_say_is_never_a_5xx(client, headers):
    raw_headers = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/v1/signals", "/v1/webhooks/api"):
        response = client.post(path, content=b"{}", headers=raw_headers)
        assert 400 <= response.status_code < 500

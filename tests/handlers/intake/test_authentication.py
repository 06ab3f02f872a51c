"""Authentication of sources, by a token or a signature."""

import asyncio
import base64
import json
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.source import Format, Source
from bot.cases.verification import Scheme, Verification
from handlers.intake.authentication import Credentials
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
from tests.handlers.intake.senders import hex_mac


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


@pytest.mark.threat("C9")
def test_an_address_with_something_at_its_end_is_for_sources_that_have_a_secret_there(client):
    assert client.deliver(SIGNAL, path="/v1/webhooks/api").status_code == 201
    assert_problem(client.deliver(SIGNAL, path="/v1/webhooks/api/x"), 401)
    assert_problem(client.deliver_signed(SIGNAL, path="/v1/webhooks/api/x"), 401)


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


def post_stream(app, chunks, headers, path="/v1/signals"):
    """Post a body that is produced only when somebody reads it."""

    async def stream():
        for chunk in chunks:
            yield chunk

    async def send():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post(
                path,
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


# --- verify ----------------------------------------------------------------------------------

GITHUB = Verification(scheme=Scheme.HMAC, header="X-Hub-Signature-256", prefix="sha256=")
VERIFIED = {
    "github": GITHUB,
    "gitea": replace(GITHUB, header="X-Gitea-Signature", prefix=""),
    "gitlab": Verification(scheme=Scheme.TOKEN, header="X-Gitlab-Token"),
    "basic": Verification(scheme=Scheme.BASIC),
    "path": Verification(scheme=Scheme.PATH),
    "bearer": Verification(scheme=Scheme.BEARER),
    "dbt": Verification(scheme=Scheme.HMAC, header="Authorization"),
    "mailgun": Verification(
        scheme=Scheme.HMAC, signature="body.facts.signature", content="{body.key}"
    ),
}
SECRETS = {name: f"the secret of {name}" for name in VERIFIED}
BODY = json.dumps(SIGNAL).encode()
CONTENT_TYPE = {"content-type": "application/json"}


def hub_signature(secret=SECRETS["github"], body=BODY):
    return "sha256=" + hex_mac(secret.encode(), body)


@pytest.fixture
def verified_client(small_world):
    """Return a client of sources that sign in by ``verify``."""
    sources = {
        name: Source(name=name, format=Format.SIGNAL, verify=verification)
        for name, verification in VERIFIED.items()
    }
    credentials = {name: Credentials(secrets=(secret,)) for name, secret in SECRETS.items()}
    return IntakeClient(small_world, sources=sources, credentials=credentials)


def post_to(client, name, headers=None, body=BODY):
    return client.post(
        f"/v1/webhooks/{name}", content=body, headers={**CONTENT_TYPE, **(headers or {})}
    )


def valid_headers(name):
    """Return the headers with which a source signs in."""
    secret = SECRETS[name]
    password = base64.b64encode(f"user:{secret}".encode()).decode()
    headers = {
        "github": {"X-Hub-Signature-256": hub_signature()},
        "gitea": {"X-Gitea-Signature": hex_mac(secret.encode(), BODY)},
        "gitlab": {"X-Gitlab-Token": secret},
        "basic": {"Authorization": f"Basic {password}"},
        "path": {},
        "bearer": {"Authorization": f"Bearer {secret}"},
        "dbt": {"Authorization": hex_mac(secret.encode(), BODY)},
        "mailgun": {},
    }
    return headers[name]


@pytest.mark.parametrize("name", sorted(set(VERIFIED) - {"mailgun"}))
def test_each_scheme_signs_in_at_the_address_of_its_source(verified_client, name):
    path = f"{name}/{SECRETS[name]}" if name == "path" else name
    response = post_to(verified_client, path, valid_headers(name))
    assert response.status_code == 201
    assert verified_client.store.cases.case("EX-1").signal.source == name


def test_a_signature_in_the_body_signs_in(verified_client):
    signature = hex_mac(SECRETS["mailgun"].encode(), b"k1")
    body = json.dumps({**SIGNAL, "facts": {"signature": signature}}).encode()
    assert post_to(verified_client, "mailgun", body=body).status_code == 201
    forged = body.replace(b'"k1"', b'"k2"')
    assert_problem(post_to(verified_client, "mailgun", body=forged), 401)


@pytest.mark.threat("C9")
def test_a_wrong_secret_and_an_unknown_source_are_answered_alike(verified_client):
    answers = set()
    for name in [*VERIFIED, "nobody", "path/wrong", "nobody/wrong", "github/wrong"]:
        for headers in (
            {},
            {"X-Hub-Signature-256": hub_signature("wrong")},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic dXNlcjp3cm9uZw=="},
            {"X-Gitlab-Token": "wrong"},
        ):
            response = post_to(verified_client, name, headers)
            answers.add((response.status_code, response.text, response.headers.get("server")))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


@pytest.mark.threat("C9")
@pytest.mark.parametrize("name", sorted(set(VERIFIED) - {"path", "mailgun"}))
def test_what_one_source_proves_counts_for_no_other(verified_client, name):
    for other in {*VERIFIED, "nobody"} - {name}:
        assert_problem(post_to(verified_client, other, valid_headers(name)), 401)
    if name != "bearer":
        # Without a name in the address only a bearer token and Standard Webhooks find a source.
        response = verified_client.post(
            "/v1/signals", content=BODY, headers={**CONTENT_TYPE, **valid_headers(name)}
        )
        assert_problem(response, 401)


@pytest.mark.threat("C9")
def test_a_secret_in_the_address_of_another_source_is_refused(verified_client):
    secret = SECRETS["path"]
    assert_problem(post_to(verified_client, f"github/{secret}"), 401)
    assert_problem(post_to(verified_client, f"path/{secret}x"), 401)
    assert_problem(post_to(verified_client, "path", {"Authorization": f"Bearer {secret}"}), 401)
    # The right signature or token does not open an address that has something else at its end.
    for name in ("github", "gitlab", "bearer"):
        assert_problem(post_to(verified_client, f"{name}/x", valid_headers(name)), 401)


def reads_of(app, path, headers):
    """Return the status of the answer, and the pieces of the body that were read."""
    reads = []

    def chunks():
        reads.append(1)
        yield BODY

    return post_stream(app, chunks(), headers, path=path).status_code, reads


@pytest.mark.threat("C3")
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/webhooks/gitlab", {"X-Gitlab-Token": "wrong"}),
        ("/v1/webhooks/basic", {"Authorization": "Basic dXNlcjp3cm9uZw=="}),
        ("/v1/webhooks/path/wrong", {}),
        ("/v1/webhooks/path/wrong", {"X-Hub-Signature-256": "sha256=00"}),
        ("/v1/webhooks/github", {}),
        ("/v1/webhooks/github", {"Authorization": "Bearer wrong"}),
        ("/v1/webhooks/nobody", {"Authorization": "Bearer wrong"}),
        ("/v1/signals", {"X-Hub-Signature-256": "sha256=00"}),
    ],
)
def test_a_wrong_secret_is_refused_before_a_byte_of_the_body_is_read(
    verified_client, path, headers
):
    assert reads_of(verified_client.app, path, headers) == (401, [])


@pytest.mark.threat("C9")
def test_a_signature_is_read_for_at_every_address_alike(verified_client):
    # An answer before the body would show which names are sources.
    for name in ("github", "gitlab", "nobody"):
        headers = {"X-Hub-Signature-256": "sha256=00"}
        path = f"/v1/webhooks/{name}"
        assert reads_of(verified_client.app, path, headers) == (401, [1])


@pytest.mark.threat("C9")
def test_an_event_in_headers_needs_a_signature_that_covers_them(small_world):
    source = Source(name="events", format=Format.CLOUDEVENTS, verify=GITHUB)
    client = IntakeClient(
        small_world,
        sources={"events": source},
        credentials={"events": Credentials(secrets=(SECRETS["github"],))},
    )
    body = json.dumps(EVENT).encode()
    headers = {"X-Hub-Signature-256": hub_signature(body=body)}
    attributes = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/till", "ce-type": "low"}
    response = post_to(client, "events", {**headers, **attributes}, body)
    assert "anybody could change" in assert_problem(response, 415)
    response = client.post(
        "/v1/webhooks/events", content=body, headers={**headers, **STRUCTURED, **attributes}
    )
    assert response.json()["outcome"] == "opened"


@pytest.mark.threat("C9")
def test_an_id_in_a_header_is_the_key_only_where_it_is_signed(verified_client):
    content = {name: value for name, value in SIGNAL.items() if name != "key"}
    body = json.dumps(content).encode()
    headers = {"X-Hub-Signature-256": hub_signature(body=body), "webhook-id": "msg_1"}
    # Whoever has seen the body could send it again under any id.
    response = post_to(verified_client, "github", headers, body)
    assert "key" in assert_problem(response, 422, "key")
    token = {"Authorization": f"Bearer {SECRETS['bearer']}", "webhook-id": "msg_1"}
    assert post_to(verified_client, "bearer", token, body).status_code == 201
    assert post_to(verified_client, "bearer", token, body).json()["outcome"] == "duplicate"

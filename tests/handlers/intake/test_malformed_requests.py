"""Malformed requests: a 4xx, and never a 5xx."""

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.errors import NoSuchCase
from bot.cases.source import Format, Source
from bot.ports.question_log import QuestionRecord
from handlers.intake.authentication import Credentials
from tests.conftest import SHARED
from tests.fakes.clock import NOON
from tests.handlers.intake.deliveries import (
    BATCH,
    CREDENTIALS,
    EVENT,
    SIGNAL,
    SOURCES,
    STRIPE_MAPPING,
    STRUCTURED,
    TOKEN,
    IntakeClient,
    alert,
)
from tests.handlers.intake.odd_values import ODD_TEXTS

JSON_TYPE = "application/json"
ITEMS_MAPPING = replace(
    STRIPE_MAPPING,
    each="body.items",
    kind="item.type",
    facts={"all": "sum(item.amounts)", "has": "contains(item.id, item.n)"},
)
ITEM = {
    "id": "e",
    "type": "t",
    "created": 1760000000,
    "amounts": [1, 2],
    "n": "x",
    "data": {"object": {"id": "o"}},
}


@pytest.fixture
def many_sources(small_world):
    """Return a client with a source for every format."""
    sources = {
        **SOURCES,
        "items": Source(name="items", format=Format.MAPPING, mapping=ITEMS_MAPPING),
        "some": Source(name="some", format=Format.SIGNAL, kinds=("low_stock", "lead_cold")),
        "one": Source(name="one", format=Format.SIGNAL, kind="low_stock"),
    }
    credentials = {
        **CREDENTIALS,
        "items": Credentials(("t-items",)),
        "some": Credentials(("t-some",)),
        "one": Credentials(("t-one",)),
    }
    return IntakeClient(small_world, sources=sources, credentials=credentials)


# --- anything at all -------------------------------------------------------------------------

TEXT = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(ODD_TEXTS)
NUMBER = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@st.composite
def variants(draw, base):
    """Draw an object with other values, and more of them."""
    replacements = st.dictionaries(st.sampled_from(sorted(base)), VALUE, max_size=3)
    additions = st.dictionaries(TEXT, VALUE, max_size=2)
    return {**base, **draw(replacements), **draw(additions)}


@st.composite
def alerts(draw):
    items = st.lists(variants(alert()["alerts"][0]) | VALUE, max_size=3)
    return {"alerts": draw(items)}


@st.composite
def mapped_items(draw):
    return {"items": draw(st.lists(variants(ITEM) | VALUE, max_size=3))}


SIGNALS = variants({**SIGNAL, "occurred_at": "", "requester": "T1/U1"})
EVENTS = variants({**EVENT, "time": "2026-11-21T10:00:00Z"})
BODIES = (
    ("t-one", JSON_TYPE, SIGNALS),
    ("t-events", STRUCTURED["content-type"], EVENTS),
    ("t-events", BATCH["content-type"], st.lists(EVENTS | VALUE, max_size=3)),
    ("t-events", JSON_TYPE, VALUE),
    ("t-am", JSON_TYPE, alerts()),
    ("t-items", JSON_TYPE, mapped_items()),
    ("t-some", "", VALUE),
)
RAW_BODIES = st.binary(max_size=60) | st.sampled_from(
    [b'{"a":1e999}', b'{"a":' * 150 + b"1" + b"}" * 150, b"[" * 300]
)


@st.composite
def requests(draw):
    """Draw a token, a content type and a body."""
    token, content_type, bodies = draw(st.sampled_from(BODIES))
    encoded_bodies = bodies.map(lambda content: json.dumps(content).encode())
    return token, content_type, draw(encoded_bodies | RAW_BODIES)


HEADER_NAMES = [
    "webhook-id",
    "ce-id",
    "ce-specversion",
    "ce-source",
    "ce-type",
    "ce-time",
    "ce-subject",
    "ce-data",
    "x-odd",
]
HEADER_VALUES = (
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
    | st.just("1.0")
    | st.just("%00%FF")
)
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=6)


@pytest.mark.threat("C4")
@settings(max_examples=200)
@given(request=requests(), headers=HEADERS)
def test_whatever_is_sent_is_never_a_5xx(many_sources, request, headers):
    token, content_type, body = request
    headers = {"content-type": content_type, "authorization": f"Bearer {token}", **headers}
    raw_headers = {name: value.encode("latin-1") for name, value in headers.items()}
    response = many_sources.post("/v1/signals", content=body, headers=raw_headers)
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared webhook payloads are absent")
def test_hundreds_of_real_payloads_are_taken_or_refused_but_never_5xx(client):
    with gzip.open(SHARED / "data/webhooks/alerts.jsonl.gz", "rt") as lines:
        payloads = list(lines)
    with gzip.open(SHARED / "data/webhooks/stripe_objects.json.gz", "rt") as objects:
        payloads += [json.dumps(item) for item in json.load(objects).values()]
    statuses = set()
    for payload in payloads:
        for token in (TOKEN, "t-events", "t-am"):
            statuses.add(client.deliver(payload.encode(), token=token).status_code)
    assert statuses <= {200, 201, 202, 400, 409, 413, 415, 422}


@pytest.mark.threat("C3")
def test_what_no_database_keeps_is_replaced_wherever_it_is_written(store):
    assert store.question_log.record(
        QuestionRecord(id="C1:1", asked_at=NOON, person="T1/UANA", text="what\x00\ud800?"), None
    )
    (question,) = store.question_log.questions(NOON, only_unanswered=False)
    assert question.text == "what\ufffd\ufffd?"
    with pytest.raises(NoSuchCase):
        store.cases.case("EX-1\x00")

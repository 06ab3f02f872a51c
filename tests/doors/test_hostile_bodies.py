"""What the HTTP door makes of bodies that were written to break it: an answer that says what is wrong, and never a 5xx."""

import json
import re
import threading
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bot.cases.source import Format, Source
from handlers.intake import app, reading
from handlers.intake.app import Door, build
from handlers.intake.authentication import Credentials, Sources
from tests.conftest import free_port
from tests.doors.test_intake_http import (
    BATCH,
    CREDENTIALS,
    EVENT,
    GOOD,
    SOURCES,
    STRUCTURED,
    alert,
    post,
    problem,
)

MAPPING = replace(
    SOURCES["stripe"].mapping,
    each="items",
    kind="type",
    facts={"all": "sum(amounts)", "has": "contains(id, n)"},
)
ALL = {
    **SOURCES,
    "items": Source("items", Format.MAPPING, mapping=MAPPING),
    "some": Source("some", Format.SIGNAL, kinds=("low_stock", "lead_cold")),
    "some-events": Source("some-events", Format.CLOUDEVENTS, kinds=("low_stock",)),
    "one": Source("one", Format.SIGNAL, kind="low_stock"),
    "till": Source("till", Format.SIGNAL, domain="shop"),
    "scanner": Source("scanner", Format.SIGNAL, domain="shop"),
}
SECRETS = {
    **CREDENTIALS,
    **{name: Credentials((f"t-{name}",)) for name in ALL if name not in CREDENTIALS},
}
READ = {"authorization": "Bearer read-me"}


def door_of(world):
    door = Door(world.desk.intake, Sources(ALL, SECRETS), ("read-me",), lambda: [])
    client = TestClient(build(door), raise_server_exceptions=False)
    client.world = world
    return client


@pytest.fixture
def door(small_world):
    return door_of(small_world)


# --- whose trouble it is, and which kinds ------------------------------------------------------------------------------------


@pytest.mark.threat("A6")
def test_another_source_neither_clears_nor_counts_on_nor_reopens_a_case(door):
    post(door, GOOD, token="t-one")
    clear = {**GOOD, "key": "k2", "status": "clear"}
    assert post(door, clear).json() == {"outcome": "ignored", "case": None}
    assert post(door, {**GOOD, "key": "k3"}).json() == {"outcome": "opened", "case": "EX-2"}
    assert post(door, clear, token="t-one").json() == {"outcome": "cleared", "case": "EX-1"}
    assert post(door, {**GOOD, "key": "k4"}).json() == {"outcome": "counted", "case": "EX-2"}
    assert door.world.store.queries.counts() == {"CLEARED": 1, "OPEN": 1}


@pytest.mark.threat("A6")
def test_sources_of_one_domain_clear_what_the_other_opened(door):
    post(door, GOOD, token="t-till")
    clear = {**GOOD, "status": "clear"}
    assert post(door, clear, token="t-scanner").json() == {"outcome": "cleared", "case": "EX-1"}


@pytest.mark.threat("A6")
@pytest.mark.parametrize(
    ("token", "body", "allowed"),
    [
        (
            "t-some",
            {**GOOD, "kind": "renewal_due"},
            "may not send kind renewal_due; .* low_stock, lead_cold",
        ),
        (
            "t-some",
            {**GOOD, "kind": ""},
            "may not send a signal without a kind; .* low_stock, lead_cold",
        ),
        ("t-one", {**GOOD, "kind": "renewal_due"}, "may not send kind renewal_due; .* low_stock"),
        (
            "t-some-events",
            {**EVENT, "type": "com.example.renewal_due"},
            "may not send kind renewal_due; .* low_stock",
        ),
    ],
)
def test_a_source_sends_only_the_kinds_that_it_may(door, token, body, allowed):
    kind = STRUCTURED if "events" in token else {}
    assert re.search(allowed, problem(post(door, body, token=token, **kind), 422, "kind"))
    assert door.world.store.queries.counts() == {}


@pytest.mark.threat("A6")
def test_a_source_with_one_kind_or_several_need_not_be_told_again(door):
    assert post(door, {**GOOD, "kind": ""}, token="t-one").status_code == 201
    assert post(door, GOOD, token="t-some").status_code == 201
    kinds = {case.id: case.kind for case in door.world.store.queries.newest()}
    assert kinds == {"EX-1": "low_stock", "EX-2": "low_stock"}


# --- flattening --------------------------------------------------------------------------------------------------------------


@pytest.mark.threat("C4")
def test_two_facts_that_flatten_to_one_name_are_both_kept(door):
    facts = {
        "a": {"b": 1, "c_d": 2},
        "a_b": 3,
        "a_c": {"d": 4},
        "x" * 150 + "1": 5,
        "x" * 150 + "2": 6,
    }
    assert post(door, {**GOOD, "facts": facts}).status_code == 201
    kept = door.world.store.cases.case("EX-1").signal.facts
    assert sorted(kept.values()) == [1, 2, 3, 4, 5, 6]
    assert (kept["a_b"], kept["a_b_2"], kept["a_c_d"], kept["a_c_d_2"]) == (1, 3, 2, 4)


@pytest.mark.threat("C4")
def test_an_annotation_does_not_take_the_place_of_a_label(door):
    body = alert()
    body["alerts"][0]["labels"]["severity"] = "page"
    body["alerts"][0]["annotations"]["severity"] = "none"
    post(door, body, token="t-am")
    facts = door.world.store.cases.case("EX-1").signal.facts
    assert (facts["severity"], facts["severity_2"]) == ("page", "none")


@pytest.mark.threat("C4")
def test_flattening_costs_no_more_than_there_is_to_flatten():
    wide = {"x" * 100_000: {"y" * 100_000: list(range(500))}}
    names = [name for name, _ in reading._leaves(wide, "", "facts", 0, strict=False)]
    assert (len(names), max(map(len, names))) == (500, 100)


@pytest.mark.threat("C4")
def test_a_body_is_parsed_beside_the_loop_that_answers_everybody(door, monkeypatch):
    threads = {}

    def parse(body, headers, source):
        threads["parser"] = threading.get_ident()
        return app.signals.signals(body, headers, source)

    async def alive(self, request):
        threads["loop"] = threading.get_ident()
        return app.JSONResponse({})

    monkeypatch.setitem(app.PARSERS, Format.SIGNAL, parse)
    monkeypatch.setattr(Door, "alive", alive)
    with door_of(door.world) as client:
        client.get("/healthz")
        assert post(client, GOOD).status_code == 201
    assert threads["parser"] != threads["loop"]


# --- times, batches, rates -----------------------------------------------------------------------------------------------------

EDGES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59+14:00",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "1899-12-31T23:59:59Z",
    "2201-01-01T00:00:00Z",
    "1" * 5000,
]


@pytest.mark.threat("C4")
@pytest.mark.parametrize("time", EDGES, ids=range(len(EDGES)))
def test_a_time_at_the_edge_of_time_is_refused_with_its_field(door, time):
    problem(post(door, {**GOOD, "occurred_at": time}), 422, "occurred_at")
    problem(post(door, {**EVENT, "time": time}, token="t-events", **STRUCTURED), 422, "time")
    body = alert()
    body["alerts"][0]["startsAt"] = time
    problem(post(door, body, token="t-am"), 422, "alerts.0.startsAt")
    assert door.world.store.queries.counts() == {}


@pytest.mark.threat("C4")
@pytest.mark.parametrize("seconds", [1e300, -1e300, 10**18, -(10**18), 253402300800, True, [], {}])
def test_seconds_at_the_edge_of_time_are_refused_too(door, seconds):
    body = {"id": "e", "type": "t", "created": seconds, "data": {"object": {"id": "o"}}}
    sent = post(door, {"items": [body]}, token="t-items")
    if seconds in ([], {}):
        assert sent.status_code == 201
    else:
        problem(sent, 422, "created")


@pytest.mark.threat("C4")
def test_an_empty_batch_is_nothing_and_nothing_is_wrong_with_it(door):
    answer = post(door, [], token="t-events", **BATCH)
    assert (answer.status_code, answer.json()) == (200, {"signals": []})
    problem(post(door, {"alerts": []}, token="t-am"), 422, "alerts")
    problem(post(door, {"items": []}, token="t-items"), 422, "items")


@pytest.mark.threat("C4")
def test_a_batch_over_the_rate_passes_once_and_is_made_up_for(small_world):
    slow = {"events": replace(SOURCES["events"], per_minute=2)}
    client = TestClient(
        build(Door(small_world.desk.intake, Sources(slow, CREDENTIALS), (), lambda: []))
    )
    events = [{**EVENT, "id": f"e{number}"} for number in range(50)]
    first = post(client, events, token="t-events", **BATCH)
    assert (first.status_code, len(first.json()["signals"])) == (202, 50)
    problem(post(client, {**EVENT, "id": "more"}, token="t-events", **STRUCTURED), 429)
    problem(post(client, b"{", token="t-events", **STRUCTURED), 429)


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("low_stock", "low_stock"),
        (" Low_Stock ", "low_stock"),
        ("Low Stock", "unrecognised"),
        ("x" * 51, "unrecognised"),
        ("<!channel>", "unrecognised"),
        ("a\x00b", "unrecognised"),
        ("größe", "unrecognised"),
        (5, "5"),
        (True, "unrecognised"),
    ],
)
def test_a_mapped_kind_is_such_as_ours_are_or_none(door, kind, kept):
    body = {"id": "e", "type": kind, "data": {"object": {"id": "o"}}}
    mapped = replace(MAPPING, title="id")
    sources = Sources({"items": replace(ALL["items"], mapping=mapped)}, SECRETS)
    client = TestClient(
        build(Door(door.world.desk.intake, sources, (), lambda: [])), raise_server_exceptions=False
    )
    assert post(client, {"items": [body]}, token="t-items").status_code == 201
    assert door.world.store.cases.case("EX-1").signal.kind == kept


# --- without credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.threat("C3")
@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}]
)
def test_a_stranger_is_turned_away_before_a_byte_of_the_body_is_read(door, headers):
    read = []

    def body():
        read.append(1)
        yield b"x"

    answer = asked(door, "/v1/signals", body, headers)
    assert (answer.status_code, read) == (401, [])


def asked(client, path, body, headers):
    """A request whose body is made only when somebody reads it."""
    import asyncio

    import httpx
    from httpx import ASGITransport

    async def stream():
        for chunk in body():
            yield chunk

    async def send():
        async with httpx.AsyncClient(
            transport=ASGITransport(client.app), base_url="http://here"
        ) as here:
            return await here.post(
                path, content=stream(), headers={"content-type": "application/json", **headers}
            )

    return asyncio.run(send())


ODD = ["\x00", "EX-1\x00", "\ud800", "\U0001f600", "%00", "..", "a" * 5000, "' OR 1=1 --", "\r\n"]


@pytest.mark.threat("C3")
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_path_reaches_the_database_as_it_came(world, odd):
    from handlers.passkeys import app as passkeys
    from handlers.passkeys.ceremony import Ceremony

    desk = world.desk
    pages = passkeys.routes(
        desk.decisions, desk.switchboard, Ceremony(f"http://localhost:{free_port()}"), world.clock
    )
    door = Door(desk.intake, Sources(ALL, SECRETS), ("read-me",), lambda: [])
    client = TestClient(build(door, more=pages), raise_server_exceptions=False)
    part = quote(odd.encode("utf-8", "surrogatepass"), safe="")
    paths = [f"/v1/cases/{part}", f"/confirm/{part}/x/question", f"/confirm/EX-1/{part}/question"]
    statuses = [
        client.get(path, headers=READ).status_code for path in [*paths, f"/passkey/{part}/question"]
    ]
    answer = {"content-type": "application/json"}
    statuses += [
        client.post(path, content=b"{}", headers=answer).status_code
        for path in (f"/confirm/{part}/{part}", f"/passkey/{part}", f"/v1/webhooks/{part}")
    ]
    assert all(400 <= status < 500 for status in statuses), statuses


@pytest.mark.threat("C3")
def test_what_no_database_keeps_is_replaced_wherever_it_is_written(store):

    from bot.cases.errors import NoSuchCase
    from bot.ports.question_log import QuestionRecord
    from tests.fakes.clock import NOON

    assert store.question_log.record(
        QuestionRecord(id="C1:1", asked_at=NOON, person="T1/UANA", text="what\x00\ud800?"), None
    )
    (question,) = store.question_log.questions(NOON, only_unanswered=False)
    assert question.text == "what\ufffd\ufffd?"
    with pytest.raises(NoSuchCase):
        store.cases.case("EX-1\x00")


# --- anything at all -----------------------------------------------------------------------------------------------------------

ODD_TEXTS = [
    "",
    " ",
    "\x00",
    "\ud800",
    "x" * 3000,
    "firing",
    "resolved",
    "clear",
    "1.0",
    "2026-11-21T10:00:00Z",
    *EDGES,
]
TEXT = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(ODD_TEXTS)
NUMBER = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def changed_in_places(seed):
    """The seed with up to three of its values replaced, and up to two that it has not."""
    change = st.dictionaries(st.sampled_from(sorted(seed)), VALUE, max_size=3)
    more = st.dictionaries(TEXT, VALUE, max_size=2)
    return st.builds(lambda *parts: {**seed, **parts[0], **parts[1]}, change, more)


MAPPED = {
    "id": "e",
    "type": "t",
    "created": 1760000000,
    "amounts": [1, 2],
    "n": "x",
    "data": {"object": {"id": "o"}},
}
ALERT = changed_in_places(alert()["alerts"][0])
EVENTS = changed_in_places({**EVENT, "time": "2026-11-21T10:00:00Z"})
FORMS = (
    (
        "t-one",
        "application/json",
        changed_in_places({**GOOD, "occurred_at": "", "requester": "T1/U1"}),
    ),
    ("t-events", STRUCTURED["content-type"], EVENTS),
    ("t-events", BATCH["content-type"], st.lists(EVENTS | VALUE, max_size=3)),
    ("t-events", "application/json", VALUE),
    (
        "t-am",
        "application/json",
        st.lists(ALERT | VALUE, max_size=3).map(lambda alerts: {"alerts": alerts}),
    ),
    (
        "t-items",
        "application/json",
        st.lists(changed_in_places(MAPPED) | VALUE, max_size=3).map(lambda i: {"items": i}),
    ),
    ("t-some", "", VALUE),
)
RAW = st.binary(max_size=60) | st.sampled_from(
    [b'{"a":1e999}', b'{"a":' * 150 + b"1" + b"}" * 150, b"[" * 300]
)
SENT = st.one_of(
    *(
        st.tuples(
            st.just(token), st.just(kind), body.map(lambda value: json.dumps(value).encode()) | RAW
        )
        for token, kind, body in FORMS
    )
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
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
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
    | st.just("1.0")
    | st.just("%00%FF"),
    max_size=6,
)


@pytest.mark.threat("C4")
@settings(max_examples=200)
@given(sent=SENT, headers=HEADERS)
def test_whatever_is_sent_is_never_a_5xx(door, sent, headers):
    token, kind, body = sent
    named = {"content-type": kind, "authorization": f"Bearer {token}", **headers}
    encoded = {name: value.encode("latin-1") for name, value in named.items()}
    answer = door.post("/v1/signals", content=body, headers=encoded)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.threat("C4")
@settings(max_examples=60)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "authorization",
                "content-type",
                "content-length",
                "webhook-id",
                "webhook-signature",
                "webhook-timestamp",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
        max_size=5,
    )
)
def test_whatever_the_headers_say_is_never_a_5xx(door, headers):
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/v1/signals", "/v1/webhooks/api"):
        assert 400 <= door.post(path, content=b"{}", headers=encoded).status_code < 500

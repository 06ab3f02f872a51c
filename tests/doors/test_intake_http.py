"""The HTTP intake, through its own application: who speaks, what they say, and that 2xx means stored."""

import base64
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from bot.cases.source import Format, SignalMapping, Source
from handlers.intake.app import Door, build
from handlers.intake.authentication import Credentials, Sources
from tests.conftest import SHARED

TOKEN, OLD, SECRET = (
    "t0ken-new",
    "t0ken-old",
    "whsec_" + base64.b64encode(b"a secret of some length").decode(),
)
SOURCES = {
    "api": Source("api", Format.SIGNAL),
    "events": Source("events", Format.CLOUDEVENTS),
    "alertmanager": Source("alertmanager", Format.ALERTMANAGER, kind="service_alert"),
    "stripe": Source(
        "stripe",
        Format.MAPPING,
        "failed_payment",
        mapping=SignalMapping(
            "id",
            "data.object.id",
            "join(' ', ['Payment', type])",
            occurred_at="created",
            clear="type == 'charge.succeeded'",
            facts={"amount": "data.object.amount"},
        ),
    ),
    "slow": Source("slow", Format.SIGNAL, per_minute=2),
}
CREDENTIALS = {
    "api": Credentials((TOKEN, OLD), (SECRET,)),
    "events": Credentials(("t-events",)),
    "alertmanager": Credentials(("t-am",)),
    "stripe": Credentials((), ("whsec_" + base64.b64encode(b"stripe's own secret").decode(),)),
    "slow": Credentials(("t-slow",)),
}
GOOD = {
    "key": "k1",
    "kind": "low_stock",
    "subject": "product:1",
    "title": "Merlot is running low",
    "facts": {"product_id": 1},
}


@pytest.fixture
def door(small_world):
    door = Door(small_world.desk.intake, Sources(SOURCES, CREDENTIALS), ("read-me",), lambda: [])
    client = TestClient(build(door), raise_server_exceptions=False)
    client.world = small_world
    return client


def post(client, body, token=TOKEN, path="/v1/signals", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", "authorization": f"Bearer {token}", **headers}
    return client.post(
        path, content=content, headers={name: value for name, value in given.items() if value}
    )


def test_a_signal_is_stored_before_it_is_answered(door):
    answer = post(door, GOOD)
    assert (answer.status_code, answer.json()) == (201, {"outcome": "opened", "case": "EX-1"})
    assert door.world.store.cases.case("EX-1").signal.source == "api"
    assert (post(door, GOOD).status_code, post(door, GOOD).json()["outcome"]) == (200, "duplicate")
    assert post(door, {**GOOD, "key": "k2"}).json() == {"outcome": "counted", "case": "EX-1"}
    assert post(door, {**GOOD, "key": "k3", "status": "clear"}).json()["outcome"] == "cleared"


def problem(answer, status, field=""):
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    if field:
        assert body["errors"][0]["field"] == field
    return body["detail"]


@pytest.mark.threat("B6")
def test_a_requester_is_taken_as_it_is_named_and_only_what_cannot_be_stored_is_refused(door):
    for number, requester in enumerate(["T1/UANA", "ana@harbour.example", "Ana Lima", "corp/ana"]):
        body = {**GOOD, "key": f"r{number}", "subject": f"s{number}", "requester": requester}
        answer = post(door, body)
        assert answer.status_code == 201
        assert door.world.store.cases.case(answer.json()["case"]).authors == (requester,)
    for requester in ("x" * 81, "a\u0000b", "  ", 7):
        problem(post(door, {**GOOD, "key": "bad", "requester": requester}), 422, "requester")


def test_the_same_key_with_another_body_is_409(door):
    post(door, GOOD)
    assert "both are kept" in problem(post(door, {**GOOD, "title": "other"}), 409, "key")


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "Ünïcode"])
def test_an_unknown_speaker_is_nobody(door, token):
    headers = {"authorization": f"Bearer {token}".encode() if token else None}
    answer = door.post(
        "/v1/signals",
        content=b"{}",
        headers={"content-type": "application/json", **{k: v for k, v in headers.items() if v}},
    )
    assert "no source is known" in problem(answer, 401)


def test_two_secrets_are_valid_while_one_is_changed(door):
    assert post(door, GOOD, token=OLD).status_code == 201
    assert post(door, GOOD, token=TOKEN).status_code == 200


def test_the_source_comes_from_the_credential_and_not_from_the_body(door):
    problem(post(door, {**GOOD, "source": "stripe"}), 422, "source")
    problem(post(door, GOOD, path="/v1/webhooks/stripe"), 401)


def signed(client, body, secret=SECRET, message_id="msg_1", path="/v1/signals", at=None, **change):
    content = json.dumps(body)
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, at, content)
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        **change,
    }
    return client.post(path, content=content, headers=headers)


def test_a_standard_webhooks_signature_speaks_and_its_id_is_the_key(door):
    body = {name: value for name, value in GOOD.items() if name != "key"}
    assert signed(door, body).status_code == 201
    assert signed(door, body).json()["outcome"] == "duplicate"
    assert signed(door, {**body, "title": "other"}).status_code == 409


@pytest.mark.parametrize(
    "change",
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
def test_a_signature_that_does_not_hold_is_401_and_never_5xx(door, change):
    problem(signed(door, GOOD, **change), 401)


def test_another_sources_secret_is_401(door):
    problem(
        signed(
            door,
            GOOD,
            secret="whsec_" + base64.b64encode(b"stripe's own secret").decode(),
            path="/v1/webhooks/api",
        ),
        401,
    )


BAD = [
    (b"", 400, ""),
    (b"{", 400, ""),
    (b"\xff", 400, ""),
    (b"[" * 5000 + b"]" * 5000, 400, ""),
    (b'{"a":' * 120_000, 413, ""),
    (b'{"a":' * 30_000, 400, ""),
    ({**GOOD, "title": "[" * 250, "surprise": 1}, 422, "surprise"),
    (b'{"key": NaN}', 400, ""),
    (b"[]", 422, ""),
    (b"null", 422, ""),
    (b'"x"', 422, ""),
    ({}, 422, "key"),
    ({**GOOD, "key": ""}, 422, "key"),
    ({**GOOD, "key": "k" * 201}, 422, "key"),
    ({**GOOD, "key": 5}, 422, "key"),
    ({**GOOD, "surprise": 1}, 422, "surprise"),
    ({**GOOD, "kind": "Bad Kind"}, 422, "kind"),
    ({**GOOD, "status": "maybe"}, 422, "status"),
    ({**GOOD, "occurred_at": "yesterday"}, 422, "occurred_at"),
    ({**GOOD, "title": "a\x00b"}, 422, "title"),
    ({**GOOD, "title": "   "}, 422, "title"),
    ({**GOOD, "facts": {"n": 2**53}}, 422, "facts.n"),
    ({**GOOD, "facts": {"t": "x" * 2001}}, 422, "facts.t"),
    ({**GOOD, "facts": {str(n): n for n in range(65)}}, 422, "facts"),
    (b'{"key":"k","subject":"s","title":"\\ud800","facts":{}}', 422, "title"),
    (
        {**GOOD, "facts": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {"j": 1}}}}}}}}}}},
        422,
        "facts",
    ),
    ({**GOOD, "facts": {"big": 1e999}}, 400, ""),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD, ids=range(len(BAD)))
def test_bad_input_is_told_which_field_and_stores_nothing(door, body, status, field):
    problem(post(door, body), status, field)
    assert door.world.store.queries.counts() == {}


def test_too_large_is_413_whether_it_says_so_or_not(door):
    problem(post(door, b"x" * 300_000), 413)

    def drip():
        for _ in range(300):
            yield b"x" * 1000

    answer = door.post("/v1/signals", content=drip(), headers={"authorization": f"Bearer {TOKEN}"})
    problem(answer, 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_content_is_415(door, kind):
    problem(post(door, GOOD, **{"content-type": kind}), 415)


def test_a_noisy_source_is_told_to_wait_and_a_quiet_one_is_not(door):
    answers = [post(door, {**GOOD, "key": f"n{n}"}, token="t-slow") for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 202, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    problem(answers[2], 429)
    assert post(door, {**GOOD, "key": "quiet"}).status_code == 201


def test_a_database_that_is_away_is_503_and_the_sender_tries_again(door, monkeypatch):
    def locked(*_, **__):
        raise OperationalError("x", {}, Exception("database is locked"))

    monkeypatch.setattr(door.world.store.database, "write", locked)
    answer = post(door, GOOD)
    assert "nothing is lost if you send it again" in problem(answer, 503)
    assert answer.headers["retry-after"] == "5"


def test_reading_a_case_needs_a_token(door):
    post(door, GOOD)
    problem(door.get("/v1/cases/EX-1"), 401)
    problem(door.get("/v1/cases/EX-1", headers={"authorization": f"Bearer {TOKEN}"}), 401)
    read = {"authorization": "Bearer read-me"}
    assert door.get("/v1/cases/EX-1", headers=read).json()["id"] == "EX-1"
    problem(door.get("/v1/cases/EX-2", headers=read), 404)


def test_what_is_not_here_is_a_problem_too(door):
    problem(door.get("/nothing"), 404)
    problem(door.get("/v1/signals"), 405)


def test_the_counters_are_there_for_prometheus(door):
    from bot import metrics

    metrics.RECALLS.labels("answered").inc()
    answer = door.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for name in ("countersign_recalls", "countersign_recognitions", "countersign_narrations"):
        assert f"# TYPE {name}_total counter" in answer.text
    assert 'countersign_recalls_total{outcome="answered"}' in answer.text


def test_health_and_schema(door):
    assert door.get("/healthz").json() == {"status": "ok"}
    assert door.get("/readyz").json() == {"status": "ready", "problems": []}
    import jsonschema

    schema = door.get("/v1/signals/schema").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(GOOD, schema)


# --- CloudEvents ---------------------------------------------------------------------------------------------------------

EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/till/4",
    "type": "com.example.low_stock",
    "subject": "product:7",
    "data": {"title": "Low", "product": {"id": 7}},
}


STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def test_a_structured_cloudevent(door):
    answer = post(
        door,
        EVENT,
        token="t-events",
        **{"content-type": "application/cloudevents+json; charset=utf-8"},
    )
    assert answer.status_code == 201
    signal = door.world.store.cases.case("EX-1").signal
    assert (signal.kind, signal.subject, signal.key, signal.facts["product_id"]) == (
        "low_stock",
        "product:7",
        "/till/4#e1",
        7,
    )


def test_a_binary_cloudevent_is_the_same_signal(door):
    post(door, EVENT, token="t-events", **{"content-type": "application/cloudevents+json"})
    headers = {f"ce-{name}": value for name, value in EVENT.items() if name != "data"}
    assert post(door, EVENT["data"], token="t-events", **headers).json()["outcome"] == "duplicate"


def test_a_batch_of_cloudevents(door):
    answer = post(
        door,
        [EVENT, {**EVENT, "id": "e2", "type": "com.example.low_stock.cleared"}],
        token="t-events",
        **{"content-type": "application/cloudevents-batch+json"},
    )
    assert [item["outcome"] for item in answer.json()["signals"]] == ["opened", "cleared"]


@pytest.mark.parametrize(
    ("event", "status", "field"),
    [
        ({**EVENT, "specversion": "0.3"}, 422, "specversion"),
        ({**EVENT, "id": ""}, 422, "id"),
        ({**EVENT, "type": None}, 422, "type"),
        ({**EVENT, "data_base64": "eA=="}, 415, ""),
    ],
)
def test_a_bad_cloudevent_names_the_attribute(door, event, status, field):
    problem(
        post(door, event, token="t-events", **{"content-type": "application/cloudevents+json"}),
        status,
        field,
    )


def test_an_event_that_is_none_is_415(door):
    problem(post(door, GOOD, token="t-events"), 415)


# --- Alertmanager and mappings -------------------------------------------------------------------------------------------


def alert(status="firing", **annotations):
    return {
        "version": "4",
        "status": status,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "HighLatency", "instance": "till-4"},
                "annotations": {"summary": "slow", **annotations},
                "startsAt": "2026-11-21T10:00:00.123456789Z",
                "fingerprint": "f1",
            }
        ],
    }


def test_alertmanager_fires_repeats_changes_and_resolves_on_one_case(door):
    outcomes = [
        post(door, body, token="t-am").json()["outcome"]
        for body in (
            alert(),
            alert(),
            alert(value="9 s"),
            alert("resolved", value="1 s"),
            alert("resolved"),
        )
    ]
    assert outcomes == ["opened", "duplicate", "counted", "cleared", "duplicate"]
    assert door.world.store.queries.counts() == {"CLEARED": 1}


@pytest.mark.threat("C1")
def test_one_bad_alert_is_told_of_and_the_others_are_stored(door):
    body = alert()
    body["alerts"].insert(0, {"status": "firing", "labels": {}})
    answer = post(door, body, token="t-am")
    assert (answer.status_code, answer.json()["refused"]) == (201, 1)
    bad, good = answer.json()["signals"]
    assert (bad["outcome"], bad["problem"]["field"]) == ("invalid", "alerts.0.labels.alertname")
    assert good == {"outcome": "opened", "case": "EX-1"}
    assert door.world.store.queries.counts() == {"OPEN": 1}


@pytest.mark.threat("C1")
def test_a_batch_of_which_nothing_can_be_taken_has_the_status_of_a_single_one(door):
    answer = post(door, {"alerts": [{"status": "firing"}, 5]}, token="t-am")
    problem(answer, 422)
    assert [one["problem"]["field"] for one in answer.json()["signals"]] == [
        "alerts.0.labels.alertname",
        "alerts.1",
    ]


@pytest.mark.threat("C1")
def test_a_reused_key_holds_up_nobody_behind_it(door):
    events = [{**EVENT, "id": f"e{number}"} for number in range(3)]
    post(door, {**events[1], "subject": "product:8"}, token="t-events", **STRUCTURED)
    answers = [post(door, events, token="t-events", **BATCH) for _ in range(2)]
    outcomes = [[one["outcome"] for one in answer.json()["signals"]] for answer in answers]
    assert outcomes == [["opened", "conflict", "counted"], ["duplicate", "conflict", "duplicate"]]
    assert [answer.status_code for answer in answers] == [202, 200]
    assert "both are kept" in answers[0].json()["signals"][1]["problem"]["detail"]
    problem(post(door, [events[1], events[1]], token="t-events", **BATCH), 409)


@pytest.mark.threat("C1")
def test_one_signal_that_cannot_be_stored_does_not_hold_up_the_others(door, monkeypatch):
    receive = type(door.world.store.cases).receive

    def poisoned(store, signal, *rest):
        if signal.key.endswith("e1"):
            raise OperationalError("x", {}, Exception("poisoned"))
        return receive(store, signal, *rest)

    monkeypatch.setattr(type(door.world.store.cases), "receive", poisoned)
    answer = post(
        door, [{**EVENT, "id": f"e{number}"} for number in range(3)], token="t-events", **BATCH
    )
    assert "send it again" in problem(answer, 503)
    assert [one["outcome"] for one in answer.json()["signals"]] == [
        "opened",
        "not stored",
        "counted",
    ]


@pytest.mark.threat("C1")
def test_a_long_annotation_is_shortened_with_a_mark_and_refuses_nothing(door):
    body = alert(summary="long " * 100, description="x" * 5000, runbook="a\x00b")
    assert post(door, body, token="t-am").json() == {"outcome": "opened", "case": "EX-1"}
    signal = door.world.store.cases.case("EX-1").signal
    assert (len(signal.title), len(signal.facts["description"])) == (300, 2000)
    assert signal.title.endswith("… (shortened)")
    assert signal.facts["description"].endswith("… (shortened)")
    assert signal.facts["runbook"] == "a\ufffdb"


@pytest.mark.threat("C1")
def test_what_tells_signals_apart_is_never_cut_to_the_same(door):
    answers = [
        post(
            door,
            {**EVENT, "id": "i" * 500 + end, "subject": "s" * 500 + end},
            token="t-events",
            **STRUCTURED,
        )
        for end in ("1", "2", "1")
    ]
    assert [answer.json() for answer in answers] == [
        {"outcome": "opened", "case": "EX-1"},
        {"outcome": "opened", "case": "EX-2"},
        {"outcome": "duplicate", "case": "EX-1"},
    ]


@pytest.mark.threat("C1")
def test_an_event_with_too_much_in_it_is_taken_and_says_what_was_left_out(door):
    data = {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}, "big": 2**60}
    data |= {f"n{number}": number for number in range(100)}
    post(door, {**EVENT, "data": data}, token="t-events", **STRUCTURED)
    facts = door.world.store.cases.case("EX-1").signal.facts
    assert (len(facts), facts["facts_left_out"], facts["big"]) == (64, 40, str(2**60))
    assert facts["deep_a_b_c_d_e_f_g_h"] == "… (shortened)"


def test_any_json_by_a_mapping(door):
    body = {
        "id": "evt_1",
        "type": "charge.failed",
        "created": 1760000000,
        "data": {"object": {"id": "ch_1", "amount": 1999}},
    }
    secret = "whsec_" + base64.b64encode(b"stripe's own secret").decode()
    assert signed(door, body, secret, path="/v1/webhooks/stripe").status_code == 201
    signal = door.world.store.cases.case("EX-1").signal
    assert (signal.title, signal.facts, signal.kind) == (
        "Payment charge.failed",
        {"amount": 1999},
        "failed_payment",
    )
    problem(signed(door, {"id": "evt_2"}, secret, path="/v1/webhooks/stripe"), 422)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared webhook payloads are absent")
def test_hundreds_of_real_payloads_are_taken_or_refused_but_never_5xx(door):
    import gzip

    seen = set()
    with gzip.open(SHARED / "data/webhooks/alerts.jsonl.gz", "rt") as lines:
        payloads = list(lines)
    with gzip.open(SHARED / "data/webhooks/stripe_objects.json.gz", "rt") as objects:
        payloads += [json.dumps(item) for item in json.load(objects).values()]
    for text in payloads:
        for token in (TOKEN, "t-events", "t-am"):
            seen.add(post(door, text.encode(), token=token).status_code)
    assert seen <= {200, 201, 202, 400, 409, 413, 415, 422}

"""The intake: 2xx means stored, and every error is a problem."""

import threading

import jsonschema
import pytest
from sqlalchemy.exc import OperationalError

from bot import metrics
from bot.cases.errors import ChatFailed
from bot.cases.source import Format, Source
from handlers.intake import app
from handlers.intake.app import IntakeApi
from handlers.intake.authentication import Credentials
from tests.handlers.intake.deliveries import (
    CREDENTIALS,
    READ_HEADERS,
    SIGNAL,
    SOURCES,
    TOKEN,
    IntakeClient,
    assert_problem,
)


def test_a_signal_is_stored_before_it_is_answered(client):
    response = client.deliver(SIGNAL)
    assert response.status_code == 201
    assert response.json() == {"outcome": "opened", "case": "EX-1"}
    assert client.store.cases.case("EX-1").signal.source == "api"


def test_a_signal_that_is_sent_again_is_counted_once(client):
    client.deliver(SIGNAL)
    response = client.deliver(SIGNAL)
    assert response.status_code == 200
    assert response.json()["outcome"] == "duplicate"


def test_a_signal_counts_on_a_case_and_clears_it(client):
    client.deliver(SIGNAL)
    response = client.deliver({**SIGNAL, "key": "k2"})
    assert response.json() == {"outcome": "counted", "case": "EX-1"}
    response = client.deliver({**SIGNAL, "key": "k3", "status": "clear"})
    assert response.json()["outcome"] == "cleared"


def test_the_same_key_with_another_body_is_409(client):
    client.deliver(SIGNAL)
    response = client.deliver({**SIGNAL, "title": "other"})
    assert "both are kept" in assert_problem(response, 409, "key")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_content_is_415(client, content_type):
    response = client.deliver(SIGNAL, headers={"content-type": content_type})
    assert_problem(response, 415)


def test_too_large_is_413_whether_it_says_so_or_not(client):
    assert_problem(client.deliver(b"x" * 300_000), 413)

    def without_length():
        for _ in range(300):
            yield b"x" * 1000

    headers = {"authorization": f"Bearer {TOKEN}"}
    response = client.post("/v1/signals", content=without_length(), headers=headers)
    assert_problem(response, 413)


def test_a_database_that_is_away_is_503_and_the_sender_tries_again(client, monkeypatch):
    def fail(*_, **__):
        raise OperationalError("x", {}, Exception("database is locked"))

    monkeypatch.setattr(client.store.database, "write", fail)
    response = client.deliver(SIGNAL)
    assert "nothing is lost if you send it again" in assert_problem(response, 503)
    assert response.headers["retry-after"] == "5"


def test_reading_a_case_needs_a_token(client):
    client.deliver(SIGNAL)
    assert_problem(client.get("/v1/cases/EX-1"), 401)
    sources_token = {"authorization": f"Bearer {TOKEN}"}
    assert_problem(client.get("/v1/cases/EX-1", headers=sources_token), 401)
    assert client.get("/v1/cases/EX-1", headers=READ_HEADERS).json()["id"] == "EX-1"
    assert_problem(client.get("/v1/cases/EX-2", headers=READ_HEADERS), 404)


def test_a_program_reads_what_its_case_waits_for(client):
    client.deliver(SIGNAL)
    progress = client.get("/v1/cases/EX-1", headers=READ_HEADERS).json()["progress"]
    assert progress == {
        "waits_for": [],
        "approvals_needed": 0,
        "approvals_missing": 0,
        "usual_seconds": None,
        "four_in_five_seconds": None,
    }
    client.world.work()
    progress = client.get("/v1/cases/EX-1", headers=READ_HEADERS).json()["progress"]
    assert progress["waits_for"] == ["@floor-managers"]
    assert (progress["approvals_needed"], progress["approvals_missing"]) == (1, 1)


def test_a_case_can_be_read_while_slack_says_nothing_about_groups(client, monkeypatch):
    client.deliver(SIGNAL)
    client.world.work()

    def fail(handles, *, fresh=False):
        raise ChatFailed("ratelimited")

    monkeypatch.setattr(client.world.people, "groups", fail)
    record = client.get("/v1/cases/EX-1", headers=READ_HEADERS).json()
    assert (record["id"], record["progress"]) == ("EX-1", None)


def test_what_is_not_here_is_a_problem_too(client):
    assert_problem(client.get("/nothing"), 404)
    assert_problem(client.get("/v1/signals"), 405)


def test_the_counters_are_there_for_prometheus(client):
    metrics.RECALLS.labels("answered").inc()
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    for name in ("countersign_recalls", "countersign_recognitions", "countersign_narrations"):
        assert f"# TYPE {name}_total counter" in response.text
    assert 'countersign_recalls_total{outcome="answered"}' in response.text


def test_health_and_readiness(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = {"status": "ready", "problems": [], "warnings": []}
    assert client.get("/readyz").json() == ready


def test_the_published_schema_describes_a_signal(client):
    schema = client.get("/v1/signals/schema").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(SIGNAL, schema)


@pytest.mark.threat("C4")
@pytest.mark.parametrize("is_large", [True, False])
def test_a_large_body_is_parsed_beside_the_loop_that_answers_everybody(
    small_world, monkeypatch, is_large
):
    if is_large:
        monkeypatch.setattr(app, "MAX_SMALL_BODY_BYTES", 10)
    threads = {}
    parse_signals = app.signals.parse_signals

    def parse_noting_the_thread(body, headers, source):
        threads["parser"] = threading.get_ident()
        return parse_signals(body, headers, source)

    async def get_health(self, request):
        threads["loop"] = threading.get_ident()
        return app.JSONResponse({})

    monkeypatch.setattr(app.signals, "parse_signals", parse_noting_the_thread)
    monkeypatch.setattr(IntakeApi, "get_health", get_health)
    with IntakeClient(small_world) as client:
        client.get("/healthz")
        assert client.deliver(SIGNAL).status_code == 201
    assert (threads["parser"] != threads["loop"]) is is_large


# --- domains of sources ----------------------------------------------------------------------


@pytest.fixture
def shop(small_world):
    """Return a client with another source, and two of one domain."""
    sources = {
        **SOURCES,
        "one": Source(name="one", format=Format.SIGNAL, kind="low_stock"),
        "till": Source(name="till", format=Format.SIGNAL, domain="shop"),
        "scanner": Source(name="scanner", format=Format.SIGNAL, domain="shop"),
    }
    credentials = {
        **CREDENTIALS,
        "one": Credentials(("t-one",)),
        "till": Credentials(("t-till",)),
        "scanner": Credentials(("t-scanner",)),
    }
    return IntakeClient(small_world, sources=sources, credentials=credentials)


@pytest.mark.threat("A6")
def test_another_source_neither_clears_nor_counts_on_nor_reopens_a_case(shop):
    shop.deliver(SIGNAL, token="t-one")
    clear = {**SIGNAL, "key": "k2", "status": "clear"}
    assert shop.deliver(clear).json() == {"outcome": "ignored", "case": None}
    response = shop.deliver({**SIGNAL, "key": "k3"})
    assert response.json() == {"outcome": "opened", "case": "EX-2"}
    response = shop.deliver(clear, token="t-one")
    assert response.json() == {"outcome": "cleared", "case": "EX-1"}
    response = shop.deliver({**SIGNAL, "key": "k4"})
    assert response.json() == {"outcome": "counted", "case": "EX-2"}
    assert shop.store.queries.counts() == {"CLEARED": 1, "OPEN": 1}


@pytest.mark.threat("A6")
def test_sources_of_one_domain_clear_what_the_other_opened(shop):
    shop.deliver(SIGNAL, token="t-till")
    response = shop.deliver({**SIGNAL, "status": "clear"}, token="t-scanner")
    assert response.json() == {"outcome": "cleared", "case": "EX-1"}

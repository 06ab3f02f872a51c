"""Ids and counts of requests, over a real application."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from bot.log_context import current_fields
from bot.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from handlers.intake.request_log import RequestLog


def answer(request):
    """Runs in a thread of its own."""
    if request.path_params["secret"] == "broken":
        raise RuntimeError("a mistake of ours")
    return PlainTextResponse(current_fields().get("request", ""))


@pytest.fixture
def client():
    app = Starlette(routes=[Route("/v1/webhooks/{secret}", answer)])
    return TestClient(RequestLog(app), raise_server_exceptions=False)


def count(route: str, status: str) -> float:
    return HTTP_REQUESTS.labels(route, status)._value.get()


def test_the_senders_id_stands_in_the_log_and_comes_back(client):
    response = client.get("/v1/webhooks/a", headers={"X-Request-Id": "order-17"})
    assert response.text == response.headers["X-Request-Id"] == "order-17"


@pytest.mark.parametrize("offered", ["", "two words", "a" * 65, "x\tERROR", "ü"])
def test_what_is_no_id_is_replaced(client, offered):
    response = client.get("/v1/webhooks/a", headers={"X-Request-Id": offered.encode()})
    assert response.text == response.headers["X-Request-Id"] != offered
    assert len(response.text) == 32


def test_the_answer_to_a_failure_of_ours_has_an_id_too(client):
    response = client.get("/v1/webhooks/broken", headers={"X-Request-Id": "order-17"})
    assert response.status_code == 500
    assert response.headers["X-Request-Id"] == "order-17"


def test_requests_are_counted_by_route_and_no_part_of_a_path_is_a_label(client):
    route = "/v1/webhooks/{secret}"
    before = {status: count(route, status) for status in ("200", "500")}
    times = HTTP_REQUEST_SECONDS.labels(route)._sum.get()
    client.get("/v1/webhooks/tr0ub4dor")
    client.get("/v1/webhooks/broken")
    assert {status: count(route, status) - before[status] for status in before} == {
        "200": 1,
        "500": 1,
    }
    assert HTTP_REQUEST_SECONDS.labels(route)._sum.get() > times
    unknown = count("unknown", "404")
    client.get("/wp-login.php")
    assert count("unknown", "404") == unknown + 1

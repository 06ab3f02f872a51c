"""The routes of the passkey page."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from handlers.passkeys.app import MAX_BODY_BYTES, confirmation_url, enrolment_url, routes
from handlers.passkeys.ceremony import Ceremony

URL = "http://localhost:8080"
JSON = {"content-type": "application/json"}


@pytest.fixture
def client(small_world):
    desk = small_world.desk
    page_routes = routes(
        desk.decisions,
        desk.enrolment,
        ceremony=Ceremony(URL),
        clock=small_world.clock,
    )
    return TestClient(Starlette(routes=page_routes), base_url=URL)


@pytest.mark.parametrize("link", [confirmation_url(URL, "EX-1", "t"), enrolment_url(URL, "t")])
def test_a_link_that_was_never_made_shows_the_page_and_nothing_in_it(client, link):
    assert client.get(link).headers["content-type"].startswith("text/html")
    for response in (client.get(f"{link}/question"), client.post(link, json={})):
        assert response.status_code == 410
        assert response.json()["refused"].startswith("Not done: this link")


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"{}", {"content-type": "text/plain"}, "send application/json"),
        (b"{", JSON, "the request is not JSON"),
        (b"[" * 30_000, JSON, "the request is not JSON"),
        (b" " * (MAX_BODY_BYTES + 1), JSON, "the request is too large"),
    ],
)
def test_a_malformed_request_is_refused_with_its_reason(client, body, headers, reason):
    response = client.post(enrolment_url(URL, "t"), content=body, headers=headers)
    assert response.status_code == 422
    assert response.json() == {"refused": f"Not done: {reason}."}

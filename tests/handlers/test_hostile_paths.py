"""Paths of HTTP requests: none reaches the database as it came."""

from urllib.parse import quote

import pytest

from handlers.passkeys import app as passkeys
from handlers.passkeys.ceremony import Ceremony
from tests.handlers.intake.deliveries import READ_HEADERS, IntakeClient

ODD_PARTS = [
    "\x00",
    "EX-1\x00",
    "\ud800",
    "\U0001f600",
    "%00",
    "..",
    "a" * 5000,
    "' OR 1=1 --",
    "\r\n",
]


@pytest.mark.threat("C3")
@pytest.mark.parametrize("odd_part", ODD_PARTS, ids=range(len(ODD_PARTS)))
def test_no_path_reaches_the_database_as_it_came(world, odd_part):
    routes = passkeys.routes(
        world.desk.decisions,
        world.desk.enrolment,
        ceremony=Ceremony("http://localhost:8080"),
        clock=world.clock,
    )
    client = IntakeClient(world, extra_routes=routes)
    part = quote(odd_part.encode("utf-8", "surrogatepass"), safe="")
    read_paths = [
        f"/v1/cases/{part}",
        f"/confirm/{part}/x/question",
        f"/confirm/EX-1/{part}/question",
        f"/passkey/{part}/question",
    ]
    write_paths = [f"/confirm/{part}/{part}", f"/passkey/{part}", f"/v1/webhooks/{part}"]
    write_paths.append(f"/v1/webhooks/api/{part}")
    responses = [client.get(path, headers=READ_HEADERS) for path in read_paths]
    json_headers = {"content-type": "application/json"}
    responses += [client.post(path, content=b"{}", headers=json_headers) for path in write_paths]
    for response in responses:
        assert 400 <= response.status_code < 500, response.url

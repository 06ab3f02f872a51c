"""OpenAPI: every route is in it, and what is answered is what it says."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from tests.handlers.intake.deliveries import READ_HEADERS, SIGNAL, IntakeClient
from tests.handlers.programs.conftest import ProgramClient

PROBLEM = "application/problem+json"


@pytest.fixture
def client(small_world):
    return IntakeClient(small_world)


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def check(document, response, path, method="GET"):
    """Hold an answer against what is said of it."""
    operation = document["paths"][path][method.lower()]
    described = operation["responses"][str(response.status_code)]
    media_type = response.headers["content-type"].partition(";")[0]
    schema = described["content"][media_type]["schema"]
    jsonschema.Draft202012Validator(
        {**schema, "components": document["components"]},
        format_checker=jsonschema.FormatChecker(),
    ).validate(response.json())
    return response.json()


def test_it_is_a_valid_document_of_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described_and_nothing_else(client, document):
    routes = {
        (route.path, method)
        for route in client.app.routes
        if isinstance(route, Route)
        for method in (route.methods or ()) - {"HEAD"}
    }
    described = {(path, method) for path, method, _ in operations(document)}
    assert described == routes


def test_every_operation_has_a_name_of_its_own_and_says_who_may(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, _, operation in operations(document):
        assert operation["summary"].endswith(".")
        if path.startswith("/v1/") and path != "/v1/signals/schema":
            assert operation["security"], path
            assert {"401", "429", "503"} <= set(operation["responses"])
            assert PROBLEM in operation["responses"]["401"]["content"]


def test_what_the_routes_answer_is_what_is_described(client, document):
    world = client.world
    check(document, client.deliver(SIGNAL), "/v1/signals", "POST")
    check(document, client.deliver(SIGNAL), "/v1/signals", "POST")
    check(document, client.deliver({**SIGNAL, "title": "other"}), "/v1/signals", "POST")
    check(document, client.deliver({"key": 1}), "/v1/signals", "POST")
    check(document, client.deliver(SIGNAL, token="wrong"), "/v1/signals", "POST")
    world.work()
    world.approve(world.store.cases.case("EX-1"), "ana")
    world.work()
    world.proposed()
    for path, url in {
        "/v1/cases": "/v1/cases?limit=1",
        "/v1/cases/{id}": "/v1/cases/EX-1",
        "/v1/precedents": "/v1/precedents?text=merlot",
        "/v1/signals/schema": "/v1/signals/schema",
        "/healthz": "/healthz",
        "/readyz": "/readyz",
        "/openapi.json": "/openapi.json",
    }.items():
        response = client.get(url, headers=READ_HEADERS)
        assert response.status_code == 200, url
        assert check(document, response, path)
    for path, url, status in [
        ("/v1/cases", "/v1/cases?limit=0", 422),
        ("/v1/cases/{id}", "/v1/cases/EX-99", 404),
        ("/v1/precedents", "/v1/precedents", 422),
    ]:
        response = client.get(url, headers=READ_HEADERS)
        assert response.status_code == status
        assert check(document, response, path)["status"] == status
        check(document, client.get(url), path)


def test_what_a_program_is_answered_about_its_requests_is_what_is_described(small_world, signer):
    program = ProgramClient(small_world, signer)
    document = program.http.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    place, one = "/v1/approvals", "/v1/approvals/{id}"

    def checked(response, path=one, method="GET"):
        return check(document, response, path, method)

    asked = checked(program.ask(), place, "POST")
    assert checked(program.ask(), place, "POST")["id"] == asked["id"]
    url = f"{place}/{asked['id']}"
    small_world.work()
    assert checked(program.http.get(url))["state"] == "pending"
    checked(program.http.post(f"{url}/report", json={"outcome": "done"}), f"{one}/report", "POST")
    small_world.approve(small_world.store.cases.case(asked["id"]), "elsie")
    small_world.work()
    approved = checked(program.http.get(url))
    assert approved["decision"]["by"][0]["name"] == "Elsie"
    assert approved["receipt"]
    report = program.http.post(f"{url}/report", json={"outcome": "done", "result": {"paid": 1}})
    assert report.status_code == 200, report.text
    assert checked(report, f"{one}/report", "POST")["execution"]["state"] == "done"
    checked(program.http.post(f"{url}/cancel"), f"{one}/cancel", "POST")
    other = checked(program.ask(idempotency_key="key-2", arguments={"deposit": 1}), place, "POST")
    cancelled = program.http.post(f"{place}/{other['id']}/cancel")
    assert checked(cancelled, f"{one}/cancel", "POST")["decision"]["outcome"] == "cancelled"
    checked(program.http.get(f"{place}/EX-99"))
    checked(program.http.get(f"{url}?wait=61"))
    checked(program.ask(action="burn"), place, "POST")
    checked(program.ask(idempotency_key=5), place, "POST")
    checked(program.http.get("/v1/keys"), "/v1/keys")


def test_an_answer_with_another_shape_would_be_noticed(client, document):
    client.deliver(SIGNAL)
    response = client.get("/v1/cases", headers=READ_HEADERS)
    for wrong in ({"cases": [{}], "next": None}, {"next": None}, {"cases": [], "next": 1}):
        response._content = b""
        response.json = lambda wrong=wrong: wrong
        with pytest.raises(jsonschema.ValidationError):
            check(document, response, "/v1/cases")


def test_the_parameters_of_a_list_are_those_that_it_reads(client, document):
    described = {
        parameter["name"]: parameter
        for parameter in document["paths"]["/v1/cases"]["get"]["parameters"]
    }
    values = {"state": "open", "opened_after": "2026-11-01T00:00:00Z", "limit": "5", "cursor": ""}
    for name in described:
        url = f"/v1/cases?{name}={values.get(name, 'x')}"
        assert client.get(url, headers=READ_HEADERS).status_code == 200, name
    assert client.get("/v1/cases?another=x", headers=READ_HEADERS).status_code == 422
    assert described["limit"]["schema"]["maximum"] == 200


def test_events_are_described_as_webhooks(document):
    assert set(document["webhooks"]) == {
        "approval.decided",
        "case.decided",
        "case.executed",
        "case.opened",
        "case.resolved",
    }


def test_it_shows_no_secret_and_says_where_the_server_is(small_world):
    client = IntakeClient(small_world)
    document = client.get("/openapi.json").text
    assert "read-me" not in document
    # It is made once.
    assert client.get("/openapi.json").text == document

"""Our own JSON format."""

import pytest

from tests.handlers.intake.deliveries import SIGNAL, assert_problem


@pytest.mark.threat("B6")
def test_a_requester_is_taken_as_it_is_named_and_only_what_cannot_be_stored_is_refused(client):
    requesters = ["T1/UANA", "ana@harbour.example", "Ana Lima", "corp/ana"]
    for number, requester in enumerate(requesters):
        response = client.deliver(
            {**SIGNAL, "key": f"r{number}", "subject": f"s{number}", "requester": requester}
        )
        assert response.status_code == 201
        assert client.store.cases.case(response.json()["case"]).authors == (requester,)
    for requester in ("x" * 81, "a\u0000b", "  ", 7):
        response = client.deliver({**SIGNAL, "key": "bad", "requester": requester})
        assert_problem(response, 422, "requester")

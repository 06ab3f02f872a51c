"""Any JSON, through the mapping of its source."""

from dataclasses import replace

import pytest

from bot.cases.source import Format, Source
from handlers.intake.authentication import Credentials
from tests.handlers.intake.deliveries import (
    STRIPE_MAPPING,
    STRIPE_SECRET,
    IntakeClient,
)

STRIPE_PATH = "/v1/webhooks/stripe"
ITEMS_MAPPING = replace(
    STRIPE_MAPPING, each="body.items", kind="item.type", title="Event {item.id}", facts={}
)
CHARGE = {"id": "e", "type": "t", "data": {"object": {"id": "o"}}}


@pytest.fixture
def items_client(small_world):
    """Return a client whose source sends a list of items."""
    sources = {"items": Source(name="items", format=Format.MAPPING, mapping=ITEMS_MAPPING)}
    credentials = {"items": Credentials(("t-items",))}
    return IntakeClient(small_world, sources=sources, credentials=credentials)


def deliver_items(client, *items):
    return client.deliver({"items": items}, token="t-items")


def test_any_json_by_a_mapping(client):
    body = {
        "id": "evt_1",
        "type": "charge.failed",
        "created": 1760000000,
        "data": {"object": {"id": "ch_1", "amount": 1999}},
    }
    response = client.deliver_signed(body, secret=STRIPE_SECRET, path=STRIPE_PATH)
    assert response.status_code == 201
    signal = client.store.cases.case("EX-1").signal
    assert signal.title == "Payment charge.failed"
    assert signal.facts == {"amount": 1999}
    assert signal.kind == "failed_payment"


def test_a_body_that_the_mapping_does_not_fit_opens_a_case_that_is_not_recognised(client):
    response = client.deliver_signed({"note": "x y"}, secret=STRIPE_SECRET, path=STRIPE_PATH)
    assert response.status_code == 201
    signal = client.store.cases.case("EX-1").signal
    assert (signal.kind, signal.facts) == ("unrecognised", {"read_by": "guess", "note": "x y"})


@pytest.mark.threat("C4")
def test_a_list_without_items_is_one_report(items_client):
    assert deliver_items(items_client).status_code == 201


@pytest.mark.threat("C4")
@pytest.mark.parametrize("seconds", [1e300, -1e300, 10**21, -(10**18), 5, True, "soon"])
def test_a_time_that_cannot_be_read_is_left_out(items_client, seconds):
    assert deliver_items(items_client, {**CHARGE, "created": seconds}).status_code == 201
    assert items_client.store.cases.case("EX-1").signal.occurred_at is None


@pytest.mark.threat("C4")
@pytest.mark.parametrize("value", [[], {}])
def test_a_time_that_is_no_plain_value_is_no_time(items_client, value):
    assert deliver_items(items_client, {**CHARGE, "created": value}).status_code == 201


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    ("value", "kind"),
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
def test_a_mapped_kind_is_such_as_ours_are_or_none(items_client, value, kind):
    assert deliver_items(items_client, {**CHARGE, "type": value}).status_code == 201
    assert items_client.store.cases.case("EX-1").signal.kind == kind

"""Any JSON, through the mapping of its source."""

from dataclasses import replace
from datetime import date

import pytest

from bot.cases.canonical import content_hash
from bot.cases.redaction import REMOVED
from bot.cases.source import AmountMapping, AmountUnit, Format, SignalMapping, Source
from bot.cases.verification import Scheme
from bot.ports.case_queries import CaseFilter
from handlers.intake.authentication import Credentials
from handlers.intake.content import RequestContent
from handlers.intake.proof import Proof, full_proof
from handlers.intake.reading import Ignored
from handlers.intake.sources import mapped
from handlers.intake.sources.titles import is_title
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


# --- keys -----------------------------------------------------------------------------------------

MAPPING = SignalMapping(
    only="!body.note || body.note != 'skip'",
    ignore="body.draft",
    key=("headers.x_delivery", "body.id"),
    subject="order:{body.order}",
    title="Order {body.order} {body.state}",
    clear="body.state == 'paid'",
    amount=AmountMapping(value="body.total", currency="body.currency", unit=AmountUnit.MINOR),
    facts={"state": "body.state", "lines": "body.lines"},
)
SHOP = Source(name="shop", format=Format.MAPPING, kind="order_issue", mapping=MAPPING)
ORDER = {"id": "e1", "order": 7, "state": "failed", "total": 4200, "currency": "usd"}
FULL = full_proof(Scheme.BEARER)
BODY_ALONE = Proof(scheme=Scheme.HMAC, covers_query=False, covers_all_headers=False)


def read(body, *, proof=FULL, source=SHOP, headers=None, query=None):
    """Read the one item of a request."""
    content = RequestContent(body, headers or {}, query or {})
    (item,) = mapped.parse_signals(content, source, proof)
    return item


def test_a_request_is_read_through_its_mapping():
    signal = read({**ORDER, "lines": [{"sku": "a"}]})
    assert (signal.subject, signal.title) == ("order:7", "Order 7 failed")
    assert (signal.kind, signal.status) == ("order_issue", "firing")
    assert signal.facts == {
        "amount": 42,
        "currency": "USD",
        "state": "failed",
        "lines_0_sku": "a",
    }
    assert read({**ORDER, "state": "paid"}).status == "clear"


def test_the_same_event_with_another_body_counts_once_more_and_a_repetition_does_not():
    first, again = read(ORDER), read(dict(reversed(ORDER.items())))
    updated = read({**ORDER, "state": "refused"})
    assert first.key == again.key
    assert first.key.startswith("e1@")
    assert updated.key.startswith("e1@")
    assert updated.key != first.key
    assert updated.fingerprint == first.fingerprint


def test_a_key_from_a_header_counts_only_where_the_sender_vouches_for_it():
    headers = {"x_delivery": "d1"}
    assert read(ORDER, headers=headers).key.startswith("d1@")
    assert read(ORDER, headers=headers, proof=BODY_ALONE).key.startswith("e1@")
    signed = replace(BODY_ALONE, signed_headers=frozenset({"x_delivery"}))
    assert read(ORDER, headers=headers, proof=signed).key.startswith("d1@")


@pytest.mark.threat("C4")
def test_a_signed_body_that_is_sent_again_with_other_headers_is_the_same_signal():
    signals = [
        read(ORDER, headers={"x_delivery": str(number)}, query={"n": str(number)}, proof=BODY_ALONE)
        for number in range(3)
    ]
    assert len({signal.key for signal in signals}) == 1


def test_where_the_body_is_not_signed_the_message_alone_is_the_key():
    proof = replace(BODY_ALONE, covers_body=False, message_id="m1")
    keys = {read({**ORDER, "total": total}, proof=proof).key for total in (1, 2)}
    assert keys == {"m1"}


def test_without_a_key_the_content_is_the_key():
    body = {"order": 7, "state": "failed"}
    assert read(body).key == content_hash(body)
    assert read({**body, "large": 10**40, "odd": "\ud800"}).key != read(body).key


DAYS = (date(2026, 11, 14), date(2026, 11, 15))


@pytest.mark.parametrize(
    ("body", "proof", "count"),
    [
        # Nothing in it tells one night's failure from the next.
        ({"text": "The backup failed"}, FULL, 2),
        ({"text": "The backup failed", "at": "2026-11-14T01:00:00Z"}, FULL, 2),
        ({"text": "The backup failed", "time": "2026-11-14T01:00:00Z"}, FULL, 1),
        # What is only signed may be sent again by anybody.
        ({"text": "The backup failed"}, BODY_ALONE, 1),
    ],
)
def test_an_equal_report_of_another_day_counts_where_it_says_no_time(body, proof, count):
    content = RequestContent(body, {}, {})
    source = Source(name="any", format=Format.AUTO)
    keys = set()
    for day in DAYS:
        (signal,) = mapped.parse_signals(content, source, proof, received_on=day)
        keys.add(signal.key)
    assert len(keys) == count


# --- what is left out, and what does not fit ------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({**ORDER, "note": "skip"}, mapped.NOT_TAKEN),
        ({**ORDER, "draft": True}, mapped.LEFT_OUT),
    ],
)
def test_a_request_that_the_source_leaves_out_is_named(body, reason):
    item = read({**body, "type": "order.created", "action": "opened"})
    assert item == Ignored(reason=reason, event="order.created.opened")


def test_an_ignored_request_is_answered_and_counted(small_world):
    client = IntakeClient(
        small_world, sources={"shop": SHOP}, credentials={"shop": Credentials(("t",))}
    )
    for _ in range(2):
        response = client.deliver(
            {**ORDER, "draft": True},
            token="t",
            path="/v1/webhooks/shop",
            headers={"X-Shop-Topic": "orders/create"},
        )
        assert response.status_code == 202
        assert response.json() == {"outcome": "ignored", "reason": mapped.LEFT_OUT}
    (count,) = small_world.store.ignored_requests.list()
    assert (count.source, count.event, count.count) == ("shop", "orders/create", 2)
    assert client.store.queries.count(CaseFilter(is_any=True)) == 0


@pytest.mark.parametrize(
    "body", [{"hello": "wide world"}, [1, "two words"], "some plain text", 5, None, {}, []]
)
def test_what_the_mapping_does_not_fit_is_not_recognised_and_all_of_it_is_kept(body):
    signal = read(body)
    assert signal.kind == "unrecognised"
    assert signal.is_guessed
    assert signal.title.strip()
    assert signal.subject.strip()


@pytest.mark.parametrize(
    "state",
    ['{"a": 1}', "5f0c1e52-0000-4000-8000-1d2c3b4a5f60", "1234", "", "https://example.org/x"],
)
def test_a_title_is_no_json_number_identifier_or_address(state):
    source = replace(SHOP, mapping=replace(MAPPING, title="{body.state}"))
    signal = read({**ORDER, "state": state}, source=source)
    assert signal.title != state
    assert is_title(signal.title)


def test_a_kind_that_the_source_may_not_send_is_not_recognised():
    source = replace(
        SHOP, kind="", kinds=("order_issue",), mapping=replace(MAPPING, kind="body.kind")
    )
    assert read({**ORDER, "kind": "order_issue"}, source=source).kind == "order_issue"
    assert read({**ORDER, "kind": "wire_transfer"}, source=source).kind == "unrecognised"


@pytest.mark.threat("C4")
def test_no_secret_of_a_request_is_in_its_signal():
    body = {
        **ORDER,
        "state": "failed for card 4242424242424242",
        "lines": {"api_key": "abcd1234", "note": "password=hunter22"},
    }
    signal = read(body)
    shown = f"{signal.title} {signal.subject} {signal.facts}"
    for secret in ("4242424242424242", "abcd1234", "hunter22"):
        assert secret not in shown
    assert REMOVED in shown
    # The key comes from the original: two secrets are two contents.
    assert read({**body, "lines": {"api_key": "other"}}).key != signal.key


def test_a_delivery_that_is_read_otherwise_than_before_is_a_repetition(small_world):
    credentials = {"shop": Credentials(("t",))}

    def deliver(source):
        client = IntakeClient(small_world, sources={"shop": source}, credentials=credentials)
        return client.deliver(ORDER, token="t", path="/v1/webhooks/shop")

    assert deliver(SHOP).status_code == 201
    other = replace(SHOP, mapping=replace(MAPPING, title="Another title of {body.order}"))
    assert (deliver(other).status_code, deliver(other).json()["outcome"]) == (200, "duplicate")

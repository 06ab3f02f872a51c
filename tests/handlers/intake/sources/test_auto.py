"""Guesses about requests of any product, by their shapes: every request here is invented."""

import base64
import json

import pytest

from bot.cases.signal import SignalStatus
from bot.cases.source import Format, Source
from bot.cases.verification import Scheme
from handlers.intake.content import RequestContent
from handlers.intake.proof import full_proof
from handlers.intake.sources import mapped
from handlers.intake.sources.auto import find_items, unfold, with_context
from handlers.intake.sources.titles import has_words, is_title, plain_line, singular, words_of

ANY = Source(name="any", format=Format.AUTO)
FULL = full_proof(Scheme.BEARER)


def read_all(body, headers=None):
    """Read every report of a request."""
    return mapped.parse_signals(RequestContent(body, headers or {}, {}), ANY, FULL)


def read(body, headers=None):
    """Read the one report of a request."""
    (signal,) = read_all(body, headers)
    return signal


MONITOR = {"monitor_id": 77, "monitor_name": "Shop", "alert_type": "Down", "message": ""}
TICKET = {
    "type": "zen:event-type:ticket.status_changed",
    "id": "e-1",
    "detail": {"id": "5158", "subject": "My printer is on fire", "status": "OPEN", "type": "TASK"},
}
ISSUE = {
    "action": "opened",
    "issue": {"id": 9, "title": "Spelling error in the manual", "state": "open"},
    "repository": {"id": 1, "full_name": "shop/manual", "description": "All manuals of the shop"},
    "sender": {"id": 2, "login": "ana", "name": "Ana Ruiz"},
}
PAYMENT = {
    "events": [
        {
            "id": "EV1",
            "resource_type": "payments",
            "action": "failed",
            "links": {"payment": "PM1"},
            "details": {"description": "The account had insufficient funds."},
        }
    ]
}
ORDER = {
    "id": 727,
    "total": "29.35",
    "currency": "USD",
    "date_created": "2026-03-22T16:28:02",
    "status": "failed",
    "line_items": [{"id": 1, "name": "A bottle of Merlot"}],
    "customer": {"id": 3, "first_name": "John"},
}
SYNC = {
    "event": "sync_end",
    "connector_id": "c_1",
    "connector_name": "orders_prod",
    "data": {"status": "FAILURE", "reason": "Too many connections to the database"},
}
FORM = {
    "event_id": "ev-9",
    "event_type": "form_response",
    "form_response": {"form_id": "f1", "definition": {"id": "f1", "title": "Ask for leave"}},
}
ALARM = {
    "Type": "Notification",
    "MessageId": "m1",
    "Message": json.dumps(
        {
            "AlarmName": "OrdersQueue",
            "AlarmDescription": "More than 100 orders wait",
            "NewStateValue": "ALARM",
            "OldStateValue": "OK",
        }
    ),
}
DEAL = {
    "event": "updated.deal",
    "current": {"id": 12, "title": "Big wine order", "status": "lost"},
    "previous": {"id": 12, "title": "Big wine order", "status": "open"},
}
GUESSES = [
    (MONITOR, {}, "Monitor down: Shop", "monitor:77"),
    (TICKET, {}, "Ticket status changed, open: My printer is on fire", "task:5158"),
    (ISSUE, {}, "Issue opened: Spelling error in the manual", "issue:9"),
    (PAYMENT, {}, "Payment failed: The account had insufficient funds.", "payment:PM1"),
    (ORDER, {"x_shop_topic": "orders/create"}, "Order created failed: 727", "order:727"),
    (SYNC, {}, "Sync ended, failure: Too many connections to the database", "connector:c_1"),
    (FORM, {}, "Form response: Ask for leave", "event:ev-9"),
    (ALARM, {}, "More than 100 orders wait", "alarm:OrdersQueue"),
    (DEAL, {}, "Deal updated, lost: Big wine order", "deal:12"),
    ({"text": "The backup failed\nhost db1"}, {}, "The backup failed", "The backup failed"),
    ("just words", {}, "just words", "just words"),
]


@pytest.mark.parametrize(
    ("body", "headers", "title", "subject"), GUESSES, ids=[guess[2][:40] for guess in GUESSES]
)
def test_the_title_says_what_happened_and_the_subject_to_what(body, headers, title, subject):
    signal = read(body, headers)
    assert (signal.title, signal.subject) == (title, subject)
    assert signal.facts["read_by"] == "guess"


CONDITIONS = [
    ({"status": "resolved", "title": "Disk full on db1"}, True),
    ({"status": "firing", "title": "Resolved: disk full on db1"}, False),
    ({"title": "[OK] Disk full on db1"}, True),
    ({"title": "Recovered: disk full on db1"}, True),
    ({"title": "OK to proceed with the payment"}, False),
    ({"state": "closed", "alert": {"state": "open"}}, True),
    ({"old_state": "ok", "state": "alerting"}, False),
    ({"previous": {"status": "closed"}, "title": "Disk full on db1"}, False),
    ({"monitorCondition": "Resolved", "title": "Disk full on db1"}, True),
    ({"event": {"event_type": "incident.resolved", "data": {"title": "A bump"}}}, True),
    ({"event": {"event_type": "incident.triggered", "data": {"title": "A bump"}}}, False),
    ({"resolved": True, "title": "Disk full on db1"}, True),
    ({"resolved": False, "title": "Disk full on db1"}, False),
    ({"type": "build", "build": {"status": "success", "name": "nightly"}}, True),
    ({"type": "build", "build": {"status": "failed", "name": "nightly"}}, False),
    # No run of a machine, and no trouble that is over.
    ({"object": "charge", "status": "succeeded", "id": "ch_1"}, False),
    ({"event": "envelope-completed", "data": {"status": "completed"}}, False),
    ({"issue": {"fields": {"status": {"name": "Done"}, "summary": "Fix the door"}}}, True),
    # A person in it is active, and so on: that is nobody's trouble.
    ({"user": {"status": "closed"}, "title": "Disk full on db1"}, False),
    # Of several that differ, the trouble counts.
    ({"status": "ok", "state": "failing", "title": "Disk full on db1"}, False),
]


@pytest.mark.parametrize(("body", "is_over"), CONDITIONS, ids=range(len(CONDITIONS)))
def test_trouble_is_over_only_where_the_request_says_so(body, is_over):
    assert (read(body).status is SignalStatus.CLEAR) is is_over


def test_the_end_of_trouble_has_the_subject_of_its_beginning():
    for start, end in [
        ({"title": "[FIRING:1] Disk full on db1"}, {"title": "[RESOLVED] Disk full on db1"}),
        ({"title": "Triggered: disk full"}, {"title": "Recovered: disk full"}),
        ({**MONITOR, "alert_type": "Down"}, {**MONITOR, "alert_type": "Up"}),
    ]:
        assert read(start).fingerprint == read(end).fingerprint
        assert (read(start).status, read(end).status) == ("firing", "clear")


AMOUNTS = [
    ({"total_price": "388.00", "currency": "USD"}, (388, "USD")),
    ({"amount": {"value": "99.00", "currency_code": "EUR"}}, (99, "EUR")),
    ({"amount_cents": 4200, "currency": "GBP"}, (42, "GBP")),
    ({"amount_in_cents": 500, "currency": "JPY"}, (500, "JPY")),
    ({"total": 12.5, "currency": "eur"}, (12.5, "EUR")),
    ({"price": "€1.234,50"}, (1234.5, "EUR")),
    # Cents or euros: nobody can tell.
    ({"amount": 4200, "currency": "usd"}, (None, None)),
    ({"amount": "4200", "currency": "usd"}, (None, None)),
    # A measure.
    ({"value": 97.5, "metric": "cpu"}, (None, None)),
]


@pytest.mark.parametrize(("body", "money"), AMOUNTS, ids=range(len(AMOUNTS)))
def test_an_amount_is_taken_only_where_its_unit_is_certain(body, money):
    facts = read({"title": "Something about money", **body}).facts
    assert (facts.get("amount"), facts.get("currency")) == money
    # The playbook of what is not recognised takes these for the stake.
    assert not {"value", "total"} & facts.keys()


def test_the_outermost_time_link_and_severity_are_taken():
    signal = read(
        {
            "title": "Disk full on db1",
            "user": {"created_at": "2001-01-01T00:00:00Z", "url": "https://example.org/u"},
            "event": {"timestamp": 1794652200, "html_url": "https://example.org/e"},
            "priority": "P1",
        }
    )
    assert f"{signal.occurred_at:%Y-%m-%dT%H:%M}" == "2026-11-14T10:30"
    assert (signal.facts["link"], signal.facts["severity"]) == ("https://example.org/e", "P1")


# --- batches and envelopes ------------------------------------------------------------------------


def test_a_batch_is_one_report_each_with_what_stands_around_it():
    body = {
        "site": "north",
        "title": "2 alerts",
        "status": "firing",
        "alerts": [
            {"fingerprint": "a", "annotations": {"summary": "Disk full on db1"}},
            {
                "fingerprint": "b",
                "status": "resolved",
                "annotations": {"summary": "Door open in room 2"},
            },
        ],
    }
    first, second = read_all(body)
    assert (first.title, second.title) == ("Disk full on db1", "Door open in room 2")
    assert (first.status, second.status) == ("firing", "clear")
    assert first.facts["site"] == "north"
    assert len({first.key, second.key}) == 2


def test_only_lists_of_reports_are_batches():
    assert find_items([{"a": 1}]) == [{"a": 1}]
    assert find_items({"Records": [{"a": 1}]}) == [{"a": 1}]
    for body in ([1], [], {"items": [{"a": 1}]}, {"alerts": []}, {"alerts": [1]}, "x", None):
        assert find_items(body) is None
    assert find_items([{"a": 1}] * 501) is None


def test_what_stands_around_a_report_adds_no_title_and_no_condition():
    body = {"title": "All", "status": "ok", "site": "north", "alerts": []}
    assert with_context({"name": "x"}, body) == {"name": "x", "site": "north"}


def test_objects_in_texts_are_read_also_those_of_queues():
    encoded = base64.b64encode(b'{"summary": "The queue is full"}').decode()
    body = {"message": {"data": encoded, "messageId": "1"}, "note": "[no json", "n": "{}"}
    assert unfold(body) == {
        "message": {"data": {"summary": "The queue is full"}, "messageId": "1"},
        "note": "[no json",
        "n": {},
    }
    assert read(body).title == "The queue is full"


@pytest.mark.threat("C4")
def test_a_secret_in_an_object_in_a_text_is_removed_too():
    signal = read({"title": "Key is old", "Message": json.dumps({"api_key": "abcd1234"})})
    assert "abcd1234" not in str(signal.facts)


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    "body",
    [
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": "deep text here"}}}}}}}}},
        {"title": "x" * 100_000},
        {"title": ["a"] * 5_000},
        {str(number): {"title": "T " * 50} for number in range(2_000)},
        {"Message": "[" * 100_000},
        {"title": "\ud800\x00 odd"},
        {"": "", " ": {"": {}}},
        {"title": "<" * 50_000, "message": "[(" * 25_000},
    ],
)
def test_any_shape_is_read_to_a_bound(body):
    signal = read(body)
    assert 0 < len(signal.title) <= 300
    assert 0 < len(signal.subject) <= 200


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("invoice.payment_failed", "invoice payment failed"),
        ("HostHighCpuLoad", "host high cpu load"),
        ("HTTPError500", "HTTP error500"),
        ("orders/create", "orders create"),
    ],
)
def test_the_name_of_a_program_is_written_as_words(name, words):
    assert words_of(name) == words


def test_a_line_is_plain():
    assert plain_line("<p>Hey, <b>my invoice</b> is&nbsp;wrong</p>") == "Hey, my invoice is wrong"
    assert plain_line("## [Disk full](https://example.org/x) **now**") == "Disk full now"
    assert plain_line("<https://example.org|The door> is open") == "The door is open"
    assert plain_line("\n---\n42\nA line") == "A line"


def test_titles_say_something():
    for text in ("Disk full", "ok then", "5xx errors"):
        assert is_title(text)
    for text in ("", "42", "None", '{"a": 1}', "2026-11-14T10:30:00Z", "evt_1MqqbKLt4dXK03v5"):
        assert not is_title(text)
    assert (has_words("two words"), has_words("one 42")) == (True, False)


def test_nouns_are_put_in_the_singular():
    words = ("orders", "status", "address", "companies", "bus", "issue")
    assert [singular(word) for word in words] == [
        "order",
        "status",
        "address",
        "company",
        "bus",
        "issue",
    ]

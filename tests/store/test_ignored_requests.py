"""Requests that sources leave out: counted by day and event, within bounds."""

from datetime import timedelta

from bot.store.ignored_requests import MAX_EVENTS, OTHER_EVENTS, RETENTION
from tests.fakes.clock import NOON

DAY = timedelta(days=1)


def counted(store, source=""):
    return [
        (one.source, one.day, one.event, one.count) for one in store.ignored_requests.list(source)
    ]


def test_requests_are_counted_by_source_day_and_event(store):
    requests = store.ignored_requests
    for at in (NOON, NOON, NOON + DAY):
        requests.count("ci", "push", at)
    requests.count("ci", "ping", NOON)
    requests.count("shop", "push", NOON)
    assert counted(store, "ci") == [
        ("ci", (NOON + DAY).date(), "push", 1),
        ("ci", NOON.date(), "push", 2),
        ("ci", NOON.date(), "ping", 1),
    ]
    assert counted(store, "shop") == [("shop", NOON.date(), "push", 1)]
    assert requests.list("ci")[1].last_at == NOON


def test_what_is_older_than_the_retention_goes(store):
    store.ignored_requests.count("ci", "push", NOON)
    store.ignored_requests.count("ci", "push", NOON + RETENTION)
    assert len(counted(store)) == 2
    store.ignored_requests.count("ci", "push", NOON + RETENTION + DAY)
    assert [day for _, day, *_ in counted(store)] == [
        (NOON + RETENTION + DAY).date(),
        (NOON + RETENTION).date(),
    ]


def test_a_sender_that_makes_up_events_does_not_fill_the_table(store):
    for number in range(MAX_EVENTS + 5):
        store.ignored_requests.count("ci", f"event{number}", NOON)
    store.ignored_requests.count("ci", "event1", NOON)
    counts = {event: count for _, _, event, count in counted(store)}
    assert len(counts) == MAX_EVENTS + 1
    assert (counts[OTHER_EVENTS], counts["event1"]) == (5, 2)

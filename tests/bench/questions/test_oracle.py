"""What the bench takes for true."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.bench.questions import periods
from tests.bench.questions.company import NOW, ZONE
from tests.bench.questions.samples import (
    ANA,
    BEN,
    CARLA,
    DEV,
    GUS,
    HOUR,
    OMAR,
    decided,
    oracle,
    record,
    stamp,
)

DAY = timedelta(days=1)


def ids(records, where, asker=BEN, **controls):
    return oracle(records, **controls).select(where, asker).ids


# --- periods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("today", "2026-06-17T23:00", "2026-06-18T23:00"),
        ("yesterday", "2026-06-16T23:00", "2026-06-17T23:00"),
        ("day_before_yesterday", "2026-06-15T23:00", "2026-06-16T23:00"),
        ("overnight", "2026-06-17T17:00", "2026-06-18T07:00"),
        ("this_morning", "2026-06-17T23:00", "2026-06-18T11:00"),
        ("weekend", "2026-06-12T23:00", "2026-06-14T23:00"),
        ("this_week", "2026-06-14T23:00", "2026-06-21T23:00"),
        ("last_week", "2026-06-07T23:00", "2026-06-14T23:00"),
        ("last_month", "2026-04-30T23:00", "2026-05-31T23:00"),
        ("last_quarter", "2026-01-01T00:00", "2026-03-31T23:00"),
        ("friday", "2026-06-11T23:00", "2026-06-12T23:00"),
        ("thursday", "2026-06-17T23:00", "2026-06-18T23:00"),
        ("december", "2025-12-01T00:00", "2026-01-01T00:00"),
        ("-PT2H", "2026-06-18T07:00", "2026-06-18T07:00"),
        ("today@12:00", "2026-06-18T11:00", "2026-06-18T11:00"),
    ],
)
def test_a_name_is_a_span_of_the_clock_on_the_wall(name, begin, end):
    span = periods.named_span(name, NOW, ZONE)
    assert [at.astimezone(UTC) for at in span] == [
        datetime.fromisoformat(f"{one}+00:00") for one in (begin, end)
    ]


def test_a_weekday_of_what_is_due_is_the_next():
    begin, _ = periods.named_span("monday", NOW, ZONE, is_due=True)
    assert begin.date().isoformat() == "2026-06-22"


def test_a_period_without_an_end_ends_now():
    begin, end = periods.span_of({"from": "friday"}, NOW, ZONE)
    assert begin < NOW < end < NOW + timedelta(seconds=1)


def test_before_ends_where_the_name_begins():
    _, end = periods.span_of({"before": "monday"}, NOW, ZONE)
    assert end.astimezone(UTC).isoformat() == "2026-06-14T23:00:00+00:00"


# --- conditions --------------------------------------------------------------------------------


def test_a_stake_at_the_limit_counts_and_none_is_neither():
    records = [record(5), record(6), record(7, stake=None)]
    assert ids(records, {"stake_min": 600}) == ["EX-6"]
    assert ids(records, {"stake_max": 500}) == ["EX-5"]


def test_open_is_what_has_not_ended():
    records = [record(1), record(2, state="snoozed"), record(3, **decided("rejected", BEN))]
    assert ids(records, {"open": True}) == ["EX-1", "EX-2"]
    assert ids(records, {"open": False}) == ["EX-3"]


def test_words_begin_words_without_accents():
    records = [record(1, words=["albarino", "1999"]), record(2, words=["merlot"])]
    assert ids(records, {"text": "Albariño"}) == ["EX-1"]
    assert ids(records, {"text": "bar"}) == []


def test_what_is_only_in_a_preview_may_be_found_or_not():
    found = oracle([record(1, more_words=["dockside"])]).select({"text": "dockside"}, BEN)
    assert (found.ids, found.allowed) == ([], {"EX-1"})


def test_a_group_waits_until_it_has_voted():
    both = [("ops-leads", 1), ("finance", 1)]
    records = [record(1, factors=both), record(2, factors=both, votes=[(BEN, BEN)])]
    assert ids(records, {"waits_on": "ops-leads"}) == ["EX-1"]
    assert ids(records, {"waits_on": "finance"}) == ["EX-1", "EX-2"]
    assert ids(records, {"part_approved": True}) == ["EX-2"]


def test_nothing_waits_on_guests_authors_and_voters():
    floor = record(1, channel="C0FLOOR")
    assert ids([floor], {"waits_on": "me"}, ANA) == ["EX-1"]
    assert ids([floor], {"waits_on": "me"}, GUS) == []
    assert ids([record(1, authors=frozenset({ANA}))], {"waits_on": "me"}, ANA) == []
    assert ids([record(1, votes=[(ANA, ANA)])], {"waits_on": "me"}, ANA) == []


def test_a_stand_in_is_waited_on_while_it_lasts():
    case = record(1, factors=[("ops-leads", 1)])
    delegation = {"giver": BEN, "taker": OMAR, "begins_at": stamp(NOW - DAY)}
    lasting = [{**delegation, "ends_at": stamp(NOW + DAY)}]
    over = [{**delegation, "ends_at": stamp(NOW - HOUR)}]
    assert ids([case], {"waits_on": "me"}, OMAR, delegations=lasting) == ["EX-1"]
    assert ids([case], {"waits_on": "me"}, OMAR, delegations=over) == []


def test_a_person_sees_their_channels_and_their_own():
    records = [
        record(1, channel="C0FLOOR"),
        record(2, channel="C0OPS"),
        record(3, channel="C0OPS", parties=frozenset({GUS})),
    ]
    assert ids(records, {}, GUS) == ["EX-1", "EX-3"]


def test_decided_means_the_decision_in_force():
    records = [
        record(1, **decided("approved", BEN, 2)),
        record(2, **decided("rejected", ANA, 30)),
        record(3, **decided("approved", DEV, 200)),
    ]
    today = {"from": "today", "to": "today"}
    assert ids(records, {"decided": today}) == ["EX-1"]
    assert ids(records, {"decided": today, "decision": "rejected"}) == []
    assert ids(records, {"decided_by": "U0ANA"}) == ["EX-2"]
    assert ids(records, {"decided_by": "sales-leads"}) == ["EX-3"]


def test_overdue_is_only_what_waits():
    late = NOW - HOUR
    records = [
        record(1, decide_by=late),
        record(2, decide_by=late, state="snoozed"),
        record(3, decide_by=late, **decided("approved", BEN)),
    ]
    assert ids(records, {"overdue": True}) == ["EX-1"]


def test_not_leaves_out():
    records = [record(1), record(2, kind="invoice_no_order")]
    assert ids(records, {"not": {"kind": ["low_stock"]}}) == ["EX-2"]


def test_a_pause_of_an_action_holds_its_plans():
    pauses = [{"scope": "action:house.order_stock"}]
    records = [record(1), record(2, actions=frozenset()), record(3, state="rejected")]
    assert ids(records, {"paused": True}, pauses=pauses) == ["EX-1"]


# --- figures -----------------------------------------------------------------------------------


def test_shares_are_of_what_people_decided():
    records = [
        record(1, **decided("approved", BEN)),
        record(2, **decided("approved", BEN), was_edited=True),
        record(3, **decided("rejected", CARLA)),
        record(4),
    ]
    truth = oracle(records)
    assert truth.share(records, "rejection_rate") == (1, 3)
    assert truth.share(records, "edit_rate") == (1, 3)
    assert truth.share(records, "accepted_unchanged_rate") == (1, 3)
    assert truth.share(records, "success_rate") == (2, 2)


def test_groups_have_counts_and_sums():
    truth = oracle([])
    tables = truth.groups([record(1), record(2), record(3, team="finance")], "team")
    assert tables[0] == {"floor-managers": (2, Decimal(300)), "finance": (1, Decimal(300))}


def test_orders_leave_out_what_has_no_such_value():
    truth = oracle([])
    records = [record(2), record(9), record(1, stake=None)]
    assert [one.id for one in truth.ordered(records, "largest")] == ["EX-9", "EX-2"]

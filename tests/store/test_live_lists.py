"""Posted lists and the cases that they follow."""

from datetime import timedelta

from bot.ports.live_lists import LiveList
from bot.ports.outbox import OutboxMessage, Topic
from bot.store import tables
from tests.fakes.clock import NOON
from tests.store.rows import rows_of
from tests.world import HOUR


def live_list(key="digest:C0STOCK:1", **changes) -> LiveList:
    values = {
        "place": "C0STOCK",
        "ts": "9.1",
        "sections": {"late": ["EX-1"], "waiting": ["EX-2", "EX-3"]},
        "shown_at": NOON,
    }
    return LiveList(key=key, **{**values, **changes})


def items(store, key="digest:C0STOCK:1"):
    return [row.case_id for row in rows_of(store, tables.live_list_items) if row.board == key]


def test_a_list_is_read_as_it_was_saved(store):
    store.live_lists.save(live_list())
    assert store.live_lists.get("digest:C0STOCK:1") == live_list()
    assert store.live_lists.get("digest:C0STOCK:2") is None


def test_a_list_follows_the_cases_of_its_last_form_and_no_others(store):
    store.live_lists.save(live_list())
    assert items(store) == ["EX-1", "EX-2", "EX-3"]
    store.live_lists.save(live_list(sections={"late": ["EX-3", "EX-4"]}, ts="9.2"))
    assert items(store) == ["EX-3", "EX-4"]
    assert store.live_lists.keys_with("EX-1") == []
    assert store.live_lists.get("digest:C0STOCK:1").ts == "9.2"


def test_a_list_that_is_only_redrawn_follows_what_it_followed(store):
    store.live_lists.save(live_list())
    store.live_lists.save(live_list(sections={"late": ["EX-4"]}), follow=False)
    assert items(store) == ["EX-1", "EX-2", "EX-3"]
    assert store.live_lists.get("digest:C0STOCK:1").sections == {"late": ["EX-4"]}


def test_a_case_in_several_sections_is_followed_once(store):
    store.live_lists.save(live_list(sections={"late": ["EX-1"], "waiting": ["EX-1", "EX-2"]}))
    assert items(store) == ["EX-1", "EX-2"]


def test_an_empty_list_follows_nothing_and_is_still_there(store):
    store.live_lists.save(live_list(sections={}))
    assert items(store) == []
    assert store.live_lists.get("digest:C0STOCK:1").sections == {}


def test_a_case_is_added_to_a_list_once(store):
    store.live_lists.save(live_list(sections={}))
    for _ in range(2):
        store.live_lists.add("EX-7", "digest:C0STOCK:1")
    assert items(store) == ["EX-7"]


def test_the_lists_of_a_case_come_in_the_order_of_their_keys(store):
    for key in ("storm:2", "digest:1", "home:ana"):
        store.live_lists.save(live_list(key))
    assert store.live_lists.keys_with("EX-1") == ["digest:1", "home:ana", "storm:2"]
    assert store.live_lists.keys_with("EX-9") == []


def test_a_deleted_list_follows_nothing_and_its_neighbour_goes_on(store):
    store.live_lists.save(live_list("digest:1"))
    store.live_lists.save(live_list("digest:2"))
    store.live_lists.delete("digest:1")
    store.live_lists.delete("unknown")
    assert store.live_lists.get("digest:1") is None
    assert store.live_lists.keys_with("EX-1") == ["digest:2"]


def test_lists_are_found_by_prefix_and_age(store):
    for key, shown_at in (("digest:b", NOON), ("digest:a", NOON), ("digest:old", NOON - HOUR)):
        store.live_lists.save(live_list(key, shown_at=shown_at))
    store.live_lists.save(live_list("storm:a"))

    def keys(prefix, since=NOON):
        return [item.key for item in store.live_lists.find(prefix, since)]

    assert keys("digest:") == ["digest:a", "digest:b"]
    assert keys("digest:", NOON - HOUR) == ["digest:a", "digest:b", "digest:old"]
    assert keys("digest:", NOON + timedelta(seconds=1)) == []
    assert keys("") == ["digest:a", "digest:b", "storm:a"]


def test_a_prefix_is_text_and_no_pattern(store):
    for key in ("50% off", "50 per cent", "a_b", "acb"):
        store.live_lists.save(live_list(key))
    assert [item.key for item in store.live_lists.find("50%", NOON)] == ["50% off"]
    assert [item.key for item in store.live_lists.find("a_", NOON)] == ["a_b"]


def test_a_list_is_replaced_only_where_it_is_still_as_it_was_read(store):
    message = OutboxMessage(topic=Topic.CALL, key="call:1", case_id="", run_at=NOON, payload={})
    first, second = live_list(), live_list(sections={"late": ["EX-9"]})
    assert store.live_lists.replace(first, previous=None)
    assert not store.live_lists.replace(second, previous=None, messages=[message])
    assert store.live_lists.replace(second, previous=first, messages=[message])
    assert not store.live_lists.replace(first, previous=first, messages=[message])
    assert store.live_lists.get("digest:C0STOCK:1") == second
    assert store.outbox.waiting_keys(Topic.CALL, "") == ["call:1"]
    assert items(store) == []

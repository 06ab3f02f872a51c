"""Pins: the first id of a name stays until the name leaves the files."""

from bot.ports.pinned_names import NameKind, PinsInMemory
from bot.store.store import Store


def test_the_first_id_of_a_name_stays(store):
    for pins in (store.pinned_names, PinsInMemory()):
        assert pins.pin(NameKind.PERSON, "dora@example.com", "U0DORA") == "U0DORA"
        assert pins.pin(NameKind.PERSON, "dora@example.com", "U0EVE") == "U0DORA"
        assert pins.load(NameKind.PERSON) == {"dora@example.com": "U0DORA"}
        assert pins.load(NameKind.CHANNEL) == {}


def test_a_name_that_left_the_files_is_looked_up_anew(store):
    for pins in (store.pinned_names, PinsInMemory()):
        pins.pin(NameKind.CHANNEL, "stock", "C0STOCK")
        pins.pin(NameKind.CHANNEL, "sales", "C0SALES")
        pins.pin(NameKind.PERSON, "stock", "U0STOCK")
        assert pins.keep_only(NameKind.CHANNEL, {"sales"}) == 1
        assert pins.keep_only(NameKind.CHANNEL, {"sales"}) == 0
        assert pins.load(NameKind.CHANNEL) == {"sales": "C0SALES"}
        assert pins.pin(NameKind.CHANNEL, "stock", "C0NEW") == "C0NEW"
        assert pins.load(NameKind.PERSON) == {"stock": "U0STOCK"}


def test_another_process_pins_the_same_id(store):
    other = Store.over(store.database)
    store.pinned_names.pin(NameKind.PERSON, "dora@example.com", "U0DORA")
    assert other.pinned_names.pin(NameKind.PERSON, "dora@example.com", "U0EVE") == "U0DORA"

"""Pins: the first id of a name stays until the name leaves the files."""

from bot.ports.pinned_names import PinKind, PinsInMemory
from bot.store.store import Store


def test_the_first_id_of_a_name_stays(store):
    for pins in (store.pinned_names, PinsInMemory()):
        assert pins.pin(PinKind.PERSON, "dora@example.com", "U0DORA") == "U0DORA"
        assert pins.pin(PinKind.PERSON, "dora@example.com", "U0EVE") == "U0DORA"
        assert pins.load(PinKind.PERSON) == {"dora@example.com": "U0DORA"}
        assert pins.load(PinKind.CHANNEL) == {}


def test_a_name_that_left_the_files_is_looked_up_anew(store):
    for pins in (store.pinned_names, PinsInMemory()):
        pins.pin(PinKind.CHANNEL, "stock", "C0STOCK")
        pins.pin(PinKind.CHANNEL, "sales", "C0SALES")
        pins.pin(PinKind.PERSON, "stock", "U0STOCK")
        assert pins.keep_only(PinKind.CHANNEL, {"sales"}) == 1
        assert pins.keep_only(PinKind.CHANNEL, {"sales"}) == 0
        assert pins.load(PinKind.CHANNEL) == {"sales": "C0SALES"}
        assert pins.pin(PinKind.CHANNEL, "stock", "C0NEW") == "C0NEW"
        assert pins.load(PinKind.PERSON) == {"stock": "U0STOCK"}


def test_another_process_pins_the_same_id(store):
    other = Store.over(store.database)
    store.pinned_names.pin(PinKind.PERSON, "dora@example.com", "U0DORA")
    assert other.pinned_names.pin(PinKind.PERSON, "dora@example.com", "U0EVE") == "U0DORA"

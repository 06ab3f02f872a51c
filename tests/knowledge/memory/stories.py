"""Precedents that the tests of memory search for."""

from tests.cases.making import NOW
from tests.store.test_precedents import precedent

STORIES = {
    "wine": "Barolo 2017 is running low before the weekend",
    "gin": "We are nearly out of gin",
    "invoice": "Invoice INV-X0053 matches no order",
    "parrot": "The parrot in the lobby has escaped",
}

LONG_STORY = " ".join(
    [
        *["The yearly meeting of the owners took place in the usual room and took its time."] * 12,
        STORIES["parrot"],
        *["Minutes were written and sent to all members of the board in good order."] * 12,
    ]
)


def stories(**changes):
    return [precedent(f"EX-{name}", signal_text=text, **changes) for name, text in STORIES.items()]


def recall(memory, text, kind="low_stock", channel="C0STOCK"):
    return memory.recall(signal_text=text, kind=kind, channel=channel, now=NOW)


def recall_ids(memory, text, kind="low_stock", channel="C0STOCK"):
    result = recall(memory, text, kind=kind, channel=channel)
    assert result.failure == ""
    return [precedent.id for precedent in result.precedents]

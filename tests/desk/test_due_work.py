"""When a pool looks into the outbox, and whether it claims without a look."""

import time
from datetime import timedelta

from bot.clock import utc_now
from bot.desk.due_work import DueWork


def rested():
    due = DueWork(utc_now)
    due.begin_look(utc_now())
    return due


def test_what_is_due_now_is_claimed_at_once():
    due = rested()
    due.announce()
    assert due.wait(60, bool)


def test_what_was_put_off_is_looked_for_when_its_time_has_come():
    """By then something else may have done it, and a claim is a transaction."""
    due, began = rested(), time.monotonic()
    due.announce(utc_now() + timedelta(milliseconds=50))
    assert not due.wait(60, bool)
    assert time.monotonic() - began < 50
    due.begin_look(utc_now())
    assert not due.has_more


def test_nothing_announced_is_looked_for_after_a_while():
    assert not rested().wait(0.01, bool)

"""A kind is looked at soon after a decision on it, once for all that came together."""

import threading

import pytest

from bot.desk.kind_watch import KindWatch
from tests.waiting import wait_until


@pytest.fixture
def reviewed():
    return []


def test_kinds_that_were_noted_together_are_looked_at_once_each(reviewed):
    watch = KindWatch(reviewed.append)
    for kind in ("low_stock", "task", "low_stock"):
        watch.note(kind)
    assert watch.review_due() == 2
    assert reviewed == ["low_stock", "task"]
    assert watch.review_due() == 0


def test_a_kind_that_cannot_be_looked_at_keeps_no_other_from_it(reviewed, caplog):
    def review(kind):
        if kind == "broken":
            raise OSError("the database is away")
        reviewed.append(kind)

    watch = KindWatch(review)
    watch.note("broken")
    watch.note("low_stock")
    watch.review_due()
    assert reviewed == ["low_stock"]
    assert "broken" in caplog.text


def test_the_thread_looks_again_at_what_came_during_a_look(reviewed):
    is_looking, may_end = threading.Event(), threading.Event()

    def review(kind):
        is_looking.set()
        may_end.wait(60)
        reviewed.append(kind)

    watch = KindWatch(review, settle_seconds=0, pause_seconds=0)
    watch.start()
    try:
        watch.note("low_stock")
        assert is_looking.wait(60)
        watch.note("low_stock")
        may_end.set()
        wait_until(lambda: len(reviewed) == 2, "the second look")
    finally:
        watch.stop()


def test_it_stops_although_nothing_was_noted(reviewed):
    watch = KindWatch(reviewed.append)
    watch.start()
    watch.stop()
    assert not watch._thread.is_alive()

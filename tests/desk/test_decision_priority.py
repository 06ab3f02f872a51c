"""People first: work in hand waits while somebody decides, and never for long."""

import threading
import time

import pytest

from bot.desk import decision_priority
from bot.desk.decision_priority import MAX_RUSH_SECONDS, MAX_WAIT_SECONDS, DecisionPriority


def wait_seconds(rush):
    began = time.monotonic()
    rush.wait_while_deciding()
    return time.monotonic() - began


def test_nobody_waits_when_nobody_decides():
    rush = DecisionPriority()
    with rush:
        pass
    waiting = threading.Thread(target=rush.wait_while_deciding)
    waiting.start()
    waiting.join(120)
    assert not waiting.is_alive()


def test_work_waits_until_the_last_one_has_decided():
    rush, order, inside, first_is_out = (
        DecisionPriority(max_wait=300),
        [],
        threading.Event(),
        threading.Event(),
    )

    def decide():
        with rush:
            inside.set()
            first_is_out.wait(120)
            order.append("decided")

    deciding = threading.Thread(target=decide)
    with rush:
        deciding.start()
        inside.wait(120)
    working = threading.Thread(target=lambda: (rush.wait_while_deciding(), order.append("worked")))
    working.start()
    first_is_out.set()
    working.join(120)
    deciding.join(120)
    assert order == ["decided", "worked"]


def test_work_goes_on_however_long_somebody_takes():
    rush = DecisionPriority()
    with rush:
        assert wait_seconds(rush) >= MAX_WAIT_SECONDS * 0.9


def test_background_threads_give_way_and_no_others():
    rush, gave_way = DecisionPriority(max_wait=300), threading.Event()

    def work():
        rush.mark_background()
        rush.give_way()
        gave_way.set()

    working = threading.Thread(target=work)
    with rush:
        working.start()
        # This thread is that of a person: it would wait for itself.
        rush.give_way()
        assert not gave_way.wait(0.2)
        assert not rush.is_background()
    working.join(120)
    assert gave_way.is_set()


def test_a_press_that_another_thread_ends_lets_work_go_on():
    rush = DecisionPriority(max_wait=300)
    rush.begin()
    assert rush.is_rush()
    ending = threading.Thread(target=rush.end)
    ending.start()
    ending.join(120)
    assert not rush.is_rush()
    assert wait_seconds(rush) < 100


def test_a_new_press_is_waited_for_anew_but_no_rush_stops_work_for_good(monkeypatch):
    now, waits = 100.0, []
    monkeypatch.setattr(decision_priority, "monotonic", lambda: now)
    rush = DecisionPriority(max_wait=0.2)

    def wait_and_press(seconds):
        nonlocal now
        waits.append(seconds)
        assert len(waits) < 100
        now += min(seconds, 0.1)
        # Another begins before the last has ended.
        rush.begin()

    monkeypatch.setattr(rush._quiet, "wait", wait_and_press)
    with rush:
        rush.wait_while_deciding()
    assert now == pytest.approx(100 + MAX_RUSH_SECONDS)
    assert waits[:8] == pytest.approx([0.2] * 8)


def test_a_thread_that_has_given_way_works_a_while_before_it_does_again(monkeypatch):
    monkeypatch.setattr(decision_priority, "WORK_SECONDS", 300.0)
    rush, waits = DecisionPriority(max_wait=0.1), []
    wait = rush.wait_while_deciding

    def work():
        rush.mark_background()
        for number in range(3):
            monkeypatch.setattr(
                rush, "wait_while_deciding", lambda number=number: (waits.append(number), wait())
            )
            with rush:
                rush.give_way()

    working = threading.Thread(target=work)
    working.start()
    working.join(120)
    assert waits == [0]

"""People first: work in hand waits while somebody decides, and never for long."""

import threading
import time

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


def test_a_new_press_is_waited_for_anew_but_no_rush_stops_work_for_good():
    rush = DecisionPriority(max_wait=0.2)
    pressing, went_on = threading.Event(), threading.Event()

    def press():
        while not went_on.is_set():
            with rush:
                pressing.set()
                # Another begins before it has ended.
                rush.begin()
            time.sleep(0.01)
        pressing.set()

    presses = threading.Thread(target=press, daemon=True)
    presses.start()
    pressing.wait(120)
    seconds = wait_seconds(rush)
    went_on.set()
    presses.join(120)
    assert MAX_RUSH_SECONDS * 0.8 <= seconds < 100


def test_a_thread_that_has_given_way_works_a_while_before_it_does_again(monkeypatch):
    monkeypatch.setattr(decision_priority, "WORK_SECONDS", 300.0)
    rush, waits = DecisionPriority(max_wait=0.1), []

    def work():
        rush.mark_background()
        for _ in range(3):
            began = time.monotonic()
            with rush:
                rush.give_way()
            waits.append(time.monotonic() - began >= 0.09)

    working = threading.Thread(target=work)
    working.start()
    working.join(120)
    assert waits == [True, False, False]

"""Many signals at once go before the work on cases, and a steady flow does not."""

import contextlib
import threading
import time

import pytest

from bot.desk import signal_rush
from bot.desk.lane_priority import LanePriority
from bot.desk.signal_rush import MIN_SIGNALS, SignalRush

pytestmark = pytest.mark.both_databases


def receive(rush, count):
    """Enter with so many signals. Return what ends them."""
    signals = contextlib.ExitStack()
    for _ in range(count):
        signals.enter_context(rush)
    return signals


def test_few_signals_hold_nothing_up():
    rush = SignalRush()
    with receive(rush, MIN_SIGNALS - 1):
        assert not rush.is_on()
    assert not rush.is_on()


def test_many_signals_are_a_rush_until_a_pause_follows(monkeypatch):
    now = 100.0
    monkeypatch.setattr(signal_rush, "monotonic", lambda: now)
    rush = SignalRush()
    with receive(rush, MIN_SIGNALS):
        assert rush.is_on()
        now += 5
        assert rush.is_on()
    assert rush.is_on()
    now += 2 * signal_rush.PAUSE_SECONDS
    assert not rush.is_on()


def test_work_waits_for_a_rush_and_goes_on_after_it():
    rush = SignalRush()
    signals = receive(rush, MIN_SIGNALS)
    went_on = threading.Event()

    def work():
        rush.wait_for_end()
        went_on.set()

    worker = threading.Thread(target=work)
    worker.start()
    signals.close()
    assert went_on.wait(60)
    worker.join()


def test_work_does_not_wait_for_long():
    rush = SignalRush()
    with receive(rush, MIN_SIGNALS):
        rush.wait_for_end()
        assert rush.is_on()


@pytest.mark.parametrize("is_rush", [True, False])
def test_a_lane_waits_for_both(monkeypatch, is_rush):
    priority = LanePriority()
    waits = []
    pause = priority.signals._pause
    monkeypatch.setattr(pause, "wait", lambda seconds: waits.append(seconds) or time.sleep(seconds))
    with receive(priority.signals, MIN_SIGNALS if is_rush else 1):
        priority.wait_for_turn()
    assert bool(waits) is is_rush


def test_what_is_received_counts(world, monkeypatch):
    counts = []
    receive_signal = type(world.store.cases).receive

    def count_and_receive(store, *more, **options):
        counts.append(world.desk.intake.rush._in_hand)
        return receive_signal(store, *more, **options)

    monkeypatch.setattr(type(world.store.cases), "receive", count_and_receive)
    world.receive()
    assert (counts, world.desk.intake.rush._in_hand) == ([1], 0)

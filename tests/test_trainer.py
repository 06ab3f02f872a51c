"""Training waits until nobody waits for the bot, and is not put off for ever."""

import pytest

from bot.trainer import (
    CHECK_INTERVAL_SECONDS,
    IDLE_SECONDS,
    LOOK_INTERVAL_SECONDS,
    MAX_WAIT_SECONDS,
    IdleWatch,
    Trainer,
)


class Stopwatch:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class CountingTrainer(Trainer):
    """Counts the trainings instead of starting a process."""

    trainings = 0

    def train_if_outdated(self) -> None:
        self.trainings += 1


class Bench:
    """A trainer whose idleness a test sets."""

    def __init__(self) -> None:
        self.stopwatch = Stopwatch()
        self.idle_seconds = 0.0
        self.is_outdated = True
        self.checks = 0
        self.trainer = CountingTrainer(
            environment={},
            is_outdated=self._check,
            idle_seconds=lambda: self.idle_seconds,
            stopwatch=self.stopwatch,
        )

    def _check(self) -> bool:
        self.checks += 1
        return self.is_outdated

    def pass_time(self, seconds: float) -> int:
        """Let the trainer look as often as it does, and return how often it has trained."""
        for _ in range(int(seconds // LOOK_INTERVAL_SECONDS)):
            self.stopwatch.seconds += LOOK_INTERVAL_SECONDS
            self.trainer.train_if_idle()
        return self.trainer.trainings


@pytest.fixture
def bench():
    return Bench()


def test_nothing_is_trained_beside_the_first_cards(bench):
    bench.idle_seconds = IDLE_SECONDS
    assert bench.pass_time(IDLE_SECONDS - LOOK_INTERVAL_SECONDS) == 0
    assert bench.checks == 0


def test_an_idle_desk_is_trained_for_once(bench):
    bench.idle_seconds = IDLE_SECONDS
    assert bench.pass_time(CHECK_INTERVAL_SECONDS) == 1


def test_a_busy_desk_is_trained_for_as_soon_as_it_is_idle(bench):
    assert bench.pass_time(3_600) == 0
    bench.idle_seconds = IDLE_SECONDS
    assert bench.pass_time(LOOK_INTERVAL_SECONDS) == 1


def test_a_desk_that_is_never_idle_is_trained_for_in_the_end(bench):
    assert bench.pass_time(MAX_WAIT_SECONDS) == 0
    assert bench.pass_time(2 * IDLE_SECONDS) == 1


def test_an_idle_desk_is_not_searched_for_lessons_all_the_time(bench):
    bench.is_outdated = False
    bench.idle_seconds = IDLE_SECONDS
    assert bench.pass_time(CHECK_INTERVAL_SECONDS * 3) == 0
    assert bench.checks == 3


def test_a_desk_is_idle_since_the_last_signal_or_what_was_due(world):
    stopwatch = Stopwatch()
    watch = IdleWatch(world.store, world.clock, stopwatch=stopwatch)
    assert watch.idle_seconds() == 0
    stopwatch.seconds += 30
    assert watch.idle_seconds() == 30
    world.receive()
    assert watch.idle_seconds() == 0
    # Its triage is due until somebody has done it.
    stopwatch.seconds += 30
    assert watch.idle_seconds() == 0
    world.work()
    watch.idle_seconds()
    stopwatch.seconds += 45
    assert watch.idle_seconds() == 45

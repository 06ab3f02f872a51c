"""People first: work in hand waits while somebody decides, and never for long."""

import threading
import time

from bot.desk.decision_priority import MAX_WAIT_SECONDS, DecisionPriority


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

from concurrent.futures import ThreadPoolExecutor

from tests.emulator.calls import mention, open_home
from tests.waiting import wait_until


def test_an_event_without_ack_comes_again_at_once_after_a_minute_and_after_five(slack, envelopes):
    def attempts():
        return [envelope.retry_attempt for envelope in envelopes]

    slack.emulator.post("faults", {"lose_acks": 3})
    mention(slack, "hm")
    assert attempts() == [0, 1]
    slack.emulator.post("clock", {"seconds": 59})
    assert len(envelopes) == 2
    slack.emulator.post("clock", {"seconds": 2})
    assert attempts() == [0, 1, 2]
    slack.emulator.post("clock", {"seconds": 301})
    assert attempts() == [0, 1, 2, 3]
    assert len({envelope.payload["event_id"] for envelope in envelopes}) == 1


def test_a_swapped_envelope_comes_after_the_next(slack, envelopes):
    slack.emulator.post("faults", {"swap_next": 1, "swap_within": 60})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(open_home, slack, "U0ANA")
        wait_until(lambda: slack.emulator.get("traffic")["kept_back"] == 1, "the first to wait")
        open_home(slack, "U0BEN")
        first.result()
    users = [envelope.payload["event"]["user"] for envelope in envelopes]
    assert users == ["U0BEN", "U0ANA"]

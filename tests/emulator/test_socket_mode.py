from tests.emulator.calls import BUTTON_BLOCKS, open_home, post_message, press
from tests.waiting import wait_until


def test_each_envelope_goes_to_exactly_one_connection_and_comes_back_with_its_ack(slack, connect):
    first = connect()
    second = connect()
    ts = post_message(slack, blocks=BUTTON_BLOCKS)
    answers = [press(slack, ts) for _ in range(10)]
    assert all(answer["acked"] for answer in answers)
    assert (len(first), len(second)) == (5, 5)
    payload = first[0].payload
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == "U0ANA"
    assert payload["actions"][0]["value"] == "v"
    assert payload["channel"]["id"] == "C0OPS"


def test_a_connection_that_is_cut_off_is_made_again(slack, envelopes):
    slack.emulator.post("disconnect", {"abruptly": True})
    wait_until(lambda: slack.emulator.get("traffic")["connections"], "it to come back")
    open_home(slack, "U0ANA")
    assert envelopes[-1].payload["event"]["type"] == "app_home_opened"

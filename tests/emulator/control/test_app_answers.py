import json
import urllib.error
import urllib.request

from tests.emulator.calls import BUTTON_BLOCKS, post_message, press, window


def respond(url, **body):
    """Answer an interaction by its URL, and return the HTTP status."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as failure:
        return failure.code


def test_a_response_url_works_five_times_and_for_half_an_hour(slack, envelopes):
    ts = post_message(slack, blocks=BUTTON_BLOCKS)
    press(slack, ts)
    url = envelopes[-1].payload["response_url"]
    statuses = [respond(url, text=f"private {number}") for number in range(6)]
    assert statuses == [200] * 5 + [404]
    assert len(window(slack)["ephemerals"]) == 5
    press(slack, ts)
    late = envelopes[-1].payload["response_url"]
    assert respond(late, text="changed", replace_original=True) == 200
    assert slack.emulator.messages("C0OPS")[0]["text"] == "changed"
    slack.emulator.post("clock", {"seconds": 1801})
    assert respond(late, text="too late") == 404
    other = late.rpartition("/")[0] + "/R0"
    assert respond(other, text="never issued") == 404


def test_a_private_message_is_written_over(slack, envelopes):
    slack.chat_postEphemeral(channel="C0OPS", user="U0ANA", text="?", blocks=BUTTON_BLOCKS)
    (message,) = window(slack)["ephemerals"]
    press(slack, message["ts"])
    url = envelopes[-1].payload["response_url"]
    assert respond(url, text="answered", replace_original=True) == 200
    (message,) = window(slack)["ephemerals"]
    assert (message["text"], message["blocks"][0]["type"]) == ("answered", "rich_text")

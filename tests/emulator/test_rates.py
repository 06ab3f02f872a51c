from slack_sdk.errors import SlackApiError


def seconds_to_wait(call, **arguments):
    """Return the seconds that Slack makes a call wait, or 0."""
    try:
        call(**arguments)
    except SlackApiError as refusal:
        response = refusal.response
        assert (response.status_code, response["error"]) == (429, "ratelimited")
        return int(response.headers["Retry-After"])
    return 0


def test_slacks_own_rates_hold_for_each_method_and_for_each_channel(slack):
    slack.emulator.post("faults", {"tiers": True})
    post = slack.chat_postMessage
    waits = [seconds_to_wait(post, channel="C0OPS", text="x") for _ in range(16)]
    assert waits[:10] == [0] * 10
    assert 1 in waits
    assert seconds_to_wait(post, channel="C0STOCK", text="another channel") == 0
    waits = [seconds_to_wait(slack.usergroups_list) for _ in range(26)]
    assert waits[:20] == [0] * 20
    assert 3 in waits
    assert seconds_to_wait(slack.users_info, user="U0ANA") == 0
    slack.emulator.post("clock", {"seconds": 3})
    assert seconds_to_wait(slack.usergroups_list) == 0
    rejections = slack.emulator.get("traffic")["rejected"]
    assert rejections["usergroups.list"] == sum(map(bool, waits))

from tests.emulator.calls import window


def offer(slack, *stops):
    return slack.emulator.post(
        "clock/stops", {"stops": [{"title": title, "at": at} for title, at in stops]}
    )


def test_the_clock_moves_to_a_time_and_tells_by_how_much(slack):
    before = slack.emulator.get("clock")
    moved = slack.emulator.post("clock", {"to": before["now"] + 86_400})
    after = slack.emulator.get("clock")
    assert before["offset_seconds"] == 0
    assert moved["sent_again"] == 0
    assert 86_390 < after["offset_seconds"] <= 86_400
    assert after["now"] >= before["now"] + 86_400


def test_the_clock_is_never_set_back(slack):
    now = slack.emulator.get("clock")["now"]
    assert slack.emulator.post("clock", {"to": now - 60}) == {
        "error": "the clock cannot be set back"
    }
    assert "error" in slack.emulator.post("clock", {"seconds": -1})
    assert slack.emulator.get("clock")["offset_seconds"] == 0


def test_the_window_offers_the_times_that_are_still_ahead(slack):
    now = slack.emulator.get("clock")["now"]
    offer(slack, ("In a minute", now + 60), ("Tomorrow", now + 86_400))
    titles = [stop["title"] for stop in window(slack)["stops"]]
    assert titles == ["In a minute", "Tomorrow"]
    slack.emulator.post("clock", {"to": now + 60})
    (stop,) = window(slack)["stops"]
    assert stop == {"title": "Tomorrow", "at": now + 86_400}

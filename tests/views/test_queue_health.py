"""A queue that is approved unread, in words: figures and help, and nobody to blame."""

from bot.cases.approver_health import QueueHealth
from bot.views.queue_health import REMEDIES, busy_queue, busy_sentence, duration, percent


def health(**changes) -> QueueHealth:
    values = {
        "group": "floor-managers",
        "decisions": 1_234,
        "people": 4,
        "time_to_decide": 11.6,
        "approval_share": 1.0,
        "fast_share": 0.714,
        "unopened_share": 0.9,
        "busiest_share": 0.5,
        "pair_share": None,
        **changes,
    }
    return QueueHealth(**values)


def test_the_card_has_one_kind_sentence_figures_and_what_could_help():
    queue = busy_queue(health(), 30)
    assert queue.title == "@floor-managers may have more cards than it can read"
    assert queue.sentence == (
        "71 % of the approvals of @floor-managers came faster than a card can be read, and none was "
        "refused. That says more about the number of cards than about anybody who decides them."
    )
    assert queue.figures == (
        "1,234 decisions by 4 people in 30 days",
        "half of them within 12 s",
        "90 % before anybody had opened Details",
    )
    assert queue.remedies == REMEDIES
    assert queue.sentence == busy_sentence(health())


def test_what_was_not_counted_is_left_out():
    figures = busy_queue(health(unopened_share=None), 30).figures
    assert figures[1:] == ("half of them within 12 s",)
    assert percent(None) == "–"


def test_a_time_has_the_unit_that_people_would_use():
    texts = [duration(seconds) for seconds in (4, 119, 120, 7_199, 7_200)]
    assert texts == ["4 s", "119 s", "2 min", "120 min", "2 h"]

"""What waits for a thread is counted by topic."""

from bot.desk.backlog import Backlog
from bot.ports.outbox import LeasedMessage, Topic


def leased(topic):
    return LeasedMessage(
        key=f"{topic}:1",
        topic=topic,
        case_id="EX-1",
        fence=1,
        requests=1,
        attempts=0,
        uncertain_attempts=1,
        payload={},
    )


def test_a_topic_waits_until_its_last_message_was_taken():
    backlog = Backlog()
    card, note = leased(Topic.CARD), leased(Topic.NOTE)
    assert not backlog.has(Topic.CARD)
    backlog.add([card, note, card])
    backlog.remove(card)
    assert backlog.has(Topic.CARD)
    backlog.remove(card)
    assert not backlog.has(Topic.CARD)
    assert backlog.has(Topic.NOTE)

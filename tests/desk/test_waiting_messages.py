"""Messages that wait for a thread are taken in groups, when all threads have enough to do."""

from bot.desk.waiting_messages import MAX_GROUP, WaitingMessages
from bot.ports.outbox import LeasedMessage, Topic

GROUPED = {Topic.TRIAGE}


def leased(number, topic=Topic.TRIAGE, case_id=None):
    return LeasedMessage(
        key=f"{topic}:{number}",
        topic=topic,
        case_id=case_id or f"EX-{number}",
        fence=1,
        requests=1,
        attempts=0,
        uncertain_attempts=1,
        payload={},
    )


def waiting(*messages, threads):
    queue = WaitingMessages(GROUPED, threads)
    queue.add(messages)
    return queue


def sizes(queue):
    taken = []
    while group := queue.take():
        taken.append(len(group))
    return taken


def test_no_more_messages_than_threads_are_taken_one_by_one():
    assert sizes(waiting(*[leased(n) for n in range(4)], threads=4)) == [1, 1, 1, 1]


def test_many_are_shared_out_among_the_threads():
    assert sizes(waiting(*[leased(n) for n in range(16)], threads=4)) == [4, 3, 3, 2, 1, 1, 1, 1]


def test_a_group_is_never_larger_than_the_largest():
    assert sizes(waiting(*[leased(n) for n in range(100)], threads=1))[:2] == [MAX_GROUP] * 2


def test_other_topics_are_taken_one_by_one_and_in_their_places():
    others = [leased(number, Topic.EXECUTE) for number in (3, 4)]
    queue = waiting(leased(1), leased(2), *others, threads=1)
    keys = []
    while group := queue.take():
        keys.append([message.key for message in group])
    assert keys == [["triage:1", "triage:2"], ["execute:3"], ["execute:4"]]


def test_two_messages_about_one_case_are_not_in_one_group():
    queue = waiting(leased(1), leased(2), leased(3, case_id="EX-1"), threads=1)
    assert sizes(queue) == [2, 1]


def test_nothing_waits_in_an_empty_queue():
    assert waiting(threads=1).take() == []

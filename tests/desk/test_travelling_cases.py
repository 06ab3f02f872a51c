"""A case goes along with a message that is leased in its own transaction, and is not read again."""

import pytest

from bot.cases.errors import Conflict
from bot.cases.lifecycle import State
from bot.ports.outbox import Topic, card_message
from bot.store.database import Database
from bot.store.store import Store
from tests.store.rows import lease, outbox_row
from tests.store.test_unit_of_work import Worker
from tests.world import World

pytestmark = pytest.mark.both_databases


@pytest.fixture
def worker(world):
    """A worker pool of this process that takes whatever is requested for a case."""
    worker = Worker()
    worker.topics = (Topic.TRIAGE, Topic.CARD, Topic.NOTE, Topic.CALL)
    world.store.database.local_workers.append(worker)
    return worker


@pytest.fixture
def other(world):
    """Another process over the same database."""
    database = Database(world.store.database.url)
    yield World(Store.over(database), outside=world)
    database.close()


def handed(worker, topic):
    (message,) = [message for message in worker.messages if message.topic is topic]
    worker.messages.remove(message)
    return message


def triaged(world, worker):
    """Receive a case and look at it. Return the message of its card, under lease."""
    world.receive()
    world.desk.triage.run(handed(worker, Topic.TRIAGE))
    return handed(worker, Topic.CARD)


def shown_state(world):
    """The state on the newest drawing of the first card."""
    (drawings,) = world.chat.cards.values()
    return drawings[-1].state


def test_a_message_leased_with_its_case_brings_it_along(world, worker):
    world.receive()
    message = handed(worker, Topic.TRIAGE)
    assert message.case == world.store.cases.case("EX-1")
    assert world.store.cases.case_of(message) is message.case


def test_a_claimed_message_brings_no_case(world):
    world.receive()
    message = lease(world.store, topic=Topic.TRIAGE, at=world.clock())
    assert message.case is None
    assert world.store.cases.case_of(message) == world.store.cases.case("EX-1")


def test_only_messages_about_the_case_bring_it(world, worker):
    card = triaged(world, worker)
    case = card.case

    def write(unit):
        unit.enqueue(
            [card_message("EX-2", world.clock())],
            world.clock(),
            case=case,
        )

    world.store.database.write(write)
    assert handed(worker, Topic.CARD).case is None


def test_what_this_process_has_changed_meanwhile_is_read(world, worker):
    card = triaged(world, worker)
    world.approve(world.store.cases.case("EX-1"))
    assert world.store.cases.case_of(card).version > card.case.version


def test_a_card_shows_what_another_process_has_changed_since_it_was_leased(world, worker, other):
    card = triaged(world, worker)
    other.approve(other.store.cases.case("EX-1"))
    assert world.store.cards.state_of(card).case.version > card.case.version
    world.desk.screens.cards.refresh(card)
    assert shown_state(world) is State.APPROVED


def test_a_change_of_another_process_while_a_card_is_drawn_is_drawn_next(
    world, worker, other, monkeypatch
):
    card = triaged(world, worker)
    draw_card = world.chat.draw_card

    def change_and_draw(case, *more, **options):
        monkeypatch.undo()
        other.approve(other.store.cases.case("EX-1"))
        return draw_card(case, *more, **options)

    monkeypatch.setattr(world.chat, "draw_card", change_and_draw)
    world.desk.screens.cards.refresh(card)
    assert shown_state(world) is State.PROPOSED
    # The change has requested the card under the same key, so this lease has not finished it.
    assert outbox_row(world.store, card.key).state == "ready"
    world.store.database.local_workers.clear()
    world.work()
    assert shown_state(world) is world.store.cases.case("EX-1").state is State.RESOLVED


def test_a_triage_of_an_outdated_case_writes_nothing_and_is_repeated(world, worker, other):
    world.receive(world.signal("product:7", key="first"))
    message = handed(worker, Topic.TRIAGE)
    other.receive(world.signal("product:7", key="second"))
    assert world.store.cases.case_of(message).version < other.store.cases.case("EX-1").version
    with pytest.raises(Conflict):
        world.desk.triage.run(message)
    world.lane.handle(message)
    world.store.database.local_workers.clear()
    world.work()
    case = world.store.cases.case("EX-1")
    assert case.state is State.PROPOSED
    assert case.activity.signal_count == 2

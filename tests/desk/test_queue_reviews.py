"""The card about a queue that is approved unread: in the weekly review, for its leads alone."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.approver_health import MIN_DECISIONS, DecisionSample
from bot.cases.errors import ChatFailed
from bot.desk.digest_period import WHOLE_DESK
from bot.desk.queue_reviews import DAYS, QueueReviews
from handlers.cards.digest_card import digest_card
from scheduler.digest import DigestSchedule
from tests.fakes.directory import FakeDirectory, principal
from tests.handlers.cards.examples import permalink
from tests.world import FakeLibrary

ANA, BEN, OMAR = map(principal, ("ana", "ben", "omar"))
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LEADS = f"{WHOLE_DESK}C0LEADS"


class ListedDecisions:
    """Decisions of a list, which count how often they are read."""

    def __init__(self, samples) -> None:
        self.samples = samples
        self.reads = []

    def read(self, since):
        self.reads.append(since)
        return iter(self.samples)

    def probes(self, since):
        return ()


def hasty(count=MIN_DECISIONS, before=MONDAY):
    people = [f"T1/U{number % 3}" for number in range(count)]
    for number, person in enumerate(people):
        at = before - timedelta(minutes=10 * (number + 1))
        yield DecisionSample(
            group="floor-managers",
            person=person,
            case_id=f"EX-{number}",
            revision=1,
            author="",
            is_approval=True,
            shown_at=at - timedelta(seconds=1),
            at=at,
            words=40,
        )


@pytest.fixture
def reviews():
    return QueueReviews(
        decisions=ListedDecisions(list(hasty())), library=FakeLibrary(), directory=FakeDirectory()
    )


def test_the_digest_of_the_whole_desk_has_it_and_that_of_a_team_has_not(reviews):
    (queue,) = reviews.find(LEADS, MONDAY)
    assert queue.title == "@floor-managers may have more cards than it can read"
    assert reviews.find("C0STOCK", MONDAY) == ()


def test_a_persons_own_digest_has_it_where_they_lead_the_operation(reviews):
    # Ben is one of @ops-leads, who run the operation of the kind; Omar approves.
    assert len(reviews.find(BEN, MONDAY)) == 1
    assert reviews.find(OMAR, MONDAY) == ()
    assert reviews.decisions.reads == [MONDAY - timedelta(days=DAYS)]


def test_nobody_is_taken_for_a_lead_while_groups_cannot_be_read(reviews, monkeypatch):
    def fail(handles, *, fresh=False):
        raise ChatFailed("ratelimited")

    monkeypatch.setattr(reviews.directory, "groups", fail)
    assert reviews.find(BEN, MONDAY) == ()
    assert len(reviews.find(LEADS, MONDAY)) == 1


def test_a_digest_that_is_drawn_again_reads_nothing_again(reviews):
    first = reviews.find(LEADS, MONDAY)
    assert reviews.find(LEADS, MONDAY) == first
    assert len(reviews.decisions.reads) == 1
    later = MONDAY + timedelta(days=7)
    reviews.find(LEADS, later)
    assert len(reviews.decisions.reads) == 2


def test_what_is_decided_after_the_review_counts_in_the_next(reviews):
    reviews.decisions.samples = list(hasty(before=MONDAY + timedelta(days=1)))
    assert reviews.find(LEADS, MONDAY) == ()


def decide_hastily(world, people, count=MIN_DECISIONS + 2):
    world.people.members["floor-managers"] = set(people)
    world.clock.at = MONDAY - timedelta(days=2)
    for number in range(count):
        receipt = world.receive(world.signal(f"product:{number}"))
        world.work()
        world.clock.forward(seconds=0.1)
        world.approve(world.store.cases.case(receipt.case_id), people[number % len(people)])
        world.work()
        world.clock.forward(minutes=15)


def weekly_digests(world):
    """The digests of a review day, by place."""
    world.clock.at = MONDAY
    world.library.lead_channels = ["C0LEADS"]
    schedule = DigestSchedule(
        world.store.live_lists, world.store.outbox, world.library, world.clock
    )
    schedule.enqueue_due()
    world.work()
    return {digest.place: digest for digest in world.chat.digests}


@pytest.mark.parametrize("is_agreed", [True, False])
def test_the_weekly_review_says_it_only_where_it_is_agreed(world, is_agreed):
    world.waits["is_health_shown"] = is_agreed
    world.start("")
    decide_hastily(world, ("ana", "omar", "finn"))
    digests = weekly_digests(world)
    assert digests["C0STOCK"].review.busy_queues == ()
    queues = digests[LEADS].review.busy_queues
    assert len(queues) == int(is_agreed)
    text = str(digest_card(digests[LEADS], permalink))
    assert ("may have more cards than it can read" in text) is is_agreed
    if is_agreed:
        assert queues[0].figures[0] == f"{MIN_DECISIONS + 2} decisions by 3 people in 30 days"
        review_text = str(queues)
        assert not any(name in review_text for name in ("Ana", "Omar", "Finn", "T1/"))


def test_of_two_people_nothing_is_said(world):
    world.waits["is_health_shown"] = True
    world.start("")
    decide_hastily(world, ("ana", "omar"))
    assert weekly_digests(world)[LEADS].review.busy_queues == ()

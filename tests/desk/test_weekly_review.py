"""The weekly review: what it says of promises, and to whom."""

from datetime import date

from bot.cases.promise import PromiseRecord, PromiseWeek
from tests.cases.making import NOW
from tests.desk.test_queue_reviews import LEADS, weekly_digests
from tests.fakes.mind import mind
from tests.world import World


class Promises:
    def __init__(self, *lapses):
        self._lapses = lapses

    def lapses(self):
        return self._lapses


LAPSE = PromiseRecord(
    kind="low_stock",
    percent=90,
    weeks=(PromiseWeek(date(2026, 11, 9), 9, 10), PromiseWeek(date(2026, 11, 16), 2, 7)),
    lapsed_at=NOW,
)


def test_a_promise_that_is_not_kept_is_named_to_the_leads_alone(store):
    digests = weekly_digests(World(store, mind(promises=Promises(LAPSE))))
    (lapse,) = digests[LEADS].review.lapses
    assert (lapse.title, lapse.sentence) == (
        "Running low",
        "at least 90 of 100 suggestions were promised to be right. Of 17 that people answered only"
        " 11 were (9 of 10 in the week of 9 Nov; 2 of 7 in the week of 16 Nov). Nothing is promised"
        " now, and a person is asked each time, until the next training has learned from it.",
    )
    stock = digests.get("C0STOCK")
    assert stock is None or stock.review is None or stock.review.lapses == ()


def test_while_every_promise_is_kept_nothing_is_said_of_it(store):
    world = World(store, mind(promises=Promises()))
    world.approve(world.proposed())
    world.work()
    assert weekly_digests(world)[LEADS].review.lapses == ()

"""A model words a case after its card is posted; the card loses nothing without it."""

import pytest

from bot.cases.errors import BadRequest, ConnectorFailed
from bot.cases.recommendation import Words
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.fakes.mind import mind
from tests.world import World, request

WORDS = Words("m1", "Merlot is nearly gone", "Friday sells forty")


class FakeNarrator:
    """Gives the words that it was made with, and may look at the world first."""

    def __init__(self, words: Words | None = WORDS, before=None) -> None:
        self.words = words
        self.before = before
        self.cases = []

    def narrate(self, case, playbook, check):
        self.cases.append(case.id)
        if self.before:
            self.before(check)
        return self.words


def world_with(store, narrator) -> World:
    return World(store, mind(narrator=narrator))


def words_of(world, case):
    """The words in the ledger, one for each time that a model gave some."""
    entries = world.store.cases.entries(case.id)
    return [entry.body.words for entry in entries if entry.body.name == "case.narrated"]


def leave_narration(world):
    """Do all but the narration, and lease that."""
    topics = [topic for topic in Topic if topic is not Topic.NARRATE]
    while messages := world.store.outbox.claim(topics, 1, world.clock(), 30):
        world.lane.handle(messages[0])
    (narration,) = world.store.outbox.claim([Topic.NARRATE], 1, world.clock(), 30)
    return narration


def test_words_come_after_the_card_and_draw_it_again(store):
    world = world_with(store, FakeNarrator())
    world.receive()
    narration = leave_narration(world)
    case = world.store.cases.case("EX-1")
    assert len(world.chat.cards["EX-1/1"]) == 1
    world.lane.handle(narration)
    world.work()
    assert words_of(world, case) == [WORDS]
    assert len(world.chat.cards["EX-1/1"]) == 2


def test_no_words_change_nothing(store):
    world = world_with(store, FakeNarrator(words=None))
    case = world.proposed()
    assert words_of(world, case) == []
    assert "narrate ready" not in world.store.outbox.backlog()


def test_a_case_that_has_ended_is_not_put_to_the_model(store):
    narrator = FakeNarrator()
    world = world_with(store, narrator)
    world.receive()
    narration = leave_narration(world)
    world.clear(world.store.cases.case("EX-1").signal)
    world.lane.handle(narration)
    assert narrator.cases == []


def test_words_about_an_earlier_plan_are_thrown_away(store):
    """The plan is edited while the model thinks."""
    world = world_with(store, None)
    narrator = FakeNarrator(before=lambda check: edit(world))
    world = world_with(store, narrator)
    case = world.proposed()
    assert narrator.cases == [case.id]
    assert words_of(world, case) == []
    assert "narrate ready" not in world.store.outbox.backlog()


def edit(world):
    by_omar = request("EX-1", principal("omar"), world.seen("EX-1"))
    world.desk.decisions.edit(by_omar, values={"quantity": 12})


def test_what_somebody_else_wrote_meanwhile_does_not_lose_the_words(store):
    world = world_with(store, None)
    narrator = FakeNarrator(before=lambda check: world.receive(world.signal(key="again")))
    world = world_with(store, narrator)
    case = world.proposed()
    assert words_of(world, case) == [WORDS]


def test_a_suggestion_is_checked_by_the_connector_of_the_plan(store):
    summaries = []
    narrator = FakeNarrator(before=lambda check: summaries.append(check({"quantity": 12})))
    world_with(store, narrator).proposed()
    assert summaries == ["Do order_stock"]


def test_a_suggestion_that_the_system_does_not_allow_is_refused(store):
    def suggest(check):
        with pytest.raises(ConnectorFailed, match="a parameter is missing"):
            check({"quantity": None})

    narrator = FakeNarrator(before=suggest)
    world_with(store, narrator).proposed()
    assert narrator.cases == ["EX-1"]


def test_without_a_plan_there_is_nothing_to_suggest(store):
    def suggest(check):
        with pytest.raises(BadRequest, match="there is no plan"):
            check({"quantity": 12})

    narrator = FakeNarrator(before=suggest)
    world = world_with(store, narrator)
    world.house.failing_lookups.add("look")
    world.proposed()
    assert narrator.cases == ["EX-1"]

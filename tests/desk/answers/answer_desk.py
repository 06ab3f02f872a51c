"""The parts that answer queries, over the store of a test world."""

from dataclasses import dataclass

from bot.cases.hours import Hours
from bot.desk.answers.asker import Asker
from bot.desk.answers.figures import CaseFigures
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.lists import ListAnswers
from bot.desk.answers.nearest import Nearest
from bot.desk.answers.readings import QueryWords
from bot.desk.eligibility import Eligibility
from bot.desk.visibility import Visibility
from tests.fakes.directory import principal
from tests.world import World


@dataclass
class AnswerDesk:
    """Lists and figures as the desk builds them."""

    world: World

    def __post_init__(self) -> None:
        world = self.world
        shared = {"library": world.library, "directory": world.people}
        controls = world.store.desk_controls
        queries = world.store.queries
        self.filters = ConditionFilters(
            desk_controls=controls,
            waiting=world.desk.conversation.queues.waiting,
            clock=world.clock,
            **shared,
        )
        self.words = QueryWords(**shared)
        self.nearest = Nearest(
            queries=queries, filters=self.filters, words=self.words, clock=world.clock
        )
        self.lists = ListAnswers(
            queries=queries,
            card_store=world.store.cards,
            eligibility=Eligibility(desk_controls=controls, clock=world.clock, **shared),
            filters=self.filters,
            nearest=self.nearest,
            words=self.words,
            clock=world.clock,
            **shared,
        )
        self.figures = CaseFigures(
            queries=queries,
            filters=self.filters,
            lists=self.lists,
            nearest=self.nearest,
            words=self.words,
        )
        self.visibility = Visibility(world.store.cases, queries, world.library, world.people)

    def asker(self, name: str = "ana", zone: str = "UTC") -> Asker:
        """Return who asks, as they may see the desk now."""
        person = principal(name)
        return Asker(person=person, viewer=self.visibility.viewer(person), hours=Hours(zone=zone))

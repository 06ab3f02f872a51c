"""Ask the fact answers of a small world, as a given person."""

from bot.advisors import without_memory
from bot.cases.hours import Hours
from bot.desk.answers.asker import Asker
from bot.desk.confirmations import Confirmations
from bot.desk.reminders import Reminders
from bot.views.query import About, Ask, Query
from tests.desk.answers.building import FactAnswers, FactAnswersBuilder
from tests.fakes.directory import principal
from tests.world import request

#: Ahead of UTC by five and a half hours, so that UTC never passes for it.
KOLKATA = Hours(zone="Asia/Kolkata")
#: Noon in UTC, as the worlds begin, on the clock of the askers.
NOON = "21 Nov 17:30"
ANA, BEN, CARLA, DEV, ELSIE, FINN, OMAR = map(
    principal, ("ana", "ben", "carla", "dev", "elsie", "finn", "omar")
)


def fact_answers(world) -> FactAnswers:
    """Build the answers over the parts of this world."""
    advisors = world.mind or without_memory(world.shelf, world.clock)
    desk = world.desk
    visibility = desk.conversation.questions.visibility
    return FactAnswersBuilder(
        cases=world.store.cases,
        queries=world.store.queries,
        card_store=world.store.cards,
        desk_controls=world.store.desk_controls,
        decision_records=world.store.decision_records,
        library=world.library,
        directory=world.people,
        memory=advisors.memory,
        recogniser=advisors.recogniser,
        confirmations=Confirmations(
            callers=desk.decisions.callers, library=world.library, clock=world.clock
        ),
        reminders=reminders(world),
        visibility=visibility,
        clock=world.clock,
    ).build()


def reminders(world) -> Reminders:
    return Reminders(
        queries=world.store.queries,
        queues=world.desk.conversation.queues,
        visibility=world.desk.conversation.questions.visibility,
        directory=world.people,
        live_lists=world.store.live_lists,
        clock=world.clock,
    )


def asker(world, person: str = ANA) -> Asker:
    viewer = world.desk.conversation.questions.visibility.viewer(person)
    return Asker(person=person, viewer=viewer, hours=KOLKATA)


def ask(world, case, about: About | None = None, ask: Ask = Ask.STATUS, *, by: str = ANA, **more):
    """Ask about one case."""
    query = Query(ask=ask, about=about, case_id=case.id, **more)
    return fact_answers(world).case_facts.answer(query, world.case(case), asker(world, by))


def whole(answer) -> str:
    """Join everything that an answer says."""
    return "\n".join([answer.text, *answer.facts])


def as_person(world, case, name: str):
    """Make a request of this person, who sees the case as it is now."""
    return request(case.id, principal(name), world.seen(case))

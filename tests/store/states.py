"""Cases in every state of the lifecycle, brought there by the desk itself."""

from datetime import timedelta

from bot.cases.actor import CaseId
from bot.cases.commands import Retract
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.world import HOUR, World, request

ANA, OMAR = map(principal, ("ana", "omar"))
#: Every state that a stored case can have. A new one is not stored yet.
STORED = tuple(state for state in State if state is not State.NEW)


def bring_to(world: World, state: State, subject: str = "product:1") -> CaseId:
    """Open a case about this subject and bring it to this state."""
    if state is State.REFERRED:
        world.house.failing_lookups.add("look")
    requester = OMAR if state is State.WITHDRAWN else None
    case_id = CaseId(world.receive(world.signal(subject, requester=requester)).case_id)
    if state is not State.OPEN:
        world.work()
        _lead(world, state, case_id)
    world.house.failing_lookups.clear()
    world.house.faults.clear()
    assert world.store.cases.case(case_id).state is state
    return case_id


def _lead(world: World, state: State, case_id: CaseId) -> None:
    decisions = world.desk.decisions
    by_ana = request(case_id, ANA, world.seen(case_id))
    match state:
        case State.SNOOZED:
            decisions.snooze(by_ana, until=world.clock() + HOUR, reason="later")
        case State.REJECTED:
            decisions.reject(by_ana, reason=RejectReason.NOT_WORTH_IT, note="too dear")
        case State.CLEARED:
            world.clear(world.store.cases.case(case_id).signal)
        case State.WITHDRAWN:
            decisions.decide(request(case_id, OMAR, world.seen(case_id)), Retract)
        case State.EXPIRED:
            _let_expire(world)
        case State.APPROVED:
            decisions.approve(by_ana)
        case State.RUNNING:
            _begin(world, by_ana, looks=1)
        case State.OUTCOME_UNKNOWN:
            _begin(world, by_ana, looks=20)
            for _ in range(60):
                world.clock.forward(seconds=1)
                world.work()
        case State.RESOLVED:
            decisions.approve(by_ana)
            world.work()


def _begin(world: World, by_ana, *, looks: int) -> None:
    """Begin a step whose outcome is not to be found out at so many looks."""
    world.house.faults = {"execute": ["lost before"], "verify": ["unknown"] * looks}
    world.desk.decisions.approve(by_ana)
    (message,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    world.lane.handle(message)


def _let_expire(world: World) -> None:
    for span in (timedelta(hours=25), timedelta(days=30)):
        world.clock.at += span
        world.desk.upkeep.deadlines.process_due()

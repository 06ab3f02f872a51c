"""Two at once on one request: exactly one wins, everywhere."""

import threading
from dataclasses import replace
from functools import partial

import pytest

from bot.cases.errors import Conflict, Refusal, TooLate
from bot.cases.lifecycle import State
from bot.store.database import Database
from bot.store.store import Store
from bot.views.approval_record import approval_record
from tests.desk.test_program_approvals import AGENT, REFUND, Agent, approve
from tests.world import World

pytestmark = pytest.mark.both_databases

ROUNDS = 4


@pytest.fixture
def worlds(database_url):
    """Two processes on one database."""
    databases = [Database(database_url) for _ in range(2)]
    one = World(Store.over(databases[0]))
    one.library.programs[AGENT.name] = AGENT
    one.start("")
    other = World(Store.over(databases[1]), outside=one)
    other.library.programs[AGENT.name] = AGENT
    other.start("")
    yield one, other
    for database in databases:
        database.close()


def together(*acts):
    """Do all of them at once; return what each came to."""
    barrier = threading.Barrier(len(acts))
    results = [None] * len(acts)

    def run(place, act):
        barrier.wait()
        try:
            results[place] = act()
        except (Refusal, Conflict) as refusal:
            results[place] = refusal

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_an_approval_and_a_cancellation_one_wins(worlds):
    one, other = worlds
    agent = Agent(one)
    for number in range(ROUNDS):
        asked = replace(REFUND, arguments={"booking": f"B-{number}", "deposit": 1})
        case = agent.ask(asked).case
        seen = one.seen(case)

        approval, cancellation = together(
            partial(other.approve, case, "elsie", seen=seen, note="seen"),
            partial(agent.approvals.cancel, agent.caller, case.id),
        )

        one.work()
        state = approval_record(one.case(case))["state"]
        names = one.entry_names(case)
        is_cancelled = isinstance(approval, Refusal)
        assert is_cancelled is not isinstance(cancellation, TooLate)
        assert state == ("cancelled" if is_cancelled else "approved")
        assert ("case.retracted" in names) is not ("plan.authorised" in names)
        if not is_cancelled:
            agent.report(case)


def test_of_an_approval_and_the_end_of_its_time_one_wins(worlds):
    one, other = worlds
    agent = Agent(one)
    for number in range(ROUNDS):
        asked = replace(REFUND, arguments={"booking": f"B-{number}", "deposit": 1})
        case = agent.ask(asked).case
        seen = one.seen(case)
        # The instant at which it ends: nobody may approve any more, whoever writes first.
        one.clock.at = case.proposal.expires_at

        approval, _ = together(
            partial(other.approve, case, "elsie", seen=seen, note="seen"),
            one.desk.upkeep.deadlines.process_due,
        )

        # Whoever lost to the other's entry looks again within a minute.
        one.desk.upkeep.deadlines.process_due()
        one.work()
        assert isinstance(approval, Refusal)
        assert one.case(case).state is State.EXPIRED
        assert "plan.authorised" not in one.entry_names(case)


def test_two_deliveries_at_once_in_two_processes_are_one_request(worlds):
    agents = [Agent(world) for world in worlds]
    for number in range(ROUNDS):
        asked = replace(REFUND, arguments={"booking": f"B-{number}", "deposit": 1})

        receipts = together(
            *(partial(agent.ask, asked, key=f"same-{number}", work=False) for agent in agents)
        )

        assert len({receipt.case.id for receipt in receipts}) == 1
        assert sorted(receipt.outcome for receipt in receipts) == ["new", "same"]
        agents[0].approvals.cancel(agents[0].caller, receipts[0].case.id)


def test_of_two_reports_one_is_recorded(worlds):
    one, other = worlds
    agents = [Agent(one), Agent(other)]
    case = agents[0].ask().case
    approve(one, case, "elsie")

    results = together(*(partial(agent.report, case) for agent in agents))

    assert [isinstance(result, TooLate) for result in results].count(True) == 1
    assert one.entry_names(case).count("case.resolved") == 1

"""Races on what one person has approved in advance: many claims at once, of which few may begin.

    python -m tests.bench.grant_races [--claims 10000] [--postgres | --url sqlite:///… or postgresql://…]

Each round gives a grant and triages more cases than it covers; then threads, shared among connections that know nothing
of each other, claim their first steps at the same instant by the code that the executor claims with. In every other
round the sum ends it, in the others the number.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bot.cases.actor import Surface
from bot.cases.commands import LookFirst
from bot.cases.control_commands import GiveGrant, StopGrant
from bot.cases.control_decisions import decide_controls
from bot.cases.decide import decide
from bot.cases.grant import Grant, GrantUse
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.desk.rules_in_force import RulesInForce
from bot.desk.step_log import StepLog
from bot.desk.step_work import StepWork
from bot.ports.outbox import LeasedMessage, Topic
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.desk.test_grants import give, prepare
from tests.fakes.clock import FakeClock
from tests.fakes.directory import principal
from tests.servers import create_database, postgres_tools, running_postgres
from tests.world import World

CLAIMS_A_ROUND = 25
CONNECTIONS = 4
COVERED = 7
#: Longer than all rounds together: nothing is leased twice.
LEASE_SECONDS = 10_000_000


@dataclass(frozen=True)
class Result:
    claims: int
    begun: int
    #: Rounds in which more, or less, was begun than was approved.
    overdrawn: int
    underdrawn: int
    seconds: float


def race(url: str, claims: int) -> Result:
    """Race for as many claims, on a migrated database with nothing in it."""
    rounds = claims // CLAIMS_A_ROUND
    begun = overdrawn = underdrawn = 0
    with ExitStack() as stack:
        clock = FakeClock()
        worlds = [World(_open(stack, url), clock=clock) for _ in range(CONNECTIONS)]
        for world in worlds:
            prepare(world)
        first = worlds[0]
        _, base = give(first)
        pool = stack.enter_context(ThreadPoolExecutor(CLAIMS_A_ROUND))
        started_at = time.perf_counter()
        for number in range(rounds):
            # A source that is loud within one second has to wait.
            clock.at += timedelta(seconds=10)
            grant = _give_again(first, base, by_sum=bool(number % 2))
            use = _race_once(worlds, grant, pool, number)
            begun += use.count
            overdrawn += use.count > COVERED or use.amount > COVERED * first.house.amount
            underdrawn += use.count < COVERED
        seconds = time.perf_counter() - started_at
    return Result(rounds * CLAIMS_A_ROUND, begun, overdrawn, underdrawn, seconds)


def _open(stack: ExitStack, url: str) -> Store:
    database = Database(url)
    stack.callback(database.close)
    return Store.over(database)


def _give_again(world: World, base: Grant, *, by_sum: bool) -> Grant:
    """End the last grant, and give a new one that covers as many."""
    by = world.desk.controls.callers.for_desk(principal("ana"), Surface.SLACK)
    controls, now = world.store.desk_controls.load(), world.clock()
    for grant in controls.grants:
        controls = world.store.desk_controls.save(
            decide_controls(controls, StopGrant(by, grant.id), now)
        )
    count, amount = (20, COVERED) if by_sum else (COVERED, 20)
    money = Money(world.house.amount * amount, "GBP")
    new = replace(base, max_count=count, max_amount=money, until=now + timedelta(hours=4))
    decision = decide_controls(controls, GiveGrant(by, new), now)
    return world.store.desk_controls.save(decision).grants[0]


def _race_once(
    worlds: Sequence[World], grant: Grant, pool: ThreadPoolExecutor, number: int
) -> GrantUse:
    messages = _triage(worlds[0], pool, number)
    barrier = threading.Barrier(len(messages))

    def claim(place: int) -> None:
        world = worlds[place % len(worlds)]
        case = world.store.cases.case(messages[place].case_id)
        assert (case.state, case.grant_id) == (State.APPROVED, grant.id)
        decision = decide(case, LookFirst(0), world.clock())
        work = StepWork(case, 0, messages[place])
        log = step_log(world)
        barrier.wait()
        log.begin(work, decision)

    list(pool.map(claim, range(len(messages))))
    states = [worlds[0].store.cases.case(message.case_id).state for message in messages]
    use = worlds[0].store.cases.grant_use(grant)
    # The ledger says the same as the table, and whoever came too late is asked about.
    assert states.count(State.RUNNING) == use.count
    assert states.count(State.OPEN) == len(states) - use.count
    return use


def _triage(world: World, pool: ThreadPoolExecutor, number: int) -> list[LeasedMessage]:
    """Open the cases of a round, and lease the messages that carry out their plans.

    Side by side, so that they share their commits: only the claims are measured.
    """
    outbox = world.store.outbox
    signals = [world.signal(f"product:{number}-{place}") for place in range(CLAIMS_A_ROUND)]
    list(pool.map(world.receive, signals))

    def look(message: LeasedMessage) -> None:
        # Those who came too late in the last round are left to people.
        if world.store.cases.case(message.case_id).proposal.revision == 0:
            write = world.desk.triage.run(message)
            if write is not None:
                write.result()
        else:
            outbox.finish(message)

    list(pool.map(look, outbox.claim([Topic.TRIAGE], 100, world.clock(), LEASE_SECONDS)))
    messages = outbox.claim([Topic.EXECUTE], 100, world.clock(), LEASE_SECONDS)
    assert len(messages) == CLAIMS_A_ROUND
    return messages


def step_log(world: World) -> StepLog:
    """Build the log of steps of another process."""
    return StepLog(
        cases=world.store.cases,
        outbox=world.store.outbox,
        library=world.library,
        controls=world.desk.controls,
        rules=RulesInForce(world.store.cases, world.library, world.store.desk_controls),
        versions=world.desk.triage.proposals.versions,
        records=world.store.decision_records,
        clock=world.clock,
        lease_duration=timedelta(seconds=LEASE_SECONDS),
    )


def _new_database(stack: ExitStack, *, is_postgres: bool) -> str:
    """Return the URL of an empty database, which goes with the stack."""
    if not is_postgres:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        return f"sqlite:///{Path(folder) / 'races.db'}"
    tools = postgres_tools()
    if tools is None:
        raise SystemExit("PostgreSQL is not installed")
    # It does not wait for the disk: what races here is the head of the ledger.
    server = stack.enter_context(running_postgres(tools))
    create_database(server.url, "races")
    return f"{server.url}/races"


def main() -> None:
    """Race, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=10_000)
    parser.add_argument("--url", help="an empty database; default: a new SQLite file")
    parser.add_argument(
        "--postgres", action="store_true", help="start the PostgreSQL that the tests use"
    )
    options = parser.parse_args()
    with ExitStack() as stack:
        url = options.url or _new_database(stack, is_postgres=options.postgres)
        database = Database(url)
        migrate(database)
        database.close()
        result = race(url, options.claims)
    print(
        f"{result.claims:,} claims, {result.begun:,} begun, {result.overdrawn} rounds overdrawn,"
        f" {result.underdrawn} underdrawn, {result.seconds:.1f} s"
    )
    raise SystemExit(bool(result.overdrawn))


if __name__ == "__main__":
    main()

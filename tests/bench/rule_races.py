"""Races on a standing rule: many claims at once, of which few may begin, and none after its end.

    python -m tests.bench.rule_races [--claims 2000] [--url sqlite:///… or postgresql://…]

Each round puts a rule in force and triages more cases than it may take in a day; then threads, shared among connections
that know nothing of each other, claim their first steps at the same instant. In every other round one of them ends the
rule meanwhile, as a bad outcome does.
"""

import argparse
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.commands import LookFirst
from bot.cases.control_commands import AdoptStandingRule, EndStandingRule
from bot.cases.control_decisions import decide_controls
from bot.cases.decide import decide
from bot.cases.entries import StepStarted
from bot.cases.errors import Conflict
from bot.cases.lifecycle import State
from bot.cases.rule_use import case_figures
from bot.cases.standing_rule import StandingRule, shape_of
from bot.desk.step_work import StepWork
from bot.ports.outbox import LeasedMessage, Topic
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.bench.grant_races import step_log
from tests.desk.test_standing_rules import prepare, raise_case
from tests.fakes.clock import FakeClock
from tests.world import World

CLAIMS_A_ROUND = 20
CONNECTIONS = 4
TIMES_PER_DAY = 6
LEASE_SECONDS = 10_000_000


@dataclass(frozen=True)
class Result:
    claims: int
    begun: int
    #: Rounds in which more, or less, began than the rule lets.
    overused: int
    underused: int
    #: Steps that began by a rule after the entry that ended it.
    late: int


def race(url: str, claims: int) -> Result:
    """Race for as many claims, on a migrated database with nothing in it."""
    begun = overused = underused = late = 0
    rounds = claims // CLAIMS_A_ROUND
    with ExitStack() as stack:
        clock = FakeClock()
        worlds = [World(_open(stack, url), clock=clock) for _ in range(CONNECTIONS)]
        for world in worlds:
            prepare(world)
            # What all rules together may take in a day is not what is raced for.
            autonomy = AutonomyRule(decisions=1000, alone_per_day=1_000_000)
            world.library.rules = replace(world.library.rules, autonomy=autonomy)
        draft = _draft(worlds[0])
        pool = stack.enter_context(ThreadPoolExecutor(CLAIMS_A_ROUND + 1))
        for number in range(rounds):
            clock.at += timedelta(seconds=10)
            rule, is_ended = _adopt(worlds[0], draft, number), bool(number % 2)
            _race_once(worlds, rule, pool, number, is_ended=is_ended)
            times = worlds[0].store.cases.rule_use(rule).times
            begun += times
            overused += times > TIMES_PER_DAY
            underused += not is_ended and times < TIMES_PER_DAY
            late += _late_starts(worlds[0], rule)
            _end(worlds[0], rule)
    return Result(rounds * CLAIMS_A_ROUND, begun, overused, underused, late)


def _open(stack: ExitStack, url: str) -> Store:
    database = Database(url)
    stack.callback(database.close)
    return Store.over(database)


def _draft(world: World) -> StandingRule:
    """Make a rule about the plans of these cases, without a bound."""
    case = raise_case(world, 0)
    plan = case.proposal.plan
    actions, parameters = shape_of(plan)
    assert case_figures(case)
    return StandingRule(
        kind="low_stock",
        actions=actions,
        parameters=parameters,
        bounds=(),
        times_per_day=TIMES_PER_DAY,
        owner="owners",
        playbook_digest=plan.playbook_digest,
        until=world.clock() + timedelta(days=90),
        since=world.clock(),
    )


def _adopt(world: World, draft: StandingRule, number: int) -> StandingRule:
    command = AdoptStandingRule(
        rule=draft, by_name="Elsie", on_case=f"EX-{9000 + number}", key=str(number)
    )
    decision = decide_controls(world.store.desk_controls.load(), command, world.clock())
    return world.store.desk_controls.save(decision).standing_rules[-1]


def _end(world: World, rule: StandingRule) -> None:
    """End a rule, however often the controls change meanwhile."""
    while True:
        controls = world.store.desk_controls.load()
        decision = decide_controls(
            controls, EndStandingRule(rule_id=rule.id, reason="it was wrong"), world.clock()
        )
        if not decision.entries:
            return
        try:
            world.store.desk_controls.save(decision)
        except Conflict:
            continue


def _race_once(
    worlds: Sequence[World],
    rule: StandingRule,
    pool: ThreadPoolExecutor,
    number: int,
    *,
    is_ended: bool,
) -> None:
    messages = _triage(worlds[0], number)
    barrier = threading.Barrier(len(messages) + is_ended)

    def claim(place: int) -> None:
        world = worlds[place % len(worlds)]
        if place == len(messages):
            barrier.wait()
            _end(world, rule)
            return
        case = world.store.cases.case(messages[place].case_id)
        assert (case.state, case.standing_rule_id) == (State.APPROVED, rule.id)
        work = StepWork(case, 0, messages[place])
        decision, log = decide(case, LookFirst(0), world.clock()), step_log(world)
        barrier.wait()
        log.begin(work, decision)

    list(pool.map(claim, range(len(messages) + is_ended)))
    states = [worlds[0].store.cases.case(message.case_id).state for message in messages]
    # The ledger says the same as the table, and whoever came too late is asked about.
    begun = worlds[0].store.cases.rule_use(rule).times
    assert states.count(State.RUNNING) == begun
    assert states.count(State.OPEN) == len(states) - begun


def _triage(world: World, number: int) -> list[LeasedMessage]:
    """Open the cases of a round, and lease the messages that carry out their plans."""
    outbox = world.store.outbox
    for place in range(CLAIMS_A_ROUND):
        world.receive(world.signal(f"product:{number}-{place}"))
    for message in outbox.claim([Topic.TRIAGE], 100, world.clock(), LEASE_SECONDS):
        if world.store.cases.case(message.case_id).proposal.revision == 0:
            world.desk.triage.run(message)
        else:
            outbox.finish(message)
    messages = outbox.claim([Topic.EXECUTE], 100, world.clock(), LEASE_SECONDS)
    assert len(messages) == CLAIMS_A_ROUND
    return messages


def _late_starts(world: World, rule: StandingRule) -> int:
    """Count the steps that stand behind the end of their rule in the ledger."""
    has_ended, count = False, 0
    for row in world.store.ledger.rows():
        body = bytes(row.body).decode()
        if f'"rule":"{rule.id}"' in body and '"type":"rule.ended"' in body:
            has_ended = True
        if has_ended and f'"type":"{StepStarted.name}"' in body:
            count += 1
    return count


def main() -> None:
    """Race, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=2_000)
    parser.add_argument("--url", help="an empty database; default: a new SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'races.db'}"
        database = Database(url)
        migrate(database)
        database.close()
        result = race(url, options.claims)
    print(
        f"{result.claims:,} claims, {result.begun:,} begun, {result.overused} rounds overused,"
        f" {result.underused} underused, {result.late} begun after the end"
    )
    raise SystemExit(bool(result.overused or result.late))


if __name__ == "__main__":
    main()

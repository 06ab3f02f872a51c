"""The shortest attack: the control, a few races, one kill and one fault, on SQLite. It keeps the harness from rotting."""

import contextlib
import time

from tests.attack import faults, races
from tests.attack.invariants import everyone_presses_on, examine
from tests.attack.plan import Plan
from tests.attack.town import town

NAMES = ("approve × reject", "approve × edit")
FAULTS = (
    "the system of record does it, and answers 503",
    "Slack drops replies after applying them",
)


def attack(plan: Plan) -> None:
    races.control(plan)
    with town(plan.folder / "smoke") as running:
        everything = plan.begin("after all of it")
        for race in races.RACES:
            if race.name in NAMES:
                races.run(plan, running, race, everything, count=3)
        for fault in faults.FAULTS:
            if fault.name in FAULTS:
                faults.batch(plan, running, fault, plan.begin(fault.name, fault.threats))
        kills = plan.begin("kill -9")
        case_id = running.signal("restock")
        running.wait_for_button(case_id, "case.approve")
        running.approve(case_id)
        time.sleep(plan.dice.uniform(0.0, 0.05))
        running.bots[0].kill()
        kills.tried()
        with contextlib.suppress(OSError):
            running.bots[0].start()
        everyone_presses_on(running, 60, approve=False)
        examine(running, everything)

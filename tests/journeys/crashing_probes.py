"""Kill -9 at every point of a practice case that is put, approved, and reveals itself.

The same run as ``tests.journeys.crashing``, with a past case that was refused.
"""

import sqlite3
from collections import Counter
from pathlib import Path

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.cases.probe import ProbeAnswer
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.journeys import crashing
from tests.journeys.crashing import acked
from tests.world import World, request

HOURS = 24 * 14


def world(folder: Path, point) -> World:
    built = WORLD(folder, point)
    built.people.members["ops-leads"] = {"ben", "elsie", "ana"}
    built.people.members["floor-managers"] = {"ben", "elsie", "ana"}
    object.__setattr__(built.desk.upkeep.probes, "max_per_week", 5)
    return built


def live(folder: Path, w: World) -> None:
    """A case that is refused, and is put again as practice, which somebody approves."""
    first = w.signal("product:1", key="k1", facts={"product_id": 1})
    acked(folder, f"case {w.receive(first).case_id}")
    w.work()
    w.desk.decisions.reject(
        request("EX-1", principal("ben"), w.seen("EX-1")), reason=RejectReason.WRONG_PLAN
    )
    acked(folder, "rejected EX-1")
    w.work()
    w.clock.forward(days=20)
    for _ in range(HOURS):
        if w.desk.upkeep.probes.put_due():
            break
        w.clock.forward(hours=1)
    acked(folder, "put EX-2")
    w.work()
    w.approve(w.store.cases.case("EX-2"), "elsie")
    acked(folder, "approved EX-2")
    w.work()


def recover(folder: Path, w: World) -> dict:
    """Let every lease run out, work until nothing is left, and look."""
    w.clock.forward(days=40)
    for _ in range(40):
        w.clock.forward(seconds=31)
        w.work()
    said = set((folder / "acked").read_text().split("\n")) if (folder / "acked").exists() else set()
    wrong = []
    with sqlite3.connect(folder / "house.db") as database:
        if database.execute("SELECT on_order FROM stock WHERE product_id = 1").fetchone() != (0,):
            wrong.append("a practice case was carried out")
        if database.execute("SELECT count(*) FROM claims").fetchone() != (0,):
            wrong.append("a step of a practice case was carried out")
    database.close()
    probes = w.store.probe_records.since(NOON)
    if "put EX-2" in said and [case.id for case in probes] != ["EX-2"]:
        wrong.append(f"what was put is {probes}")
    if "approved EX-2" in said:
        (case,) = probes
        if (case.state, case.probe.answer) != (State.WITHDRAWN, ProbeAnswer.APPROVED):
            wrong.append(f"an answer that was acknowledged was lost: {case.state}")
    posts = Counter()
    if (folder / "slack").exists():
        posts.update((folder / "slack").read_text().split("\n")[:-1])
    wrong += [f"posted {count} times: {uid}" for uid, count in posts.items() if count != 1]
    wrong += [f"{case.id} has no card" for case in probes if f"card {case.id}/1" not in posts]
    wrong += [f"left over: {what}" for what in w.store.outbox.backlog()]
    wrong += [f"parked: {row['key']}" for row in w.store.outbox.parked_messages()]
    wrong += replay(w.store.database).differences
    if Checkpoints(folder / "cp", "log").sign(w.store.ledger):
        export(w.store.ledger, folder / "log.jsonl")
        wrong += verify(str(folder / "log.jsonl"), str(folder / "cp"))[0]
    return {"wrong": wrong, "cases": len(w.store.queries.newest()) + len(probes)}


WORLD = crashing.world

if __name__ == "__main__":
    crashing.world, crashing.live, crashing.recover = world, live, recover
    crashing.main()

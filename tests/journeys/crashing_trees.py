"""Kill -9 at every point of three cases whose plan is a tree: held, refused, and answered as nobody foresaw.

The third asks again, does what was approved then, and is taken back: what both of its plans have done.

The same run as ``tests.journeys.crashing``, with other cases and another system of record.
"""

import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.entries import UndoAsked
from bot.cases.lifecycle import State
from bot.cases.plan import FactType
from bot.cases.playbook import ActionOffer
from bot.cases.policy import ActionLimit
from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlAction, SqlConnector, SqlSystem
from tests.fakes.directory import principal
from tests.journeys import crashing
from tests.journeys.crashing import acked
from tests.world import World, playbook, request

#: For each plan of the third case the one who had to approve it.
TAKEN_BACK_BY = ("ben", "ana")
ANSWERS = {1: "held", 2: "refused", 3: "found elsewhere"}
SCHEMA = """
CREATE TABLE parcels (product_id INTEGER PRIMARY KEY, answer TEXT, record TEXT);
CREATE TABLE done (product_id INTEGER, what TEXT, note TEXT);
CREATE TRIGGER refused BEFORE INSERT ON done WHEN new.what = 'hold'
  AND (SELECT answer FROM parcels p WHERE p.product_id = new.product_id) = 'refused'
BEGIN SELECT RAISE(ABORT, 'it is refused'); END;
INSERT INTO parcels VALUES (1, 'held', 'short'), (2, 'refused', 'short'), (3, 'found elsewhere', 'short');
"""


def action(name: str, **changes) -> SqlAction:
    return SqlAction(
        name=name,
        parameters={"product_id": ParameterType.INTEGER},
        target="product:{product_id}",
        summary=name,
        preview="x",
        precondition="SELECT record FROM parcels WHERE product_id = :product_id",
        statement=f"INSERT INTO done SELECT product_id, '{name}', :key FROM parcels WHERE product_id = :product_id",
        undo="DELETE FROM done WHERE note = :done_key",
        # Over before the recovery is: nothing waits for its end.
        undo_for=timedelta(minutes=15),
        **changes,
    )


def house(folder: Path) -> SqlConnector:
    hold = action(
        "hold",
        returns={"answer": FactType.TEXT},
        facts="SELECT answer FROM parcels p JOIN done d USING (product_id) WHERE d.note = :key",
    )
    actions = {"hold": hold, "expect": action("expect"), "claim": action("claim")}
    system = SqlSystem(name="house", url_env="X", actions=actions)
    return SqlConnector(system, f"sqlite:///{folder / 'house.db'}")


def step(name: str, **changes) -> ActionOffer:
    parameters = {"product_id": "signal.product_id"}
    return ActionOffer(action=f"house.{name}", parameters=parameters, reason="r", **changes)


def world(folder: Path, point) -> World:
    built = WORLD(folder, point)
    connector = house(folder)

    def hooked(name, inner):
        def call(*arguments):
            point(f"before {name}")
            result = inner(*arguments)
            point(f"after {name}")
            return result

        return call

    connector.execute = hooked("effect", connector.execute)
    connector.undo = hooked("undo", connector.undo)
    built.desk.systems.of_library["house"] = connector
    expect = step("expect", when="steps.hold.answer == 'held'", means="it is held")
    hold = step("hold", then=(expect,), if_refused=(step("claim"),))
    after = step("claim", when="steps.hold.answer == 'found elsewhere'")
    look = "SELECT 'x' AS product, 1 AS on_hand, 1 AS at_risk FROM parcels WHERE product_id = :product_id"
    lookup = replace(built.library.book.evidence[0], query=look)
    built.library.book = playbook(offers=(hold, after), evidence=(lookup,))
    limits = {f"house.{name}": ActionLimit() for name in ("hold", "expect", "claim")}
    built.library.rules = replace(built.library.rules, actions=limits)
    return built


def live(folder: Path, w: World) -> None:
    """Three cases, approved and carried out; the third asks again, is approved again, and taken back."""
    for number in ANSWERS:
        signal = w.signal(f"product:{number}", key=f"k{number}", facts={"product_id": number})
        acked(folder, f"case {w.receive(signal).case_id}")
    w.work()
    for number in ANSWERS:
        w.approve(w.store.cases.case(f"EX-{number}"), "ben")
        acked(folder, f"approved EX-{number}")
    w.work()
    w.approve(w.store.cases.case("EX-3"), "ana")
    acked(folder, "approved EX-3 again")
    w.work()
    for name in TAKEN_BACK_BY:
        asked = request("EX-3", principal(name), w.seen("EX-3"))
        w.desk.decisions.undo(asked, note="the wrong parcel")
    acked(folder, "taken back EX-3")
    w.work()


def recover(folder: Path, w: World) -> dict:
    """Let every lease run out, decide what still waits, and look."""
    for _ in range(40):
        w.clock.forward(seconds=31)
        w.work()
    said = set((folder / "acked").read_text().split("\n")) if (folder / "acked").exists() else set()
    wrong = []
    with sqlite3.connect(folder / "house.db") as database:
        done = Counter(database.execute("SELECT product_id, what FROM done"))
    database.close()
    wrong += [f"done {count} times: {what}" for what, count in done.items() if count > 1]
    ends = {1: {"hold", "expect"}, 2: {"claim"}, 3: {"hold"}}
    again = w.store.cases.case("EX-3") if "case EX-3" in said else None
    # The second yes may be in the ledger when the process dies before anybody is told.
    if "approved EX-3 again" in said or (
        again and again.proposal.approvals and again.execution.earlier_steps
    ):
        ends[3] = {"hold", "claim"}
    # So may the last yes to take it back.
    is_taken_back = again is not None and any(
        isinstance(entry.body, UndoAsked) for entry in w.store.cases.entries("EX-3")
    )
    if is_taken_back:
        ends[3] = set()
        if again.execution.earlier_steps or again.state is not State.REFERRED:
            wrong.append(f"EX-3 was taken back, and {again.state.predicate}")
    elif "taken back EX-3" in said:
        wrong.append("nobody takes EX-3 back")
    for number, expected in ends.items():
        found = {what for product, what in done if product == number}
        if f"approved EX-{number}" in said and found != expected:
            wrong.append(f"EX-{number} did {found}, not {expected}")
        if f"approved EX-{number}" not in said and not found <= expected:
            wrong.append(f"EX-{number} did {found} without a yes")
    if "approved EX-3" in said and "approved EX-3 again" not in said:
        case = w.store.cases.case("EX-3")
        if case.state not in {State.PROPOSED, State.RESOLVED}:
            wrong.append(f"EX-3 {case.state.predicate}")
        if {(done.action.name) for done in case.execution.earlier_steps} != {"house.hold"}:
            wrong.append("EX-3 does not say what was done")
    wrong += [f"left over: {what}" for what in w.store.outbox.backlog()]
    wrong += replay(w.store.database).differences
    if Checkpoints(folder / "cp", "log").sign(w.store.ledger):
        export(w.store.ledger, folder / "log.jsonl")
        wrong += verify(str(folder / "log.jsonl"), str(folder / "cp"))[0]
    return {"wrong": wrong, "cases": len(w.store.queries.newest())}


def prepare(folder: Path, empty: Path) -> None:
    """Make the databases of one life."""
    PREPARE(folder, empty)
    with sqlite3.connect(folder / "house.db") as database:
        database.executescript(SCHEMA)
    database.close()


WORLD, PREPARE = crashing.world, crashing.prepare

if __name__ == "__main__":
    crashing.world, crashing.live = world, live
    crashing.recover, crashing.prepare = recover, prepare
    crashing.main()

"""Kill the program at every point of two cases' lives, and recover.

``python -m tests.journeys.crashing FOLDER EMPTY_DATABASE SHARE OF`` prints, as JSON, what every
run left behind. For each point one forked child lives until it kills itself there, and another
one recovers. It runs apart from pytest because a fork wants a process with one thread. The
database is real SQLite, the system of record is real SQLite behind the real connector, and
Slack is a file: a post stays posted, whoever dies.
"""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.cases.entry import RejectReason
from bot.cases.errors import CountersignError
from bot.cases.lifecycle import State
from bot.cases.plan import Idempotency
from bot.connectors.specs import ActionSpec, ParameterType, SqlSystem, Statement
from bot.connectors.sql import SqlConnector
from bot.ports import Drawn, Landing, Posted
from bot.store.checkpoints import Checkpoints
from bot.store.database import Database
from bot.store.export import export, replay
from bot.store.store import SqlStore
from bot.verifier import verify
from tests.fakes.directory import principal
from tests.world import Offer, World, playbook

# A point that no life reaches.
NEVER = 10_000
LEASE_SECONDS = 31
RECOVERY_ROUNDS = 40
REFUSED_STATUS = 3
FAILED_STATUS = 4
STOCK_QUERY = "SELECT on_hand FROM stock WHERE product_id = :product_id"
EVIDENCE_QUERY = (
    "SELECT 'Merlot' AS product, on_hand, 24 AS quantity, 312.5 AS at_risk "
    "FROM stock WHERE product_id = :product_id"
)


class Points:
    """Counts the points reached, and kills this process at the fatal one."""

    def __init__(self, fatal: int) -> None:
        self.count = 0
        self.fatal = fatal

    def __call__(self, name: str) -> None:
        """Reach the point of this name."""
        self.count += 1
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class FileSlack:
    """Slack as a file: one line per post, none per redraw."""

    def __init__(self, path: Path, point: Points) -> None:
        self.path = path
        self.point = point

    def _is_posted(self, uid: str) -> bool:
        return uid in read_lines(self.path)

    def _post(self, uid: str) -> None:
        self.point("before post")
        append_line(self.path, uid)
        self.point("after post")

    def draw_card(self, case, cards, *, look_first, look):
        """Post the card unless it stands or is found."""
        uid = f"card {case.id}/{case.generation}"
        stands = any(card.generation == case.generation for card in cards)
        if not stands and not (look_first and self._is_posted(uid)):
            self._post(uid)
        return Drawn(
            case_id=case.id,
            generation=case.generation,
            channel=case.channel,
            ts=uid,
            version=case.version,
        )

    def retire_card(self, case, older):
        """Change nothing that is counted."""

    def posted(self, name, channel, since):
        """Return the cards of this case."""
        prefix = f"card {name}/"
        uids = [line for line in read_lines(self.path) if line.startswith(prefix)]
        return [Posted(name, channel, uid) for uid in uids]

    def post_note(self, case, entries, cards, *, key, look_first, call="", is_loud=False):
        """Post the note unless it is found."""
        if not (look_first and self._is_posted(key)):
            self._post(key)

    def send(self, to, text, key):
        """Post a message under its key."""
        self._post(key)
        return key

    def find(self, to, key):
        """Look for the message of this key."""
        return Landing.LANDED if self._is_posted(key) else Landing.ABSENT


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file; none when there is no file."""
    return path.read_text().splitlines() if path.exists() else []


def append_line(path: Path, line: str) -> None:
    """Add one line to a file."""
    with path.open("a") as file:
        file.write(f"{line}\n")


# --- the program, with a point before and after everything that lasts ---


def build_connector(folder: Path) -> SqlConnector:
    """Build the system of record, with an update and an insert."""
    order = ActionSpec(
        name="order_stock",
        version=1,
        parameters={"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER},
        target="product:{product_id}",
        summary="Order",
        preview="x",
        reversible=True,
        idempotency=Idempotency.MARKER,
    )
    claim = replace(
        order,
        name="open_claim",
        parameters={"product_id": ParameterType.INTEGER},
        summary="Claim",
    )
    change = "UPDATE stock SET on_order = on_order {sign} :quantity WHERE product_id = :product_id"
    insert = "INSERT INTO claims (product_id) SELECT product_id FROM stock"
    actions = {
        "order_stock": Statement(
            spec=order,
            statement=change.format(sign="+"),
            precondition=STOCK_QUERY,
            undo=change.format(sign="-"),
        ),
        "open_claim": Statement(
            spec=claim,
            statement=f"{insert} WHERE product_id = :product_id",
            precondition=STOCK_QUERY,
            undo="DELETE FROM claims WHERE product_id = :product_id",
        ),
    }
    system = SqlSystem(name="house", url_env="X", timeout=timedelta(seconds=2), actions=actions)
    return SqlConnector(system, f"sqlite:///{folder / 'house.db'}")


def build_world(folder: Path, point: Points) -> World:
    """Build the desk over this folder, with points around every effect."""
    world = World(SqlStore(Database(f"sqlite:///{folder / 'countersign.db'}")))
    connector = build_connector(folder)
    connector.execute = _with_points(point, "effect", connector.execute)
    connector.undo = _with_points(point, "undo", connector.undo)
    database = world.store.database
    database._transaction = _with_points(point, "commit", database._transaction)
    world.desk.systems["house"] = connector
    # The use case is frozen.
    object.__setattr__(world.desk.drawing, "chat", FileSlack(folder / "slack", point))
    book = world.library.book
    claim = Offer(
        action="house.open_claim",
        when="",
        parameters={"product_id": "signal.product_id"},
        reason="too",
    )
    world.library.book = playbook(
        offers=(replace(book.offers[0], then=(claim,)),),
        evidence=(replace(book.evidence[0], query=EVIDENCE_QUERY),),
    )
    return world


def _with_points(point: Points, name: str, effect: Callable) -> Callable:
    def call(*arguments):
        point(f"before {name}")
        result = effect(*arguments)
        point(f"after {name}")
        return result

    return call


# --- a life, and the recovery from it ---


def acknowledge(folder: Path, message: str) -> None:
    """Record an answer that somebody outside has: it must hold."""
    append_line(folder / "acked", message)


def live(folder: Path, point: Points) -> None:
    """Play two cases: one carried out, one rejected on new evidence."""
    world = build_world(folder, point)
    ben = principal("ben")
    for number in (1, 2):
        signal_ = world.signal(f"product:{number}", key=f"k{number}", facts={"product_id": number})
        # Twice, as a source that did not hear the first answer.
        for _ in range(2):
            acknowledge(folder, f"case {world.receive(signal_).case_id}")
    world.work()
    world.desk.decisions.edit(
        "EX-1", by=principal("elsie"), seen=world.seen("EX-1"), values={"quantity": 12}
    )
    acknowledge(folder, "edited EX-1")
    world.approve(world.store.case("EX-1"), "ben")
    acknowledge(folder, "approved EX-1")
    world.approve(world.store.case("EX-2"), "ben")
    execute_sql(folder, "UPDATE stock SET on_hand = 30 WHERE product_id = 2")
    world.work()
    world.desk.decisions.reject(
        "EX-2", by=ben, seen=world.seen("EX-2"), reason=RejectReason.WRONG_PLAN
    )
    acknowledge(folder, "rejected EX-2")
    world.work()


def recover(folder: Path) -> dict:
    """Start again, finish all work, and check what is there."""
    world = build_world(folder, Points(NEVER))
    for _ in range(RECOVERY_ROUNDS):
        world.clock.forward(seconds=LEASE_SECONDS)
        world.work()
    acknowledgements = set(read_lines(folder / "acked"))
    wrong = [
        *check_records(folder, world, acknowledgements),
        *check_decisions(world, acknowledgements),
        *check_posts(folder, world),
        *check_outbox(world),
        *check_ledger(folder, world),
    ]
    return {"wrong": wrong, "cases": len(world.store.cases())}


def check_records(folder: Path, world: World, acknowledgements: set[str]) -> list[str]:
    """Check that steps are done once at most, and on fresh evidence."""
    on_order = dict(execute_sql(folder, "SELECT product_id, on_order FROM stock"))
    claims = Counter(product for (product,) in execute_sql(folder, "SELECT product_id FROM claims"))
    ((on_hand,),) = execute_sql(folder, "SELECT on_hand FROM stock WHERE product_id = 2")
    wrong = []
    if (on_order[1], claims[1]) not in {(0, 0), (12, 1)}:
        wrong.append(f"system of record: {on_order} {claims}")
    state = world.store.case("EX-1").state if "approved EX-1" in acknowledgements else None
    if state and (state is not State.RESOLVED or on_order[1] != 12):
        wrong.append(f"an acknowledged approval was lost: {state}")
    if on_hand == 30 and (on_order[2] or claims[2]):
        wrong.append("a plan was carried out although its evidence had moved")
    return wrong


def check_decisions(world: World, acknowledgements: set[str]) -> list[str]:
    """Check that the other decisions that somebody heard of still hold."""
    wrong = []
    states = {case.id: case.state for case in world.store.cases()}
    names = {entry.body.name for entry in world.store.entries("EX-1")}
    if "rejected EX-2" in acknowledgements and states["EX-2"] is not State.REJECTED:
        wrong.append("an acknowledged rejection was lost")
    if "edited EX-1" in acknowledgements and "plan.edited" not in names:
        wrong.append("an acknowledged edit was lost")
    return wrong


def check_posts(folder: Path, world: World) -> list[str]:
    """Check that every case has its card and nothing stands twice."""
    posts = Counter(read_lines(folder / "slack"))
    wrong = [f"posted {count} times: {uid}" for uid, count in posts.items() if count != 1]
    for case in world.store.cases():
        if f"card {case.id}/{case.generation}" not in posts:
            wrong.append(f"{case.id} has no card")
    return wrong


def check_outbox(world: World) -> list[str]:
    """Check that no message is left, neither waiting nor given up."""
    keys = [*world.store.backlog(), *(row["key"] for row in world.store.parked())]
    return [f"left over: {key}" for key in keys]


def check_ledger(folder: Path, world: World) -> list[str]:
    """Check that the ledger replays, and verifies under its checkpoint."""
    wrong = list(replay(world.store).differences)
    if Checkpoints(folder / "cp", "log").sign(world.store):
        export(world.store, folder / "log.jsonl")
        wrong += verify(str(folder / "log.jsonl"), str(folder / "cp"))[0]
    return wrong


def execute_sql(folder: Path, statement: str) -> list[tuple]:
    """Run one statement on the system of record and return its rows."""
    with contextlib.closing(sqlite3.connect(folder / "house.db")) as database, database:
        return database.execute(statement).fetchall()


# --- the runs ---


def in_child(play: Callable[[], None]) -> int:
    """Run a function in a forked child and return its wait status."""
    child = os.fork()
    if child == 0:
        try:
            play()
            os._exit(0)
        except CountersignError as refusal:
            # After a crash in the middle, a decision may find the case where the last life left it.
            print(f"{type(refusal).__name__}: {refusal}", file=sys.stderr)
            os._exit(REFUSED_STATUS)
        except BaseException:
            traceback.print_exc()
            os._exit(FAILED_STATUS)
    return os.waitpid(child, 0)[1]


def run(root: Path, empty: Path, fatal: int) -> dict:
    """Live until the fatal point, recover, and return the findings."""
    folder = root / f"at{fatal}"
    prepare(folder, empty)
    point = Points(fatal)

    def play_life():
        live(folder, point)
        (root / "points").write_text(str(point.count))

    def play_recovery():
        (folder / "findings").write_text(json.dumps(recover(folder)))

    status = in_child(play_life)
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    recovery_status = in_child(play_recovery)
    if (folder / "findings").exists():
        findings = json.loads((folder / "findings").read_text())
    else:
        findings = {"wrong": [f"the recovery ended with {recovery_status}"]}
    shutil.rmtree(folder)
    return {"at": fatal, "died": is_killed, "status": status, **findings}


def prepare(folder: Path, empty: Path) -> None:
    """Make the folder of one run: an empty desk, two products."""
    folder.mkdir()
    shutil.copy(empty, folder / "countersign.db")
    execute_sql(
        folder,
        "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, on_hand INTEGER, on_order INTEGER)",
    )
    execute_sql(folder, "CREATE TABLE claims (product_id INTEGER)")
    execute_sql(folder, "INSERT INTO stock VALUES (1, 4, 0), (2, 4, 0)")


def main() -> None:
    """Count the points of a whole life, then die at each."""
    root, empty = Path(sys.argv[1]), Path(sys.argv[2])
    share, share_count = int(sys.argv[3]), int(sys.argv[4])
    runs = [run(root, empty, NEVER)]
    points = int((root / "points").read_text())
    for fatal in range(1, points + 1):
        if fatal % share_count == share:
            runs.append(run(root, empty, fatal))
    print(json.dumps({"points": points, "runs": runs}))


if __name__ == "__main__":
    main()

"""Kill -9 at every point: one process forks a child per crash point, lets it die there, and lets another one recover.

``python -m tests.journeys.crashing FOLDER`` prints what every run left behind, as JSON. It runs apart from pytest because it forks,
and a fork wants a process with one thread. The database is real SQLite, the system of record is real SQLite behind the real
connector, and Slack is a file: what was posted stays posted, whoever dies.
"""

import contextlib
import gc
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.entries import RejectReason
from bot.cases.errors import CountersignError
from bot.cases.lifecycle import State
from bot.connectors.parameters import ParameterType
from bot.connectors.sql import SqlAction, SqlConnector, SqlSystem
from bot.ports.card_store import CardRef
from bot.ports.chat import PostedMessage
from bot.ports.connector import EffectStatus
from bot.store.database import Database
from bot.store.store import Store
from tests.fakes.directory import principal
from tests.world import ActionOffer, World, playbook, request

FAR = 10_000


class Points:
    """Counts the points passed, and dies at the chosen one."""

    def __init__(self, fatal: int) -> None:
        self.passed, self.fatal = 0, fatal

    def __call__(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class FileSlack:
    """Slack as a file of lines: one per post. A redraw changes nothing that must be counted."""

    def __init__(self, path: Path, point) -> None:
        self.path, self.point = path, point

    def _posted(self, uid: str) -> bool:
        return self.path.exists() and uid in self.path.read_text().split("\n")

    def _post(self, uid: str) -> None:
        self.point("before post")
        with self.path.open("a") as file:
            file.write(f"{uid}\n")
        self.point("after post")

    def draw_card(self, case, cards, *, look_first, context, mentions=()):
        uid = f"card {case.id}/{case.generation}"
        stands = any(card.generation == case.generation for card in cards)
        if not stands and not (look_first and self._posted(uid)):
            self._post(uid)
        return CardRef(
            case_id=case.id,
            generation=case.generation,
            channel=case.channel,
            ts=uid,
            version=case.version,
        )

    def retire_card(self, case, older):
        pass

    def messages_about(self, name, channel, since):
        prefix = f"card {name}/"
        lines = self.path.read_text().split("\n") if self.path.exists() else []
        return [PostedMessage(name, channel, line) for line in lines if line.startswith(prefix)]

    def clear_case(self, case_id, cards, people, since):
        return 0

    def post_note(self, note, *, look_first):
        if not (look_first and self._posted(note.key)):
            self._post(note.key)
        return note.key

    def update_note(self, note, ts):
        pass

    def post_evidence(self, evidence, *, look_first):
        if not (look_first and self._posted(evidence.key)):
            self._post(evidence.key)

    def post_call(self, call, mentions, *, key, look_first):
        if not (look_first and self._posted(key)):
            self._post(key)

    def draw_message(self, view, message, *, look_first):
        if message is None and not (look_first and self._posted(view.key)):
            self._post(view.key)
        return message or PostedMessage(view.key, "direct", "1.0")

    def send(self, to, text, key):
        self._post(key)
        return key

    def find_message(self, to, key):
        return EffectStatus.LANDED if self._posted(key) else EffectStatus.ABSENT


def house(folder: Path) -> SqlConnector:
    look = "SELECT on_hand FROM stock WHERE product_id = :product_id"
    order = SqlAction(
        name="order_stock",
        parameters={"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER},
        target="product:{product_id}",
        summary="Order",
        preview="x",
        precondition=look,
        statement="UPDATE stock SET on_order = on_order + :quantity WHERE product_id = :product_id",
        undo="UPDATE stock SET on_order = on_order - :quantity WHERE product_id = :product_id",
    )
    claim = SqlAction(
        name="open_claim",
        parameters={"product_id": ParameterType.INTEGER},
        target="product:{product_id}",
        summary="Claim",
        preview="x",
        precondition=look,
        statement="INSERT INTO claims (product_id) SELECT product_id FROM stock WHERE product_id = :product_id",
        undo="DELETE FROM claims WHERE product_id = :product_id",
    )
    system = SqlSystem(
        name="house",
        url_env="X",
        timeout=timedelta(seconds=2),
        actions={"order_stock": order, "open_claim": claim},
    )
    return SqlConnector(system, f"sqlite:///{folder / 'house.db'}")


def world(folder: Path, point) -> World:
    built = World(Store.over(Database(f"sqlite:///{folder / 'countersign.db'}")))
    connector = house(folder)
    execute, undo, transaction = (
        connector.execute,
        connector.undo,
        built.store.database._transaction,
    )

    def hooked(name, inner):
        def call(*args):
            point(f"before {name}")
            result = inner(*args)
            point(f"after {name}")
            return result

        return call

    connector.execute, connector.undo = hooked("effect", execute), hooked("undo", undo)
    built.store.database._transaction = hooked("commit", transaction)
    built.desk.systems.of_library["house"] = connector
    slack = FileSlack(folder / "slack", point)
    for screen in (built.desk.screens.cards, built.desk.screens.notes):
        object.__setattr__(screen, "chat", slack)
    then = (
        ActionOffer(
            action="house.open_claim", parameters={"product_id": "signal.product_id"}, reason="too"
        ),
    )
    look = "SELECT 'Merlot' AS product, on_hand, 24 AS quantity, 312.5 AS at_risk FROM stock WHERE product_id = :product_id"

    offer = replace(built.library.book.offers[0], then=then)
    built.library.book = playbook(
        offers=(offer,), evidence=(replace(built.library.book.evidence[0], query=look),)
    )
    return built


def acked(folder: Path, what: str) -> None:
    """What the outside was told: it must be true ever after."""
    with (folder / "acked").open("a") as file:
        file.write(f"{what}\n")


def live(folder: Path, w: World) -> None:
    """Two cases: one edited, approved and carried out in two steps; one whose evidence moves, asked again, then rejected."""
    for number in (1, 2):
        first = w.signal(f"product:{number}", key=f"k{number}", facts={"product_id": number})
        for _ in range(2):
            acked(folder, f"case {w.receive(first).case_id}")
    w.work()
    w.desk.decisions.edit(
        request("EX-1", principal("elsie"), w.seen("EX-1")), values={"quantity": 12}
    )
    acked(folder, "edited EX-1")
    w.approve(w.store.cases.case("EX-1"), "ben")
    acked(folder, "approved EX-1")
    w.approve(w.store.cases.case("EX-2"), "ben")
    with sqlite3.connect(folder / "house.db") as database:
        database.execute("UPDATE stock SET on_hand = 30 WHERE product_id = 2")
    database.close()
    w.work()

    w.desk.decisions.reject(
        request("EX-2", principal("ben"), w.seen("EX-2")), reason=RejectReason.WRONG_PLAN
    )
    acked(folder, "rejected EX-2")
    w.work()


def recover(folder: Path, w: World) -> dict:
    """Let every lease run out, work until nothing is left, and look."""
    for _ in range(40):
        w.clock.forward(seconds=31)
        w.work()
    said = set((folder / "acked").read_text().split("\n")) if (folder / "acked").exists() else set()
    names = {
        f"EX-{n}": [entry.body.name for entry in w.store.cases.entries(f"EX-{n}")]
        for n in (1, 2)
        if f"case EX-{n}" in said
    }
    with sqlite3.connect(folder / "house.db") as database:
        moved = database.execute("SELECT on_hand FROM stock WHERE product_id = 2").fetchone() == (
            30,
        )
        ordered = dict(database.execute("SELECT product_id, on_order FROM stock"))
        claims = Counter(
            product for (product,) in database.execute("SELECT product_id FROM claims")
        )
    database.close()
    wrong = []
    if (
        ordered[1] not in {0, 12}
        or claims[1] not in {0, 1}
        or (ordered[1] == 0) != (claims[1] == 0)
    ):
        wrong.append(f"system of record: {ordered} {claims}")
    if "approved EX-1" in said and (
        w.store.cases.case("EX-1").state is not State.RESOLVED or ordered[1] != 12
    ):
        wrong.append(
            f"an approval that was acknowledged was lost: {w.store.cases.case('EX-1').state}"
        )
    if moved and (ordered[2] or claims[2]):
        wrong.append("what had moved was carried out")
    if "rejected EX-2" in said and w.store.cases.case("EX-2").state is not State.REJECTED:
        wrong.append("a rejection that was acknowledged was lost")
    if "edited EX-1" in said and "plan.edited" not in names["EX-1"]:
        wrong.append("an edit that was acknowledged was lost")
    posts = (
        Counter((folder / "slack").read_text().split("\n")[:-1])
        if (folder / "slack").exists()
        else Counter()
    )
    wrong += [f"posted {count} times: {uid}" for uid, count in posts.items() if count != 1]
    for case in w.store.queries.newest():
        if f"card {case.id}/{case.generation}" not in posts:
            wrong.append(f"{case.id} has no card")
    wrong += [
        f"left over: {what}"
        for what in [
            *w.store.outbox.backlog(),
            *(row["key"] for row in w.store.outbox.parked_messages()),
        ]
    ]
    wrong += replay(w.store.database).differences
    if Checkpoints(folder / "cp", "log").sign(w.store.ledger):
        export(w.store.ledger, folder / "log.jsonl")
        wrong += verify(str(folder / "log.jsonl"), str(folder / "cp"))[0]
    return {"wrong": wrong, "cases": len(w.store.queries.newest())}


def in_child(do) -> int:
    child = os.fork()
    if child == 0:
        try:
            do()
            os._exit(0)
        except CountersignError as refused:
            # After a crash in the middle, a decision may find the case where the dead one left it.
            print(f"{type(refused).__name__}: {refused}", file=sys.stderr)
            os._exit(3)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(4)
    return os.waitpid(child, 0)[1]


def prepare(folder: Path, empty: Path) -> None:
    """Make the databases of one life."""
    folder.mkdir()
    shutil.copy(empty, folder / "countersign.db")
    with sqlite3.connect(folder / "house.db") as database:
        database.execute(
            "CREATE TABLE stock (product_id INTEGER PRIMARY KEY, on_hand INTEGER, on_order INTEGER)"
        )
        database.execute("CREATE TABLE claims (product_id INTEGER)")
        database.execute("INSERT INTO stock VALUES (1, 4, 0), (2, 4, 0)")
    database.close()


def rehearse(root: Path, empty: Path) -> None:
    """Go through one life in this process, so that no child imports or compiles anything.

    A child that starts cold spends ten times as long on that as on its life.
    """
    folder = root / "rehearsal"
    prepare(folder, empty)
    for part in (live, recover):
        built = world(folder, Points(FAR))
        with contextlib.closing(built.store.database):
            part(folder, built)
    shutil.rmtree(folder)
    # A fork takes along one thread alone, and the locks of all.
    assert threading.active_count() == 1


def run(root: Path, empty: Path, fatal: int) -> dict:
    folder = root / f"at{fatal}"
    prepare(folder, empty)
    point = Points(fatal)

    def living():
        live(folder, world(folder, point))
        (folder / "passed").write_text(str(point.passed))

    status = in_child(living)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def recovering():
        (folder / "found").write_text(json.dumps(recover(folder, world(folder, Points(FAR)))))

    recovered = in_child(recovering)
    found = (
        json.loads((folder / "found").read_text())
        if (folder / "found").exists()
        else {"wrong": [f"the recovery ended with {recovered}"]}
    )
    shutil.copyfile(folder / "passed", root / "passed") if (folder / "passed").exists() else None
    shutil.rmtree(folder)
    return {"at": fatal, "died": died, "status": status, **found}


def main() -> None:
    root, empty, share, of = (
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
    )
    rehearse(root, empty)
    # What was imported stays: no child looks through it, and so none has pages of it copied.
    gc.freeze()
    whole = run(root, empty, FAR)
    points = int((root / "passed").read_text())
    runs = [
        whole,
        *(run(root, empty, fatal) for fatal in range(1, points + 1) if fatal % of == share),
    ]
    print(json.dumps({"points": points, "runs": runs}))


if __name__ == "__main__":
    main()

"""Somebody with the keys to the database changes what was written: every table and column, the ledger, exports, notes, keys.

Each tampering is done to a copy. It must be found by ``ledger verify``, ``ledger replay`` or ``doctor``; honest copies must
show nothing; and no export, however malformed, may end the verifier with a traceback.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from click.testing import CliRunner

from bot.audit import verifier
from bot.cases.errors import CountersignError
from bot.cases.lifecycle import State
from bot.cli.app import COUNTERSIGN
from bot.demo.people import ANA, BEN, ELSIE, OMAR, OPS, STOCK
from tests.attack.invariants import everyone_presses_on
from tests.attack.plan import Plan
from tests.attack.report import Tally
from tests.attack.town import Town, option_of, town

TRACEBACK = "traceback: "
MIN_MALFORMED, MIN_HONEST = 150, 2
#: A case in one of these states has a live card.
WITH_A_CARD = {"PROPOSED", "REFERRED", "SNOOZED", "APPROVED", "RUNNING", "PARKED"}
#: What says nothing of a case and follows from nothing in the ledger: changing it is noticed by nobody, and need not be.
NOT_PROMISED = {
    "ticks": "when a job ran last",
    "boards": "where a list stands in Slack",
    "listed": "which lists show a case; they are drawn anew",
    "questions": "what people asked",
    "precedents": "memory; made again by `memory rebuild`",
    "labels": "memory; the word itself is in the ledger",
    "inbox_conflicts": "bodies kept for a person to look at; the conflict itself is in the ledger",
    "alembic_version": "which migration the database is at",
    "cards.drawn": "which version of the card was drawn last",
    "cards.look": "the same",
    "cards.channel": "where the card stands; looked for again by its metadata",
    "cards.ts": "the same",
    "inbox.body": "the raw body; its digest counts",
    "inbox.received_at": "when it came by the clock of the process",
    "effects.at": "when a step began; the ledger has its own time",
    "heads.peaks of memory": "memory",
}
#: Columns of the outbox that say how work is getting on, not whether there is any.
PROGRESS = {
    "wanted",
    "fence",
    "attempts",
    "doubt",
    "run_at",
    "priority",
    "error",
    "payload",
    "key",
    "topic",
    "case_id",
}


@dataclass(frozen=True)
class Base:
    """A town that has lived and closed, and what its own checks say of it untouched."""

    folder: Path
    environment: dict[str, str]
    findings: frozenset[str]


def attack(plan: Plan) -> None:
    base = _lived(plan)
    _honest(plan, base)
    kinds: list[Callable[[Plan, Base, float], None]] = [_ledger_rows, _tables, _files, _exports]
    for number, tamper in enumerate(kinds, start=1):
        tamper(plan, base, 0.3 + 0.175 * number)


# --- the base ----------------------------------------------------------------------------------------------------------------


def _lived(plan: Plan) -> Base:
    """A short life with something in every table: decided, done, taken back, refused, in doubt, paused, delegated, asked."""
    folder = plan.folder / "tamperings"
    with town(folder) as running:
        _live(running)
        environment = dict(running.environment)
    (folder / "untouched").mkdir()
    for name in ("countersign.db", "checkpoints"):
        path = folder / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / "untouched" / name)
    base = Base(folder, environment, frozenset())
    copy = _copy(base, plan.dice)
    return Base(folder, environment, frozenset(_findings(base, copy)))


def _live(running: Town) -> None:
    restock = [running.signal("restock") for _ in range(5)]
    others = [running.signal(kind) for kind in ("bulk", "mismatch", "issue", "unrecognised")]
    with contextlib.suppress(OSError):
        # The same key with another body: kept aside.
        running.signal("restock", 1, key=next(iter(running.accepted)), title="another")
    for case_id in (*restock, *others):
        running.wait_for_button(case_id, "case.more")
    running.countersign("ledger", "checkpoint")
    for case_id in (*restock[:3], others[1], others[2]):
        running.approve(case_id)
    running.approve(others[0], BEN)
    rejection = {"field.reason": "other", "field.note": "seen before"}
    running.decide(OMAR, _card(running, restock[3]), "case.reject", rejection)
    running.until(lambda: running.case(restock[0]).state is State.RESOLVED, 40, "the first deed")
    card = running.wait_for_button(restock[0], "case.undo")
    running.decide(ANA, card, "case.undo", {"field.note": "a mistake"})
    everyone_presses_on(running, 15, approve=False)
    running.countersign("ledger", "checkpoint")
    slash = {"as": BEN, "channel": OPS, "command": "/exceptions"}
    running.emulator.post("slash", {**slash, "text": "pause because of a drill"})
    # Approved while paused: its row in the outbox is the only thing that will carry it out.
    running.approve(restock[4])
    running.press(
        OMAR, _card(running, others[3]), "case.more", option_of(_card(running, others[3]), "trail")
    )
    running.emulator.post("slash", {**slash, "as": ELSIE, "text": "list"})
    running.emulator.post(
        "message", {"as": ANA, "channel": STOCK, "text": "<@U0COUNTERSIGN> what is open?"}
    )
    time.sleep(1.5)


def _card(running: Town, case_id: str) -> dict[str, Any]:
    return running.wait_for_button(case_id, "case.more")


# --- checking --------------------------------------------------------------------------------------------------------------------


def _copy(base: Base, dice: Random) -> Path:
    copy = base.folder / f"copy-{dice.randrange(10**9)}"
    shutil.copytree(base.folder / "untouched", copy)
    return copy


def _findings(base: Base, copy: Path) -> Iterator[str]:
    """What the program's own commands find in this copy; a crash of one of them is a finding of its own, and a violation."""
    environment = {
        **base.environment,
        "COUNTERSIGN_DATA_DIR": str(copy),
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{copy / 'countersign.db'}",
    }
    for command in (
        ["ledger", "verify", "--json"],
        ["ledger", "replay", "--json"],
        ["doctor", "--json"],
    ):
        result = CliRunner().invoke(COUNTERSIGN, command, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            is_said = isinstance(result.exception, CountersignError)
            yield f"{'' if is_said else TRACEBACK}{type(result.exception).__name__}: {result.exception}"
            continue
        try:
            plain = json.loads(result.stdout[result.stdout.index("{") :])
        except ValueError:
            yield f"{' '.join(command[:-1])}: {result.output[-200:]}"
            continue
        yield from (
            f"{command[-2]}: {finding}"
            for finding in plain.get("findings", plain.get("problems", ()))
        )


def _judge(base: Base, copy: Path, tally: Tally, what: str, *, is_promised: bool = True) -> None:
    tally.tried()
    found = next((finding for finding in _findings(base, copy) if finding not in base.findings), "")
    shutil.rmtree(copy)
    if found.startswith(TRACEBACK):
        tally.broke(f"{what}: the program ends with a {found}")
    if found:
        return
    if is_promised:
        tally.broke(f"found by nobody: {what}")
    else:
        tally.figures["not found, and not promised"] = str(
            int(tally.figures.get("not found, and not promised", "0")) + 1
        )


@contextlib.contextmanager
def _opened(copy: Path) -> Iterator[sqlite3.Connection]:
    """The database in the hands of somebody who has the file: the triggers are gone first, and put back afterwards."""
    with contextlib.closing(sqlite3.connect(copy / "countersign.db")) as database:
        database.row_factory = sqlite3.Row
        triggers = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for trigger in triggers:
            database.execute(f"DROP TRIGGER {trigger['name']}")
        yield database
        for trigger in triggers:
            database.execute(trigger["sql"])
        database.commit()


def _honest(plan: Plan, base: Base) -> None:
    """Untouched copies show nothing, however often one looks."""
    tally = plan.begin("honest copies", "D1 D2 D3")
    for _ in range(MIN_HONEST):
        copy = _copy(base, plan.dice)
        tally.tried()
        for finding in set(_findings(base, copy)) - base.findings:
            tally.broke(f"an honest copy: {finding}")
        shutil.rmtree(copy)
    for finding in base.findings:
        if "has no secret set" not in finding and "is not set" not in finding:
            tally.broke(f"an honest life: {finding}")


# --- tables and columns ------------------------------------------------------------------------------------------------------------


def _tables(plan: Plan, base: Base, share: float) -> None:
    """Every column of every table gets another value; every table loses a row and gets one more."""
    with contextlib.closing(
        sqlite3.connect(base.folder / "untouched" / "countersign.db")
    ) as database:
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        columns = [
            (table, row[1])
            for table in tables
            for row in database.execute(f"PRAGMA table_info({table})").fetchall()
        ]
    work: list[tuple[str, str]] = [
        *columns,
        *((table, how) for table in tables for how in ("-row", "+row")),
    ]
    rounds = 0
    while rounds < 1 or plan.left(share) > 0:
        for table, column in plan.dice.sample(work, len(work)):
            if rounds and plan.left(share) < 0:
                break
            _tamper_table(plan, base, table, column)
        rounds += 1


def _tamper_table(plan: Plan, base: Base, table: str, column: str) -> None:
    copy = _copy(base, plan.dice)
    promised = table not in NOT_PROMISED and f"{table}.{column}" not in NOT_PROMISED
    with _opened(copy) as database:
        rows = database.execute(f"SELECT rowid AS place, * FROM {table}").fetchall()
        rows = [row for row in rows if table != "heads" or row["name"] != "memory"]
        if not rows:
            shutil.rmtree(copy)
            return
        row = plan.dice.choice(rows)
        if table == "outbox":
            row, promised = _work_that_counts(rows, column, plan.dice)
        if table == "cards" and column == "-row":
            promised = promised and _is_live(database, row)
        if column == "-row":
            database.execute(f"DELETE FROM {table} WHERE rowid = ?", (row["place"],))
            what = f"a row of {table} taken away"
        elif column == "+row":
            what = f"a row of {table} put in"
            if not _put_in(database, table, row, plan.dice):
                shutil.rmtree(copy)
                return
            promised = promised and table not in {"outbox", "cards"}
        else:
            what = f"{table}.{column}"
            if not _change(database, table, column, row, plan.dice):
                shutil.rmtree(copy)
                return
    tally = plan.begin(f"table {table}", "D1")
    _judge(base, copy, tally, what, is_promised=promised)


def _is_live(database: sqlite3.Connection, card: sqlite3.Row) -> bool:
    """Tell whether this is the card of a case that waits: others are only a memory of Slack."""
    query = "SELECT state FROM cases WHERE id = ?"
    (state,) = database.execute(query, (card["case_id"],)).fetchone()
    newest = "SELECT MAX(generation) FROM cards WHERE case_id = ?"
    (generation,) = database.execute(newest, (card["case_id"],)).fetchone()
    return state in WITH_A_CARD and card["generation"] == generation


def _work_that_counts(
    rows: list[sqlite3.Row], column: str, dice: Random
) -> tuple[sqlite3.Row, bool]:
    """Of the outbox the row of an approved case counts: without it nothing carries the case out."""
    waiting = [row for row in rows if row["topic"] == "execute" and row["state"] != "done"]
    if waiting and column in {"-row", "state"}:
        return dice.choice(waiting), True
    return dice.choice(rows), False


def _change(
    database: sqlite3.Connection, table: str, column: str, row: sqlite3.Row, dice: Random
) -> bool:
    """Another plausible value: one of another row, or one nearby; False when there is none that the table takes."""
    old = row[column]
    others = [
        value
        for (value,) in database.execute(f"SELECT DISTINCT {column} FROM {table}")
        if value != old and type(value) is type(old)
    ]
    candidates = [_nearby(old, dice), *([dice.choice(others)] if others else [])]
    if table == "outbox" and column == "state":
        candidates = ["done"]
    for value in dice.sample(candidates, len(candidates)):
        with contextlib.suppress(sqlite3.IntegrityError):
            database.execute(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row["place"])
            )
            return value != old
    return False


def _nearby(value: Any, dice: Random) -> Any:
    if isinstance(value, int):
        return value + dice.choice((1, 7))
    if isinstance(value, float):
        return value + 3_600.0
    if value is None:
        return 1_900_000_000.0 if dice.random() < 0.5 else "x"
    raw = value if isinstance(value, bytes) else str(value).encode()
    place = dice.randrange(len(raw)) if raw else 0
    changed = raw[:place] + (b"7" if raw[place : place + 1] != b"7" else b"3") + raw[place + 1 :]
    return changed if isinstance(value, bytes) else changed.decode(errors="replace")


def _put_in(database: sqlite3.Connection, table: str, row: sqlite3.Row, dice: Random) -> bool:
    """The same row once more under another key."""
    names = [name for name in row.keys() if name != "place"]  # noqa: SIM118 (a row is no mapping)
    for _ in range(3):
        values = [
            _nearby(row[name], dice)
            if name in {"id", "key", "person", "number", "seq"}
            else row[name]
            for name in names
        ]
        if table == "effects":
            values = [row[name] + 5 if name == "step" else row[name] for name in names]
        with contextlib.suppress(sqlite3.IntegrityError):
            marks = ",".join("?" * len(names))
            database.execute(f"INSERT INTO {table} ({','.join(names)}) VALUES ({marks})", values)
            return True
    return False


# --- the ledger itself ---------------------------------------------------------------------------------------------------------------


def _ledger_rows(plan: Plan, base: Base, share: float) -> None:
    """What an auditor's handbook lists: edit, take out, put in, swap, cut, cut and grow, rewrite all with a right chain."""
    tampers: dict[str, Callable[[sqlite3.Connection, Random], None]] = {
        "ledger: an entry edited": _edit_entry,
        "ledger: an entry taken out": _take_out,
        "ledger: an entry doubled": _double,
        "ledger: two bodies swapped": _swap,
        "ledger: the tail cut off": _cut_tail,
        "ledger: rewritten whole, with a right chain": _rewrite,
        "ledger: the tail cut and grown anew": _regrow,
    }
    rounds = 0
    while rounds < 1 or plan.left(share) > 0:
        for name, tamper in tampers.items():
            copy = _copy(base, plan.dice)
            with _opened(copy) as database:
                tamper(database, plan.dice)
            _judge(base, copy, plan.begin(name, "D1 D3"), name)
        rounds += 1


def _rows(database: sqlite3.Connection) -> list[sqlite3.Row]:
    return database.execute("SELECT * FROM ledger ORDER BY seq").fetchall()


def _edit_entry(database: sqlite3.Connection, dice: Random) -> None:
    row = dice.choice(_rows(database))
    database.execute(
        "UPDATE ledger SET body = ? WHERE seq = ?", (_nearby(row["body"], dice), row["seq"])
    )


def _take_out(database: sqlite3.Connection, dice: Random) -> None:
    database.execute(
        "DELETE FROM ledger WHERE seq = ?", (dice.choice(_rows(database)[:-1])["seq"],)
    )


def _double(database: sqlite3.Connection, dice: Random) -> None:
    rows = _rows(database)
    row = dice.choice(rows)
    values = (
        len(rows) + 1,
        row["case_id"],
        row["version"] + 1_000,
        row["leaf"],
        row["chain"],
        row["body"],
    )
    database.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", values)


def _swap(database: sqlite3.Connection, dice: Random) -> None:
    one, other = dice.sample(_rows(database), 2)
    database.execute("UPDATE ledger SET body = ? WHERE seq = ?", (one["body"], other["seq"]))
    database.execute("UPDATE ledger SET body = ? WHERE seq = ?", (other["body"], one["seq"]))


def _cut_tail(database: sqlite3.Connection, dice: Random) -> None:
    rows = _rows(database)
    kept = len(rows) - dice.randrange(1, 6)
    database.execute("DELETE FROM ledger WHERE seq > ?", (kept,))
    _chain_anew(database)


def _rewrite(database: sqlite3.Connection, dice: Random) -> None:
    _edit_entry(database, dice)
    _chain_anew(database)


def _regrow(database: sqlite3.Connection, dice: Random) -> None:
    rows = _rows(database)
    _cut_tail(database, dice)
    left = _rows(database)
    for row in rows[len(left) :]:
        body = bytes(row["body"]).replace(b'"actor":"', b'"actor":"x')
        values = (row["seq"], row["case_id"], row["version"], "", "", body)
        database.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", values)
    _chain_anew(database)


def _chain_anew(database: sqlite3.Connection) -> None:
    """Leaves, links and head as a careful forger would leave them."""
    from bot.cases.ledger import GENESIS, Tree, chain_hash, leaf_hash

    tree, link = Tree(), GENESIS
    for row in _rows(database):
        leaf = leaf_hash(bytes(row["body"]))
        tree, link = tree.append(leaf), chain_hash(link, leaf)
        database.execute(
            "UPDATE ledger SET leaf = ?, chain = ? WHERE seq = ?", (leaf.hex(), link, row["seq"])
        )
    peaks = json.dumps([peak.hex() for peak in tree.peaks])
    values = (tree.size, link, peaks)
    database.execute(
        "UPDATE heads SET number = ?, chain = ?, peaks = ? WHERE name = 'ledger'", values
    )


# --- notes, witness, keys -------------------------------------------------------------------------------------------------------------


def _files(plan: Plan, base: Base, share: float) -> None:
    """The folder of checkpoints: each kind of file changed, emptied, taken away, replaced."""
    tampers: dict[str, Callable[[Path, Random], None]] = {
        "note edited": lambda folder, dice: _change_file(dice.choice(_notes(folder)), dice),
        "note taken away": lambda folder, dice: dice.choice(_notes(folder)[:-1]).unlink(),
        "notes swapped": _swap_notes,
        "note emptied": lambda folder, dice: dice.choice(_notes(folder)).write_text(""),
        "witness edited": _edit_witness,
        "witness taken away": lambda folder, dice: (folder / "witness.json").unlink(),
        "witness emptied": lambda folder, dice: (folder / "witness.json").write_text(""),
        "another key": lambda folder, dice: (folder / "key").write_text(dice.randbytes(32).hex()),
        "key emptied": lambda folder, dice: (folder / "key").write_text(""),
    }
    rounds = 0
    while rounds < 1 or plan.left(share) > 0:
        for name, tamper in tampers.items():
            copy = _copy(base, plan.dice)
            tamper(copy / "checkpoints", plan.dice)
            _judge(base, copy, plan.begin(f"checkpoints: {name}", "D2"), name)
        rounds += 1


def _notes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.note"))


def _change_file(path: Path, dice: Random) -> None:
    path.write_bytes(_nearby(path.read_bytes(), dice))


def _swap_notes(folder: Path, dice: Random) -> None:
    one, other = dice.sample(_notes(folder), 2)
    first, second = one.read_text(), other.read_text()
    one.write_text(second)
    other.write_text(first)


def _edit_witness(folder: Path, dice: Random) -> None:
    path = folder / "witness.json"
    plain = json.loads(path.read_text())
    plain["size"] = max(0, plain["size"] - dice.choice((1, 2, -3)))
    path.write_text(json.dumps(plain))


# --- exports ------------------------------------------------------------------------------------------------------------------------------


def _exports(plan: Plan, base: Base, share: float) -> None:
    """Malformed exports and changed ones: the stand-alone verifier says so, and never ends with a traceback."""
    copy = _copy(base, plan.dice)
    folder = copy / "export"
    environment = {
        **base.environment,
        "COUNTERSIGN_DATA_DIR": str(copy),
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{copy / 'countersign.db'}",
    }
    CliRunner().invoke(COUNTERSIGN, ["ledger", "export", str(folder)], env=environment)
    lines = (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    honest, changed = (
        plan.begin("an honest export", "D3"),
        plan.begin("exports that were changed or are malformed", "D3"),
    )
    honest.tried()
    if _verdict(folder, folder / "ledger.jsonl") != 0:
        honest.broke("the verifier finds something in an honest export")
    bent = folder / "bent.jsonl"
    while changed.tries < MIN_MALFORMED or plan.left(share) > 0:
        name, content = _bend(lines, plan.dice)
        if content == b"".join(lines):
            continue
        bent.write_bytes(content)
        changed.tried()
        try:
            status = _verdict(folder, bent)
        except (Exception, RecursionError) as failure:  # noqa: BLE001 (whatever it is, it is the finding)
            changed.broke(
                f"{name}: the verifier ends with {type(failure).__name__}: {failure}"[:160]
            )
            continue
        if status == 0:
            changed.broke(f"{name}: the verifier finds nothing")
    shutil.rmtree(copy)


def _verdict(folder: Path, ledger: Path) -> int:
    key = (folder / "checkpoints" / "public.key").read_text().strip()
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        return int(
            verifier.main([str(ledger), "--checkpoints", str(folder / "checkpoints"), "--key", key])
        )


def _bend(lines: list[bytes], dice: Random) -> tuple[str, bytes]:
    """One thing wrong in the file, from a flipped byte to another type deep inside an entry."""
    sort, place = dice.randrange(9), dice.randrange(len(lines))
    left, line, right = lines[:place], lines[place], lines[place + 1 :]
    if sort == 0:
        raw = b"".join(lines)
        at = dice.randrange(len(raw))
        return "a byte changed", raw[:at] + bytes([raw[at] ^ (1 << dice.randrange(8))]) + raw[
            at + 1 :
        ]
    if sort == 1:
        raw = b"".join(lines)
        return "cut short", raw[: dice.randrange(1, len(raw))]
    if sort == 2:
        return "a line taken out", b"".join([*left, *right])
    if sort == 3:
        strange = (
            b"null\n",
            b"[]\n",
            b"7\n",
            b'"x"\n',
            b"{}\n",
            b"\n",
            b"NaN\n",
            b"[" * 50_000 + b"\n",
            b"\xff\xfe\n",
        )
        return "a line that is no entry", b"".join([*left, dice.choice(strange), *right])
    if sort == 4:
        other = dice.randrange(len(lines))
        swapped = list(lines)
        swapped[place], swapped[other] = swapped[other], swapped[place]
        return "two lines swapped", b"".join(swapped)
    if sort == 5:
        plain = json.loads(line)
        plain[dice.choice(tuple(plain))] = _odd(dice)
        return "a field of a line of another type", b"".join(
            [*left, json.dumps(plain).encode() + b"\n", *right]
        )
    plain = json.loads(line)
    entry = json.loads(plain["entry"])
    where = _replace_inside(entry, dice)
    plain["entry"] = json.dumps(entry)
    changed = [*left, json.dumps(plain).encode() + b"\n", *right]
    if sort > 6:
        changed = _linked_anew(changed)
    return f"{where} of another type{' with a right chain' if sort > 6 else ''}", b"".join(changed)


def _odd(dice: Random) -> Any:
    odd = (None, 7, -1, 10**400, 1.5, True, [], {}, "", "x", [None], {"a": {}}, "\ud800")
    return dice.choice(odd)


def _replace_inside(entry: dict[str, Any], dice: Random) -> str:
    here: Any = entry
    path: list[str] = []
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = dice.choice(keys)
        path.append(str(key))
        inner = here[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.75:
            here = inner
            continue
        if isinstance(here, dict) and dice.random() < 0.25:
            del here[key]
        else:
            here[key] = _odd(dice)
        return ".".join(path)


def _linked_anew(lines: list[bytes]) -> list[bytes]:
    """Leaves and links as they would be if this had been written honestly: only the rules can find it then."""
    link, made = verifier.GENESIS, []
    for line in lines:
        plain = json.loads(line)
        leaf = verifier.sha(b"\x00" + str(plain["entry"]).encode("utf-8", "surrogatepass"))
        link = verifier.sha(link + leaf)
        made.append(json.dumps({**plain, "leaf": leaf.hex(), "chain": link.hex()}).encode() + b"\n")
    return made

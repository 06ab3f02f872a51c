"""Databases of every release, and what happens to them when this one starts: once, by one process, and losing nothing."""

import ast
import contextlib
import json
import sqlite3
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import bot.store.migrations.versions
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.errors import KeyReused, LedgerBroken, SettingsIncomplete
from bot.cases.lifecycle import State
from bot.cases.signal import SignalStatus
from bot.ports.case_queries import CaseFilter
from bot.ports.case_store import ReceiptOutcome
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.derived import rewrite_derived_rows
from bot.store.migrate import LATEST_MIGRATION, migrate, migration_of
from bot.store.migrations.versions import m0008_questions
from bot.store.store import Store
from scheduler.detectors import Detector
from tests.conftest import _create
from tests.fakes.directory import principal
from tests.store.earlier import take_back_0009
from tests.world import World, request

RELEASES = sorted(Path(__file__).parent.glob("at_migration_*.sql"))
# From 0.1.0 on there is one of PostgreSQL, too.
DUMPS = [*RELEASES, *sorted(Path(__file__).parent.glob("postgresql_at_migration_*.sql"))]
MIGRATIONS = sorted(Path(bot.store.migrations.versions.__file__).parent.glob("m0*.py"))
# Migrations that came with a later one: no release ended with them.
NEVER_THE_LAST = {"0004", "0006", "0010", "0011", "0012", "0013", "0014", "0016", "0017", "0018"}
ROOT = Path(__file__).parent.parent.parent
COLUMNS_OF_0008 = {
    "cases": (
        *m0008_questions.CASE_TEXTS,
        *m0008_questions.CASE_NUMBERS,
        *m0008_questions.CASE_TIMES,
        "stake_cents",
    ),
    "questions": m0008_questions.QUESTION_TEXTS,
}


def loaded(dump: Path, folder: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database of that release with cases in flight, as its dump has it."""
    if dump.stem.startswith("postgresql"):
        server, name = request.getfixturevalue("postgres"), f"o{uuid.uuid4().hex[:12]}"
        _create(server, name)
        engine = sa.create_engine(f"{server}/{name}")
        with engine.begin() as connection:
            connection.connection.driver_connection.execute(dump.read_text())
        engine.dispose()
        return f"{server}/{name}"
    with contextlib.closing(sqlite3.connect(folder / "old.db")) as old:
        old.executescript(dump.read_text())
    return f"sqlite:///{folder / 'old.db'}"


def goes_on(database: Database, folder: Path) -> None:
    """Go on with the cases of a dump: all of them end, once, and the ledger holds.

    One is resolved, one in somebody's hands, one approved and not begun; in later dumps a fourth was begun as the process died.
    """
    store = Store.over(database)
    assert replay(store.database).differences == ()
    in_flight = sorted(case.id for case in store.queries.find(CaseFilter(), 10))
    assert in_flight in (["EX-2", "EX-3"], ["EX-2", "EX-3", "EX-4"])
    assert store.queries.count(CaseFilter(is_any=True)) == len(in_flight) + 1
    assert store.queries.is_party(principal("finn"), "EX-2")
    world = World(store)
    world.clock.forward(hours=1)
    if "EX-4" in in_flight:
        # What was begun before the upgrade is looked for first, and found.
        world.house.faults["verify"] = ["landed"]
        ready = sa.update(tables.outbox).where(tables.outbox.c.key == "execute:EX-3:1")
        later = ready.values(run_at=(world.clock() + timedelta(minutes=1)).timestamp())
        store.database.write(lambda unit: unit.connection.execute(later) and None, appends=False)
        world.work()
        assert (world.house.calls, world.house.effects) == (["verify"], [])
        assert store.cases.case("EX-4").state is State.RESOLVED
        world.clock.forward(minutes=2)
    world.work()
    assert (store.cases.case("EX-3").state, store.cases.case("EX-3").activity.drift_reasons) == (
        State.RESOLVED,
        (),
    )
    world.desk.decisions.approve(request("EX-2", principal("omar"), world.seen("EX-2")))
    world.work()
    assert store.cases.case("EX-2").state is State.RESOLVED
    assert len(world.house.effects) == 2
    for case_id in in_flight:
        # Its card shows the end of the case.
        with database.read() as connection:
            row = connection.execute(sa.select(tables.cards).filter_by(case_id=case_id)).one()
        assert int(row.drawn) == store.cases.case(case_id).version
    export(store.ledger, folder / "ledger.jsonl")
    assert verify(str(folder / "ledger.jsonl"))[0] == []
    assert replay(store.database).differences == ()


@pytest.mark.threat("D7")
@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_an_upgrade_loses_nothing_and_asks_nothing_again(dump, tmp_path, request):
    database = Database(loaded(dump, tmp_path, request))
    migrate(database)
    with database.read() as connection:
        assert migration_of(connection) == LATEST_MIGRATION
    goes_on(database, tmp_path)
    database.close()


def test_a_case_that_cannot_be_folded_is_read_as_it_stands_after_an_upgrade(tmp_path):
    """Until 0007 the fields of a case stood side by side."""
    path = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "at_migration_0005.sql").read_text())
        (body,) = old.execute("SELECT body FROM cases WHERE id = 'EX-2'").fetchone()
        # Its ledger says nothing of the repetitions: only the stored case does.
        unknown = json.dumps({**json.loads(body), "count": 7, "drifted": ["it moved"]})
        old.execute("UPDATE cases SET body = ? WHERE id = 'EX-2'", (unknown,))
        old.execute("DROP TRIGGER ledger_no_delete")
        old.execute("DELETE FROM ledger WHERE case_id = 'EX-2' AND version = 2")
        old.commit()
    database = Database(f"sqlite:///{path}")
    migrate(database)
    case = Store.over(database).cases.case("EX-2")
    plan = json.loads(body)["plan"]
    assert (case.activity.signal_count, case.activity.drift_reasons) == (7, ("it moved",))
    assert (case.proposal.plan.actions[0].target, case.timers.sla.decide_by.isoformat()) == (
        plan["actions"][0]["target"],
        json.loads(body)["sla"]["decide_by"].replace("Z", "+00:00"),
    )
    assert [one.id for one in Store.over(database).queries.find(CaseFilter(), 10)] == [
        "EX-2",
        "EX-3",
    ]
    # What questions ask for is filled in from the case as it stands.
    by_text = CaseFilter(text="merlot", owned_by=(case.owner,))
    assert [one.id for one in Store.over(database).queries.find(by_text, 10)] == ["EX-2"]
    database.close()


@pytest.mark.threat("A4")
def test_a_case_in_one_persons_hands_comes_up_for_its_group_after_an_upgrade(world):
    """Earlier releases let it wait on that person alone, who may not be one who may decide it."""
    world.house.failing_lookups.add("look")
    case = world.proposed()
    finn, omar = principal("finn"), principal("omar")
    seen = world.seen(case)
    world.desk.decisions.hand_over(
        request(case.id, omar, seen), to=finn, progress="counted", remains="the order"
    )
    before = sa.update(tables.cases).values(waits_on=f" {finn} ")
    world.store.database.write(lambda unit: unit.connection.execute(before) and None, appends=False)
    assert waiting(world, omar) == []
    world.store.database.write(
        lambda unit: rewrite_derived_rows(unit.connection) and None, appends=False
    )
    assert waiting(world, omar) == waiting(world, finn) == [case.id]
    assert waiting(world, principal("carla")) == []


def waiting(world, who):
    """The queue of this person."""
    return [
        case.id
        for case in world.desk.conversation.queues.waiting_on(
            world.desk.conversation.questions.visibility.viewer(who)
        )[0]
    ]


@pytest.mark.threat("D7")
def test_there_is_a_database_of_every_release_before_this_one():
    all_of_them = {path.stem.removeprefix("m")[:4] for path in MIGRATIONS}
    dumps = {path.stem.removeprefix("at_migration_") for path in RELEASES}
    # The last may be released already, or not yet.
    assert dumps | {LATEST_MIGRATION} == (all_of_them - NEVER_THE_LAST) | {LATEST_MIGRATION}
    on_postgresql = {path.stem[-4:] for path in DUMPS if path not in RELEASES}
    assert on_postgresql == {name for name in dumps if name >= "0015"}


@pytest.mark.threat("D7")
@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.stem)
def test_a_migration_imports_nothing_of_todays_rules(path):
    """Nor does it import by name, or inspect tables other than those that it finds."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names.add(node.module)
        elif isinstance(node, ast.Name):
            assert node.id != "__import__"
    allowed = {*sys.stdlib_module_names, "alembic", "sqlalchemy"} - {"importlib", "runpy"}
    assert {name for name in names if name.split(".")[0] not in allowed} == set()


@pytest.mark.threat("D7")
def test_a_database_of_any_release_gets_what_a_later_release_adds_to_the_projection(
    tmp_path, request
):
    """No migration of before looks at today's tables, or at those of the later release."""
    urls = []
    for dump in DUMPS:
        folder = tmp_path / dump.stem
        folder.mkdir()
        urls.append(loaded(dump, folder, request))
    command = [sys.executable, "-m", "tests.store.later_release", *urls]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    for dump, line in zip(DUMPS, lines, strict=True):
        # The ledger is the truth, also for the new column: every case has it, in flight or not.
        count = 4 if dump.stem[-4:] >= "0015" else 3
        cases = [f"EX-{number}" for number in range(1, count + 1)]
        assert line == " ".join(["9999", *(f"{one}=calm {one}" for one in cases)]), dump.stem


def a_line(process: subprocess.Popen) -> str:
    return process.stdout.readline().strip() or process.stderr.read()[-400:]


@pytest.mark.threat("D8")
@pytest.mark.parametrize("sort", ["sqlite", "postgresql", "repeatable read"])
def test_processes_that_start_together_on_an_empty_database_all_live(sort, request, tmp_path):
    """Also where the server shows a transaction nothing that was committed after its first look."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "tests.store.starting"]
    processes = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(3)]
    try:
        assert [a_line(process) for process in processes] == ["ready"] * 3
        for number in range(2):
            url = f"sqlite:///{tmp_path / f'{number}.db'}"
            if sort != "sqlite":
                server, name = request.getfixturevalue("postgres"), f"e{uuid.uuid4().hex[:12]}"
                _create(server, name)
                url = f"{server}/{name}"
            if sort == "repeatable read":
                limit_server(server, name)
            for process in processes:
                process.stdin.write(f"{url}\n")
                process.stdin.flush()
            assert [a_line(process) for process in processes] == ["done"] * 3
            database = Database(url)
            with database.read() as connection:
                assert migration_of(connection) == LATEST_MIGRATION
                heads = connection.execute(
                    sa.select(sa.func.count()).select_from(tables.heads)
                ).scalar_one()
            database.close()
            assert heads == 3
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def limit_server(server: str, name: str) -> None:
    """Set what an administrator may have set for this database."""
    engine = sa.create_engine(f"{server}/{name}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in (
            "default_transaction_isolation = 'repeatable read'",
            "lock_timeout = '20ms'",
            "statement_timeout = '2s'",
        ):
            connection.execute(sa.text(f"ALTER DATABASE {name} SET {setting}"))
    engine.dispose()


# --- whose trouble it is (0004) ------------------------------------------------------------------------------------------------


@pytest.fixture
def world_of_0003(tmp_path, database_url):
    """A database of the release before, its rows on SQLite or PostgreSQL, upgraded."""
    path = tmp_path / "before.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "sources_at_0003.sql").read_text())
        # The till said "all clear" of a trouble that it had not reported: no case was touched.
        columns = "'till', 'till-0', digest, body, received_at, 'ignored', NULL, fingerprint"
        old.execute(f"INSERT INTO inbox SELECT {columns} FROM inbox WHERE key = 'api-1'")
        old.commit()
    url = f"sqlite:///{path}"
    if not database_url.startswith("sqlite"):
        url = copied(path, database_url)
    database = Database(url)
    migrate(database)
    world = World(Store.over(database))
    world.clock.forward(hours=1)
    yield world
    database.close()


def copied(path, url) -> str:
    """The rows of this SQLite file in the tables of an empty PostgreSQL that has the same ones."""
    engine = sa.create_engine(url)
    with contextlib.closing(sqlite3.connect(path)) as old, engine.begin() as new:
        take_back_0009(new)
        new.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
        # Its index goes with the column.
        new.execute(sa.text("ALTER TABLE outbox DROP COLUMN priority"))
        new.execute(sa.text("CREATE INDEX outbox_by_due ON outbox (state, topic, run_at)"))
        for table, columns in COLUMNS_OF_0008.items():
            for column in columns:
                new.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        names = [
            row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for name in (name for name in names if name != "alembic_version"):
            new.execute(sa.text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
            new.execute(sa.text(f"DELETE FROM {name}"))
            cursor = old.execute(f"SELECT * FROM {name}")
            columns = [column[0] for column in cursor.description]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor]
            if rows:
                places = ", ".join(f":{column}" for column in columns)
                insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})"
                new.execute(sa.text(insert), rows)
            new.execute(sa.text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
    engine.dispose()
    return url


def test_what_an_earlier_release_moved_ahead_by_its_time_is_still_done(world_of_0003):
    """Until 0006 the urgent had an earlier time, and its payload said so."""
    world = world_of_0003
    world.work()
    yesterday = world.clock() - timedelta(days=1)
    values = {
        "key": "card:EX-2",
        "run_at": yesterday.timestamp(),
        "payload": json.dumps({"place": yesterday.timestamp()}),
        "state": "ready",
    }
    row = tables.outbox.c.key == "card:EX-2"
    before = sa.update(tables.outbox).where(row).values(**values)
    world.store.database.write(lambda unit: unit.connection.execute(before) and None, appends=False)
    (message,) = world.store.outbox.claim([Topic.CARD], 1, world.clock(), 30)
    assert (message.key, message.priority) == ("card:EX-2", 0)
    world.lane.handle(message)
    assert world.store.outbox.backlog().keys() <= {"follow_up ready"}


@pytest.mark.threat("A6")
def test_a_case_in_flight_keeps_the_source_that_opened_it(world_of_0003):
    world = world_of_0003
    assert replay(world.store.database).differences == ()
    again = world.receive(world.signal("product:1", key="api-1b"))
    assert (again.outcome, again.case_id) == (ReceiptOutcome.COUNTED, "EX-1")
    other = world.receive(world.signal("product:1", source="till", key="till-2"))
    assert (other.outcome, other.case_id) == (ReceiptOutcome.OPENED, "EX-5")
    stranger = world.signal("product:1", source="till", key="till-3", status=SignalStatus.CLEAR)
    assert world.receive(stranger).case_id == "EX-5"
    assert world.store.cases.case("EX-1").state is State.PROPOSED
    own = world.signal("product:1", key="api-1c", status=SignalStatus.CLEAR)
    assert (world.receive(own).case_id, world.store.cases.case("EX-1").state) == (
        "EX-1",
        State.CLEARED,
    )
    group = {"source": "alertmanager", "kind": "service_alert", "group": "f1"}
    assert world.receive(world.signal("HighLatency:till-5", key="f1@2", **group)).case_id == "EX-3"
    assert replay(world.store.database).differences == ()


@pytest.mark.threat("A6")
def test_what_was_sent_before_the_upgrade_is_still_a_duplicate_after_it(world_of_0003):
    world = world_of_0003
    at = world.store.cases.case("EX-1").signal.occurred_at
    same = world.signal("product:1", key="api-1", occurred_at=at)
    assert world.receive(same).outcome is ReceiptOutcome.DUPLICATE
    with pytest.raises(KeyReused):
        world.receive(replace(same, title="something else"))


@pytest.mark.threat("A6")
def test_a_detectors_row_is_the_same_signal_after_the_upgrade_and_clears_its_case(world_of_0003):
    world = world_of_0003
    row = {"subject": "product:2", "title": "Chablis is running low", "product_id": 2}
    row |= {"product": "Chablis", "on_hand": 4, "quantity": 24, "at_risk": 312.5}
    world.house.rows = [row]
    book = world.library.book
    detector = Detector(
        playbook=book,
        detection=book.detection,
        systems={"house": world.house},
        queries=world.store.queries,
        intake=world.desk.intake,
        clock=world.clock,
    )
    count = world.store.cases.case("EX-2").activity.signal_count
    assert (detector.poll(), world.store.cases.case("EX-2").activity.signal_count) == (0, count)
    world.house.rows = []
    detector.poll()
    assert world.store.cases.case("EX-2").state is State.CLEARED
    world.house.rows = [row]
    detector.poll()
    assert world.store.cases.case("EX-2").activity.signal_count == count + 1


@pytest.mark.threat("A6")
def test_all_clears_that_met_no_case_are_marked_where_their_trouble_is_known(world_of_0003):
    query = sa.text("SELECT source, key, fingerprint FROM inbox WHERE case_id IS NULL ORDER BY key")
    with world_of_0003.store.database.read() as connection:
        rows = {row.key: row.fingerprint for row in connection.execute(query)}
    till = world_of_0003.signal("product:1", source="till")
    # Nothing is known of product:9 and of the takings but these words: they stay as they were.
    assert {key: value[:8] for key, value in rows.items()} == {
        "api-9": "a9861cdc",
        "till-0": till.fingerprint[:8],
        "w-1": "e6257b21",
    }


def changed(store, statement: str) -> None:
    with store.database.engine.begin() as connection:
        connection.execute(sa.text(statement))


@pytest.mark.threat("D1")
def test_a_database_that_does_not_say_its_release_says_what_to_do(store):
    changed(store, "DELETE FROM alembic_version")
    with pytest.raises(
        SettingsIncomplete, match="does not say of which release it is.*put back the row"
    ):
        migrate(store.database)


@pytest.mark.threat("D1")
def test_a_ledger_without_its_head_says_what_to_do(store):
    changed(store, "UPDATE heads SET name = 'another' WHERE name = 'ledger'")
    with pytest.raises(LedgerBroken, match="head of the ledger is gone.*restore a backup"):
        store.ledger.head()
    with pytest.raises(LedgerBroken, match="head of the ledger is gone"):
        World(store).receive()

"""Three roles on PostgreSQL, as the documentation grants them: one owns, one works, one signs and can do nothing else."""

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import settings as configuration
from bot.audit.checkpoints import Checkpoints, Witness
from bot.cases.errors import SettingsIncomplete
from bot.checkpoint_keeper import checkpoint_problems, open_keeper
from bot.store import tables
from bot.store.database import Database
from bot.store.migrate import must_be_migrated
from bot.store.store import Store
from tests.conftest import SAMPLE_ENVIRONMENT, _create
from tests.world import World

pytestmark = pytest.mark.threat("D4")
OPERATING = Path(__file__).parent.parent.parent / "docs/operating.md"


def grants() -> list[str]:
    """The statements of docs/operating.md."""
    block = re.search(r"\n\n((?:    .*\n)*    CREATE ROLE(?:.*\n)+?)\n", OPERATING.read_text())[1]
    return [" ".join(one.split()) for one in block.split(";") if one.strip()]


@pytest.fixture
def roles(postgres):
    """A database whose owner has granted what is documented; gives the URL of each role."""
    name = f"r{uuid.uuid4().hex[:12]}"
    _create(postgres, name, "template_countersign")
    owner = sa.create_engine(f"{postgres}/{name}", isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        known = set(connection.execute(sa.text("SELECT rolname FROM pg_roles")).scalars())
        for statement in grants():
            if statement.startswith("CREATE ROLE") and statement.split()[2] in known:
                continue
            connection.exec_driver_sql(statement)
    owner.dispose()
    bare = f"{postgres}/{name}"
    urls = {
        role: bare.replace("countersign@", f"countersign_{role}@") for role in ("app", "signer")
    }
    return {"owner": bare, **urls}


def refused(url: str, statement: str) -> bool:
    engine = sa.create_engine(url)
    try:
        with (
            pytest.raises(sa.exc.ProgrammingError, match="permission denied|must be owner"),
            engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
    return True


def test_the_app_works_with_what_it_is_granted_and_cannot_rewrite_the_ledger(roles):
    database = Database(roles["app"])
    must_be_migrated(database)
    world = World(Store.over(database))
    case = world.proposed()
    world.approve(case)
    world.work()
    assert world.case(case).state.name == "RESOLVED"
    database.close()
    for statement in (
        "UPDATE ledger SET chain = ''",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "DROP TRIGGER ledger_no_change ON ledger",
        "ALTER TABLE ledger DISABLE TRIGGER ALL",
        "DROP TABLE ledger",
    ):
        assert refused(roles["app"], statement)


def test_the_signer_signs_and_can_write_nothing(roles, tmp_path):
    database = Database(roles["app"])
    World(Store.over(database)).receive()
    database.close()
    reading = Database(roles["signer"])
    must_be_migrated(reading)
    assert Checkpoints(tmp_path / "cp", "log").sign(Store.over(reading).ledger).size == 1
    reading.close()
    for table in tables.metadata.sorted_tables:
        assert refused(roles["signer"], f"DELETE FROM {table.name}")
        assert refused(roles["signer"], f"INSERT INTO {table.name} DEFAULT VALUES")
        column = table.columns[0].name
        assert refused(roles["signer"], f"UPDATE {table.name} SET {column} = {column}")
    assert (
        refused(roles["signer"], "CREATE TABLE mine (x int)")
        if _is_closed(roles["owner"])
        else True
    )


def _is_closed(url: str) -> bool:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        open_to_all = connection.execute(
            sa.text("SELECT has_schema_privilege('countersign_signer', 'public', 'CREATE')")
        ).scalar_one()
    engine.dispose()
    return not open_to_all


def test_the_app_cannot_read_the_key(roles, tmp_path):
    folder = tmp_path / "cp"
    Checkpoints(folder, "log")
    assert refused(roles["app"], f"SELECT pg_read_file('{folder / 'key'}')")
    assert (folder / "key").stat().st_mode & 0o077 == 0
    if os.geteuid() == 0 and shutil.which("setpriv"):
        # Even where the folder itself is open, as it must be for a bot that reads the witness.
        for path in (tmp_path, *tmp_path.parents[:2], folder):
            path.chmod(0o755)
        stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat"]
        done = {
            name: subprocess.run([*stranger, folder / name], capture_output=True)
            for name in ("key", "public.key")
        }
        assert (done["key"].stdout, done["key"].returncode) == (b"", 1)


def test_the_signer_is_a_process_of_its_own_and_the_bot_only_compares(roles, tmp_path):
    """The real command, under the role that only reads, while the app writes; and a bot without a key that sees its notes."""
    folder = tmp_path / "signer"
    environment = {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "nothing"),
        "COUNTERSIGN_DATABASE_URL": roles["signer"],
        "COUNTERSIGN_CHECKPOINTS_DIR": str(folder),
        "COUNTERSIGN_ORIGIN": "log",
    }
    database = Database(roles["app"])
    world = World(Store.over(database))
    world.receive()
    command = [sys.executable, "-m", "bot", "ledger", "checkpoint", "--every", "1s"]
    signer = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: notes(folder) == ["000001-1.note"])
        world.receive(world.signal("product:2"))
        until(lambda: notes(folder) == ["000001-1.note", "000002-2.note"])
    finally:
        signer.terminate()
        said = signer.communicate(timeout=300)[1]
    assert (signer.returncode, "Traceback" in said) == (0, False), said
    settings = configuration.load(
        {
            **SAMPLE_ENVIRONMENT,
            **environment,
            "COUNTERSIGN_DATABASE_URL": roles["app"],
            "COUNTERSIGN_CHECKPOINTS": "elsewhere",
        }
    )
    keeper = open_keeper(settings, world.store, world.clock)
    assert type(keeper.witness) is Witness
    keeper.sign()
    assert (keeper.compare().is_behind, notes(folder)) == (
        False,
        ["000001-1.note", "000002-2.note"],
    )
    assert not (tmp_path / "nothing" / "checkpoints").exists()
    database.close()


def notes(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.note"))


def until(true) -> None:
    ends = time.monotonic() + 120
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_reader_does_not_migrate(postgres):
    name = f"r{uuid.uuid4().hex[:12]}"
    _create(postgres, name)
    database = Database(f"{postgres}/{name}")
    with pytest.raises(SettingsIncomplete, match="as the role that writes"):
        must_be_migrated(database)
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    database.close()


def test_a_bot_that_cannot_read_the_signers_folder_says_so(small_world, tmp_path):
    settings = configuration.load(
        {
            **SAMPLE_ENVIRONMENT,
            "COUNTERSIGN_DATA_DIR": str(tmp_path),
            "COUNTERSIGN_DATABASE_URL": small_world.store.database.url,
            "COUNTERSIGN_CHECKPOINTS": "elsewhere",
            "COUNTERSIGN_CHECKPOINTS_DIR": str(tmp_path / "not there"),
        }
    )
    (problem,) = checkpoint_problems(settings, small_world.store)
    assert "a restored backup would not be seen" in problem


@pytest.mark.parametrize(("name", "value"), [("COUNTERSIGN_CHECKPOINTS", "sometimes")])
def test_a_setting_that_is_neither_is_refused(name, value):
    with pytest.raises(SettingsIncomplete, match="must be one of on, elsewhere"):
        configuration.load({**SAMPLE_ENVIRONMENT, name: value})

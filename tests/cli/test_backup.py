"""``countersign backup`` and ``countersign restore``: whole, verified, and paused until somebody has looked."""

import contextlib
import errno
import hashlib
import json
import shutil
import sqlite3
import stat
import tarfile
import threading
import uuid

import pytest
import typer

from bot.audit.checkpoints import Checkpoints
from bot.audit.replay import replay
from bot.cases.errors import LedgerBroken, Refusal, SettingsIncomplete
from bot.cases.lifecycle import State
from bot.cli import ledger as ledger_commands
from bot.cli.backup import backup, restore
from bot.cli.doctor import doctor
from bot.clock import utc_now
from bot.settings import load_offline
from bot.storage import RESTORE_MARK, open_store
from bot.store import copies
from bot.store.database import Database
from bot.store.migrate import LATEST_MIGRATION
from bot.store.store import Store
from tests.conftest import _create
from tests.fakes.clock import FakeClock
from tests.servers import drop_database
from tests.store.dying import NEVER, run_until_killed
from tests.world import World

pytestmark = pytest.mark.threat("A5")


@pytest.fixture
def place(tmp_path, monkeypatch, database_url):
    """A machine with its settings, over SQLite or PostgreSQL."""
    return Place(tmp_path, monkeypatch, database_url)


class Place:
    """What a machine has: a data folder, and a database."""

    def __init__(self, folder, monkeypatch, url) -> None:
        self.folder, self.url, self._monkeypatch = folder, url, monkeypatch
        self.move("first", url)

    def move(self, name, url) -> None:
        """Go on with another data folder and another database."""
        self.data, self.url = self.folder / name, url
        self.checkpoints = self.data / "checkpoints"
        self._monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(self.data))
        self._monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", url)

    @contextlib.contextmanager
    def world(self, outside=None):
        database = Database(self.url)
        try:
            # The commands go by the real time.
            clock = outside.clock if outside else FakeClock(utc_now())
            yield World(Store.over(database), outside=outside, clock=clock)
        finally:
            database.close()

    def behind(self) -> bool:
        with self.world() as world:
            return world.store.desk_controls.load().is_behind


@pytest.fixture
def empty_url(request, database_url, tmp_path):
    """An empty database of the same sort."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'second.db'}"
        return
    server, name = request.getfixturevalue("postgres"), f"b{uuid.uuid4().hex[:12]}"
    _create(server, name)
    yield f"{server}/{name}"
    drop_database(server, name)


def test_what_was_done_after_the_backup_is_looked_for_and_not_repeated(
    place, empty_url, tmp_path, capsys
):
    with place.world() as world:
        first, second = world.proposed(), world.receive(world.signal("product:2"))
        world.work()
        world.approve(first)
        world.work()
        # Approved and in hand as the backup is made.
        world.approve(world.store.cases.case(second.case_id))
        backup(tmp_path / "backup")
        world.work()
        assert world.case(first).state is State.RESOLVED
        done = list(world.house.effects)
        assert len(done) == 2
        lost = world.receive(world.signal("product:3"))
    assert "The signing key is not in it" in capsys.readouterr().out

    # The machine is lost, with all that was signed on it; its outside systems are not.
    place.move("second", empty_url)
    restore(tmp_path / "backup")
    text = " ".join(capsys.readouterr().out.split())
    assert "Everything is paused" in text
    assert "The key that signs them was not backed up" in text
    assert place.behind()
    with place.world(outside=world) as again:
        again.clock.forward(hours=1)
        again.work()
        assert again.house.effects == done
        assert again.store.cases.case(second.case_id).state is not State.RESOLVED
        # Numbers that somebody may have seen are not used again.
        new = again.receive(again.signal("product:9", key="later"))
        assert int(new.case_id[3:]) > int(lost.case_id[3:]) + 900
    with pytest.raises(typer.Exit):
        doctor(as_json=True)
    assert "ledger acknowledge" in capsys.readouterr().out

    shutil.copy(tmp_path / "first" / "checkpoints" / "key", place.checkpoints / "key")
    ledger_commands.acknowledge(note="compared the stock")
    assert not place.behind()
    with place.world(outside=world) as again:
        again.work()
        case = again.store.cases.case(second.case_id)
        assert (case.state, again.house.effects) == (State.RESOLVED, done)
        assert replay(again.store.database).differences == ()
    capsys.readouterr()
    with pytest.raises(typer.Exit) as exit_:
        ledger_commands.verify(as_json=True)
    assert (exit_.value.exit_code, json.loads(capsys.readouterr().out)["findings"]) == (0, [])


def test_a_backup_has_the_hash_of_every_file_and_no_private_key(place, tmp_path):
    with place.world() as world:
        world.proposed()
    backup(tmp_path / "backup")
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    files = {
        path.relative_to(tmp_path / "backup").as_posix()
        for path in (tmp_path / "backup").rglob("*")
        if path.is_file()
    }
    assert set(manifest["files"]) == files - {"manifest.json"}
    assert (manifest["migration"], manifest["has_keys"]) == (LATEST_MIGRATION, False)
    key = (place.checkpoints / "key").read_text().strip()
    for name in files:
        assert key.encode() not in (tmp_path / "backup" / name).read_bytes(), name
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o700


def test_with_keys_a_restored_machine_signs_on_with_the_same_key(place, empty_url, tmp_path):
    with place.world() as world:
        world.proposed()
    backup(tmp_path / "all.tar.gz", with_keys=True)
    assert stat.S_IMODE((tmp_path / "all.tar.gz").stat().st_mode) == 0o600
    public = Checkpoints(place.checkpoints, "countersign").public_key
    place.move("second", empty_url)
    restore(tmp_path / "all.tar.gz", key=public)
    assert stat.S_IMODE((place.checkpoints / "key").stat().st_mode) == 0o600
    ledger_commands.acknowledge(note="nothing was done since")
    assert Checkpoints(place.checkpoints, "countersign").public_key == public
    with pytest.raises(typer.Exit) as exit_:
        ledger_commands.verify(key=public)
    assert exit_.value.exit_code == 0


def test_nothing_is_restored_over_something(place, tmp_path):
    with place.world() as world:
        world.proposed()
        backup(tmp_path / "backup")
        before = world.store.ledger.head()
        with pytest.raises(Refusal, match="is not empty"):
            restore(tmp_path / "backup")
        assert world.store.ledger.head() == before
    with pytest.raises(Refusal, match="already exists"):
        backup(tmp_path / "backup")


@pytest.mark.parametrize("name", ["database", "note", "added", "missing"])
def test_a_changed_backup_is_refused_before_anything_is_written(place, empty_url, tmp_path, name):
    with place.world() as world:
        world.proposed()
    backup(tmp_path / "backup")
    (note,) = (tmp_path / "backup" / "checkpoints").glob("*.note")
    database = next((tmp_path / "backup").glob("database.*"))
    if name == "missing":
        note.unlink()
    elif name == "added":
        (tmp_path / "backup" / "checkpoints" / "000009-9.note").write_text("x")
    else:
        changed = {"database": database, "note": note}[name]
        content = bytearray(changed.read_bytes())
        content[len(content) // 2] ^= 1
        changed.write_bytes(content)
    place.move("second", empty_url)
    with pytest.raises(Refusal, match="is not what was backed up"):
        restore(tmp_path / "backup")
    copies.require_empty(empty_url)
    assert not place.checkpoints.exists()


def test_an_archive_that_ends_too_soon_is_refused_with_a_reason(place, empty_url, tmp_path):
    with place.world():
        pass
    archive = tmp_path / "backup.tar.gz"
    backup(archive)
    archive.write_bytes(archive.read_bytes()[:3_000])
    place.move("second", empty_url)
    with pytest.raises(Refusal, match="cannot be read as a backup: Compressed file ended"):
        restore(archive, key="")
    assert not (place.data / RESTORE_MARK).exists()


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"format": "countersign backup 1"}'])
def test_another_manifest_is_refused_without_words_of_the_program(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(Refusal, match=r"of a backup \(it is another one\)$"):
        restore(tmp_path, key="")


def test_a_disk_without_room_for_a_copy_keeps_nothing_of_it(tmp_path, monkeypatch):
    def fill_up(source, target):
        target.write_bytes(source.read_bytes()[:10])
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    copy = tmp_path / copies.SQLITE_COPY
    copy.write_bytes(b"SQLite format 3")
    monkeypatch.setattr(copies.shutil, "copyfile", fill_up)
    target = tmp_path / "place" / "countersign.db"
    with pytest.raises(OSError, match="No space left"):
        copies.load_copy(copy, f"sqlite:///{target}", environment={})
    assert list(target.parent.iterdir()) == []


def test_a_backup_that_somebody_rewrote_whole_does_not_verify_and_stays_paused(
    tmp_path, monkeypatch, empty_sqlite
):
    """Its hashes agree with each other; the ledger does not agree with its checkpoints."""
    shutil.copy(empty_sqlite, tmp_path / "countersign.db")
    place = Place(tmp_path, monkeypatch, f"sqlite:///{tmp_path / 'countersign.db'}")
    with place.world() as world:
        world.proposed()
    backup(tmp_path / "backup")
    path = tmp_path / "backup" / "database.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("DROP TRIGGER ledger_no_update")
        database.execute("UPDATE ledger SET body = CAST(replace(body, 'Merlot', 'Medoc!') AS BLOB)")
        database.commit()
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    manifest["files"]["database.sqlite"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "backup" / "manifest.json").write_text(json.dumps(manifest))
    place.move("second", f"sqlite:///{tmp_path / 'second.db'}")
    with pytest.raises(LedgerBroken, match="stays paused"):
        restore(tmp_path / "backup")
    assert place.behind()


def test_a_backup_is_of_one_moment_while_others_write(place, empty_url, tmp_path):
    with place.world() as world:
        world.proposed()
        begun, stop = threading.Event(), threading.Event()

        def write() -> None:
            number = 10
            while not stop.is_set():
                world.receive(world.signal(f"product:{number}"))
                number += 1
                begun.set()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert begun.wait(60)
            backup(tmp_path / "backup.tar")
        finally:
            stop.set()
            writer.join()
        size = world.store.ledger.head()[0]
    with tarfile.open(tmp_path / "backup.tar") as tar:
        manifest = json.load(tar.extractfile("./manifest.json"))
    assert 3 < manifest["entries"] <= size
    place.move("second", empty_url)
    # It verifies every entry and link.
    restore(tmp_path / "backup.tar")
    with place.world() as world:
        assert replay(world.store.database).differences == ()


def test_an_own_library_is_in_the_backup_and_its_secrets_are_not(place, tmp_path, monkeypatch):
    library = tmp_path / "library"
    (library / "playbooks").mkdir(parents=True)
    (library / "policy.yml").write_text("currency: EUR\n")
    (library / ".env").write_text("SLACK_BOT_TOKEN=secret\n")
    monkeypatch.setenv("COUNTERSIGN_LIBRARY_DIR", str(library))
    backup(tmp_path / "backup")
    assert (tmp_path / "backup" / "library" / "policy.yml").read_text() == "currency: EUR\n"
    assert not (tmp_path / "backup" / "library" / ".env").exists()


def test_without_the_programs_of_postgresql_a_backup_says_what_is_missing(
    postgres, tmp_path, monkeypatch
):
    monkeypatch.setattr(copies, "POSTGRESQL_FOLDERS", tmp_path)
    monkeypatch.setattr(copies.shutil, "which", lambda name: None)
    name = f"b{uuid.uuid4().hex[:12]}"
    _create(postgres, name, "template_countersign")
    Place(tmp_path, monkeypatch, f"{postgres}/{name}")
    with pytest.raises(Refusal, match="pg_dump is not on this machine"):
        backup(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    drop_database(postgres, name)


def test_a_backup_of_the_other_sort_and_no_backup_are_refused(place, tmp_path, empty_sqlite):
    backup(tmp_path / "backup")
    other = "postgresql+psycopg://x@127.0.0.1/x"
    if not place.url.startswith("sqlite"):
        other = f"sqlite:///{tmp_path / 'other.db'}"
    database = next((tmp_path / "backup").glob("database.*"))
    with pytest.raises(Refusal, match="an empty database of the same sort"):
        copies.load_copy(database, other, environment={})
    (tmp_path / "nothing").mkdir()
    with pytest.raises(Refusal, match="has no manifest"):
        restore(tmp_path / "nothing")
    (tmp_path / "nothing.tar").write_text("x")
    with pytest.raises(Refusal, match="cannot be read as a backup"):
        restore(tmp_path / "nothing.tar")


@pytest.mark.proof
def test_a_restoration_that_is_killed_at_every_point_acts_on_nothing_and_ends_paused(
    place, empty_url, tmp_path
):
    with place.world() as world:
        world.proposed()
    backup(tmp_path / "backup", with_keys=True)
    place.move("second", empty_url)
    environment = {"COUNTERSIGN_DATABASE_URL": place.url, "COUNTERSIGN_DATA_DIR": str(place.data)}
    for fatal in range(1, NEVER):
        arguments = ("restore", fatal, str(tmp_path / "backup"))
        if run_until_killed(*arguments, environment=environment) == 0:
            break
        # Killed: nothing opens what is not paused yet.
        with pytest.raises(SettingsIncomplete, match="restoration was interrupted"):
            open_store(load_offline())
    assert fatal > 8
    assert place.behind()
    with place.world() as world:
        kinds = [json.loads(bytes(row.body))["type"] for row in world.store.ledger.rows()]
        assert kinds.count("ledger.behind") == 1
        assert replay(world.store.database).differences == ()
    ledger_commands.acknowledge(note="nothing was done since")
    assert not place.behind()


def test_an_interrupted_restoration_goes_on_with_the_same_backup_alone(place, tmp_path):
    with place.world() as world:
        world.proposed()
    backup(tmp_path / "backup")
    (place.data / RESTORE_MARK).write_text("the link of another backup")
    with pytest.raises(Refusal, match="another backup was interrupted"):
        restore(tmp_path / "backup")

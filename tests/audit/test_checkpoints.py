"""The folder of checkpoints: whoever dies while it is written leaves it whole, and what was signed is never forgotten."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock

from bot.audit import checkpoints as subject
from bot.audit.checkpoints import Checkpoints, Witness
from bot.audit.export import export
from bot.audit.verifier import verify
from bot.cases.errors import LedgerBroken, SettingsIncomplete
from bot.store import tables
from tests.waiting import wait_until

pytestmark = pytest.mark.threat("D2")


def signed(world, folder: Path, times: int = 1) -> Checkpoints:
    """A folder with so many notes over a ledger that grows."""
    for number in range(times):
        world.receive(world.signal(f"product:{number}"))
        Checkpoints(folder, "log").sign(world.store.ledger)
    return Checkpoints(folder, "log")


def findings(world, folder: Path) -> list[str]:
    export(world.store.ledger, folder.parent / "log.jsonl")
    return verify(
        str(folder.parent / "log.jsonl"), str(folder), Checkpoints(folder, "log").public_key
    )[0]


@pytest.mark.threat("D9")
def test_a_signer_says_so_while_another_process_has_the_folder(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(subject, "REPORT_INTERVAL_SECONDS", 0.01)
    public_key = Checkpoints(tmp_path, "log").public_key
    with ThreadPoolExecutor(1) as pool:
        # What another process has, whether it works or is stopped.
        with FileLock(tmp_path / "lock"):
            opening = pool.submit(Checkpoints, tmp_path, "log")
            wait_until(lambda: caplog.messages, "a line about the wait")
        assert opening.result(60).public_key == public_key
    assert caplog.messages[0] == (
        f"another process has {tmp_path / 'lock'}; look whether it is stopped"
    )


class Died(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("before", [0, 1, 2])
def test_whoever_dies_while_signing_leaves_no_alarm(small_world, tmp_path, monkeypatch, before, at):
    """At each file that is written, before and after it is in its place."""
    folder = tmp_path / "cp"
    checkpoints = signed(small_world, folder, before)
    writes, count = subject._write_durably, iter(range(100))

    def dying(path, text, **more):
        if next(count) == at:
            raise Died
        writes(path, text, **more)
        if next(count) == at:
            raise Died

    monkeypatch.setattr(subject, "_write_durably", dying)
    small_world.receive(small_world.signal("product:last"))
    with pytest.raises(Died):
        checkpoints.sign(small_world.store.ledger)
    monkeypatch.setattr(subject, "_write_durably", writes)
    for number in range(2):
        Checkpoints(folder, "log").sign(small_world.store.ledger)
        assert findings(small_world, folder) == []
        small_world.receive(small_world.signal(f"product:later {number}"))
    assert Witness(folder, "log").compare(small_world.store.ledger) is None


@pytest.mark.parametrize("before", [0, 1])
def test_a_note_that_an_older_release_left_without_a_memory_of_it_is_adopted(
    small_world, tmp_path, before
):
    """It wrote the note first and its memory of it afterwards; a death in between was an alarm for ever."""
    folder = tmp_path / "cp"
    signed(small_world, folder, before)
    memory = (folder / "witness.json").read_text() if before else ""
    signed(small_world, folder)
    (folder / "witness.json").write_text(memory) if before else (folder / "witness.json").unlink()
    assert Witness(folder, "log").compare(small_world.store.ledger) is None
    signed(small_world, folder)
    assert findings(small_world, folder) == []
    assert len(list(folder.glob("*.note"))) == before + 2


def test_a_newer_note_that_the_ledger_does_not_grow_from_is_not_adopted(small_world, tmp_path):
    folder = tmp_path / "cp"
    checkpoints = signed(small_world, folder)
    memory = (folder / "witness.json").read_text()
    tree = subject.Tree().extend([b"x" * 32, b"y" * 32])
    (folder / "000002-2.note").write_text(checkpoints._sign_note(tree, ""))
    (folder / "witness.json").write_text(memory)
    small_world.receive(small_world.signal("another"))
    with pytest.raises(LedgerBroken, match="not a continuation"):
        Checkpoints(folder, "log").sign(small_world.store.ledger)
    assert Witness(folder, "log").compare(small_world.store.ledger).size == 2


def test_a_newer_note_that_another_key_signed_is_nothing(small_world, tmp_path):
    folder = tmp_path / "cp"
    signed(small_world, folder)
    other = signed(small_world, tmp_path / "other")
    tree = subject.Tree().extend([b"x" * 32, b"y" * 32])
    (folder / "000002-2.note").write_text(other._sign_note(tree, ""))
    assert Witness(folder, "log").compare(small_world.store.ledger) is None


@pytest.mark.parametrize("content", ["", "\n", "0011", "not hex", "00" * 40])
def test_a_key_that_was_not_finished_is_made_anew_while_nothing_was_signed_with_it(
    small_world, tmp_path, content
):
    folder = tmp_path / "cp"
    folder.mkdir()
    (folder / "key").write_text(content)
    (folder / "public.key").write_text("")
    checkpoints = signed(small_world, folder)
    assert (folder / "public.key").read_text().strip() == checkpoints.public_key
    assert findings(small_world, folder) == []
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "0011", None])
def test_a_lost_key_says_what_to_do_when_notes_were_signed_with_it(small_world, tmp_path, content):
    folder = tmp_path / "cp"
    public = signed(small_world, folder).public_key
    (folder / "key").write_text(content) if content is not None else (folder / "key").unlink()
    with pytest.raises(SettingsIncomplete, match="Put it back from a backup"):
        Checkpoints(folder, "log")
    assert (folder / "public.key").read_text().strip() == public


def test_a_folder_of_another_name_says_what_to_set_and_nothing_is_signed(small_world, tmp_path):
    folder = tmp_path / "cp"
    signed(small_world, folder)
    small_world.receive(small_world.signal("product:2"))
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    for reader in (Witness, Checkpoints):
        with pytest.raises(
            SettingsIncomplete, match="'log', not of 'shop': set COUNTERSIGN_ORIGIN=log"
        ):
            reader(folder, "shop")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    assert Checkpoints(folder, "log").sign(small_world.store.ledger) is not None


def test_a_damaged_memory_says_what_to_do(small_world, tmp_path):
    folder = tmp_path / "cp"
    signed(small_world, folder)
    for damage in ("", "{", "[]", '{"size": 1}', '{"size": 1, "peaks": ["x"], "number": 1}'):
        (folder / "witness.json").write_text(damage)
        with pytest.raises(LedgerBroken, match="put it back from a backup"):
            Checkpoints(folder, "log").sign(small_world.store.ledger)


def test_a_memory_of_an_older_release_is_read(small_world, tmp_path):
    folder = tmp_path / "cp"
    signed(small_world, folder)
    stored = json.loads((folder / "witness.json").read_text())
    assert stored["cases"] == 1
    (folder / "witness.json").write_text(
        json.dumps({name: stored[name] for name in ("number", "size", "peaks")})
    )
    signed(small_world, folder, 2)
    assert findings(small_world, folder) == []


def test_processes_that_share_a_folder_sign_one_after_the_other(small_world, tmp_path):
    """Each a process of its own, all at once: every note has a number of its own, and none is missing."""
    folder = tmp_path / "cp"
    for number in range(3):
        small_world.receive(small_world.signal(f"product:{number}"))
    code = (
        "import sys; from pathlib import Path; from bot.audit.checkpoints import Checkpoints;"
        "from bot.store.database import Database; from bot.store.store import Store;"
        "store = Store.over(Database(sys.argv[1]));"
        "Checkpoints(Path(sys.argv[2]), 'log').sign(store.ledger); store.database.close()"
    )
    command = [sys.executable, "-c", code, small_world.store.database.url, str(folder)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate(timeout=300)[1], process.returncode) for process in both] == [
        ("", 0)
    ] * 2
    assert [path.name for path in folder.glob("*.note")] == ["000001-3.note"]
    assert findings(small_world, folder) == []


def test_a_witness_needs_no_key(small_world, tmp_path):
    folder = tmp_path / "cp"
    signed(small_world, folder)
    (folder / "key").unlink()
    assert Witness(folder, "log").compare(small_world.store.ledger) is None


def test_nothing_new_is_signed_once(small_world, tmp_path):
    small_world.receive()
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    assert checkpoints.sign(small_world.store.ledger).size == 1
    assert checkpoints.sign(small_world.store.ledger) is None


def test_the_signer_refuses_a_ledger_that_shrank_or_changed(small_world, tmp_path):
    for number in range(3):
        small_world.receive(small_world.signal(f"product:{number}"))
    checkpoints = Checkpoints(tmp_path / "cp", "log")
    checkpoints.sign(small_world.store.ledger)
    with small_world.store.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_delete")
        connection.execute(sa.delete(tables.ledger).where(tables.ledger.c.seq == 3))
        connection.execute(
            sa.update(tables.heads).where(tables.heads.c.name == "ledger").values(number=2)
        )
    with pytest.raises(LedgerBroken, match="entries were taken away"):
        checkpoints.sign(small_world.store.ledger)


def test_the_signer_refuses_when_its_memory_was_taken(small_world, tmp_path):
    for number in range(2):
        small_world.receive(small_world.signal(f"product:{number}"))
        Checkpoints(tmp_path / "cp", "log").sign(small_world.store.ledger)
    (tmp_path / "cp" / "witness.json").unlink()
    with pytest.raises(LedgerBroken, match="put it back from a backup"):
        Checkpoints(tmp_path / "cp", "log").sign(small_world.store.ledger)


def test_the_key_is_its_owners_alone(tmp_path):
    Checkpoints(tmp_path / "cp", "log")
    assert (tmp_path / "cp" / "key").stat().st_mode & 0o077 == 0


def test_the_last_note_of_ours_is_found_behind_a_forged_one(small_world, tmp_path):
    folder = tmp_path / "cp"
    signed(small_world, folder, 3)
    latest = Witness(folder, "log").latest()
    assert latest is not None
    assert (latest.number, latest.size) == (3, small_world.store.ledger.head()[0])
    (folder / "000009-999.note").write_text("log\n999\nAAAA\n\n— log AAAA\n")
    assert Witness(folder, "log").latest() == latest
    (tmp_path / "empty").mkdir()
    assert Witness(tmp_path / "empty", "log").latest() is None
